"""What changes in mid-film is kept, or told before the work: shape, tags, size, fields."""

import subprocess
from dataclasses import replace
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from clips import ask_ffprobe, needs_ffmpeg
from probed import picture, source
from recoloring import write_pink

from vidcolor.errors import SourceError
from vidcolor.film.verify import verify_film
from vidcolor.frame import Frame, Matrix
from vidcolor.reading.changes import Change, Fields
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.reading.survey import survey
from vidcolor.settings import OutputSettings, Settings
from vidcolor.writing.encoding import Encoding
from vidcolor.writing.mixed_frames import (
    as_whole_frame,
    fitted,
    notes_on_changes,
    piece_of,
    refuse_other_sizes,
    with_field_order,
)
from vidcolor.writing.plan import Job, plan_video

FRAMES = 12
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0"]
MPEG2 = ["-c:v", "mpeg2video", "-bf", "0"]
WOVEN = ["-flags", "+ildct+ilme"]


def joined(path: Path, *parts: list[str]) -> Path:
    """A transport stream of parts of 12 frames, each with a size and options of its own."""
    made = []
    for number, (size, *options) in enumerate(parts):
        one = path.with_name(f"part{number}.ts")
        picture = f"testsrc2=s={size}:r=25:d={FRAMES / 25}"
        command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", picture, "-pix_fmt",
                   "yuv420p", "-threads", "1", *options, "-output_ts_offset",
                   str(1 + number * FRAMES / 25), "-muxdelay", "0", str(one)]  # fmt: skip
        subprocess.run(command, check=True)
        made.append(one.read_bytes())
    path.write_bytes(b"".join(made))
    return path


def written(film: Path, output: Path, settings: OutputSettings) -> Job:
    """The film with made-up chroma, verified."""
    asked = Settings(force=True, output=replace(settings, verify=True))
    job = plan_video(film, output, asked)
    picture, changes = job.encoding.picture, job.source.changes
    kept = changes if output.suffix == ".ts" else ()
    frames = read_frames(replace(job.source, picture=picture, changes=kept), Damage())
    write_pink(job.source, job.encoding, frames)
    assert not verify_film(job, output, asked).problems
    return job


def told(film: Path, *names: str) -> list[tuple[object, ...]]:
    """What FFprobe reads of each frame."""
    show = ["-select_streams", "v", "-show_frames", "-show_entries", f"frame={','.join(names)}"]
    return [tuple(one.get(n) for n in names) for one in ask_ffprobe(film, *show)["frames"]]


def runs(values: list[tuple[object, ...]]) -> list[tuple[int, tuple[object, ...]]]:
    """Equal neighbors as one, with their number."""
    return [(len(list(group)), value) for value, group in groupby(values)]


CHANGES = {
    "aspect": (
        ["-vf", "setsar=12/11"],
        ["-vf", "setsar=16/11"],
        "pixel aspect from 12:11 to 16:11",
    ),
    "matrix": (
        ["-colorspace", "bt709"],
        ["-colorspace", "bt470bg"],
        "matrix from 1 to 5",
    ),
    "range": (
        ["-color_range", "tv", "-colorspace", "bt709"],
        ["-color_range", "pc", "-colorspace", "bt709"],
        "from limited to full range",
    ),
}


@needs_ffmpeg
@pytest.mark.parametrize("name", CHANGES)
def test_transport_streams_keep_changes(tmp_path: Path, name: str) -> None:
    """Each frame of the result says what its source frame says; Matroska's plan tells of it."""
    *options, words = CHANGES[name]
    film = joined(tmp_path / "film.ts", *(["96x64", *X264, *one] for one in options))
    job = written(film, tmp_path / "out.ts", OutputSettings())
    what = ("sample_aspect_ratio", "color_space", "color_range")
    was, now = told(film, *what), told(tmp_path / "out.ts", *what)
    place = list(CHANGES).index(name)
    assert [one[place] for one in now] == [one[place] for one in was]
    assert len({one[place] for one in now}) == 2
    line = f"frame 12 (0.480 s) changes {words}"
    assert any(note.startswith(line) and note.endswith(": kept") for note in job.encoding.notes)
    other = plan_video(film, tmp_path / "out.mkv", Settings(force=True))
    (note,) = [note for note in other.encoding.notes if note.startswith(line)]
    assert note.endswith("one matroska file of libx264 has one word for all, that of its beginning")


