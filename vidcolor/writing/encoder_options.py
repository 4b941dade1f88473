"""Options of encoders: quality, and what makes their results reproducible."""

from fractions import Fraction
from typing import cast

import av
import torch
from av.codec.context import Flags as CodecFlags
from av.video.codeccontext import VideoCodecContext
from av.video.format import VideoFormat

from vidcolor.errors import OutputError
from vidcolor.frame import FrameFormat
from vidcolor.reading.frame_format import FULL_RANGE
from vidcolor.reading.pixels import log2_subsampling
from vidcolor.settings import OutputSettings

LIMITED_RANGE = 1
# Whose streams count time in frames of a rate: of a container's clock they take no other unit.
COUNTING_CODECS = {"mpeg1video", "mpeg2video", "mpeg4"}
# Encoders without a quality of their own, which would get a bit rate of nothing: by the quantizer,
# 2 of 31, in FFmpeg's units of 118 (FF_QP2LAMBDA).
QUANTIZED_CODECS = {
    *COUNTING_CODECS,
    "mjpeg",
    "msmpeg4",
    "msmpeg4v2",
    "h263p",
    "flv",
    "wmv1",
    "wmv2",
}
FINE_QUANTIZER = {"flags": "+qscale", "global_quality": str(2 * 118)}
# Visually lossless by the usual account: x264's default is 23, and 18 is called transparent.
DEFAULT_CRF = 16
# x264's and x265's own names; a wrong one makes x264 write to the terminal by itself.
X26X_PRESETS = [
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
]
# Encoders of NVIDIA's GPUs, and what does their work on a processor.
NVENC = {"h264_nvenc": "libx264", "hevc_nvenc": "libx265"}
# That encode a film. With most codecs their number changes the bytes, so it is this on every
# machine: on two cores x264 takes as long by 2 as by 8 of them.
THREADS = 6
# Of x264, up to this size, each at a frame of its own: beside six slices a frame the film is 1 to
# 4 % smaller, and at 640x480 takes 5 % less processor time. Larger frames are cut into slices: to
# have several of them in work takes 8 % more time and memory.
FRAME_THREADS, MOST_PIXELS_BY_FRAMES = 4, 1920 * 1088
# Frames that x264 looks ahead above that size, in place of 40: 100 frames of 3840x2160 take 590 MB
# less, 3 % less processor time, and at the same PSNR (to 0.001 dB) 0.02 % more bytes.
LOOK_AHEAD_IF_LARGE = 16
# Counts that FFV1 version 3 may have; more use more cores and lose less to one flipped bit.
FFV1_SLICES = (24, 16, 12, 9, 6, 4)


def encoder_options(
    codec: str, pixel_format: str, picture: FrameFormat, settings: OutputSettings
) -> dict[str, str]:
    """Options for the encoder: FFV1 version 3 with checksums, or a visually lossless quality.

    Raises:
        OutputError: The encoder lacks an option that was asked for.
    """
    options = fixed_options(codec, pixel_format, picture)
    private = {
        option.name for option in av.CodecContext.create(codec, "w").supported_options.private
    }
    crf = DEFAULT_CRF if settings.crf is None else settings.crf
    if codec in NVENC:
        _refuse_without_gpu(codec, pixel_format, picture)
        # Their quality by one number, without a bit rate that caps it.
        options |= {"rc": "constqp", "qp": f"{crf:.0f}"}
    elif "crf" in private:
        options["crf"] = f"{crf:g}"
    elif settings.crf is not None:
        raise OutputError(f"{codec} has no --crf; leave it out or choose libx264 or libx265")
    if settings.preset is not None:
        if "preset" not in private:
            raise OutputError(f"{codec} has no --preset; leave it out")
        if codec in {"libx264", "libx265"} and settings.preset not in X26X_PRESETS:
            raise OutputError(
                f"{settings.preset}: not a preset; {codec} has {' '.join(X26X_PRESETS)}"
            )
        options["preset"] = settings.preset
    return options


def with_rate(codec: str, options: dict[str, str], rate: Fraction | None) -> dict[str, str]:
    """An encoder's options, with those that make its stream state a film's constant rate.

    Else x264 states its clock, of 90000 ticks a second in a transport stream, as a rate of frames.

    Args:
        codec: FFmpeg's name of it.
        options: What it is told already.
        rate: Frames a second; None if they vary.
    """
    if codec != "libx264" or rate is None:
        return options
    params = (options.get("x264-params"), "force-cfr=1")
    return options | {"x264-params": ":".join(filter(None, params))}


