"""Color scripts: read, placed on a film, and what their looks do to colors."""

import json
import tomllib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vidcolor.directing.direction import direct
from vidcolor.directing.grade import grade, map_hues
from vidcolor.directing.new_script import new_script
from vidcolor.directing.placed import FilmFacts
from vidcolor.directing.read_script import (
    HUE_KEYS,
    TABLES,
    find_script,
    parse_script,
    read_script,
)
from vidcolor.directing.script import (
    PLAIN,
    SHAPES,
    ColorScript,
    Hint,
    HueMap,
    Look,
    Range,
    Reference,
)
from vidcolor.directing.shot_list import Clock, ListedShot, csv_text, edl_text, table_text
from vidcolor.errors import SettingError
from vidcolor.rules import rules_of
from vidcolor.timecode import Timecode

PATH = Path("film.colors.toml")
FILM = FilmFacts("film.mp4", Fraction(25), seconds=4.0)
RED = np.array([60.0, 20.0], np.float32)[:, None, None]
GRAY = np.full((8, 8), 50.0, np.float32)


def read(text: str) -> ColorScript:
    """The script of a text."""
    return parse_script(text.encode(), PATH)


def look_at(script: ColorScript, frame: int, shot: int = 0) -> Look:
    """What a script says of a frame of a film of 25 frames a second."""
    begin = Fraction(frame, 25)
    return direct(script, FILM).look(shot, frame, begin, begin + Fraction(1, 25))


def test_a_range_holds_for_its_frames_seconds_timecodes_or_shots() -> None:
    """Both ends belong to it; units are those of --dump-frames, shots count from 1."""
    for place, held in (
        ('frames = "10-12"', range(10, 13)),
        ("frames = 10", [10]),
        ('frames = "0.4s-0.48s"', range(10, 13)),
        ('frames = "00:00:00:10-00:00:00:12,20"', [10, 11, 12, 20]),
    ):
        script = read(f"[[range]]\n{place}\nsaturation = 0.5")
        found = [n for n in range(30) if look_at(script, n) == Look(saturation=0.5)]
        assert found == list(held), place
    script = read('[[range]]\nshots = "2-3,5"\ncolor = false')
    held = [shot for shot in range(8) if not look_at(script, 0, shot).is_colored]
    assert held == [1, 2, 4]


def test_a_range_of_the_whole_film_gives_way() -> None:
    """Others add to it, and replace what they set themselves, wherever it is written."""
    script = read(
        "[[range]]\nframes = 3\nsaturation = 2\n[[range]]\nsaturation = 0.5\ntint = 4\n"
        "[[range]]\nframes = 4\nvividness = 1"
    )
    assert look_at(script, 0) == Look(saturation=0.5, tint=4)
    assert look_at(script, 3) == Look(saturation=2, tint=4)
    assert look_at(script, 4) == Look(saturation=0.5, tint=4, vividness=1)


def test_no_script_and_an_empty_one_say_nothing() -> None:
    """Their films have the bytes of films without a script."""
    for script in (None, ColorScript(), read("[[range]]\nshots = 1")):
        direction = direct(script, FILM)
        assert direction.identity is None
        assert direction.look(0, 0, Fraction(0), Fraction(1)) == PLAIN
    assert PLAIN.digest is None


def test_identity_is_what_a_script_says_not_how() -> None:
    """Comments, spaces and order of keys do not count; values and places do."""
    scripts = [
        "# mine\n[[range]]\nframes = 3\ntint = 1\nsaturation = 2",
        '[[range]]\nsaturation = 2\n\nframes = "3"\ntint = 1 # more',
        "[[range]]\nframes = 4\ntint = 1\nsaturation = 2",
        "[[range]]\nframes = 3\ntint = 1\nsaturation = 1.9",
    ]
    same, also, moved, other = (direct(read(text), FILM).identity for text in scripts)
    assert same == also
    assert len({same, moved, other}) == 3


