"""MXF, operational pattern 1a, for editors: what it takes, and what is chosen for it."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import cast

from av.audio.codeccontext import AudioCodecContext
from av.stream import Stream

from vidcolor.errors import OutputError
from vidcolor.reading.source import Source, open_source
from vidcolor.settings import OutputSettings
from vidcolor.timecode import NTSC
from vidcolor.writing.encoding import CONTAINER_BY_SUFFIX, Encoding

MXF = "mxf"
MXF_CODECS = {"dnxhd", "prores", "mpeg2video"}
"""Of pictures that FFmpeg's muxer writes so that times come back right: no B-frames of H.264."""

MXF_SOUND = {"pcm_s16le", "pcm_s24le"}
MXF_SOUND_RATE = 48000

SOON_SECONDS = Fraction(1, 1000)

MADE_TAGS = {"encoder", "major_brand", "minor_version", "compatible_brands", "timecode"}
"""That tell of the file, or go elsewhere."""

MXF_RATES = [Fraction(rate) for rate in (24, 25, 30, 50, 60)]
MXF_RATES += [rate * NTSC for rate in (24, 30, 60)]


def settle_mxf(settings: OutputSettings, output: Path | None, source: Source) -> OutputSettings:
    """The settings with an encoder that editors read in MXF, if that is named and none is asked.

    DNxHR has no interlaced pictures (SMPTE ST 2019-1), so ProRes is for these.
    """
    suffix = "" if output is None else output.suffix.lower()
    if CONTAINER_BY_SUFFIX.get(suffix) != MXF or settings.codec is not None or settings.lossless:
        return settings
    return replace(settings, codec="prores_ks" if source.picture.is_interlaced else "dnxhd")


def refuse_times(source: Source, encoding: Encoding, *, is_part: bool) -> None:
    """Raise if MXF cannot say when the frames and the sound of a film are there.

    Args:
        source: The film.
        encoding: How it is written.
        is_part: Whether a part of it is, whose sound is cut between two packets.

    Raises:
        OutputError: Its rate varies, or is none that FFmpeg's muxer writes; or sound and picture do
            not begin together, for which MXF has no word.
    """
    if encoding.container != MXF:
        return
    rate = source.constant_rate
    if rate not in MXF_RATES:
        stated = "a rate that varies" if rate is None else f"{float(rate):.6g} frames/s"
        raise OutputError(
            f"{source.path}: has {stated}, and MXF holds 23.976, 24, 25, 29.97, 30, 50, 59.94 and "
            "60; name a .mov with -o"
        )
    with open_source(source) as opened:
        sound = [one for one in opened.streams if holds_in_mxf(one)]
        begins = [_begin(one) for one in [*sound, opened.streams[source.stream_index]]]
    if sound and (is_part or max(begins) - min(begins) > SOON_SECONDS):
        raise OutputError(
            f"{source.path}: its sound and picture do not begin together, and MXF cannot say so; "
            "name a .mov with -o"
        )


def notes_on_mxf(source: Source, encoding: Encoding) -> Iterator[str]:
    """What MXF has no place for, a sentence."""
    if encoding.container != MXF:
        return
    with open_source(source) as opened:
        # Those of an MXF file tell of the file, or are comments, which go along.
        stated = () if source.container == MXF else opened.metadata
        tags = {key.lower() for key in stated} - MADE_TAGS
        has_chapters = bool(opened.chapters())
    is_turned = source.picture.display_matrix is not None
    lost = {"metadata": bool(tags), "chapters": has_chapters, "rotation": is_turned}
    words = [word for word, is_there in lost.items() if is_there]
    if words:
        yield f"mxf cannot hold {', '.join(words)}: left out"


def _begin(stream: Stream) -> Fraction:
    return (stream.start_time or 0) * Fraction(stream.time_base or 1)


def holds_in_mxf(stream: Stream) -> bool:
    """Whether MXF holds a stream beside its picture: samples of 16 or 24 bits at 48 kHz."""
    context = stream.codec_context
    if stream.type != "audio" or context is None or context.name not in MXF_SOUND:
        return False
    return cast(AudioCodecContext, context).sample_rate == MXF_SOUND_RATE