def fixed_options(codec: str, pixel_format: str, picture: FrameFormat) -> dict[str, str]:
    """Options that are nobody's choice: archival FFV1, the same bytes each time, a quiet x265."""
    if codec == "ffv1":  # its slices are shared out among all threads that there are
        slices = _ffv1_slices(pixel_format, picture)
        return {"level": "3", "g": "1", "slicecrc": "1", "coder": "1"} | slices
    threads = {} if codec in NVENC else {"threads": str(THREADS)}
    if codec == "libx264":
        return threads | _x264_options(picture)
    if codec == "prores_ks":
        whole = log2_subsampling(VideoFormat(pixel_format)) == (0, 0)
        return threads | {"profile": "4444" if whole else "hq", "vendor": "apl0"}
    if codec == "dnxhd":
        return threads | {"profile": _dnxhr_profile(VideoFormat(pixel_format))}
    if codec in QUANTIZED_CODECS:
        # Limited range is usual in films and no official part of JPEG.
        unofficial = {"strict": "unofficial"} if codec == "mjpeg" else {}
        return threads | FINE_QUANTIZER | unofficial
    return threads | ({"x265-params": "log-level=none"} if codec == "libx265" else {})


def _dnxhr_profile(fmt: VideoFormat) -> str:
    """The best profile of DNxHR for a format (SMPTE ST 2019-1): its depth goes with it."""
    if log2_subsampling(fmt) == (0, 0):
        return "dnxhr_444"
    return "dnxhr_hq" if fmt.components[0].bits == 8 else "dnxhr_hqx"  # noqa: PLR2004 - bits


def _refuse_without_gpu(codec: str, pixel_format: str, picture: FrameFormat) -> None:
    try:
        open_encoder(codec, pixel_format, picture, {})
    except av.FFmpegError as error:
        raise OutputError(
            f"{codec} does not start here ({error.strerror}): it takes an NVIDIA GPU, with its "
            f"driver, that encodes {pixel_format} of this size; use --codec {NVENC[codec]}"
        ) from error


def _x264_options(picture: FrameFormat) -> dict[str, str]:
    """Options of x264, some by the names that x264 itself gives them."""
    # By several threads interlaced film gets other bytes from run to run (13 kinds in 40 runs).
    options = {"threads": "1"} if picture.is_interlaced else {}
    if picture.width * picture.height > MOST_PIXELS_BY_FRAMES:
        options["rc-lookahead"] = str(LOOK_AHEAD_IF_LARGE)
    elif not picture.is_interlaced:
        options = {"threads": str(FRAME_THREADS), "thread_type": "frame"}
    params = []
    if torch.backends.cpu.get_cpu_capability() == "AVX512":
        # With AVX-512 the x264 in PyAV 18.1 gives other bytes from run to run, by one thread too.
        params.append("asm=avx2")
    if picture.is_bottom_first:
        # FFmpeg says so with the first frame, when the stream header already has the other order.
        params.append("bff=1")
    return options | ({"x264-params": ":".join(params)} if params else {})


def _ffv1_slices(pixel_format: str, picture: FrameFormat) -> dict[str, str]:
    """The most slices that a frame of this size can be cut into; a checksum guards each."""
    for slices in FFV1_SLICES:
        try:
            open_encoder("ffv1", pixel_format, picture, {"level": "3", "slices": str(slices)})
        except av.FFmpegError:
            continue
        return {"slices": str(slices)}
    return {}


def open_encoder(
    codec: str, pixel_format: str, picture: FrameFormat, options: dict[str, str]
) -> None:
    """Open an encoder and close it again, to see whether it takes such pictures.

    Raises:
        av.FFmpegError: It does not.
    """
    context = cast(VideoCodecContext, av.CodecContext.create(codec, "w"))
    context.width, context.height = picture.width, picture.height
    context.pix_fmt, context.time_base = pixel_format, Fraction(1, 25)
    context.framerate = Fraction(25)
    mark_picture(context, picture)
    context.options = options
    context.open()


def mark_picture(context: VideoCodecContext, picture: FrameFormat) -> None:
    """Tell an encoder that is not open yet of the fields and colors of its pictures."""
    context.sample_aspect_ratio = picture.sample_aspect_ratio
    context.color_range = FULL_RANGE if picture.full_range else LIMITED_RANGE
    context.colorspace = picture.matrix
    context.color_primaries = picture.primaries
    context.color_trc = picture.transfer
    context.field_order = picture.field_order
    if picture.is_interlaced:
        context.flags |= int(CodecFlags.interlaced_dct | CodecFlags.interlaced_me)
