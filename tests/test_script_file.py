"""The color script that the studio changes."""

import tomllib
from pathlib import Path

import pytest

from vidcolor.errors import OutputError, SettingError
from vidcolor.studio.script_file import ScriptFile

WRITTEN = """\
# The kitchen is red.
[film]
sha256 = "{digest}"

[[range]]
shots = "2-9"  # kitchen
saturation = 0.8

[[range]]
frames = "10-20"
tint = 3
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a script lies, or will."""
    return tmp_path / "film.colors.toml"


def opened(path: Path) -> ScriptFile:
    """The script as a session has it."""
    script = ScriptFile(path)
    script.refresh()
    return script


def ranges(path: Path) -> list[dict[str, object]]:
    """The tables on disk."""
    found: list[dict[str, object]] = tomllib.loads(path.read_text()).get("range", [])
    return found


def test_the_first_change_makes_the_file(path: Path) -> None:
    """Each change is on the disk at once, by shots or for all of the film."""
    script = opened(path)
    assert not path.exists()
    script.set_look((3, 3), {"saturation": 0.5})
    assert ranges(path) == [{"shots": "3", "saturation": 0.5}]
    script.set_look(None, {"tint": 4})
    script.set_look((3, 3), {"tint": 1.0, "saturation": 0.7})
    assert ranges(path) == [{"shots": "3", "saturation": 0.7, "tint": 1.0}, {"tint": 4}]
    assert script.look_of(3) == {"saturation": 0.7, "tint": 1.0}
    assert script.look_of(4) == {}
    assert script.look_of(None) == {"tint": 4}
    assert [part.settings for part in script.script.ranges] == [
        {"saturation": 0.7, "tint": 1.0},
        {"tint": 4},
    ]


def test_a_shot_inside_a_range_is_taken_out_of_it(path: Path) -> None:
    """What else the range holds for stays, and so do comments and what is not of shots."""
    path.write_text(WRITTEN.format(digest="0" * 64))
    script = opened(path)
    script.set_look((4, 5), {"tint": -2})
    text = path.read_text()
    assert "# The kitchen is red." in text
    assert "# kitchen" in text
    assert ranges(path) == [
        {"shots": "2-3,6-9", "saturation": 0.8},
        {"frames": "10-20", "tint": 3},
        {"shots": "4-5", "saturation": 0.8, "tint": -2},
    ]
    assert script.shots_with_a_look() == [(2, 3), (6, 9), (4, 5)]


def test_a_change_of_shots_with_and_without_a_look(path: Path) -> None:
    """Those with one keep what is not changed, the others get a range of their own."""
    script = opened(path)
    script.set_look((2, 3), {"saturation": 0.5})
    script.set_look((1, 5), {"vividness": 1})
    assert ranges(path) == [
        {"shots": "2-3", "saturation": 0.5, "vividness": 1},
        {"shots": "1,4-5", "vividness": 1},
    ]


def test_taking_all_away_leaves_no_empty_range(path: Path) -> None:
    """A range that sets nothing is an error in a script."""
    script = opened(path)
    script.set_look((2, 2), {"saturation": 0.5, "color": False})
    script.set_look((2, 2), {"saturation": None})
    assert ranges(path) == [{"shots": "2", "color": False}]
    script.set_look((2, 2), {"color": None})
    assert ranges(path) == []
    assert script.script.ranges == ()


def test_hints_are_put_and_taken_away(path: Path) -> None:
    """One at the very same place is changed; ranges stay as they are."""
    script = opened(path)
    script.set_look((2, 2), {"saturation": 0.5})
    script.set_hint(17, ("at", [0.25, 0.5]), "#7a1f1f")
    script.set_hint(17, ("at", [0.75, 0.5]), "neutral", 0.05)
    script.set_hint(17, ("at", [0.25, 0.5]), "#1f1f7a")
    tables = tomllib.loads(path.read_text())
    assert tables == {
        "range": [{"shots": "2", "saturation": 0.5}],
        "hint": [
            {"frame": 17, "at": [0.25, 0.5], "color": "#1f1f7a"},
            {"frame": 17, "at": [0.75, 0.5], "color": "neutral", "radius": 0.05},
        ],
    }
    assert [hint.color for hint in script.script.hints] == ["#1f1f7a", "neutral"]
    script.remove("hint", 0)
    script.remove("hint", 9)
    assert [hint.color for hint in script.script.hints] == ["neutral"]
    script.remove("hint", 0)
    assert tomllib.loads(path.read_text()) == {"range": tables["range"]}
    script.undo()
    assert [hint.color for hint in script.script.hints] == ["neutral"]
    with pytest.raises(SettingError, match="outside the frame"):
        script.set_hint(17, ("at", [1.5, 0.5]), "#7a1f1f")


def test_changes_are_taken_back_and_made_again(path: Path) -> None:
    """On the disk as well; a new change ends what could be made again."""
    script = opened(path)
    for value in (0.5, 0.6, 0.7):
        script.set_look((1, 1), {"saturation": value})
    script.undo()
    script.undo()
    assert ranges(path) == [{"shots": "1", "saturation": 0.5}]
    script.redo()
    assert ranges(path) == [{"shots": "1", "saturation": 0.6}]
    assert script.can_redo
    script.set_look((1, 1), {"tint": 1})
    assert not script.can_redo
    for _ in range(9):
        script.undo()
    assert ranges(path) == []
    assert not script.can_undo


def test_what_an_editor_writes_is_taken_in(path: Path) -> None:
    """And can be taken back; a later session finds what is on the disk."""
    script = opened(path)
    script.set_look((1, 1), {"saturation": 0.5})
    path.write_text('[[range]]\nshots = "1"\nsaturation = 0.9\n')
    script.refresh()
    assert script.look_of(1) == {"saturation": 0.9}
    script.undo()
    assert ranges(path) == [{"shots": "1", "saturation": 0.5}]
    assert opened(path).look_of(1) == {"saturation": 0.5}


def test_a_wrong_script_changes_nothing_until_it_is_mended(path: Path) -> None:
    """What held before holds on, the line is named, and the editor's text is not overwritten."""
    script = opened(path)
    script.set_look((1, 1), {"saturation": 0.5})
    wrong = '[[range]]\nshots = "1"\nsaturatoin = 0.9\n'
    path.write_text(wrong)
    script.refresh()
    assert script.error is not None
    assert f"{path}:3: saturatoin means nothing here" in script.error
    assert script.look_of(1) == {"saturation": 0.5}
    with pytest.raises(SettingError, match="saturatoin"):
        script.set_look((1, 1), {"tint": 1})
    assert path.read_text() == wrong
    path.write_text(wrong.replace("toin", "tion"))
    script.refresh()
    assert script.error is None
    assert script.look_of(1) == {"saturation": 0.9}


def test_a_value_out_of_range_is_no_change(path: Path) -> None:
    """Nothing is written."""
    script = opened(path)
    with pytest.raises(SettingError, match="saturation"):
        script.set_look((1, 1), {"saturation": 9})
    assert not path.exists()
    assert not script.can_undo


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """And the change does not count."""
    script = opened(tmp_path / "missing" / "film.colors.toml")
    with pytest.raises(OutputError, match=r"film\.colors\.toml"):
        script.set_look((1, 1), {"saturation": 0.5})
    assert script.look_of(1) == {}
