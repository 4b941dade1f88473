"""A film for people: a page with its shots before and after, doubtful ones first, and its figures.

One HTML file without scripts, pictures inside it; a CSV of the shots lies beside. The pictures are
of the finished film: its luma is the source's, so the same frame without chroma is the one before.
"""

import csv
import io
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.video.frame import VideoFrame
from PIL import Image

from vidcolor.errors import SourceError
from vidcolor.files import beside, cell_text, write_whole
from vidcolor.frame import FrameFormat
from vidcolor.reading.source import Source, main_video_stream, open_source, probe
from vidcolor.settings import InputSettings
from vidcolor.words import counted

PAGE_SUFFIX, TABLE_SUFFIX = ".html", ".csv"
MOST_PICTURES = 240
"""Shots with pictures, at most: beyond, those that are not doubtful have figures alone."""

WIDTH = 320
_QUALITY = 82
_NEUTRAL = 128
_DECODED = 600
"""Frames behind a key frame among which the wanted one is looked for."""

STYLE = """
body{background:#181818;color:#ddd;font:15px/1.4 sans-serif}
body{margin:2em auto;max-width:70em;padding:0 1em}
h1{font-size:1.4em;overflow-wrap:anywhere}a{color:#8cf}
table{border-collapse:collapse;margin:1em 0}
td,th{padding:.2em .8em;text-align:left;vertical-align:top}
td{overflow-wrap:anywhere}tr:nth-child(even){background:#222}
.shots{display:flex;flex-wrap:wrap;gap:1em}figure{margin:0;width:320px}img{display:block;width:100%}
.doubt{color:#fa4}
"""


class Look(NamedTuple):
    """A frame of a shot, as two JPEG pictures; empty where it cannot be decoded."""

    before: bytes = b""
    after: bytes = b""


def page_paths(film: Path) -> list[Path]:
    """Where the page and the table of a film lie."""
    return [beside(film, PAGE_SUFFIX), beside(film, TABLE_SUFFIX)]


def write_page(film: Path, shown: Path, facts: Mapping[str, Any]) -> None:
    """Write the page and the table of a finished film.

    Args:
        film: The film, or the folder of its images.
        shown: The film, or the pattern of its images.
        facts: Those of its sidecar.

    Raises:
        OutputError: One cannot be written.
    """
    page, table = page_paths(film)
    doubts = {doubt["shot"]: doubt for doubt in facts.get("worth_a_look", ())}
    shots = sorted(facts["shots"], key=lambda shot: shot["number"] not in doubts)
    looks = _looks(shown, facts, shots, doubts)
    write_whole(page, _page(film, facts, shots, doubts, looks).encode(errors="replace"))
    write_whole(table, _table(facts["shots"], doubts).encode(errors="replace"))


