"""The command line: arguments to settings, errors to one line and an exit code."""

import argparse
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

from vidcolor import __version__
from vidcolor.errors import VidcolorError
from vidcolor.settings import (
    ColorSettings,
    ModelSettings,
    OutputSettings,
    Settings,
    TemporalSettings,
)

if TYPE_CHECKING:  # these import torch
    from vidcolor.models.zoo import Model
    from vidcolor.reels import Outcome
    from vidcolor.video.plan import Job

DONE, FAILED = 0, 1
SIGNALLED = 128  # plus the signal's number, as shells do
OPENCV_LIBRARIES = ("libGL", "libgthread", "libglib")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit code is 0 for all done, 1 for a reel failed, 2 for bad usage."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    output, folder = _destination(parser, options.inputs, options.output)
    settings = _settings(options)
    _catch_termination()
    logging.basicConfig(format="vidcolor: %(message)s", level=logging.WARNING)
    try:
        return _run(options, output, folder, settings)
    except VidcolorError as error:
        return _fail(str(error))
    except ImportError as error:
        if error.name == "cv2" or any(name in str(error) for name in OPENCV_LIBRARIES):
            return _fail(
                f"OpenCV cannot be loaded ({error}); "
                "on Debian or Ubuntu: apt-get install libgl1 libglib2.0-0"
            )
        raise
    except KeyboardInterrupt:
        _warn("interrupted; nothing unfinished was left")
        return SIGNALLED + signal.SIGINT
    except _Terminated as termination:
        _warn("terminated; nothing unfinished was left")
        return SIGNALLED + termination.number


class _Parser(argparse.ArgumentParser):
    """Tells bad usage in one line, without the usage of every option before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def make_parser() -> argparse.ArgumentParser:
    """Every option, its default read from the settings."""
    parser = _Parser(
        prog="vidcolor",
        description="Colorize black-and-white film. The picture's luma, its sound, subtitles and "
        "times stay as they are; only color is added.",
        epilog="Colors are a plausible guess, not history.",
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="FILM", help="films to colorize")
    parser.add_argument(
        "-o", "--output", metavar="PATH",
        help="output file for one film, folder for several (default: FILM.colorized.* beside it)",
    )  # fmt: skip
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    parser.add_argument("-n", "--dry-run", action="store_true", help="tell what would be done")
    parser.add_argument("--overwrite", action="store_true", help="replace an output that exists")
    parser.add_argument(
        "--force", action="store_true", help="replace the colors of a film that has some"
    )
    parser.add_argument("--version", action="version", version=f"vidcolor {__version__}")
    _add_piece_options(parser.add_argument_group("a piece of the film, to try things on"))
    _add_color_options(parser.add_argument_group("color"))
    _add_model_options(parser.add_argument_group("model"))
    _add_output_options(parser.add_argument_group("encoding"))
    return parser


def parse_time(text: str) -> Fraction:
    """Seconds of `90`, `90.5`, `1:30` or `00:01:30.5`; not negative."""
    seconds = Fraction(0)
    try:
        for part in text.split(":"):
            seconds = seconds * 60 + Fraction(part)
    except (ValueError, ZeroDivisionError):
        seconds = Fraction(-1)
    if seconds < 0 or "-" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write seconds or HH:MM:SS.fff")
    return seconds


def _add_piece_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--start", type=parse_time, default=Settings().start_seconds, metavar="TIME",
        help="begin here, in seconds or HH:MM:SS",
    )  # fmt: skip
    group.add_argument(
        "--duration", type=parse_time, metavar="TIME", help="colorize this much of it"
    )


def _add_color_options(group: argparse._ArgumentGroup) -> None:
    color, temporal = ColorSettings(), TemporalSettings()
    group.add_argument(
        "--vividness", type=_number(0, 3), default=color.vividness, metavar="X",
        help="0 likely colors, 1 rare and vivid ones more often (default: %(default)g)",
    )  # fmt: skip
    group.add_argument(
        "--saturation", type=_number(0, 3), default=color.saturation, metavar="X",
        help="factor on the colors (default: %(default)g)",
    )  # fmt: skip
    group.add_argument(
        "--smoothing", type=_number(0, 0.999), default=temporal.smoothing, metavar="X",
        help="how long colors last in a shot; 0 for frame by frame (default: %(default)g)",
    )  # fmt: skip


def _add_model_options(group: argparse._ArgumentGroup) -> None:
    model = ModelSettings()
    group.add_argument(
        "--model", default=model.name, metavar="NAME",
        help="a model's name or a safetensors file (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--device", default=model.device, metavar="NAME",
        help="cpu, cuda, cuda:1, mps or auto (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--render-size", type=_whole_number(64, 2048), default=model.render_size, metavar="N",
        help="short side of the picture that the network sees (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--batch-size", type=_whole_number(1, 1024), default=model.batch_size, metavar="N",
        help="frames inferred at once (default: %(default)s)",
    )  # fmt: skip


def _add_output_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--lossless", action="store_true", help="FFV1 with checksums, in Matroska")
    group.add_argument("--codec", metavar="NAME", help="FFmpeg's encoder, such as libx265")
    group.add_argument(
        "--crf", type=_number(0, 63), metavar="X", help="quality; lower is better and larger"
    )
    group.add_argument("--preset", metavar="NAME", help="the encoder's speed, such as fast")
    group.add_argument(
        "--pixel-format", metavar="NAME", help="FFmpeg's format to encode, such as yuv422p10le"
    )
    group.add_argument(
        "--chroma", choices=("420", "422", "444"), help="chroma subsampling (default: the film's)"
    )


def _number(least: float, most: float) -> Callable[[str], float]:
    """A parser of numbers from `least` to `most`."""

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = nan
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least:g} to {most:g}")
        return number

    return parse


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers from `least` to `most`."""
    parse_number = _number(least, most)

    def parse(text: str) -> int:
        number = parse_number(text)
        if not number.is_integer():
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
        return int(number)

    return parse


