from dataclasses import replace
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
import pytest
import torch
from clips import write_film
from dumped import CUT, FAST, FRAMES, LUMA, arrays, lines, same_files

from vidcolor import ColorScript, FrameDump, Hint, colorize_video, replay_frames
from vidcolor.color.bins import BIN_COUNT, decode_annealed_mean
from vidcolor.dump.stages import STAGES
from vidcolor.models import zoo
from vidcolor.settings import (
    RefineSettings,
)

NOT_ALWAYS = {"evidence", "regions"}
"""Stages of films that are directed or refined."""


def test_luma_is_dumped_as_decoded(whole_dump: Path) -> None:
    """The luma of each frame is that of the film."""
    for number, luma in enumerate(LUMA):
        np.testing.assert_array_equal(arrays(whole_dump, number, "luma")["luma"], luma)


def test_histograms_are_those_of_the_stages(whole_dump: Path) -> None:
    """Smoothed histograms are the net's blended with the moved past by the share dumped."""
    rows, columns = np.indices((16, 24), np.float32)
    before = np.zeros((BIN_COUNT, 16, 24), np.float32)
    for number in range(FRAMES):
        net, smooth = (arrays(whole_dump, number, stage) for stage in ("net", "smooth"))
        fresh = net["probabilities"].astype(np.float32)
        smoothed = smooth["probabilities"].astype(np.float32)
        assert fresh.shape == (BIN_COUNT, 16, 24)
        np.testing.assert_allclose(fresh.sum(0), 1, atol=2e-3)
        share = smooth["past_share"]
        if number not in {0, CUT}:
            dx, dy = arrays(whole_dump, number, "flow")["displacement"]
            x, y = np.clip(columns + dx, 0, 23), np.clip(rows + dy, 0, 15)
            past = np.stack([cv2.remap(one, x, y, cv2.INTER_LINEAR) for one in before])
            np.testing.assert_allclose(smoothed, fresh + share * (past - fresh), atol=0.01)
        before = smoothed
        assert 0.2 < share.mean() < 1


def test_what_is_told_of_a_histogram_is_true(whole_dump: Path) -> None:
    """Top bin, its probability, entropy and color are those of the map; float16 is near enough."""
    model = zoo.load_model("lite", "cpu")
    for stage in ("net", "smooth"):
        found = arrays(whole_dump, 12, stage)
        map_ = found["probabilities"].astype(np.float32)
        np.testing.assert_allclose(found["top_probability"], map_.max(0), rtol=1e-3)
        chosen = np.take_along_axis(map_, found["top_bin"][None].astype(np.int64), 0)[0]
        np.testing.assert_allclose(chosen, map_.max(0), rtol=1e-3)
        ab, entropy = decode_annealed_mean(torch.from_numpy(map_), 0.0, model.decoding)
        np.testing.assert_allclose(found["entropy"], entropy[0].numpy(), atol=0.02)
        gain = lines(whole_dump)[12]["gain"] if stage == "smooth" else 1
        assert 1 <= gain < 1.25
        np.testing.assert_allclose(found["ab"], gain * ab.numpy(), atol=0.4)


def test_chroma_is_what_the_film_has(whole_dump: Path) -> None:
    """The dumped chroma is that of the lossless film; before the limit it is as far or farther."""
    with av.open(str(whole_dump.parent / "out.mkv")) as container:
        for number, frame in enumerate(container.decode(video=0)):
            found = arrays(whole_dump, number, "chroma")
            for index, name in enumerate(("cb", "cr"), start=1):
                plane = frame.planes[index]
                codes = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width]
                np.testing.assert_array_equal(found[name], codes)
                distance = np.abs(found[name].astype(int) - 128)
                unlimited = np.abs(found[f"{name}_unlimited"].astype(int) - 128)
                assert np.all(distance <= unlimited)
                shared = found["gamut_share"] * (found[f"{name}_unlimited"].astype(float) - 128)
                assert np.abs(found[name] - 128.0 - shared).max() <= 1.01
    assert number == FRAMES - 1


