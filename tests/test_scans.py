import io
import struct
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import tifffile
from clips import picture_bytes
from image_sequences import AT_18, read
from numpy.typing import NDArray

from vidcolor.errors import SourceError
from vidcolor.reading import exr_scans
from vidcolor.reading.exr_scans import is_cut_exr, readable_exr
from vidcolor.reading.reader import Damage
from vidcolor.reading.source import probe
from vidcolor.reading.tiff_scans import readable_tiff
from vidcolor.settings import InputSettings, Settings
from vidcolor.writing.plan import plan_video

Codes = NDArray[np.integer]
WIDTH, HEIGHT, HEADER = 49, 30, 2048
HERE = Path("0001.tif")


def ramp(bits: int = 10, width: int = WIDTH) -> Codes:
    """Lighter to the right and, more so, upward; all codes differ from their neighbors'."""
    y, x = np.mgrid[:HEIGHT, :width]
    return (90 + 3 * x + 9 * (HEIGHT - 1 - y)) << (bits - 10)


def pack(samples: Codes, packing: int, first: str) -> bytes:
    """10-bit samples as big-endian words; packing 0 has no free bits (SMPTE ST 268-1)."""
    if packing == 0:
        number = sum(int(code) << 10 * place for place, code in enumerate(samples.tolist()))
        little = number.to_bytes(-(-len(samples) * 10 // 32) * 4, "little")
        if first == "low":
            return np.frombuffer(little, "<u4").astype(">u4").tobytes()
        bits = "".join(f"{code:010b}" for code in samples.tolist())
        return int(bits.ljust(8 * len(little), "0"), 2).to_bytes(len(little), "big")
    padded = np.concatenate([samples, np.zeros(-len(samples) % 3, samples.dtype)]).reshape(-1, 3)
    low, middle, high = (padded[:, place] for place in ((0, 1, 2) if first == "low" else (2, 1, 0)))
    return ((low | middle << 10 | high << 20) << (2 if packing == 1 else 0)).astype(">u4").tobytes()


def dpx(  # noqa: PLR0913 - the fields of its header
    shown: Codes,
    *,
    descriptor: int = 6,
    transfer: int = 2,
    bits: int = 10,
    packing: int = 1,
    first: str = "low",
    is_padded: bool = True,
    orientation: int = 0,
    line_padding: int = 0,
) -> bytes:
    """A DPX file of luma, or of R = G = B, made from the standard alone."""
    stored = shown
    if orientation in {1, 3, 5, 7}:
        stored = stored[:, ::-1]
    if orientation in {2, 3, 6, 7}:
        stored = stored[::-1]
    stored = stored.T if orientation >= 4 else stored
    height, width = stored.shape
    rows = stored.astype(np.int64)
    if descriptor == 50:
        rows, first = rows.repeat(3, axis=1), "high"
    if bits == 16:
        lines = [row.astype(">u2").tobytes() + bytes(line_padding) for row in rows]
        data = b"".join(lines)
    elif is_padded:
        data = b"".join(pack(row, packing, first) + bytes(line_padding) for row in rows)
    else:
        data = pack(rows.reshape(-1), packing, first)
    header = bytearray(b"\xff" * HEADER)
    header[:4] = b"SDPX"
    struct.pack_into(">I8sIIIII", header, 4, HEADER, b"V1.0", HEADER + len(data), 1, 1664, 384, 0)
    struct.pack_into(">HHII", header, 768, orientation, 1, width, height)
    kinds = (descriptor, transfer, transfer, bits)
    struct.pack_into(">IIfIf4BHHIII", header, 780, 0, 0, 0.0, 0, 2.0, *kinds, packing, 0, HEADER,
                     line_padding, 0)  # fmt: skip
    for begin, end in ((36, 660), (820, 852), (1432, 1620), (1664, 1712), (1732, 1920)):
        header[begin:end] = bytes(end - begin)
    struct.pack_into(">f", header, 1724, 24.0)
    return bytes(header) + data


def series(folder: Path, suffix: str, *pictures: bytes) -> Path:
    """A folder of numbered files; its pattern."""
    for index, data in enumerate(pictures):
        (folder / f"{index:04}{suffix}").write_bytes(data)
    return folder / f"%04d{suffix}"


def lumas(pattern: Path, inputs: InputSettings = AT_18) -> tuple[list[Codes], Damage]:
    """What is decoded of a series."""
    frames, losses = read(probe(pattern, inputs))
    return [frame.luma for frame in frames], losses


@pytest.mark.parametrize(
    "form",
    [
        {"first": first, "packing": packing, "is_padded": is_padded}
        for first in ("low", "high")
        for packing in (0, 1, 2)
        for is_padded in (True, False)
    ],
)
def test_ten_bit_luma_of_scanners_is_read(tmp_path: Path, form: Mapping[str, Any]) -> None:
    """In each packing; the order of samples is told by the smoothness of rows, and named."""
    pattern = series(tmp_path, ".dpx", *[dpx(ramp(), **form)] * 2)
    (one, _), losses = lumas(pattern)
    np.testing.assert_array_equal(one, ramp())
    assert not str(losses)
    notes = plan_video(pattern, None, Settings()).encoding.notes
    assert any(f"from its {form['first']} end, as rows are smoother" in note for note in notes)


def test_the_order_of_samples_may_be_named(tmp_path: Path) -> None:
    """It goes before what rows tell; of a picture without detail they tell nothing."""
    pattern = series(tmp_path, ".dpx", *[dpx(ramp(), first="high")] * 2)
    (one, _), _ = lumas(pattern, InputSettings(dpx_order="low"))
    assert one[0, 0] == ramp()[0, 2]
    flat = series(tmp_path, ".dpx", *[dpx(np.full_like(ramp(10, 48), 400), first="high")] * 2)
    notes = plan_video(flat, None, Settings()).encoding.notes
    assert any("low end, which rows do not tell (or --dpx-order)" in note for note in notes)


@pytest.mark.parametrize("orientation", range(8))
@pytest.mark.parametrize("form", [{}, {"descriptor": 50}, {"descriptor": 50, "bits": 16}])
def test_a_picture_is_turned_to_be_shown(
    tmp_path: Path, orientation: int, form: dict[str, int]
) -> None:
    """Whichever of the eight orientations its header states."""
    shown = ramp(form.get("bits", 10))
    pattern = series(tmp_path, ".dpx", *[dpx(shown, orientation=orientation, **form)] * 2)
    (one, _), _ = lumas(pattern)
    np.testing.assert_array_equal(one, shown)
    is_told = any("stored" in note for note in plan_video(pattern, None, Settings()).encoding.notes)
    assert is_told == (orientation > 0)


def test_bytes_behind_rows_are_no_samples(tmp_path: Path) -> None:
    """The header tells how many they are; one that is not so is not believed."""
    padded = dpx(ramp(16), descriptor=50, bits=16, line_padding=8)
    pattern = series(tmp_path, ".dpx", padded, padded)
    np.testing.assert_array_equal(lumas(pattern)[0][0], ramp(16))
    lying = bytearray(dpx(ramp(16), descriptor=50, bits=16))
    struct.pack_into(">I", lying, 812, 8)
    np.testing.assert_array_equal(lumas(series(tmp_path, ".dpx", lying, lying))[0][0], ramp(16))


def test_a_form_that_cannot_be_turned_is_named(tmp_path: Path) -> None:
    """One line tells what is not read; it is no damage."""
    pattern = series(tmp_path, ".dpx", *[dpx(ramp(), descriptor=51, packing=0, orientation=3)] * 2)
    with pytest.raises(SourceError, match=r"stored bottom to top and right to left, which is not"):
        lumas(pattern)


def test_a_cut_picture_is_no_unfilled_one(tmp_path: Path) -> None:
    """A file shorter than its header says does not decode, and is counted by its name."""
    whole = dpx(ramp())
    pattern = series(tmp_path, ".dpx", whole, whole[:-4], whole)
    found, losses = lumas(pattern)
    assert len(found) == 2
    assert str(losses) == "1 packet does not decode (0001.dpx)"


@pytest.mark.parametrize(("transfer", "kind"), [(1, "printing density"), (3, "logarithmic")])
def test_logarithmic_codes_are_told(tmp_path: Path, transfer: int, kind: str) -> None:
    """The codes stay; what the network may be shown is said."""
    pattern = series(tmp_path, ".dpx", *[dpx(ramp(), descriptor=50, transfer=transfer)] * 2)
    np.testing.assert_array_equal(lumas(pattern)[0][0], ramp())
    notes = plan_video(pattern, None, Settings()).encoding.notes
    assert any(kind in note and "--log-to-lightness" in note for note in notes)


def tiff(codes: NDArray[Any], **options: Any) -> bytes:
    """A TIFF file."""
    file = io.BytesIO()
    fixed = {"photometric": "minisblack", "metadata": None, "software": False}
    tifffile.imwrite(file, codes, **(fixed | options))
    return file.getvalue()


RAMP = ramp(16, 48)
FLOAT = (RAMP / 65535).astype(np.float32)
TIFFS: dict[str, tuple[bytes, Codes]] = {
    "tiles of bytes": (tiff((RAMP >> 8).astype(np.uint8), tile=(16, 16)), RAMP >> 8),
    "tiles": (tiff(RAMP.astype(np.uint16), tile=(16, 16), compression="zlib"), RAMP),
    "BigTIFF": (tiff(RAMP.astype(np.uint16), bigtiff=True), RAMP),
    "signed": (tiff((RAMP - 32768).astype(np.int16)), RAMP),
    "signed bytes": (tiff(((RAMP >> 8) - 128).astype(np.int8)), RAMP >> 8),
    "float": (tiff(FLOAT), RAMP),
    "half": (
        tiff(FLOAT.astype(np.float16)),
        np.rint(FLOAT.astype(np.float16).astype(float) * 65535).astype(int),
    ),
    "white is zero": (
        tiff(RAMP.astype(np.uint16), photometric="miniswhite", tile=(16, 16)),
        65535 - RAMP,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TIFFS)
def test_tiff_that_ffmpeg_reads_wrongly_is_read(tmp_path: Path, name: str) -> None:
    """Its codes come out as they are; how it is read is said."""
    data, codes = TIFFS[name]
    pattern = series(tmp_path, ".tif", data, data)
    (one, _), losses = lumas(pattern)
    np.testing.assert_array_equal(one, codes)
    assert not str(losses)
    notes = plan_video(pattern, None, Settings(input=AT_18)).encoding.notes
    assert any("read by tifffile" in note for note in notes)


def test_tiff_by_codecs_of_the_extra_is_read(tmp_path: Path) -> None:
    """JPEG within what it loses, the others exactly; samples of ten bits become sixteen."""
    pytest.importorskip("imagecodecs")
    y, x = np.mgrid[:32, :48]
    soft = (40 + 2 * x + y).astype(np.uint8)
    jpeg = tiff(soft, compression="jpeg", compressionargs={"level": 95}, tile=(16, 16))
    (one, _), _ = lumas(series(tmp_path, ".tif", jpeg, jpeg))
    assert np.abs(one.astype(int) - soft).max() <= 6
    packed = tiff(ramp(10, 48).astype(np.uint16), compression="zstd", predictor=True)
    (one, _), _ = lumas(series(tmp_path, ".tif", packed, packed))
    np.testing.assert_array_equal(one, ramp(10, 48))


@pytest.mark.quick
def test_tiff_that_ffmpeg_reads_right_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte; without the extra, one line says what is needed."""
    plain = tiff(RAMP.astype(np.uint16), compression="zlib", predictor=True)
    assert readable_tiff(plain, HERE) == (plain, "")

    def lacking(*_: object) -> None:
        raise ValueError("<COMPRESSION.ZSTD: 50000> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPage, "asarray", lacking)
    with pytest.raises(SourceError, match=r"has tiles, .* imagecodecs; pip install 'tifffile"):
        readable_tiff(TIFFS["tiles"][0], HERE)


@pytest.mark.quick
def test_deep_samples_of_tiff_are_refused_by_name() -> None:
    """No film keeps them."""
    with pytest.raises(SourceError, match="has samples of 32 bits"):
        readable_tiff(tiff(ramp(16).astype(np.uint32)), HERE)


def test_rotten_strips_are_told_by_name(tmp_path: Path) -> None:
    """FFmpeg leaves them black and decodes; so do images whose tiles are rotten."""
    good = tiff(RAMP.astype(np.uint16), compression="zlib", rowsperstrip=8)
    bad = bytearray(good)
    bad[len(bad) // 2] ^= 0x5A
    _, losses = lumas(series(tmp_path, ".tif", good, bad, good))
    assert str(losses) == "1 frame is damaged (0001.tif)"
    tiled = bytearray(TIFFS["tiles"][0])
    tiled[-10] ^= 0x5A
    found, losses = lumas(series(tmp_path, ".tif", TIFFS["tiles"][0], tiled, TIFFS["tiles"][0]))
    assert (len(found), str(losses)) == (2, "1 packet does not decode (0001.tif)")


@pytest.mark.quick
def test_headers_that_ask_for_too_much_are_damaged() -> None:
    """A picture of more tiles than the file has costs neither memory nor time."""
    tiled = bytearray(TIFFS["tiles of bytes"][0])
    with tifffile.TiffFile(io.BytesIO(tiled)) as opened:
        place = opened.pages.first.tags["ImageLength"].valueoffset
    struct.pack_into("<H", tiled, place + 2, 255)  # 16 million lines
    assert readable_tiff(tiled, HERE) == (b"", "tiles")
    lines = bytearray(exr(compression="none"))
    table = len(lines) - HEIGHT * (8 + 8 + 4 * 48)
    assert not is_cut_exr(lines)
    lines[table + 7] = 0xFF
    assert is_cut_exr(lines)
    lines[table : table + 8 * HEIGHT] = b"\xff" * 8 * HEIGHT
    assert is_cut_exr(lines)


def test_black_images_are_told_by_name(tmp_path: Path) -> None:
    """No scanner gives them."""
    white = picture_bytes(np.full((32, 48), 200, np.uint8), "gray", ".png")
    black = picture_bytes(np.zeros((32, 48), np.uint8), "gray", ".png")
    found, losses = lumas(series(tmp_path, ".png", white, *[black] * 6))
    names = ", ".join(f"{number:04}.png" for number in range(1, 6))
    assert (len(found), str(losses)) == (7, f"6 images are black all over ({names}, ...)")


def exr(pixel_format: str = "grayf32le", **options: str) -> bytes:
    """An OpenEXR file of a ramp of light."""
    context = av.CodecContext.create("exr", "w")
    context.width, context.height, context.pix_fmt = 48, HEIGHT, pixel_format
    context.time_base, context.options = Fraction(1, 25), options
    frame = av.VideoFrame(48, HEIGHT, pixel_format)
    plane = frame.planes[0]
    rows = np.zeros((HEIGHT, plane.line_size // 4), np.float32)
    rows[:, :48] = FLOAT
    plane.update(rows.tobytes())
    return b"".join(bytes(packet) for one in (frame, None) for packet in context.encode(one))


def test_one_channel_of_another_name_is_the_picture(tmp_path: Path) -> None:
    """Red alone is as Y; depth is no picture, and is refused by its name."""
    luma = exr(compression="zip1")
    (expected, _), _ = lumas(series(tmp_path, ".exr", luma, luma))
    at = luma.index(b"Y\0")
    red, depth = (luma[:at] + name + luma[at + 1 :] for name in (b"R", b"Z"))
    pattern = series(tmp_path, ".exr", red, red)
    np.testing.assert_array_equal(lumas(pattern)[0][0], expected)
    notes = plan_video(pattern, None, Settings(input=AT_18)).encoding.notes
    assert any("channel R alone, which is taken for luma" in note for note in notes)
    with pytest.raises(SourceError, match=r"holds no picture that is known \(channels: Z\)"):
        lumas(series(tmp_path, ".exr", depth, depth))


def test_rotten_lines_of_exr_are_told_by_name(tmp_path: Path) -> None:
    """FFmpeg leaves them black and decodes."""
    good = exr(compression="zip16")
    bad = bytearray(good)
    bad[-100] ^= 0x5A
    _, losses = lumas(series(tmp_path, ".exr", good, bad))
    assert str(losses) == "1 frame is damaged (0001.exr)"


def test_dwa_of_one_channel_is_read_by_openexr(tmp_path: Path) -> None:
    """FFmpeg gives black for it."""
    library = pytest.importorskip("OpenEXR")
    for index, compression in enumerate((library.DWAA_COMPRESSION, library.DWAB_COMPRESSION)):
        header = {"compression": compression, "type": library.scanlineimage}
        channels = {"Y": FLOAT.astype(np.float16)}
        library.File(header, channels).write(str(tmp_path / f"{index:04}.exr"))
    found, losses = lumas(tmp_path / "%04d.exr")
    plain = exr(compression="none")
    (expected, _), _ = lumas(series(tmp_path, ".exr", plain, plain))
    for one in found:
        assert np.abs(one.astype(int) - expected).max() < 900
    assert not str(losses)


def test_without_openexr_dwa_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the extra; other files need none."""
    monkeypatch.setitem(__import__("sys").modules, "OpenEXR", None)
    plain = exr(compression="zip1")
    assert readable_exr(plain, HERE) == (plain, "")
    header = exr_scans._parse(plain)
    dwa = bytearray(plain)
    dwa[header.compression_at] = 8
    with pytest.raises(SourceError, match=r"needs OpenEXR; pip install 'tifffile"):
        readable_exr(bytes(dwa), HERE)
