"""What the network sees of each frame of a film, and how much color it may get.

Pictures that show no scene get none: title cards, leader, blank film. Such a picture has one even
ground. What is on it, if anything, is drawn: letters, lines and rings
are thin, of one tone, and all darker or all lighter than the ground.
"""

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.color.lightness import brighten, from_log, negated, network_size, to_network
from vidcolor.frame import Frame, FrameTrace, Numbered, Seen
from vidcolor.shot import CardState, Shot

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIDE = 128
"""Short side of the pictures looked at, in pixels: grain is averaged away, letters stay."""

GROUND_TOLERANCE = 5.0
"""Difference of L* from the even ground up to which a pixel is of it."""

INK_DIFFERENCE = 10.0
"""The same above which it is drawn on the ground; between lie the edges of what is drawn."""

NEAR_GROUND = (15.0, 6.0, 6.0, 6.0)
"""As above, but of the pixels that the ground is fitted to, in rounds."""

SAMPLED = 7
"""Every so manieth of them is enough."""

LEAST_GROUND, LEAST_BOTH = 0.62, 0.88
"""Share of the picture that is ground at least, and that is ground or ink."""

LEAST_INK, MOST_SPECKS = 0.015, 0.0005
"""Share that is ink at least; below the second there is none, and the film is blank."""

LEAST_ONE_SIDED = 0.97
"""Share of the ink that is darker than the ground, or lighter."""

STROKE, MOST_BROAD = 0.07, 0.45
"""Breadth of a stroke, in short sides, and the share of the ink that may be broader."""

LEAST_EVEN = 0.73
"""How far the upper fourth of the ink's differences from the ground is from its topmost: one tone.

These bounds hold for bold and thin letters, framed ones, rings and cross hairs; of 3,000
photographs, beaches and skies among them, none passes.
"""

BLACK = 20.0
"""L* that the lightest parts of a picture must have to show what it is; the rest is too dim to see
what color it has.
"""

SCENE_FRAMES = 4
"""Frames in a row that show a scene after cards have: one may be a scratch or a splice."""

RISE_FRAMES = 8
"""Frames over which color then comes up."""


def see_frames(
    numbered: Iterable[Numbered],
    render_size: int | Callable[[Shot], int],
    open_trace: Callable[[Frame], FrameTrace | None] = lambda _: None,
    *,
    negative: bool = False,
    logarithmic: bool = False,
    begun: CardState | None = None,
) -> Iterator[Seen]:
    """Yield each frame as the network sees it.

    Args:
        numbered: The frames, those of a shot in a row.
        render_size: Short side of the picture that the network sees, in pixels; of each shot if
            shots differ.
        open_trace: Gives what takes the stages' work on a frame, if anything does.
        negative: Whether the film is a negative, of which the network sees the positive.
        logarithmic: Whether its codes are printing density, of which the network sees the light.
        begun: What the first frame's shot has shown before it; None if that begins with it.
    """
    shot, cards = None, CardWatch(begun)
    for frame, its_shot, cut in numbered:
        if its_shot != shot:
            if shot is not None:
                cards = CardWatch()
            shot = its_shot
        trace = open_trace(frame)
        began = perf_counter()
        shown = frame.cropped(its_shot.active)
        side = render_size if isinstance(render_size, int) else render_size(its_shot)
        size = network_size(shown.picture, side)
        lightness = to_network(shown.luma, shown.picture, size)
        positive = lightness
        if negative or logarithmic:
            luma = negated(shown.luma, shown.picture) if negative else shown.luma
            luma = from_log(luma, shown.picture) if logarithmic else luma
            positive = to_network(luma, shown.picture, size)
        brightened, share = brighten(positive)
        share *= cards.color_share(positive, brightened)
        if trace is not None:
            trace.add(
                "lightness", {"lightness": lightness, "exposed": brightened}, perf_counter() - began
            )
            score = {} if cut is None else cut._asdict()
            cuts = {f"cut_{name}": round(value, 4) for name, value in score.items()}
            facts = {"shot": its_shot.number, "returns_to": its_shot.returns_to, **cuts}
            trace.note(**facts, color_share=round(share, 4))
        yield Seen(frame, its_shot, lightness, brightened, share, trace, cards.state)


