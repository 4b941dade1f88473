import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from vidcolor.cli import doctor
from vidcolor.cli.command_line import read_request
from vidcolor.cli.config import VARIABLE
from vidcolor.cli.main import main
from vidcolor.errors import ModelError
from vidcolor.models import zoo
from vidcolor.models.zoo import load_model
from vidcolor.report.sidecar import COLUMNS, write_sidecar
from vidcolor.settings import (
    STYLES,
    ColorSettings,
    ModelSettings,
    OutputSettings,
    Rectangle,
    Settings,
    TemporalSettings,
    parse_swatch,
)


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)


def test_a_file_gives_what_the_command_line_does_not() -> None:
    """Options by their long names, with or without a table; the command line goes before."""
    for head in ("", "[vidcolor]\n"):
        Path("house.toml").write_text(
            f"{head}saturation = 0.8\nlossless = true\nevery = 3\nno-motion = false\n"
            'fps = "24000/1001"\nmodel = "ddcolor"\n'
        )
        words = ["film.mkv", "--settings-file", "house.toml", "--every", "auto"]
        settings = read_request(words).settings
        assert settings.color.saturation == 0.8
        assert settings.output.lossless
        assert settings.temporal.every == "auto"
        assert settings.temporal.motion
        assert settings.model.name == "ddcolor"
        assert float(settings.input.fps or 0) == pytest.approx(23.976, abs=1e-3)


def test_nearer_files_go_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's, then that beside the films, then the one that is named."""
    Path("reels").mkdir()
    Path("env.toml").write_text("saturation = 0.1\nvividness = 0.1\nsmoothing = 0.1\ncrf = 20\n")
    Path("reels/vidcolor.toml").write_text(
        "[vidcolor]\nsaturation = 0.2\nvividness = 0.2\nsmoothing = 0.2\n"
    )
    Path("named.toml").write_text("saturation = 0.3\nvividness = 0.3\n")
    monkeypatch.setenv(VARIABLE, "env.toml")
    words = ["--settings-file", "named.toml", "--saturation", "0.4"]
    for film in ("reels/film.mkv", "reels"):
        settings = read_request([film, *words]).settings
        found = settings.color.saturation, settings.color.vividness, settings.temporal.smoothing
        assert found == (0.4, 0.3, 0.2)
        assert settings.output.crf == 20


def test_a_file_of_another_program_is_left_alone() -> None:
    """One that nobody named counts only with a table of ours."""
    Path("vidcolor.toml").write_text("saturation = 0.2\n")
    assert read_request(["film.mkv"]).settings.color.saturation == 1


