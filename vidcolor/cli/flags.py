"""The options of the command line, group by group, their defaults read from the settings."""

import argparse
from pathlib import Path

from vidcolor.cli.parse import as_usage_error, number, parse_every, parse_time, whole_number
from vidcolor.dump.stages import STAGES, parse_stages
from vidcolor.settings import (
    RENDER_SIZE,
    ClusterSettings,
    ColorSettings,
    InputSettings,
    ModelSettings,
    RefineSettings,
    Settings,
    TemporalSettings,
    parse_swatch,
)
from vidcolor.spans import FrameSelection
from vidcolor.timecode import parse_rate


def add_input_options(group: argparse._ArgumentGroup) -> None:
    """How pictures in a folder are read."""
    group.add_argument(
        "--fps", type=as_usage_error(parse_rate), metavar="RATE",
        help="pictures a second: 18, 23.976, 24000/1001 (default: what their DPX header states)",
    )  # fmt: skip
    group.add_argument(
        "--gaps", choices=("fail", "hold"), default=InputSettings().gaps,
        help="missing pictures: fail, or hold the one before them (default: %(default)s)",
    )  # fmt: skip


def add_piece_options(group: argparse._ArgumentGroup) -> None:
    """Which part of the film."""
    group.add_argument(
        "--start", type=parse_time, default=Settings().start_seconds, metavar="TIME",
        help="begin here, in seconds or HH:MM:SS",
    )  # fmt: skip
    group.add_argument(
        "--duration", type=parse_time, metavar="TIME", help="colorize this much of it"
    )


def add_color_options(group: argparse._ArgumentGroup) -> None:
    """What colors it gets, and how they last."""
    color, temporal = ColorSettings(), TemporalSettings()
    group.add_argument(
        "--vividness", type=number(0, 3), default=color.vividness, metavar="X",
        help="0 likely colors, 1 rare and vivid ones more often (default: %(default)g)",
    )  # fmt: skip
    group.add_argument(
        "--saturation", type=number(0, 3), default=color.saturation, metavar="X",
        help="factor on the colors (default: %(default)g)",
    )  # fmt: skip
    group.add_argument(
        "--decode", choices=("annealed", "mean", "mode", "sample"), default=color.decode,
        help="how a histogram becomes a color, for study (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--seed", type=whole_number(0, 1_000_000), default=color.seed, metavar="N",
        help="of --decode sample; another draws other colors (default: %(default)d)",
    )  # fmt: skip
    group.add_argument(
        "--upsample", choices=("guided", "spline"), default=color.upsample,
        help="how colors become as large as the film: by its edges or smoothly "
        "(default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--smoothing", type=number(0, 0.999), default=temporal.smoothing, metavar="X",
        help="how long colors last in a shot; 0 for frame by frame (default: %(default)g)",
    )  # fmt: skip
    group.add_argument(
        "--no-motion", dest="motion", action="store_false", default=temporal.motion,
        help="do not move past colors along with things that move",
    )  # fmt: skip
    group.add_argument(
        "--every", type=parse_every, default=temporal.every, metavar="N",
        help="ask the network about every Nth frame only; auto: where the frames before do not "
        "explain the picture; 1: about all (default: %(default)s)",
    )  # fmt: skip
    refine = RefineSettings()
    group.add_argument(
        "--refine", choices=("none", "flood", "scribble"), default=refine.method,
        help="flood: one color for each flat region, for animation and line art; scribble: colors "
        "of the surest points spread to the edges of things (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--refine-threshold", type=number(0.5, 50), default=refine.threshold, metavar="X",
        help="with flood, how unlike in lightness of [0, 100] a region's pixels may be "
        "(default: %(default)g)",
    )  # fmt: skip


def add_model_options(group: argparse._ArgumentGroup) -> None:
    """What predicts, and where."""
    model = ModelSettings()
    group.add_argument(
        "--model", default=model.name, metavar="NAME",
        help="a model's name, its file, NAME=FILE, or two as A+B, whose colors are merged "
        "(default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--device", default=model.device, metavar="NAME",
        help="cpu, cuda, cuda:1, mps or auto (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--models", action="store_true",
        help="list all models: size, licence, whether they are here, how fast they are",
    )  # fmt: skip
    group.add_argument(
        "--merge", type=number(0, 1), default=model.merge, metavar="X",
        help="share of the second model's colors, for --model A+B (default: %(default)g)",
    )  # fmt: skip
    group.add_argument(
        "--mirror", action="store_true", default=model.mirror,
        help="ask a model that gives plain colors about mirrored pictures, too: twice the work, "
        "and it tells how sure it is",
    )  # fmt: skip
    group.add_argument(
        "--render-size", type=whole_number(64, 2048), default=model.render_size, metavar="N",
        help=f"short side of the picture that the network sees (default: {RENDER_SIZE}; models of "
        "others have sizes of their own)",
    )  # fmt: skip
    group.add_argument(
        "--hwaccel", choices=("cuda", "qsv", "vaapi", "videotoolbox", "d3d11va"),
        help="decode by hardware; the processor does where that cannot, and says so",
    )  # fmt: skip
    group.add_argument(
        "--batch-size", type=whole_number(1, 1024), default=model.batch_size, metavar="N",
        help="frames inferred at once (default: %(default)s)",
    )  # fmt: skip


