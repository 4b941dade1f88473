import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from vidcolor.cli.main import main
from vidcolor.errors import AlreadyColorError, OutputError, SourceError
from vidcolor.film.credentials import SYNTHETIC_COLOR
from vidcolor.frame import Frame
from vidcolor.models.zoo import Model, find_model
from vidcolor.photos import jpeg, profile
from vidcolor.photos.colorize import Photo, colorize_photo, colorize_photos
from vidcolor.photos.find import sort_inputs
from vidcolor.photos.photograph import Metadata, Photograph
from vidcolor.photos.read import read_photograph
from vidcolor.photos.statement import Statement
from vidcolor.photos.tags import (
    DISPLAY_TURNS,
    EXIF,
    GPS,
    LONG,
    ORIENTATION,
    SHORT,
    Directory,
    display_matrix,
    read_tags,
    write_tags,
)
from vidcolor.pipeline.run import colorize_frames, colorize_stills
from vidcolor.settings import ColorSettings, ModelSettings, OutputSettings, Settings

WIDTH, HEIGHT = 150, 101
NAMESPACE = 'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
SETTINGS = Settings(model=ModelSettings(render_size=64))
Gray = NDArray[np.uint8] | NDArray[np.uint16]


@pytest.fixture(scope="module")
def model() -> Model:
    """The default model."""
    return find_model(ModelSettings())


def scene(depth: int = 8) -> Gray:
    """Something like a landscape, with each code of 8 bits in it and grain."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    hills = 60 + 30 * np.sin(x / 17) + 60 * (y > 55 + 9 * np.sin(x / 23))
    sky = np.where(y < 40, 200 - y, hills)
    grain = np.random.default_rng(7).normal(0, 6, sky.shape)
    luma = np.clip(sky + grain, 0, 255)
    luma.flat[:256] = np.arange(256)
    top = (1 << depth) - 1
    return np.rint(luma / 255 * top).astype(np.uint8 if depth == 8 else np.uint16)


def exif_block() -> bytes:
    """An Exif block with a camera, a turn and a place."""
    exif = Image.Exif()
    exif[271], exif[ORIENTATION] = "Leitz", 6
    exif.get_ifd(EXIF)[36867] = "1938:04:01 10:11:12"
    exif.get_ifd(GPS)[1] = "N"
    return exif.tobytes().removeprefix(b"Exif\0\0")


def gray_profile() -> bytes:
    """A profile of gray pictures with a curve of gamma 1.8."""
    curve = b"curv" + bytes(4) + struct.pack(">IHxx", 1, round(1.8 * 256))
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags = [(b"wtpt", white), (b"kTRC", curve)]
    start, listed, body = 128 + 4 + 24, b"", b""
    for name, data in tags:
        listed += struct.pack(">4sII", name, start + len(body), len(data))
        body += data
    head = struct.pack(
        ">I4sI4s4s4s", start + len(body), bytes(4), 0x02400000, b"mntr", b"GRAY", b"XYZ "
    )
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + white[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", 2) + listed + body


@cache
def rgb_profile() -> bytes:
    """A profile of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def parse_xml(text: str) -> ET.Element:
    """The root of a document."""
    return ET.fromstring(text)  # noqa: S314 - made here


def opened(path: Path) -> Any:
    """A picture, its file closed."""
    return Image.open(io.BytesIO(path.read_bytes()))


def save(path: Path, gray: Gray, mode: str | None = None, **options: object) -> Path:
    """Write a picture."""
    image = Image.fromarray(gray)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("wanted", [".png", ".tif"])
def test_luma_is_code_for_code_that_of_the_source(
    tmp_path: Path, model: Model, depth: int, suffix: str, wanted: str
) -> None:
    """PNG and TIFF of 8 and 16 bits keep it, and there is color over it."""
    gray = scene(depth)
    source = save(tmp_path / f"a{suffix}", gray)
    result = colorize_photo(source, tmp_path / f"b{wanted}", SETTINGS, model=model)
    found = read_photograph(result.path)
    assert found.luma.dtype == gray.dtype
    assert np.array_equal(found.luma, gray)
    assert (result.width, result.height) == (WIDTH, HEIGHT)
    assert np.ptp(opened(result.path).convert("YCbCr"), axis=(0, 1))[1:].max() > 8


