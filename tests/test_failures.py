"""A reel that fails for whatever reason costs no other reel."""

import os
from pathlib import Path

import pytest
from clips import moving_luma, write_film

import vidcolor.reels.batch
from vidcolor.cli.main import main
from vidcolor.errors import OutputError, SourceError, UnexpectedError
from vidcolor.reels.failures import explain
from vidcolor.reels.ledger import read_ledger

SMALL = ("--render-size", "64", "-q")


def fault() -> Exception:
    """An error as nobody foresaw it, with where it came from."""
    try:
        int("9" * 400 + "x")
    except ValueError as error:
        return OverflowError(f"too large: {error}")
    raise AssertionError


def test_what_is_foreseen_stays_as_it_is(tmp_path: Path) -> None:
    """No report is written."""
    error = SourceError("reel: is empty")
    assert explain(error, Path("reel"), tmp_path) is error
    assert not list(tmp_path.iterdir())


def test_the_rest_becomes_a_line_and_a_report(tmp_path: Path) -> None:
    """The report holds what is needed to mend it."""
    source = Path(os.fsdecode(b"reel\xff\n1.mkv"))
    error = explain(fault(), source, tmp_path)
    assert isinstance(error, UnexpectedError)
    (report,) = tmp_path.iterdir()
    assert report.name == "vidcolor-report-reel__1.mkv.txt"
    assert str(report) in str(error)
    text = report.read_text(encoding="utf-8")
    assert "OverflowError" in text
    assert r"reel\xff\n1.mkv" in text


@pytest.mark.quick
def test_an_error_that_is_its_own_cause_ends(tmp_path: Path) -> None:
    """As `raise error from error` makes it."""
    error = OutputError("film.mkv: verification failed")
    error.__cause__ = error
    assert explain(error, Path("film.mkv"), tmp_path) is error


def test_memory_is_named(tmp_path: Path) -> None:
    """Also where a library says it in other words."""
    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 7")):
        found = explain(error, Path("reel"), tmp_path)
        assert "reel: not enough memory" in str(found)
        assert not isinstance(found, UnexpectedError)


@pytest.mark.parametrize("stage", ["plan_video", "colorize_job"])
def test_a_batch_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stage: str,
) -> None:
    """Exit code 1, one line, the others made, the ledger right."""
    for index, name in enumerate("abc"):
        write_film(tmp_path / f"{name}.mkv", moving_luma(2, seed=index))
    real = getattr(vidcolor.reels.batch, stage)

    def fail_at_b(first: object, *rest: object, **named: object) -> object:
        path = first if isinstance(first, Path) else first.job.source.path
        if path.name == "b.mkv":
            raise OverflowError("Python int too large to convert to C int")
        return real(first, *rest, **named)

    monkeypatch.setattr(vidcolor.reels.batch, stage, fail_at_b)
    output = tmp_path / "out"
    assert main([str(tmp_path), "-o", f"{output}/", *SMALL]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "b.mkv: failed unexpectedly (OverflowError: Python int" in line
    assert [entry.state for entry in read_ledger(output)] == ["done", "failed", "done"]
    assert {path.name for path in output.iterdir()} == {
        "a.colorized.mkv", "a.colorized.json", "c.colorized.mkv", "c.colorized.json",
        "vidcolor-ledger.sqlite", "vidcolor-report-b.mkv.txt",
    }  # fmt: skip


def test_a_missing_library_is_no_matter_of_one_reel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All reels need it."""
    film = write_film(tmp_path / "a.mkv", moving_luma(2))

    def fail(*_: object, **__: object) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(vidcolor.reels.batch, "plan_video", fail)
    assert main([str(film), *SMALL]) == 1
    assert not list(tmp_path.glob("vidcolor-report-*"))


NAMES = {
    "latin1": b"Z\xfcrich 1931.mkv",
    "240 bytes": b"n" * 236 + b".mkv",
    "two lines": b"reel\n2.mkv",
    "escape": b"reel \x1b[31mred\x07.mkv",
    "colon": b"file:reel.mkv",
    "percent": b"100%d reel %04d.mkv",
    "right to left": "reel\u202egnp.mkv".encode(),
}


def test_names_that_are_legal_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Films named by any bytes are made; one whose result's name is too long is one line."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for index, name in enumerate([*NAMES.values(), b"\xfc" + b"n" * 250 + b".mkv"]):
        made = write_film(tmp_path / "made.mkv", moving_luma(2, seed=index))
        os.rename(made, os.path.join(b"in", name))  # noqa: PTH104, PTH118 - names as bytes
    assert main(["in", "-o", "out/", *SMALL]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "the name is too long (265 bytes, at most 255). Name a shorter file with -o." in line
    films = {os.fsencode(path.name) for path in Path("out").glob("*.mkv")}
    assert films == {name[:-4] + b".colorized.mkv" for name in NAMES.values()}
    entries = read_ledger(Path("out"))
    assert sorted(entry.state for entry in entries) == ["done"] * len(NAMES) + ["failed"]
    assert {os.fsencode(entry.path.name) for entry in entries} >= set(NAMES.values())
    assert main(["in", "-o", "out/", *SMALL]) == 1
    assert {os.fsencode(path.name) for path in Path("out").glob("*.mkv")} == films
    assert main(["--status", "out"]) == 0
    told = capsys.readouterr().out
    assert r"Z\xfcrich 1931.mkv -> out/Z\xfcrich" in told
    assert rf"\xfc{'n' * 250}.colorized.mkv: the name is too long" in told
