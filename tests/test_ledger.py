import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from clips import held_elsewhere, soft_shot, write_film
from forking import start_program

from vidcolor.cli.main import main
from vidcolor.errors import LedgerError, OutputError, SourceError
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.reels import ledger as ledgers
from vidcolor.reels.ledger import NAME, Ledger, read_ledger

FAST = ["--device", "cpu", "--render-size", "64"]


FRAMES = 9


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three small reels of two shots each, and `out`, what they come to."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "reels").mkdir()
    for number in range(3):
        frames = soft_shot(10 + number, 5) + soft_shot(20 + number, FRAMES - 5)
        write_film(folder / "reels" / f"{number}.mkv", frames)
    assert main([str(folder / "reels"), "-o", str(folder / "out"), *FAST, "-q"]) == 0
    return folder


@pytest.fixture
def reels(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reels, in the working folder."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(made / "reels", tmp_path / "reels"))


@pytest.fixture
def done(made: Path, reels: Path) -> Path:
    """The reels beside their films, which another run has made."""
    shutil.copytree(made / "out", "out")
    return reels


def run(*arguments: object) -> int:
    """Colorize the reels into one folder."""
    return main(["reels", "-o", "out", *FAST, *map(str, arguments)])


def outputs() -> dict[str, tuple[int, bytes]]:
    """Time and bytes of every film in the output folder."""
    return {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in Path("out").glob("*.mkv")}


@pytest.mark.usefixtures("reels")
def test_what_is_done_is_not_done_again(capsys: pytest.CaptureFixture[str]) -> None:
    """The same command again leaves all films as they are, says so and succeeds."""
    assert run("-q") == 0
    before = outputs()
    assert len(before) == 3
    assert run() == 0
    assert outputs() == before
    out = capsys.readouterr().out.splitlines()
    assert out == [f"reels/{n}.mkv: already done: out/{n}.colorized.mkv" for n in range(3)]
    assert main(["reels", *FAST, "-q"]) == 0  # elsewhere they are not


def test_a_reel_is_known_by_its_content(reels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under another name it is the same reel; other content under an old name is not."""
    assert run("-q") == 0
    (reels / "0.mkv").rename(reels / "renamed.mkv")
    shutil.copy(reels / "2.mkv", reels / "copy.mkv")
    (reels / "1.mkv").unlink()
    write_film(reels / "1.mkv", soft_shot(7, 5))
    assert run() == 1
    out, err = capsys.readouterr()
    assert "reels/renamed.mkv: already done: out/0.colorized.mkv" in out
    assert "reels/copy.mkv: already done: out/2.colorized.mkv" in out
    assert "out/1.colorized.mkv: exists already, made with other settings (film " in err
    assert len(outputs()) == 3


@pytest.mark.usefixtures("done")
def test_other_settings_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Films made otherwise are not taken for done, and are not overwritten without leave."""
    before = outputs()
    assert run("--saturation", 0.5) == 1
    told = "exists already, made with other settings (saturation 1.0, now 0.5)"
    remedy = "use --overwrite or another -o"
    assert (
        f"vidcolor: out/0.colorized.mkv: {told}; {remedy}" in capsys.readouterr().err.splitlines()
    )
    assert outputs() == before
    assert run("--saturation", 0.5, "--overwrite", "-q") == 0
    assert outputs() != before
    assert run("--saturation", 0.5) == 0
    assert "already done" in capsys.readouterr().out


@pytest.mark.usefixtures("done")
def test_a_film_that_is_gone_or_changed_is_not_done() -> None:
    """The ledger is not believed where the film does not stand as it was left."""
    before = outputs()
    for path in Path("out").glob("0.*"):
        path.unlink()
    assert run("-q") == 0
    assert {name: data for name, (_, data) in outputs().items()} == {
        name: data for name, (_, data) in before.items()
    }
    Path("out/1.colorized.mkv").write_bytes(b"hurt")
    assert run("-q") == 1


@pytest.mark.usefixtures("reels")
def test_content_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as size and time of a reel stay, its checksum is not made again."""
    assert run("-q") == 0
    monkeypatch.setattr(
        ledgers, "digest_source", lambda files, _: pytest.fail(f"{files} read again")
    )
    assert run("-q") == 0


def test_status_tells_of_every_reel(
    reels: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Done, failed with the reason, stopped with what is whole, waiting."""
    (reels / "1.mkv").write_bytes(b"no film")
    end_shot, calls = Checkpoint.end_shot, []

    def stop(self: Checkpoint, *told: int) -> None:
        end_shot(self, *told)
        calls.append(told)
        if len(calls) == 3:  # the first of the last reel's
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "end_shot", stop)
        assert run("-q") == 130
    write_film(reels / "3.mkv", soft_shot(3, 4))
    with Ledger(Path("out")) as ledger:
        ledger.expect([reels / "3.mkv"])
    capsys.readouterr()
    assert main(["--status", "out"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == "out: 4 reels: 1 done, 1 failed, 1 stopped, 1 waiting"
    assert lines[0].split() == [
        "done", "2", "shots", str(FRAMES), "frames", f"{reels}/0.mkv", "->", "out/0.colorized.mkv"
    ]  # fmt: skip
    assert lines[1].split()[:2] == ["failed", f"{reels}/1.mkv:"]
    assert "reels/1.mkv: cannot be opened as a video" in lines[1]
    assert lines[2].split()[0] == "stopped"
    assert lines[3].split() == ["waiting", f"{reels}/3.mkv"]
    (reels / "1.mkv").unlink()
    assert run("-q") == 0
    states = {entry.path.name: (entry.state, entry.shots) for entry in read_ledger(Path("out"))}
    assert states == {
        "0.mkv": ("done", 2), "1.mkv": ("failed", 0), "2.mkv": ("done", 2), "3.mkv": ("done", 1)
    }  # fmt: skip


def test_status_needs_a_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without one is told; with films it is bad usage."""
    assert main(["--status", str(tmp_path)]) == 1
    assert "holds no vidcolor-ledger.sqlite; name the output folder" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["film.mkv", "--status", str(tmp_path)])
    with pytest.raises(SourceError, match="holds no"):
        read_ledger(tmp_path / "nowhere")


@pytest.mark.usefixtures("reels")
def test_a_reel_in_work_elsewhere_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    """Another run's reel is no failure, and its state is told as what it is."""
    Path("out").mkdir()
    target = Path("out/1.colorized.mkv")
    with held_elsewhere(target):
        assert run() == 0
        assert "reels/1.mkv: skipped: another run is working on it" in capsys.readouterr().out
        assert set(outputs()) == {"0.colorized.mkv", "2.colorized.mkv"}
    assert run("-q") == 0
    assert len(outputs()) == 3


def test_runs_may_open_a_new_ledger_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where two change how a new file is kept, SQLite turns one away at once: it asks again."""
    begin, busy = Ledger._begin, sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    met: list[Exception] = [busy]

    def meet(ledger: Ledger) -> None:
        if met:
            raise met.pop()
        begin(ledger)

    monkeypatch.setattr(Ledger, "_begin", meet)
    with Ledger(tmp_path) as ledger:
        ledger.expect([Path("reel.mkv")])
    assert [entry.path.name for entry in read_ledger(tmp_path)] == ["reel.mkv"]


@pytest.mark.slow
@pytest.mark.usefixtures("reels")
def test_two_runs_share_the_reels() -> None:
    """Started at once on one folder, each reel is done once and as one run would do it."""
    assert main(["reels", "-o", "alone", *FAST, "-q"]) == 0
    command = ["reels", "-o", "out", *FAST]
    runs = [start_program(Path(name), command) for name in ("one", "other")]
    ends = [one.end() for one in runs]
    assert [code for code, _, _ in ends] == [0, 0]
    told = [line for _, out, _ in ends for line in out.splitlines()]
    assert sum(" frames, 2 shots" in line for line in told) == 3
    assert {path.name for path in Path("out").iterdir()} == {
        NAME, *(f"{n}.colorized.{suffix}" for n in range(3) for suffix in ("mkv", "json"))
    }  # fmt: skip
    for path in Path("alone").glob("*.mkv"):
        assert (Path("out") / path.name).read_bytes() == path.read_bytes()


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("option", ["--verify", "--framemd5"])
def test_what_was_not_verified_is_not_done_for_who_asks(
    capsys: pytest.CaptureFixture[str], option: str
) -> None:
    """Asked for proof, a film without one is not passed over; one with more than asked is done."""
    films = {name: film for name, film in outputs().items() if name.endswith(".mkv")}
    assert run(option) == 0
    assert "already done: out/0.colorized.mkv; verified: " in capsys.readouterr().out
    before = outputs()
    assert films.items() <= before.items()
    assert run(option, "-q") == run("-q") == 0
    assert outputs() == before


@pytest.mark.usefixtures("reels")
def test_a_run_killed_at_its_very_end_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Done by the ledger's word, the work that was not deleted any more is, by the next run."""

    def die(_: Checkpoint) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "remove", die)
        assert run("-q") == 130
    assert Path("out/.0.colorized.mkv.work").exists()
    assert run("-q") == 0
    assert not list(Path("out").glob(".*"))
    assert len(outputs()) == 3


@pytest.mark.usefixtures("done")
def test_a_ledger_of_a_newer_program_is_refused() -> None:
    """What it says may mean something else by then."""
    with sqlite3.connect(Path("out", NAME)) as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(OutputError, match=r"newer vidcolor \(ledger 7, this one knows 1\); use"):
        Ledger(Path("out"))


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\0" + b"?" * 999]
)
@pytest.mark.usefixtures("reels")
def test_a_damaged_ledger_is_told(capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    """In one line, before anything is done; nothing is overwritten."""
    Path("out").mkdir()
    Path("out", NAME).write_bytes(content)
    assert run() == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "vidcolor-ledger.sqlite: is " in err
    assert "move it away and run again" in err
    assert Path("out", NAME).read_bytes() == content


@pytest.mark.usefixtures("done")
def test_a_locked_ledger_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that does not let go of it is not waited for forever."""
    monkeypatch.setattr(ledgers, "WAIT_SECONDS", 0.1)
    holder = sqlite3.connect(Path("out", NAME), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OutputError, match=r"is locked by another program; close that and run"):
        Ledger(Path("out"))
    holder.close()


@pytest.mark.usefixtures("reels")
def test_a_ledger_that_fails_in_mid_film_costs_no_shot(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is done of the film is kept; with the ledger back it is gone on with."""
    add_shot = Ledger.add_shot

    def fail(self: Ledger, path: Path, number: int, frames: int) -> None:
        if number == 1:
            raise LedgerError("is locked by another program")
        add_shot(self, path, number, frames)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "add_shot", fail)
        assert run("-q") == 1
    assert Path("out/.0.colorized.mkv.work").exists()
    capsys.readouterr()
    assert run() == 0
    assert len(outputs()) == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.usefixtures("reels")
def test_a_folder_that_may_not_be_written_is_told() -> None:
    """Before anything is done."""
    Path("out").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="choose another folder"):
        Ledger(Path("out"))


