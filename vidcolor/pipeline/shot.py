"""The order of the stages in one shot: what is seen of its frames in, the colors wanted out."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from time import perf_counter

import numpy as np
import torch

from vidcolor.color.bins import Decoded
from vidcolor.directing.evidence import UNDIRECTED_SHOT, DirectedShot, hold
from vidcolor.directing.grade import grade
from vidcolor.directing.pool import asking_both
from vidcolor.directing.script import PLAIN, Look
from vidcolor.frame import Guess, Mapped, Prediction, Seen
from vidcolor.models.predict import predict_frames
from vidcolor.models.zoo import Model
from vidcolor.pipeline.decoder import Decoder
from vidcolor.pipeline.parts import begin_with, part_frames, state_after
from vidcolor.pipeline.trace import show_smoothed
from vidcolor.refine.flood import Flood
from vidcolor.refine.refined import Decode, Refiner
from vidcolor.refine.scribble import Scribble
from vidcolor.settings import ColorSettings, Settings
from vidcolor.shot import Shot, ShotState, Ungraded
from vidcolor.temporal.gain import ChromaGain
from vidcolor.temporal.keyframes import Ask
from vidcolor.temporal.memory import ShotMemory
from vidcolor.temporal.smoothing import steady

EVERY = 4
"""Step, across and down, between the pixels that tell how strong a frame's own colors are."""


def colorize_shot(
    frames: Iterable[Seen],
    shot: Shot,
    memory: ShotMemory,
    model: Model,
    settings: Settings,
    told: DirectedShot = UNDIRECTED_SHOT,
    state: ShotState | None = None,
) -> Iterator[Guess]:
    """Yield each frame of one shot with the small map of its colors.

    All that is remembered from frame to frame begins and ends here, but for the ending of the shot
    that this one returns to. The last frame of each part brings all of it.

    Args:
        frames: The shot's frames, or those from the beginning of a part on.
        shot: Which one it is.
        memory: Holds how earlier shots ended, and receives how this one does.
        model: What predicts.
        settings: All settings.
        told: What a color script says of them.
        state: What the part before brought, with which these go on; None from the shot's first on.
    """
    decode = usual = Decoder(model.decoding, settings.color)
    refine = find_refiner(settings, lambda probabilities: decode(probabilities).ab)
    if state is None:
        ending, begun = memory.recall(shot.returns_to), None
    else:
        ending, begun = begin_with(state, model.device)
        if refine is not None:
            refine.restore(state.refined)
    ask: Ask = partial(predict_frames, model=model, batch_size=settings.model.batch_size)
    if told.says_anything:
        ask = asking_both(ask, told.said_of, model.decoding, settings.color.vividness)
    with closing(steady(frames, ask, settings.temporal, ending.histogram, begun)) as steadied:
        for count, mapped in enumerate(steadied, 1):
            ending = ending._replace(histogram=mapped.prediction)
            look = told.direction.look_of(mapped.seen.frame, shot)
            decode = usual.with_vividness(look.vividness)
            guess = guess_colors(
                mapped, ending.strength, decode, refine, settings.color, look, told
            )
            if count % part_frames(mapped.seen.frame.picture, model) == 0:
                guess = guess._replace(state=state_after(mapped, ending.strength, refine))
            yield guess
    memory.keep(shot.number, ending)


def find_refiner(settings: Settings, colors: Decode) -> Refiner | None:
    """What refines the predictions of one shot, frame by frame; None if nothing does."""
    refine, memory = settings.refine, settings.temporal.smoothing
    if refine.method == "flood":
        return Flood(colors, threshold=refine.threshold, memory=memory)
    if refine.method == "scribble":
        return Scribble(colors, memory=memory)
    return None


def guess_colors(
    mapped: Mapped,
    strength: ChromaGain,
    decode: Decoder,
    refine: Refiner | None,
    color: ColorSettings,
    look: Look = PLAIN,
    told: DirectedShot = UNDIRECTED_SHOT,
) -> Guess:
    """What a frame's smoothed prediction says of its colors."""
    seen, prediction, began, _ = mapped
    refined = None if refine is None else refine(prediction)
    decoded = decode(prediction.map)
    gain = _gain(prediction, decoded, strength, decode)
    if seen.trace is not None:
        seen.trace.note(gain=round(gain, 4))
        if (said := told.said_of(seen)) is not None:
            seen.trace.add("evidence", {"ab": said.coarse_ab, "share": said.share})
        show_smoothed(seen.trace, prediction, refined, perf_counter() - began, gain=gain)
    ab = torch.from_numpy(refined.ab) if refined else decoded.ab
    strong = decode.strengthen(ab, gain).cpu().numpy()
    strong = hold(strong, told.held_of(seen))
    ungraded = Ungraded(strong, told.digest_of(seen, look.before_grading))
    return grade_frame(
        seen, ungraded, look, color, decoded.confidence, directed=told.digest_of(seen, look)
    )


def grade_frame(
    seen: Seen,
    ungraded: Ungraded,
    look: Look,
    color: ColorSettings,
    confidence: float,
    *,
    directed: str | None,
) -> Guess:
    """What is known of a frame's colors, as they are wanted; see `Guess`.

    Args:
        seen: The frame.
        ungraded: Its decoded colors.
        look: What a color script sets for it.
        color: What the user sets for the film.
        confidence: See `Guess`.
        directed: Likewise.
    """
    share = seen.color_share
    ab = ungraded.ab * np.float32(share)
    wanted = grade(ab, look, seen.lightness, saturation=color.saturation, share=share)
    return Guess(seen, wanted, confidence, directed, ungraded=ungraded)


def _gain(prediction: Prediction, decoded: Decoded, strength: ChromaGain, decode: Decoder) -> float:
    """What makes the colors of a smoothed prediction as strong as the frame's own."""
    if prediction.weight is None:
        return 1.0
    smoothed = decoded.ab.cpu().numpy()
    if prediction.predicted is None:
        return strength.gain_spared(smoothed)
    alone = decode(prediction.predicted[:, ::EVERY, ::EVERY]).ab
    return strength.gain(alone.cpu().numpy(), smoothed)
