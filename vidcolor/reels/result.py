"""How a reel will be colorized, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from vidcolor.directing.direction import NO_DIRECTION, Direction
from vidcolor.errors import VidcolorError
from vidcolor.film.colorize import Result
from vidcolor.film.provenance import Provenance
from vidcolor.film.source_digest import SourceDigest, digest_source
from vidcolor.models.zoo import Model
from vidcolor.reels.find import entry_path
from vidcolor.writing.plan import Job

LEFT = "skipped: another run is working on it"


State = Literal["done", "already done", "failed", "left to another run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReelResult:
    """How one reel ended.

    Attributes:
        source: The film.
        state: Whether the output exists, made by this run or an earlier one, and if not, why.
        result: The colorized film; None unless this run made it.
        error: Why it failed; None if it did not.
        note: Why it was skipped, as a line; empty if it was not.
        made: The film that an earlier run made; None unless it is already done.
        part: Which part of the film it is, if that is split; empty for all of it.
        parts_list: The list that joins the parts, if this one was the last; else None.
    """

    source: Path
    state: State = "done"
    result: Result | None = None
    error: VidcolorError | None = None
    note: str = ""
    made: Path | None = None
    part: str = ""
    parts_list: Path | None = None

    @property
    def is_done(self) -> bool:
        """Whether the output exists, made by this run or an earlier one."""
        return self.state in {"done", "already done"}

    @property
    def film(self) -> Path | None:
        """The colorized film, made by this run or an earlier one."""
        return self.made if self.result is None else self.result.path

    @property
    def entry(self) -> Path:
        """What a ledger calls the reel."""
        return entry_path(self.source, self.part)


class PlannedReel(NamedTuple):
    """A reel that is about to be colorized.

    Attributes:
        job: How it will be written.
        origin: What it is by its content; None without a ledger.
        identity: What decides the film's bytes; empty without a ledger.
        made: The film, if it is done already and is only to be verified; else None.
        replaces: Whether a film of the same bytes is replaced, because its sidecar is gone.
        direction: What a color script says of its frames.
        part: Which part of the film it is, if that is split; empty for all of it.
    """

    job: Job
    origin: SourceDigest | None = None
    identity: Mapping[str, object] = {}
    made: Path | None = None
    replaces: bool = False
    direction: Direction = NO_DIRECTION
    part: str = ""

    @property
    def entry(self) -> Path:
        """What a ledger calls the reel."""
        return entry_path(self.job.source.path, self.part)

    def provenance(self, model: Model) -> Provenance:
        """What makes the film; without a ledger the source is read for its digest.

        Raises:
            SourceError: It cannot be read.
        """
        source, settings = self.job.source, self.job.settings
        output = replace(settings.output, overwrite=True) if self.replaces else settings.output
        return Provenance(
            job=self.job,
            model=model,
            settings=replace(settings, output=output),
            digest=self.origin or digest_source(source.files, source.access),
            direction=self.direction,
        )


def left_to_others(source: Path) -> ReelResult:
    """The result of a reel that another run is working on."""
    return ReelResult(source=source, state="left to another run", note=LEFT)
