"""Words in films and images: none is lost, whatever code they are written in."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import Extras, moving_luma, picture_bytes, write_film, write_series
from image_sequences import colorize
from PIL import Image, PngImagePlugin

from vidcolor.cli.main import main
from vidcolor.reading.dpx_header import DpxHeader
from vidcolor.reading.source import open_source, probe
from vidcolor.reading.texts import (
    ARTIST,
    COPYRIGHT,
    DESCRIPTION,
    LONGEST_TEXT,
    decode_text,
    image_texts,
    mend_tags,
)
from vidcolor.report.sidecar import read_sidecar
from vidcolor.settings import InputSettings, Settings
from vidcolor.writing.plan import plan_video

TITLE = "Zürich, 5 € Münsterbrücke"
CREATOR, PROJECT, RIGHTS = 160, 260, 460


@pytest.mark.quick
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Zurich", "Zurich"), (b"Z\xc3\xbcrich", "Zürich"), (b"Z\xfcrich, 5 \x80", "Zürich, 5 €"),
        (b"\x81\xfc", "\x81ü"), (b"", ""),
    ],
)  # fmt: skip
def test_bytes_are_text(data: bytes, text: str) -> None:
    """UTF-8, else Windows-1252, else Latin-1; each byte stands for something."""
    assert decode_text(data) == text


@pytest.mark.quick
def test_tags_are_mended_in_place() -> None:
    """Keys as well; tags that are text already stay as they are."""
    tags = {"title": "Z\udcfcrich", "Gr\udcf6\udcdfe": "ü"}
    assert mend_tags(tags)
    assert tags == {"title": "Zürich", "Größe": "ü"}
    assert not mend_tags(tags)


@pytest.mark.parametrize("suffix", ["mkv", "avi"])
def test_tags_that_are_no_utf8_are_kept_and_told(tmp_path: Path, suffix: str) -> None:
    """Of a film, and of its chapters."""
    extras = Extras(metadata={"title": "ZQrich"}, chapters=[(0, 80, "BrQcke")])
    extras = extras if suffix == "mkv" else Extras(metadata=extras.metadata)
    film = write_film(tmp_path / f"a.{suffix}", moving_luma(3, 64, 48), extras=extras)
    assert not probe(film).has_mended_tags
    film.write_bytes(film.read_bytes().replace(b"ZQrich", b"Z\xfcrich").replace(b"BrQ", b"Br\xfc"))
    job = plan_video(film, tmp_path / "b.mkv", Settings())
    assert "tags are not UTF-8: read as Windows-1252" in job.encoding.notes
    colorize(film, tmp_path / "b.mkv", InputSettings())
    with av.open(str(tmp_path / "b.mkv")) as made:
        assert made.metadata["title"] == "Zürich"
        if suffix == "mkv":
            assert made.chapters()[0]["metadata"]["title"] == "Brücke"


def write_words(path: Path, encoding: str) -> None:
    """A picture that has a description, an artist and rights, or as much as its kind holds."""
    if path.suffix == ".dpx":
        data = bytearray(picture_bytes(moving_luma(1, 64, 48)[0], "gray", ".dpx"))
        for start, size, text in ((CREATOR, 100, "Jürg"), (PROJECT, 200, TITLE), (RIGHTS, 200, "")):
            data[start : start + size] = text.encode(encoding).ljust(
                size, b"\0" if text else b"\xff"
            )
        path.write_bytes(data)
        return
    image = Image.fromarray(moving_luma(1, 64, 48)[0])
    if encoding == "png":
        words = PngImagePlugin.PngInfo()
        words.add_text("Title", "Zürich")
        words.add_itxt("Author", "Jürg")
        image.save(path, pnginfo=words)
        return
    tags = Image.Exif()
    tags[DESCRIPTION], tags[ARTIST], tags[COPYRIGHT] = (
        text.encode(encoding) for text in (TITLE, "Jürg", "© 1931")
    )
    image.save(path, exif=tags)


@pytest.mark.parametrize(
    ("suffix", "encoding", "wanted"),
    [
        *((suffix, code, {"description": TITLE, "artist": "Jürg", "copyright": "© 1931"})
          for suffix in ("tif", "jpg") for code in ("utf-8", "cp1252")),
        *(("dpx", code, {"title": TITLE, "artist": "Jürg"}) for code in ("utf-8", "cp1252")),
        ("png", "png", {"title": "Zürich", "artist": "Jürg"}),
    ],
)  # fmt: skip
def test_an_image_says_what_it_shows(
    tmp_path: Path, suffix: str, encoding: str, wanted: dict[str, str]
) -> None:
    """In each kind of image; fields of DPX that are FF throughout say nothing."""
    path = tmp_path / f"a.{suffix}"
    write_words(path, encoding)
    assert image_texts(path) == wanted
    path.write_bytes(path.read_bytes()[:150])
    assert image_texts(path) == {}
    assert image_texts(tmp_path / "missing.tif") == {}


def test_endless_texts_are_cut_visibly(tmp_path: Path) -> None:
    """A microscope's megabytes of XML do not become a tag."""
    tags = Image.Exif()
    tags[DESCRIPTION] = "x" * 9000
    Image.fromarray(moving_luma(1, 64, 48)[0]).save(tmp_path / "a.tif", exif=tags)
    (text,) = image_texts(tmp_path / "a.tif").values()
    assert text == "x" * LONGEST_TEXT + "..."


def test_a_header_of_undefined_words_is_read(tmp_path: Path) -> None:
    """All text fields FF, as the standard has it."""
    data = bytearray(picture_bytes(moving_luma(1, 64, 48)[0], "gray", ".dpx"))
    data[36:660] = b"\xff" * 624
    header = DpxHeader.parse(bytes(data))
    assert header is not None
    assert header.texts == {}
    for number in (1, 2):
        (tmp_path / f"{number}.dpx").write_bytes(data)
    assert colorize(tmp_path / "%d.dpx", tmp_path / "a.mkv").frames == 2


def test_a_sequence_hands_its_words_on(tmp_path: Path) -> None:
    """To the film and to its sidecar."""
    for number in (1, 2):
        write_words(tmp_path / f"{number}.tif", "cp1252")
    colorize(tmp_path / "%d.tif", tmp_path / "a.mkv")
    with open_source(probe(tmp_path / "a.mkv")) as made:
        tags = {key.lower(): text for key, text in made.metadata.items()}
    assert tags["description"] == TITLE
    source = read_sidecar(tmp_path / "a.json")["source"]
    assert isinstance(source, dict)
    assert source["images"]["texts"]["artist"] == "Jürg"


def test_a_rate_beside_films_is_that_of_sequences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command takes both; for films alone it stays an error."""
    (tmp_path / "in").mkdir()
    film = write_film(tmp_path / "in/film.mkv", moving_luma(3, 64, 48))
    write_series(tmp_path / "in/scans/%d.tif", moving_luma(3, 64, 48))
    command = [str(tmp_path / "in"), "-r", "-o", f"{tmp_path}/out/", "--fps", "18"]
    command += ["--device", "cpu", "--render-size", "64"]
    assert main(command) == 0
    assert probe(tmp_path / "out/film.colorized.mkv").frame_rate == 25
    assert probe(tmp_path / "out/scans/scans.colorized.mkv").frame_rate == Fraction(18)
    capsys.readouterr()
    assert main(command) == 0
    assert capsys.readouterr().out.count("already done") == 2
    assert main([str(film), "-o", str(tmp_path / "a.mkv"), "--fps", "18"]) == 1
    assert "has a frame rate; leave --fps out" in capsys.readouterr().err
