from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clips import CLIPS, FORMATS, REFUSED, SAMPLE, soft_shot, write_film

from vidcolor.frame import Frame
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import Source, probe
from vidcolor.shot import Shot
from vidcolor.shots import pieces as piecewise
from vidcolor.shots.pieces import MARGINS_SECONDS, Piece, StrayedError, find_pieces, read_pieces

PIECE_FRAMES = 20


def told(frame: Frame) -> tuple[object, ...]:
    """All that is told of a frame."""
    return frame.index, frame.pts, frame.duration, frame.top_field_first, frame.luma.tobytes()


def cut_up(source: Source) -> tuple[list[tuple[object, ...]], list[Piece]]:
    """What is told of all of a film's frames, and pieces of a few of them."""
    frames = list(read_frames(source, Damage()))
    whole = list(find_pieces(frames, 1000))
    assert [number for piece in whole for number in range(piece.frames)]
    shot = Shot(0, None)
    noted = [
        np.concatenate(column) for column in zip(*(piece[2:5] for piece in whole), strict=True)
    ]
    cuts = range(0, len(frames), PIECE_FRAMES)
    parts = [
        Piece(shot, first, *(column[first : first + PIECE_FRAMES] for column in noted))
        for first in cuts
    ]
    return [told(frame) for frame in frames], parts


def reread(source: Source, parts: list[Piece]) -> list[tuple[object, ...]]:
    """What is told of pieces' frames, read as a machine of a cluster reads them."""
    for margin in MARGINS_SECONDS:
        try:
            return [told(one.frame) for one in read_pieces(source, parts, margin)]
        except StrayedError:
            if margin is None:
                raise
    raise AssertionError


def test_shots_are_the_pieces(tmp_path: Path) -> None:
    """Each tells which frames it has, and which earlier shot it goes on with."""
    film = write_film(
        tmp_path / "film.mkv", [luma for seed in (1, 2, 1) for luma in soft_shot(seed, 12)]
    )
    source = probe(film)
    found = list(find_pieces(read_frames(source, Damage()), 1000))
    assert [piece.shot for piece in found] == [Shot(0, None), Shot(1, None), Shot(2, 0)]
    assert [piece.first_frame for piece in found] == [0, 12, 24]
    assert [piece.frames for piece in found] == [12, 12, 12]
    numbered = list(read_pieces(source, found[1:], 0))
    assert [one.frame.index for one in numbered] == list(range(12, 36))
    assert [one.shot.number for one in numbered] == [1] * 12 + [2] * 12


def test_a_long_shot_is_several_pieces(tmp_path: Path) -> None:
    """Each but the last of as many frames; they tell where the shot begins and ends."""
    frames = [*soft_shot(1, 10), *soft_shot(2, 6)]
    source = probe(write_film(tmp_path / "film.mkv", frames))
    found = list(find_pieces(read_frames(source, Damage()), 5))
    ends = [(one.shot.number, one.first_frame, one.frames, *one[-2:]) for one in found]
    assert ends == [
        (0, 0, 5, True, False),
        (0, 5, 5, False, True),
        (1, 10, 5, True, False),
        (1, 15, 1, False, True),
    ]
    numbered = list(read_pieces(source, found[1:], 0))
    assert [one.frame.index for one in numbered] == list(range(5, 16))
    assert [one.shot.number for one in numbered] == [0] * 5 + [1] * 6


def formats() -> list[Path]:
    """Small films of many formats, those that can be read at all."""
    folders = FORMATS, CLIPS / "formats"
    # Each frame of the one stands for itself and takes a second; the other breaks when it is
    # sought, of which a smaller film is made in test_reader.
    large = {"real-mxf-jpeg2000-4k-pq-truncated.mxf", "real-yuv444-seek-breaks.mp4"}
    left_out = REFUSED.keys() | large
    paths = (path for folder in folders for path in folder.glob("*.*"))
    return sorted(path for path in paths if path.is_file() and path.name not in left_out)


@pytest.mark.slow
@pytest.mark.parametrize("path", formats(), ids=lambda path: path.name)
def test_pieces_of_any_format_are_read_as_the_whole(path: Path) -> None:
    """Times, fields and luma of each frame are the same, damaged ones included."""
    source = probe(path)
    whole, parts = cut_up(source)
    # The first, the last and three in between of a long film.
    for number in sorted({round(place * (len(parts) - 1) / 4) for place in range(5)}):
        first = number * PIECE_FRAMES
        assert reread(source, [parts[number]]) == whole[first : first + PIECE_FRAMES], number


def test_a_stream_that_is_sought_badly_is_read_from_farther_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A program stream comes out behind a key frame; the frames are the same for all that."""
    source = probe(SAMPLE)
    whole, parts = cut_up(source)
    margins = []
    read = piecewise.read_frames_from
    monkeypatch.setattr(
        piecewise,
        "read_frames_from",
        lambda *args, seek_pts, **named: (
            margins.append(seek_pts),
            read(*args, seek_pts=seek_pts, **named),
        )[1],
    )
    assert reread(source, parts[5:7]) == whole[5 * PIECE_FRAMES : 7 * PIECE_FRAMES]
    assert len(margins) > 1


def test_frames_that_are_not_the_same_are_told() -> None:
    """One that differs, one that is missing, and a time that is another."""
    source = probe(SAMPLE)
    (first, *_, last) = cut_up(source)[1]
    checks = first.checks.copy()
    checks[3] ^= 1
    times = np.append(last.times, last.times[-1] + 1000)
    longer = last._replace(
        times=times, durations=np.append(last.durations, 0), checks=np.append(last.checks, 0)
    )
    for piece in (first._replace(checks=checks), first._replace(times=first.times + 1), longer):
        with pytest.raises(StrayedError, match="are not read as they were before"):
            list(read_pieces(source, [piece], None))
    with pytest.raises(StrayedError):
        list(read_pieces(replace(source, first_pts=-1), [first._replace(times=-first.times)], 0))
