"""What FFmpeg does not hand on of a container: nested chapters, tags of levels, odd timecode."""

import struct
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import pytest
from clips import Extras, ask_ffprobe, moving_luma, needs_ffmpeg, write_film
from probed import source
from recoloring import write_pink

from vidcolor.reading import matroska_words, quicktime_words
from vidcolor.reading.container_words import NO_WORDS, ContainerWords
from vidcolor.reading.ebml import Element, children, number, parent
from vidcolor.reading.matroska_words import ATOM, CHAPTER_DISPLAY, EDITION
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.settings import Settings
from vidcolor.writing.matroska_append import append_words, moved_edition
from vidcolor.writing.plan import Job, plan_video
from vidcolor.writing.timecodes import state_timecode, timecode_of

START, END, UID, NAME, LANGUAGE = 0x91, 0x92, 0x73C4, 0x85, 0x437C
TARGETS, VALUE, SIMPLE, TAG_NAME, TAG_TEXT = 0x63C0, 0x68CA, 0x67C8, 0x45A3, 0x4487


def names(*told: tuple[str, str]) -> Iterable[Element]:
    """A chapter's names, each with its language."""
    for name, language in told:
        words = [Element(NAME, name.encode()), Element(LANGUAGE, language.encode())]
        yield parent(CHAPTER_DISPLAY, words)


def atom(uid: int, start: float, end: float, *inside: Element) -> Element:
    """A chapter between two seconds."""
    times = [Element(START, number(round(start * 1e9))), Element(END, number(round(end * 1e9)))]
    return parent(ATOM, [Element(UID, number(uid)), *times, *inside])


def edition(*atoms: Element) -> Element:
    """Chapters."""
    return parent(EDITION, [Element(0x45BC, number(11)), *atoms])


REEL = [*names(("First reel", "eng"), ("Erste Rolle", "ger"))]
NESTED = edition(
    atom(21, 0, 0.32, *REEL, atom(22, 0, 0.16, *names(("Harbor", "eng"))),
         atom(23, 0.16, 0.32, *names(("Market", "eng")))),
    atom(24, 0.32, 0.48, *names(("Second reel", "eng"))),
)  # fmt: skip


def tag(level: int, name: str, text: str) -> Element:
    """A tag of a level."""
    simple = [Element(TAG_NAME, name.encode()), Element(TAG_TEXT, text.encode())]
    target = parent(TARGETS, [Element(VALUE, number(level))])
    return parent(0x7373, [target, parent(SIMPLE, simple)])


PART = tag(40, "TITLE", "Part two: the fair")
WORDS = ContainerWords(chapters=(NESTED,), tags=(PART,))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A film of 12 frames with a title, a part's title, and chapters in a chapter."""
    path = tmp_path / "film.mkv"
    extras = Extras(metadata={"title": "The flood"}, chapters=[(0, 320, "x"), (320, 480, "y")])
    write_film(path, moving_luma(12), rate=Fraction(25), extras=extras)
    append_words(path, WORDS, Fraction(0), None)
    return path


def made(film: Path, output: Path, settings: Settings | None = None) -> Job:
    """The film with made-up chroma."""
    settings = settings or Settings(force=True)
    job = plan_video(film, output, settings)
    frames = read_frames(
        replace(job.source, picture=job.encoding.picture),
        Damage(),
        start_seconds=settings.start_seconds,
    )
    shift = job.shift_seconds(settings)
    piece = {"shift_seconds": shift} if shift else {}
    write_pink(job.source, job.encoding, frames, **piece)
    return job


