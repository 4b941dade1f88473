import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from cli_runs import color_film, film, names, run
from forking import start_program

from vidcolor.cli.command_line import read_request
from vidcolor.cli.main import main
from vidcolor.cli.request import Request
from vidcolor.files import WRITTEN_SUFFIXES
from vidcolor.models import zoo
from vidcolor.settings import ClusterSettings, InputSettings, Settings
from vidcolor.spans import Moment
from vidcolor.writing.encoding import CONTAINER_BY_SUFFIX

pytestmark = pytest.mark.usefixtures("quiet_surroundings")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenth of a second of silence, and no picture."""
    path = tmp_path_factory.mktemp("sound") / "sound.m4a"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        output.mux([*stream.encode(frame), *stream.encode(None)])
    return path


@pytest.fixture
def faulty(quiet_surroundings: None, sound: Path) -> None:  # noqa: ARG001 - a folder of its own
    """Inputs and outputs that will not do."""
    Path("folder", "text").mkdir(parents=True)
    Path("folder", "text", "mine").touch()
    Path("text.mp4").write_text("words " * 99)
    Path("empty.mp4").touch()
    Path("exists.mkv").write_bytes(b"mine")
    shutil.copy(sound, "sound.m4a")
    film()
    color_film()


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("missing.mp4", "missing.mp4: no such file"),
        ("folder", "folder: holds no film; name a film, or search subfolders with --recursive"),
        ("text.mp4", "text.mp4: cannot be opened as a video"),
        ("empty.mp4", "empty.mp4: is empty (zero bytes)"),
        ("sound.m4a", "sound.m4a: holds no video"),
        ("color.mkv", "color.mkv: is in color already; --force"),
        (
            "film.mkv --fps 18",
            "film.mkv: is not an image sequence and has a frame rate; leave --fps",
        ),
        ("%03d.dpx --fps 18", "%03d.dpx: no such images; name their folder"),
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
        ("film.mkv --preset nonsense", "nonsense: not a preset"),
        ("film.mkv --model nonsense", "nonsense: no such model; known are lite"),
        ("film.mkv --model text.mp4", "text.mp4: "),
        ("film.mkv --model missing.safetensors", "missing.safetensors: "),
        ("film.mkv --device nonsense", "nonsense: not a device"),
        ("film.mkv --start 99", "film.mkv: ends before 99 s; start earlier"),
        ("film.mkv --dump d --dump-frames 99", "film.mkv: --dump-frames 99 lies beyond its end"),
        ("film.mkv --dump folder/text --dump-frames 1", "text: is not a dump folder; name a new"),
        ("film.mkv --dump empty.mp4 --dump-frames 1", "empty.mp4: is not a dump folder"),
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
        ("film.mkv --nonsense", "--nonsense is no option"),
        ("%03d.dpx --fps 0", "'0' is not a frame rate; write 18, 23.976 or 24000/1001"),
        ("%03d.dpx --fps -3", "'-3' is not a frame rate"),
        ("%03d.dpx --fps abc", "'abc' is not a frame rate"),
        ("%03d.dpx --fps 1e9", "'1e9' is not a frame rate"),
        ("%03d.dpx --gaps fill", "invalid choice: 'fill'"),
        ("film.mkv --start noon", "'noon' is not a time; write seconds, HH:MM:SS.fff"),
        ("film.mkv --start -5", "'-5' is not a time"),
        ("film.mkv --start=-5", "'-5' is not a time"),
        ("film.mkv --duration 1:-2", "'1:-2' is not a time"),
        ("film.mkv --duration nan", "'nan' is not a time"),
        ("film.mkv --start inf", "'inf' is not a time"),
        ("film.mkv --start 1/0", "'1/0' is not a time"),
        ("film.mkv --vividness 9", "'9' is not a number from 0 to 3"),
        ("film.mkv --saturation nan", "'nan' is not a number from 0 to 3"),
        ("film.mkv --smoothing 1", "'1' is not a number from 0 to 0.999"),
        ("film.mkv --every 0", "'0' is not a number from 1 to 100"),
        ("film.mkv --every often", "'often' is not a number from 1 to 100"),
        ("film.mkv --every 1.5", "'1.5' is not a whole number"),
        ("film.mkv --render-size 0", "'0' is not a number from 64 to 2048"),
        ("film.mkv --batch-size 1.5", "'1.5' is not a whole number"),
        ("film.mkv --chroma 421", "invalid choice: '421'"),
        ("a.mkv b.mkv -o one.mkv", "is a file; for several films name a folder"),
        ("a.mkv -o one.mkv/", "is a file; for several films name a folder"),
        ("film.mkv --lossless --for web", "--lossless and --for web cannot be combined"),
        ("film.mkv --codec libx264 --lossless", "--lossless and --codec cannot be combined"),
        ("film.mkv --end 5 --duration 2", "--end and --duration cannot be combined"),
        ("film.mkv --refine-threshold 2", "--refine-threshold needs --refine flood"),
        ("film.mkv --mirror --reference a.png", "--mirror and --reference cannot be combined"),
        ("film.mkv --dump d", "--dump needs --dump-frames LIST"),
        ("film.mkv --dump-frames 3", "--dump-frames needs --dump DIR"),
        ("a.mkv b.mkv --dump d --dump-frames 3", "--dump takes one film at a time"),
        ("film.mkv --dump d --dump-frames 9-7", "'9-7' ends before it begins"),
        ("film.mkv --dump d --dump-frames abc", "'abc' is not a frame; write 1734, 57.8s, 1:30.5"),
        (
            "film.mkv --dump d --dump-frames 3 --dump-stages x",
            "'x' is not a stage; choose from luma",
        ),
        ("film.mkv --dump d --dump-frames 3 --dump-top-k 0", "'0' is not a number from 1 to 313"),
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
    assert Moment.parse(text).count == seconds


def test_defaults_are_those_of_the_settings() -> None:
    """The command line adds no defaults of its own."""
    request = read_request(["film.mkv"])
    origins = {"inputs": "command line"}
    assert request == Request(inputs=(Path("film.mkv"),), origins=origins)
    assert (request.settings, request.cluster) == (Settings(), ClusterSettings())


def test_pictures_rate_and_gaps_are_settings() -> None:
    """What the options say goes into the settings, exactly."""
    request = read_request(["%03d.dpx", "--fps", "23.976", "--gaps", "hold"])
    wanted = InputSettings(fps=Fraction(24000, 1001), gaps="hold")
    assert request.settings == Settings(input=wanted)


def test_suffixes_that_name_a_film() -> None:
    """All that is written, so that `-o film.mov` for a folder is no folder."""
    assert set(CONTAINER_BY_SUFFIX) == WRITTEN_SUFFIXES


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
    """Version and help are exit 0; help names options with their defaults."""
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as caught:
            main([option])
        assert caught.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith("vidcolor 0.")
    assert "default: lite)" in " ".join(out.split())


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
    film()
    assert run("film.mkv", "-q") == 0
    command = ["--plot", "film.colorized.json"]
    told = start_program(Path("told"), command, absent=["matplotlib"]).end()
    assert told == (1, "", "vidcolor: --plot needs matplotlib; pip install matplotlib\n")
