import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from clips import SAMPLE, moving_luma, write_film

from vidcolor.cli.command_line import read_request
from vidcolor.cli.main import KEPT, main
from vidcolor.cli.parse import parse_time
from vidcolor.cli.request import Request
from vidcolor.files import WRITTEN_SUFFIXES
from vidcolor.models import zoo
from vidcolor.reels.ledger import NAME
from vidcolor.settings import ClusterSettings, InputSettings, Settings
from vidcolor.writing.encoding import CONTAINER_BY_SUFFIX

QUICK = ["--device", "cpu", "--render-size", "64"]
WAIT_SECONDS = 60
load_once = cache(zoo.load_model)


@pytest.fixture(autouse=True)
def quiet_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Load the model once, work in an empty folder, and give signals back as they were."""
    monkeypatch.setattr(zoo, "load_model", load_once)
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def film(name: str = "film.mkv", frames: int = 3, codec: str = "ffv1") -> Path:
    """A short black-and-white film in the working folder; nothing moves in it."""
    return write_film(Path(name), moving_luma(1, 64, 48) * frames, codec=codec)


def color_film(name: str = "color.mkv") -> Path:
    """A short film with two hues."""
    red = np.full((24, 32), 90, np.uint8)
    red[:, 16:] = 170
    chroma = red, red[:, ::-1]
    return write_film(Path(name), [(luma, *chroma) for luma in moving_luma(6, 64, 48)])


def names() -> set[str]:
    """What lies in the working folder, hidden files and folders' contents as well."""
    return {str(path) for path in Path().rglob("*")}


def run(*arguments: str | Path) -> int:
    """The exit code of the program in this process."""
    return main([*map(str, arguments), *QUICK])


@pytest.fixture
def faulty() -> None:
    """Inputs and outputs that will not do."""
    Path("folder", "text").mkdir(parents=True)
    Path("folder", "text", "mine").touch()
    Path("text.mp4").write_text("words " * 99)
    Path("empty.mp4").touch()
    Path("exists.mkv").write_bytes(b"mine")
    subprocess.run([sys.executable, "-c", MAKE_SOUND], check=True)
    film()
    color_film()