def test_luma_by_pillow_is_that_of_the_source(tmp_path: Path, model: Model) -> None:
    """Another library's conversion to gray gives the same codes back."""
    source = save(tmp_path / "a.png", scene())
    result = colorize_photo(source, settings=SETTINGS, model=model)
    assert result.path == tmp_path / "a.colorized.png"
    assert np.array_equal(opened(result.path).convert("L"), scene())


def test_lossless_webp_keeps_luma(tmp_path: Path, model: Model) -> None:
    """WebP without loss is written so."""
    source = save(tmp_path / "a.webp", scene(), "RGB", lossless=True)
    result = colorize_photo(source, settings=SETTINGS, model=model)
    assert np.array_equal(read_photograph(result.path).luma, scene())
    assert b"VP8L" in result.path.read_bytes()


@pytest.mark.parametrize("options", [{}, {"quality": 60}, {"progressive": True}])
def test_a_jpeg_is_quantized_as_it_was(
    tmp_path: Path, model: Model, options: dict[str, object]
) -> None:
    """Its luma table is the source's, and so nearly all luma is."""
    source = save(tmp_path / "a.jpg", scene(), **options)
    result = colorize_photo(source, settings=SETTINGS, model=model)
    before, after = opened(source), opened(result.path)
    assert after.quantization[0] == before.quantization[0]
    assert bool(after.info.get("progressive")) == bool(before.info.get("progressive"))
    difference = read_photograph(result.path).luma.astype(int) - read_photograph(source).luma
    assert (difference == 0).mean() > 0.9
    assert np.abs(difference).mean() < 0.1


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_metadata_stay_and_the_color_is_said_to_be_synthetic(
    tmp_path: Path, model: Model, name: str
) -> None:
    """Exif byte for byte, color profile, XMP, turn and density; and a word on the color."""
    xmp = (
        Statement("old", "0").xmp(None).replace("<rdf:Description", "<rdf:Description dc='kept'", 1)
    )
    source = save(
        tmp_path / name, scene(), "RGB", exif=b"Exif\0\0" + exif_block(), icc_profile=rgb_profile(),
        dpi=(600, 300), lossless=True, xmp=xmp.encode(),
    )  # fmt: skip
    result = colorize_photo(source, settings=SETTINGS, model=model)
    before, after = opened(source), opened(result.path)
    assert after.size == before.size
    for key in ("exif", "icc_profile", "dpi"):
        assert after.info.get(key) == before.info.get(key), key
    found = after.getexif()
    assert (found[271], found[ORIENTATION]) == ("Leitz", 6)
    assert found.get_ifd(EXIF)[36867] == "1938:04:01 10:11:12"
    packet = read_photograph(result.path).metadata.xmp or ""
    assert packet.count("DigitalSourceType>") == 2  # opened and closed, once
    assert SYNTHETIC_COLOR in packet
    assert "synthetic color, made by vidcolor" in packet
    if name != "a.webp":
        told = after.info.get("comment") or after.info.get("Comment")
        assert "synthetic color, made by vidcolor" in str(told)


