import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO

import bagit
import pytest
from clips import held_elsewhere, soft_shot, write_film, write_series
from forking import start_program

from vidcolor import __version__
from vidcolor.cli.main import main
from vidcolor.errors import ReelTakenError
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.film.coloring import FilmRun
from vidcolor.film.colorize import Result, colorize_job
from vidcolor.reels import bag as bags
from vidcolor.reels import tag_files
from vidcolor.reels.ledger import NAME, Ledger, read_ledger

FAST = ["--device", "cpu", "--render-size", "64"]
TAG_FILES = {"bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"}


@pytest.fixture
def reels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small reels, one in a folder of its own, below the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.mkv", "1950/b.mkv"):
        path = Path("reels", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_film(path, soft_shot(len(name), 4))
    return Path("reels")


def run(*arguments: object) -> int:
    """Colorize the reels into a bag."""
    return main(["reels", "-r", "-o", "out", "--bagit", *FAST, *map(str, arguments)])


def files() -> dict[str, bytes]:
    """The content of every file of the bag, the ledger left out."""
    return {
        path.relative_to("out").as_posix(): path.read_bytes()
        for path in Path("out").rglob("*")
        if path.is_file() and not path.name.startswith(NAME)
    }


def validate() -> subprocess.CompletedProcess[str]:
    """What the Library of Congress's own program says of the bag."""
    program = [sys.executable, "-m", "bagit", "--validate", "out"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(program, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.usefixtures("reels")
def test_the_output_folder_is_a_bag(capsys: pytest.CaptureFixture[str]) -> None:
    """Films, sidecars and lists of hashes are its payload; it validates elsewhere, too."""
    assert run("--framemd5") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "out: is a BagIt bag"
    payload = {
        f"data/{name}.colorized.{suffix}"
        for name in ("a", "1950/b")
        for suffix in ("mkv", "json", "framemd5", "source.framemd5")
    }
    assert files().keys() == TAG_FILES | payload
    told = validate()
    assert told.returncode == 0, told.stderr
    assert set(bagit.Bag("out").payload_entries()) == payload
    Path("out", NAME).unlink()
    assert validate().returncode == 0  # the ledger is no part of it


@pytest.mark.usefixtures("reels")
def test_what_the_bag_says_of_itself() -> None:
    """The RFC's version, how much it holds, what made it, and that the color is synthetic."""
    assert run("-q") == 0
    bag = bagit.Bag("out")
    assert bag.version_info == (1, 0)
    payload = [path for path in Path("out/data").rglob("*") if path.is_file()]
    assert bag.info["Payload-Oxum"] == f"{sum(p.stat().st_size for p in payload)}.{len(payload)}"
    assert bag.info["Bag-Software-Agent"] == f"vidcolor {__version__}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", bag.info["Bagging-Date"])
    assert "synthetic color" in bag.info["External-Description"]
    assert bag.tagfile_entries().keys() == TAG_FILES - {"tagmanifest-sha256.txt"}


@pytest.mark.usefixtures("reels")
def test_the_same_command_again_leaves_the_bag(capsys: pytest.CaptureFixture[str]) -> None:
    """All is done, nothing is written, and the exit code is 0; so it is with a dry run."""
    assert run("-q") == 0
    before, written = files(), Path("out/bagit.txt").stat().st_mtime_ns
    for arguments in ([], ["-n"]):
        assert run(*arguments) == 0
        assert capsys.readouterr().out.count("already done: out/data/") == 2
        assert (files(), Path("out/bagit.txt").stat().st_mtime_ns) == (before, written)
    assert validate().returncode == 0
    assert main(["--status", "out"]) == 0
    assert "out: 2 reels: 2 done" in capsys.readouterr().out


def test_films_are_added_to_a_bag(reels: Path) -> None:
    """What an archive wrote into bag-info.txt stays; the bag holds old and new, and is valid."""
    assert run("-q") == 0
    bag = bagit.Bag("out")
    bag.info["Source-Organization"] = "Film Archive"
    bag.save()
    Path("out", "tagmanifest-sha256.txt").write_text("")  # the ledger is in that one
    write_film(reels / "c.mkv", soft_shot(3, 4))
    assert run("-q") == 0
    told = validate()
    assert told.returncode == 0, told.stderr
    assert bagit.Bag("out").info["Source-Organization"] == "Film Archive"
    assert len(bagit.Bag("out").payload_entries()) == 6
    assert run("-q", "--saturation", 0.5, "--overwrite") == 0
    assert validate().returncode == 0


def test_a_damaged_bag_is_not_sealed_anew(reels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """New checksums would hide the damage: it is told before a film is colorized."""
    assert run("-q") == 0
    path = Path("out/data/a.colorized.mkv")
    stamps = path.stat().st_atime_ns, path.stat().st_mtime_ns
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=stamps)
    before = files()
    write_film(reels / "c.mkv", soft_shot(3, 4))
    assert run() == 1
    out, err = capsys.readouterr()
    assert "c.colorized.mkv" not in out
    assert err.count("\n") == 1
    assert "out: is not a valid bag (Bag validation failed: data/a.colorized.mkv sha256" in err
    assert files() == before


def test_a_film_is_read_once_for_the_manifest(reels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its digest is known since it was written or validated; one that was changed is read again."""
    read: list[str] = []
    file_digest = tag_files.file_digest

    def digest(file: BinaryIO, algorithm: str) -> object:
        read.append(Path(file.name).name)
        return file_digest(file, algorithm)

    monkeypatch.setattr(tag_files, "file_digest", digest)
    assert run("-q") == 0
    assert read == ["a.colorized.json", "b.colorized.json"]
    write_film(reels / "c.mkv", soft_shot(3, 4))
    seal = bags.Bag.seal

    def change(self: bags.Bag, *arguments: Any) -> bool:
        with Path("out/data/a.colorized.mkv").open("ab") as film:
            film.write(bytes(9))
        return seal(self, *arguments)

    monkeypatch.setattr(bags.Bag, "seal", change)
    read.clear()
    assert run("-q") == 0
    assert read == ["a.colorized.mkv", "c.colorized.json"]
    assert validate().returncode == 0


@pytest.mark.usefixtures("reels")
def test_a_bag_that_lacks_a_file_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Also where all films are there and none is made."""
    assert run("-q") == 0
    Path("out/data/1950/b.colorized.json").unlink()
    assert run("-q") == 1
    assert "out: is not a valid bag (Payload-Oxum validation failed. Expected 4 files and" in (
        capsys.readouterr().err
    )


def test_no_bag_without_all_reels(reels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A reel that fails leaves a folder that is no bag; mended or not named, there is one."""
    (reels / "broken.mkv").write_bytes(b"no film")
    assert run("-q") == 1
    assert "out: no bag is made, as 1 of the reels are missing; " in capsys.readouterr().err
    assert not TAG_FILES & files().keys()
    assert len(files()) == 4
    (reels / "broken.mkv").unlink()
    assert run("-q") == 0
    assert validate().returncode == 0
    (reels / "broken.mkv").write_bytes(b"no film")
    before = files()
    assert run("-q") == 1
    assert files() == before  # nothing was added, and the bag is what it was


@pytest.mark.usefixtures("reels")
def test_a_reel_that_another_run_has_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    """It is no failure, but the bag is left to that run."""
    target = Path("out/data/a.colorized.mkv")
    target.parent.mkdir(parents=True)
    Path("out", NAME).touch()
    with held_elsewhere(target):
        assert run() == 0
        out, err = capsys.readouterr()
        assert "reels/a.mkv: skipped: another run is working on it" in out
        assert "out: no bag is made, as 1 of the reels are missing" in err
    assert not TAG_FILES & files().keys()
    assert run("-q") == 0
    assert validate().returncode == 0


@pytest.mark.usefixtures("reels")
def test_a_stopped_run_leaves_no_bag_and_the_next_makes_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stopped in a film or while the bag is made; nothing half done is taken for a bag."""
    assert run("-q") == 0

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "end_film", stop)
        assert run("-q", "--saturation", 0.5, "--overwrite") == 130
    assert "bagit.txt" not in files()
    assert "Expected bagit.txt does not exist" in validate().stderr
    write_whole = bags.write_whole

    def write_two(path: Path, data: bytes) -> None:
        if path.name.startswith("tagmanifest"):
            raise KeyboardInterrupt
        write_whole(path, data)

    with monkeypatch.context() as patched:
        patched.setattr(bags, "write_whole", write_two)
        assert run("-q", "--saturation", 0.5, "--overwrite") == 130
    assert "bagit.txt" not in files()
    capsys.readouterr()
    assert run("--saturation", 0.5) == 0
    assert capsys.readouterr().out.count("already done") == 2
    assert validate().returncode == 0


def test_an_unfinished_film_of_another_run_is_told(
    reels: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bag would hold its pieces."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "end_film", stop)
        assert run("-q") == 130
    stopped = next(Path("out/data").rglob(".*.work"))
    (name,) = {"a.mkv", "b.mkv"} - {stopped.name[1:].replace(".colorized", "")[: len("a.mkv")]}
    (film,) = reels.rglob(name)
    assert main([str(film), "-o", "out", "--bagit", "-q", *FAST]) == 1
    assert f"out: is not a bag yet, as {stopped} is unfinished" in capsys.readouterr().err
    assert not TAG_FILES & files().keys()


@pytest.mark.usefixtures("reels")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("notes.txt", "out/notes.txt: is in no bag. Name another -o."),
        (
            "bagit.txt",
            "out: holds bagit.txt but no vidcolor-ledger.sqlite, so vidcolor",
        ),
        (
            "data/mine.mkv",
            "out: holds data but no vidcolor-ledger.sqlite, so vidcolor did not make",
        ),
    ],
)
def test_a_folder_of_other_things_is_refused(
    capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    """Before anything is written or moved."""
    Path("out", name).parent.mkdir(parents=True)
    Path("out", name).write_bytes(b"mine")
    assert run() == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err
    assert [p.relative_to("out").as_posix() for p in Path("out").rglob("*.*")] == [name]


@pytest.mark.usefixtures("reels")
def test_other_files_in_the_payload_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """As are films without --bagit in a bag, and a bag of films that were made without."""
    assert run("-q") == 0
    stranger = Path("out/data/a.txt")
    stranger.write_bytes(b"mine")
    assert run() == 1
    assert "out/data/a.txt: was not made by vidcolor; move it out" in capsys.readouterr().err
    stranger.unlink()
    before = files()
    assert main(["reels", "-o", "out", *FAST]) == 1
    assert "out: is a bag. Add to it with --bagit" in capsys.readouterr().err
    assert files() == before
    assert main(["reels/a.mkv", "-o", "out/data/1950/", "--overwrite", *FAST]) == 1
    assert f"out/data/1950: is in the bag {Path('out').absolute()}." in capsys.readouterr().err
    assert main(["reels/a.mkv", "-o", "out/data/other.mkv", *FAST]) == 1
    assert "out/data: is in the bag" in capsys.readouterr().err
    assert files() == before


@pytest.mark.usefixtures("reels")
def test_films_that_were_made_without_a_bag_become_one(capsys: pytest.CaptureFixture[str]) -> None:
    """They are moved, not made again; what is not vidcolor's keeps all where it is."""
    assert main(["reels", "-r", "-o", "out", "-q", *FAST]) == 0
    stranger = Path("out/mine.txt")
    stranger.write_bytes(b"mine")
    assert run() == 1
    assert "out/mine.txt: is in no bag" in capsys.readouterr().err
    assert Path("out/a.colorized.mkv").exists()
    stranger.unlink()
    made = Path("out/a.colorized.mkv").stat()
    assert run() == 0
    assert "already done: out/data/1950/b.colorized.mkv" in capsys.readouterr().out
    assert Path("out/data/a.colorized.mkv").stat().st_mtime_ns == made.st_mtime_ns
    assert validate().returncode == 0


def test_one_reel_is_made_again_in_its_place(reels: Path) -> None:
    """Though it is named without its folder; the bag is valid before and after."""
    assert run("-q") == 0
    again = [str(reels / "1950/b.mkv"), "-o", "out", "--bagit", "-q", "--saturation", "0.5", *FAST]
    before = files()
    assert main(again) == 1  # refused: it was made with other settings
    assert files() == before
    assert main([*again, "--overwrite"]) == 0
    assert files().keys() == before.keys()
    assert files()["data/1950/b.colorized.mkv"] != before["data/1950/b.colorized.mkv"]
    assert validate().returncode == 0


def test_what_succeeded_is_a_bag_that_names_the_rest(reels: Path) -> None:
    """Until that is done."""
    good = (reels / "a.mkv").read_bytes()
    (reels / "a.mkv").write_bytes(b"no film")
    assert run("-q") == 1
    assert not Path("out/bagit.txt").exists()
    assert run("-q", "--bag-what-succeeded") == 1
    assert validate().returncode == 0
    (line,) = [bagit.Bag("out").info["Vidcolor-Missing"]]
    assert line.startswith(f"{(reels / 'a.mkv').absolute()} | ")
    assert "cannot be opened" in line
    (reels / "a.mkv").write_bytes(good)
    assert run("-q") == 0
    assert validate().returncode == 0
    assert "Vidcolor-Missing" not in bagit.Bag("out").info


def test_scans_become_a_bag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The percent sign of their pattern is in no file's name."""
    monkeypatch.chdir(tmp_path)
    write_series(Path("scans/%04d.png"), soft_shot(1, 2))
    assert main(["scans", "--fps", "24", "-o", "out", "--bagit", "-q", *FAST]) == 0
    assert validate().returncode == 0


@pytest.mark.parametrize("name", ["100%25.mkv", "two\u2028lines.mkv", "line\nend.mkv"])
def test_a_name_that_no_manifest_holds_fails_alone(
    reels: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """In one line; the other films are made, and bagged if that is wanted without it."""
    (reels / "a.mkv").rename(reels / name)
    assert run() == 1
    out, err = capsys.readouterr()
    assert "1950/b.colorized.mkv" in out
    (line,) = [line for line in err.splitlines() if line.startswith("vidcolor: reels/")]
    assert line.endswith(
        "a bag's manifest cannot hold this name. Rename it without % and line ends."
    )
    assert "no bag is made, as 1 of the reels are missing" in err
    assert run("-q", "--bag-what-succeeded") == 1
    assert set(bagit.Bag("out").payload_entries()) == {
        "data/1950/b.colorized.json",
        "data/1950/b.colorized.mkv",
    }
    assert validate().returncode == 0
    assert "cannot hold this name" in bagit.Bag("out").info["Vidcolor-Missing"]
    (reels / name).rename(reels / "a.mkv")
    assert run("-q") == 0
    assert validate().returncode == 0
    assert "Vidcolor-Missing" not in bagit.Bag("out").info


def test_a_film_whose_name_no_manifest_holds_stays_outside(
    reels: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """It was made without a bag; renamed, its reel is made again, as it is not in the bag."""
    (reels / "1950/b.mkv").rename(reels / "1950/100%.mkv")
    (reels / "1950/c.mkv").write_bytes((reels / "a.mkv").read_bytes())
    assert main(["reels", "-r", "-o", "out", "-q", *FAST]) == 0
    assert main(["reels", "-o", "out", "--bagit", *FAST]) == 1
    assert "out/1950/100%.colorized.mkv stays outside" in caplog.text
    assert "no bag is made, as 1 of the reels are missing" in capsys.readouterr().err
    assert run("-q", "--bag-what-succeeded") == 1
    assert validate().returncode == 0
    outside = {name for name in files() if not name.startswith("data/")} - TAG_FILES
    assert outside == {"1950/100%.colorized.mkv", "1950/100%.colorized.json"}
    (reels / "1950/100%.mkv").rename(reels / "1950/b.mkv")
    assert run("-q") == 1  # its film is still there
    assert Path("out/data/1950/b.colorized.mkv").exists()
    for name in outside:
        Path("out", name).unlink()
    assert run("-q") == 0
    assert "Vidcolor-Missing" not in bagit.Bag("out").info
    assert validate().returncode == 0


def test_one_film_gets_a_folder(reels: Path) -> None:
    """What -o names is the bag's folder, though it is one film; a dry run makes nothing."""
    assert main([str(reels / "a.mkv"), "-o", "out", "--bagit", "-n", *FAST]) == 0
    assert not Path("out").exists()
    assert main([str(reels / "a.mkv"), "-o", "out", "--bagit", "-q", *FAST]) == 0
    assert validate().returncode == 0
    assert len(bagit.Bag("out").payload_entries()) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("film.mkv --bagit", "--bagit makes a folder of films a bag; name the folder with -o DIR"),
        ("film.mkv -o film.color.MP4 --bagit", "--bagit makes a folder of films a bag; name the"),
        ("film.mkv -o file --bagit", "-o file: is a file; for several films name a folder"),
        ("f.mkv -o out --bagit --dump d --dump-frames 1", "--bagit and --dump cannot be combined"),
    ],
)
def test_bad_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: str, told: str,
) -> None:  # fmt: skip
    """A bag is a folder: one line and exit code 2."""
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(SystemExit, match="2"):
        main(arguments.split())
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.usefixtures("reels")
def test_a_reel_that_another_run_took_first_is_asked_about_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of runs that each took a reel from the other, the one that ends last makes the bag."""
    taken: list[Path] = []

    def colorize(film: FilmRun) -> Result:
        path = film.job.source.path
        if path.name == "b.mkv" and not taken:
            taken.append(path)
            raise ReelTakenError("between a look and its beginning")
        return colorize_job(film)

    monkeypatch.setattr("vidcolor.reels.batch.colorize_job", colorize)
    assert run("-q") == 0
    assert taken
    assert validate().returncode == 0
    assert {entry.state for entry in read_ledger(Path("out"))} == {"done"}


@pytest.mark.slow
@pytest.mark.usefixtures("reels")
def test_two_runs_make_one_bag() -> None:
    """Started at once, they share the reels; when both have ended the bag is valid."""
    command = ["reels", "-r", "-o", "out", "--bagit", *FAST]
    runs = [start_program(Path(name), command) for name in ("one", "other")]
    ends = [one.end() for one in runs]
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert validate().returncode == 0
    assert {entry.state for entry in read_ledger(Path("out"))} == {"done"}


@pytest.mark.usefixtures("reels")
def test_work_left_at_the_very_end_is_no_part_of_the_bag() -> None:
    """A film that is done has no unfinished piece; one that a run still holds is waited for."""
    assert run("-q") == 0
    Path("out/bagit.txt").unlink()
    bag = bags.Bag(Path("out"))
    with Ledger(Path("out")) as ledger:
        with Checkpoint(Path("out/data/a.colorized.mkv"), {}):
            assert not bag.seal(ledger)
        assert "bagit.txt" not in files()
        Path("out/data/.a.colorized.mkv.work").touch()
        assert bag.seal(ledger)
    assert validate().returncode == 0


@pytest.mark.usefixtures("reels")
def test_the_ledger_may_change_without_the_bag() -> None:
    """What a later run writes there is in no manifest."""
    assert run("-q") == 0
    with sqlite3.connect(Path("out", NAME)) as database:
        database.execute("UPDATE reels SET seconds = 1")
    database.close()
    assert validate().returncode == 0