MAKE_SOUND = """
import av, numpy
with av.open("sound.m4a", "w") as output:
    stream = output.add_stream("aac", rate=48000, layout="mono")
    frame = av.AudioFrame.from_ndarray(numpy.zeros((1, 4800), numpy.float32), "fltp", "mono")
    frame.sample_rate = 48000
    output.mux([*stream.encode(frame), *stream.encode(None)])
"""


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("missing.mp4", "missing.mp4: no such file"),
        ("folder", "folder: holds no film; name a film, or look deeper with --recursive"),
        ("text.mp4", "text.mp4: cannot be opened as a video"),
        ("empty.mp4", "empty.mp4: is empty (zero bytes)"),
        ("sound.m4a", "sound.m4a: holds no picture"),
        ("color.mkv", "color.mkv: is in color already; --force"),
        ("film.mkv --fps 18", "film.mkv: is no series of pictures and has a rate; leave --fps"),
        ("%03d.dpx --fps 18", "%03d.dpx: no such pictures; a folder may be named"),
        ("film.mkv -o nowhere/out.mkv", "nowhere: no such folder"),
        ("film.mkv -o exists.mkv", "exists.mkv: exists already; use --overwrite"),
        ("film.mkv -o film.mkv", "film.mkv: is the input itself"),
        ("film.mkv -o film.mkv --overwrite", "film.mkv: is the input itself"),
        ("film.mkv -o ./folder/../film.mkv --overwrite", "is the input itself"),
        ("film.mkv -o out.gif", "out.gif: unknown kind of file"),
        ("film.mkv -o exists.mkv/out.mkv", "exists.mkv: no such folder"),
        ("film.mkv -o exists.mkv/", None),
        ("film.mkv --codec nonsense", "nonsense: no such video encoder"),
        ("film.mkv --codec ffv1 --crf 20", "ffv1 has no --crf"),
        ("film.mkv --pixel-format nonsense", "libx264 has no planar Y'CbCr format nonsense"),
        ("film.mkv --preset nonsense", "nonsense: no preset"),
        ("film.mkv --model nonsense", "nonsense: no such model; known are lite"),
        ("film.mkv --model text.mp4", "text.mp4: "),
        ("film.mkv --model missing.safetensors", "missing.safetensors: "),
        ("film.mkv --device nonsense", "nonsense: not a device"),
        ("film.mkv --start 99", "film.mkv: ends before 99 s; start earlier"),
        ("film.mkv --dump d --dump-frames 99", "film.mkv: --dump-frames 99 lies beyond its end"),
        ("film.mkv --dump folder/text --dump-frames 1", "text: exists and is no dump; name a new"),
        ("film.mkv --dump empty.mp4 --dump-frames 1", "empty.mp4: exists and is no dump"),
        ("--plot missing.json", "missing.json: no such file; name the film.colorized.json beside"),
        ("--plot film.mkv", "film.mkv: is no sidecar of vidcolor; name the film.colorized.json"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_1(
    capsys: pytest.CaptureFixture[str], arguments: str, told: str | None
) -> None:
    """A failure names the file and the fault in one line on stderr, and writes nothing."""
    before = names()
    if told is None:
        with pytest.raises(SystemExit, match="2"):
            main(arguments.split())
        return
    assert main(["--device", "cpu", "--render-size", "64", *arguments.split()]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("vidcolor: ")
    assert told in err
    assert err.count("\n") == 1
    assert names() == before
    assert Path("exists.mkv").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("", "name a film to colorize"),
        ("film.mkv --nonsense", "unrecognized arguments: --nonsense"),
        ("%03d.dpx --fps 0", "'0' is no frame rate; write 18, 23.976 or 24000/1001"),
        ("%03d.dpx --fps -3", "'-3' is no frame rate"),
        ("%03d.dpx --fps abc", "'abc' is no frame rate"),
        ("%03d.dpx --fps 1e9", "'1e9' is no frame rate"),
        ("%03d.dpx --gaps fill", "invalid choice: 'fill'"),
        ("film.mkv --start noon", "'noon' is no time; write seconds or HH:MM:SS.fff"),
        ("film.mkv --start -5", "'-5' is no time"),
        ("film.mkv --start=-5", "'-5' is no time"),
        ("film.mkv --duration 1:-2", "'1:-2' is no time"),
        ("film.mkv --duration nan", "'nan' is no time"),
        ("film.mkv --start inf", "'inf' is no time"),
        ("film.mkv --start 1/0", "'1/0' is no time"),
        ("film.mkv --vividness 9", "'9' is no number from 0 to 3"),
        ("film.mkv --saturation nan", "'nan' is no number from 0 to 3"),
        ("film.mkv --smoothing 1", "'1' is no number from 0 to 0.999"),
        ("film.mkv --every 0", "'0' is no number from 1 to 100"),
        ("film.mkv --every often", "'often' is no number from 1 to 100"),
        ("film.mkv --every 1.5", "'1.5' is no whole number"),
        ("film.mkv --render-size 0", "'0' is no number from 64 to 2048"),
        ("film.mkv --batch-size 1.5", "'1.5' is no whole number"),
        ("film.mkv --chroma 421", "invalid choice: '421'"),
        ("a.mkv b.mkv -o one.mkv", "is a file; for several films name a folder"),
        ("a.mkv -o one.mkv/", "is a file; for several films name a folder"),
        ("film.mkv --dump d", "--dump needs --dump-frames LIST"),
        ("film.mkv --dump-frames 3", "--dump-frames needs --dump DIR"),
        ("a.mkv b.mkv --dump d --dump-frames 3", "--dump takes one film at a time"),
        ("film.mkv --dump d --dump-frames 9-7", "'9-7' ends before it begins"),
        ("film.mkv --dump d --dump-frames abc", "'abc' is no frame; write 1734, 57.8s, 1:30.5"),
        ("film.mkv --dump d --dump-frames 3 --dump-stages x", "'x' is no stage; there are luma"),
        ("film.mkv --dump d --dump-frames 3 --dump-top-k 0", "'0' is no number from 1 to 313"),
        ("film.mkv --plot a.json", "--plot and FILM cannot be combined; leave one out"),
        ("film.mkv --engine ray --dump d --dump-frames 3", "--dump and --engine ray cannot be"),
        ("film.mkv --task-cpus 2", "--task-cpus needs --engine ray"),
        ("film.mkv --transfer welsh", "--transfer needs --reference PICTURE"),
        ("film.mkv --reference r.png --model small", "--reference and --model cannot be combined"),
    ],
)
def test_bad_usage_is_exit_2(capsys: pytest.CaptureFixture[str], arguments: str, told: str) -> None:
    """A wrong command line is told with the usage, before anything is looked at."""
    Path("one.mkv").touch()
    with pytest.raises(SystemExit) as caught:
        main(arguments.split())
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert told in err
    assert "Traceback" not in err
    assert names() == {"one.mkv"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90), ("90.5", Fraction("90.5")), ("1:30", 90), ("00:01:30.5", Fraction("90.5")),
        ("0.1", Fraction(1, 10)), ("1001/30000", Fraction(1001, 30000)), ("0", 0),
    ],
)  # fmt: skip
def test_times(text: str, seconds: Fraction) -> None:
    """Times are seconds or HH:MM:SS and exact fractions."""
    assert parse_time(text) == seconds