def test_options_that_repeat_are_lists() -> None:
    """As often as on the command line, which replaces them all."""
    Path("a.toml").write_text(
        'reference = "r.png"\nswatch = ["0,0,5,5=1,1,5,5", "2,2,5,5=1,1,5,5"]\n'
    )
    swatches = read_request(["f.mkv", "--settings-file", "a.toml"]).settings.model.swatches
    assert [swatch.film for swatch in swatches] == [Rectangle(0, 0, 5, 5), Rectangle(2, 2, 5, 5)]
    words = ["--swatch", "9,9,1,1=1,1,1,1"]
    (one,) = read_request(["f.mkv", "--settings-file", "a.toml", *words]).settings.model.swatches
    assert one.film == Rectangle(9, 9, 1, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("saturatoin = 1", "saturatoin is no option; did you mean saturation?"),
        ("saturation = 9", "argument --saturation: '9' is not a number from 0 to 3"),
        ("saturation = [1]", "saturation: the value is not valid; write it as on the command line"),
        ("saturation 1", "is no TOML"),
        ("lossless = 1", "lossless is on or off; write true or false"),
        ("vidcolor = 1", "vidcolor is no table; write [vidcolor]"),
        ('output = "x.mkv"', "output is no option"),
        ('decode = "x"', "argument --decode: invalid choice: 'x'"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_name(
    capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    """In one line, and nothing is begun."""
    Path("a.toml").write_text(text)
    with pytest.raises(SystemExit) as ended:
        read_request(["film.mkv", "--settings-file", "a.toml"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("vidcolor: a.toml: ")
    assert told in error
    assert error.count("\n") == 1


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """By name."""
    with pytest.raises(SystemExit):
        read_request(["film.mkv", "--settings-file", "none.toml"])
    assert "none.toml: cannot be read (No such file or directory)" in capsys.readouterr().err


def test_what_is_shown_gives_the_same_again(capsys: pytest.CaptureFixture[str]) -> None:
    """`--show-config` is a file of settings, and says where each comes from."""
    Path("a.toml").write_text(
        'saturation = 0.8\nlossless = true\nreference = "r.png"\nstart = "1:30"\n'
    )
    words = ["f.mkv", "--settings-file", "a.toml", "--vividness", "1", "--no-motion"]
    assert main([*words, "--show-config"]) == 0
    shown = capsys.readouterr().out
    assert "saturation = 0.8  # a.toml\n" in shown
    assert "vividness = 1.0  # command line\n" in shown
    assert "# smoothing = 0.92  # default\n" in shown
    Path("b.toml").write_text(shown)
    again = read_request(["f.mkv", "--settings-file", "b.toml"])
    assert again.settings == read_request(words).settings


def test_a_mistyped_option_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In one line."""
    with pytest.raises(SystemExit) as ended:
        main(["film.mkv", "--saturatoin=1"])
    assert ended.value.code == 2
    told = "vidcolor: --saturatoin is no option; did you mean --saturation?; see vidcolor --help\n"
    assert capsys.readouterr().err == told


def test_the_doctor_tells_of_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """A line each; that there is no GPU is no failure."""
    assert main(["--doctor"]) == 0
    told = capsys.readouterr().out
    for name in ("vidcolor 0.", "torch", "FFmpeg", "CPU", "libx264", "extra plot", "model lite"):
        assert name in told
    assert "weights" in told.splitlines()[-1]


def test_the_doctor_fails_without_weights(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then no film can be colored."""
    monkeypatch.setattr(doctor, "load_model", load_model)  # other tests' has it loaded
    monkeypatch.setitem(zoo.PACKAGED, "lite", "gone.safetensors")
    assert main(["--doctor"]) == 1
    assert "missing model lite" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("flim.mp4", "flim.mp4: no such file; did you mean film.mp4?"),
        ("none/film.mp4", "no such file, and no such folder none; check its name"),
        ("x.mkv", "x.mkv: no such file; check its name"),
        (
            "https://a.org/film.mp4",
            "https://a.org/film.mp4: is an address; download the film and name its file",
        ),
    ],
)
def test_a_name_that_is_not_there_is_told_at_once(
    capsys: pytest.CaptureFixture[str], word: str, told: str
) -> None:
    """With the nearest name; torch need not be loaded for that."""
    Path("film.mp4").write_bytes(b"x")
    assert main([word]) == 1
    assert told in capsys.readouterr().err
    program = f"import sys; from vidcolor.cli.main import main; main([{word!r}]);"
    program += "print({'torch', 'av'} & sys.modules.keys())"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ended.stdout.strip() == b"set()"


def test_a_mistyped_model_is_answered_with_the_nearest() -> None:
    """Before the list of all."""
    with pytest.raises(
        ModelError, match=r"^lit: no such model; did you mean lite\? Known are lite"
    ):
        load_model("lit", "cpu")


def test_a_length_of_nothing_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """It is no failure of the film."""
    with pytest.raises(SystemExit) as ended:
        main(["film.mp4", "--duration", "0"])
    assert ended.value.code == 2
    assert "'0' is zero; write more than 0" in capsys.readouterr().err


def test_the_command_line_overrules_what_a_file_says_otherwise() -> None:
    """A file for the web does not forbid a lossless film."""
    Path("web.toml").write_text('for = "web"\nreference = "house.png"\n')
    words = ["f.mkv", "--settings-file", "web.toml", "--lossless", "--model", "lite"]
    settings = read_request(words).settings
    assert (settings.output.lossless, settings.output.purpose) == (True, None)
    assert settings.model.reference is None


def test_a_style_fills_what_is_not_given_itself() -> None:
    """On the command line or in a file."""
    vivid = STYLES["vivid"]
    assert read_request(["f.mkv", "--style", "vivid"]).settings.color == vivid
    mixed = read_request(["f.mkv", "--style", "vivid", "--saturation", "0.9"]).settings.color
    assert mixed == replace(vivid, saturation=0.9)
    Path("a.toml").write_text('style = "muted"\n')
    from_file = read_request(["f.mkv", "--settings-file", "a.toml"])
    assert from_file.settings.color == STYLES["muted"]


def test_a_sidecar_gives_its_settings_back(capsys: pytest.CaptureFixture[str]) -> None:
    """Color, model and encoding; not the part, the checks, or the machine's own."""
    swatch = parse_swatch("10,20,30,30=50,40,20,20.5")
    made = Settings(
        model=ModelSettings(reference="look.png", swatches=(swatch, swatch), device="cpu"),
        color=ColorSettings(saturation=0.7, decode="sample", seed=3),
        temporal=TemporalSettings(motion=False, every=4),
        output=OutputSettings(codec="ffv1", verify=True),
        start_seconds=Fraction(3, 2),
    )
    facts = {"source": {"path": "f.mkv"}, "model": {"name": "lite"}, "frames": 0, "shots": []}
    timeline = {"timeline": {name: [] for name in COLUMNS}}
    write_sidecar(Path("old.json"), facts | {"settings": made} | timeline)
    Path("vidcolor.toml").write_text("[vidcolor]\nvividness = 1\nquiet = true\n")
    request = read_request(["f.mkv", "--like", "old.json", "--saturation", "0.9"])
    wanted = Settings(
        model=replace(made.model, device="auto"),
        color=replace(made.color, saturation=0.9),
        temporal=made.temporal,
        output=OutputSettings(codec="ffv1"),
    )
    assert request.settings == wanted
    assert request.quiet
    assert request.origins["settings.color.seed"] == "old.json"
    Path("no.json").write_text("{}")
    with pytest.raises(SystemExit):
        read_request(["f.mkv", "--like", "no.json"])
    assert "no.json: is no sidecar of vidcolor" in capsys.readouterr().err