def test_each_frame_has_its_line(whole_dump: Path) -> None:
    """Number, times, shot, cut score, figures and times of the stages stand in order."""
    found = lines(whole_dump)
    assert [line["frame"] for line in found] == list(range(FRAMES))
    assert [line["shot"] for line in found] == [int(n >= CUT) for n in range(FRAMES)]
    assert [line["seconds"] for line in found] == [n / 25 for n in range(FRAMES)]
    scores = [(line["cut_difference"], line["cut_ratio"]) for line in found]
    assert max(range(FRAMES), key=scores.__getitem__) == CUT
    assert scores[CUT][0] > 15
    assert scores[CUT][1] > 3
    for line in found:
        assert line["aspect"] == 1.5
        assert list(line["figures"]) == [stage for stage in STAGES if stage not in NOT_ALWAYS]
        assert set(line["times"]) == {*STAGES, "encode", "dump"} - {"flow", *NOT_ALWAYS, "final"}
        assert line["times"]["net"] > 0
        assert line["figures"]["luma"]["mean_code"] == pytest.approx(LUMA[line["frame"]].mean())


def test_every_view_is_a_picture(whole_dump: Path) -> None:
    """All pictures named are there and of the size of what they show; no other file is left."""
    line = lines(whole_dump)[5]
    folder = whole_dump / line["folder"]
    npz = {f"{stage}.npz" for stage in STAGES if stage not in {*NOT_ALWAYS, "final"}}
    assert {file.name for file in folder.iterdir()} == {*line["views"], *line["histograms"], *npz}
    assert cv2.imread(str(folder / "final.png")).shape == (64, 96, 3)
    assert cv2.imread(str(folder / "net-entropy.png")).shape == (16, 24, 3)
    gray = cv2.imread(str(folder / "luma.png"), cv2.IMREAD_UNCHANGED)
    assert np.corrcoef(gray.ravel(), LUMA[5].ravel())[0, 1] > 0.999
    assert {path.name for path in whole_dump.iterdir() if path.is_file()} == {
        "dump.json", "frames.js", "frames.jsonl", "index.html",
    }  # fmt: skip


def test_a_turned_film_is_shown_upright(tmp_path: Path) -> None:
    """All pictures of a film that plays on its side stand, whatever size they have."""
    film = write_film(tmp_path / "film.mp4", LUMA[:3], codec="libx264", rotation=90)
    replay_frames(film, FrameDump(tmp_path / "d", "1"), FAST)
    (line,) = lines(tmp_path / "d")
    assert line["aspect"] == pytest.approx(2 / 3)
    for name in line["views"]:
        height, width = cv2.imread(str(tmp_path / "d" / line["folder"] / name)).shape[:2]
        assert height > width
    seen = cv2.imread(str(tmp_path / "d" / "000001" / "lightness.png"), 0)
    luma = cv2.resize(cv2.imread(str(tmp_path / "d" / "000001" / "luma.png"), 0), seen.shape[::-1])
    assert np.corrcoef(seen.ravel(), luma.ravel())[0, 1] > 0.98


def test_what_a_script_says_is_a_stage_of_its_own(two_shots: Path, tmp_path: Path) -> None:
    """Where a hint lies it decides, elsewhere the net; shots without any have no such stage."""
    hint = Hint(frame="1", color="#a02020", box=(0, 0, 0.5, 1))
    script = ColorScript(hints=(hint,))
    dump = FrameDump(tmp_path / "a", f"1,{CUT + 2}", stages="evidence,final")
    colorize_video(two_shots, tmp_path / "out.mkv", FAST, dump=dump, script=script)
    found = arrays(tmp_path / "a", 1, "evidence")
    columns = found["share"].shape[1]
    assert found["share"][:, : columns // 2 - 1].min() > 0.9
    assert found["share"][:, columns // 2 + 1 :].max() == 0
    assert found["ab"][0, 2, 2] > 30
    first, second = lines(tmp_path / "a")
    assert {"evidence-ab.png", "evidence-share.png"} <= set(first["views"])
    assert first["figures"]["evidence"]["share"] == pytest.approx(0.49, abs=0.05)
    assert "evidence" not in second["figures"]


@pytest.mark.parametrize(("method", "name"), [("flood", "labels"), ("scribble", "seeds")])
def test_refinement_hands_over_its_regions(
    two_shots: Path, tmp_path: Path, method: Literal["flood", "scribble"], name: str
) -> None:
    """What refinement made on the way is a stage of its own, and a replay of it is alike."""
    settings = replace(FAST, refine=RefineSettings(method=method))
    dump = FrameDump(tmp_path / "a", "12")
    colorize_video(two_shots, tmp_path / "out.mkv", settings, dump=dump)
    replay_frames(two_shots, FrameDump(tmp_path / "b", "12"), settings)
    assert arrays(tmp_path / "a", 12, "regions").keys() == {name}
    assert f"regions-{name}.png" in lines(tmp_path / "a")[0]["views"]
    assert same_files(tmp_path / "a" / "000012", tmp_path / "b" / "000012")