def test_all_segments_of_a_jpeg_stay(tmp_path: Path, model: Model) -> None:
    """IPTC and segments that nobody here knows are written again; other pictures' index is not."""
    plain = save(tmp_path / "p.jpg", scene(), dpi=(72, 72))
    iptc = (b"\xff\xed", b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\0")
    unknown, index = (b"\xff\xe7", b"maker's own"), (jpeg.APP2, b"MPF\0of others")
    assert jpeg.kept_segments([iptc, index], with_icc=True) == [iptc]
    own = jpeg.read_segments(plain.read_bytes())
    source = tmp_path / "a.jpg"
    source.write_bytes(jpeg.write_segments(plain.read_bytes(), [*own, iptc, unknown]))
    found = jpeg.read_segments(
        colorize_photo(source, settings=SETTINGS, model=model).path.read_bytes()
    )
    assert {iptc, unknown, own[0]} <= set(found)
    assert found[0] == own[0]  # JFIF comes first


@pytest.mark.parametrize("is_compressed", [True, False])
def test_tags_of_a_tiff_stay(tmp_path: Path, model: Model, *, is_compressed: bool) -> None:
    """Tags known and unknown, in either order of bytes, and what made the file before."""
    source = tmp_path / "a.tif"
    image = Image.fromarray(scene())
    tags = {270: "a title", 305: "Scanner 1", 315: "Vertov", 65000: "own", 282: 400.0, 283: 400.0}
    image.save(source, tiffinfo=tags, compression="tiff_lzw" if is_compressed else None)
    result = colorize_photo(source, settings=SETTINGS, model=model)
    after = opened(result.path)
    assert after.mode == "RGB"
    found = after.tag_v2
    assert {tag: found[tag] for tag in (270, 315, 65000, 282, 283)} == {
        tag: tags[tag] for tag in (270, 315, 65000, 282, 283)
    }
    assert found[305].startswith("Scanner 1; synthetic color, made by vidcolor")
    assert found[259] == (8 if is_compressed else 1)
    assert SYNTHETIC_COLOR in found[700].decode()
    assert np.array_equal(np.asarray(after.convert("L")), scene())


def raw_tiff(path: Path, gray: Gray, order: str = "<", **tags: int) -> Path:
    """A TIFF as scanners write them, without compression, in either order of bytes."""
    made = Directory(order)
    facts = {256: WIDTH, 257: HEIGHT, 258: 8 * gray.itemsize, 259: 1, 262: 1, 277: 1, 278: HEIGHT}
    facts |= {279: gray.nbytes, 273: 0} | {int(tag.strip("_")): tags[tag] for tag in tags}
    for tag, value in facts.items():
        made.put_numbers(tag, LONG if tag in {273, 279} else SHORT, value)
    samples = gray.astype(f"{order}u{gray.itemsize}").tobytes()
    path.write_bytes(write_tags(made, samples, {273: 0}))
    return path


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("order", ["<", ">"])
def test_samples_of_a_tiff_lie_as_they_lay(
    tmp_path: Path, model: Model, depth: int, order: str, orientation: int
) -> None:
    """In either order of bytes, and not turned, which the tag of the result still says."""
    gray = scene(depth)
    source = raw_tiff(tmp_path / "a.tif", gray, order, _274=orientation)
    result = colorize_photo(source, settings=SETTINGS, model=model)
    assert result.path.read_bytes()[:2] == (b"II" if order == "<" else b"MM")
    found = read_photograph(result.path)
    assert np.array_equal(found.luma, gray)
    assert found.orientation == orientation
    assert opened(result.path).size == ((HEIGHT, WIDTH) if orientation == 6 else (WIDTH, HEIGHT))


@pytest.mark.parametrize("depth", [8, 16])
def test_white_is_zero(tmp_path: Path, depth: int) -> None:
    """A TIFF whose white is 0 is read as it looks."""
    gray = scene(depth)
    source = raw_tiff(tmp_path / "a.tif", np.asarray(~gray, gray.dtype), _262=0)
    assert np.array_equal(read_photograph(source).luma, gray)


@pytest.mark.parametrize("orientation", sorted(DISPLAY_TURNS))
def test_orientation_is_read_as_others_read_it(orientation: int) -> None:
    """The display matrix moves pixels where Pillow moves them."""
    gray = np.arange(6, dtype=np.uint8).reshape(2, 3)
    image = Image.fromarray(gray)
    image.getexif()[ORIENTATION] = orientation
    shown = np.asarray(ImageOps.exif_transpose(image))
    a, b, _, c, d, *_ = display_matrix(orientation) or (1, 0, 0, 0, 1)
    places = {
        (np.sign(b) * x + np.sign(d) * y, np.sign(a) * x + np.sign(c) * y): gray[y, x]
        for y in range(2)
        for x in range(3)
    }
    top, left = (min(place[i] for place in places) for i in (0, 1))
    assert {(y - top, x - left): value for (y, x), value in places.items()} == {
        (y, x): value for (y, x), value in np.ndenumerate(shown)
    }


def test_a_turned_photograph_gets_the_colors_of_the_upright_one(
    tmp_path: Path, model: Model
) -> None:
    """The network sees it upright, whichever way it lies in the file."""
    upright = save(tmp_path / "a.png", scene())
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # a quarter turn clockwise when shown
    turned = save(tmp_path / "b.png", np.rot90(scene()).copy(), exif=exif)
    first, second = (
        np.asarray(opened(colorize_photo(path, settings=SETTINGS, model=model).path)).astype(int)
        for path in (upright, turned)
    )
    assert np.abs(np.rot90(second, -1) - first).mean() < 1


def test_a_gray_profile_becomes_one_in_color_with_its_curve(tmp_path: Path, model: Model) -> None:
    """Each gray looks as it did: L* by the old profile is L* by the new one."""
    source = save(tmp_path / "a.png", scene(), icc_profile=gray_profile())
    result = colorize_photo(source, settings=SETTINGS, model=model)
    made = opened(result.path).info["icc_profile"]
    assert not profile.is_gray(made)
    codes = np.arange(256, dtype=np.uint8)[None]
    lab = ImageCms.createProfile("LAB")

    def lightness(image: Image.Image, icc: bytes) -> NDArray[np.int_]:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        told = ImageCms.profileToProfile(image, opened, lab, outputMode="LAB")
        return np.asarray(told).astype(int)

    gray = lightness(Image.fromarray(codes), gray_profile())
    color = lightness(Image.fromarray(np.dstack([codes] * 3)), made)
    assert np.abs(gray[..., 0] - color[..., 0]).max() <= 1
    wrapped = (color[..., 1:] + 128) % 256 - 128
    assert np.abs(wrapped).max() <= 1  # neutral stays neutral


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.webp"])
def test_exif_goes_to_other_kinds_of_files(tmp_path: Path, model: Model, name: str) -> None:
    """A PNG's Exif, profile and density go to every other kind; a note says what does not."""
    source = save(
        tmp_path / "a.png",
        scene(16),
        exif=b"Exif\0\0" + exif_block(),
        icc_profile=rgb_profile(),
        dpi=(300, 300),
    )
    result = colorize_photo(source, tmp_path / name, SETTINGS, model=model)
    after = opened(result.path)
    found = after.getexif()
    assert (found[271], found[ORIENTATION]) == ("Leitz", 6)
    assert found.get_ifd(EXIF)[36867] == "1938:04:01 10:11:12"
    assert after.info["icc_profile"] == rgb_profile()
    if name != "a.webp":
        assert [round(float(value)) for value in after.info["dpi"]] == [300, 300]
    assert any("nothing else that PNG holds" in note for note in result.notes)
    assert any("8 bits of its 16" in note for note in result.notes) == (name != "a.tif")


def test_a_tiff_tells_its_tags_as_exif(tmp_path: Path, model: Model) -> None:
    """A scanner's TIFF saved as JPEG still says who made it."""
    source = save(tmp_path / "a.tif", scene(), tiffinfo={271: "Imacon", 274: 3})
    result = colorize_photo(source, tmp_path / "b.jpg", SETTINGS, model=model)
    found = opened(result.path).getexif()
    assert (found[271], found[274]) == ("Imacon", 3)
    assert 273 not in found  # where strips lay is nobody's business


@pytest.mark.parametrize(
    ("mode", "expected"), [("LA", "RGBA"), ("RGBA", "RGBA"), ("P", "RGB"), ("1", "RGB")]
)
def test_modes_of_a_png(tmp_path: Path, model: Model, mode: str, expected: str) -> None:
    """Alpha stays as it was; palettes and single bits are read as they look."""
    image = Image.fromarray(scene()).convert(mode)
    alpha = np.tile(np.arange(WIDTH, dtype=np.uint8), (HEIGHT, 1))
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(alpha))
    source = tmp_path / "a.png"
    image.save(source)
    after = opened(colorize_photo(source, settings=SETTINGS, model=model).path)
    assert after.mode == expected
    assert np.array_equal(after.convert("RGB").convert("L"), image.convert("RGB").convert("L"))
    if mode.endswith("A"):
        assert np.array_equal(after.getchannel("A"), alpha)


