import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import vidcolor

PACKAGE = Path(vidcolor.__file__).parent
FILES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}
MOST_LINES = 400

FLOORS = (  # a folder imports only from itself and from folders that stand before it here
    "",  # the files at the top, which every room needs
    "color",  # mathematics on arrays: no film, no net, no file
    "reading",  # what is in a film; its frames, decoded
    "shots",  # cuts, set-ups, cards, what the network sees of each frame
    "nets",  # one net a file, torch and color only: no weights, no files
    "models",  # weights found, checked, loaded; frames in, predictions out
    "temporal",  # motion, smoothing, what is remembered of a shot
    "refine",  # flood, scribble
    "directing",  # color scripts: what a person says of a film's colors, and what that does
    "pipeline",  # the order of the stages
    "writing",  # how a film is encoded, joined, named
    "report",  # figures over time, remarks, sidecar, plot
    "film",  # one film from source to finished file
    "photos",  # one photograph from source to finished file
    "preview",  # some frames in color before a film is made; a colorizer for single frames
    "dump",  # what the stages made of chosen frames, as files
    "cluster",  # the same by many machines
    "reels",  # many films: find, plan, ledger, bag
    "cli",  # the program `vidcolor`
    "web",  # a server for pages on this machine
    "studio",  # a film steered in a browser
    "review",  # asking people
    "evaluation",  # figures of colors; nothing of the product imports it
    "training",
)
ABOVE_ALL = {"vidcolor", "vidcolor.__main__"}


LIGHT = (
    "vidcolor",
    "vidcolor.version",
    "vidcolor.errors",
    "vidcolor.rules",
    "vidcolor.settings",
    "vidcolor.timecode",
    "vidcolor.spans",
    "vidcolor.files",
    "vidcolor.words",
    "vidcolor.reading.sequence_names",
    "vidcolor.dump.stages",
    "vidcolor.cli.main",
    "vidcolor.review.cli",
    "vidcolor.studio.cli",
)
"""What `--help` imports: of other people's libraries no more than tqdm."""


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """What a file imports of ours, those for type checkers as well: module and name, if any."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in FILES:
                    yield whole, ""
                elif node.module in FILES:
                    yield node.module, alias.name
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name in FILES)


@cache
def graph() -> dict[str, set[str]]:
    """For each module those that it imports."""
    return {
        module: {other for other, _ in imports(path)} - {module} for module, path in FILES.items()
    }


def floor(module: str) -> int:
    """Where a module stands, from the ground up."""
    if module in ABOVE_ALL:
        return len(FLOORS)
    is_package = FILES[module].name == "__init__.py"
    folders = module.split(".")[1 : None if is_package else -1]
    return FLOORS.index(folders[0] if folders else "")


def test_a_folder_imports_only_from_folders_below_it() -> None:
    """Nothing below knows what stands above it."""
    upward = {(m, o) for m, found in graph().items() for o in found if floor(o) > floor(m)}
    assert not upward


def test_nothing_imports_in_a_circle() -> None:
    """The modules can be put in an order in which each comes after all that it imports."""
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_private_names_stay_in_their_file() -> None:
    """A name that begins with one underscore is not imported by another file."""
    taken = [
        f"{module}: {name} of {other}"
        for module, path in FILES.items()
        for other, name in imports(path)
        if name.startswith("_") and not name.startswith("__")
    ]
    assert not taken


def test_files_stay_short() -> None:
    """No file is longer than what can be read in one sitting."""
    lines = {m: len(p.read_text(encoding="utf-8").splitlines()) for m, p in FILES.items()}
    assert not {module: count for module, count in lines.items() if count > MOST_LINES}


@pytest.mark.parametrize(
    ("formula", "place"),
    [
        (r"224 << ", "vidcolor.color.ycbcr"),
        (r"\b0\.38\b", "vidcolor.color.bins"),
        (r"log2\(BIN_COUNT\)", "vidcolor.color.bins"),
        (r"\* logs\)\.sum\(", "vidcolor.color.bins"),
    ],
)
def test_a_formula_has_one_place(formula: str, place: str) -> None:
    """Chroma's span, the annealed mean's temperature, the most entropy and entropy itself."""
    found = [m for m, p in FILES.items() if re.search(formula, p.read_text(encoding="utf-8"))]
    assert found == [place]


def test_only_the_command_line_prints() -> None:
    """No other file calls print: a library stays silent."""
    printing = {
        module
        for module, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert {m for m in printing if not m.startswith("vidcolor.cli.")} <= {
        "vidcolor.review.cli",
        "vidcolor.studio.cli",
    }


@pytest.mark.parametrize("module", LIGHT)
def test_help_need_not_wait(module: str) -> None:
    """The command line and what it reads its options from come with the standard library alone."""
    program = (
        f"import sys, {module}; heavy = {{'torch', 'cv2', 'av', 'numpy', 'scipy', 'platformdirs'}};"
        "print(heavy & sys.modules.keys())"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout.strip() == b"set()"
