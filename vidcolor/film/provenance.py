"""What made a film, stated once: for its checkpoint, its sidecar, its metadata, its credentials."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import torch

from vidcolor.directing.direction import NO_DIRECTION, Direction
from vidcolor.directing.script import digest_of
from vidcolor.film.source_digest import SourceDigest
from vidcolor.models.merge import SIGN
from vidcolor.models.zoo import Model
from vidcolor.reading.sequence import ImageSequence
from vidcolor.report.sidecar import fixity, plain_items
from vidcolor.settings import Settings
from vidcolor.version import COLORS, __version__
from vidcolor.writing.plan import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What is special about a setting; the others decide the film's bytes and are no secret.

    Attributes:
        changes_bytes: Whether it decides the film's bytes by itself.
        is_claimed: Whether the content credentials name it.
        is_secret: Whether it appears nowhere, not even in the sidecar.
        unless: The value at which it is not named, so that films that were begun before there was
            such a setting are resumed.
    """

    changes_bytes: bool = True
    is_claimed: bool = True
    is_secret: bool = False
    unless: object = ...


_WITHOUT_EFFECT = _Rule(changes_bytes=False)

RULES = {
    "color.log_to_lightness": _Rule(unless=False),
    "input.accept_losses": _WITHOUT_EFFECT,  # the source's digest differs if it changes a byte
    "input.dpx_order": _Rule(unless="auto"),
    "color_script": _WITHOUT_EFFECT,  # what it says counts, not where it lies
    "keep_colors": _WITHOUT_EFFECT,
    "memory_limit": _WITHOUT_EFFECT,
    "input.follow_playlists": _WITHOUT_EFFECT,  # as `accept_losses`
    "input.timecode": _Rule(unless=None),
    "output.c2pa_certificate": _Rule(is_claimed=False),
    "output.c2pa_key": _Rule(changes_bytes=False, is_claimed=False, is_secret=True),
    "output.compare": _Rule(unless=False),
    "output.drop_streams": _WITHOUT_EFFECT,  # `left_out` names what it leaves out
    "output.framemd5": _WITHOUT_EFFECT,
    "output.on_change": _Rule(unless="note"),
    "output.overwrite": _WITHOUT_EFFECT,
    "output.report": _WITHOUT_EFFECT,
    "output.verify": _WITHOUT_EFFECT,
    "part": _WITHOUT_EFFECT,  # `start_seconds` and `duration_seconds` say what it comes to
}
"""By the dotted names of settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What made a film.

    Attributes:
        job: The source, and how the film is written.
        model: What predicted.
        settings: All settings.
        digest: The source by its content.
        direction: What a color script says of its frames.
    """

    job: Job
    model: Model
    settings: Settings
    digest: SourceDigest
    direction: Direction = NO_DIRECTION

    def identity(self) -> dict[str, object]:
        """Everything that decides the film's bytes, as values that JSON has.

        With a key more or less, every film in the field would be started over. So what came
        later is named only where it is in use.
        """
        job, encoding = self.job, self.job.encoding
        written: dict[str, object] = {
            "container": encoding.container,
            "codec": encoding.codec,
            "pixel_format": encoding.pixel_format,
            "options": encoding.options,
        }
        if encoding.names is not None:  # of a film in one file the name plays no part
            written["names"] = encoding.names.path.name
        if encoding.captions != "none":
            written["captions"] = encoding.captions
        if times := job.source.clock.identity():
            written["times"] = times
        if job.source.changes:
            written["changes"] = list(map(str, job.source.changes))
        if job.source.fields.is_mixed:
            written["fields"] = list(job.source.fields)
        if encoding.left_out:
            written["left_out"] = list(encoding.left_out)
        sequence = job.source.sequence
        if sequence is not None and sequence.form.notes:
            written["scans"] = list(sequence.form.notes)
        return {
            "film": self.digest.sha256,
            **versions(),
            "weights": self.model.sha256,
            "device": str(self.model.device),
            "settings": self._deciding(),
            "encoding": written,
            **self._script(),
        }

    def base(self) -> dict[str, Any]:
        """Everything that decides the film's bytes but for the color script, as JSON gives it."""
        facts = {name: fact for name, fact in self.identity().items() if name != "color_script"}
        plain: dict[str, Any] = json.loads(json.dumps(facts))
        return plain

    def before_grading(self) -> str:
        """Everything that decides colors as they are decoded, but for the script, as a SHA-256."""
        facts = self.base()
        settings: dict[str, Any] = facts.pop("settings")
        del settings["output"], settings["color"]["saturation"]
        how = facts.pop("encoding")
        mended = {key: how[key] for key in ("times", "changes", "fields", "scans") if key in how}
        picture = plain_items(asdict(self.job.encoding.picture))
        return digest_of([facts, settings, mended, picture])

    def tag(self) -> str:
        """The note in the film's own metadata."""
        color = self.settings.color
        return (
            f"synthetic color, made by vidcolor {__version__}, model {model_line(self.model)}, "
            f"vividness {color.vividness:g}, saturation {color.saturation:g}, "
            f"smoothing {self.settings.temporal.smoothing:g}"
        )

    def claim(self) -> dict[str, object]:
        """What the content credentials state, as values that JSON has."""
        return {
            "source_sha256": self.digest.sha256,
            "model": model_name(self.model),
            "model_sha256": self.model.sha256,
            "settings": _without(self._deciding(), lambda rule, _: not rule.is_claimed),
            **self._script(),
            **self.direction.claim(),
        }

    def sidecar(self, fixity_of_film: Mapping[str, object]) -> dict[str, object]:
        """What the sidecar states, beside the figures over time.

        Args:
            fixity_of_film: Size and digest of the finished film.
        """
        source, encoding, model = self.job.source, self.job.encoding, self.model
        return {
            "vidcolor": __version__,
            "source": {
                "path": source.path,
                "fixity": fixity(self.digest.sha256, self.digest.size),
                "container": source.container,
                "codec": source.codec,
                "pixel_format": source.pixel_format,
                "width": source.picture.width,
                "height": source.picture.height,
                "frame_rate": source.frame_rate,
                "timecode": source.timecode,
                "times_mended": source.clock.notes,
                "changes": list(map(str, source.changes)),
                "fields": source.fields._asdict(),
                "images": None if source.sequence is None else _describe_images(source.sequence),
            },
            "output": {
                "path": encoding.path if encoding.names is None else encoding.names.path,
                "fixity": fixity_of_film,
                "container": encoding.container,
                "codec": encoding.codec,
                "pixel_format": encoding.pixel_format,
                "options": encoding.options,
                "left_out": encoding.left_out,
            },
            "model": {"name": model.name, "sha256": model.sha256, "device": str(model.device)},
            "settings": _without_secrets(asdict(self.settings)),
            **({} if (script := self.direction.facts()) is None else {"color_script": script}),
        }

    def _script(self) -> dict[str, object]:
        """A digest of what a color script says, if there is one."""
        identity = self.direction.identity
        return {} if identity is None else {"color_script": identity}

    def _deciding(self) -> dict[str, object]:
        """The settings that decide the film's bytes."""
        deciding = _without(
            asdict(self.settings),
            lambda rule, value: not rule.changes_bytes or value == rule.unless,
        )
        return plain_items(deciding)