def big_tiff() -> bytes:
    """The head of a BigTIFF."""
    return b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + bytes(64)


def cmyk(path: Path) -> None:
    """Write a picture made for print."""
    Image.fromarray(scene()).convert("CMYK").save(path)


def floats(path: Path) -> None:
    """Write a picture of floats."""
    Image.fromarray(scene().astype(np.float32)).save(path)


def animated(path: Path) -> None:
    """Write a picture that moves, or has pages."""
    frames = [Image.fromarray(scene() // part) for part in (1, 2)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def truncated(path: Path) -> None:
    """Write half a file."""
    save(path, scene())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def huge(path: Path) -> None:
    """A PNG that says it has 40,000 by 40,000 pixels."""
    save(path, scene())
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 40_000, 40_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "make", "told"),
    [
        ("a.jpg", cmyk, "is CMYK"),
        ("a.tif", cmyk, "is CMYK"),
        ("a.tif", floats, "floats"),
        ("a.png", animated, "holds 2 pictures"),
        ("a.tif", animated, "holds 2 pictures"),
        ("a.webp", animated, "holds 2 pictures"),
        ("a.jpg", truncated, "is damaged"),
        ("a.png", truncated, "is damaged"),
        ("a.tif", truncated, "is damaged"),
        ("a.png", huge, "million pixels"),
        ("a.jpg", lambda path: path.write_bytes(b""), "is empty"),
        ("a.jpg", lambda path: path.write_text("no picture"), "cannot be read as a picture"),
        ("a.tif", lambda path: path.write_bytes(big_tiff()), "BigTIFF"),
        ("a.png", lambda path: save(path.with_suffix(".gif"), scene()).rename(path), "is GIF"),
        ("a.jpg", lambda _: None, "no such file"),
    ],
)
def test_what_is_not_read_is_told_in_one_line(
    tmp_path: Path, model: Model, name: str, make: Callable[[Path], object], told: str
) -> None:
    """The line names the file and the fault, and says what to do."""
    path = tmp_path / name
    make(path)
    with pytest.raises(SourceError, match=told) as caught:
        colorize_photo(path, settings=SETTINGS, model=model)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert ";" in text
    assert not list(tmp_path.glob("*.colorized*"))


