"""How right the cuts found in a film are, against those labelled by a person.

A label is a range of frames: one frame for a hard cut, those of the transition for a dissolve or a
fade. It is met by one cut in it; any more, and any cut outside, are false.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class CutCounts:
    """Cuts found, counted against labels; may be added over films.

    Attributes:
        right: Labels met.
        false: Cuts found that meet none.
        missed: Labels not met.
    """

    right: int = 0
    false: int = 0
    missed: int = 0

    def __add__(self, other: "CutCounts") -> "CutCounts":
        return CutCounts(
            self.right + other.right, self.false + other.false, self.missed + other.missed
        )

    @property
    def precision(self) -> float:
        """The share of right ones among those found, in [0, 1]; 1 if none was found."""
        found = self.right + self.false
        return self.right / found if found else 1.0

    @property
    def recall(self) -> float:
        """The share of those labelled that was found, in [0, 1]; 1 if none is labelled."""
        labelled = self.right + self.missed
        return self.right / labelled if labelled else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, in [0, 1]."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def count_cuts(found: Iterable[int], labels: Sequence[range]) -> CutCounts:
    """Count the cuts found in a film against its labels.

    Args:
        found: First frames of the shots but for the film's first, in order, counted from 0.
        labels: The frames in which each cut may be.

    Returns:
        The counts; where labels overlap, as many as possible are met.
    """
    # The cut that comes first takes the label that ends first: no other choice meets more.
    open_labels = sorted(labels, key=lambda label: label.stop)
    right = false = 0
    for frame in sorted(found):
        met = next((label for label in open_labels if frame in label), None)
        if met is None:
            false += 1
        else:
            open_labels.remove(met)
            right += 1
    return CutCounts(right, false, len(open_labels))


def first_frames(numbers: Iterable[int]) -> list[int]:
    """The first frame of each shot but for the film's first, from the shot number of each frame."""
    pairs = enumerate(pairwise(numbers), start=1)
    return [frame for frame, (before, now) in pairs if now != before]


def parse_labels(text: str) -> dict[str, list[range]]:
    """Read labels of cuts, one film a line.

    Args:
        text: Lines of a file name and, after a tab, cuts: `44` is a hard cut to that frame, `80-95`
            a transition from the first of these frames to the last. Lines that are empty or begin
            with # are left out.

    Returns:
        By file name the frames in which each cut may be.

    Raises:
        ValueError: A film stands there twice, or a cut is no number or ends before it begins.
    """
    labels: dict[str, list[range]] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, cuts = line.partition("\t")
        if name in labels:
            raise ValueError(f"{name} has more than one line of cuts")
        labels[name] = [_parse_cut(cut, line) for cut in cuts.split()]
    return labels


def _parse_cut(cut: str, line: str) -> range:
    first, _, last = cut.partition("-")
    try:
        frames = range(int(first), int(last or first) + 1)
    except ValueError as error:
        raise ValueError(f"{cut!r} in {line!r} is no frame and no range of frames") from error
    if not frames:
        raise ValueError(f"{cut!r} in {line!r} ends before it begins")
    return frames