BOX = "[[hint]]\nframe = 3\ncolor = '#7a1f1f'\n"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("[[range]]\nsaturation = 9", 2, "saturation: 9.0 is not allowed; choose 0 to 3"),
        ('[[range]]\n\nsaturation = "1"', 3, "saturation: '1' is no number"),
        ("[[range]]\nsaturaton = 1", 2, "Did you mean saturation?"),
        ("[[rang]]\nx = 1", 1, "Did you mean range?"),
        ("a = 1", 1, "a means nothing here"),
        ("x = [", 1, "is no TOML (Invalid value)"),
        ("[[range]]\nframes = 1\n= 3", 3, "is no TOML"),
        ("range = 3", 1, "Write [[range]]"),
        ("\nfilm = 3", 2, "film is no table"),
        ("\nrange = [{ tint = 99 }]", 2, "tint: 99.0 is not allowed"),
        ("\n[[range.hint]]\nframe = 3", 2, "Write [[range]]"),
        ("[[range]]\nshots = 1-3", 2, "ranges, times and colors stand in quotes"),
        (f"[[range]]\ntint = {'9' * 5000}", 2, "is too long to be read"),
        (f"[[range]]\n\ntint = {'[' * 3000}{']' * 3000}", 3, "is too long to be read"),
        ("[[range]]\nframes = 00:00:01", 2, "frames: 00:00:01 is no whole number and no text"),
        ("[[range]]\nframes = -3", 2, "frames: '-3' is not a frame"),
        ("[[range]]\nframes = '5-'", 2, "frames: '5-' is not a frame"),
        ("[[range]]\ntint = true", 2, "tint: true is no number"),
        ('[[range]]\nhue = { from = "1-9", to = 900 }', 2, "hue: to: 900 leaves the circle"),
        ("[[hint]]\npicture = ''", 2, "picture: names no file"),
        (BOX + "box = [0.5, 0.5, -0.2, 0.2]", 4, "box: has no width or no height"),
        (BOX + "box = [0.5, 0.5, 0.2, 0]", 4, "box: has no width or no height"),
        ("[[range]]\ncolor = 1\n", 2, "color: 1 is neither true nor false"),
        ('[[range]]\nframes = "9-5"\ntint = 1', 2, "ends before it begins"),
        ('[[range]]\nframes = "soon"\ntint = 1', 2, "'soon' is not a frame"),
        ("[[range]]\nshots = 0\ntint = 1", 2, "shots are counted from 1"),
        ('[[range]]\nshots = "1-x"\ntint = 1', 2, "'1-x' is no shot"),
        ("[[range]]\nframes = 1\nshots = 1\ntint = 1", 3, "a range has one of them"),
        ("[[range]]\nrefine = 'floods'", 2, "choose none, flood or scribble"),
        ("[[range]]\nmodel = 3", 2, "model: 3 is no name"),
        ("[[range]]\nmodel = ''", 2, "model: '' is no name"),
        ("[[range]]\nframes = 3\n\nrefine = 'flood'", 4, "refine: holds for whole shots. Write"),
        ("[[range]]\nmodel = 'lite'\nframes = 3", 2, "model: holds for whole shots. Write shots"),
        ("[[range]]\ntint = 1\nhue = 3", 3, "a map has from and to"),
        ('[[range]]\nhue = { from = "3-400", to = 1 }', 2, "leaves the circle"),
        ('[[range]]\nhue = [\n {from = "3-40", to = 1, by = 2}]', 2, "by means nothing here"),
        ("[film]\nsha256 = 'abc'", 2, "is no SHA-256"),
        ("[film]\nname = 'x'", 2, "name means nothing here"),
        ("[[range]]\ntint = 1\n[[range]]\ntint = 2", 3, "the range of film.colors.toml:1 has 1.0"),
        ("[[range]]\nframes = '1-5'\ntint = 1\n[[range]]\nframes = 5\ntint = 2", 4, "tint is 2.0"),
        (
            "[[range]]\nframes = '1-50'\ntint = 1\n[[range]]\nframes = '1s'\ntint = 2",
            4,
            "for the same frames",
        ),
        ("[[range]]\nframes = 999\ntint = 1", 1, "lie beyond the end of film.mp4"),
        ("[[range]]\nframes = '00:00:00:40'\ntint = 1", 1, "no such timecode at 25 frames/s"),
    ],
)
def test_a_fault_is_one_line_with_file_and_line(text: str, line: int, told: str) -> None:
    """What is wrong, where, and what to do."""
    with pytest.raises(SettingError) as caught:
        direct(read(text), FILM)
    message = str(caught.value)
    assert message.startswith(f"film.colors.toml:{line}: ")
    assert told in message
    assert "\n" not in message


def test_ranges_that_agree_may_overlap() -> None:
    """Other settings, or the same value; ranges that only touch do not meet."""
    script = read(
        "[[range]]\nframes = '1-5'\ntint = 1\n[[range]]\nframes = '5-9'\ntint = 1\n"
        "[[range]]\nframes = '3-7'\nsaturation = 2\n[[range]]\nframes = '10-12'\ntint = 2"
    )
    assert look_at(script, 5) == Look(tint=1, saturation=2)
    assert look_at(script, 10) == Look(tint=2)


