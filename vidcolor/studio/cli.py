"""The command line of `vidcolor-studio`."""

import argparse
import logging
import sys
import webbrowser
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from vidcolor.cli.parse import whole_number
from vidcolor.directing.read_script import SUFFIX
from vidcolor.errors import SettingError, VidcolorError
from vidcolor.extras import how_to_install
from vidcolor.settings import ModelSettings, Settings
from vidcolor.version import __version__
from vidcolor.web.gate import Gate

if TYPE_CHECKING:
    from vidcolor.studio.api import Api

DONE, FAILED = 0, 1
PORT = 8765


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the studio until Ctrl-C; the exit code."""
    options = _parser().parse_args(argv)
    try:
        return _serve(options)
    except VidcolorError as error:
        print(f"vidcolor-studio: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vidcolor-studio",
        description="Look at a film or photograph in color and steer its colors, in a browser.",
    )
    parser.add_argument("film", type=Path, metavar="FILM", help="the film, or a photograph")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE",
        help="write the colorized film to FILE (default: film.colorized.* next to the film)",
    )  # fmt: skip
    parser.add_argument(
        "--color-script", type=Path, metavar="FILE",
        help="keep changes in FILE (default: film.colors.toml next to the film)",
    )  # fmt: skip
    parser.add_argument(
        "--model", default=ModelSettings().name, metavar="NAME", help="as for vidcolor"
    )
    parser.add_argument("--device", default="auto", metavar="NAME", help="as for vidcolor")
    parser.add_argument(
        "--force", action="store_true", help="replace the colors of what is in color already"
    )
    parser.add_argument(
        "--port", type=whole_number(0, 65535), default=PORT, metavar="N",
        help="serve at port N; 0 picks a free one (default: %(default)d)",
    )  # fmt: skip
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS",
        help="let other machines of the network in, at this machine's ADDRESS; "
        "whoever has the printed link can steer the film",
    )  # fmt: skip
    parser.add_argument(
        "--no-browser", action="store_true", help="print the link and open no browser"
    )
    parser.add_argument("--version", action="version", version=f"vidcolor {__version__}")
    return parser


def _serve(options: argparse.Namespace) -> int:
    try:
        from vidcolor.studio.first import FirstPicture
        from vidcolor.studio.routes import routes
        from vidcolor.web.server import PageServer, listen
    except ImportError as error:
        raise SettingError(
            f"the studio needs {error.name}, which is missing: {how_to_install('studio')}"
        ) from error
    if not options.film.exists():
        raise SettingError(f"{options.film}: not found. Check its name.")
    listening = listen(options.host, options.port)
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    gate = Gate(options.host, listening.getsockname()[1])
    with ThreadPoolExecutor(1, "opening") as opener:
        first = FirstPicture(options.film)
        opener.submit(first.make)
        opening = opener.submit(_open, options)
        page = Path(__file__).with_name("page")
        server = PageServer(listening, gate, page, routes(opening.result, first.answer))
        opening.add_done_callback(lambda ended: server.stop() if ended.exception() else None)
        print(gate.address, flush=True)
        if not options.no_browser:
            Thread(target=webbrowser.open, args=(gate.address,), daemon=True).start()
        try:
            server.run()
        finally:
            opening.result().close()
    return DONE


def _open(options: argparse.Namespace) -> "Api":
    """What answers the page, its film open; torch is loaded meanwhile.

    Raises:
        SourceError: The film cannot be read.
    """
    from vidcolor.studio.api import Api
    from vidcolor.studio.session import Session

    model = ModelSettings(name=options.model, device=options.device)
    settings = Settings(model=model, force=options.force)
    script = options.color_script or options.film.with_name(f"{options.film.stem}{SUFFIX}")
    session = Session(options.film, options.output, script, settings)
    session.begin()
    return Api(session)
