from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import SAMPLE, small_disk, write_film
from dumped import FAST, LUMA, arrays, lines

from vidcolor import FrameDump, colorize_video, replay_frames
from vidcolor.dump.stages import STAGES
from vidcolor.errors import OutputError, SourceError, VidcolorError
from vidcolor.settings import (
    ColorSettings,
)


def test_without_a_dump_the_film_is_the_same(
    two_shots: Path, whole_dump: Path, tmp_path: Path
) -> None:
    """Looking inside changes nothing of the film."""
    result = colorize_video(two_shots, tmp_path / "out.mkv", FAST)
    assert result.path.read_bytes() == (whole_dump.parent / "out.mkv").read_bytes()


def test_few_bins_are_enough_for_some(two_shots: Path, whole_dump: Path, tmp_path: Path) -> None:
    """With top_k a histogram keeps its likeliest bins, by number and probability."""
    replay_frames(two_shots, FrameDump(tmp_path / "d", "4", stages="net", top_k=7), FAST)
    found, full = arrays(tmp_path / "d", 4, "net"), arrays(whole_dump, 4, "net")
    assert found["bins"].shape == found["probabilities"].shape == (7, 16, 24)
    taken = np.take_along_axis(full["probabilities"], found["bins"].astype(np.int64), 0)
    np.testing.assert_array_equal(found["probabilities"], taken)
    np.testing.assert_array_equal(found["probabilities"], -np.sort(-full["probabilities"], 0)[:7])
    np.testing.assert_array_equal(found["entropy"], full["entropy"])


def test_only_the_stages_named_are_dumped(two_shots: Path, tmp_path: Path) -> None:
    """Others leave no file, but their times."""
    replay_frames(two_shots, FrameDump(tmp_path / "d", "4", stages=["final", "luma"]), FAST)
    files = {file.name for file in (tmp_path / "d" / "000004").iterdir()}
    assert files == {"luma.npz", "luma.png", "final.png"}
    assert lines(tmp_path / "d")[0]["times"]["net"] > 0


def test_a_later_dump_is_added_to_the_folder(two_shots: Path, tmp_path: Path) -> None:
    """Frames of the same film in the same settings gather; one that comes again is replaced."""
    for frames, stages in (("9", STAGES), ("3", "luma"), ("9", "luma")):
        replay_frames(two_shots, FrameDump(tmp_path / "d", frames, stages=stages), FAST)
    assert [line["frame"] for line in lines(tmp_path / "d")] == [3, 9]
    assert {file.name for file in (tmp_path / "d" / "000009").iterdir()} == {"luma.npz", "luma.png"}


def test_a_renamed_film_is_the_same_film(two_shots: Path, tmp_path: Path) -> None:
    """A film is known by what is in it."""
    replay_frames(two_shots, FrameDump(tmp_path / "d", "3", stages="luma"), FAST)
    moved = tmp_path / "moved.mkv"
    moved.write_bytes(two_shots.read_bytes())
    replay_frames(moved, FrameDump(tmp_path / "d", "4", stages="luma"), FAST)
    assert [line["frame"] for line in lines(tmp_path / "d")] == [3, 4]


def contents(folder: Path) -> dict[Path, bytes]:
    """All files below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_holds_one_film_in_one_way(two_shots: Path, tmp_path: Path) -> None:
    """Another film, other settings and what is no dump are refused, and stay as they are."""
    replay_frames(two_shots, FrameDump(tmp_path / "d", "3", stages="luma"), FAST)
    before = contents(tmp_path / "d")
    with pytest.raises(OutputError, match=r"d: holds a dump of another film, film\.mkv; name"):
        replay_frames(SAMPLE, FrameDump(tmp_path / "d", "3"), FAST)
    vivid = replace(FAST, color=ColorSettings(vividness=0.5))
    told = r"other settings \(saturation 1.3, now 1.0, vividness 0.0, now 0.5\); name another"
    with pytest.raises(OutputError, match=told):
        replay_frames(two_shots, FrameDump(tmp_path / "d", "3"), vivid)
    assert contents(tmp_path / "d") == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    for path in (tmp_path / "mine", tmp_path / "mine" / "letter.txt"):
        with pytest.raises(OutputError, match="is not a dump folder; name a new or empty one"):
            replay_frames(two_shots, FrameDump(path, "3"), FAST)
    assert contents(tmp_path / "mine") == {tmp_path / "mine" / "letter.txt": b"dear"}


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


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for 600 kB."""
    with small_disk(tmp_path, "600k") as disk:
        yield disk


def test_a_dump_that_cannot_fit_is_refused_before_any_work(
    two_shots: Path, tiny_disk: Path
) -> None:
    """The line says how much room the frames take and what would take less."""
    with pytest.raises(OutputError, match=r"d: 20 frames take about .* GB, and .* are free; dump"):
        replay_frames(two_shots, FrameDump(tiny_disk / "d", "0-19"), FAST)
    assert not list(tiny_disk.iterdir())


def test_a_full_disk_leaves_whole_frames(
    two_shots: Path, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk fills up in mid-film one line tells, and only whole frames stay."""
    monkeypatch.setattr(FrameDump, "_check_room", lambda _: None)
    with pytest.raises(OutputError, match="d: the disk is full; make room, dump fewer frames"):
        replay_frames(two_shots, FrameDump(tiny_disk / "d", "0-19", stages="chroma,final"), FAST)
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
    with pytest.raises(ValueError, match=r"is not a frame|ends before"):
        FrameDump("d", frames)


@pytest.mark.parametrize("top_k", [0, 314])
def test_there_are_313_bins_to_keep(top_k: int) -> None:
    """More bins than there are, or none, cannot be kept."""
    with pytest.raises(ValueError, match=f"top_k is {top_k}; it must be from 1 to 313"):
        FrameDump("d", "1", top_k=top_k)


def test_an_error_in_a_stage_leaves_no_half_frame(
    two_shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If coloring fails in mid-film, the frames before are whole, listed and shown."""
    from vidcolor.pipeline import finish

    calls = iter(range(100))

    def fail(*given: object, **named: object) -> Any:
        if next(calls) == 4:
            raise ZeroDivisionError
        return made(*given, **named)

    made = finish.chroma_planes
    monkeypatch.setattr(finish, "chroma_planes", fail)
    with pytest.raises(VidcolorError, match="coloring failed at frame 4"):
        replay_frames(two_shots, FrameDump(tmp_path / "d", "0-8"), FAST)
    assert {p.name for p in (tmp_path / "d").iterdir() if p.is_dir()} == {
        f"00000{number}" for number in range(4)
    }
    assert [line["frame"] for line in lines(tmp_path / "d")] == [0, 1, 2, 3]
    assert (tmp_path / "d" / "index.html").exists()
