import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_runs import QUICK, film, run
from clips import SAMPLE

from vidcolor.cli.main import KEPT

pytestmark = pytest.mark.usefixtures("quiet_surroundings")

WAIT_SECONDS = 60


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 129, "terminated"),
        (signal.SIGINT, 130, "interrupted"),
    ],
)
def test_a_signal_is_told_as_shells_do(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    code: int,
    told: str,
) -> None:
    """The exit code of a stopped run is 128 and the signal's number, and one line says so."""
    monkeypatch.setattr("vidcolor.reels.batch.colorize_job", lambda *_: signal.raise_signal(number))
    # Whoever starts the tests may have these signals ignored, as nohup does.
    usual = signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)
    film()
    try:
        assert run("film.mkv") == code
    finally:
        signal.signal(number, before)
    assert capsys.readouterr().err == f"vidcolor: {told}; {KEPT}\n"


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        (signal.SIGTERM, 143, f"vidcolor: terminated; {KEPT}\n"),
        (signal.SIGINT, 130, f"vidcolor: interrupted; {KEPT}\n"),
    ],
)
def test_a_signal_in_the_middle_leaves_nothing(
    tmp_path: Path, number: signal.Signals, code: int, told: str
) -> None:
    """Stopped while it writes, the program says so and leaves nothing, as no shot is whole."""
    # A shell may have told its children to ignore SIGINT.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from vidcolor.cli.main import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", program, SAMPLE, "-o", "out.mkv", "--lossless"]
    command += ["--render-size", "512", "--batch-size", "1"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as running:
        deadline = time.monotonic() + WAIT_SECONDS
        while not (tmp_path / ".out.mkv.work").exists():
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.5)  # on to the first frames
        running.send_signal(number)
        _, err = running.communicate(timeout=WAIT_SECONDS)
    assert (running.returncode, err.decode()) == (code, told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) == 1,
    reason="it takes a Linux machine of two cores or more",
)
@pytest.mark.parametrize("codec", ["libx264", "ffv1"])
def test_the_bytes_do_not_depend_on_the_number_of_cores(tmp_path: Path, codec: str) -> None:
    """A film from one machine goes with that from another."""
    program = (
        "import os, sys\n"
        "os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv.pop())])\n"
        "from vidcolor.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    written = []
    for cores in ("1", "2"):
        written_to = tmp_path / f"{cores}.mkv"
        arguments = [
            SAMPLE,
            "--duration",
            "1",
            "--codec",
            codec,
            "-q",
            "-o",
            written_to,
            *QUICK,
            cores,
        ]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", program, *arguments], check=True, env=environment)
        written.append(written_to.read_bytes())
    assert written[0] == written[1]
