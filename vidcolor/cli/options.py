"""The options of the command line, and what they mean as settings. No torch, nothing heavy."""

import argparse
from pathlib import Path
from typing import NoReturn

from vidcolor.cli.flags import (
    add_cluster_options,
    add_color_options,
    add_input_options,
    add_look_options,
    add_model_options,
    add_output_options,
    add_piece_options,
    add_reference_options,
)
from vidcolor.files import WRITTEN_SUFFIXES
from vidcolor.reading.sequence_names import SequenceNames
from vidcolor.settings import (
    ClusterSettings,
    ColorSettings,
    InputSettings,
    ModelSettings,
    OutputSettings,
    RefineSettings,
    Settings,
    TemporalSettings,
)
from vidcolor.version import __version__


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
    add_input_options(parser.add_argument_group("a film that lies in a folder as pictures"))
    add_piece_options(parser.add_argument_group("a piece of the film, to try things on"))
    add_color_options(parser.add_argument_group("color"))
    model = parser.add_argument_group("model")
    add_model_options(model)
    add_reference_options(model)
    add_output_options(parser.add_argument_group("encoding"))
    add_cluster_options(parser.add_argument_group("many machines"))
    add_look_options(parser.add_argument_group("a look inside"))
    return parser


def check_usage(parser: Parser, options: argparse.Namespace) -> None:
    """End with bad usage where options do not go together."""
    names = [name for name in ("plot", "status", "models") if getattr(options, name)]
    if names:
        name = f"--{names[0]}"
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
    _check_cluster(parser, options)


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
    if SequenceNames.parse(path) is not None:
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
            merge=options.merge,
            mirror=options.mirror,
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


def cluster_of(options: argparse.Namespace) -> ClusterSettings:
    """What options ask of other machines."""
    return ClusterSettings(
        address=options.ray_address,
        segments=options.segments,
        cpus=options.task_cpus or ClusterSettings().cpus,
        gpus=options.task_gpus,
    )


def _is_film(output: Path) -> bool:
    """Whether a -o names a film, in one file or in pictures, unless there is a folder so called."""
    return output.suffix.lower() in WRITTEN_SUFFIXES or SequenceNames.parse(output) is not None


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


def _check_cluster(parser: Parser, options: argparse.Namespace) -> None:
    asked = ("ray_address", "segments", "task_cpus", "task_gpus")
    if options.engine != "ray":
        for name in asked:
            if getattr(options, name) is not None:
                parser.error(f"--{name.replace('_', '-')} is for --engine ray")
    elif options.dump is not None:
        parser.error("--engine ray and --dump do not go together; dump in a run of its own")


def _check_reference(parser: Parser, options: argparse.Namespace) -> None:
    if options.reference is None and (options.transfer or options.swatch):
        parser.error("--transfer and --swatch tell how colors of --reference PICTURE are taken")
    if options.reference is not None and options.model != ModelSettings().name:
        parser.error("--reference takes the place of --model; leave one out")
    if options.swatch and options.transfer == "global":
        parser.error("--swatch is for --transfer welsh")
