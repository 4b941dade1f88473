from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import FORMATS, SAMPLE, Extras, soft_shot, write_film
from dumped import CUT, FAST, FRAMES, LUMA, arrays, lines, same_files

from vidcolor import FrameDump, colorize_video, replay_frames
from vidcolor.errors import SourceError
from vidcolor.settings import (
    ModelSettings,
    TemporalSettings,
)


@pytest.mark.parametrize("frames", ["0", "7", "19", "3,12", "8-10", "0.48s", "00:00:00:17"])
def test_a_replay_gives_the_same_bytes(
    two_shots: Path, whole_dump: Path, tmp_path: Path, frames: str
) -> None:
    """Frames gone through alone are bit for bit those of the whole run, and told alike."""
    result = replay_frames(two_shots, FrameDump(tmp_path / "dump", frames), FAST)
    found = lines(tmp_path / "dump")
    assert result.frames == len(found) > 0
    told = {line["frame"]: line for line in lines(whole_dump)}
    for line in found:
        assert same_files(tmp_path / "dump" / line["folder"], whole_dump / line["folder"])
        for line_ in (line, told[line["frame"]]):
            line_.pop("times")
        assert line == told[line["frame"]]


def test_a_replay_colorizes_only_what_it_needs(two_shots: Path, tmp_path: Path) -> None:
    """From the shot's first frame to the last chosen one in it; no film is written."""
    told: list[tuple[int, int]] = []
    result = replay_frames(
        two_shots, FrameDump(tmp_path / "dump", "12"), FAST, progress=lambda *now: told.append(now)
    )
    assert result.colorized == 12 - CUT + 1
    assert told == [(count, 1) for count in range(1, 5)]
    assert {path.name for path in tmp_path.iterdir()} == {"dump"}


def test_a_frame_that_the_network_was_not_asked_about(two_shots: Path, tmp_path: Path) -> None:
    """It has no histograms of the network, its colors all come from the past, and that is told."""
    settings = replace(FAST, temporal=TemporalSettings(every=3))
    colorize_video(two_shots, tmp_path / "a.mkv", settings, dump=FrameDump(tmp_path / "a", "0-19"))
    replay_frames(two_shots, FrameDump(tmp_path / "b", "13"), settings)
    told = lines(tmp_path / "a")
    shots = range(CUT), range(FRAMES - CUT)
    spared = [place % 3 != 0 and place != shot[-1] for shot in shots for place in shot]
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


def test_random_frames_of_archive_film_replay_alike(tmp_path: Path) -> None:
    """In grain and flicker as well: three random frames."""
    model = ModelSettings(device="cpu", render_size=96)
    settings = replace(FAST, model=model, duration_seconds=Fraction(2))
    picked = sorted(np.random.default_rng(3).choice(58, 3, replace=False).tolist())
    text = ",".join(map(str, picked))
    colorize_video(SAMPLE, tmp_path / "a.mkv", settings, dump=FrameDump(tmp_path / "a", text))
    replay_frames(SAMPLE, FrameDump(tmp_path / "b", text), settings)
    assert [line["frame"] for line in lines(tmp_path / "b")] == picked
    for number in picked:
        assert same_files(tmp_path / "a" / f"{number:06}", tmp_path / "b" / f"{number:06}")


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
    two_shots: Path, tmp_path: Path, frames: str, told: str
) -> None:
    """One line names what lies beyond and how long the film is; nothing is dumped."""
    with pytest.raises(SourceError, match=told) as caught:
        replay_frames(two_shots, FrameDump(tmp_path / "d", frames), FAST)
    assert str(caught.value).startswith(f"{two_shots}: --dump-frames ")
    assert not list(tmp_path.glob("d/0*"))


def test_a_piece_has_numbers_of_its_own_and_the_films_times(
    two_shots: Path, tmp_path: Path
) -> None:
    """From a start on, frames are counted from there, and seconds from the film's beginning."""
    piece = replace(FAST, start_seconds=Fraction("0.4"))
    replay_frames(two_shots, FrameDump(tmp_path / "d", "1,0.52s", stages="luma"), piece)
    assert [(line["frame"], line["seconds"]) for line in lines(tmp_path / "d")] == [
        (1, 0.44),
        (3, 0.52),
    ]
    np.testing.assert_array_equal(arrays(tmp_path / "d", 1, "luma")["luma"], LUMA[11])
    with pytest.raises(SourceError, match=r"0\.2s lies outside the part that is colorized"):
        replay_frames(two_shots, FrameDump(tmp_path / "e", "0.2s", stages="luma"), piece)


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


@pytest.mark.parametrize(
    ("name", "timecode"),
    [
        ("mpeg2-fields-timecode-2mono.mxf", "10:00:00:05"),
        ("prores-timecode-2mono.mov", "01:00:00:05"),
        ("ffv1-10bit-fields-pcm24.mkv", "01:00:00:04"),
    ],
)
def test_timecodes_of_archive_masters(tmp_path: Path, name: str, timecode: str) -> None:
    """MXF, QuickTime and Matroska masters keep them in three ways."""
    dump = FrameDump(tmp_path / "d", timecode, stages="luma")
    replay_frames(FORMATS / name, dump, replace(FAST, force=True))
    assert [line["frame"] for line in lines(tmp_path / "d")] == [3]