def test_a_photograph_in_color_is_left_alone(tmp_path: Path, model: Model) -> None:
    """Unless it is asked for: then its luma stays and its colors are replaced."""
    rgb = np.dstack([scene(), np.roll(scene(), 40, 1), scene()[::-1]])
    source = tmp_path / "a.png"
    Image.fromarray(rgb).save(source)
    with pytest.raises(AlreadyColorError, match="--force"):
        colorize_photo(source, settings=SETTINGS, model=model)
    forced = replace(SETTINGS, force=True)
    result = colorize_photo(source, settings=forced, model=model)
    assert np.array_equal(read_photograph(result.path).luma, read_photograph(source).luma)


def test_a_toned_photograph_is_black_and_white(tmp_path: Path, model: Model) -> None:
    """Sepia is no color of things."""
    gray = scene().astype(float)
    sepia = np.dstack([gray, 0.85 * gray, 0.65 * gray]).astype(np.uint8)
    source = tmp_path / "a.jpg"
    Image.fromarray(sepia).save(source, quality=90)
    assert colorize_photo(source, settings=SETTINGS, model=model).state == "done"


def test_what_is_done_is_not_done_again(tmp_path: Path, model: Model) -> None:
    """The same command leaves it; other settings do not overwrite it, unless that is asked for."""
    photo = Photo(save(tmp_path / "a.png", scene()), tmp_path / "b.png")

    def run(settings: Settings) -> object:
        (result,) = colorize_photos([photo], model, settings)
        return result.error or result.state

    assert run(SETTINGS) == "done"
    first = photo.target.read_bytes()
    assert run(SETTINGS) == "already done"
    dull = replace(SETTINGS, color=ColorSettings(saturation=0.5))
    assert "exists already" in str(run(dull))
    assert photo.target.read_bytes() == first
    assert run(replace(dull, output=OutputSettings(overwrite=True))) == "done"
    assert photo.target.read_bytes() != first
    assert run(replace(SETTINGS, output=OutputSettings(overwrite=True))) == "done"
    assert photo.target.read_bytes() == first  # same input, same settings: same bytes


def test_one_that_fails_does_not_stop_the_others(tmp_path: Path, model: Model) -> None:
    """And two that would become one file are told."""
    good = [Photo(save(tmp_path / f"{i}.png", scene()), tmp_path / f"{i}.c.png") for i in range(3)]
    bad = Photo(tmp_path / "none.png", tmp_path / "none.c.png")
    same = Photo(save(tmp_path / "same.png", scene()), good[0].target)
    found = {
        r.source.name: r for r in colorize_photos([good[0], bad, *good[1:], same], model, SETTINGS)
    }
    assert {name for name, r in found.items() if r.error is None} == {"0.png", "1.png", "2.png"}
    assert "is also the output of" in str(found["same.png"].error)


