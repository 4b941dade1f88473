"""The cuts' part of evaluate.py: finds the cuts of labelled films and prints how right they are.

The labels lie in tests/data/cuts.txt, which says how they were made.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from vidcolor.errors import SourceError
from vidcolor.evaluation.cuts import CutCounts, count_cuts, first_frames, parse_labels
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.shots.cuts import number_shots
from vidcolor.shots.detail import small_luma

LABELS = Path(__file__).parents[1] / "tests" / "data" / "cuts.txt"
_COLUMNS = ("labelled", "right", "false", "missed", "precision", "recall", "F1")


class Found(NamedTuple):
    """A film's cuts.

    Attributes:
        cuts: First frames of its shots but for the first.
        frames: How many frames it has.
        seconds: What finding took, without decoding and `small_luma`.
    """

    cuts: list[int]
    frames: int
    seconds: float


def evaluate_cuts(paths: Sequence[Path], labels: Path = LABELS) -> dict[str, object]:
    """Print the table of films and give their figures, by film and in all."""
    labelled = parse_labels(labels.read_text(encoding="utf-8"))
    print(f"{'cuts':40}" + "".join(f"{name:>10}" for name in _COLUMNS))
    films, total, frames, seconds = {}, CutCounts(), 0, 0.0
    for path in paths:
        if path.name not in labelled:
            print(f"{path.name} left out: not labelled")
            continue
        try:
            found = find_cuts(path)
        except SourceError as error:
            print(f"{path.name} left out: {error}")
            continue
        counts = count_cuts(found.cuts, labelled[path.name])
        films[str(path)] = {"found": found.cuts, **figures(counts)}
        print_row(path.name, counts)
        total += counts
        frames += found.frames
        seconds += found.seconds
    print_row(f"all {len(films)}, {frames} frames", total)
    microseconds = 1e6 * seconds / max(1, frames)
    print(f"{microseconds:.0f} microseconds a frame")
    return {"films": films, "all": figures(total), "microseconds": microseconds}


def find_cuts(path: Path) -> Found:
    """The cuts that the program finds in a film."""
    source = probe(path)
    frames = read_frames(source, Damage())
    pictures = [small_luma(frame.luma, frame.picture.depth) for frame in frames]
    began = perf_counter()
    numbers = [shot.number for _, shot, _ in number_shots(enumerate(pictures))]
    return Found(first_frames(numbers), len(pictures), perf_counter() - began)


def figures(counts: CutCounts) -> dict[str, float]:
    """Counts and shares of a row."""
    shares = {name: getattr(counts, name) for name in ("precision", "recall", "f1")}
    return asdict(counts) | shares


def print_row(label: str, counts: CutCounts) -> None:
    """One line of the table."""
    numbers = (counts.right + counts.missed, counts.right, counts.false, counts.missed)
    shares = (counts.precision, counts.recall, counts.f1)
    cells = [f"{number:10}" for number in numbers] + [f"{share:10.3f}" for share in shares]
    print(f"{label[:39]:40}" + "".join(cells))
