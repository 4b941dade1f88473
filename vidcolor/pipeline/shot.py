"""The order of the stages in one shot: what is seen of its frames in, the colors wanted out."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import chain, islice
from time import perf_counter

import numpy as np
import torch

from vidcolor.color.bins import Decoded
from vidcolor.directing.evidence import UNDIRECTED_SHOT, DirectedShot, hold
from vidcolor.directing.grade import grade
from vidcolor.directing.pool import asking_both
from vidcolor.directing.script import Look
from vidcolor.frame import Guess, Map, Prediction, Seen
from vidcolor.models.predict import predict_frames
from vidcolor.models.zoo import Model
from vidcolor.pipeline.choices import Choices
from vidcolor.pipeline.decoder import Decoder
from vidcolor.pipeline.parts import batch_size, begin_with, is_slow, part_frames, state_after
from vidcolor.pipeline.trace import show_smoothed
from vidcolor.refine.flood import Flood
from vidcolor.refine.refined import Decode, Refined, Refiner
from vidcolor.refine.scribble import Scribble
from vidcolor.settings import ColorSettings, Settings
from vidcolor.shot import Shot, ShotState, Ungraded
from vidcolor.temporal.between import colors_between, prediction_between
from vidcolor.temporal.gain import ChromaGain
from vidcolor.temporal.keyframes import Ask, Span, find_spans
from vidcolor.temporal.memory import ShotMemory
from vidcolor.temporal.smoothing import steady

EVERY = 4
"""Step, across and down, between the pixels that tell how strong a frame's own colors are."""


