from itertools import pairwise
from pathlib import Path

import pytest

from vidcolor.evaluation.cuts import CutCounts, count_cuts, first_frames, parse_labels

LABELS = [range(44, 45), range(80, 96)]


def test_a_hard_cut_is_right_in_its_very_frame() -> None:
    """One frame off is a false cut and a miss."""
    assert count_cuts([44], LABELS[:1]) == CutCounts(1, 0, 0)
    assert count_cuts([45], LABELS[:1]) == count_cuts([43], LABELS[:1]) == CutCounts(0, 1, 1)


@pytest.mark.parametrize("frame", [80, 87, 95])
def test_a_transition_is_met_anywhere_within(frame: int) -> None:
    """The first frame, the last one and any between them will do."""
    assert count_cuts([44, frame], LABELS) == CutCounts(2, 0, 0)


def test_a_transition_is_met_once() -> None:
    """More cuts within a transition are false, and so are those just outside."""
    assert count_cuts([44, 82, 90], LABELS) == CutCounts(2, 1, 0)
    assert count_cuts([44, 79, 96], LABELS) == CutCounts(1, 2, 1)


def test_overlapping_labels_are_both_met() -> None:
    """A cut takes the label that leaves the other one open for the next cut."""
    assert count_cuts([5, 8], [range(10), range(3, 6)]) == CutCounts(2, 0, 0)


def test_nothing_found_and_nothing_labelled_is_perfect() -> None:
    """A single shot left whole has no error; nothing found of two cuts is precise but useless."""
    still, blind = count_cuts([], []), count_cuts([], LABELS)
    assert (still.precision, still.recall, still.f1) == (1, 1, 1)
    assert (blind.precision, blind.recall, blind.f1) == (1, 0, 0)


def test_counts_add_up_over_films() -> None:
    """Shares are those of all cuts together, not the mean of those of the films."""
    total = CutCounts(8, 0, 0) + CutCounts(1, 1, 3)
    assert total == CutCounts(9, 1, 3)
    assert (total.precision, total.recall) == (0.9, 0.75)
    assert total.f1 == pytest.approx(2 * 9 / (2 * 9 + 1 + 3))


def test_all_wrong_has_no_f1() -> None:
    """Where nothing is right all three are 0."""
    wrong = CutCounts(0, 2, 3)
    assert (wrong.precision, wrong.recall, wrong.f1) == (0, 0, 0)


def test_first_frames_of_shots() -> None:
    """The frames where the number changes; a film of one shot or none has none."""
    assert first_frames([0, 0, 1, 2, 2]) == [2, 3]
    assert first_frames([4]) == first_frames([]) == []


def test_labels_are_read() -> None:
    """Names may hold spaces; cuts and transitions come in order; comments are left out."""
    text = "# said\n\na b.mp4\t44 80-95\nstill.mkv\n"
    assert parse_labels(text) == {"a b.mp4": LABELS, "still.mkv": []}


@pytest.mark.parametrize("line", ["a\t4x", "a\t9-8", "a\t-3", "a\t1\na\t2"])
def test_wrong_labels_are_refused(line: str) -> None:
    """A cut that is no frame, a range that runs backwards and a film named twice are told."""
    with pytest.raises(ValueError, match="a"):
        parse_labels(line)


def test_our_labels_can_be_read() -> None:
    """The labels of the clips stand in order and do not overlap."""
    labels = parse_labels((Path(__file__).parent / "data" / "cuts.txt").read_text(encoding="utf-8"))
    assert sum(map(len, labels.values())) == 18
    for cuts in labels.values():
        assert all(one.stop <= other.start for one, other in pairwise(cuts))
