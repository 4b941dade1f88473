import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import Extras, ask_ffprobe, moving_luma, needs_ffmpeg, write_film
from recoloring import colored

from vidcolor.errors import OutputError
from vidcolor.reading.ebml import CRC32, VOID, children
from vidcolor.reading.source import probe
from vidcolor.settings import OutputSettings
from vidcolor.writing import matroska
from vidcolor.writing.matroska import display_size, write_aspect

PAL = Fraction(16, 15)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A lossless film with sound, chapters and an attachment, that says nothing of its pixels."""
    extras = Extras(
        audio=["pcm_s16le"],
        chapters=[(0, 700, "One")],
        attachments=[("notes.txt", "text/plain", b"words")],
        metadata={"title": "A film"},
    )
    return write_film(tmp_path / "film.mkv", moving_luma(5, 720, 576), extras=extras)


def told_aspect(film: Path) -> str:
    """The sample aspect ratio of the film's first picture, by FFprobe's word."""
    told = ask_ffprobe(film, "-show_streams", "-select_streams", "v")["streams"][0]
    return told.get("sample_aspect_ratio", "none")


def packets(film: Path) -> list[tuple[int, int | None, bytes]]:
    """All packets of a film: stream, time and bytes."""
    with av.open(str(film)) as container:
        return [(one.stream.index, one.pts, bytes(one)) for one in container.demux() if one.size]


@needs_ffmpeg
@pytest.mark.parametrize("ratio", ["16/15", "59/54", "8/9", "10/11", "4/3", "1024/765", "2/1"])
def test_ffprobe_reads_the_exact_aspect(film: Path, ratio: str) -> None:
    """Odd ones as well, whose width would not come out whole at the picture's own height."""
    picture = replace(probe(film).picture, sample_aspect_ratio=Fraction(ratio))
    assert told_aspect(film) == "none"
    write_aspect(film, picture)
    assert told_aspect(film) == ratio.replace("/", ":")


def test_nothing_else_of_the_file_changes(film: Path) -> None:
    """Its length, packets, chapters and attachment are as they were."""
    size, before, after_header = film.stat().st_size, packets(film), film.read_bytes()[2000:]
    write_aspect(film, replace(probe(film).picture, sample_aspect_ratio=PAL))
    assert (film.stat().st_size, packets(film)) == (size, before)
    assert film.read_bytes()[2000:] == after_header
    with av.open(str(film)) as container:
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["One"]
        assert [stream.type for stream in container.streams][-1] == "attachment"


def test_checksums_and_places_are_right(film: Path) -> None:
    """Each checksum in the header is that of what follows it, each place that of its element."""
    write_aspect(film, replace(probe(film).picture, sample_aspect_ratio=PAL))
    data = film.read_bytes()
    start = matroska.start_of_segment(data)
    elements, _ = matroska.until_tracks(data[start:])
    checked = 0
    for element in elements:
        if element.kind != VOID:
            kind, checksum = next(children(element.content))
            assert kind == CRC32
            assert zlib.crc32(element.content[6:]) == int.from_bytes(checksum, "little")
            checked += 1
    assert checked == 3
    for kind, seek in children(elements[0].content):
        if kind == matroska.SEEK:
            told = dict(children(seek))
            place = start + int.from_bytes(told[matroska.SEEK_POSITION], "big")
            assert data[place : place + 4] == told[matroska.SEEK_ID]


def test_any_checksum_is_read(film: Path) -> None:
    """The bytes of a checksum are no elements, whatever they are."""
    data = film.read_bytes()
    (seek_head, *_), _ = matroska.until_tracks(data[matroska.start_of_segment(data) :])
    for place in range(500):
        seek_head = matroska.seek_head_with(seek_head, {matroska.TRACKS: place})
        (_, checksum), *seeks = children(seek_head.content)
        assert zlib.crc32(seek_head.content[6:]) == int.from_bytes(checksum, "little")
        places = {
            told[matroska.SEEK_ID]: int.from_bytes(told[matroska.SEEK_POSITION], "big")
            for told in (dict(children(seek.content)) for seek in seeks)
        }
        assert places[matroska.TRACKS.to_bytes(4, "big")] == place


def test_square_pixels_are_not_told(film: Path) -> None:
    """The file stays as it is."""
    before = film.read_bytes()
    write_aspect(film, probe(film).picture)
    assert film.read_bytes() == before


@needs_ffmpeg
def test_the_picture_asked_for_is_the_one_told(tmp_path: Path, film: Path) -> None:
    """A second picture is told, and the first is not."""
    with av.open(str(film)) as one, av.open(str(tmp_path / "two.mkv"), "w") as two:
        copies = [two.add_stream_from_template(one.streams.video[0]) for _ in range(2)]
        for packet in list(one.demux(video=0)):
            for copy in copies:
                if packet.size:
                    again = av.Packet(bytes(packet))
                    again.pts = again.dts = packet.pts
                    again.time_base, again.stream = packet.time_base, copy
                    two.mux(again)
    write_aspect(
        tmp_path / "two.mkv", replace(probe(film).picture, sample_aspect_ratio=PAL), track=1
    )
    told = ask_ffprobe(tmp_path / "two.mkv", "-show_streams")["streams"]
    assert [one.get("sample_aspect_ratio") for one in told] == [None, "16:15"]


def test_a_file_of_another_form_is_refused(tmp_path: Path, film: Path) -> None:
    """One that is no Matroska, and one that breaks off in its header, stay as they are."""
    picture = replace(probe(film).picture, sample_aspect_ratio=PAL)
    whole = film.read_bytes()
    for data in (b"no film at all", b"", whole[:300]):
        broken = tmp_path / "broken.mkv"
        broken.write_bytes(data)
        with pytest.raises(OutputError, match="cannot write the pixel aspect ratio"):
            write_aspect(broken, picture)
        assert broken.read_bytes() == data
    with pytest.raises(OutputError, match="it has no such picture"):
        write_aspect(film, picture, track=1)


@pytest.mark.parametrize(
    ("size", "ratio", "shown"),
    [
        ((720, 576), "16/15", (768, 576)),
        ((720, 480), "10/11", (660, 484)),  # 654.5 x 480
        ((720, 576), "59/54", (885, 648)),
        ((719, 541), "997/1009", (710, 541)),  # no small numbers have it
    ],
)
def test_display_size(
    size: tuple[int, int], ratio: str, shown: tuple[int, int], film: Path
) -> None:
    """The exact aspect at about the picture's height; rounded only if there is none."""
    picture = replace(
        probe(film).picture, width=size[0], height=size[1], sample_aspect_ratio=Fraction(ratio)
    )
    assert display_size(picture) == shown


@needs_ffmpeg
@pytest.mark.parametrize("codec", ["ffv1", "libx264"])
def test_a_film_keeps_its_pixels_shape(tmp_path: Path, codec: str) -> None:
    """Also where the codec does not tell it; MP4's pixels are told in Matroska."""
    film = write_film(
        tmp_path / "film.mp4", moving_luma(5, 720, 576), codec="libx264",
        sample_aspect_ratio=PAL,
    )  # fmt: skip
    result = colored(film, tmp_path / "out.mkv", OutputSettings(codec=codec)).path
    assert told_aspect(result) == told_aspect(film) == "16:15"
    assert matroska.DISPLAY_WIDTH.to_bytes(2, "big") in result.read_bytes()[:2000]
