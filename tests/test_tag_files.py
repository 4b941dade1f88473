from hashlib import sha256
from pathlib import Path

import bagit
import pytest

from vidcolor.errors import OutputError
from vidcolor.reels.tag_files import Digested, make_tag_files


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """A folder with a payload of three files, one of them in a folder of its own."""
    for name in ("data/b.mkv", "data/a.json", "data/1950/c é.mkv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def write(bag: Path, **facts: list[str]) -> dict[str, str]:
    """The tag files, written."""
    made = make_tag_files(bag, facts, {})
    for name, data in made.items():
        (bag / name).write_bytes(data)
    return {name: data.decode() for name, data in made.items()}


def test_the_library_of_congress_finds_the_bag_valid(bag: Path) -> None:
    """Every file of the payload is in the manifest, every tag file in the other."""
    made = write(bag, Source=["x"])
    assert bagit.Bag(str(bag)).validate()
    names = [line.partition("  ")[2] for line in made["manifest-sha256.txt"].splitlines()]
    assert names == ["data/a.json", "data/b.mkv", "data/1950/c é.mkv"]
    assert made["manifest-sha256.txt"].startswith(sha256(b"data/a.json").hexdigest())
    assert "Payload-Oxum: 39.3\n" in made["bag-info.txt"]
    assert len(made["tagmanifest-sha256.txt"].splitlines()) == 3


def test_what_an_archive_added_stays(bag: Path) -> None:
    """Folded lines are one value; a label that is given takes the place of all before."""
    old = "\ufeffContact: Ada\n  of Archive\nMissing: x\nMissing: y\n\nNote: a: b\n"
    (bag / "bag-info.txt").write_text(old, encoding="utf-8")
    made = write(bag, Missing=["z\nz"], Agent=["v"])["bag-info.txt"]
    assert made == (
        "Agent: v\nContact: Ada of Archive\nMissing: z z\nNote: a: b\nPayload-Oxum: 39.3\n"
    )
    assert "Missing" not in write(bag, Missing=[])["bag-info.txt"]


def test_a_damaged_info_is_one_line(bag: Path) -> None:
    """It is not written over: somebody's facts may be in it."""
    (bag / "bag-info.txt").write_text("Contact: Ada\nno label\n")
    with pytest.raises(OutputError, match=r"bag-info\.txt: is damaged at 'no label'; mend"):
        make_tag_files(bag, {}, {})


def test_a_known_digest_holds_until_its_file_changes(bag: Path) -> None:
    """A film that was just written is not read again; one that somebody changed since is."""
    film = bag / "data" / "b.mkv"
    known = {film: Digested.of(film, "f" * 64)}
    assert (
        "f" * 64 + "  data/b.mkv" in make_tag_files(bag, {}, known)["manifest-sha256.txt"].decode()
    )
    film.write_bytes(b"other bytes")
    right = sha256(b"other bytes").hexdigest()
    assert f"{right}  data/b.mkv" in make_tag_files(bag, {}, known)["manifest-sha256.txt"].decode()
