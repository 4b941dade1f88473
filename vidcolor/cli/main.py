"""The program's entry: it owns the process; errors are one line and an exit code."""

import logging
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from vidcolor.cli.command_line import read_request
from vidcolor.cli.event_log import logged
from vidcolor.cli.inputs import missing_lines
from vidcolor.cli.output import warn
from vidcolor.cli.preflight import announce, output_faults
from vidcolor.cli.request import Request
from vidcolor.cli.streams import with_streams
from vidcolor.cli.terminal import lasting_streams
from vidcolor.errors import VidcolorError
from vidcolor.interrupts import between_calls
from vidcolor.memory import prepare_memory

FAILED = 1
SIGNALLED = 128  # plus the signal's number, as shells do
KEPT = "finished work is kept; run the same command to continue"
SVT_ERRORS = "1"  # of its levels, those of fatal errors and of others
OPENCV_LIBRARIES = ("libGL", "libgthread", "libglib")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit code is 0 for all done, 1 for a failure, 2 for bad usage."""
    try:
        return _with_streams(arguments)
    except KeyboardInterrupt:  # while the last lines go out
        return SIGNALLED + signal.SIGINT
    except _Terminated as termination:
        return SIGNALLED + termination.number


def _with_streams(arguments: Sequence[str] | None) -> int:
    """Run with streams that outlast their readers, and tell what ended one."""
    with lasting_streams() as output:
        code = _main(arguments)
    if output.error is None:
        return code
    if not isinstance(output.error, BrokenPipeError):  # whoever reads no further wants no word
        warn(f"standard output: cannot be written ({output.error.strerror}); films are not lost")
    return code or FAILED


def _main(arguments: Sequence[str] | None) -> int:
    request = read_request(arguments)
    # SVT-AV1 writes to the terminal by itself and can be told so by the environment alone.
    os.environ.setdefault("SVT_LOG", SVT_ERRORS)
    _catch_termination()
    logging.basicConfig(handlers=[_Printing()], level=logging.WARNING)
    if not request.quiet:
        logging.getLogger("vidcolor").setLevel(logging.INFO)
    for library in ("bagit", "tifffile"):  # which log each fault before our own line about it
        logging.getLogger(library).setLevel(logging.CRITICAL)
    try:
        return _run(request)
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
        warn(f"interrupted; {KEPT}")
        return SIGNALLED + signal.SIGINT
    except _Terminated as termination:
        warn(f"terminated; {KEPT}")
        return SIGNALLED + termination.number


def _run(request: Request) -> int:
    """Do what a request asks; the exit code. Each command loads only what it needs."""
    if request.is_report:
        return _report(request)
    with logged(request):
        return _begin(request)


def _begin(request: Request) -> int:
    """Make what a request asks for, if nothing is wrong with names; the exit code."""
    missing = missing_lines(request.inputs)
    faults = missing if len(missing) == len(request.inputs) else output_faults(request)
    for fault in faults:
        warn(fault)
    if faults:
        return FAILED
    announce(request)
    return with_streams(request, _make)


def _make(request: Request) -> int:
    """Colorize, or show what that would come to; the exit code."""
    prepare_memory(request.settings.memory_limit)
    if request.preview or request.grid:
        from vidcolor.cli.preview import preview

        return preview(request)
    if request.list_shots or request.script_new:
        from vidcolor.cli.shots import show_shots

        return show_shots(request)
    if request.suggest is not None:
        from vidcolor.cli.suggest import show_suggestions

        return show_suggestions(request)
    code = 0
    if request.dump is None:
        request, code = _colorize_photographs(request)
        if not request.inputs:
            return code
    return max(code, _colorize_films(request))


def _report(request: Request) -> int:
    """Do what a request asks that colorizes nothing; the exit code."""
    if request.show_config:
        from vidcolor.cli.show_config import print_config

        return print_config(request)
    if request.doctor:
        from vidcolor.cli.doctor import print_doctor

        return print_doctor()
    if request.completion is not None:
        from vidcolor.cli.completion import print_completion

        return print_completion(request.completion)
    if request.status is not None:
        from vidcolor.cli.status import print_status

        return print_status(request.status, request.status_format)
    if request.plot is not None:
        from vidcolor.cli.plot import draw_plot

        return draw_plot(request.plot, request)
    from vidcolor.cli.models import print_models

    return print_models()


def _colorize_films(request: Request) -> int:
    from vidcolor.cli.colorize import colorize
    from vidcolor.cli.dump import dump_alone, make_dump

    dump = make_dump(request)
    if dump is not None and request.output is None:
        return dump_alone(request, dump)
    return colorize(request, dump)


def _colorize_photographs(request: Request) -> tuple[Request, int]:
    """Colorize the photographs among the inputs; the request for the others, and the exit code."""
    from vidcolor.photos.find import sort_inputs

    found = sort_inputs(request.inputs, as_photos=request.photos, recursive=request.recursive)
    others = replace(request, inputs=tuple(found.films))
    for error in found.errors:
        warn(str(error))
    code = FAILED if found.errors else 0
    if found.photos and request.settings.color_script is not None:
        warn("a color script directs films; the photographs are colorized without it")
    if found.photos:
        from vidcolor.cli.photos import colorize_photographs

        code = max(code, colorize_photographs(request, found.photos))
    return others, code


def _fail(text: str) -> int:
    warn(text)
    return FAILED


class _Printing(logging.Handler):
    """Prints what modules log as the program prints all else: a line that breaks no bar."""

    def emit(self, record: logging.LogRecord) -> None:
        warn(record.getMessage())  # no names of loggers


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
            signal.signal(number, between_calls(end))
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, between_calls(signal.default_int_handler))
