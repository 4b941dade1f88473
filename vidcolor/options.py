"""The options of the command line, and what they mean as settings. No torch, nothing heavy."""

import argparse
from pathlib import Path
from typing import NoReturn, TypeVar

from vidcolor import __version__
from vidcolor.arguments import number, parse_every, parse_time, parsed, whole_number
from vidcolor.dump.selection import STAGES, FrameSelection, parse_stages
from vidcolor.outputs import FILM_SUFFIXES
from vidcolor.rates import parse_rate
from vidcolor.settings import (
    ColorSettings,
    InputSettings,
    ModelSettings,
    OutputSettings,
    RefineSettings,
    Settings,
    TemporalSettings,
)
from vidcolor.swatch import parse_swatch
from vidcolor.video.pattern import Pattern

T = TypeVar("T")


class Parser(argparse.ArgumentParser):
    """Tells bad usage in one line, without the usage of every option before it."""

    def error(self, message: str) -> NoReturn:
        """Tell `message` and exit with 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def make_parser() -> Parser:
    """Every option, its default read from the settings."""
    parser = Parser(
        prog="vidcolor",
        description="Colorize black-and-white film. The picture's luma, its sound, subtitles and "
        "times stay as they are; only color is added.",
        epilog="Colors are a plausible guess, not history.",
    )
    parser.add_argument(
        "inputs", nargs="*", type=Path, metavar="FILM",
        help="films, folders, and numbered pictures as FFmpeg names them: reel/%%06d.dpx",
    )  # fmt: skip
    parser.add_argument(
        "-r", "--recursive", action="store_true", help="look into the folders of folders, too"
    )
    parser.add_argument(
        "-o", "--output", metavar="PATH",
        help="output file for one film, or pictures: NEW/%%06d.dpx; folder for several "
        "(default: FILM.colorized.* beside it)",
    )  # fmt: skip
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    parser.add_argument("-n", "--dry-run", action="store_true", help="tell what would be done")
    parser.add_argument("--overwrite", action="store_true", help="replace an output that exists")
    parser.add_argument(
        "--force", action="store_true", help="replace the colors of a film that has some"
    )
    parser.add_argument(
        "--bagit", action="store_true",
        help="make the folder of -o a BagIt bag, with SHA-256 manifests, when all reels are done",
    )  # fmt: skip
    parser.add_argument(
        "--status", type=Path, metavar="DIR",
        help="tell what became of the reels whose films go to -o DIR",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"vidcolor {__version__}")
    _add_input_options(parser.add_argument_group("a film that lies in a folder as pictures"))
    _add_piece_options(parser.add_argument_group("a piece of the film, to try things on"))
    _add_color_options(parser.add_argument_group("color"))
    model = parser.add_argument_group("model")
    _add_model_options(model)
    _add_reference_options(model)
    _add_output_options(parser.add_argument_group("encoding"))
    _add_look_options(parser.add_argument_group("a look inside"))
    return parser


def check_usage(parser: Parser, options: argparse.Namespace) -> None:
    """End with bad usage where options do not go together."""
    if options.plot is not None or options.status is not None:
        name = "--status" if options.plot is None else "--plot"
        if options.inputs or options.dump:
            parser.error(f"{name} colorizes nothing; name films in a run of their own")
        return
    if not options.inputs:
        parser.error("name a film to colorize")
    if options.chroma_only and options.framemd5:
        parser.error("--chroma-only writes no luma of which --framemd5 could tell")
    if (options.c2pa_certificate is None) != (options.c2pa_key is None):
        parser.error("--c2pa-certificate PEM and --c2pa-key PEM go together")
    _check_reference(parser, options)
    _check_dump(parser, options)
    _check_bag(parser, options)


def find_destination(
    parser: Parser, options: argparse.Namespace
) -> tuple[Path | None, Path | None]:
    """The output file and the output folder that `-o` names; at most one of them is given."""
    output = options.output
    if output is None:
        return None, None
    path = Path(output)
    is_film = _is_film(path)  # one folder may hold one reel, as pictures
    many = len(options.inputs) > 1 or (_takes_folders(options) and not is_film)
    as_folder = options.bagit or many or path.is_dir() or output.endswith(("/", "\\"))
    if not as_folder:
        return path, None
    if Pattern.parse(path) is not None:
        parser.error(f"-o {output}: holds one film; for several name a folder, and --codec")
    if path.exists() and not path.is_dir():
        parser.error(f"-o {output}: is a file; for several films name a folder")
    return None, path


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings that options ask for."""
    return Settings(
        input=InputSettings(fps=options.fps, gaps=options.gaps, hwaccel=options.hwaccel),
        model=ModelSettings(
            name=options.model,
            device=options.device,
            render_size=options.render_size,
            batch_size=options.batch_size,
            reference=options.reference,
            transfer=options.transfer or ModelSettings().transfer,
            swatches=tuple(options.swatch),
        ),
        color=ColorSettings(
            vividness=options.vividness,
            saturation=options.saturation,
            decode=options.decode,
            seed=options.seed,
            upsample=options.upsample,
        ),
        temporal=TemporalSettings(
            smoothing=options.smoothing, motion=options.motion, every=options.every
        ),
        refine=RefineSettings(method=options.refine, threshold=options.refine_threshold),
        output=OutputSettings(
            purpose=options.purpose,
            lossless=options.lossless,
            codec=options.codec,
            crf=options.crf,
            preset=options.preset,
            pixel_format=options.pixel_format,
            chroma=options.chroma,
            chroma_only=options.chroma_only,
            overwrite=options.overwrite,
            verify=options.verify,
            framemd5=options.framemd5,
            c2pa_certificate=options.c2pa_certificate,
            c2pa_key=options.c2pa_key,
        ),
        start_seconds=options.start,
        duration_seconds=options.duration,
        force=options.force,
    )


