"""What one command line asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from vidcolor.dump.stages import STAGES
from vidcolor.rules import Between
from vidcolor.settings import ClusterSettings, Settings
from vidcolor.spans import FrameSelection

T = TypeVar("T")

STREAM = Path("-")
"""What stands for standard input among the inputs, and for standard output after `-o`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one command line asks for.

    Attributes:
        inputs: Films, folders and image sequences.
        output: What `-o` says; `film_path` and `folder` tell what that means.
        film_path: The one output file or image sequence; None for names made from the sources.
        folder: The output folder; None for beside the sources.
        recursive: Search subfolders as well.
        photos: Folders hold photographs, and pictures with numbers are some.
        quiet: Print errors only.
        dry_run: Write nothing.
        like: A sidecar whose settings are taken over.
        style: A look that settings are taken from.
        log: A file that gets a line for each event; None for no log.
        log_format: How its lines are written.
        settings_file: A file that options were taken from.
        show_config: Print the options in effect, in place of colorizing.
        bagit: Make `folder` a BagIt bag.
        bag_what_succeeded: Make it even if reels failed.
        status_format: How that is written.
        status: The output folder to report on, in place of colorizing.
        doctor: Print what this installation has, in place of colorizing.
        completion: The shell whose completion script is printed, in place of colorizing.
        models: List the models, in place of colorizing.
        plot: The sidecar to draw, in place of colorizing.
        engine: What colors the shots.
        preview: Write a contact sheet of each film, in place of colorizing.
        grid: Settings to show side by side in place of colorizing, each as `saturation=0.6,1`.
        dump: The folder of the dump; None for no dump.
        dump_frames: The frames to dump.
        dump_stages: The stages to dump.
        dump_top_k: How many bins of each histogram the dump keeps; None for all.
        list_shots: List the shots of each film, in place of colorizing.
        script_new: Write a color script to begin with for each film, in place of colorizing.
        suggest: A frame and a point in it, whose likeliest colors are printed in place of
            colorizing.
        settings: All settings.
        cluster: How the machines of a cluster are used.
        origins: For each field that was given, by its dotted name, where: a file, or the command
            line.
    """

    inputs: tuple[Path, ...] = ()
    output: str | None = None
    film_path: Path | None = None
    folder: Path | None = None
    recursive: bool = False
    photos: bool = False
    quiet: bool = False
    dry_run: bool = False
    like: Path | None = None
    style: Literal["natural", "muted", "vivid"] | None = None
    log: Path | None = None
    log_format: Literal["text", "json"] = "text"
    settings_file: Path | None = None
    show_config: bool = False
    bagit: bool = False
    bag_what_succeeded: bool = False
    status: Path | None = None
    status_format: Literal["text", "json", "csv"] = "text"
    doctor: bool = False
    completion: Literal["bash", "zsh", "fish", "tcsh", "powershell"] | None = None
    models: bool = False
    plot: Path | None = None
    engine: Literal["local", "ray"] = "local"
    preview: bool = False
    grid: tuple[str, ...] = ()
    dump: Path | None = None
    dump_frames: FrameSelection | None = None
    dump_stages: tuple[str, ...] = STAGES
    dump_top_k: Annotated[int, Between(1, 313)] | None = None
    list_shots: bool = False
    script_new: bool = False
    suggest: tuple[str, tuple[float, float]] | None = None
    settings: Settings = field(default_factory=Settings)
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_report(self) -> bool:
        """Whether nothing is colorized."""
        return (
            self.show_config
            or self.doctor
            or self.completion is not None
            or self.models
            or self.plot is not None
            or self.status is not None
        )


def filled(instance: T, values: Mapping[str, object]) -> T:
    """A copy of a dataclass with other values, which fields of its fields may have.

    Args:
        instance: The dataclass.
        values: The values by the dotted names of their fields, such as `settings.color.seed`.
    """
    own: dict[str, object] = {}
    inner: dict[str, dict[str, object]] = {}
    for path, value in values.items():
        name, _, rest = path.partition(".")
        if rest:
            inner.setdefault(name, {})[rest] = value
        else:
            own[name] = value
    for name, deeper in inner.items():
        own[name] = filled(getattr(instance, name), deeper)
    changed: Any = replace(instance, **own)  # type: ignore[type-var]  # any dataclass
    return changed  # type: ignore[no-any-return]
