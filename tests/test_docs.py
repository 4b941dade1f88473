"""README and docs are short, agree with one another and point at what is there."""

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MOST_README_BYTES = 8000
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")

pytestmark = pytest.mark.quick


def test_the_readme_is_short() -> None:
    """What only some readers need lies in docs/."""
    assert len((ROOT / "README.md").read_bytes()) <= MOST_README_BYTES


def test_links_lead_somewhere() -> None:
    """All of those that stay in the repository."""
    broken = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in LINK.findall(page.read_text("utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken


def test_every_page_is_linked() -> None:
    """From the README or from another page."""
    linked = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in LINK.findall(page.read_text("utf-8"))
        if "://" not in target
    }
    assert not [page.name for page in PAGES if page.parent.name == "docs" and page not in linked]


def test_figures_stand_once() -> None:
    """Tables of figures are those of docs/figures.json; scripts/write_figures.py writes them."""
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from write_figures import FIGURES, PLACE, fill, pages
    finally:
        sys.path.remove(str(ROOT / "scripts"))
    figures = json.loads(FIGURES.read_text("utf-8"))
    shown = set()
    for page in pages():
        text = page.read_text("utf-8")
        assert fill(text, figures) == text, f"{page.name}: run scripts/write_figures.py"
        shown |= {found[1] for found in PLACE.findall(text)}
    assert shown == figures.keys()