def test_a_photograph_gets_the_colors_of_a_film_of_one_frame(model: Model) -> None:
    """The same net, and no other color for having been asked about with others."""
    source = read_frame(scene())
    others = [read_frame(scene()[::-1].copy()), read_frame(scene()[:, :90].copy())]
    stills = list(colorize_stills([others[0], source, others[1]], model, SETTINGS))
    (film,) = colorize_frames(iter([source]), model, SETTINGS)
    assert np.array_equal(stills[1].chroma.cb, film.chroma.cb)
    assert np.array_equal(stills[1].chroma.cr, film.chroma.cr)
    assert stills[1].frame is source


def read_frame(luma: Gray) -> Frame:
    """A photograph as the stages have it."""
    photograph = Photograph(Path("x"), "png", luma, None, 1, Metadata(), "", is_color=False)
    picture = photograph.format(0)
    return Frame(0, luma, 0, 0, Fraction(1), picture)


def test_xmp_of_before_stays() -> None:
    """Of how the picture came about one word holds, whichever way the old one was written."""
    for old in (
        '<rdf:Description rdf:about="x" ' + NAMESPACE + " "
        'Iptc4xmpExt:DigitalSourceType="digitalCapture" xmlns:a="b" a:kept="yes"/>',
        '<rdf:Description rdf:about="x" ' + NAMESPACE + " "
        'xmlns:a="b" a:kept="yes"><Iptc4xmpExt:DigitalSourceType>digitalCapture'
        "</Iptc4xmpExt:DigitalSourceType></rdf:Description>",
    ):
        packet = (
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
            f'"http://www.w3.org/1999/02/22-rdf-syntax-ns#">{old}</rdf:RDF></x:xmpmeta>'
        )
        made = Statement("a < b & c", "1").xmp(packet)
        root = parse_xml(made)
        rdf = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
        abouts = {one.get(f"{rdf}about") for one in root.iter(f"{rdf}Description")}
        assert abouts == {"x"}
        text = ET.tostring(root, encoding="unicode")
        assert "digitalCapture" not in text
        assert 'kept="yes"' in text
        iptc = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
        assert [one.text for one in root.iter(f"{iptc}DigitalSourceType")] == [SYNTHETIC_COLOR]
        assert [one.text for one in root.iter(f"{iptc}AISystemUsed")] == ["a < b & c"]


@pytest.mark.parametrize("packet", [None, "", "<broken"])
def test_xmp_that_is_not_there_is_made(packet: str | None) -> None:
    """And one that is damaged is replaced."""
    assert SYNTHETIC_COLOR in Statement("t", "1").xmp(packet)
    assert (
        parse_xml(Statement("t", "1").xmp(packet).split("\n", 1)[1].rsplit("\n", 1)[0]) is not None
    )


def test_of_two_tags_the_first_counts() -> None:
    """As in the scans of programs that add a description of their own behind the archive's."""
    entries = (struct.pack("<HHI4s", 270, 2, 4, text) for text in (b"one\0", b"two\0"))
    tags = read_tags(b"II*\0" + struct.pack("<IH", 8, 2) + b"".join(entries) + bytes(4))
    assert tags.text(270) == "one"


def test_tags_are_read_and_written_alike() -> None:
    """What Pillow writes is read, and what is written is what was read."""
    tags = read_tags(exif_block())
    again = read_tags(write_tags(tags))
    assert again.entries == tags.entries
    assert again.below.keys() == tags.below.keys() == {EXIF, GPS}
    assert again.below[EXIF].entries == tags.below[EXIF].entries
    assert tags.text(271) == "Leitz"
    for damaged in (b"", b"II*\0", b"II*\0\xff\xff\xff\xff", write_tags(tags)[:40]):
        with pytest.raises(ValueError, match="tags"):
            read_tags(damaged)