def _destination(
    parser: argparse.ArgumentParser, inputs: Sequence[Path], output: str | None
) -> tuple[Path | None, Path | None]:
    """The output file and the output folder that `-o` names; at most one of them is given."""
    if output is None:
        return None, None
    path = Path(output)
    as_folder = len(inputs) > 1 or path.is_dir() or output.endswith(("/", "\\"))
    if not as_folder:
        return path, None
    if path.exists() and not path.is_dir():
        parser.error(f"-o {output}: is a file; for several films name a folder")
    return None, path


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        model=ModelSettings(
            name=options.model,
            device=options.device,
            render_size=options.render_size,
            batch_size=options.batch_size,
        ),
        color=ColorSettings(vividness=options.vividness, saturation=options.saturation),
        temporal=TemporalSettings(smoothing=options.smoothing),
        output=OutputSettings(
            lossless=options.lossless,
            codec=options.codec,
            crf=options.crf,
            preset=options.preset,
            pixel_format=options.pixel_format,
            chroma=options.chroma,
            overwrite=options.overwrite,
        ),
        start_seconds=options.start,
        duration_seconds=options.duration,
        force=options.force,
    )


def _run(
    options: argparse.Namespace, output: Path | None, folder: Path | None, settings: Settings
) -> int:
    """Colorize every film, telling of each; the exit code."""
    from vidcolor.models.zoo import load_model
    from vidcolor.reels import Outcome, colorize_reel, make_folder, plan_reels

    model = load_model(settings.model.name, settings.model.device)
    if folder is not None and not options.dry_run:
        make_folder(folder)
    outcomes = []
    for planned in plan_reels(options.inputs, output, folder, settings):
        if isinstance(planned, Outcome):
            outcomes.append(planned)
        else:
            _say_notes(planned, options)
            if options.dry_run:
                print(_plan_text(planned, model))
                continue
            with _Bar(planned, settings, quiet=options.quiet) as bar:
                outcomes.append(colorize_reel(planned, model, settings, bar.show))
        _tell(outcomes[-1], options)
    return FAILED if any(outcome.error for outcome in outcomes) else DONE


class _Bar:
    """A progress bar of one film; none where nobody watches."""

    def __init__(self, job: "Job", settings: Settings, *, quiet: bool) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=job.source.frames_expected(settings.start_seconds, settings.duration_seconds),
            desc=job.source.path.name,
            unit=" frames",
            disable=True if quiet else None,
            dynamic_ncols=True,
            leave=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, done: int, shot: int) -> None:
        """Move to `done` frames, in shot `shot` counted from 0."""
        self._bar.set_postfix_str(f"shot {shot + 1}", refresh=False)
        self._bar.update(done - self._bar.n)


def _plan_text(job: "Job", model: "Model") -> str:
    """What would be done, a line a fact."""
    source, encoding = job.source, job.encoding
    picture = source.picture
    size = f"{picture.width}x{picture.height}"
    options = " ".join(f"{key}={text}" for key, text in encoding.options.items())
    lines = (
        f"{source.path}",
        f"  source    {source.codec} {source.pixel_format} {size}, {source.container}",
        f"  rate      {float(source.frame_rate):.6g} frames/s",
        f"  model     {model.name} ({model.sha256[:12]}) on {model.device}",
        f"  output    {encoding.path}",
        f"  encoding  {encoding.codec} {encoding.pixel_format}, {encoding.container} {options}",
    )
    return "\n".join(lines)


def _say_notes(job: "Job", options: argparse.Namespace) -> None:
    if not options.quiet:
        for note in job.encoding.notes:
            _warn(f"{job.source.path}: {note}")


def _tell(outcome: "Outcome", options: argparse.Namespace) -> None:
    """One line of how a reel ended, and one of what was damaged in it."""
    result = outcome.result
    if result is None:
        _warn(str(outcome.error))
        return
    if str(result.losses):
        _warn(f"{outcome.source}: warning: {result.losses}; all frames that decode are colorized")
    if not options.quiet:
        shots = f"{result.shots} shot{'s' if result.shots > 1 else ''}"
        rate = result.frames / result.seconds
        print(
            f"{result.path}: {result.frames} frames, {shots}, "
            f"{result.seconds:.1f} s ({rate:.1f} frames/s)"
        )


def _warn(text: str) -> None:
    print(f"vidcolor: {text}", file=sys.stderr)


def _fail(text: str) -> int:
    _warn(text)
    return FAILED


class _Terminated(BaseException):
    """A signal asks the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _catch_termination() -> None:
    """Make the signals that end programs an exception, so that unfinished files are removed."""

    def end(number: int, _: object) -> NoReturn:
        raise _Terminated(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