def test_defaults_are_those_of_the_settings() -> None:
    """The command line adds no defaults of its own."""
    request = read_request(["film.mkv"])
    assert request == Request(inputs=(Path("film.mkv"),))
    assert (request.settings, request.cluster) == (Settings(), ClusterSettings())


def test_pictures_rate_and_gaps_are_settings() -> None:
    """What the options say goes into the settings, exactly."""
    request = read_request(["%03d.dpx", "--fps", "23.976", "--gaps", "hold"])
    wanted = InputSettings(fps=Fraction(24000, 1001), gaps="hold")
    assert request.settings == Settings(input=wanted)


def test_suffixes_that_name_a_film() -> None:
    """All that is written, so that `-o film.mov` for a folder is no folder."""
    assert set(CONTAINER_BY_SUFFIX) == WRITTEN_SUFFIXES


def test_one_film_beside_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """Without more ado the result lies beside the film, and one line tells of it."""
    film()
    assert run("film.mkv") == 0
    assert names() == {"film.mkv", "film.colorized.mkv", "film.colorized.json"}
    out, err = capsys.readouterr()
    assert out.startswith("film.colorized.mkv: 3 frames, 1 shot, ")
    assert all(
        line.startswith("  check shot 1 at 0:00:00 (frame ") for line in out.splitlines()[1:]
    )
    assert err == ""


@pytest.mark.parametrize("output", ["out.mkv", "folder/out.mkv", "folder", "folder/", "new/"])
def test_where_the_output_goes(output: str) -> None:
    """-o names a file, or a folder that is there or ends in a slash."""
    film()
    Path("folder").mkdir()
    assert run("film.mkv", "-o", output) == 0
    expected = output if output.endswith(".mkv") else f"{output.rstrip('/')}/film.colorized.mkv"
    assert Path(expected).is_file()
    sidecar = str(Path(expected).with_suffix(".json"))
    ledger = set() if output.endswith(".mkv") else {f"{output.rstrip('/')}/{NAME}"}
    assert names() - {"film.mkv", "folder", "new"} == {expected, sidecar} | ledger


def test_overwrite(capsys: pytest.CaptureFixture[str]) -> None:
    """With leave an old output is replaced."""
    film()
    Path("out.mkv").write_bytes(b"old")
    assert run("film.mkv", "-o", "out.mkv", "--overwrite") == 0
    assert Path("out.mkv").read_bytes()[:4] == b"\x1aE\xdf\xa3"
    assert capsys.readouterr().err == ""


def test_force_gives_a_color_film_new_colors() -> None:
    """A film in color is done when asked for."""
    color_film()
    assert run("color.mkv", "--force") == 0
    assert names() == {"color.mkv", "color.colorized.mkv", "color.colorized.json"}


