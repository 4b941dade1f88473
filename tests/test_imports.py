import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import vidcolor

PACKAGE = Path(vidcolor.__file__).parent
FILES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}
MOST_LINES = 400

VALUES = {
    "differences",
    "outputs",
    "errors",
    "swatch",
    "settings",
    "rates",
    "timecode",
    "frame",
    "devices",
    "color",
}
# What each part may import beside itself; stages know values and color but no other stage.
MAY_IMPORT = {
    "differences": set(),
    "errors": set(),
    "settings": {"swatch"},
    "swatch": set(),
    "arguments": set(),
    "rates": set(),
    "outputs": set(),
    "timecode": set(),
    "frame": set(),
    "devices": set(),
    "threads": set(),
    "stages": {"errors"},
    "color": {"devices", "frame"},
    "video": VALUES,
    "nets": {"color"},
    "models": VALUES | {"nets"},
    "temporal": VALUES | {"threads"},
    "refine": VALUES,
    "training": VALUES | {"models", "evaluation", "threads"},
    "evaluation": VALUES | {"models"},
    "dump": VALUES,
    "timeline": VALUES,
    "sidecar": VALUES,
    "quality": VALUES,
    "plot": VALUES | {"sidecar"},
    "dumping": VALUES | {"dump", "models", "video", ""},
    "verify": VALUES | {"video", "sidecar", ""},
    "identity": VALUES | {"models", "sidecar", "video", ""},
    "work": VALUES | {"temporal", "timeline", "video"},
    "ledger": VALUES | {"identity", "work"},
    "bag": {"errors", "ledger", "outputs", "reels", "sidecar", "work", ""},
    "credentials": {"errors", "models", "settings", "sidecar", "video", ""},
    "batch": {"coloring", "credentials", "film", "identity", "ledger", "reels", "dump", "errors"}
    | {"models", "settings", "threads", "verify", "video", "work"},
    "reels": {"dump", "errors", "video"},
    "flags": {"arguments", "dump", "rates", "settings", "swatch"},
    "options": {"", "flags", "outputs", "settings", "video"},
    "cluster": VALUES
    | {"coloring", "identity", "models", "pipeline", "video", "work", ""},  # a pipeline elsewhere
    "telling": {"batch", "film", "models", "settings", "sidecar", "video"},
    "cli": {
        "bag",
        "cluster",
        "coloring",
        "telling",
        "work",
        "film",
        "batch",
        "credentials",
        "options",
        "reels",
        "ledger",
        "replay",
        "models",
        "outputs",
        "video",
        "dump",
        "plot",
        "sidecar",
    }
    | {"errors", "settings"},
    "review": {"arguments", "errors", ""},
    "__main__": {"cli"},
    "": {
        "film",
        "replay",
        "dump",
        "errors",
        "settings",
        "swatch",
    },  # the package itself: its public names
}
KNOWS_ALL_STAGES = {"pipeline", "steps", "coloring", "film", "replay"}


def imports(path: Path, *, at_runtime: bool) -> Iterator[str]:
    """The modules of ours that a file imports; at runtime those for type checkers are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
        if at_runtime
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            modules = {f"{node.module}.{alias.name}" for alias in node.names} & FILES.keys()
            yield from modules or {node.module} & FILES.keys()
        elif isinstance(node, ast.Import):
            yield from {alias.name for alias in node.names} & FILES.keys()


def part(module: str) -> str:
    """The part of the package that a module belongs to: a folder or a file of its top level."""
    return module.partition(".")[2].partition(".")[0]


@pytest.mark.parametrize("module", FILES)
def test_imports_form_a_star(module: str) -> None:
    """Each stage knows the values and color; only the pipeline and what runs it know the stages."""
    here = part(module)
    if here in KNOWS_ALL_STAGES:
        return
    found = {part(other) for other in imports(FILES[module], at_runtime=False)}
    assert found - {here} <= MAY_IMPORT[here]


def test_every_part_is_in_the_table() -> None:
    """A new part must be given its place among the others."""
    assert {part(module) for module in FILES} <= MAY_IMPORT.keys() | KNOWS_ALL_STAGES


def test_nothing_imports_in_a_circle() -> None:
    """The modules can be put in an order in which each comes after all that it imports."""
    graph = {module: set(imports(path, at_runtime=True)) for module, path in FILES.items()}
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("vidcolor.frame") < order.index("vidcolor.pipeline")


@pytest.mark.parametrize("module", FILES)
def test_files_stay_short(module: str) -> None:
    """No file is longer than what can be read in one sitting."""
    assert len(FILES[module].read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("module", FILES.keys() - {"vidcolor.cli", "vidcolor.review.cli"})
def test_only_the_command_line_prints(module: str) -> None:
    """No other file calls print: a library stays silent."""
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert "print" not in {call.id for call in calls if isinstance(call, ast.Name)}


@pytest.mark.parametrize(
    "module", ["vidcolor", "vidcolor.cli", "vidcolor.review.cli", "vidcolor.settings"]
)
def test_help_need_not_wait(module: str) -> None:
    """The command line and the settings come without torch, OpenCV or PyAV."""
    program = f"import sys, {module}; print({{'torch', 'cv2', 'av', 'numpy'}} & sys.modules.keys())"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert told.stdout.strip() == b"set()"
