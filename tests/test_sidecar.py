import errno
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import small_disk

from vidcolor.errors import OutputError, SourceError
from vidcolor.files import beside, write_whole
from vidcolor.report.sidecar import (
    _HEAD_BYTES,
    COLUMNS,
    check_sidecar,
    read_sidecar,
    sidecar_path,
    write_sidecar,
)
from vidcolor.report.timeline import Timeline
from vidcolor.settings import Settings, TemporalSettings


def make_facts(source: Path = Path("films/die_brücke.mkv"), frames: int = 60) -> dict[str, object]:
    """What is told of a film with two shots."""
    timeline = Timeline()
    rng = np.random.default_rng(1)
    for index in range(frames):
        ab = rng.normal(5, 9, (2, 8, 11)).astype(np.float32)
        timeline.add(ab, seconds=index / 24, shot=index // 50, confidence=0.5)
    return {
        "source": {"path": source, "frame_rate": Fraction(24000, 1001)},
        "model": {"name": "lite", "sha256": "00ff", "device": "cpu"},
        "settings": Settings(start_seconds=Fraction(3, 2)),
        "frames": frames,
        "losses": "",
    } | timeline.figures()


@pytest.mark.parametrize(
    ("film", "sidecar"),
    [
        ("film.colorized.mp4", "film.colorized.json"),
        ("reels/a.b.mkv", "reels/a.b.json"),
        ("out", "out.json"),
    ],
)
def test_a_sidecar_has_its_films_name(film: str, sidecar: str) -> None:
    """The film's suffix is replaced, other dots and folders stay."""
    assert sidecar_path(Path(film)) == Path(sidecar)


@pytest.mark.quick
def test_sidecars_of_two_films_of_one_stem_do_not_meet(tmp_path: Path) -> None:
    """The first film keeps the short name, whichever it is; each file is found again."""
    named = {name: tmp_path / name for name in ("x.mkv", "x.mp4", "x.mov", "x")}
    for film in named.values():
        shown = film if film.suffix else film / "x_%06d.png"
        write_sidecar(sidecar_path(film), make_facts() | {"output": {"path": shown}})
    assert {name: sidecar_path(film).name for name, film in named.items()} == {
        "x.mkv": "x.json", "x.mp4": "x.mp4.json", "x.mov": "x.mov.json", "x": "x.images.json",
    }  # fmt: skip
    assert beside(named["x.mp4"], ".framemd5").name == "x.mp4.framemd5"
    (tmp_path / "x.json").unlink()
    assert sidecar_path(named["x.mp4"]).name == "x.mp4.json"
    assert sidecar_path(named["x.mkv"]).name == "x.json"


@pytest.mark.quick
@pytest.mark.parametrize(
    "text", ['{"output": {"path": "was.mp4"}}', '{"output": 1}', "[]", "\xff{"]
)
def test_a_sidecar_that_is_of_no_film_of_that_stem_keeps_its_name(
    tmp_path: Path, text: str
) -> None:
    """As one that was renamed with its film, or a file of somebody else's, which is refused."""
    film = tmp_path / "x.mp4"
    film.with_suffix(".json").write_bytes(text.encode("latin-1"))
    assert sidecar_path(film) == tmp_path / "x.json"


def occupy(path: Path, by: str) -> None:
    """Put something where a sidecar would go."""
    if by == "file":
        path.write_text("mine")
    elif by == "link":
        path.symlink_to("nowhere")
    elif by == "link to folder":
        path.symlink_to(path.parent)
    else:
        path.mkdir()


@pytest.mark.parametrize("by", ["file", "link", "link to folder", "folder"])
def test_what_exists_is_not_replaced_without_leave(tmp_path: Path, by: str) -> None:
    """Files, links to nothing and folders are refused in one line that names the way out."""
    path = tmp_path / "film.json"
    check_sidecar(path, overwrite=False)
    occupy(path, by)
    with pytest.raises(OutputError) as caught:
        check_sidecar(path, overwrite=False)
    assert str(caught.value) == f"{path}: exists already; use --overwrite or another -o"


@pytest.mark.parametrize("by", ["file", "link", "link to folder"])
def test_with_leave_it_is_replaced(tmp_path: Path, by: str) -> None:
    """A link is replaced itself; what it led to is left alone."""
    path = tmp_path / "film.json"
    occupy(path, by)
    check_sidecar(path, overwrite=True)
    write_sidecar(path, make_facts())
    assert list(tmp_path.iterdir()) == [path]
    assert not path.is_symlink()
    assert read_sidecar(path)["frames"] == 60


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    """With leave to overwrite too, a folder of that name is told before any work."""
    with pytest.raises(OutputError, match="is a folder; remove it or use another -o"):
        check_sidecar(tmp_path, overwrite=True)
    with pytest.raises(OutputError, match=r"cannot be written \(Is a directory\)"):
        write_whole(tmp_path, b"{}")


def test_a_name_that_cannot_be_is_told(tmp_path: Path) -> None:
    """A name longer than the file system takes is one line, before any work."""
    with pytest.raises(OutputError, match=r"cannot be written \(File name too long\); choose"):
        check_sidecar(tmp_path / f"{'x' * 300}.json", overwrite=False)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """All facts come back; fractions as seconds, paths as texts, settings as an object."""
    facts = make_facts(frames=1800)
    path = tmp_path / "film.colorized.json"
    write_sidecar(path, facts)
    assert path.stat().st_size > _HEAD_BYTES
    found = read_sidecar(path)
    assert (found["format"], found["format_version"]) == ("vidcolor-sidecar", 1)
    assert found["source"] == {"path": "films/die_brücke.mkv", "frame_rate": 24000 / 1001}
    assert found["settings"]["start_seconds"] == 1.5
    assert found["settings"]["temporal"] == asdict(TemporalSettings())
    assert found["settings"]["duration_seconds"] is None
    assert found["settings"]["force"] is False
    for name in ("model", "frames", "losses", "shots", "timeline"):
        assert found[name] == facts[name]
    assert tuple(found["timeline"]) == COLUMNS


def test_the_file_is_for_people_too(tmp_path: Path) -> None:
    """Lines are indented, letters stand as they are, and the last line ends."""
    path = tmp_path / "film.json"
    write_sidecar(path, make_facts())
    text = path.read_text(encoding="utf-8")
    assert text.startswith('{\n "format": "vidcolor-sidecar",\n "format_version": 1,\n')
    assert "die_brücke" in text
    assert text.endswith("}\n")


def test_a_name_of_no_letters_survives(tmp_path: Path) -> None:
    """A film's name in another encoding comes back to its very bytes."""
    source = Path(os.fsdecode(b"caf\xe9.mpg"))
    path = tmp_path / "film.json"
    write_sidecar(path, make_facts(source))
    path.read_text(encoding="utf-8")
    assert os.fsencode(read_sidecar(path)["source"]["path"]) == b"caf\xe9.mpg"


@dataclass(frozen=True, slots=True)
class Inner:
    """A dataclass inside a list."""

    time: Fraction


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (np.float32("nan"), None),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (Fraction(1, 4), 0.25),
        ((Path("a/b"), True, None), ["a/b", True, None]),
        ([Inner(Fraction(1, 2))], [{"time": 0.5}]),
    ],
)
def test_values_become_those_of_json(tmp_path: Path, value: object, plain: object) -> None:
    """Each kind has its place, at any depth; what is no number is null."""
    path = tmp_path / "film.json"
    write_sidecar(path, make_facts() | {"extra": {"deep": value}})
    found = read_sidecar(path)["extra"]["deep"]
    assert found == plain
    assert type(found) is type(plain)