def test_a_script_of_another_film_or_of_a_part_is_refused() -> None:
    """By SHA-256; and frames or shots counted from a beginning that --start leaves out."""
    script = read(f"[film]\nsha256 = '{'a' * 64}'\n[[range]]\nframes = 3\ntint = 1")
    direct(script, FILM).refuse_other("a" * 64)
    with pytest.raises(SettingError, match=r"toml:2: the script was written for another"):
        direct(script, FILM).refuse_other("b" * 64)
    part = FILM._replace(is_part=True)
    with pytest.raises(SettingError, match=r"film.colors.toml:3: counts frames or shots"):
        direct(script, part)
    direct(read("[[range]]\nframes = '1s'\ntint = 1"), part)


def test_scripts_are_found_by_the_films_stem(tmp_path: Path) -> None:
    """A file is the script of any film; a folder has one for each, or none."""
    script = tmp_path / "reel 1.colors.toml"
    script.write_text("[[range]]\ntint = 1")
    assert find_script(tmp_path, Path("reels/reel 1.mp4")) == script
    assert find_script(tmp_path, Path("reel 2.mp4")) is None
    assert find_script(script, Path("any.mp4")) == script
    assert read_script(script).ranges[0].tint == 1
    with pytest.raises(SettingError, match=r"none.toml: cannot be read \(No such file"):
        read_script(tmp_path / "none.toml")
    script.write_bytes(b"# 1\n# K\xfcche\n")
    with pytest.raises(SettingError, match=r"toml:2: is no text in UTF-8. Save it as UTF-8"):
        read_script(script)


def test_python_makes_the_same_script() -> None:
    """Typed values with the ranges that a file has."""
    made = ColorScript(ranges=(Range(frames="10-12", saturation=0.5),))
    text = read("[[range]]\nframes = '10-12'\nsaturation = 0.5")
    assert direct(made, FILM).identity == direct(text, FILM).identity
    with pytest.raises(SettingError, match="saturation: 4 is not allowed"):
        Range(saturation=4)


def graded(look: Look, ab: np.ndarray = RED, saturation: float = 1.0) -> np.ndarray:
    """Colors of a middle gray under a look."""
    whole = np.broadcast_to(ab, (2, 2, 2)).astype(np.float32)
    return grade(whole, look, GRAY, saturation=saturation, share=1.0)[:, 0, 0]


def test_a_plain_look_only_has_the_films_saturation() -> None:
    """To the bit."""
    ab = np.random.default_rng(0).normal(0, 30, (2, 5, 4)).astype(np.float32)
    assert np.array_equal(grade(ab, PLAIN, GRAY, saturation=1.0, share=1.0), ab)
    assert np.array_equal(grade(ab, PLAIN, GRAY, saturation=0.7, share=0.2), ab * 0.7)


def test_looks_change_colors_as_they_say() -> None:
    """Saturation replaces the film's; casts are those of a filter, and weaker in the dark."""
    assert graded(Look(is_colored=False)).tolist() == [0, 0]
    assert graded(Look(saturation=0.5), saturation=3.0) == pytest.approx([30, 10])
    assert graded(Look(temperature=10, tint=-4), ab=0 * RED) == pytest.approx(
        np.array([-4, 10]) * (50 + 16) / 116
    )
    dark = grade(np.zeros((2, 2, 2), np.float32), Look(tint=9), GRAY, saturation=1, share=0.0)
    assert not dark.any(), "a card stays neutral"


def hue_of(ab: np.ndarray) -> float:
    """In degrees."""
    return float(np.degrees(np.arctan2(ab[1], ab[0])) % 360)


@pytest.mark.parametrize(
    ("mapped", "hue", "wanted"),
    [
        (HueMap(first=290, last=330, to_first=10, to_last=50), 310, 30),
        (HueMap(first=290, last=330, to_first=10, to_last=50), 290, 10),
        (HueMap(first=350, last=10, to_first=80, to_last=120), 5, 110),
        (HueMap(first=100, last=140, to_first=200, to_last=210), 120, 205),
        (HueMap(first=290, last=330, to_first=10, to_last=50), 200, 200),
        (HueMap(first=30, last=30, to_first=60, to_last=60), 30, 60),
    ],
)
def test_hues_become_others(mapped: HueMap, hue: float, wanted: float) -> None:
    """Linearly along the map, also over 0; chroma stays, and hues far off stay."""
    at = np.radians(hue)
    ab = 40 * np.array([np.cos(at), np.sin(at)], np.float32)[:, None, None]
    found = map_hues(ab, (mapped,))
    assert hue_of(found[:, 0, 0]) == pytest.approx(wanted, abs=0.1)
    assert np.hypot(*found[:, 0, 0]) == pytest.approx(40, abs=0.1)
    paler = map_hues(ab, (replace(mapped, saturation=0.5),))
    assert np.hypot(*paler[:, 0, 0]) == pytest.approx(40 if wanted == hue else 20, abs=0.1)


