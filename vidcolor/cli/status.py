"""`--status DIR`: what the ledger of an output folder says."""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Literal

from vidcolor.cli.output import say
from vidcolor.files import cell_text
from vidcolor.reels.ledger import Entry, read_ledger
from vidcolor.report.sidecar import plain_items

StatusFormat = Literal["text", "json", "csv"]


def print_status(folder: Path, status_format: StatusFormat) -> int:
    """Print the state of every reel of an output folder; the exit code."""
    entries = read_ledger(folder)
    if status_format == "json":
        print(json.dumps([plain_items(asdict(entry)) for entry in entries], indent=1))
    elif status_format == "csv":
        _print_csv(entries)
    else:
        _print_text(folder, entries)
    return 0


def _print_csv(entries: Iterable[Entry]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(field.name for field in fields(Entry))
    for entry in entries:
        writer.writerow(map(cell_text, asdict(entry).values()))


def _print_text(folder: Path, entries: Iterable[Entry]) -> None:
    entries = list(entries)
    states = Counter(entry.state for entry in entries)
    say(f"{folder}: {len(entries)} reels: {', '.join(f'{n} {s}' for s, n in states.items())}")
    for entry in entries:
        shots = f"{entry.shots:4} shots {entry.frames:8} frames" if entry.shots else " " * 26
        film = f" -> {entry.output}" if entry.state == "done" else ""
        say(f"{entry.state:8} {shots}  {entry.path}{film}{entry.error and f': {entry.error}'}")
