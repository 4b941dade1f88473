"""Every option of the program, one row each.

The parser, the settings, the conflicts and docs/options.md are made from these rows; defaults,
ranges and choices from the fields that the options set. No torch, nothing heavy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from vidcolor.cli.parse import (
    as_usage_error,
    parse_every,
    parse_size,
    parse_spot,
    parse_timecode,
)
from vidcolor.cli.request import Request
from vidcolor.dump.stages import STAGES, parse_stages
from vidcolor.rules import Rule, rules_of
from vidcolor.settings import RENDER_SIZE, parse_swatch
from vidcolor.spans import FrameSelection, Moment
from vidcolor.timecode import parse_rate

GENERAL = "options"
SEQUENCES = "image sequences"
PART = "part of the film"
COLOR = "color"
MODEL = "model"
REFERENCE = "reference picture"
DIRECTING = "color script"
ENCODING = "encoding"
CHECKS = "verification and content credentials"
MACHINES = "many machines"
INSPECTION = "inspection"
STUDY = "study"

GROUPS = (
    GENERAL, SEQUENCES, PART, COLOR, DIRECTING, MODEL, REFERENCE, ENCODING, CHECKS, MACHINES,
    INSPECTION, STUDY,
)  # fmt: skip
FILM = "FILM"

OFTEN_WANTED = (
    FILM, "--output", "--recursive", "--photos", "--dry-run", "--quiet", "--overwrite", "--status",
    "--preview", "--start", "--end", "--fps", "--style", "--saturation", "--color-script",
    "--model", "--for", "--lossless", "--verify",
)  # fmt: skip
"""What `--help` shows, so that it fits on a screen; `--help-all` shows all."""

_USUAL = Request()
"""What runs if no option is given."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        group: One of `GROUPS`.
        field: The dotted name of the field of `Request` that it sets.
        name: As it is written; `FILM` for what is no option.
        metavar: What its value is called in help; empty if it has none, or if it is one of a few
            words.
        help: A verb, an object; range and default are added from the field.
        short: A second name of one letter.
        parse: What makes a value of its text; None for what the field's type says.
        default: The default in words, for fields that are None by default.
        is_repeated: Whether it may be given more than once, each for one more value.
        needs: Options, or options with a value, that must be given with it.
        excludes: Options, or options with a value, that cannot be given with it.
    """

    group: str
    field: str
    name: str
    metavar: str
    help: str
    short: str = ""
    parse: Callable[[str], object] | None = None
    default: str = ""
    is_repeated: bool = False
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    @property
    def usual(self) -> object:
        """The field's default."""
        return attrgetter(self.field)(_USUAL)

    @property
    def rule(self) -> Rule:
        """What the field may hold."""
        holder, _, name = self.field.rpartition(".")
        return rules_of(type(attrgetter(holder)(_USUAL) if holder else _USUAL))[name]

    @property
    def is_switch(self) -> bool:
        """Whether it has no value."""
        return self.rule.kind is bool

    def default_text(self) -> str:
        """The default in words; empty if leaving the option out is plain enough."""
        if self.default:
            return self.default
        value = self.usual
        if self.is_switch or value is None or value == ():
            return ""
        return f"{value:g}" if isinstance(value, float) else str(value)

    def help_text(self) -> str:
        """The help with range and default."""
        limits, default = self.rule.limits, self.default_text()
        range_text = "" if limits is None else str(limits)
        facts = [range_text, default and f"default: {default}"]
        added = ", ".join(filter(None, facts))
        return f"{self.help} ({added})" if added else self.help