def test_hue_maps_leave_neutral_colors_and_fade_at_their_ends() -> None:
    """No color without chroma has a hue, and neighbors of a map's hues are not torn apart."""
    both = HueMap(first=20, last=40, to_first=120, to_last=140)
    gray = np.array([1.0, 0.5], np.float32)[:, None, None]
    assert np.array_equal(map_hues(gray, (both,)), gray)
    hues = np.radians(np.arange(0, 360, 0.5))
    ab = 40 * np.stack([np.cos(hues), np.sin(hues)])[:, None].astype(np.float32)
    steps = np.hypot(*np.diff(map_hues(ab, (both,))[:, 0]))
    assert steps.max() < 6


SHOTS = (
    ListedShot(1, 0, 50, Fraction(0), Fraction(2), None),
    ListedShot(2, 50, 25, Fraction(2), Fraction(3), None),
    ListedShot(3, 75, 25, Fraction(3), Fraction(4), 1),
)
CLOCK = Clock(Timecode(10, 0, 0, 0, drops=False), Fraction(25))


def test_shots_are_listed_for_people_programs_and_editors() -> None:
    """Numbers from 1, frames from 0; the end is when the next shot begins."""
    table = table_text(SHOTS, CLOCK).splitlines()
    assert table[0].split() == ["shot", "frames", "begins", "ends", "length", "returns", "to"]
    assert table[3].split() == ["3", "75-99", "10:00:03:00", "10:00:04:00", "1.00", "s", "1"]
    rows = csv_text(SHOTS, CLOCK).splitlines()
    assert rows[0].startswith("shot,first_frame,last_frame,frames,start_seconds")
    assert rows[2] == "2,50,74,25,2.000000,3.000000,10:00:02:00,10:00:03:00,"
    edl = edl_text(SHOTS, CLOCK, "film.mp4").splitlines()
    assert edl[:3] == ["TITLE: film.mp4", "FCM: NON-DROP FRAME", ""]
    event = "001  AX       V     C        10:00:00:00 10:00:02:00 10:00:00:00 10:00:02:00"
    assert edl[3] == event
    drops = Clock(Timecode(0, 0, 59, 28, drops=True), Fraction(30000, 1001))
    dropped = edl_text([SHOTS[0]._replace(end=Fraction(1001, 7500))], drops, "x")
    assert "FCM: DROP FRAME" in dropped
    assert "00:00:59;28 00:01:00;04" in dropped


def test_a_new_script_has_a_range_for_each_shot_and_changes_nothing() -> None:
    """It can be read as it is; a setting without its # holds for that shot."""
    text = new_script(SHOTS, CLOCK, "my film.mp4", "a" * 64)
    found = tomllib.loads(text)
    assert [one["shots"] for one in found["range"]] == ["1", "2", "3"]
    assert "the set-up of shot 1" in text
    script = read(text)
    assert script.film_sha256 == "a" * 64
    assert direct(script, FILM).identity is None
    changed = text.replace("# color = false", "color = false", 1)
    assert not look_at(read(changed), 0, shot=0).is_colored
    assert look_at(read(changed), 60, shot=1) == PLAIN


def test_the_schema_is_that_of_the_reader() -> None:
    """Keys and limits in docs/directing.schema.json are those of the program."""
    page = Path(__file__).parents[1] / "docs" / "directing.schema.json"
    tables = json.loads(page.read_text())["properties"]
    of_range = tables["range"]["items"]["properties"]
    assert set(tables) == set(TABLES)
    assert set(of_range) == set(TABLES["range"])
    assert set(tables["film"]["properties"]) == set(TABLES["film"])
    assert set(of_range["hue"]["anyOf"][0]["properties"]) == set(HUE_KEYS)
    of_hint = tables["hint"]["items"]["properties"]
    assert set(of_hint) == set(TABLES["hint"])
    assert [one["required"] for one in tables["hint"]["items"]["oneOf"]] == [[s] for s in SHAPES]
    of_reference = tables["reference"]["items"]["properties"]
    assert set(of_reference) == set(TABLES["reference"])
    for kind, keys in ((Range, of_range), (Hint, of_hint), (Reference, of_reference)):
        for name, rule in rules_of(kind).items():
            if rule.limits is not None:
                limits = keys[name]["minimum"], keys[name]["maximum"]
                assert limits == (rule.limits.least, rule.limits.most)
