"""Processor time of each stage by itself, for `benchmark.py --stages`.

Stages are fed, a few frames at a time, with what the stage before made of the same frames. Time is
that of all threads of the process, codecs' own included: so the stages add up to the whole, and
waiting counts for nothing.
"""

import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

import torch

from vidcolor.color.planes import look_at_luma
from vidcolor.color.upsample import upsample_ab
from vidcolor.color.ycbcr import chroma_codes
from vidcolor.frame import CPU, Frame, Map
from vidcolor.models.predict import predict_frames
from vidcolor.models.zoo import Model, load_model
from vidcolor.pipeline.cores import one_thread_each
from vidcolor.pipeline.decoder import Decoder
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.settings import RENDER_SIZE, OutputSettings, Settings
from vidcolor.shot import Shot
from vidcolor.shots.cuts import number_frames
from vidcolor.shots.seeing import see_frames
from vidcolor.temporal.between import colors_between
from vidcolor.temporal.keyframes import Span, find_spans
from vidcolor.temporal.smoothing import smooth_histograms
from vidcolor.writing.plan import Job, plan_video
from vidcolor.writing.shot_encoder import ShotEncoder

T = TypeVar("T")

_AT_ONCE = 16


def time_stages(
    film: Path, folder: Path, frames: int, repeats: int
) -> tuple[dict[str, float], float]:
    """Milliseconds of processor time a frame of each stage, and the share of frames asked about.

    Args:
        film: Its first frames are taken.
        folder: Where the film would be written; nothing is.
        frames: How many.
        repeats: Rounds; of their times the medians are told.
    """
    settings = Settings(output=OutputSettings(overwrite=True), force=True)
    job = plan_video(film, None, settings, folder=folder)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model = replace(load_model(settings.model.name, "cpu"), threads=1)
        with one_thread_each():  # OpenCV's threads as the program has them
            rounds = [_Stages(job, model, settings).run(frames) for _ in range(repeats)]
    finally:
        torch.set_num_threads(before)
    taken = [milliseconds for milliseconds, _ in rounds]
    medians = {name: statistics.median(one[name] for one in taken) for name in taken[0]}
    return {name: round(median, 4) for name, median in medians.items()}, round(rounds[0][1], 4)


class _Stages:
    """One round through the stages."""

    def __init__(self, job: Job, model: Model, settings: Settings) -> None:
        self.job, self.model, self.settings = job, model, settings
        self.seconds: dict[str, float] = {}
        self.asked = 0

    def run(self, count: int) -> tuple[dict[str, float], float]:
        """Take so many frames through all stages; see `time_stages`."""
        encoder = ShotEncoder(self.job.source, self.job.encoding)
        source = replace(self.job.source, picture=self.job.encoding.picture)
        read = islice(read_frames(source, Damage()), count)
        done = 0
        while frames := self.timed("decode", islice(read, _AT_ONCE)):
            done += len(frames)
            chroma = self.color(frames)
            pairs = zip(frames, chroma, strict=True)
            self.timed("encode", (list(encoder.encode(*pair)) for pair in pairs))
        self.timed("encode", encoder.end_part())
        milliseconds = {name: 1000 * spent / done for name, spent in self.seconds.items()}
        return milliseconds, self.asked / done

    def timed(self, name: str, made: Iterable[T]) -> list[T]:
        """All of something, its making counted as that stage's."""
        began = time.process_time()
        results = list(made)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began
        return results

    def color(self, frames: list[Frame]) -> list:  # type: ignore[type-arg]
        """The chroma planes of some frames."""
        picture, model, settings = self.job.encoding.picture, self.model, self.settings
        numbered = self.timed("find shots", number_frames(frames))
        one_shot = [one._replace(shot=Shot(0, None)) for one in numbered]
        seen = self.timed(
            "prepare", see_frames(one_shot, settings.model.render_size or RENDER_SIZE)
        )
        spans = self.timed("follow motion", find_spans(seen, settings.temporal))
        self.asked += len(spans)
        asked = predict_frames((one.keyframe for one in spans), model, settings.model.batch_size)
        answers = self.timed("infer", asked)
        fresh = [
            replace(answer.prediction, motion=span.back)
            for span, answer in zip(spans, answers, strict=True)
        ]
        smoothed = self.timed("smooth", smooth_histograms(fresh, settings.temporal))
        decode = Decoder(model.decoding, settings.color)
        keys = self.timed("decode bins", (decode(one.map).ab.numpy() for one in smoothed))
        maps = self.timed("mix", _mixed(spans, keys))
        guides = self.timed("look at luma", (look_at_luma(f.luma, picture, CPU) for f in frames))
        enlarged = self.timed(
            "upsample",
            (
                upsample_ab(ab, one.brightened, guide, picture)
                for ab, one, (guide, _) in zip(maps, seen, guides, strict=True)
            ),
        )
        return self.timed(
            "convert",
            (
                chroma_codes(ab, guide, extremes, picture)
                for ab, (guide, extremes) in zip(enlarged, guides, strict=True)
            ),
        )


def _mixed(spans: Sequence[Span], keys: Sequence[Map]) -> Iterator[Map]:
    """The colors of each frame, from those of the keyframes."""
    before: Map | None = None
    for span, after in zip(spans, keys, strict=True):
        for one in span.between:
            if before is not None:
                yield colors_between(before, after, one)
        yield after
        before = after