def test_other_values_are_refused(tmp_path: Path) -> None:
    """A value that JSON lacks is the program's own mistake; no file is begun."""
    with pytest.raises(TypeError, match="has no place in a sidecar"):
        write_sidecar(tmp_path / "film.json", {"odd": {1, 2}})
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """The line names the file, the fault and what to do."""
    path = tmp_path / "none" / "film.json"
    with pytest.raises(OutputError) as caught:
        write_sidecar(path, make_facts())
    reason = "No such file or directory"
    assert str(caught.value) == f"{path}: cannot be written ({reason}); choose another -o"


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for 16 kB."""
    with small_disk(tmp_path, "16k") as disk:
        yield disk


def test_a_full_disk_is_told_and_leaves_nothing(tiny_disk: Path) -> None:
    """A sidecar larger than the room left is one line of its own."""
    with pytest.raises(OutputError) as caught:
        write_sidecar(tiny_disk / "film.json", make_facts() | {"losses": "x" * 40_000})
    assert str(caught.value) == f"{tiny_disk}: the disk is full; make room or choose another -o"
    assert list(tiny_disk.iterdir()) == []


@pytest.mark.parametrize(
    ("fault", "expected", "told"),
    [
        (OSError(errno.ENOSPC, "No space left"), OutputError, "the disk is full; make room"),
        (OSError(errno.EIO, "Input/output error"), OutputError, "reports an input/output error"),
        (KeyboardInterrupt("stopped"), KeyboardInterrupt, "stopped"),
    ],
)
def test_a_fault_while_writing_leaves_what_was(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
    expected: type[BaseException],
    told: str,
) -> None:
    """Until it is on the disk the new file has a name of its own; the old one is never hurt."""
    path = tmp_path / "film.json"
    path.write_text("old")
    seen: list[set[str]] = []

    def fail(_: int) -> None:
        seen.append({entry.name for entry in tmp_path.iterdir()})
        raise fault

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(expected, match=told):
        write_sidecar(path, make_facts())
    assert seen == [{"film.json", ".film.part.json"}]
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"


REMEDY = "name the film.colorized.json beside a film"
NO_SIDECAR = f"is no sidecar of vidcolor; {REMEDY}"
TOO_NEW = "is a sidecar of version 2, and this vidcolor reads 1; use the vidcolor that wrote it"
DAMAGED = "is a damaged sidecar; colorize the film again"


def link_to_itself(path: Path) -> None:
    """A file that cannot be opened, by anyone."""
    path.symlink_to(path)


def as_text(text: str, encoding: str = "utf-8") -> Callable[[Path], object]:
    """A maker of a file with this text."""
    return lambda path: path.write_text(text, encoding=encoding)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda _: None, f"no such file; {REMEDY}"),
        (Path.mkdir, f"is a folder; {REMEDY}"),
        (link_to_itself, f"cannot be read (Too many levels of symbolic links); {REMEDY}"),
        (Path.touch, NO_SIDECAR),
        (lambda path: path.write_bytes(b"\0\0\0 ftypisom" + bytes(9999)), NO_SIDECAR),
        (lambda path: path.write_bytes(b'{"format": "\xff"}'), NO_SIDECAR),
        (as_text('{"format": "vidcolor-sidecar",'), NO_SIDECAR),
        (as_text('{"a": 1}'), NO_SIDECAR),
        (as_text('["format"]'), NO_SIDECAR),
        (as_text('{"a":' + "[" * 100_000), NO_SIDECAR),
        (as_text('{"format": "vidcolor-sidecar", "format_version": 2}'), TOO_NEW),
        (as_text('{"format": "vidcolor-sidecar", "format_version": 1}'), DAMAGED),
    ],
)
def test_what_is_no_sidecar_is_told(
    tmp_path: Path, make: Callable[[Path], object], told: str
) -> None:
    """Each fault of the file is one line with its name and what to do."""
    path = tmp_path / "film.json"
    make(path)
    with pytest.raises(SourceError) as caught:
        read_sidecar(path)
    assert str(caught.value) == f"{path}: {told}"


def test_a_film_given_instead_is_not_read_whole(tmp_path: Path) -> None:
    """A film larger than the memory is refused by its first bytes."""
    film = tmp_path / "film.mp4"
    with film.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SourceError, match="is no sidecar of vidcolor"):
        read_sidecar(film)


def test_an_edited_sidecar_is_read(tmp_path: Path) -> None:
    """A byte order mark and blanks before the text, as editors put there, do no harm."""
    path = tmp_path / "film.json"
    write_sidecar(path, make_facts())
    path.write_text("\n " + path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert read_sidecar(path)["frames"] == 60


def without(name: str) -> Callable[[dict], object]:
    """A change that drops a fact."""
    return lambda facts: facts.pop(name)


def column(name: str, values: object) -> Callable[[dict], object]:
    """A change of one column of three rows."""
    return lambda facts: facts["timeline"].update({name: values})


@pytest.mark.parametrize(
    "change",
    [
        *map(without, ("source", "model", "frames", "shots", "timeline")),
        lambda facts: facts["source"].pop("path"),
        lambda facts: facts["model"].update(name=7),
        lambda facts: facts.update(frames="60"),
        lambda facts: facts["shots"].append(None),
        lambda facts: facts["shots"][0].pop("start_seconds"),
        lambda facts: facts["timeline"].pop("flicker"),
        column("flicker", 5),
        column("flicker", [1, 2]),
        column("flicker", [1, 2, "3"]),
        column("flicker", [1, 2, float("nan")]),
        column("flicker", [1, 2, 10**400]),
        column("second", [0, None, 2]),
        column("second", [0, 0.5, 2]),
        column("second", [0, 2, 1]),
        column("second", [0, 1, 1]),
    ],
)
def test_a_damaged_sidecar_is_told(tmp_path: Path, change: Callable[[dict], object]) -> None:
    """What a plot needs is missing or of another kind: no traceback later, but a line now."""
    path = tmp_path / "film.json"
    write_sidecar(path, make_facts())
    facts = read_sidecar(path)
    change(facts)
    path.write_text(json.dumps(facts))
    with pytest.raises(SourceError, match="damaged sidecar; colorize the film again"):
        read_sidecar(path)