@needs_ffmpeg
def test_matroska_keeps_chapters_in_chapters(film: Path, tmp_path: Path) -> None:
    """All atoms with their names, bit for bit, and tags of their level; the title is the film's."""
    found = probe(film).words
    assert (found.title, found.chapters, found.tags) == ("The flood", (NESTED,), (PART,))
    assert found.tag_names == {"title"}
    job = made(film, tmp_path / "out.mkv")
    assert not any("chapters" in note for note in job.encoding.notes)
    again = probe(tmp_path / "out.mkv").words
    assert (again.title, again.chapters, again.tags) == ("The flood", (NESTED,), (PART,))
    told = ask_ffprobe(tmp_path / "out.mkv", "-show_chapters", "-show_format", "-show_packets")
    assert [one["id"] for one in told["chapters"]] == [21, 24]
    assert len(told["packets"]) == 12


@needs_ffmpeg
def test_mp4_tells_that_it_has_one_row(film: Path, tmp_path: Path) -> None:
    """Inner chapters are left out with a note, and the title is the film's there too."""
    job = made(film, tmp_path / "out.mp4")
    assert "mp4 has one row of chapters with one name each: inner ones are left out" in (
        job.encoding.notes
    )
    told = ask_ffprobe(tmp_path / "out.mp4", "-show_format")["format"]["tags"]
    assert told["title"] == "The flood"


def test_a_piece_has_its_chapters(film: Path, tmp_path: Path) -> None:
    """Chapters that lie before a piece are gone, others are moved and cut."""
    made(film, tmp_path / "out.mkv", Settings(force=True, start_seconds=Fraction(2, 10)))
    (found,) = probe(tmp_path / "out.mkv").words.chapters
    inner = atom(23, 0, 0.12, *names(("Market", "eng")))
    second = atom(24, 0.12, 0.28, *names(("Second reel", "eng")))
    assert found == edition(atom(21, 0, 0.12, *REEL, inner), second)


@pytest.mark.quick
def test_chapters_are_cut_at_the_end_of_a_piece() -> None:
    """What begins behind it is left out; nothing is left of a piece without chapters."""
    moved = moved_edition(NESTED, Fraction(0), Fraction(1, 10))
    inner = atom(22, 0, 0.1, *names(("Harbor", "eng")))
    assert moved == edition(atom(21, 0, 0.1, *REEL, inner))
    assert moved_edition(NESTED, Fraction(1), None) is None


@pytest.mark.quick
@pytest.mark.parametrize("cut", [0, 3, 20, 60, 100])
def test_damaged_headers_say_nothing(cut: int) -> None:
    """A header that breaks off, or is no header, is passed over."""
    info = parent(matroska_words.INFO, [Element(matroska_words.TITLE, b"A film")])
    segment = bytes(parent(matroska_words.SEGMENT, [info]))
    assert matroska_words.read_words(BytesIO(segment[:cut])) == NO_WORDS
    assert quicktime_words.read_words(BytesIO(segment[:cut])) == NO_WORDS


def box(kind: str, content: bytes) -> bytes:
    """A box of QuickTime's."""
    return struct.pack(">I", 8 + len(content)) + kind.encode() + content


def moov(entry: bytes, *tables: bytes) -> bytes:
    """A header with one track of one kind of samples."""
    table = box("stbl", box("stsd", bytes(8) + entry) + b"".join(tables))
    return box("moov", box("trak", box("mdia", box("minf", table))))


@pytest.mark.quick
@pytest.mark.parametrize(
    "header",
    [
        moov(box("tmcd", bytes(24) + b"\x19\0")),  # no table of places
        moov(box("tmcd", bytes(26)), box("stco", bytes(12))),  # 0 frames a second
        moov(box("tmcd", bytes(24) + b"\x19\0"), box("co64", bytes(8) + b"\xff" * 8)),
        moov(box("avc1", bytes(78) + box("clap", b"\1" * 20))),  # breaks off
        moov(box("avc1", bytes(24))),
    ],
)
def test_damaged_boxes_say_nothing(header: bytes) -> None:
    """They lack a table, divide by zero, point beyond all files, or are too short."""
    assert quicktime_words.read_words(LenientFile(header)).window is None


class LenientFile(BytesIO):
    """Finds nothing at places that no file has, as the program's own reader does."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go there, or stay."""
        return super().seek(offset, whence) if offset < 1 << 63 else -1