def _is_film(output: Path) -> bool:
    """Whether a -o names a film, in one file or in pictures, unless there is a folder so called."""
    return output.suffix.lower() in FILM_SUFFIXES or Pattern.parse(output) is not None


def _takes_folders(options: argparse.Namespace) -> bool:
    return any(path.is_dir() for path in options.inputs)


def _check_dump(parser: Parser, options: argparse.Namespace) -> None:
    if (options.dump is None) != (options.dump_frames is None):
        parser.error("--dump DIR and --dump-frames LIST go together")
    if options.dump is not None and (len(options.inputs) > 1 or _takes_folders(options)):
        parser.error("--dump takes one film at a time")


def _check_bag(parser: Parser, options: argparse.Namespace) -> None:
    if not options.bagit:
        return
    output = None if options.output is None else Path(options.output)
    if output is None or (_is_film(output) and not output.is_dir()):
        parser.error("--bagit makes a folder of films a bag; name the folder with -o DIR")
    if options.dump is not None:
        parser.error("--bagit and --dump do not go together; dump in a run of its own")


def _add_input_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--fps", type=parsed(parse_rate), metavar="RATE",
        help="pictures a second: 18, 23.976, 24000/1001 (default: what their DPX header states)",
    )  # fmt: skip
    group.add_argument(
        "--gaps", choices=("fail", "hold"), default=InputSettings().gaps,
        help="missing pictures: fail, or hold the one before them (default: %(default)s)",
    )  # fmt: skip


def _add_piece_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--start", type=parse_time, default=Settings().start_seconds, metavar="TIME",
        help="begin here, in seconds or HH:MM:SS",
    )  # fmt: skip
    group.add_argument(
        "--duration", type=parse_time, metavar="TIME", help="colorize this much of it"
    )


def _add_color_options(group: argparse._ArgumentGroup) -> None:
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


def _add_model_options(group: argparse._ArgumentGroup) -> None:
    model = ModelSettings()
    group.add_argument(
        "--model", default=model.name, metavar="NAME",
        help="a model's name or a safetensors file (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--device", default=model.device, metavar="NAME",
        help="cpu, cuda, cuda:1, mps or auto (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--render-size", type=whole_number(64, 2048), default=model.render_size, metavar="N",
        help="short side of the picture that the network sees (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--hwaccel", choices=("cuda", "qsv", "vaapi", "videotoolbox", "d3d11va"),
        help="decode by hardware; the processor does where that cannot, and says so",
    )  # fmt: skip
    group.add_argument(
        "--batch-size", type=whole_number(1, 1024), default=model.batch_size, metavar="N",
        help="frames inferred at once (default: %(default)s)",
    )  # fmt: skip


def _add_reference_options(group: argparse._ArgumentGroup) -> None:
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
        "--swatch", type=parsed(parse_swatch), action="append", default=[],
        metavar="FILM=REFERENCE",
        help="parts that belong together, each LEFT,TOP,WIDTH,HEIGHT in percent; may be repeated",
    )  # fmt: skip


def _add_output_options(group: argparse._ArgumentGroup) -> None:
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


def _add_look_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--dump", type=Path, metavar="DIR",
        help="write what each stage makes of some frames, with a page to look at it; without -o "
        "no film is written, and only what these frames need is colorized",
    )  # fmt: skip
    group.add_argument(
        "--dump-frames", type=parsed(FrameSelection.parse), metavar="LIST",
        help="frames to dump: numbers, seconds, timecodes, ranges: 1700-1740,57.8s,10:00:12:05",
    )  # fmt: skip
    group.add_argument(
        "--dump-stages", type=parsed(parse_stages), default=STAGES, metavar="LIST",
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


def _check_reference(parser: Parser, options: argparse.Namespace) -> None:
    if options.reference is None and (options.transfer or options.swatch):
        parser.error("--transfer and --swatch tell how colors of --reference PICTURE are taken")
    if options.reference is not None and options.model != ModelSettings().name:
        parser.error("--reference takes the place of --model; leave one out")
    if options.swatch and options.transfer == "global":
        parser.error("--swatch is for --transfer welsh")
