"""Scans in forms that FFmpeg reads wrongly: what they are, and the same in forms that it reads."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vidcolor.reading.dpx_header import HEADER_BYTES, DpxHeader
from vidcolor.reading.dpx_samples import (
    LOGARITHMIC,
    TURNS,
    SampleOrder,
    find_order,
    is_ten_bit_luma,
    readable_dpx,
)
from vidcolor.reading.exr_scans import EXR_MAGIC, is_cut_exr, readable_exr
from vidcolor.reading.tiff_scans import TIFF_MAGIC, readable_tiff

_LOOKED_AT = 5
"""Pictures of a reel that tell the order of their samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanForm:
    """How a reel's pictures are stored.

    Attributes:
        order: Of 10-bit luma samples in a word of DPX.
        notes: What the user should know of how they are read.
        transfer: What DPX codes are, if they are no light.
    """

    order: SampleOrder = "low"
    notes: tuple[str, ...] = ()
    transfer: str = ""


PLAIN = ScanForm()


def find_form(files: Sequence[Path], wanted: Literal["auto", "low", "high"]) -> ScanForm:
    """How the pictures of a reel are stored.

    Args:
        files: The pictures, or some of them spread over the reel; the first tells most.
        wanted: The order of samples that the user names.

    Raises:
        SourceError: The first is in a form that is not read.
    """
    with suppress(OSError):  # told by who reads it all
        first = next((path for path in files if path.stat().st_size), None)
        if first is None:
            return PLAIN
        with first.open("rb") as file:
            head = file.read(HEADER_BYTES)
        header = DpxHeader.parse(head)
        if header is not None:
            return _dpx_form(header, files, wanted)
        if head.startswith((*TIFF_MAGIC, EXR_MAGIC)):
            return _other_form(first.read_bytes(), first)
    return PLAIN


def _other_form(data: bytes, first: Path) -> ScanForm:
    """That of TIFF and OpenEXR, told by the first picture."""
    form, reader = readable_tiff(data, first)[1], "tifffile"
    if not form:
        form, reader = readable_exr(data, first)[1], "OpenEXR"
    signed = "; they count from the least one that there can be" if "signed" in form else ""
    return ScanForm(notes=(f"pictures have {form}: read by {reader}{signed}",)) if form else PLAIN


def _dpx_form(
    header: DpxHeader, files: Sequence[Path], wanted: Literal["auto", "low", "high"]
) -> ScanForm:
    notes = []
    order: SampleOrder = "low"
    if is_ten_bit_luma(header):
        found = find_order(_read_some(files)) if wanted == "auto" else wanted
        order = found or "low"
        why = "as rows are smoother so" if found else "which rows do not tell"
        if wanted == "auto":
            notes.append(
                f"the first 10-bit sample of a word is read from its {order} end, {why} "
                "(or --dpx-order)"
            )
    if header.orientation in TURNS:
        notes.append(f"pictures are stored {TURNS[header.orientation]}: turned")
    transfer = LOGARITHMIC.get(header.transfer, "")
    return ScanForm(order=order, notes=tuple(notes), transfer=transfer)


def _read_some(files: Sequence[Path]) -> Iterator[bytes]:
    """Some pictures, spread over a reel."""
    step = max(1, (len(files) - 1) // (_LOOKED_AT - 1))
    return (path.read_bytes() for path in files[::step][:_LOOKED_AT])


def readable(data: bytes, path: Path, form: ScanForm) -> bytes:
    """A picture in a form that FFmpeg reads right; no bytes if it is cut short or does not decode.

    Args:
        data: The file.
        path: Where it lies.
        form: How the reel's pictures are stored.

    Raises:
        SourceError: It is in a form that is not read; the text says which.
    """
    if is_cut_exr(data):
        return b""
    if DpxHeader.parse(data[:HEADER_BYTES]) is not None:
        return readable_dpx(data, path, form.order)
    return readable_exr(readable_tiff(data, path)[0], path)[0]
