"""Compares a film with its colorized copy, each trait by what other programs say of both."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

from film_facts import Film, luma_psnr, rgb_luma_error

# Matroska keeps times in milliseconds.
TIME_ERROR_SECONDS = 0.0006
# FFmpeg's scaler computes luma from RGB in fixed point, so at 16 bits it is off by some codes.
RGB_ERROR_CODES = 2.5
LOSSLESS_CODECS = {"ffv1"}
COLOR_TAGS = {
    "color_range": "range",
    "color_space": "matrix",
    "color_primaries": "primaries",
    "color_transfer": "transfer",
}
# What tags say of the source's own container, encoder and size would be false of the result.
TAGS_OF_THE_FILE = {
    "alpha_mode",
    "bps",
    "compatible_brands",
    "duration",
    "encoder",
    "major_brand",
    "minor_version",
    "number_of_bytes",
    "number_of_frames",
    "vendor_id",
}
# QuickTime's names of interleaved fields: 9, FFmpeg's tb, has the top one first, 14 the bottom one.
FIRST_FIELDS = {"tt": "TFF", "tb": "TFF", "bb": "BFF", "bt": "BFF"}


@dataclass(frozen=True, slots=True)
class Cell:
    """How one trait of a film came through.

    Attributes:
        text: `kept`, `-`, or a word of why not.
        notes: Sentences that say more.
        lost: Whether the source has it and the result does not.
    """

    text: str
    notes: tuple[str, ...] = ()
    lost: bool = False


NONE, KEPT = Cell("-"), Cell("kept")


def lost(word: str, note: str) -> Cell:
    """A cell of what did not come through."""
    return Cell(f"**{word}**", (note,), lost=True)


def compare(source: Film, result: Film) -> dict[str, Cell]:
    """How each trait of a film came through to its colorized copy, by the trait's name."""
    return {aspect: check(source, result) for aspect, check in CHECKS.items()}


def problems(source: Path, result: Path, *aspects: str) -> list[str]:
    """What did not come through, a phrase each; of these aspects, or of `LOSSLESS`.

    Luma must be equal code for code, whatever the codec.
    """
    films = Film(source), Film(result)
    cells = {name: CHECKS[name](*films) for name in aspects or LOSSLESS}
    return [
        f"{name}: {cell.text} {' '.join(cell.notes)}"
        for name, cell in cells.items()
        if cell.lost or cell.text.endswith("dB")
    ]


def _luma(source: Film, result: Film) -> Cell:
    if source.is_rgb:
        error = rgb_luma_error(source, result)
        note = f"RGB has no luma of its own; it is computed, as FFmpeg would by {error:.2f} codes"
        return Cell("computed", (note,), lost=error > RGB_ERROR_CODES)
    if source.luma_hashes == result.luma_hashes:
        return Cell("exact")
    if len(source.luma_hashes) == len(result.luma_hashes):
        decibels = f"{luma_psnr(source, result):.1f} dB"
        if result.video["codec_name"] not in LOSSLESS_CODECS:
            return Cell(decibels)
        return lost(decibels, "A lossless codec should have kept the luma.")
    return lost("differs", "Numbers of frames differ.")


def _frames(source: Film, result: Film) -> Cell:
    wanted, found = len(source.frames), len(result.frames)
    if wanted != found:
        return lost("differ", f"{found} frames instead of {wanted}.")
    return Cell(str(wanted))


def _times(source: Film, result: Film) -> Cell:
    pairs = zip(source.frame_seconds, result.frame_seconds, strict=False)
    errors = [abs(one - other) for one, other in pairs]
    known = [error for error in errors if not isnan(error)]
    largest = max(known, default=0.0)
    if largest > TIME_ERROR_SECONDS:
        return lost("off", f"Times are off by up to {largest:.4f} s.")
    untimed = len(errors) - len(known)
    notes = [f"FFmpeg knows no time of {untimed} frames of the source."] * bool(untimed)
    if largest > 0:
        notes.append("Matroska keeps times to a millisecond.")
    return Cell("kept", tuple(notes))


