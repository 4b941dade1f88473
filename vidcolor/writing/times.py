"""A film's times, fitted to what its container can say."""

from dataclasses import replace
from fractions import Fraction

from vidcolor.errors import OutputError
from vidcolor.reading.source import Source
from vidcolor.reading.survey import CLOCKED
from vidcolor.writing.encoding import MP4_FAMILY, Encoding
from vidcolor.writing.mxf import MXF

# Containers round times (Matroska to a millisecond), and muxers move packets that overlap.
TIME_ERROR_SECONDS = 0.002
# A film in MP4 begins with nothing to see until its first frame; longer is no part of a film.
LATEST_START_SECONDS = 60
# A transport stream's clock begins anew here (ITU-T H.222.0, 2.4.3.7), and a reader takes what
# begins shortly before for times below 0: FFmpeg, from a minute before.
CLOCK_SECONDS = Fraction(1 << 33, 90_000)
BEFORE_END_SECONDS = 60
# Matroska rounds times to a millisecond.
MATROSKA_FASTEST = 1000


def fit_times(source: Source, encoding: Encoding) -> Source:
    """The film with times that `encoding` holds, with a note in its clock on each move.

    Args:
        source: The film, surveyed.
        encoding: How it is written.

    Raises:
        OutputError: Frames would get one time in the container.
    """
    if encoding.is_sequence:
        return source
    rate = source.constant_rate
    if encoding.container == "matroska" and rate is not None and rate > MATROSKA_FASTEST:
        raise OutputError(
            f"{source.path}: has {float(rate):g} frames/s, and Matroska keeps times to a "
            "millisecond; name a .mov with -o"
        )
    source = _from_zero(source, encoding.container)
    return _at_exact_times(source) if encoding.container in {*MP4_FAMILY, MXF} else source


def _from_zero(source: Source, container: str) -> Source:
    """The film moved to begin at 0, where its clock says nothing or cannot be written."""
    first = source.clock.first_seconds
    if container == "mpegts":
        rounds = max(0, (first + BEFORE_END_SECONDS) // CLOCK_SECONDS)
        return _later(source, -rounds * CLOCK_SECONDS)
    is_negative = source.first_pts < 0
    is_of_tape = source.container in CLOCKED or first > LATEST_START_SECONDS
    is_wanted = container == MXF or (container in MP4_FAMILY and is_of_tape)
    if not (is_negative or (is_wanted and first > 0)):
        return source
    moved = _later(source, -first)
    note = f"its clock begins at {float(first):.3f} s: moved to 0 in all streams"
    return replace(moved, clock=replace(moved.clock, notes=(*moved.clock.notes, note)))


def _later(source: Source, seconds: Fraction) -> Source:
    """The film with all its times later by so much, to the nearest unit of its time base."""
    ticks = round(seconds / source.time_base)
    if not ticks:
        return source
    clock = source.clock.moved(ticks * source.time_base)
    return replace(source, clock=clock, first_pts=source.first_pts + ticks)


def _at_exact_times(source: Source) -> Source:
    """The film with the times that its container rounded, if they keep one rate."""
    exact = source.exact_rate
    if exact is None:
        return source
    exact = replace(exact, origin_seconds=exact.origin_seconds + source.clock.base_seconds)
    return replace(
        source,
        clock=replace(source.clock, exact_rate=exact),
        time_base=exact.time_base,
        first_pts=exact.exact(source.first_pts),
        exact_rate=None,
    )
