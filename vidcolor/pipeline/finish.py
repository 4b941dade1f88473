"""The last stage: from the colors wanted of a frame to its chroma planes."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from time import perf_counter

import cv2
import numpy as np
import torch

from vidcolor.color.own import mixed_chroma, own_ab, own_chroma, with_overlay
from vidcolor.color.planes import chroma_planes
from vidcolor.frame import MAP_STRIDE, Chroma, Colored, Frame, Guess, Record, Seen
from vidcolor.models.zoo import Model
from vidcolor.pipeline.cores import one_torch_thread
from vidcolor.pipeline.parts import part_frames
from vidcolor.pipeline.trace import show_chroma
from vidcolor.settings import ColorSettings, Settings
from vidcolor.shot import Shot, ShotState
from vidcolor.threads import helper_count, map_ahead


def keeps_color(shot: Shot, settings: ColorSettings) -> bool:
    """Whether a shot goes out with the color that it has in the source."""
    if shot.color is None:
        return False
    return shot.color.is_color or (shot.color.is_tinted and settings.tint == "keep")


def keep_shot(frames: Iterable[Seen], model: Model) -> Iterator[Guess]:
    """What is known of the colors of the frames of a shot that keeps them."""
    for count, seen in enumerate(frames, 1):
        rows, columns = seen.lightness.shape
        ab = own_ab(seen.frame, (rows // MAP_STRIDE, columns // MAP_STRIDE))
        ends_part = count % part_frames(seen.frame.picture, model) == 0
        yield Guess(seen, ab, 1.0, state=ShotState(cards=seen.cards) if ends_part else None)


def _kept_record(frame: Frame, chroma: Chroma) -> Record:
    """What a trace is shown in place of what is made on the way to new chroma."""
    shape = chroma.cb.shape
    ab = own_ab(frame, (shape[0], shape[1]))
    whole = {"cb_unlimited": chroma.cb, "cr_unlimited": chroma.cr}
    return {"ab": ab, "gamut_share": np.ones(shape, np.float32), **whole}


def finish_frames(
    inferred: Iterable[Guess], settings: Settings, device: torch.device
) -> Generator[Colored, None, None]:
    """Each frame with its chroma planes."""

    def finish(guess: Guess) -> tuple[Colored, Record | None, float]:
        seen, ab = guess.seen, guess.ab
        is_kept = keeps_color(seen.shot, settings.color)
        record: Record | None = None if seen.trace is None else {}
        began = perf_counter()
        if is_kept:
            chroma = own_chroma(seen.frame)
            if record is not None:
                record.update(_kept_record(seen.frame, chroma))
        else:
            chroma = chroma_planes(
                seen.frame,
                ab,
                seen.lightness,
                record,
                active=seen.shot.active,
                upsample=settings.color.upsample,
                device=device,
            )
            source = seen.shot.color
            if source is not None and source.is_tinted and settings.color.tint == "mix":
                chroma = mixed_chroma(chroma, seen.frame)
            if source is not None and source.overlay:
                chroma = with_overlay(chroma, seen.frame, (source.cb, source.cr))
        small = cv2.resize(seen.lightness, ab.shape[:0:-1], interpolation=cv2.INTER_AREA)
        lightness = np.asarray(small, np.float32)  # (h, w), as the map
        colored = Colored(
            seen.frame,
            chroma,
            ab,
            lightness,
            guess.confidence,
            seen.shot,
            seen.trace,
            guess.directed,
            guess.state,
            guess.ungraded,
        )
        return colored, record, perf_counter() - began

    with closing(map_ahead(finish, inferred, helper_count(), one_torch_thread)) as finished:
        for colored, record, seconds in finished:
            if colored.trace is not None and record is not None:
                show_chroma(colored.trace, colored.chroma, record, seconds)
            yield colored
