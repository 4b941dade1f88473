import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal

import av
import cv2
import numpy as np
import pytest
import torch
from clips import CLIPS, SAMPLE, Extras, needs_clips, small_disk, soft_shot, write_film
from numpy.typing import NDArray

from vidcolor import FrameDump, colorize_video, replay_frames
from vidcolor.color.bins import BIN_COUNT, decode_annealed_mean
from vidcolor.dump.stages import STAGES
from vidcolor.errors import OutputError, SourceError, VidcolorError
from vidcolor.models import zoo
from vidcolor.models.zoo import load_model
from vidcolor.settings import (
    ColorSettings,
    ModelSettings,
    OutputSettings,
    RefineSettings,
    Settings,
    TemporalSettings,
)

FAST = Settings(
    model=ModelSettings(device="cpu", render_size=64, batch_size=4),
    color=ColorSettings(saturation=1.3),
    temporal=TemporalSettings(every=1),
    output=OutputSettings(lossless=True, overwrite=True),
)
CUT = 9
FRAMES = 20

load_once = cache(load_model)


@pytest.fixture(autouse=True)
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is loaded once for all tests."""
    monkeypatch.setattr(zoo, "load_model", load_once)


LUMA = [*soft_shot(1, CUT), *soft_shot(2, FRAMES - CUT)]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of two shots."""
    return write_film(tmp_path_factory.mktemp("film") / "film.mkv", LUMA)


@pytest.fixture(scope="module")
def whole(film: Path) -> Path:
    """Every frame dumped as the film was colorized."""
    folder = film.parent / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo, "load_model", load_once)
        colorize_video(film, film.parent / "out.mkv", FAST, dump=FrameDump(folder, "0-19"))
    return folder


def arrays(folder: Path, frame: int, stage: str) -> dict[str, NDArray[Any]]:
    """What a stage made of a frame."""
    with np.load(folder / f"{frame:06}" / f"{stage}.npz", allow_pickle=False) as found:
        return dict(found)


def lines(folder: Path) -> list[dict[str, Any]]:
    """The line of each frame."""
    return [json.loads(text) for text in (folder / "frames.jsonl").read_text().splitlines()]


def test_luma_is_dumped_as_decoded(whole: Path) -> None:
    """The luma of each frame is that of the film."""
    for number, luma in enumerate(LUMA):
        np.testing.assert_array_equal(arrays(whole, number, "luma")["luma"], luma)


def test_histograms_are_those_of_the_stages(whole: Path) -> None:
    """Smoothed histograms are the net's blended with the moved past by the share dumped."""
    rows, columns = np.indices((16, 24), np.float32)
    before = np.zeros((BIN_COUNT, 16, 24), np.float32)
    for number in range(FRAMES):
        net, smooth = (arrays(whole, number, stage) for stage in ("net", "smooth"))
        fresh = net["probabilities"].astype(np.float32)
        smoothed = smooth["probabilities"].astype(np.float32)
        assert fresh.shape == (BIN_COUNT, 16, 24)
        np.testing.assert_allclose(fresh.sum(0), 1, atol=2e-3)
        share = smooth["past_share"]
        if number not in {0, CUT}:
            dx, dy = arrays(whole, number, "flow")["displacement"]
            x, y = np.clip(columns + dx, 0, 23), np.clip(rows + dy, 0, 15)
            past = np.stack([cv2.remap(one, x, y, cv2.INTER_LINEAR) for one in before])
            np.testing.assert_allclose(smoothed, fresh + share * (past - fresh), atol=0.01)
        before = smoothed
        assert 0.2 < share.mean() < 1


def test_what_is_told_of_a_histogram_is_true(whole: Path) -> None:
    """Top bin, its probability, entropy and color are those of the map; float16 is near enough."""
    model = load_once("lite", "cpu")
    for stage in ("net", "smooth"):
        found = arrays(whole, 12, stage)
        map_ = found["probabilities"].astype(np.float32)
        np.testing.assert_allclose(found["top_probability"], map_.max(0), rtol=1e-3)
        chosen = np.take_along_axis(map_, found["top_bin"][None].astype(np.int64), 0)[0]
        np.testing.assert_allclose(chosen, map_.max(0), rtol=1e-3)
        ab, entropy = decode_annealed_mean(torch.from_numpy(map_), 0.0, model.decoding)
        np.testing.assert_allclose(found["entropy"], entropy[0].numpy(), atol=0.02)
        gain = lines(whole)[12]["gain"] if stage == "smooth" else 1
        assert 1 <= gain < 1.25
        np.testing.assert_allclose(found["ab"], gain * ab.numpy(), atol=0.4)