def colorize_shot(
    frames: Iterable[Seen],
    shot: Shot,
    memory: ShotMemory,
    choices: Choices,
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
        choices: Give the shot's model and settings.
        told: What a color script says of them.
        state: What the part before brought, with which these go on; None from the shot's first on.
    """
    coming = iter(frames)
    first = list(islice(coming, 1))
    if not first:
        return
    model, settings = choices.model_of(shot), choices.settings_of(shot)
    picture = first[0].frame.picture
    part = part_frames(picture, choices.film)
    coloring = _Coloring(Decoder(model.decoding, settings.color), settings, told, shot)
    recalled = past = before = None
    if state is None:
        ending = memory.recall(choices.recalled_by(shot)).on(model.device)
        recalled = ending.histogram
    else:
        ending = begin_with(state, model.device)
        coloring.restore(state)
        if (past := ending.histogram) is not None:
            before = Keyframe(past, ending.strength.now)
    batch = batch_size(picture, settings.model.batch_size)
    ask: Ask = partial(predict_frames, model=model, batch_size=batch)
    if told.says_anything:
        ask = asking_both(ask, told.said_of, model.decoding, settings.color.vividness)
    lightness = None if past is None else past.lightness
    varies = told.direction.sets_smoothing
    spans = find_spans(
        map(coloring.as_set, chain(first, coming)),
        settings.temporal,
        part=part,
        before=lightness,
        is_slow=is_slow(model),
    )
    count = 0
    with closing(steady(spans, ask, settings.temporal, recalled, past, varies=varies)) as steadied:
        for span, prediction, began in steadied:
            keyframe = coloring.find_keyframe(span, prediction, ending.strength)
            if before is not None:
                yield from coloring.between(span, before, keyframe)
            guess = coloring.of_keyframe(span.keyframe, keyframe, began)
            count += span.length
            if count % part == 0:
                state = state_after(span.keyframe, prediction, ending.strength, coloring.refine)
                guess = guess._replace(state=state)
            yield guess
            before, ending = keyframe, ending._replace(histogram=prediction)
    memory.keep(shot.number, ending)


def colorize_still(seen: Seen, prediction: Prediction, model: Model, settings: Settings) -> Guess:
    """The colors of a picture that stands alone: those of a shot of that one frame."""
    decode = Decoder(model.decoding, settings.color)
    coloring = _Coloring(decode, settings, UNDIRECTED_SHOT, seen.shot)
    return coloring.of_keyframe(seen, Keyframe(prediction), perf_counter())


class Keyframe:
    """A keyframe's colors, decoded once for each vividness that is asked for.

    Args:
        prediction: Its prediction, smoothed.
        gain: Of its colors.
    """

    def __init__(self, prediction: Prediction, gain: float = 1.0) -> None:
        self.prediction: Prediction = prediction
        self.gain: float = gain
        self._decoded: dict[float, Decoded] = {}

    @classmethod
    def smoothed(
        cls, prediction: Prediction, decode: Decoder, strength: ChromaGain, frames: int
    ) -> "Keyframe":
        """One as strong as it would be alone.

        Args:
            prediction: Its prediction, smoothed.
            decode: Makes it colors.
            strength: Of the shot; hears of it.
            frames: How many frames it speaks for.
        """
        if prediction.weight is None or prediction.predicted is None:
            return cls(prediction)
        decoded = decode(prediction.map)
        alone = decode(prediction.predicted[:, ::EVERY, ::EVERY]).ab
        gain = strength.gain(alone.cpu().numpy(), decoded.ab.cpu().numpy(), frames)
        one = cls(prediction, gain)
        strong = decoded._replace(ab=decode.strengthen(decoded.ab, gain))
        one._decoded[decode.color.vividness] = strong
        return one

    def decoded(self, decode: Decoder) -> Decoded:
        """Its colors, with the gain, and their entropy."""
        vividness = decode.color.vividness
        if vividness not in self._decoded:
            self._decoded[vividness] = decode(self.prediction.map, self.gain)
        return self._decoded[vividness]


class _Coloring:
    """Makes the predictions of one shot's frames colors, in the order shown.

    Args:
        usual: Makes predictions colors, where a color script says nothing else.
        settings: All settings.
        told: What a color script says of the frames.
        shot: Which one it is.
    """

    def __init__(self, usual: Decoder, settings: Settings, told: DirectedShot, shot: Shot) -> None:
        self._decode = self._usual = usual
        self._color, self._told, self._shot = settings.color, told, shot
        self._smoothing = settings.temporal.smoothing
        self.refine = find_refiner(settings, lambda probabilities: self._decode(probabilities).ab)

    def as_set(self, seen: Seen) -> Seen:
        """A frame with the smoothing that is set for it, and a trace that decodes as it does."""
        look = self._look(seen)
        if seen.trace is not None:
            seen.trace.decode_by(self._usual.with_vividness(look.vividness))
        if not self._told.direction.sets_smoothing:
            return seen
        smoothing = self._smoothing if look.smoothing is None else look.smoothing
        return seen._replace(smoothing=smoothing)

    def restore(self, state: ShotState) -> None:
        """Go on as after the frame that a state was made of."""
        if self.refine is not None:
            self.refine.restore(state.refined)

    def find_keyframe(self, span: Span, prediction: Prediction, strength: ChromaGain) -> Keyframe:
        """The colors of a span's keyframe, as strong as they would be alone."""
        decode = self._usual.with_vividness(self._look(span.keyframe).vividness)
        return Keyframe.smoothed(prediction, decode, strength, span.length)

    def of_keyframe(self, seen: Seen, keyframe: Keyframe, began: float) -> Guess:
        """The guess for a keyframe."""
        look = self._look(seen)
        self._decode = self._usual.with_vividness(look.vividness)
        refined = self._refined(seen, keyframe.prediction)
        if seen.trace is not None:
            self._show(seen, keyframe.prediction, refined, keyframe.gain, began)
        decoded = keyframe.decoded(self._decode)
        ab = decoded.ab.cpu().numpy()
        if refined is not None:
            ab = self._strengthened(refined, keyframe.gain)
        return self._guess(seen, ab, decoded.confidence, look)

    def between(self, span: Span, before: Keyframe, after: Keyframe) -> Iterator[Guess]:
        """The guesses for the frames before a span's keyframe."""
        for one in span.between:
            began = perf_counter()
            look = self._look(one.seen)
            self._decode = self._usual.with_vividness(look.vividness)
            gain = before.gain + one.share * (after.gain - before.gain)
            refined = None
            if self.refine is not None or one.seen.trace is not None:
                prediction = prediction_between(before.prediction, after.prediction, one)
                refined = self._refined(one.seen, prediction)
                if one.seen.trace is not None:
                    one.seen.trace.note(spared=True)
                    self._show(one.seen, prediction, refined, gain, began)
            earlier, later = before.decoded(self._decode), after.decoded(self._decode)
            if refined is not None:
                ab = self._strengthened(refined, gain)
            else:
                ab = colors_between(earlier.ab.cpu().numpy(), later.ab.cpu().numpy(), one)
            change = later.confidence - earlier.confidence
            confidence = earlier.confidence + one.share * change
            yield self._guess(one.seen, ab, confidence, look)

    def _refined(self, seen: Seen, prediction: Prediction) -> Refined | None:
        if self.refine is None:
            return None
        self.refine.memory = self._smoothing if seen.smoothing is None else seen.smoothing
        return self.refine(prediction)

    def _look(self, seen: Seen) -> Look:
        return self._told.direction.look_of(seen.frame, self._shot)

    def _strengthened(self, refined: Refined, gain: float) -> Map:
        return self._decode.strengthen(torch.from_numpy(refined.ab), gain).numpy()

    def _show(
        self,
        seen: Seen,
        prediction: Prediction,
        refined: Refined | None,
        gain: float,
        began: float,
    ) -> None:
        """Give a frame's trace what is known of it."""
        trace = seen.trace
        if trace is None:
            return
        trace.note(gain=round(gain, 4))
        if (said := self._told.said_of(seen)) is not None:
            trace.add("evidence", {"ab": said.coarse_ab, "share": said.share})
        show_smoothed(trace, prediction, refined, perf_counter() - began, gain=gain)

    def _guess(self, seen: Seen, strong: Map, confidence: float, look: Look) -> Guess:
        """What is wanted of a frame's decoded colors."""
        told = self._told
        held = hold(strong, told.held_of(seen))
        ungraded = Ungraded(held, told.digest_of(seen, look.before_grading))
        directed = told.digest_of(seen, look)
        return grade_frame(seen, ungraded, look, self._color, confidence, directed=directed)


def find_refiner(settings: Settings, colors: Decode) -> Refiner | None:
    """What refines the predictions of one shot, frame by frame; None if nothing does."""
    refine, memory = settings.refine, settings.temporal.smoothing
    if refine.method == "flood":
        return Flood(colors, threshold=refine.threshold, memory=memory)
    if refine.method == "scribble":
        return Scribble(colors, memory=memory)
    return None


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
