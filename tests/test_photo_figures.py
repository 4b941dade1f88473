import json
import sys
import tarfile
from pathlib import Path

import cv2
import evaluate
import numpy as np
import photo_sheet
import pytest
import torch
from photo_figures import measure_photographs, read_photographs

from vidcolor.color.lab import lab_from_srgb
from vidcolor.errors import SourceError
from vidcolor.evaluation.photos import mean_figures, measure_shown
from vidcolor.models import zoo

SKIN_BGR = (98, 134, 198)
HEAD = "archive\tmember\tleft\ttop\twidth\theight\n"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photographs of two sources in a tar file, the last with a face; tables beside it."""
    rng = np.random.default_rng(0)
    with tarfile.open(tmp_path / "val.tar", "w") as archive:
        for number, width in enumerate((96, 64, 96)):
            cells = rng.integers(40, 200, (4, width // 16, 3), np.uint8)
            picture = cv2.resize(cells, (width, 64), interpolation=cv2.INTER_CUBIC)
            picture[16:48, 16:48] = SKIN_BGR
            cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
            archive.add(tmp_path / f"{number}.png", f"{number}.png")
    (tmp_path / "faces.tsv").write_text(f"{HEAD}val.tar\t2.png\t0.2\t0.3\t0.3\t0.4\n")
    (tmp_path / "sources.tsv").write_text(
        'member\tshard\tsource_repo\n0.png\tval.tar\tone\n1.png\t"val\tone\n2.png\tval.tar\tother\n'
    )
    return tmp_path / "val.tar"


def test_photographs_know_their_name_source_and_skin(photos: Path) -> None:
    """Those of one size come together, each with what the tables say of it."""
    found = read_photographs(
        photos, 10, 64, film=False,
        faces=photos.with_name("faces.tsv"), sources=photos.with_name("sources.tsv"),
    )  # fmt: skip
    assert [(p.name, p.source, p.skin is not None) for p in found] == [
        ("1.png", "one", False), ("0.png", "one", False), ("2.png", "other", True),
    ]  # fmt: skip
    alone = read_photographs(
        photos, 2, 64, film=False, faces=photos.with_name("faces.tsv"), sources=None
    )
    assert [p.source for p in alone] == ["1.png", "0.png"]


def test_figures_of_skin_are_those_of_its_pixels() -> None:
    """On skin shown 40 units redder all glares and the rest does not; the error is the skin's."""
    srgb = (torch.tensor(SKIN_BGR[::-1]) / 255)[:, None, None].expand(3, 32, 32).contiguous()
    skin = torch.zeros(32, 32, dtype=torch.bool)
    skin[:, :16] = True
    truth = lab_from_srgb(srgb)
    ab = truth[1:].clone()
    ab[:, :, :16] *= 1 + 40 / ab[:, 0, 0].norm()
    figures = measure_shown(srgb, srgb[:1], ab, skin)
    assert (figures["skin_glare_30"], figures["glare_30"]) == (100, 50)
    assert (figures["skin_glare_50"], figures["skin_left_grey"]) == (0, 0)
    assert figures["skin_ciede2000"] == pytest.approx(2 * figures["ciede2000"], rel=1e-4)
    assert "skin_glare_30" not in measure_shown(srgb, srgb[:1], ab)


def test_saturation_scales_the_median_chroma(photos: Path) -> None:
    """Which is how colors come to a told median in one step."""
    found = read_photographs(
        photos, 10, 64, film=False, faces=photos.with_name("faces.tsv"), sources=None
    )
    colors = [lab_from_srgb(p.pair[0])[1:] for p in found]
    once, thrice = (measure_photographs(found, colors, gain) for gain in (1.0, 3.0))
    for plain, strong in zip(once, thrice, strict=True):
        assert strong["median_chroma"] == pytest.approx(3 * plain["median_chroma"])
        assert plain["median_chroma"] == pytest.approx(plain["truth_median_chroma"], rel=1e-4)


def test_means_pass_over_pictures_without_a_figure() -> None:
    """A picture that lacks a figure, or has NaN, does not enter its mean."""
    rows = [{"a": 1.0, "b": float("nan")}, {"a": 3.0, "b": 4.0, "c": 5.0}]
    assert mean_figures(rows) == {"a": 2, "b": 4, "c": 5}


def test_what_is_seen_is_printed_and_written(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A net beside itself: its figures by look, and a difference that is surely none."""
    twin = str(Path(zoo.__file__).with_name(zoo.PACKAGED["lite"]))
    written = photos.with_name("figures.json")
    monkeypatch.setattr(sys, "argv", [
        "evaluate.py", str(photos), "--models", "lite", twin, "--shown-only", "--device", "cpu",
        "--short-side", "64", "--faces", str(photos.with_name("faces.tsv")), "--sources",
        str(photos.with_name("sources.tsv")), "--median-chroma", "8", "--json", str(written),
    ])  # fmt: skip
    evaluate.main()
    shown = json.loads(written.read_text())["shown"]
    assert (shown["pictures"], shown["sources"]) == (3, 2)
    told = shown["median chroma 8"]["models"]["lite"]["median_chroma"]
    assert told[0] == pytest.approx(8, rel=1e-3)
    assert {"grey", "lite"} <= shown["default"]["models"].keys()
    mean, low, high = shown["default"]["models"]["grey"]["left_grey"]
    assert low <= mean <= high
    assert shown["default"]["differences"][f"{twin} - lite"]["ciede2000"] == [0, 0, 0]
    printed = capsys.readouterr().out
    assert "| skin_glare_30 |" in printed
    assert "saturation: lite" in printed


def test_a_sheet_has_a_row_a_model_under_the_truth(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chosen members in the order asked for, the truth on top, bands below each other."""
    sheet = photos.with_name("sheet.png")
    monkeypatch.setattr(sys, "argv", [
        "photo_sheet.py", str(sheet), str(photos), "--models", "lite", "--device", "cpu",
        "--members", "2.png", "1.png", "--side", "64", "--across", "1",
    ])  # fmt: skip
    photo_sheet.main()
    drawn = cv2.imread(str(sheet))
    assert drawn is not None
    label = 16
    assert drawn.shape == (label + 2 * (label + 2 * 64), 64, 3)
    assert np.abs(drawn[2 * label + 32, 21].astype(int) - SKIN_BGR).max() <= 3


def test_photographs_are_chosen_by_name_or_evenly() -> None:
    """The first and the last are among those spread; a member that is not there is named."""
    names = [f"{n}.png" for n in range(10)]
    assert photo_sheet.choose(names, [], 4) == [0, 3, 6, 9]
    assert photo_sheet.choose(names, ["7.png", "2.png"], 4) == [7, 2]
    with pytest.raises(SourceError, match=r"x\.png: no such photograph"):
        photo_sheet.choose(names, ["x.png"], 4)
