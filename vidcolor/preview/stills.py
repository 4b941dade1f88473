"""Frames as pictures to look at, in black and white and in color."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.color.lightness import display_turn, shown_aspect
from vidcolor.color.rgb import full_luma, rgb_picture
from vidcolor.frame import Colored, Frame, FrameFormat, Plane
from vidcolor.models.zoo import Model
from vidcolor.pipeline.run import colorize_stills
from vidcolor.report.checks import LEAST_FRAMES, find_doubtful_shots
from vidcolor.report.timeline import Timeline
from vidcolor.settings import Settings

Picture = NDArray[np.uint8]

LONGEST_SIDE = 960
"""Pixels that a frame is shrunk to before it is colored: the network sees fewer."""


class Still(NamedTuple):
    """A frame to look at.

    Attributes:
        frame: The frame, shrunk.
        before: R', G' and B' of its luma alone, (H, W, 3), upright, its pixels square.
        after: The same in color.
        doubts: Why its colors are worth a look, a phrase each.
    """

    frame: Frame
    before: Picture
    after: Picture
    doubts: tuple[str, ...]


def color_frames(frames: Sequence[Frame], model: Model, settings: Settings) -> list[Still]:
    """Color frames, each by itself.

    In a film their colors are smoothed over time as well, which changes them little.

    Args:
        frames: The frames.
        model: What predicts.
        settings: All settings.
    """
    colored = list(colorize_stills([shrink(frame) for frame in frames], model, settings))
    doubts = find_doubts(colored)
    return [
        Still(one.frame, show_gray(one.frame), show_color(one), doubt)
        for one, doubt in zip(colored, doubts, strict=True)
    ]


def shrink(frame: Frame, longest_side: int = LONGEST_SIDE) -> Frame:
    """A frame whose longer side has so many pixels at most, its chroma planes as large as luma."""
    height, width = frame.luma.shape
    scale = min(1.0, longest_side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    luma = cast(Plane, cv2.resize(frame.luma, size, interpolation=cv2.INTER_AREA))
    picture = replace(
        frame.picture, width=size[0], height=size[1], log2_chroma_width=0, log2_chroma_height=0
    )
    return replace(frame, luma=luma, picture=picture, top_field_first=None)


def find_doubts(colored: Sequence[Colored]) -> Iterator[tuple[str, ...]]:
    """What is unusual about each frame, as if it were a shot."""
    timeline = Timeline()
    for number, one in enumerate(colored):
        for _ in range(LEAST_FRAMES):
            timeline.add(
                one.ab,
                seconds=one.frame.seconds,
                shot=number,
                confidence=one.confidence,
                gamut_limited_share=one.chroma.gamut_limited_share,
                lightness=one.lightness,
            )
    found = {shot.shot: tuple(shot.reasons) for shot in find_doubtful_shots(timeline.shots())}
    return (found.get(number, ()) for number in range(len(colored)))


def show_color(one: Colored) -> Picture:
    """A colored frame as it is shown.

    Args:
        one: The frame; its chroma planes are as large as its luma.

    Returns:
        R', G' and B', (H, W, 3), upright, its pixels square.
    """
    picture = one.frame.picture
    return show_rgb(rgb_picture(one.frame.luma, one.chroma[:2], picture, picture.depth), picture)


def show_gray(frame: Frame) -> Picture:
    """The luma of a frame as it is shown; see `show_color`."""
    gray = full_luma(frame.luma, frame.picture, frame.picture.depth)
    return show_rgb(cast(Plane, np.repeat(gray[..., None], 3, axis=2)), frame.picture)


def show_rgb(codes: Plane, picture: FrameFormat) -> Picture:
    """R', G' and B' of any depth as they are shown: 8 bits, upright, pixels square."""
    rgb = np.asarray(np.right_shift(codes, picture.depth - 8), np.uint8)
    transposed, mirrored, flipped = display_turn(picture)
    rgb = rgb.transpose(1, 0, 2) if transposed else rgb
    rgb = rgb[:, ::-1] if mirrored else rgb
    rgb = rgb[::-1] if flipped else rgb
    height, width = rgb.shape[:2]
    size = (max(1, round(height * shown_aspect(picture))), height)
    if size != (width, height):
        resized = cv2.resize(np.ascontiguousarray(rgb), size, interpolation=cv2.INTER_AREA)
        rgb = np.asarray(resized, np.uint8)
    return np.ascontiguousarray(rgb, np.uint8)