@pytest.mark.usefixtures("reels")
def test_a_dry_run_leaves_no_ledger(capsys: pytest.CaptureFixture[str]) -> None:
    """It only reads one that is there, and knows what is done."""
    assert run("-n") == 0
    assert not Path("out").exists()
    assert run("-q") == 0
    capsys.readouterr()
    assert run("-n") == 0
    assert capsys.readouterr().out.count("already done") == 3


def test_a_refusal_is_no_state_of_a_film(
    reels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is a source that is away: what is whole stays done, and the first command finds it."""
    assert run("-q") == 0
    assert run("-q", "--saturation", "0.5") == 1
    away = reels / "0.mkv"
    away.rename(tmp_path / "away.mkv")
    assert main([str(away), "-o", "out/", "-q"]) == 1
    (tmp_path / "away.mkv").rename(away)
    assert {entry.state for entry in read_ledger(Path("out"))} == {"done"}
    assert run("-q") == 0
    before = outputs()
    capsys.readouterr()
    assert run("--verify") == 0
    assert "already done" in (told := capsys.readouterr().out)
    assert "verified: " in told
    assert {name: film for name, film in outputs().items() if name.endswith(".mkv")} == {
        name: film for name, film in before.items() if name.endswith(".mkv")
    }
    assert '"verification": {' in Path("out/0.colorized.json").read_text(encoding="utf-8")


REFUSALS: dict[str, tuple[list[str], int]] = {
    "other settings": (["--saturation", "0.5"], 1),
    "a start behind the end": (["--start", "1:00:00"], 1),
    "a codec that is none": (["--codec", "nonesuch"], 1),
    "a pixel format that is shallower": (["--pixel-format", "rgb24"], 1),
    "weights that are away": (["--model", "away.safetensors"], 1),
    "a color script that is away": (["--color-script", "away.toml"], 1),
    "a certificate that is away": (["--c2pa-certificate", "a.pem", "--c2pa-key", "b.pem"], 1),
    "a reference that is away": (["--reference", "away.png"], 1),
    "options that exclude each other": (["--lossless", "--crf", "3"], 2),
    "a value out of range": (["--saturation", "9"], 2),
}


def test_status_is_right_after_each_kind_of_refusal(
    reels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a run was refused for says nothing of films that are whole; so with sources away."""
    shutil.copy(reels / "0.mkv", "kept.mkv")

    def run_one(*options: str) -> int:
        return main(["reels/0.mkv", "-o", "out/", "-q", *FAST, *options])

    def states() -> list[tuple[str, str, int]]:
        return [(one.state, one.error, one.frames) for one in read_ledger(Path("out"))]

    assert run_one() == 0
    done = [("done", "", FRAMES)]
    assert states() == done
    for name, (options, code) in REFUSALS.items():
        try:
            found = run_one(*options)
        except SystemExit as ended:
            found = ended.code
        assert (name, found, states()) == (name, code, done)
    for damage in (
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("x"),
    ):
        damage(reels / "0.mkv")
        assert run_one() == 1
        assert states() == done
    shutil.copy("kept.mkv", reels / "0.mkv")
    with held_elsewhere(Path("out/0.colorized.mkv")):
        assert run_one("--saturation", "0.5") == 1
    assert states() == done
    capsys.readouterr()
    assert main(["--status", "out"]) == 0
    assert capsys.readouterr().out.startswith("out: 1 reels: 1 done")
    assert run_one() == 0
    assert states() == done


@pytest.mark.usefixtures("done")
def test_a_deleted_sidecar_is_written_again() -> None:
    """With the film, which is the same."""
    film = Path("out/0.colorized.mkv").read_bytes()
    Path("out/0.colorized.json").unlink()
    assert run("-q") == 0
    assert Path("out/0.colorized.json").exists()
    assert Path("out/0.colorized.mkv").read_bytes() == film


@pytest.mark.usefixtures("done")
def test_a_read_only_archive_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """`--status` and `-n` read a ledger beside which SQLite may write nothing."""
    data = Path("out", NAME).read_bytes()
    Path("out", f"{NAME}-shm").mkdir()  # holds for root as well, whom permissions do not stop
    assert main(["--status", "out"]) == 0
    assert "3 reels: 3 done" in capsys.readouterr().out
    assert run("-n") == 0
    assert "already done: out/2.colorized.mkv" in capsys.readouterr().out
    assert run("-q") == 1
    assert "may not be written to" in capsys.readouterr().err
    assert Path("out", NAME).read_bytes() == data


@pytest.mark.usefixtures("reels")
def test_a_dry_run_writes_no_ledger() -> None:
    """Nor anything else, also where the output folder exists."""
    Path("out").mkdir()
    assert run("-n") == 0
    assert list(Path("out").iterdir()) == []