def test_chroma_is_what_the_film_has(whole: Path) -> None:
    """The dumped chroma is that of the lossless film; before the limit it is as far or farther."""
    with av.open(str(whole.parent / "out.mkv")) as container:
        for number, frame in enumerate(container.decode(video=0)):
            found = arrays(whole, number, "chroma")
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


def test_each_frame_has_its_line(whole: Path) -> None:
    """Number, times, shot, cut score, figures and times of the stages stand in order."""
    found = lines(whole)
    assert [line["frame"] for line in found] == list(range(FRAMES))
    assert [line["shot"] for line in found] == [int(n >= CUT) for n in range(FRAMES)]
    assert [line["seconds"] for line in found] == [n / 25 for n in range(FRAMES)]
    scores = [(line["cut_difference"], line["cut_ratio"]) for line in found]
    assert max(range(FRAMES), key=scores.__getitem__) == CUT
    assert scores[CUT][0] > 15
    assert scores[CUT][1] > 3
    for line in found:
        assert line["aspect"] == 1.5
        assert list(line["figures"]) == [stage for stage in STAGES if stage != "regions"]
        assert set(line["times"]) == {*STAGES, "encode", "dump"} - {"flow", "regions", "final"}
        assert line["times"]["net"] > 0
        assert line["figures"]["luma"]["mean_code"] == pytest.approx(LUMA[line["frame"]].mean())


def test_every_view_is_a_picture(whole: Path) -> None:
    """All pictures named are there and of the size of what they show; no other file is left."""
    line = lines(whole)[5]
    folder = whole / line["folder"]
    npz = {f"{stage}.npz" for stage in STAGES if stage not in {"regions", "final"}}
    assert {file.name for file in folder.iterdir()} == {*line["views"], *line["histograms"], *npz}
    assert cv2.imread(str(folder / "final.png")).shape == (64, 96, 3)
    assert cv2.imread(str(folder / "net-entropy.png")).shape == (16, 24, 3)
    gray = cv2.imread(str(folder / "luma.png"), cv2.IMREAD_UNCHANGED)
    assert np.corrcoef(gray.ravel(), LUMA[5].ravel())[0, 1] > 0.999
    assert {path.name for path in whole.iterdir() if path.is_file()} == {
        "dump.json", "frames.js", "frames.jsonl", "index.html",
    }  # fmt: skip


