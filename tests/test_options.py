"""Options, settings, their page and the declared dependencies hold together."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from fnmatch import fnmatchcase
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from options_page import PAGE, options_page

import vidcolor
from vidcolor.cli.command_line import make_parser, read_request
from vidcolor.cli.options import GROUPS, OFTEN_WANTED, OPTIONS, STUDY, WITHOUT_OPTION, Option
from vidcolor.cli.request import Request, filled
from vidcolor.errors import SettingError
from vidcolor.settings import (
    ColorSettings,
    ModelSettings,
    OutputSettings,
    TemporalSettings,
)

ROOT = Path(__file__).parents[1]
PACKAGE = Path(vidcolor.__file__).parent
TEXTS = {
    "inputs": "film.mkv",
    "settings_file": os.devnull,
    "like": str(ROOT / "tests" / "data" / "empty-sidecar.json"),
    "settings.input.fps": "18",
    "settings.temporal.every": "3",
    "settings.model.swatches": "0,0,50,50=10,20,30,40",
    "settings.input.timecode": "10:00:00:00",
    "dump_frames": "3-5",
    "suggest": "3@0.5,0.5",
    "dump_stages": "luma",
    "settings.model.name": "other",
    "settings.model.device": "cpu",
}
"""What is given for an option whose range or choices do not say."""


def leaves(instance: Any, prefix: str = "") -> Iterator[str]:
    """The dotted names of the fields of a dataclass and of the dataclasses in it."""
    for one in fields(instance):
        value = getattr(instance, one.name)
        if is_dataclass(value):
            yield from leaves(value, f"{prefix}{one.name}.")
        else:
            yield f"{prefix}{one.name}"


def company(option: Option) -> list[str]:
    """The words that an option needs, as given."""
    words: list[str] = []
    for needed in option.needs:
        name, _, value = needed.partition(" ")
        other = next(option for option in OPTIONS if option.name == name)
        words += [name] if other.is_switch else [name, value or text_for(other)]
    return words


def text_for(option: Option) -> str:
    """A value that is not the default."""
    if option.field in TEXTS:
        return TEXTS[option.field]
    rule = option.rule
    if rule.choices:
        return next(word for word in rule.choices if word != option.usual)
    if rule.limits is None:
        return "7"
    ends = rule.limits.least, rule.limits.most
    return next(f"{end:.9g}" for end in ends if end != option.usual)


def test_each_field_has_an_option_or_a_reason() -> None:
    """Nothing can be set in Python alone, unless the list says why."""
    names = set(leaves(Request()))
    filled_by = Counter(option.field for option in OPTIONS)
    assert names - filled_by.keys() == WITHOUT_OPTION.keys()
    assert all(WITHOUT_OPTION.values())
    assert not filled_by.keys() - names, "an option that fills nothing"
    assert filled_by.most_common(1)[0][1] == 1


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_option_fills_its_field(option: Option) -> None:
    """Given on a command line, it changes that field, and with what it needs, no other."""
    words = [] if option.name == "FILM" else [option.name]
    if not option.is_switch:
        words.append(text_for(option).removeprefix("-"))
    words += [*company(option), *(["-o", "folder/"] if "bag" in option.field else [])]
    reports = option.field in {"status_format", "models", "status", "plot", "doctor", "completion"}
    request = read_request(words if reports or option.name == "FILM" else ["film.mkv", *words])
    usual = Request(inputs=request.inputs)
    if option.field != "inputs":
        assert attrgetter(option.field)(request) != option.usual
    others = {"inputs", "output", "film_path", "folder", "origins", option.field}
    others |= {o.field for o in OPTIONS for name in option.needs if o.name == name.split()[0]}
    restored = {name: attrgetter(name)(usual) for name in others}
    assert filled(request, restored) == usual


def test_each_setting_is_read_somewhere() -> None:
    """A field that no module reads would be an option without effect."""
    read = {
        node.attr
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "cli" and path.name != "settings.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    settings = Request().settings, Request().cluster
    unread = {name for one in settings for name in leaves(one) if name.split(".")[-1] not in read}
    assert not unread


def test_options_belong_to_groups_and_help_is_a_phrase() -> None:
    """A verb and its object: no capital, no full stop, at most 25 words."""
    for option in OPTIONS:
        assert option.group in GROUPS
        assert option.help[0].islower(), option.name
        assert not option.help.endswith(".")
        assert len(option.help.split()) <= 25, option.name


def test_the_page_of_options_is_fresh() -> None:
    """docs/options.md is what scripts/options_page.py writes."""
    assert PAGE.read_text(encoding="utf-8") == options_page(), "run scripts/options_page.py"


def test_help_fits_on_a_screen_and_help_all_shows_all(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it leaves out works all the same."""
    monkeypatch.setenv("COLUMNS", "80")
    shown = make_parser().format_help()
    assert len(shown.splitlines()) <= 60
    assert max(map(len, shown.splitlines())) <= 80
    with pytest.raises(SystemExit) as ended:
        read_request(["--help-all"])
    everything = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert f"{STUDY}:" in everything
    for option in OPTIONS:
        is_shown = re.search(rf"^  .*{re.escape(option.name)}\b", shown, re.MULTILINE) is not None
        assert is_shown == (option.name in OFTEN_WANTED), option.name
        assert option.name in everything
    assert read_request(["f.mkv", "--decode", "mode"]).settings.color.decode == "mode"
    assert "(default: annealed)" in everything


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: ColorSettings(saturation=-1), "saturation: -1 is not allowed; choose 0 to 3"),
        (lambda: ColorSettings(vividness=float("nan")), "vividness: nan is not allowed"),
        (lambda: replace(ModelSettings(), batch_size=0), "batch_size: 0 is not allowed"),
        (lambda: TemporalSettings(every=0), "every: 0 is not allowed; choose 1 to 100 or auto"),
        (
            lambda: OutputSettings(chroma="421"),  # type: ignore[arg-type]
            "chroma: '421' is not allowed; choose 420, 422 or 444",
        ),
    ],
)
def test_ranges_hold_in_python_as_well(make: Any, text: str) -> None:
    """What the command line refuses, the settings refuse."""
    with pytest.raises(SettingError, match=f"^{re.escape(text)}"):
        make()


