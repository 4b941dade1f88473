"""The command line of `vidcolor-review`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from vidcolor.cli.parse import number, whole_number
from vidcolor.errors import SettingError, VidcolorError
from vidcolor.extras import how_to_install
from vidcolor.version import __version__
from vidcolor.web.gate import LOOPBACK, Gate

DONE, FAILED = 0, 1


def main(argv: Sequence[str] | None = None) -> int:
    """Serve a test, or print its results; the exit code."""
    options = _parse(argv)
    try:
        if options.results is not None:
            return _print_results(options)
        return _serve(options)
    except VidcolorError as error:
        print(f"vidcolor-review: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return DONE


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="vidcolor-review",
        description="Ask people which pictures are real and which are colorized.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--turing", type=Path, metavar="DIR", help="serve the test; answers are kept in DIR"
    )
    what.add_argument(
        "--results", type=Path, metavar="DIR", help="print how often people were fooled"
    )
    parser.add_argument(
        "--real", type=Path, metavar="PATH", help="a folder of color pictures, or a film"
    )
    parser.add_argument(
        "--colorized", type=Path, metavar="PATH", help="the same pictures or film, colorized"
    )
    parser.add_argument(
        "--singles", action="store_true", help="show one picture at a time, not pairs"
    )
    parser.add_argument(
        "--seconds", type=number(0.1, 60), default=1.0, metavar="X",
        help="show them for X seconds (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--trials", type=whole_number(1, 1000), default=40, metavar="N",
        help="ask each person at most N times (default: %(default)d)",
    )  # fmt: skip
    parser.add_argument(
        "--frames", type=whole_number(2, 1000), default=60, metavar="N",
        help="take N frames of a film (default: %(default)d)",
    )  # fmt: skip
    parser.add_argument(
        "--port", type=whole_number(0, 65535), default=8000, metavar="N",
        help="serve at port N of this machine; 0 picks a free one (default: %(default)d)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print results as JSON")
    parser.add_argument("--version", action="version", version=f"vidcolor {__version__}")
    options = parser.parse_args(argv)
    if options.turing is not None and (options.real is None or options.colorized is None):
        parser.error("--turing needs --real PATH and --colorized PATH")
    return options


def _serve(options: argparse.Namespace) -> int:
    try:
        from vidcolor.web.server import PageServer, listen
    except ImportError as error:
        raise SettingError(
            f"the test needs {error.name}, which is missing: {how_to_install('studio')}"
        ) from error
    from vidcolor.review.pictures import read_pairs
    from vidcolor.review.server import PAGE, Session, by_name, routes
    from vidcolor.review.store import Store

    pairs = read_pairs(options.real, options.colorized, options.frames)
    facts = {
        "real": str(options.real.absolute()),
        "colorized": str(options.colorized.absolute()),
        "singles": options.singles,
        "seconds": options.seconds,
        "trials": options.trials,
        "pictures": len(pairs),
    }
    with Store(options.turing, facts) as store:
        session = Session(
            pairs=by_name(pairs),
            store=store,
            seconds=options.seconds,
            count=options.trials,
            singles=options.singles,
        )
        listening = listen(LOOPBACK, options.port)
        gate = Gate(LOOPBACK, listening.getsockname()[1], any_port=True)
        kind = "pictures" if options.singles else "pairs"
        print(f"{len(pairs)} {kind}: open {gate.address} (Ctrl-C ends)", flush=True)
        PageServer(listening, gate, PAGE, routes(session)).run()
    return DONE


def _print_results(options: argparse.Namespace) -> int:
    from vidcolor.review.rates import fooling_rate, recognition_rate
    from vidcolor.review.store import Store

    with Store(options.results) as store:
        facts, answers = store.facts, store.answers()
    fooled, recognized = fooling_rate(answers), recognition_rate(answers)
    if options.json:
        rates = {"fooled": fooled, "recognized": recognized}
        found = {name: asdict(rate) for name, rate in rates.items() if rate is not None}
        print(json.dumps({"test": facts, **found}, indent=1))
        return DONE
    if fooled is None:
        print("no answers yet")
        return DONE
    print(f"{facts.get('colorized')}: taken for real {fooled}")
    if recognized is None:
        print("of pairs, where 50 % is as good as it can be")
    else:
        print(f"real pictures taken for real {recognized}")
    return DONE