def test_inputs_are_sorted(tmp_path: Path) -> None:
    """A picture is a photograph, one of a sequence is not, and a folder holds films."""
    for name in ("a.jpg", "s_001.png", "s_002.png", "b.tif", "b.colorized.tif", ".c.jpg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "d.webp").write_bytes(b"x")
    named = [tmp_path / "a.jpg", tmp_path / "s_001.png", tmp_path, tmp_path / "f.mp4"]
    plain = sort_inputs(named, as_photos=False, recursive=False)
    assert [one.path.name for one in plain.photos] == ["a.jpg"]
    assert plain.films == named[1:]
    asked = sort_inputs(named, as_photos=True, recursive=True)
    names = [one.path.name for one in asked.photos]
    assert names == ["a.jpg", "s_001.png", "b.tif", "s_002.png", "d.webp"]
    assert asked.photos[-1].subfolder == Path("below")
    assert asked.films == [tmp_path / "f.mp4"]
    globbed = sort_inputs([tmp_path / "*.png"], as_photos=True, recursive=False)
    assert [one.path.name for one in globbed.photos] == ["s_001.png", "s_002.png"]
    pattern = sort_inputs([tmp_path / "s_%03d.png"], as_photos=False, recursive=False)
    assert pattern.films == [tmp_path / "s_%03d.png"]


def test_a_folder_without_photographs_is_told(tmp_path: Path) -> None:
    """In one line."""
    found = sort_inputs([tmp_path], as_photos=True, recursive=False)
    assert [str(error) for error in found.errors] == [
        f"{tmp_path}: holds no photograph; name one, or search subfolders with --recursive"
    ]


def test_a_name_of_no_photograph_is_refused(tmp_path: Path, model: Model) -> None:
    """The suffix says what is written."""
    source = save(tmp_path / "a.png", scene())
    with pytest.raises(OutputError, match=r"\.jpeg, \.jpg, \.png"):
        colorize_photo(source, tmp_path / "b.bmp", SETTINGS, model=model)


def run(*words: object) -> int:
    """The program, with a small net."""
    return main([*map(str, words), "--render-size", "64"])


def test_the_program_colors_a_photograph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By itself, to a name of its own; a second run leaves it."""
    source = save(tmp_path / "photo.jpg", scene())
    assert run(source) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'photo.colorized.jpg'}: {WIDTH}x{HEIGHT}\n"
    assert run(source) == 0
    assert "already done" in capsys.readouterr().out
    assert run(source, "-o", tmp_path / "color.png") == 0
    assert opened(tmp_path / "color.png").format == "PNG"
    assert run(source, "-o", tmp_path / "color.bmp") == 1
    assert "end it with one of .jpeg, .jpg" in capsys.readouterr().err


def test_the_program_colors_folders_of_photographs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where that is asked for; else it says both ways."""
    (tmp_path / "below").mkdir()
    for name in ("a_1.png", "a_2.png", "below/b.tif"):
        save(tmp_path / name, scene())
    assert run(tmp_path / "a_1.png") == 1
    told = capsys.readouterr().err
    assert f"name {tmp_path / 'a_%d.png'}, or its folder, or add --photos" in told
    assert run(tmp_path / "below") == 1
    assert "its photographs (1) are colorized with --photos" in capsys.readouterr().err
    out = tmp_path / "out"
    assert run(tmp_path, "--photos", "-r", "-o", f"{out}/") == 0
    made = sorted(str(path.relative_to(out)) for path in out.rglob("*.*"))
    assert made == ["a_1.colorized.png", "a_2.colorized.png", "below/b.colorized.tif"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["a.png", "--bagit", "-o", "out"], 1, "is a photograph, and --bagit is for films"),
        (["a.png", "b.png", "-o", "c.png"], 2, "is the name of one file"),
        (["film.mp4", "b.mp4", "-o", "both.mp4"], 2, "is the name of one file"),
        (["a.png", "--photos", "--dump", "d", "--dump-frames", "1"], 2, "cannot be combined"),
        (["none.png"], 1, "no such file"),
    ],
)
def test_what_does_not_go_with_photographs_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: list[str], code: int, told: str,
) -> None:  # fmt: skip
    """In one line."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png"):
        save(tmp_path / name, scene())
    try:
        found = run(*words)
    except SystemExit as error:
        found = error.code
    assert found == code
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_options_for_films_are_said_to_have_no_effect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line; the photograph is colorized all the same."""
    source = save(tmp_path / "a.png", scene())
    assert run(source, "--start", "3", "--smoothing", "0.5", "--overwrite") == 0
    told = "vidcolor: --start, --smoothing: no effect on photographs"
    assert capsys.readouterr().err.startswith(told)
    assert run(tmp_path / "*.png", "--overwrite") == 0  # as a shell gives it that fills in nothing
    assert "a.colorized.png: 150x101" in capsys.readouterr().out
