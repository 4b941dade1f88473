"""`--status DIR`: what the ledger of an output folder says."""

from collections import Counter
from pathlib import Path

from vidcolor.cli.output import say
from vidcolor.reels.ledger import read_ledger


def print_status(folder: Path) -> int:
    """Print the state of every reel of an output folder; the exit code."""
    entries = read_ledger(folder)
    states = Counter(entry.state for entry in entries)
    say(f"{folder}: {len(entries)} reels: {', '.join(f'{n} {s}' for s, n in states.items())}")
    for entry in entries:
        shots = f"{entry.shots:4} shots {entry.frames:8} frames" if entry.shots else " " * 26
        film = f" -> {entry.output}" if entry.state == "done" else ""
        say(f"{entry.state:8} {shots}  {entry.path}{film}{entry.error and f': {entry.error}'}")
    return 0