class CardWatch:
    """Watches one shot for cards: as long as it shows nothing else, it gets no color.

    Once there was a scene, there is no way back, so that colors do not come and go.

    Args:
        begun: What the shot has shown so far; None for a new one.
    """

    def __init__(self, begun: CardState | None = None) -> None:
        self._share, self._scenes, self._was_card = begun or CardState()

    @property
    def state(self) -> CardState:
        """All that it knows, as it is made from."""
        return CardState(self._share, self._scenes, self._was_card)

    def color_share(self, lightness: Map, brightened: Map) -> float:
        """What colors of the next frame are to be multiplied with, in [0, 1].

        Args:
            lightness: L* of the picture, (H, W).
            brightened: The same as the network sees it.
        """
        if self._share == 1:
            return 1.0
        if np.percentile(lightness[::4, ::4], 99) < BLACK:
            return self._share if self._was_card else 1.0
        if is_card(brightened):
            self._was_card = True
            self._scenes = 0
        else:
            self._scenes += 1
        if not self._was_card:
            self._share = 1.0
        elif self._share or self._scenes > SCENE_FRAMES:
            self._share = min(1.0, self._share + 1 / RISE_FRAMES)
        return self._share


def is_card(lightness: Map) -> bool:
    """Say whether a picture shows no scene.

    Args:
        lightness: L* in [0, 100], (H, W), exposed well.
    """
    height, width = lightness.shape
    scale = SIDE / min(height, width)
    size = (round(width * scale), round(height * scale))
    small = np.asarray(cv2.resize(lightness, size, interpolation=cv2.INTER_AREA), np.float32)
    difference = _from_ground(small)
    if difference is None:
        return False
    ground = float((np.abs(difference) < GROUND_TOLERANCE).mean())
    ink = np.abs(difference) > INK_DIFFERENCE
    share = float(ink.mean())
    if share < MOST_SPECKS:
        return ground + share > LEAST_BOTH
    return (
        share > LEAST_INK
        and ground > LEAST_GROUND
        and ground + share > LEAST_BOTH
        and _is_drawn(difference[ink])
        and _broad_share(ink) < MOST_BROAD
    )


def _from_ground(small: Map) -> Map | None:
    """How much lighter each pixel is than the even ground, if there is one."""
    height, width = small.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1).reshape(-1, 6)
    values = small.reshape(-1)
    difference = values - np.median(values)
    for near in NEAR_GROUND:
        of_ground = np.abs(difference) < near
        if of_ground.mean() < LEAST_GROUND / 2:
            return None
        some = np.flatnonzero(of_ground)[::SAMPLED]
        # Small equations, and sums not by BLAS: of large ones its threads wait for more in a loop.
        known = terms[some]
        squares = np.einsum("nt,nu->tu", known, known)
        products = np.einsum("nt,n->t", known, values[some])
        fitted, *_ = np.linalg.lstsq(squares, products, rcond=None)
        difference = values - np.einsum("nt,t->n", terms, fitted)
    return np.asarray(cv2.GaussianBlur(difference.reshape(small.shape), (0, 0), 0.7), np.float32)


def _is_drawn(differences: Map) -> bool:
    """Whether ink is all on one side of the ground, and of one tone."""
    lighter = float((differences > 0).mean())
    fourth, top = np.percentile(np.abs(differences), (75, 97))
    return max(lighter, 1 - lighter) > LEAST_ONE_SIDED and fourth > LEAST_EVEN * top


def _broad_share(ink: Mask) -> float:
    """How much of the ink is broader than a stroke."""
    side = round(STROKE * SIDE) | 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    broad = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_OPEN, brush)
    return float(broad.mean() / ink.mean())