def same_files(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files, byte for byte."""
    names = {path.name for path in one.iterdir()}
    return names == {path.name for path in other.iterdir()} and all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in names
    )


@pytest.mark.parametrize("frames", ["0", "7", "19", "3,12", "8-10", "0.48s", "00:00:00:17"])
def test_a_replay_gives_the_same_bytes(
    film: Path, whole: Path, tmp_path: Path, frames: str
) -> None:
    """Frames gone through alone are bit for bit those of the whole run, and told alike."""
    result = replay_frames(film, FrameDump(tmp_path / "dump", frames), FAST)
    found = lines(tmp_path / "dump")
    assert result.frames == len(found) > 0
    told = {line["frame"]: line for line in lines(whole)}
    for line in found:
        assert same_files(tmp_path / "dump" / line["folder"], whole / line["folder"])
        for line_ in (line, told[line["frame"]]):
            line_.pop("times")
        assert line == told[line["frame"]]


def test_a_replay_colorizes_only_what_it_needs(film: Path, tmp_path: Path) -> None:
    """From the shot's first frame to the last chosen one in it; no film is written."""
    told: list[tuple[int, int]] = []
    result = replay_frames(
        film, FrameDump(tmp_path / "dump", "12"), FAST, progress=lambda *now: told.append(now)
    )
    assert result.colorized == 12 - CUT + 1
    assert told == [(count, 1) for count in range(1, 5)]
    assert {path.name for path in tmp_path.iterdir()} == {"dump"}


def test_a_frame_that_the_network_was_not_asked_about(film: Path, tmp_path: Path) -> None:
    """It has no histograms of the network, its colors all come from the past, and that is told."""
    settings = replace(FAST, temporal=TemporalSettings(every=3))
    colorize_video(film, tmp_path / "a.mkv", settings, dump=FrameDump(tmp_path / "a", "0-19"))
    replay_frames(film, FrameDump(tmp_path / "b", "13"), settings)
    told = lines(tmp_path / "a")
    shots = range(CUT), range(FRAMES - CUT)
    spared = [place % 3 != 0 for shot in shots for place in shot]
    assert [line["spared"] for line in told] == spared
    for number, line in enumerate(told):
        assert (tmp_path / "a" / line["folder"] / "net.npz").exists() != spared[number]
        share = arrays(tmp_path / "a", number, "smooth")["past_share"]
        assert (share == 1).all() == spared[number]
    assert same_files(tmp_path / "a" / "000013", tmp_path / "b" / "000013")


def test_a_replay_goes_through_the_shot_returned_to(tmp_path: Path) -> None:
    """A shot that begins with an earlier one's colors gets them in a replay too."""
    shot = soft_shot(1, 18)
    film = write_film(tmp_path / "film.mkv", shot[:9] + soft_shot(2, 5) + shot[9:])
    colorize_video(film, tmp_path / "a.mkv", FAST, dump=FrameDump(tmp_path / "a", "15"))
    result = replay_frames(film, FrameDump(tmp_path / "b", "15"), FAST)
    assert same_files(tmp_path / "a" / "000015", tmp_path / "b" / "000015")
    assert lines(tmp_path / "b")[0]["returns_to"] == 0
    assert result.colorized == 9 + 2


@needs_clips
def test_random_frames_of_archive_film_replay_alike(tmp_path: Path) -> None:
    """In grain, flicker and real cuts as well: three random frames, at the usual size."""
    source = CLIPS / "archive" / "abomb_1950s_army.mp4"
    settings = replace(FAST, model=ModelSettings(device="cpu"), duration_seconds=Fraction(5))
    picked = sorted(np.random.default_rng(3).choice(145, 3, replace=False).tolist())
    text = ",".join(map(str, picked))
    colorize_video(source, tmp_path / "a.mkv", settings, dump=FrameDump(tmp_path / "a", text))
    replay_frames(source, FrameDump(tmp_path / "b", text), settings)
    assert [line["frame"] for line in lines(tmp_path / "b")] == picked
    for number in picked:
        assert same_files(tmp_path / "a" / f"{number:06}", tmp_path / "b" / f"{number:06}")


def test_without_a_dump_the_film_is_the_same(film: Path, whole: Path, tmp_path: Path) -> None:
    """Looking inside changes nothing of the film."""
    result = colorize_video(film, tmp_path / "out.mkv", FAST)
    assert result.path.read_bytes() == (whole.parent / "out.mkv").read_bytes()


def test_few_bins_are_enough_for_some(film: Path, whole: Path, tmp_path: Path) -> None:
    """With top_k a histogram keeps its likeliest bins, by number and probability."""
    replay_frames(film, FrameDump(tmp_path / "d", "4", stages="net", top_k=7), FAST)
    found, full = arrays(tmp_path / "d", 4, "net"), arrays(whole, 4, "net")
    assert found["bins"].shape == found["probabilities"].shape == (7, 16, 24)
    taken = np.take_along_axis(full["probabilities"], found["bins"].astype(np.int64), 0)
    np.testing.assert_array_equal(found["probabilities"], taken)
    np.testing.assert_array_equal(found["probabilities"], -np.sort(-full["probabilities"], 0)[:7])
    np.testing.assert_array_equal(found["entropy"], full["entropy"])


def test_only_the_stages_named_are_dumped(film: Path, tmp_path: Path) -> None:
    """Others leave no file, but their times."""
    replay_frames(film, FrameDump(tmp_path / "d", "4", stages=["final", "luma"]), FAST)
    files = {file.name for file in (tmp_path / "d" / "000004").iterdir()}
    assert files == {"luma.npz", "luma.png", "final.png"}
    assert lines(tmp_path / "d")[0]["times"]["net"] > 0


def test_a_later_dump_is_added_to_the_folder(film: Path, tmp_path: Path) -> None:
    """Frames of the same film in the same settings gather; one that comes again is replaced."""
    for frames, stages in (("9", STAGES), ("3", "luma"), ("9", "luma")):
        replay_frames(film, FrameDump(tmp_path / "d", frames, stages=stages), FAST)
    assert [line["frame"] for line in lines(tmp_path / "d")] == [3, 9]
    assert {file.name for file in (tmp_path / "d" / "000009").iterdir()} == {"luma.npz", "luma.png"}


def test_a_renamed_film_is_the_same_film(film: Path, tmp_path: Path) -> None:
    """A film is known by what is in it."""
    replay_frames(film, FrameDump(tmp_path / "d", "3", stages="luma"), FAST)
    moved = tmp_path / "moved.mkv"
    moved.write_bytes(film.read_bytes())
    replay_frames(moved, FrameDump(tmp_path / "d", "4", stages="luma"), FAST)
    assert [line["frame"] for line in lines(tmp_path / "d")] == [3, 4]


def contents(folder: Path) -> dict[Path, bytes]:
    """All files below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_holds_one_film_in_one_way(film: Path, tmp_path: Path) -> None:
    """Another film, other settings and what is no dump are refused, and stay as they are."""
    replay_frames(film, FrameDump(tmp_path / "d", "3", stages="luma"), FAST)
    before = contents(tmp_path / "d")
    with pytest.raises(OutputError, match=r"d: holds a dump of another film, film\.mkv; name"):
        replay_frames(SAMPLE, FrameDump(tmp_path / "d", "3"), FAST)
    vivid = replace(FAST, color=ColorSettings(vividness=0.5))
    told = r"made otherwise \(saturation 1.3, now 1.0, vividness 0.0, now 0.5\); name another fold"
    with pytest.raises(OutputError, match=told):
        replay_frames(film, FrameDump(tmp_path / "d", "3"), vivid)
    assert contents(tmp_path / "d") == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    for path in (tmp_path / "mine", tmp_path / "mine" / "letter.txt"):
        with pytest.raises(OutputError, match="exists and is no dump; name a new or empty folder"):
            replay_frames(film, FrameDump(path, "3"), FAST)
    assert contents(tmp_path / "mine") == {tmp_path / "mine" / "letter.txt": b"dear"}


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        ("20", "20 lies beyond its end; it has 20 frames, 0 to 19, in 0.80 s"),
        ("3,15-22", "15-22 lies beyond its end"),
        ("0.8s", "0.8s lies beyond its end"),
        ("1734-1740,2", "1734-1740 lies beyond its end; it has about 20 frames"),
        ("00:00:00:20", "00:00:00:20 lies beyond its end"),
    ],
)
def test_frames_beyond_the_film_are_refused(
    film: Path, tmp_path: Path, frames: str, told: str
) -> None:
    """One line names what lies beyond and how long the film is; nothing is dumped."""
    with pytest.raises(SourceError, match=told) as caught:
        replay_frames(film, FrameDump(tmp_path / "d", frames), FAST)
    assert str(caught.value).startswith(f"{film}: --dump-frames ")
    assert not list(tmp_path.glob("d/0*"))


def test_a_film_that_ends_early_is_written_and_the_miss_told(tmp_path: Path) -> None:
    """What a header promised and the film has not is told at the end; film and dump are whole."""
    film = write_film(tmp_path / "film.mkv", LUMA)
    data = film.read_bytes()
    film.write_bytes(data[: len(data) * 6 // 10])
    dump = FrameDump(tmp_path / "d", "2,19", stages="luma")
    with pytest.raises(SourceError, match="--dump-frames 19 lies beyond its end"):
        colorize_video(film, tmp_path / "out.mkv", FAST, dump=dump)
    assert [line["frame"] for line in lines(tmp_path / "d")] == [2]
    assert (tmp_path / "out.mkv").exists()


def test_a_piece_has_numbers_of_its_own_and_the_films_times(film: Path, tmp_path: Path) -> None:
    """From a start on, frames are counted from there, and seconds from the film's beginning."""
    piece = replace(FAST, start_seconds=Fraction("0.4"))
    replay_frames(film, FrameDump(tmp_path / "d", "1,0.52s", stages="luma"), piece)
    assert [(line["frame"], line["seconds"]) for line in lines(tmp_path / "d")] == [
        (1, 0.44),
        (3, 0.52),
    ]
    np.testing.assert_array_equal(arrays(tmp_path / "d", 1, "luma")["luma"], LUMA[11])
    with pytest.raises(SourceError, match=r"0\.2s lies outside the part that is colorized"):
        replay_frames(film, FrameDump(tmp_path / "e", "0.2s", stages="luma"), piece)


def test_times_of_a_film_with_variable_rate(tmp_path: Path) -> None:
    """A time means the frame on screen then, however long it stays."""
    pts = [100, 140, 500, 540, 1500]
    film = write_film(tmp_path / "f.mkv", LUMA[:5], pts=pts, time_base=Fraction(1, 1000))
    dump = FrameDump(tmp_path / "d", "0.3s,0.6s-1.3999s", stages="luma")
    replay_frames(film, dump, FAST)
    assert [line["frame"] for line in lines(tmp_path / "d")] == [1, 3]


def test_timecodes_are_the_films_own(tmp_path: Path) -> None:
    """The timecode in a film's tags is where its first frame stands."""
    film = write_film(
        tmp_path / "film.mkv", LUMA, extras=Extras(video_metadata={"timecode": "10:00:00:20"})
    )
    replay_frames(film, FrameDump(tmp_path / "d", "10:00:01:05", stages="luma"), FAST)
    assert [line["frame"] for line in lines(tmp_path / "d")] == [10]


@needs_clips
@pytest.mark.parametrize(
    ("name", "timecode"),
    [
        ("made-mxf-op1a-mpeg2-422-576i-tff-tc-2mono.mxf", "10:00:00:03"),
        ("made-prores-tmcd-2mono24.mov", "01:00:00:03"),
        ("made-ffv1-10bit-576i-tff-pcm24.mkv", "01:00:00:02"),
    ],
)
def test_timecodes_of_archive_masters(tmp_path: Path, name: str, timecode: str) -> None:
    """MXF, QuickTime and Matroska masters keep them in three ways."""
    dump = FrameDump(tmp_path / "d", timecode, stages="luma")
    replay_frames(CLIPS / "formats" / name, dump, replace(FAST, force=True))
    assert [line["frame"] for line in lines(tmp_path / "d")] == [int(timecode[-2:])]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for 600 kB."""
    with small_disk(tmp_path, "600k") as disk:
        yield disk


def test_a_dump_that_cannot_fit_is_refused_before_any_work(film: Path, tiny_disk: Path) -> None:
    """The line says how much room the frames take and what would take less."""
    with pytest.raises(OutputError, match=r"d: 20 frames take about .* GB, and .* are free; dump"):
        replay_frames(film, FrameDump(tiny_disk / "d", "0-19"), FAST)
    assert not list(tiny_disk.iterdir())


def test_a_full_disk_leaves_whole_frames(
    film: Path, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk fills up in mid-film one line tells, and only whole frames stay."""
    monkeypatch.setattr(FrameDump, "_check_room", lambda _: None)
    with pytest.raises(OutputError, match="d: the disk is full; make room, dump fewer frames"):
        replay_frames(film, FrameDump(tiny_disk / "d", "0-19", stages="chroma,final"), FAST)
    whole = {
        "chroma.npz",
        "chroma.png",
        "chroma-before-limit.png",
        "chroma-limited.png",
        "final.png",
    }
    folders = [path for path in (tiny_disk / "d").iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        assert whole == {file.name for file in folder.iterdir()}
        assert all(file.stat().st_size for file in folder.iterdir())


@pytest.mark.parametrize("frames", ["", "9-7", "x"])
def test_frames_that_mean_nothing_are_an_error_at_once(frames: str) -> None:
    """A dump cannot be made for what is no selection."""
    with pytest.raises(ValueError, match=r"no frame|ends before"):
        FrameDump("d", frames)


@pytest.mark.parametrize("top_k", [0, 314])
def test_there_are_313_bins_to_keep(top_k: int) -> None:
    """More bins than there are, or none, cannot be kept."""
    with pytest.raises(ValueError, match=f"top_k is {top_k}; it must be from 1 to 313"):
        FrameDump("d", "1", top_k=top_k)


def test_an_error_in_a_stage_leaves_no_half_frame(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If coloring fails in mid-film, the frames before are whole, listed and shown."""
    from vidcolor.pipeline import run as pipeline

    calls = iter(range(100))

    def fail(*given: object, **named: object) -> Any:
        if next(calls) == 4:
            raise ZeroDivisionError
        return made(*given, **named)

    made = pipeline.chroma_planes
    monkeypatch.setattr(pipeline, "chroma_planes", fail)
    with pytest.raises(VidcolorError, match="coloring failed at frame 4"):
        replay_frames(film, FrameDump(tmp_path / "d", "0-8"), FAST)
    assert {p.name for p in (tmp_path / "d").iterdir() if p.is_dir()} == {
        f"00000{number}" for number in range(4)
    }
    assert [line["frame"] for line in lines(tmp_path / "d")] == [0, 1, 2, 3]
    assert (tmp_path / "d" / "index.html").exists()


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


@pytest.mark.parametrize(("method", "name"), [("flood", "labels"), ("scribble", "seeds")])
def test_refinement_hands_over_its_regions(
    film: Path, tmp_path: Path, method: Literal["flood", "scribble"], name: str
) -> None:
    """What refinement made on the way is a stage of its own, and a replay of it is alike."""
    settings = replace(FAST, refine=RefineSettings(method=method))
    dump = FrameDump(tmp_path / "a", "12")
    colorize_video(film, tmp_path / "out.mkv", settings, dump=dump)
    replay_frames(film, FrameDump(tmp_path / "b", "12"), settings)
    assert arrays(tmp_path / "a", 12, "regions").keys() == {name}
    assert f"regions-{name}.png" in lines(tmp_path / "a")[0]["views"]
    assert same_files(tmp_path / "a" / "000012", tmp_path / "b" / "000012")