def _fields(source: Film, result: Film) -> Cell:
    wanted, found = (_first_fields(film) for film in (source, result))
    if not any(frame["interlaced_frame"] for frame in source.frames):
        marked = any(frame["interlaced_frame"] for frame in result.frames)
        return lost("marked", "Progressive frames are marked interlaced.") if marked else NONE
    told = ", ".join(f"{who} {first or 'nothing'}" for who, first in wanted.items())
    after = ", ".join(f"{who} {first or 'nothing'}" for who, first in found.items())
    if all(found[who] == first for who, first in wanted.items() if first):
        return KEPT
    note = f"Fields of the source: {told}. Of the result: {after}."
    if len({first for first in wanted.values() if first}) > 1:
        return Cell("kept", (f"As the container says, which the picture contradicts. {note}",))
    return lost("changed", note)


def _first_fields(film: Film) -> dict[str, str | None]:
    """Which field comes first, by the container, the decoded frames and MediaInfo."""
    firsts = {frame["top_field_first"] for frame in film.frames if frame["interlaced_frame"]}
    frames = {(1,): "TFF", (0,): "BFF"}.get(tuple(firsts), "mixed") if firsts else None
    return {
        "FFmpeg's stream": FIRST_FIELDS.get(film.video.get("field_order", "")),
        "its frames": frames,
        "MediaInfo": film.by_mediainfo.get("ScanOrder"),
    }


def _aspect(source: Film, result: Film) -> Cell:
    wanted, found = (
        (film.video.get("sample_aspect_ratio", "1:1").replace("0:1", "1:1"),
         film.by_mediainfo.get("PixelAspectRatio", "1.000"))
        for film in (source, result)
    )  # fmt: skip
    if wanted == found:
        return NONE if wanted[0] == "1:1" else KEPT
    return lost("lost", f"Sample aspect {wanted[0]}; of the result {found[0]}, {found[1]}.")


def _rotation(source: Film, result: Film) -> Cell:
    wanted, found = (
        next((side["rotation"] for side in film.video.get("side_data_list", [])
              if "rotation" in side), 0)
        for film in (source, result)
    )  # fmt: skip
    if wanted != found:
        return lost("lost", f"Rotated by {wanted} degrees; the result by {found}.")
    if not wanted:
        return NONE
    if source.by_mediainfo.get("Rotation") != result.by_mediainfo.get("Rotation"):
        return Cell("kept", ("By FFmpeg's word; this MediaInfo reads no rotation of Matroska.",))
    return KEPT


def _colors(source: Film, result: Film) -> Cell:
    set_anew, changed = [], []
    for key, name in COLOR_TAGS.items():
        wanted, found = (film.video.get(key, "unknown") for film in (source, result))
        if wanted in {"unknown", "reserved", "gbr"} and found != "unknown":
            set_anew.append(f"{name} {found}")
        elif wanted != found:
            changed.append(f"{name} {wanted} is {found}")
    if changed:
        return lost("changed", f"Color tags: {', '.join(changed)}.")
    if set_anew:
        return Cell(
            "tagged", (f"The source does not state it, so the result does: {', '.join(set_anew)}.",)
        )
    return KEPT if any(source.video.get(key) for key in COLOR_TAGS) else NONE


def _timecode(source: Film, result: Film) -> Cell:
    wanted, found = _tagged_timecode(source), _tagged_timecode(result)
    if wanted and wanted == found:
        return KEPT
    if wanted:
        return lost("lost", f"Timecode {wanted} is {found}.")
    video = source.by_mediainfo
    if "TimeCode_FirstFrame" in video:
        where = video.get("TimeCode_Source", "picture data")
        return Cell("in picture", (f"Only the codec states it ({where}), not the container.",))
    return NONE


def _tagged_timecode(film: Film) -> str | None:
    told = film.told
    places = [*told["streams"], told["format"]]
    tags = [{key.lower(): text for key, text in one.get("tags", {}).items()} for one in places]
    return next((one["timecode"] for one in tags if "timecode" in one), None)