def test_several_films_one_of_them_broken(capsys: pytest.CaptureFixture[str]) -> None:
    """A broken film costs its own result and the exit code; the folder is made."""
    film("a.mkv")
    Path("b.mkv").write_bytes(b"\x1aE\xdf\xa3 and no more")
    film("c.mp4", codec="libx264")
    assert run("a.mkv", "b.mkv", "c.mp4", "-o", "new/deep") == 1
    found = {path.name for path in Path("new/deep").iterdir()}
    assert found - {NAME} == {
        f"{stem}.colorized.{x}"
        for stem, x in (("a", "mkv"), ("a", "json"), ("c", "mp4"), ("c", "json"))
    }
    out, err = capsys.readouterr()
    assert [line.split(":")[0] for line in out.splitlines() if not line.startswith(" ")] == [
        "new/deep/a.colorized.mkv", "new/deep/c.colorized.mp4"
    ]  # fmt: skip
    told = err.splitlines()
    assert told[0].startswith("vidcolor: b.mkv: cannot be opened")
    assert told[1:] == ["vidcolor: 1 of 3 reels failed:", told[0].replace(": ", ":   ", 1)]


def test_two_films_of_one_name_do_not_overwrite_each_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The second of two films whose outputs would be one is refused; --overwrite is no leave."""
    for folder in ("one", "two"):
        Path(folder).mkdir()
        film(f"{folder}/film.mkv")
    assert run("one/film.mkv", "two/film.mkv", "-o", "out", "--overwrite") == 1
    err = capsys.readouterr().err
    assert "two/film.mkv: its output out/film.colorized.mkv would be that of one/film.mkv" in err
    assert Path("out/film.colorized.mkv").is_file()


def test_a_folder_that_cannot_be_made(capsys: pytest.CaptureFixture[str]) -> None:
    """An output folder below a file is told in one line."""
    film("a.mkv")
    film("b.mkv")
    assert run("a.mkv", "b.mkv", "-o", "a.mkv/out") == 1
    assert "a.mkv/out: cannot be made (Not a directory); name another -o" in capsys.readouterr().err


def test_dry_run_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run tells what would be done to each film, and neither writes nor makes folders."""
    film("a.mkv")
    film("b.mkv")
    assert run("a.mkv", "b.mkv", "missing.mkv", "-o", "new/", "--dry-run", "--lossless") == 1
    assert names() == {"a.mkv", "b.mkv"}
    out, err = capsys.readouterr()
    assert "output    new/a.colorized.mkv" in out
    assert "encoding  ffv1 yuv420p, matroska level=3" in out
    assert err == "vidcolor: missing.mkv: no such file\n"


def test_dry_run_of_one_film_with_all_well() -> None:
    """A dry run of what would work is exit 0."""
    film()
    assert run("film.mkv", "-n") == 0
    assert names() == {"film.mkv"}


def test_quiet_says_nothing_but_errors(capsys: pytest.CaptureFixture[str]) -> None:
    """Quiet, a success is silent and a failure is its one line."""
    film()
    assert run("film.mkv", "missing.mkv", "-q", "-o", "out") == 1
    assert capsys.readouterr() == ("", "vidcolor: missing.mkv: no such file\n")


def test_notes_and_losses_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """What was damaged in a film is told; it is colorized all the same, with exit 0."""
    path = film(frames=50)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert run(path) == 0
    assert "film.mkv: warning: the file ends 1." in capsys.readouterr().err


def test_a_name_with_odd_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """Spaces, umlauts, quotes, percents, colons and a leading dash in a name are no matter."""
    odd = "-näme with 'quotes' & %d 100% [x] a:b.mkv"
    film(f"./{odd}")
    assert run(f"./{odd}") == 0
    assert names() == {odd, *(odd.replace(".mkv", f".colorized.{x}") for x in ("mkv", "json"))}
    assert capsys.readouterr().err == ""


