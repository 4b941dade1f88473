"""What a film will take, told by some of its frames that are colored, encoded and thrown away."""

from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from time import perf_counter
from typing import NamedTuple

from vidcolor.film.coloring import read_job
from vidcolor.models.zoo import Model, suited
from vidcolor.pipeline.run import colorize_frames
from vidcolor.reading.reader import Damage
from vidcolor.writing.plan import Job
from vidcolor.writing.shot_encoder import ShotEncoder

SAMPLE = 64
"""Frames, from the middle of the film. The first half of them, while caches fill, is not timed."""


class Estimate(NamedTuple):
    """What a film will take on this machine, if its other frames are like those of the sample.

    Attributes:
        frames: How many frames it has by its header.
        frame_seconds: Time that a frame takes.
        frame_bytes: Size of a frame in the output, sound left out.
    """

    frames: int
    frame_seconds: float
    frame_bytes: float

    @property
    def seconds(self) -> float:
        """Time for all frames."""
        return self.frames * self.frame_seconds

    @property
    def bytes(self) -> int:
        """Size of all frames."""
        return round(self.frames * self.frame_bytes)


def estimate(job: Job, model: Model) -> Estimate | None:
    """Color some frames of a planned film and measure that; nothing is written.

    Returns:
        The estimate; None if the film does not say how long it is, or no frame of the sample
        decodes.

    Raises:
        VidcolorError: The sample cannot be read, colored or encoded.
    """
    settings, source = job.settings, job.source
    frames = source.frames_expected(settings.start_seconds, settings.duration_seconds)
    if not frames:
        return None
    before = Fraction(max(0, frames - SAMPLE) // 2) / source.frame_rate
    piece = replace(settings, start_seconds=settings.start_seconds + before, duration_seconds=None)
    encoder = ShotEncoder(source, job.encoding, shift_seconds=job.shift_seconds(piece))
    read = islice(read_job(job, piece, Damage()), SAMPLE)
    count = size = 0
    began, timed = perf_counter(), 0
    with closing(colorize_frames(read, model, suited(settings, model))) as colored:
        for count, one in enumerate(colored, 1):
            size += sum(len(packet.data) for packet in encoder.encode(one.frame, one.chroma[:2]))
            if count == min(frames, SAMPLE) // 2:
                began, timed = perf_counter(), count
    size += sum(len(packet.data) for packet in encoder.end_part())
    if count <= timed:
        return None
    return Estimate(frames, (perf_counter() - began) / (count - timed), size / count)


def same_kind(job: Job) -> object:
    """Equal for films that take about the same time and room a frame."""
    picture = job.encoding.picture
    return (
        picture.width,
        picture.height,
        job.encoding.codec,
        job.encoding.pixel_format,
        tuple(job.encoding.options.items()),
        job.source.codec,
    )