OPTIONS = (
    Option(GENERAL, "inputs", FILM, FILM,
           "films, photographs, folders, image sequences as FFmpeg names them: reel/%06d.dpx, or - "
           "for standard input"),
    Option(GENERAL, "output", "--output", "PATH",
           "write to a file, an image sequence NEW/%06d.dpx, a folder, or - for standard output",
           short="-o",
           default="FILM.colorized.* next to the film"),
    Option(GENERAL, "recursive", "--recursive", "", "search subfolders as well", short="-r"),
    Option(GENERAL, "photos", "--photos", "",
           "treat the images in folders, numbered ones too, as single photographs",
           excludes=("--dump", "--bagit", "--engine ray")),
    Option(GENERAL, "dry_run", "--dry-run", "",
           "show what would be done, with estimated time and size; nothing is written",
           short="-n"),
    Option(GENERAL, "quiet", "--quiet", "", "print errors only", short="-q"),
    Option(GENERAL, "settings.output.overwrite", "--overwrite", "", "replace an existing output"),
    Option(GENERAL, "settings.force", "--force", "",
           "colorize a film that is already in color; its luma is kept"),
    Option(GENERAL, "settings_file", "--settings-file", "TOML",
           "read options from a file, such as saturation = 0.8; the command line overrides it",
           parse=Path),
    Option(GENERAL, "like", "--like", "JSON",
           "use color, model and encoding of an earlier film, from its FILM.colorized.json",
           parse=Path),
    Option(GENERAL, "show_config", "--show-config", "",
           "print the options in effect, as a file for --settings-file, and where each comes from; "
           "nothing is written"),
    Option(GENERAL, "bagit", "--bagit", "",
           "make the output folder a BagIt bag with SHA-256 manifests when all reels are done",
           excludes=("--dump",)),
    Option(GENERAL, "bag_what_succeeded", "--bag-what-succeeded", "",
           "make the bag even if reels failed; bag-info.txt names them", needs=("--bagit",)),
    Option(GENERAL, "status", "--status", "DIR",
           "show the state of every reel in output folder DIR", parse=Path,
           excludes=(FILM, "--dump")),
    Option(GENERAL, "status_format", "--format", "", "with --status: print text, JSON or CSV",
           needs=("--status",)),
    Option(GENERAL, "log", "--log", "FILE",
           "append a line with the time to a file for each reel, message and error",
           parse=Path),
    Option(GENERAL, "log_format", "--log-format", "", "write the log as text or as JSON lines",
           needs=("--log",)),
    Option(GENERAL, "settings.output.report", "--report", "",
           "write a page with pictures of each shot, FILM.colorized.html, and a CSV; for a batch "
           "also vidcolor-report.html"),
    Option(GENERAL, "doctor", "--doctor", "",
           "print versions, devices, encoders and weights, and how to install what is missing",
           excludes=(FILM, "--dump")),
    Option(GENERAL, "completion", "--completion", "",
           "print the completion script of a shell: source <(vidcolor --completion bash)",
           excludes=(FILM, "--dump")),
    Option(SEQUENCES, "settings.input.fps", "--fps", "RATE",
           "set the frames per second: 18, 23.976, 24000/1001", parse=as_usage_error(parse_rate),
           default="from the DPX headers"),
    Option(SEQUENCES, "settings.input.gaps", "--gaps", "",
           "what to do about missing images: fail stops, hold repeats the previous image, none "
           "ignores gaps, for images numbered by time"),
    Option(SEQUENCES, "settings.input.dpx_order", "--dpx-order", "",
           "take the first 10-bit luma sample of a DPX word from its low or high end; auto "
           "chooses the end that gives smoother rows"),
    Option(GENERAL, "settings.input.accept_losses", "--accept-losses", "",
           "colorize the readable part of a file that cannot be read to its end"),
    Option(GENERAL, "settings.input.follow_playlists", "--follow-playlists", "",
           "let a playlist name files outside its own folder"),
    Option(GENERAL, "settings.memory_limit", "--memory-limit", "SIZE",
           "use at most this much memory, such as 4G or 800M; films whose frames do not fit are "
           "refused",
           parse=as_usage_error(parse_size), default="the machine's"),
    Option(PART, "settings.part.start", "--start", "TIME",
           "start at this time: 90, 1:30.5, the film's timecode 10:00:12:05, or a frame, 2160f",
           parse=as_usage_error(Moment.parse), default="0"),
    Option(PART, "settings.part.end", "--end", "TIME", "stop before this time, written as --start",
           parse=as_usage_error(Moment.parse_later), default="the film's end",
           excludes=("--duration",)),
    Option(PART, "settings.part.duration", "--duration", "TIME",
           "colorize this much, written as --start", parse=as_usage_error(Moment.parse_later),
           default="to the end"),
    Option(COLOR, "style", "--style", "",
           "choose a look: natural, muted colors, or vivid ones, which are wrong more often",
           default="natural"),
    Option(COLOR, "settings.color.vividness", "--vividness", "X",
           "prefer rare, vivid colors, which are wrong more often; 0 prefers likely ones"),
    Option(COLOR, "settings.color.saturation", "--saturation", "X",
           "multiply the colors; 0 leaves the film black and white"),
    Option(COLOR, "settings.color.tint", "--tint", "",
           "what to do with tinted and toned shots: remove the tint and colorize, keep them as "
           "they are, or mix tint and color"),
    Option(COLOR, "settings.color.negative", "--negative", "",
           "treat the film as a negative: the network sees a positive; luma is kept"),
    Option(COLOR, "settings.color.log_to_lightness", "--log-to-lightness", "",
           "treat luma as logarithmic codes (Cineon curve): the network sees converted ones; luma "
           "is kept"),
    Option(COLOR, "settings.temporal.smoothing", "--smoothing", "X",
           "smooth colors over time; 0 colors each frame on its own"),
    Option(COLOR, "settings.temporal.motion", "--no-motion", "",
           "do not follow motion when smoothing"),
    Option(COLOR, "settings.temporal.every", "--every", "N",
           "run the network on every Nth frame only; auto: skip frames that motion explains",
           parse=parse_every),
    Option(COLOR, "settings.refine.method", "--refine", "",
           "refine colors: flood gives each flat region one color, for animation and line art; "
           "scribble spreads the surest colors to the edges of objects"),
    Option(COLOR, "settings.refine.threshold", "--refine-threshold", "X",
           "with flood: set the largest lightness difference in a region, on a scale of 100",
           needs=("--refine flood",)),
    Option(DIRECTING, "settings.color_script", "--color-script", "PATH",
           "direct the colors of frames and shots by a TOML file, or a folder of FILM.colors.toml",
           excludes=("--photos", "--preview", "--grid")),
    Option(DIRECTING, "settings.keep_colors", "--keep-colors", "SIZE",
           "keep decoded colors in the user's cache, up to this size: later runs with other "
           "saturation, casts or hues skip the network; 0 keeps none",
           parse=as_usage_error(parse_size), default="1G with a color script, else 0"),
    Option(DIRECTING, "list_shots", "--list-shots", "",
           "list the shots as a table, or with -o as .csv or .edl; nothing is colorized",
           excludes=("--dump", "--preview", "--grid", "--photos", "--bagit")),
    Option(DIRECTING, "script_new", "--script-new", "",
           "write a color script with a range for each shot, FILM.colors.toml next to the film",
           excludes=("--list-shots", "--dump", "--preview", "--grid", "--photos", "--bagit")),
    Option(DIRECTING, "suggest", "--suggest", "FRAME@X,Y",
           "print the likeliest colors at a place of a frame, such as 1734@0.41,0.32, with their "
           "probabilities", parse=parse_spot,
           excludes=("--list-shots", "--script-new", "--dump", "--preview", "--grid", "--photos",
                     "--bagit")),
    Option(DIRECTING, "settings.input.timecode", "--timecode", "TIMECODE",
           "set the timecode of the first frame, such as 10:00:00:00, if the film states none",
           parse=as_usage_error(parse_timecode)),
    Option(MODEL, "settings.model.name", "--model", "NAME",
           "choose a model by name, file or NAME=FILE, or merge two as A+B"),
    Option(MODEL, "models", "--models", "", "list all models: size, licence, state, speed",
           excludes=(FILM, "--dump")),
    Option(MODEL, "settings.model.merge", "--merge", "X",
           "with --model A+B: set the share of B's colors", needs=("--model",)),
    Option(MODEL, "settings.model.mirror", "--mirror", "",
           "run a model without histograms on mirrored frames as well, to measure its confidence; "
           "takes twice the time", excludes=("--reference",)),
    Option(MODEL, "settings.model.render_size", "--render-size", "N",
           "set the short side, in pixels, of the picture that the network sees",
           default=f"{RENDER_SIZE}; guest models have their own"),
    Option(MODEL, "settings.model.device", "--device", "NAME",
           "run the network on cpu, cuda, cuda:1 or mps; auto takes the fastest"),
    Option(MODEL, "settings.model.batch_size", "--batch-size", "N",
           "run the network on N frames at once"),
    Option(MODEL, "settings.input.hwaccel", "--hwaccel", "",
           "decode in hardware if possible, else in software, with a warning"),
    Option(REFERENCE, "settings.model.reference", "--reference", "PICTURE",
           "copy colors from similar places of a picture instead of using a network",
           excludes=("--model",)),
    Option(REFERENCE, "settings.model.swatches", "--swatch", "FILM=REFERENCE",
           "match parts of film and picture, each LEFT,TOP,WIDTH,HEIGHT in percent; repeatable",
           parse=as_usage_error(parse_swatch), is_repeated=True, needs=("--reference",),
           excludes=("--transfer global",)),
    Option(ENCODING, "settings.output.purpose", "--for", "",
           "choose H.264 in MP4 (access), FFV1 in Matroska (master), ProRes in QuickTime (edit) or "
           "what browsers show (web); other encoding options override it",
           default="as the source is"),
    Option(ENCODING, "settings.output.lossless", "--lossless", "",
           "write FFV1 with checksums, in Matroska",
           excludes=("--for access", "--for edit", "--for web", "--codec", "--crf", "--preset")),
    Option(ENCODING, "settings.output.codec", "--codec", "NAME",
           "choose FFmpeg's encoder, such as libx265 or h264_nvenc; dpx, png and tiff write an "
           "image sequence"),
    Option(ENCODING, "settings.output.crf", "--crf", "X",
           "set the quality; lower is better and larger", default="the encoder's"),
    Option(ENCODING, "settings.output.preset", "--preset", "NAME",
           "set the encoder's speed, such as fast"),
    Option(ENCODING, "settings.output.pixel_format", "--pixel-format", "NAME",
           "set FFmpeg's pixel format, such as yuv422p10le", default="the source's, with chroma"),
    Option(ENCODING, "settings.output.chroma", "--chroma", "", "set the chroma subsampling",
           default="the source's, or 420"),
    Option(ENCODING, "settings.output.chroma_only", "--chroma-only", "",
           "write color only, on flat gray and without sound, for compositing over the original",
           excludes=("--framemd5",)),
    Option(ENCODING, "settings.output.compare", "--compare", "",
           "leave the left half of the picture black and white, to compare with the right; writes "
           "FILM.compare.*", excludes=("--chroma-only",)),
    Option(ENCODING, "settings.output.on_change", "--on-change", "",
           "note changes of size, shape or color tags in mid-film, or split the film there and "
           "write a list of its parts",
           excludes=("--start", "--end", "--duration", "--dump", "--bagit")),
    Option(ENCODING, "settings.output.drop_streams", "--drop-streams", "",
           "leave out sound and pictures that the container cannot hold; refused otherwise"),
    Option(CHECKS, "settings.output.verify", "--verify", "",
           "read the result back and compare it with the source: luma if lossless, times, streams"),
    Option(CHECKS, "settings.output.framemd5", "--framemd5", "",
           "verify, and write the MD5 of each frame's luma, of source and result"),
    Option(CHECKS, "settings.output.c2pa_certificate", "--c2pa-certificate", "PEM",
           "sign content credentials with this certificate chain; they state that the color is "
           "synthetic",
           needs=("--c2pa-key",)),
    Option(CHECKS, "settings.output.c2pa_key", "--c2pa-key", "PEM",
           "sign with this private key", needs=("--c2pa-certificate",)),
    Option(MACHINES, "engine", "--engine", "",
           "color in this process, or share shots among the machines of a Ray cluster"),
    Option(MACHINES, "cluster.address", "--ray-address", "ADDRESS",
           "connect to this cluster: auto or HOST:PORT",
           default="RAY_ADDRESS, or this machine alone", needs=("--engine ray",)),
    Option(MACHINES, "cluster.segments", "--segments", "URL",
           "keep finished shots in a folder that all machines see: a path, s3://BUCKET/FOLDER",
           default="the output's folder", needs=("--engine ray",)),
    Option(MACHINES, "cluster.cpus", "--task-cpus", "N", "reserve CPU cores for each task",
           needs=("--engine ray",)),
    Option(MACHINES, "cluster.gpus", "--task-gpus", "X",
           "reserve GPUs for each task, or a part of one", default="1 if the device is CUDA",
           needs=("--engine ray",)),
    Option(INSPECTION, "preview", "--preview", "",
           "write a contact sheet, FILM.preview.jpg, in seconds: some frames before and after; no "
           "film is written", excludes=("--grid", "--dump")),
    Option(INSPECTION, "grid", "--grid", "NAME=A,B",
           "write one frame or photograph under several settings, FILM.grid.jpg: "
           "saturation=0.6,1,1.4; --start chooses the frame; a second --grid makes rows",
           is_repeated=True, excludes=("--dump",)),
    Option(INSPECTION, "dump", "--dump", "DIR",
           "save the output of each stage for chosen frames, with a page to view it; no film is "
           "written unless -o names one", parse=Path, needs=("--dump-frames",),
           excludes=("--engine ray",)),
    Option(INSPECTION, "dump_frames", "--dump-frames", "LIST",
           "choose frames by number, seconds, timecode or range: 1700-1740,57.8s,10:00:12:05",
           parse=as_usage_error(FrameSelection.parse), needs=("--dump",)),
    Option(INSPECTION, "dump_stages", "--dump-stages", "LIST",
           f"choose stages: {','.join(STAGES)}", parse=as_usage_error(parse_stages), default="all"),
    Option(INSPECTION, "plot", "--plot", "JSON",
           "draw the timeline of FILM.colorized.json as a PNG next to it, or to -o", parse=Path,
           excludes=(FILM, "--dump")),
    Option(STUDY, "settings.color.decode", "--decode", "",
           "choose how a histogram becomes one color"),
    Option(STUDY, "settings.color.seed", "--seed", "N", "with --decode sample: draw other colors",
           needs=("--decode sample",)),
    Option(STUDY, "settings.color.upsample", "--upsample", "",
           "enlarge the color map guided by the film's edges, or smoothly"),
    Option(STUDY, "settings.model.transfer", "--transfer", "",
           "match the reference picture by lightness and texture, or by lightness alone",
           needs=("--reference",)),
    Option(STUDY, "dump_top_k", "--dump-top-k", "K",
           "dump the K likeliest bins of each histogram", default="all"),
)  # fmt: skip

WITHOUT_OPTION = {
    "origins": "found from the command line and the files of settings",
    "settings.start_seconds": "found from --start and the film",
    "settings.duration_seconds": "found from --end, --duration and the film",
    "film_path": "found from --output and the inputs",
    "folder": "found from --output and the inputs",
}
"""Fields of `Request` and the settings that no option sets, each with the reason."""