def test_a_missing_system_library_of_opencv_is_explained(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where OpenCV cannot be loaded, the line says which packages to install."""

    def fail(*_: object) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(zoo, "load_model", fail)
    film()
    assert run("film.mkv") == 1
    assert "apt-get install libgl1" in capsys.readouterr().err


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Version and help are exit 0; help names every option with its default."""
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as caught:
            main([option])
        assert caught.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith("vidcolor 0.")
    assert "default: 256;" in " ".join(out.split())


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


def test_a_dump_alone_writes_no_film(capsys: pytest.CaptureFixture[str]) -> None:
    """Without -o only the dump is made, beside a film that was colorized before."""
    film(frames=12)
    assert run("film.mkv", "-q") == 0
    before = Path("film.colorized.mkv").read_bytes()
    assert run("film.mkv", "--dump", "d", "--dump-frames", "3,7-8") == 0
    assert {path.name for path in Path("d").iterdir() if path.is_dir()} == {
        "000003", "000007", "000008",
    }  # fmt: skip
    assert Path("film.colorized.mkv").read_bytes() == before
    out, err = capsys.readouterr()
    first, second = out.splitlines()
    assert first.startswith("d/index.html: 3 frames, ")
    assert first.endswith(" s a frame")
    assert second.startswith("9 frames were colorized for it, ")
    assert second.endswith("no film was written (-o FILM writes one too)")
    assert err == ""


def test_a_dump_with_an_output_is_made_on_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    """With -o the film is written as well, and both are told."""
    film(frames=4)
    assert run("film.mkv", "-o", "out.mkv", "--dump", "d", "--dump-frames", "3") == 0
    out = capsys.readouterr().out
    assert out.startswith("out.mkv: 4 frames, 1 shot, ")
    assert "d/index.html: 1 frame, " in out
    assert Path("out.mkv").is_file()


def test_a_dry_run_dumps_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It tells which frames would be dumped."""
    film()
    assert run("film.mkv", "--dump", "d", "--dump-frames", "0,2", "-n") == 0
    assert capsys.readouterr().out == "film.mkv: frames 0,2 would be dumped to d\n"
    assert names() == {"film.mkv"}


def test_a_sidecar_that_exists_is_not_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    """A file of the sidecar's name is the user's, unless there is leave."""
    film()
    Path("out.json").write_text("mine")
    assert run("film.mkv", "-o", "out.mkv") == 1
    assert "out.json: exists already; use --overwrite or another -o" in capsys.readouterr().err
    assert names() == {"film.mkv", "out.json"}
    assert Path("out.json").read_text() == "mine"
    assert run("film.mkv", "-o", "out.mkv", "--overwrite") == 0
    assert json.loads(Path("out.json").read_text())["frames"] == 3


def test_films_that_would_share_a_sidecar(capsys: pytest.CaptureFixture[str]) -> None:
    """Of two films whose names differ in the suffix alone, the second is told off."""
    film("a.mkv")
    film("a.mp4", codec="libx264")
    assert run("a.mkv", "a.mp4", "--overwrite") == 1
    assert "a.mp4: its output a.colorized.json would be that of a.mkv" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["film.colorized.png", "plots.svg"])
def test_a_timeline_is_drawn(capsys: pytest.CaptureFixture[str], target: str) -> None:
    """From the sidecar, as a PNG beside it or to -o; what exists is kept."""
    pytest.importorskip("matplotlib", reason="the plot extra is not installed")
    film(frames=30)
    assert run("film.mkv", "-q") == 0
    where = ["-o", target] if target.endswith("svg") else []
    assert main(["--plot", "film.colorized.json", *where]) == 0
    assert capsys.readouterr().out == f"{target}\n"
    head = {"png": b"\x89PNG", "svg": b"<?xml"}[target[-3:]]
    assert Path(target).read_bytes().startswith(head)
    assert main(["--plot", "film.colorized.json", *where]) == 1
    assert f"{target}: exists already" in capsys.readouterr().err


def test_without_matplotlib_a_line_says_what_to_install() -> None:
    """The plot extra is named where it lacks."""
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from vidcolor.cli.main import main; sys.exit(main(['--plot', 'film.colorized.json']))"
    )
    film()
    assert run("film.mkv", "-q") == 0
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert told.returncode == 1
    assert (
        told.stderr.decode() == "vidcolor: --plot needs matplotlib; pip install 'vidcolor[plot]'\n"
    )
