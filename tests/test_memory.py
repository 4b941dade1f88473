"""Too little memory is told as that, before the work where it can be known, and saved where not."""

import subprocess
import sys
from pathlib import Path

import pytest
from clips import soft_shot, write_film

from vidcolor import memory
from vidcolor.cli.main import main
from vidcolor.errors import OutputError, VidcolorError
from vidcolor.models.predict import SMALLEST_CPU_BATCH
from vidcolor.models.zoo import Model
from vidcolor.reels import batch
from vidcolor.reels.failures import explain

GIGABYTE = 10**9


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no address space")
@pytest.mark.parametrize("kibibytes", [800_000, 1_500_000])
def test_a_small_address_space_is_told_first(tmp_path: Path, kibibytes: int) -> None:
    """One line, before any library fails in words of its own; nothing is left."""
    film = tmp_path / "film.mkv"
    film.write_bytes(b"x")
    command = f"ulimit -v {kibibytes}; exec {sys.executable} -m vidcolor {film}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    gigabytes = kibibytes * 1024 / GIGABYTE
    assert line.startswith(
        f"vidcolor: too little memory: this process may use {gigabytes:.1f} GB (address space"
    )
    assert list(tmp_path.iterdir()) == [film]


@pytest.mark.quick
def test_limits_of_control_groups_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beyond them the system kills without a word, so that the smallest counts."""
    monkeypatch.setattr(memory, "address_space", lambda: None)
    for limits, is_enough in (([], True), ([GIGABYTE], True), ([GIGABYTE, GIGABYTE // 2], False)):
        monkeypatch.setattr(memory, "_group_limits", lambda found=limits: iter(found))
        if is_enough:
            memory.prepare_memory()
        else:
            with pytest.raises(VidcolorError, match=r"0\.5 GB \(memory\.max of its control group"):
                memory.prepare_memory()


@pytest.mark.quick
@pytest.mark.parametrize(
    "cause",
    [
        MemoryError(),
        RuntimeError("std::bad_alloc"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("can't start new thread"),
        ImportError("libx.so: failed to map segment from shared object"),
    ],
)
def test_lack_of_memory_is_told_as_such(tmp_path: Path, cause: Exception) -> None:
    """Also behind an error that names another remedy."""
    error = OutputError("film.mkv: libx264 in mp4 failed; try another --codec or -o")
    error.__cause__ = cause
    for one in (cause, error):
        told = str(explain(one, Path("film.mkv"), tmp_path))
        assert told.startswith("film.mkv: not enough memory.")
        assert "--codec" not in told
    assert list(tmp_path.iterdir()) == []


def test_the_next_reel_takes_less_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Smaller batches by one thread; its film is the same."""
    for name in "ab":
        (tmp_path / "in").mkdir(exist_ok=True)
        write_film(tmp_path / "in" / f"{name}.mkv", soft_shot(1, 6))
    options = ["--device", "cpu", "--render-size", "64", "-q", "-o"]
    assert main([str(tmp_path / "in"), *options, str(tmp_path / "before/")]) == 0
    colorize_job, used = batch.colorize_job, list[Model]()

    def lack(run: object) -> object:
        used.append(run.model)
        if len(used) == 1:
            raise MemoryError
        return colorize_job(run)

    monkeypatch.setattr(batch, "colorize_job", lack)
    assert main([str(tmp_path / "in"), *options, str(tmp_path / "out/")]) == 1
    assert "a.mkv: not enough memory." in capsys.readouterr().err
    assert (used[1].threads, used[1].batch_limit.pictures) == (1, SMALLEST_CPU_BATCH)
    made, before = (tmp_path / place / "b.colorized.mkv" for place in ("out", "before"))
    assert made.read_bytes() == before.read_bytes()
