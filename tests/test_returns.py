import glob
from pathlib import Path

import cv2
import numpy as np
import torch
from clips import CLIPS, each_clip, needs_clips, soft_shot
from photographs import NAMES, panned

from vidcolor.evaluation.cuts import parse_labels
from vidcolor.frame import Prediction
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.shots.cuts import REMEMBERED_SHOTS, number_shots
from vidcolor.shots.detail import small_luma
from vidcolor.temporal.gain import ChromaGain
from vidcolor.temporal.memory import ShotEnding, ShotMemory

LABELS = parse_labels((Path(__file__).parent / "data" / "cuts.txt").read_text(encoding="utf-8"))
A, B, C = (soft_shot(seed, 40) for seed in (1, 2, 3))
BLACK = [np.full_like(A[0], 16)] * 8


def returns(*shots: list[np.ndarray]) -> list[int | None]:
    """For each shot found the one that it returns to; all that were put together must be found."""
    frames = ((luma, small_luma(luma, 8)) for shot in shots for luma in shot)
    found = list(dict.fromkeys(shot for _, shot, _ in number_shots(frames)))
    assert [shot.number for shot in found] == list(range(len(shots)))
    return [shot.returns_to for shot in found]


def test_a_set_up_is_known_again() -> None:
    """In A B A B C A each goes on with its like, also after more than one other."""
    *found, last = returns(A[:8], B[:8], A[8:16], B[8:16], C[:8], A[16:24])
    assert found == [None, None, 0, 1, None]
    assert last in (0, 2)


def test_light_and_grain_do_not_hide_it() -> None:
    """A darker, flatter and grainier picture of the same is the same set-up."""
    rng = np.random.default_rng(0)
    dim = [np.clip(30 + 0.6 * p + rng.normal(0, 6, p.shape), 0, 255).astype(np.uint8) for p in A]
    assert returns(A[:8], B[:8], dim[8:16]) == [None, None, 0]


def test_black_between_two_pictures_is_no_set_up() -> None:
    """Blank frames are all alike and tell nothing."""
    assert returns(A[:8], BLACK, B[:8], BLACK, C[:8]) == [None] * 5


def test_a_set_up_is_forgotten_in_the_end() -> None:
    """It comes back after as many shots as are remembered, and after one more it is new."""
    others = [soft_shot(seed, 6) for seed in range(10, 10 + REMEMBERED_SHOTS)]
    assert returns(A[:8], *others[:-1], A[8:16])[-1] == 0
    assert returns(A[:8], *others, A[8:16])[-1] is None


def test_a_dissolve_is_no_return() -> None:
    """Where B comes up over A, B's first frames are still like A's last."""
    way = [
        cv2.addWeighted(one, 1 - t / 13, other, t / 13, 0)
        for t, (one, other) in enumerate([(A[0], B[0])] * 13)
    ]
    frames = ((luma, small_luma(luma, 8)) for luma in [A[0]] * 20 + way + [B[0]] * 20)
    shots = {shot for _, shot, _ in number_shots(frames)}
    assert {shot.returns_to for shot in shots} == {None}
    assert len(shots) == 2


def test_a_photograph_that_comes_back_is_known_again() -> None:
    """Of four real pictures each is another set-up; the first one, seen again, is the first one."""
    films = {name: [luma for luma, *_ in panned(name, 16)] for name in NAMES}
    first, *others = (films[name] for name in NAMES)
    shots = returns(first[:8], *(film[:8] for film in others), first[8:])
    assert shots == [None] * len(NAMES) + [0]


@needs_clips
@each_clip([name for name, cuts in LABELS.items() if cuts])
def test_no_set_up_comes_back_in_clips_that_have_none(clip: str) -> None:
    """Nothing is taken for a return in real films of different pictures."""
    (path,) = CLIPS.glob(f"*/{glob.escape(clip)}")
    frames = (
        (frame, small_luma(frame.luma, frame.picture.depth))
        for frame in read_frames(probe(path), Damage())
    )
    shots = {shot for _, shot, _ in number_shots(frames)}
    assert [shot.returns_to for shot in shots] == [None] * (len(LABELS[clip]) + 1)


def ending(value: float) -> ShotEnding:
    """An ending whose histogram has one value all over."""
    probabilities = torch.full((3, 2, 2), value)
    lightness = np.zeros((8, 8), np.float32)
    strength = ChromaGain()
    strength.gain(np.ones((2, 2, 2), np.float32), np.ones((2, 2, 2), np.float32))
    weight = np.ones((2, 2), np.float32)
    return ShotEnding(Prediction(probabilities, lightness, weight=weight), strength)


def test_endings_are_recalled_by_number() -> None:
    """As many as asked for are remembered, the oldest is forgotten first."""
    memory = ShotMemory(2)
    for shot in range(3):
        memory.keep(shot, ending(shot))
    assert memory.recall(0).histogram is None
    assert memory.recall(None).histogram is None
    for shot in (1, 2):
        histogram = memory.recall(shot).histogram
        assert histogram is not None
        assert histogram.map.unique().tolist() == [shot]


def test_what_goes_on_does_not_change_what_is_remembered() -> None:
    """A shot that goes on with another one's strength leaves that as it was."""
    memory = ShotMemory(1)
    memory.keep(0, ending(1))
    more, less = np.full((2, 2, 2), 1.1, np.float32), np.ones((2, 2, 2), np.float32)
    first, again = (memory.recall(0).strength.gain(more, less) for _ in range(2))
    assert first == again > 1


def test_an_unsmoothed_shot_leaves_nothing() -> None:
    """Without smoothing there is no past to go on with."""
    memory = ShotMemory(1)
    memory.keep(0, ShotEnding(Prediction(torch.ones(3, 2, 2), np.zeros((8, 8))), ChromaGain()))
    assert memory.recall(0).histogram is None