def test_help_is_there_in_a_moment() -> None:
    """Under 0.3 s of a processor, the interpreter's own start included."""
    before = os.times()
    subprocess.run(
        [sys.executable, "-m", "vidcolor", "--help"], check=True, capture_output=True, cwd=ROOT
    )
    after = os.times()
    user = after.children_user - before.children_user
    assert user + after.children_system - before.children_system < 0.3


IMPORT_NAMES = {
    "openexr": "OpenEXR",
    "ffmpeg-python": "ffmpeg",
    "opencv-python": "cv2",
    "pillow": "PIL",
    "c2pa-python": "c2pa",
    "scikit-image": "skimage",
}
"""What a distribution is imported as, if not by its own name."""
TOOLS = {"mypy", "pytest", "pyright", "ruff"}
"""Those that are started, not imported."""


def imported_in(*folders: str) -> set[str]:
    """Patterns of the first names of all imports in the files of some folders."""
    found = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            by_name = "import_module(" in text
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found.add(node.module.split(".")[0])
                elif (
                    by_name
                    and isinstance(node, ast.FunctionDef)
                    and "import_module(" in ast.unparse(node)
                ):
                    found |= {pattern for inner in ast.walk(node) for pattern in texts(inner)}
    return found


def texts(node: ast.AST) -> Iterator[str]:
    """The formatted names of a function that imports by name, such as `efficientnet_*_model`."""
    if isinstance(node, ast.JoinedStr):
        pattern = "".join(p.value if isinstance(p, ast.Constant) else "*" for p in node.values)
        if re.fullmatch(r"[a-z]\w*\*\w+", pattern):
            yield pattern


def test_each_dependency_is_imported() -> None:
    """By the package; those that only scripts or tests use are declared as theirs."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = tomllib.loads(text)
    project, groups = declared["project"], declared.get("dependency-groups", {})
    extras = project["optional-dependencies"]
    by_product = [*project["dependencies"], *(o for n in extras if n != "dev" for o in extras[n])]
    by_others = [*extras.get("dev", []), *(one for group in groups.values() for one in group)]
    scripts_only = set(declared["tool"]["vidcolor"]["scripts-only"])
    product = imported_in("vidcolor")
    everywhere = product | imported_in("scripts", "tests")
    for requirement in [*by_product, *by_others]:
        if not isinstance(requirement, str):  # a group that includes another
            continue
        name = re.split(r"[\[<>=~! ;]", requirement)[0]
        if name in TOOLS or name == "vidcolor":
            continue
        module = IMPORT_NAMES.get(name, name.replace("-", "_"))
        is_for_scripts = name in scripts_only or requirement in by_others
        patterns = everywhere if is_for_scripts else product
        assert any(fnmatchcase(module, pattern) for pattern in patterns), name
    assert not {IMPORT_NAMES.get(name, name) for name in scripts_only} & product