def test_a_timecode_that_drops_nothing(tmp_path: Path) -> None:
    """QuickTime's track with the drop-frame flag at 25 frames/s: read, told, kept as what it is."""
    film = tmp_path / "film.mov"
    with av.open(str(film), "w") as output:
        stream = output.add_stream("libx264", rate=25, width=96, height=64)
        stream.metadata["timecode"] = "10:00:00:00"
        for luma in moving_luma(12):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(luma, "gray")))
        output.mux(stream.encode(None))
    data = bytearray(film.read_bytes())
    at = data.index(b"stsd")
    while data[at + 16 : at + 20] != b"tmcd":
        at = data.index(b"stsd", at + 4)
    data[at + 35] |= 1
    film.write_bytes(data)
    found = probe(film)
    assert (found.timecode, found.words.timecode_stream) == ("10:00:00;00", 1)
    job = made(film, tmp_path / "out.mov")
    assert job.encoding.notes[-1] == (
        "its timecode 10:00:00;00 drops numbers, which 25 frames/s has not: kept as 10:00:00:00"
    )
    assert not any("left out" in note for note in job.encoding.notes)
    assert probe(tmp_path / "out.mov").timecode == "10:00:00:00"
    piece = Settings(force=True, start_seconds=Fraction(2, 10))
    made(film, tmp_path / "piece.mov", piece)
    assert probe(tmp_path / "piece.mov").timecode == "10:00:00:05"
    made(film, tmp_path / "piece.mkv", piece)
    assert probe(tmp_path / "piece.mkv").timecode == "10:00:00;05"


NTSC = Fraction(30000, 1001)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("text", "rate", "container", "start", "expected"),
    [
        (None, Fraction(25), "mov", 0, None),
        ("10:00:00;00", Fraction(25), "matroska", 0, "10:00:00;00"),
        ("10:00:00;00", Fraction(25), "mp4", 0, "10:00:00:00"),
        ("00:00:59;28", NTSC, "mov", 0, "00:00:59;28"),
        ("00:00:59;28", NTSC, "mov", Fraction(1), "00:01:01;00"),
        ("01:00:00:00", Fraction(24), "mov", Fraction(1, 24), "01:00:00:01"),
        ("some words", Fraction(24), "matroska", 0, "some words"),
        ("some words", Fraction(24), "matroska", Fraction(1), None),
        ("01:00:00:25", Fraction(24), "matroska", Fraction(1), None),
    ],
)
def test_timecode_of_a_piece(
    text: str | None, rate: Fraction, container: str, start: Fraction, expected: str | None
) -> None:
    """It begins where the piece begins; what cannot be counted is left out, and said."""
    film = replace(source(), timecode=text, frame_rate=rate)
    found = timecode_of(film, container, Fraction(start))
    assert found.text == expected
    assert ("left out of the piece" in found.note) == (text is not None and expected is None)


@pytest.mark.quick
def test_a_timecode_takes_the_place_of_the_sources() -> None:
    """Wherever the source has one it is replaced; else the picture's stream gets it."""
    stream, file = {"title": "a"}, {"TIMECODE": "1"}
    state_timecode("2", stream, file)
    assert (stream, file) == ({"title": "a"}, {"TIMECODE": "2"})
    state_timecode(None, stream, file)
    assert (stream, file) == ({"title": "a"}, {})
    state_timecode("3", stream, file)
    assert stream["timecode"] == "3"


@pytest.mark.quick
def test_levels_of_tags() -> None:
    """Only what is of another level than the film is copied as it is."""
    film, part = tag(50, "DIRECTOR", "A."), tag(40, "TITLE", "P")
    tags = parent(matroska_words.TAGS, [film, part])
    segment = BytesIO(bytes(parent(matroska_words.SEGMENT, [tags, parent(0x1F43B675, [])])))
    found = matroska_words.read_words(segment)
    assert found.tags == (part,)
    assert [one.kind for one in children(part.content)] == [TARGETS, SIMPLE]
