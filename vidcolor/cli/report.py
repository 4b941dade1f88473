"""`--report` for a batch: a page and a CSV of all reels, with links to the reels' own pages."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from vidcolor.cli.output import MANY, say
from vidcolor.errors import SourceError
from vidcolor.files import cell_text, write_whole
from vidcolor.reels.result import ReelResult
from vidcolor.report.page import html_page, page_paths
from vidcolor.report.sidecar import read_sidecar, sidecar_path

NAME = "vidcolor-report"
"""Of both files, which each run writes anew."""

HEAD = ("reel", "state", "result", "frames", "seconds", "to_check", "losses", "sha256", "error")


def write_batch_page(results: Sequence[ReelResult], *, folder: Path | None) -> None:
    """Write the page and the CSV of a batch; failed reels and those to check come first.

    Args:
        results: How the reels ended; for fewer than two nothing is written.
        folder: Where the films are; None for next to the first one.

    Raises:
        OutputError: One cannot be written.
    """
    if len(results) < MANY:
        return
    made = [reel.result.path for reel in results if reel.result is not None]
    place = folder or (made[0] if made else results[0].source).parent
    ranked = sorted(results, key=lambda reel: (reel.error is None, -_checks(reel)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(map(cell_text, _cells(reel)) for reel in results)
    page = place / f"{NAME}.html"
    table = f"<table><tr>{_cells_html(HEAD, 'th')}</tr>{''.join(_rows(ranked, place))}</table>"
    write_whole(page, html_page(f"{len(results)} reels", [table]).encode(errors="replace"))
    write_whole(page.with_suffix(".csv"), text.getvalue().encode(errors="replace"))
    say(f"{page}: {len(results)} reels")


def _checks(reel: ReelResult) -> int:
    return 0 if reel.result is None else len(reel.result.remarks)


def _cells(reel: ReelResult) -> tuple[object, ...]:
    made = reel.result
    if made is None:
        return (reel.source, reel.state, None, None, None, None, None, None, reel.error)
    seconds, losses = round(made.seconds, 1), str(made.losses)
    digest = _digest(made.path)
    return (
        *(reel.source, reel.state, made.path, made.frames, seconds, _checks(reel), losses),
        *(digest, reel.error),
    )


def _digest(film: Path) -> str | None:
    """SHA-256 of a film, by its sidecar."""
    try:
        output = read_sidecar(sidecar_path(film))["output"]
    except (SourceError, KeyError):
        return None
    return str(output["fixity"]["messageDigest"]) if isinstance(output, dict) else None


def _rows(results: Iterable[ReelResult], place: Path) -> Iterable[str]:
    for reel in results:
        cells = ["" if cell is None else str(cell) for cell in _cells(reel)]
        row = _cells_html(cells[1:], "td")
        name = escape(cells[0])
        if reel.result is not None:
            page = os.path.relpath(page_paths(reel.result.path)[0], place)
            name = f'<a href="{escape(quote(Path(page).as_posix()))}">{name}</a>'
        mark = ' class="doubt"' if reel.error is not None or _checks(reel) else ""
        yield f"<tr{mark}><td>{name}</td>{row}</tr>"


def _cells_html(cells: Sequence[str], tag: str) -> str:
    return "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)