def _packets(kind: str) -> Callable[[Film, Film], Cell]:
    def check(source: Film, result: Film) -> Cell:
        count = len(source.streams(kind))
        if source.packet_hashes(kind) != result.packet_hashes(kind):
            return lost("differ", f"{count} streams of {kind}; packets differ.")
        for one, other in zip(
            source.packet_seconds(kind), result.packet_seconds(kind), strict=True
        ):
            errors = [abs(a - b) for a, b in zip(one, other, strict=False)]
            if len(one) != len(other) or max(errors, default=0.0) > TIME_ERROR_SECONDS:
                return lost("off", f"Times of {kind} packets are off.")
        return Cell(f"kept, {count}" if count > 1 else "kept") if count else NONE

    return check


def _chapters(source: Film, result: Film) -> Cell:
    wanted, found = (
        [(round(float(one["start_time"]), 3), round(float(one["end_time"]), 3),
          one.get("tags", {}).get("title")) for one in film.told["chapters"]]
        for film in (source, result)
    )  # fmt: skip
    if wanted != found:
        return lost("differ", f"Chapters {wanted} are {found}.")
    return KEPT if wanted else NONE


def _attachments(source: Film, result: Film) -> Cell:
    wanted, found = (
        [(one.get("tags", {}).get("filename"), one.get("tags", {}).get("mimetype"),
          one.get("extradata_hash")) for one in film.streams("attachment")]
        for film in (source, result)
    )  # fmt: skip
    if wanted != found:
        names = ", ".join(str(name) for name, *_ in wanted)
        return lost("lost", f"Attached: {names}; the container holds no attachments.")
    return KEPT if wanted else NONE


def _tags(source: Film, result: Film) -> Cell:
    wanted, found = _kept_tags(source), _kept_tags(result)
    missing = sorted({place for place, text in wanted.items() if found.get(place) != text})
    if not missing:
        return KEPT if wanted else NONE
    left = f"**{len(wanted) - len(missing)} of {len(wanted)}**"
    names = ", ".join(f"{key} of {place}" for place, key in missing)
    return Cell(left, (f"Not kept: {names}. {_reason(result, missing)}",), lost=True)


def _reason(result: Film, missing: list[tuple[str, str]]) -> str:
    """Why tags stayed behind."""
    container = result.path.suffix
    if container == ".mkv" and {key for _, key in missing} == {"creation_time"}:
        return "FFmpeg writes no time of creation of a stream into Matroska; a film's own it does."
    if container in {".mp4", ".mov"}:
        return "MP4 and QuickTime take the tags that they have a name for, and no others."
    return "For no reason that is known."


def _kept_tags(film: Film) -> dict[tuple[str, str], Any]:
    """All tags and flags of a file and its streams that stay true when it is written anew."""
    told = film.told
    kept: dict[tuple[str, str], Any] = {}
    places = {"file": told["format"]}
    for kind in ("video", "audio", "subtitle"):
        for number, stream in enumerate(film.streams(kind)):
            places[f"{kind} {number}"] = stream
    for place, one in places.items():
        for key, text in one.get("tags", {}).items():
            if key.lower() not in {*TAGS_OF_THE_FILE, "timecode"} and (key, text) != UNTOLD:
                kept[place, key.lower()] = text
        flags = [flag for flag, is_set in one.get("disposition", {}).items() if is_set]
        if flags and place != "file":
            kept[place, "disposition"] = flags
    return kept


UNTOLD = ("language", "und")
CHECKS: dict[str, Callable[[Film, Film], Cell]] = {
    "luma": _luma,
    "frames": _frames,
    "times": _times,
    "fields": _fields,
    "aspect": _aspect,
    "rotation": _rotation,
    "color tags": _colors,
    "timecode": _timecode,
    "sound": _packets("audio"),
    "subtitles": _packets("subtitle"),
    "chapters": _chapters,
    "attachments": _attachments,
    "tags": _tags,
}
ASPECTS = tuple(CHECKS)
LOSSLESS = ("luma", "frames", "times", "sound", "subtitles")
"""What holds for any two films of which one has the other's picture and packets."""
