"""Writes the tables of measured figures into README.md and docs/ from docs/figures.json.

A table stands between two comments of the page, which name the table, its columns and, after a
semicolon, the mark of the rows that it shows if it does not show all:

    <!-- figures: photographs figure grey lite truth; brief -->
    <!-- end -->

Usage: python scripts/write_figures.py [--check]
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs" / "figures.json"
PLACE = re.compile(r"(<!-- figures: (\w+) ([\w ]+?)(?:; (\w+))? -->\n).*?(<!-- end -->)", re.DOTALL)


CORES, FILM_RATE, HOUR_PRICE = 2, 24, 0.05
"""What `core_hours` and `price` of an hour of film are reckoned by, beside the measured speed."""


def read_figures() -> dict[str, Any]:
    """All tables, with the columns that follow from others."""
    figures: dict[str, Any] = json.loads(FIGURES.read_text("utf-8"))
    for row in figures["speed"]["rows"]:
        hours = CORES * FILM_RATE / float(row["vidcolor"])
        row |= {"core_hours": f"{hours:.1f}", "price": f"{hours * HOUR_PRICE:.2f}"}
    return figures


def pages() -> list[Path]:
    """All pages that may hold tables."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def write_table(table: Mapping[str, Any], columns: list[str], mark: str | None = None) -> str:
    """A table in Markdown; text is on the left, figures on the right.

    Args:
        table: `columns`, headings by name, and `rows`, texts by the same names.
        columns: The names of those to show. A row without one of them leaves it empty.
        mark: Shows only rows in which this is true; None for all.

    Raises:
        KeyError: The table has no such column.
    """
    lines = ["| " + " | ".join(table["columns"][name] for name in columns) + " |"]
    lines.append("|---|" + "---:|" * (len(columns) - 1))
    lines += [
        "| " + " | ".join(row.get(name, "") for name in columns) + " |"
        for row in table["rows"]
        if mark is None or row.get(mark)
    ]
    return "\n".join(lines) + "\n"


def fill(text: str, figures: Mapping[str, Any]) -> str:
    """A page with all of its tables written anew."""
    return PLACE.sub(
        lambda found: (
            found[1] + write_table(figures[found[2]], found[3].split(), found[4]) + found[5]
        ),
        text,
    )


def main() -> int:
    """Write all pages, or with `--check` name those that are stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, name stale pages")
    check = parser.parse_args().check
    figures = read_figures()
    stale = 0
    for page in pages():
        text = page.read_text("utf-8")
        filled = fill(text, figures)
        if filled != text:
            stale += 1
            print(page.relative_to(ROOT), "is stale" if check else "written")
            if not check:
                page.write_text(filled, "utf-8")
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
