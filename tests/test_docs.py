"""README and docs are short, agree with one another and point at what is there."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from vidcolor.cli.command_line import read_request
from vidcolor.cli.options import OPTIONS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MOST_README_BYTES = 8000
COMMAND = re.compile(r"^ *vidcolor (.+?)(?: & .*)?$", re.MULTILINE)
OPTION = re.compile(r"`(--[a-z0-9-]+)")
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
        from write_figures import PLACE, fill, pages, read_figures
    finally:
        sys.path.remove(str(ROOT / "scripts"))
    figures = read_figures()
    shown = set()
    for page in pages():
        text = page.read_text("utf-8")
        assert fill(text, figures) == text, f"{page.name}: run scripts/write_figures.py"
        shown |= {found[1] for found in PLACE.findall(text)}
    assert shown == figures.keys()


COMMANDS = [
    pytest.param(page, command, id=f"{page.name}: {command[:40]}")
    for page in PAGES
    for command in COMMAND.findall(page.read_text("utf-8"))
]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_commands_are_ones_that_the_program_takes(
    page: Path, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they stand, each asks for something."""
    monkeypatch.chdir(tmp_path)
    try:
        read_request(shlex.split(command, comments=True))
    except SystemExit:
        pytest.fail(f"{page.name}: vidcolor {command}")


def test_options_are_ones_that_a_program_has() -> None:
    """Each that a page names is of `vidcolor`, of another program here, or of a script."""
    known = {option.name for option in OPTIONS} | {"--help", "--help-all", "--version"}
    known |= {"--extra-index-url"}  # of pip
    sources = [ROOT / "vidcolor" / name / "cli.py" for name in ("review", "studio")]
    sources += (ROOT / "scripts").glob("*.py")
    for source in sources:
        text = source.read_text("utf-8")
        known |= set(re.findall(r'"(--[a-z0-9-]+)"', text))
        # `train.py` makes options of the names of settings.
        fields = re.findall(r'^    "(\w+)",$', text, re.MULTILINE)
        known |= {f"--{name.replace('_', '-')}" for name in fields}
    unknown = {
        f"{page.name}: {name}"
        for page in PAGES
        for name in OPTION.findall(page.read_text("utf-8"))
        if name not in known
    }
    assert not unknown