@needs_ffmpeg
def test_other_sizes_are_refused_before_the_work(tmp_path: Path) -> None:
    """The plan names the frame; each part can be made."""
    film = joined(tmp_path / "film.ts", ["96x64", *X264], ["128x80", *X264])
    with pytest.raises(SourceError, match=r"frame 12 \(0.480 s\) changes from 96x64 yuv420p to 12"):
        plan_video(film, tmp_path / "out.mkv", Settings(force=True))
    second = Settings(force=True, start_seconds=Fraction(48, 100))
    job = plan_video(film, tmp_path / "out.mkv", second)
    assert (job.source.picture.width, job.source.changes) == (128, ())
    frames = list(read_frames(job.source, Damage(), start_seconds=second.start_seconds))
    assert [one.luma.shape for one in frames] == [(80, 128)] * FRAMES


@needs_ffmpeg
def test_a_piece_of_full_range_is_read(tmp_path: Path) -> None:
    """The decoder that comes from limited range gives its frames another format's name."""
    film = joined(tmp_path / "film.ts", *(["96x64", *X264, *one] for one in CHANGES["range"][:2]))
    second = Settings(force=True, start_seconds=Fraction(48, 100))
    job = plan_video(film, tmp_path / "out.mkv", second)
    frames = list(read_frames(job.source, Damage(), start_seconds=second.start_seconds))
    assert [one.picture.full_range for one in frames] == [True] * FRAMES


TOP, BOTTOM = [*WOVEN, "-vf", "setfield=tff"], [*WOVEN, "-vf", "setfield=bff"]
KINDS = {
    "top and bottom": (
        [*X264, *TOP, "-x264-params", "tff=1"],
        [*X264, *BOTTOM, "-x264-params", "bff=1"],
        [(1, 1), (1, 0)],
    ),
    "film and video": (MPEG2, [*MPEG2, *TOP], [(0, None), (1, 1)]),
}


@needs_ffmpeg
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("output", [OutputSettings(), OutputSettings(lossless=True)])
def test_fields_are_kept_frame_by_frame(tmp_path: Path, name: str, output: OutputSettings) -> None:
    """H.264 and FFV1 say of each frame whether it is woven, and which field is first."""
    *parts, kinds = KINDS[name]
    film = joined(tmp_path / "film.ts", *(["96x64", *options] for options in parts))
    job = written(film, tmp_path / "out.mkv", output)
    found = runs(told(tmp_path / "out.mkv", "interlaced_frame", "top_field_first"))
    assert [(count, woven) for count, (woven, _) in found] == [(FRAMES, kind[0]) for kind in kinds]
    assert [top for _, (woven, top) in found if woven] == [top for woven, top in kinds if woven]
    (note,) = [one for one in job.encoding.notes if "its fields change" in one]
    assert note.endswith("kept frame by frame")
    assert "12 top field first" in note


@needs_ffmpeg
def test_other_codecs_tell_that_they_cannot(tmp_path: Path) -> None:
    """A codec that has one word for all frames is told so before the work."""
    film = joined(tmp_path / "film.ts", ["96x64", *MPEG2], ["96x64", *MPEG2, *WOVEN])
    job = plan_video(
        film, tmp_path / "out.mkv", Settings(force=True, output=OutputSettings(codec="libx265"))
    )
    (note,) = [one for one in job.encoding.notes if "frame by frame" in one]
    assert note.startswith("one matroska file of libx265 cannot say fields frame by frame (12 pro")


@needs_ffmpeg
def test_shape_of_dv_is_in_its_frames(tmp_path: Path) -> None:
    """A tape whose aspect changes."""
    parts = []
    for aspect in ("4:3", "16:9"):
        one = tmp_path / f"{aspect[0]}.dv"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=720x576:r=25",
                        "-frames:v", "3", "-pix_fmt", "yuv420p", "-aspect", aspect, str(one)],
                       check=True)  # fmt: skip
        parts.append(one.read_bytes())
    film = tmp_path / "tape.dv"
    film.write_bytes(b"".join(parts))
    (change,) = survey(probe(film)).changes
    assert (change.frame, change.differences) == (3, "pixel aspect from 16:15 to 64:45")