def add_reference_options(group: argparse._ArgumentGroup) -> None:
    """A picture in the place of a network."""
    group.add_argument(
        "--reference", metavar="PICTURE",
        help="take over the colors of a picture by likeness, in place of a network",
    )  # fmt: skip
    group.add_argument(
        "--transfer", choices=("welsh", "global"),
        help="with --reference: by lightness and texture, or lightness alone "
        f"(default: {ModelSettings().transfer})",
    )  # fmt: skip
    group.add_argument(
        "--swatch", type=as_usage_error(parse_swatch), action="append", default=[],
        metavar="FILM=REFERENCE",
        help="parts that belong together, each LEFT,TOP,WIDTH,HEIGHT in percent; may be repeated",
    )  # fmt: skip


def add_output_options(group: argparse._ArgumentGroup) -> None:
    """How it is written."""
    group.add_argument(
        "--for", dest="purpose", choices=("access", "master", "edit", "web"),
        help="H.264 in MP4, FFV1 in Matroska, ProRes in QuickTime or HEVC in MP4; options given "
        "beside it go before (default: as the film is)",
    )  # fmt: skip
    group.add_argument("--lossless", action="store_true", help="FFV1 with checksums, in Matroska")
    group.add_argument(
        "--codec", metavar="NAME",
        help="FFmpeg's encoder, such as libx265; dpx, png and tiff write a folder of pictures",
    )  # fmt: skip
    group.add_argument(
        "--crf", type=number(0, 63), metavar="X", help="quality; lower is better and larger"
    )
    group.add_argument("--preset", metavar="NAME", help="the encoder's speed, such as fast")
    group.add_argument(
        "--pixel-format", metavar="NAME", help="FFmpeg's format to encode, such as yuv422p10le"
    )
    group.add_argument(
        "--chroma", choices=("420", "422", "444"), help="chroma subsampling (default: the film's)"
    )
    group.add_argument(
        "--chroma-only", action="store_true",
        help="write the color alone, over even gray and without sound, to be laid over the film",
    )  # fmt: skip
    group.add_argument(
        "--verify", action="store_true",
        help="read the result back: luma (with a lossless codec), times and other streams must be "
        "the source's",
    )  # fmt: skip
    group.add_argument(
        "--framemd5", action="store_true",
        help="verify, and write the MD5 of each frame's luma, of source and result",
    )  # fmt: skip
    group.add_argument(
        "--c2pa-certificate", metavar="PEM",
        help="sign content credentials, which say that the color is synthetic, with this chain",
    )  # fmt: skip
    group.add_argument("--c2pa-key", metavar="PEM", help="the private key of that certificate")


def add_look_options(group: argparse._ArgumentGroup) -> None:
    """What is shown of the work."""
    group.add_argument(
        "--dump", type=Path, metavar="DIR",
        help="write what each stage makes of some frames, with a page to look at it; without -o "
        "no film is written, and only what these frames need is colorized",
    )  # fmt: skip
    group.add_argument(
        "--dump-frames", type=as_usage_error(FrameSelection.parse), metavar="LIST",
        help="frames to dump: numbers, seconds, timecodes, ranges: 1700-1740,57.8s,10:00:12:05",
    )  # fmt: skip
    group.add_argument(
        "--dump-stages", type=as_usage_error(parse_stages), default=STAGES, metavar="LIST",
        help=f"some of {','.join(STAGES)} (default: all)",
    )  # fmt: skip
    group.add_argument(
        "--dump-top-k", type=whole_number(1, 313), metavar="K",
        help="keep the K likeliest bins of each histogram (default: all)",
    )  # fmt: skip
    group.add_argument(
        "--plot", type=Path, metavar="JSON",
        help="draw the timeline that FILM.colorized.json holds, as a PNG beside it or to -o",
    )  # fmt: skip


def add_cluster_options(group: argparse._ArgumentGroup) -> None:
    """Who does the work."""
    cluster = ClusterSettings()
    group.add_argument(
        "--engine", choices=("local", "ray"), default="local",
        help="who colors: this process, or the machines of a Ray cluster, a few shots each "
        "(default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--ray-address", metavar="ADDRESS",
        help="of a cluster: auto or HOST:PORT (default: RAY_ADDRESS, or this machine alone)",
    )  # fmt: skip
    group.add_argument(
        "--segments", metavar="URL",
        help="folder that all machines see, for shots on their way: a path, s3://BUCKET/FOLDER "
        "(default: beside the film)",
    )  # fmt: skip
    group.add_argument(
        "--task-cpus", type=whole_number(1, 256), metavar="N",
        help=f"cores a task takes (default: {cluster.cpus})",
    )  # fmt: skip
    group.add_argument(
        "--task-gpus", type=number(0, 16), metavar="X",
        help="GPUs a task takes, or a part of one (default: 1 where the device is CUDA)",
    )  # fmt: skip