def html_page(title: str, parts: Iterable[str]) -> str:
    """A page of parts that are HTML already."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    body = "\n".join([f"<h1>{escape(title)}</h1>", *parts])
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def html_rows(rows: Iterable[tuple[str, object]]) -> str:
    """A table of names and values; those without a value are left out."""
    cells = (
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in rows
        if value not in (None, "", [], ())
    )
    return f"<table>{''.join(cells)}</table>"


def _page(
    film: Path,
    facts: Mapping[str, Any],
    shots: Sequence[Mapping[str, Any]],
    doubts: Mapping[int, Mapping[str, Any]],
    looks: Mapping[int, Look],
) -> str:
    source, output, model = facts["source"], facts["output"], facts["model"]
    verification = facts.get("verification")
    rows = [
        ("source", source["path"]),
        ("SHA-256 of the source", source["fixity"]["messageDigest"]),
        ("result", output["path"]),
        ("SHA-256 of the result", output["fixity"]["messageDigest"]),
        ("encoding", f"{output['codec']} {output['pixel_format']}, {output['container']}"),
        ("model", f"{model['name']} {model['sha256'][:12]}"),
        ("frames", facts["frames"]),
        ("shots", len(shots)),
        ("shots to check", len(doubts)),
        ("damaged in the source", facts.get("losses")),
        ("left out", ", ".join(output.get("left_out") or ())),
        ("color in the source", "; ".join(facts.get("source_color") or ())),
        ("verification", verification and ", ".join(_told(verification))),
        ("vidcolor", facts.get("vidcolor")),
    ]
    note = "<p>The colors are synthetic: a plausible guess, not history.</p>"
    figures = (_figure(shot, doubts.get(shot["number"]), looks) for shot in shots)
    gallery = f'<div class="shots">{"".join(figures)}</div>'
    return html_page(film.name, [note, html_rows(rows), gallery])


def _told(verification: Mapping[str, Any]) -> Iterator[str]:
    for name, value in verification.items():
        if not isinstance(value, Mapping):
            yield f"{name.replace('_', ' ')} {value}"


def _figure(
    shot: Mapping[str, Any], doubt: Mapping[str, Any] | None, looks: Mapping[int, Look]
) -> str:
    """A shot: pictures before and after, what is doubtful, figures."""
    look = looks.get(shot["number"], Look())
    pictures = "".join(
        f'<img alt="{name}" src="data:image/jpeg;base64,{b64encode(data).decode()}">'
        for name, data in zip(("before", "after"), look, strict=True)
        if data
    )
    at = timedelta(seconds=int(shot["start_seconds"]))
    lines = [f"shot {shot['number'] + 1} at {at}, {counted(shot['frames'], 'frame')}"]
    lines += [f"{name} {shot[name]:.3g}" for name in _FIGURES if shot.get(name) is not None]
    told = (
        "" if doubt is None else f'<br><b class="doubt">{escape(", ".join(doubt["reasons"]))}</b>'
    )
    return f"<figure>{pictures}<figcaption>{escape(', '.join(lines))}{told}</figcaption></figure>"


_FIGURES = ("colorfulness", "confidence", "flicker")
_COLUMNS = ("shot", "start_seconds", "first_frame", "frames", *_FIGURES, "to_check")


def _table(shots: Iterable[Mapping[str, Any]], doubts: Mapping[int, Mapping[str, Any]]) -> str:
    """The shots as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for shot in shots:
        doubt = doubts.get(shot["number"])
        row = [shot["number"] + 1, *(shot.get(name) for name in _COLUMNS[1:-1])]
        row.append("" if doubt is None else "; ".join(doubt["reasons"]))
        writer.writerow(map(cell_text, row))
    return text.getvalue()


def _looks(
    film: Path,
    facts: Mapping[str, Any],
    shots: Sequence[Mapping[str, Any]],
    doubts: Mapping[int, Mapping[str, Any]],
) -> dict[int, Look]:
    """A frame of each shot, the one that is doubtful or one of its middle, by the shot's number."""
    rate = Fraction(facts["source"]["frame_rate"]).limit_denominator(1001)
    begin = float(facts["settings"]["start_seconds"])
    try:
        result = probe(film, InputSettings(fps=rate) if "%" in film.name else None)
    except SourceError:
        return {}
    found = {}
    for shot in shots[: max(MOST_PICTURES, len(doubts))]:
        doubt = doubts.get(shot["number"])
        middle = shot["start_seconds"] + shot["frames"] / 2 / float(rate)
        seconds = middle if doubt is None else doubt["frame_seconds"]
        found[shot["number"]] = _look_at(result, seconds - begin)
    return found


def _look_at(result: Source, seconds: float) -> Look:
    """The frame that is shown at a time after the first one."""
    wanted = result.first_pts + int(seconds / result.time_base)
    last: VideoFrame | None = None
    try:
        with open_source(result) as container:
            stream = main_video_stream(container, result.path)
            container.seek(max(wanted, 0), stream=stream)
            for _, frame in zip(range(_DECODED), container.decode(stream), strict=False):
                if last is not None and (frame.pts or 0) > wanted:
                    break
                last = frame
    except (av.FFmpegError, SourceError):
        return Look()
    return Look() if last is None else _look_of(last, result.picture)


def _look_of(frame: VideoFrame, picture: FrameFormat) -> Look:
    """A frame without and with its chroma."""
    ratio = frame.height / (frame.width * picture.sample_aspect_ratio)
    planar = frame.reformat(WIDTH, max(1, round(WIDTH * ratio)), "yuv444p")
    without = planar.to_ndarray()  # (3, height, width)
    without[1:] = _NEUTRAL
    gray = VideoFrame.from_ndarray(without, "yuv444p")
    gray.colorspace, gray.color_range = planar.colorspace, planar.color_range
    return Look(_jpeg(gray), _jpeg(planar))


def _jpeg(frame: VideoFrame) -> bytes:
    data = io.BytesIO()
    Image.fromarray(frame.reformat(format="rgb24").to_ndarray()).save(
        data, "JPEG", quality=_QUALITY
    )
    return data.getvalue()