def change(at: int, **tags: object) -> Change:
    """A change at a second of a film of 25 frames/s."""
    before = picture()
    return Change(
        frame=25 * at, pts=90000 * at, seconds=Fraction(at), before=before,
        after=replace(before, **tags), pixel_format="yuv420p", was_format="yuv420p",
    )  # fmt: skip


FILM = replace(
    source(), changes=(change(1, matrix=Matrix.BT470BG), change(3, width=320), change(5))
)


@pytest.mark.quick
def test_a_piece_has_the_frames_that_it_begins_with() -> None:
    """What lies before a piece is its beginning, what lies behind it is nothing to it."""
    assert piece_of(FILM, Fraction(0), Fraction(1)) == replace(FILM, changes=())
    later = piece_of(FILM, Fraction(1), Fraction(2))
    assert (later.picture.matrix, later.picture.width, later.changes) == (5, 640, ())
    refuse_other_sizes(later)
    whole = piece_of(FILM, Fraction(3, 2), None)
    assert [one.frame for one in whole.changes] == [75, 125]
    with pytest.raises(SourceError, match="frame 75"):
        refuse_other_sizes(whole)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("fields", "codec", "order"),
    [
        (Fields(9, 1, 0), "libx264", 2),
        (Fields(9, 1, 0), "prores_ks", 1),
        (Fields(1, 1, 9), "prores_ks", 3),
        (Fields(0, 0, 9), "ffv1", 3),
        (Fields(9, 0, 0), "ffv1", 0),
    ],
)
def test_an_encoder_is_told_of_fields(fields: Fields, codec: str, order: int) -> None:
    """One that says them frame by frame knows of rare ones, others of the most."""
    assert with_field_order(replace(source(), fields=fields), codec).picture.field_order == order


def encoding(**changed: object) -> Encoding:
    """Of H.264 in Matroska, woven, top field first."""
    plain = Encoding(
        path=Path("a.mkv"), container="matroska", codec="libx264", pixel_format="yuv420p",
        picture=replace(picture(), field_order=2), luma_shift=0, options={"x264-params": "a=1"},
    )  # fmt: skip
    return replace(plain, **changed)


def frame(pts: int, top_first: bool | None) -> Frame:
    """A frame of nothing."""
    luma = np.zeros((480, 640), np.uint8)
    return Frame(0, luma, pts, 1, Fraction(1, 90000), picture(), top_field_first=top_first)


@pytest.mark.quick
def test_an_encoder_goes_on_while_it_can() -> None:
    """A whole frame keeps x264's order of fields, another order changes it, and back."""
    assert fitted(encoding(), source(), frame(0, True)) == encoding()
    assert fitted(encoding(), source(), frame(0, None)) == encoding()
    other = fitted(encoding(), source(), frame(0, False))
    assert (other.picture.field_order, other.options["x264-params"]) == (3, "a=1:bff=1")
    assert fitted(other, source(), frame(0, None)) == other
    assert fitted(other, source(), frame(0, True)).picture.field_order == 2
    plain = encoding(codec="ffv1")
    assert fitted(plain, source(), frame(0, False)) == plain
    in_stream = encoding(container="mpegts")
    assert fitted(in_stream, FILM, frame(89999, None)) == in_stream
    assert fitted(in_stream, FILM, frame(90000, None)).picture.matrix == Matrix.BT470BG
    assert fitted(encoding(), FILM, frame(90000, None)) == encoding()


@pytest.mark.quick
def test_long_lists_are_cut() -> None:
    """Five changes are listed, and how many more there are."""
    many = replace(source(), changes=tuple(change(at, matrix=Matrix.FCC) for at in range(1, 9)))
    notes = list(notes_on_changes(replace(many, fields=Fields(repeated=24)), encoding()))
    assert notes[5] == "and 3 more changes, listed in the sidecar"
    assert notes[6] == "24 frames repeat a field (3:2 pulldown): their times are kept"


@pytest.mark.quick
def test_one_byte_says_that_a_frame_is_whole() -> None:
    """pic_struct 3 with two clocks' flags becomes 0 with one; other bytes stay."""
    data = b"\0\0\0\1\x06\x01\x01\x32\x80\0\0\1\x65rest\x32"
    assert as_whole_frame(data) == data.replace(b"\x01\x32", b"\x01\x04")
    assert as_whole_frame(b"\0\0\1\x65rest") == b"\0\0\1\x65rest"