def dump_facts(
    job: Job, model: Model, settings: Settings, render_size: int, direction: Direction
) -> dict[str, object]:
    """What decides the arrays of a dumped frame, beside the film itself."""
    facts = {
        "vidcolor": __version__,
        "model": model_line(model),
        "render_size": render_size,
        "color": asdict(settings.color),
        "temporal": asdict(settings.temporal),
        "refine": asdict(settings.refine),
        "start_seconds": settings.start_seconds,
        "duration_seconds": settings.duration_seconds,
        "picture": asdict(job.encoding.picture),
    }
    if direction.identity is not None:
        facts["color_script"] = direction.identity
    if job.source.sequence is not None:
        facts["input"] = asdict(settings.input)
    return facts


def model_name(model: Model) -> str:
    """A model's name, or those of two merged ones, without the folders of their files."""
    return SIGN.join(Path(name).name for name in model.name.split(SIGN))


def model_line(model: Model) -> str:
    """A model's name and the beginning of its weights' digest."""
    return f"{model_name(model)} {model.sha256[:12]}"


def versions() -> dict[str, str]:
    """Of the programs that decide a film's bytes, as they are on this machine."""
    ours = f"{__version__} (colors {COLORS})"
    return {"vidcolor": ours, "torch": torch.__version__, "PyAV": av.__version__}


def _without(
    settings: dict[str, Any], is_left_out: Callable[[_Rule, object], bool]
) -> dict[str, Any]:
    """Settings without those that a condition on rule and value leaves out."""
    for name, rule in RULES.items():
        place, key = _place(settings, name)
        if key in place and is_left_out(rule, place[key]):
            del place[key]
    return settings


def _without_secrets(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings in which secret ones are None."""
    for name, rule in RULES.items():
        if rule.is_secret:
            place, key = _place(settings, name)
            place[key] = None
    return settings


def _place(settings: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    """Where a setting lies, by its dotted name: the dictionary, and the key in it."""
    *groups, key = name.split(".")
    for group in groups:
        settings = settings[group]
    return settings, key


def _describe_images(sequence: ImageSequence) -> dict[str, object]:
    """What lies in a sequence, and what was done about missing numbers."""
    first, last = sequence.runs[0].start, sequence.runs[-1].stop - 1
    return {
        "first": sequence.pattern.name(first),
        "last": sequence.pattern.name(last),
        "count": sequence.count,
        "missing": last - first + 1 - sequence.count,
        "gaps": "none" if sequence.is_closed else "hold",
        "texts": sequence.texts,
    }
