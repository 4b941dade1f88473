"""A day in an archive's life: sixty mixed things, one command, a quota, four stops, a bag.

Makes a folder of films, image sequences, proxies, junk and broken files with names of every kind;
colorizes it with one command under a limit of file size, stops that by signals, goes on, verifies
and bags. Prints a table; the exit code is 1, with a line for each fault, if anything is lost, left
behind, or told wrongly.
"""

import argparse
import hashlib
import json
import os
import resource
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import bagit
from make_archive import LARGE, LARGEST_BYTES, REFUSED, UNBAGGED, make_archive

from vidcolor.cli.main import main as vidcolor
from vidcolor.words import spelled

CONTEXT = get_context("forkserver")  # a program that has loaded its libraries starts at once
Start = Callable[..., BaseProcess]
STOPS = (signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
LEDGER = "vidcolor-ledger.sqlite"


def run_program(words: Sequence[str], told: Path, largest: int | None) -> None:
    """The program, with its standard error in a file and a limit on what it writes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    sys.exit(vidcolor(list(words)))


def start(function: Callable[..., None], *arguments: object) -> BaseProcess:
    """Start a process that calls a function and ends."""
    process = CONTEXT.Process(target=function, args=arguments)
    process.start()
    return process


class Day:
    """One archive, its output folder, and what was wrong so far.

    Args:
        folder: Where both go.
        names: The things wanted; None for all.
        starts: Starts a process that calls a function with some arguments.

    Attributes:
        faults: What was wrong, a line each.
        rows: What was done: step, exit code, films there afterwards, seconds.
    """

    def __init__(
        self, folder: Path, names: Sequence[str] | None = None, starts: Start = start
    ) -> None:
        self.archive, self.out = folder / "archive", folder / "out"
        self.faults: list[str] = []
        self.rows: list[tuple[str, int, int, float]] = []
        self._starts = starts
        self._told = folder / "stderr"
        self.things = make_archive(self.archive, names)
        self.before = dict(self.digests())

    def digests(self) -> Iterator[tuple[str, str]]:
        """What lies in the archive, byte for byte."""
        for path in sorted(self.archive.rglob("*")):
            if path.is_file() and not path.is_symlink():
                name = os.fsencode(path.relative_to(self.archive)).hex()
                yield name, hashlib.sha256(path.read_bytes()).hexdigest()

    def run(self, step: str, *options: str, largest: int | None = None) -> tuple[int, str]:
        """Run to the end; exit code and standard error."""
        began = time.perf_counter()
        process = self._start(options, largest)
        process.join()
        text = self._told.read_text(errors="replace")
        self.expect("Traceback" not in text, f"{step}: a traceback: {text[-800:]}")
        return self._row(step, process, began), text

    def stop(self, number: signal.Signals, films: int) -> int:
        """Run under the quota until so many more films are there, and stop; the exit code."""
        began = time.perf_counter()
        wanted = self.count() + films
        process = self._start(["-q"], LARGEST_BYTES)
        while process.is_alive() and self.count() < wanted:
            time.sleep(0.02)
        if process.pid is not None and process.is_alive():
            os.kill(process.pid, number)
        process.join()
        return self._row(f"stopped by {number.name}", process, began)

    def _start(self, options: Sequence[str], largest: int | None) -> BaseProcess:
        words = [str(self.archive), "-r", "-o", str(self.out), "--fps", "18"]
        words += ["--render-size", "64", "--device", "cpu", *options]
        return self._starts(run_program, words, self._told, largest)

    def _row(self, step: str, process: BaseProcess, began: float) -> int:
        code = process.exitcode or 0
        self.rows.append((step, code, self.count(), time.perf_counter() - began))
        return code

    def count(self) -> int:
        """How many films are done."""
        return len(self.sidecars())

    def sidecars(self) -> list[Path]:
        """One for each film that is done."""
        return sorted(self.out.rglob("*.colorized.json"))

    def expect(self, is_so: bool, fault: str) -> None:
        """Note a fault if something is not as it should be."""
        if not is_so:
            self.faults.append(fault)

    def states(self) -> dict[str, tuple[str, str]]:
        """State and error of each reel, by its name in the archive."""
        with sqlite3.connect(self.out / LEDGER) as ledger:
            ledger.text_factory = os.fsdecode
            rows = ledger.execute("SELECT path, state, error FROM reels").fetchall()
        base = f"{self.archive}/"
        return {
            os.fsdecode(path).removeprefix(base): (state, error or "")
            for path, state, error in rows
        }


def spend(day: Day, stops: Sequence[signal.Signals] = STOPS, films: int = 5) -> None:
    """Colorize under a quota, stop and go on; without it finish and verify; bag; check all."""
    for number in stops:
        code = day.stop(number, films)
        right = -number if number == signal.SIGKILL else 128 + number
        day.expect(code == right, f"{number.name}: exit code {code}, not {right}")
        if number != signal.SIGKILL:
            day.expect(not [*day.out.rglob(".*.part*")], f"{number.name}: a part file is left")
    code, text = day.run("under a quota", largest=LARGEST_BYTES)
    day.expect(code == 1, f"exit code {code} under the quota")
    too_large = [line for line in text.splitlines() if "the file grows larger" in line]
    day.expect(any(LARGE in line or "large" in line for line in too_large), f"quota: {text[-500:]}")
    code, text = day.run("without it, --verify", "--verify")
    day.expect(code == 1, f"exit code {code} with reels that cannot be done")
    check_states(day, text)
    check_films(day)
    left = [str(path) for name in (".*", "*report-*") for path in day.out.rglob(name)]
    day.expect(not left, f"left behind: {left}")
    check_bag(day)
    day.expect(dict(day.digests()) == day.before, "the archive has changed")


def check_states(day: Day, text: str) -> None:
    """What could be done is done, and all else is failed and told, each for its own reason."""
    states = day.states()
    for name, (state, error) in states.items():
        reason = REFUSED.get(name)
        if reason is None:
            day.expect(state == "done", f"{name!r}: {state} {error}")
            continue
        day.expect(state == "failed" and reason in error, f"{name!r}: {state}, {error}")
        day.expect(error[-60:] in text, f"{name!r}: its error is not printed: {error}")
    for name in refused(day) - states.keys():
        day.faults.append(f"{name}: unknown to the ledger")
    done = [name for name, (state, _) in states.items() if state == "done"]
    day.expect(len(done) == day.count(), f"{len(done)} reels done, {day.count()} sidecars")


def refused(day: Day) -> set[str]:
    """What of the day's things cannot be done."""
    return REFUSED.keys() & set(day.things)


def check_films(day: Day) -> None:
    """Each film is there and was read back whole."""
    for path in day.sidecars():
        facts = json.loads(path.read_text())
        film = Path(facts["output"]["path"])
        verified = facts.get("verification") or {}
        day.expect(film.exists(), f"{film}: missing")
        day.expect(verified.get("missing_frames") == 0, f"{film}: verification {verified}")


def check_bag(day: Day) -> None:
    """No bag of less than all unless that is wanted; then it is valid and names what it lacks."""
    films = day.count()
    code, text = day.run("--bagit", "--bagit")
    is_right = code == 1 and "no bag is made" in text and not (day.out / "bagit.txt").exists()
    day.expect(is_right, f"a bag of what lacks reels: {code} {text[-300:]}")
    code, text = day.run("--bag-what-succeeded", "--bagit", "--bag-what-succeeded")
    day.expect(code == 1 and "lacks" in text, f"the bag's line: {code} {text[-300:]}")
    day.expect(day.count() == films, f"{films} films before the bag, {day.count()} afterwards")
    told = (day.out / "bag-info.txt").read_text()
    unbagged = UNBAGGED & set(day.things)
    for name in refused(day) | unbagged:
        shown = " ".join(spelled(name.partition("/")[2]).split())
        day.expect(shown in told, f"{name!r}: not named in bag-info.txt")
    outside = [path for path in day.out.rglob("*.colorized.json") if "data" not in path.parts]
    day.expect(len(outside) == len(unbagged), f"outside the bag: {outside}")
    try:
        bagit.Bag(str(day.out)).validate()
    except bagit.BagError as error:
        day.faults.append(f"the bag: {error}")


def main() -> int:
    """Spend the day; the exit code is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep the day's folders there, a new one")
    arguments = parser.parse_args()
    CONTEXT.set_forkserver_preload(["vidcolor.film.colorize", "vidcolor.reels.batch"])
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        day = Day(folder)
        spend(day)
        states = day.states()
    print("| step | exit code | films there | seconds |\n|---|---:|---:|---:|")
    for step, code, films, seconds in day.rows:
        print(f"| {step} | {code} | {films} | {seconds:.0f} |")
    print(f"\n{len(day.things)} things, {len(states)} reels, {len(refused(day))} refused:")
    for reel, (state, error) in states.items():
        if state != "done":
            print(f"- {reel}: {error.removeprefix(str(day.archive))}")
    for fault in day.faults:
        print(f"FAULT: {fault!a}")
    return int(bool(day.faults))


if __name__ == "__main__":
    sys.exit(main())
