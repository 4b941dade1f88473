"""A stream's place in another container, packets as they are: tried, not guessed from a list."""

import io

import av
from av.audio.codeccontext import AudioCodecContext
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.stream import Stream

# Matroska holds these by Windows' numbers of codecs (A_MS/ACM, V_MS/VFW/FOURCC), which PyAV's
# strict question to the muxer leaves out. Each is a codec that Matroska names itself.
CARRIERS = {"audio": "mp2", "video": "mpeg4"}
UNDECODED_SUBTITLES = "dvb_teletext"
# QuickTime names them, and what it then gives back is other sound, or none.
UNSOUND = {("mov", "speex"), ("mp4", "speex"), ("mov", "libspeex"), ("mp4", "libspeex")}


def add_copied_stream(output: OutputContainer, stream: Stream, container: str) -> Stream:
    """A stream of `output` for packets of `stream` as they are.

    Args:
        output: Not begun yet.
        stream: Of a source.
        container: FFmpeg's name of the muxer of `output`.

    Raises:
        ValueError: The container has no place for such a stream.
    """
    if stream.type == "subtitle" and stream.codec_context is None:
        # FFmpeg has no decoder of it, as of teletext; its parameters go along all the same.
        copy = output.add_mux_stream(UNDECODED_SUBTITLES)
        BitStreamFilterContext("null", stream, copy)
        copy.time_base = stream.time_base
        return copy
    try:
        return output.add_stream_from_template(stream, opaque=True)
    except ValueError:
        if container != "matroska" or stream.type not in CARRIERS or stream.codec_context is None:
            raise
    with av.open(io.BytesIO(), "w", format="null") as anything:
        # Its parameters without the number that the source's own container gave its codec.
        like = anything.add_stream_from_template(stream, opaque=True)
        copy = output.add_mux_stream(CARRIERS[stream.type])
        BitStreamFilterContext("null", like, copy)
    copy.time_base = stream.time_base
    return copy


def takes_stream(container: str, stream: Stream) -> bool:
    """Whether a container holds a stream as it is: whether its muxer writes a header for it."""
    context = stream.codec_context
    if context is not None and (container, context.name) in UNSOUND:
        return False
    if container == "mp4" and is_pcm(stream):
        return False  # `ipcm` and `fpcm`, which older programs take for other samples: noise
    trial = av.open(io.BytesIO(), "w", format=container)
    try:
        add_copied_stream(trial, stream, container)
        if stream.type != "attachment":
            trial.start_encoding()
    except (ValueError, av.FFmpegError):
        return False
    finally:
        throw_away(trial)
    return True


def is_pcm(stream: Stream) -> bool:
    """Whether a sound track is of samples, which containers cut into packets as they like."""
    context = stream.codec_context
    return isinstance(context, AudioCodecContext) and context.name.startswith("pcm_")


def throw_away(trial: OutputContainer) -> None:
    """Close a container into which no packet was written, which some muxers do not like."""
    try:
        trial.close()
    except (ValueError, av.FFmpegError):
        return
