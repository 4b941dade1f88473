"""Many reels: a failed one does not stop the others, and none is colorized twice."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from vidcolor.directing.direction import Direction
from vidcolor.errors import OutputError, ReelTakenError, SettingError, VidcolorError
from vidcolor.files import make_folder
from vidcolor.film.checkpoint import discard_work
from vidcolor.film.coloring import Engine, FilmRun, Listener, Progress, color_here
from vidcolor.film.colorize import check_names, colorize_job, paths_written
from vidcolor.film.credentials import load_signer
from vidcolor.film.directed import find_direction, script_path
from vidcolor.film.verify import Verifier, was_verified
from vidcolor.models.predict import spare_memory
from vidcolor.models.zoo import Model
from vidcolor.pipeline.trace import NO_TRACE, Trace
from vidcolor.reels.bag import Bag, refuse_bag
from vidcolor.reels.failures import explain, is_memory
from vidcolor.reels.find import Reel, find_same_stems, refuse_same_names
from vidcolor.reels.ledger import Ledger
from vidcolor.reels.ledger_listener import LedgerListener
from vidcolor.reels.result import PlannedReel, ReelResult, left_to_others
from vidcolor.reels.split import PartLists
from vidcolor.report.sidecar import add_verification, sidecar_path
from vidcolor.settings import Settings
from vidcolor.spans import Part
from vidcolor.threads import map_at_once
from vidcolor.writing.plan import Job, plan_video


class Workers(NamedTuple):
    """Threads that colorize one reel each.

    Attributes:
        number: How many.
        stop: Makes them stop soon.
    """

    number: int
    stop: Callable[[], None]


class Batch:
    """Colorizes reels, with a ledger if they go to one folder.

    Args:
        model: What predicts.
        settings: All settings.
        output: The output of a single reel, if named.
        folder: Where unnamed outputs go; None for beside their sources.
        ledger: The ledger of the folder; None to keep none.
        color: Colors the shots of each reel.
        bag: What `folder` is, if it is a bag: the films go to its payload.
    """

    def __init__(
        self,
        model: Model,
        settings: Settings,
        *,
        output: Path | None = None,
        folder: Path | None = None,
        ledger: Ledger | None = None,
        color: Engine = color_here,
        bag: Bag | None = None,
    ) -> None:
        load_signer(settings.output)  # its faults are reported before the first film
        self.model: Model = model
        self.settings: Settings = settings
        self._output = output
        self._folder = folder if bag is None else bag.payload
        self._bag = bag
        self._ledger = ledger
        self._color = color
        self._targets: dict[Path, Path] = {}
        self._same_stems: set[Reel] = set()
        self._has_sequences = False

    def outcomes(
        self,
        reels: Iterable[Reel],
        colorize: Callable[[PlannedReel], ReelResult],
        workers: Workers | None = None,
    ) -> Generator[ReelResult, None, None]:
        """Yield how each reel ended.

        Reels that another run is working on come last. They are tried again as long as this run
        colorizes others: so of several runs the last one finds all reels done, and only the
        others skip any.

        Args:
            reels: The films.
            colorize: Colorizes a reel, by `Batch.colorize`.
            workers: Threads for several reels at once; None for one after the other.
        """
        waiting, refused = self._known(reels)
        yield from refused
        lists = PartLists(waiting, overwrite=self.settings.output.overwrite)
        has_worked = True
        while waiting and has_worked:
            by_entry = {reel.entry: reel for reel in waiting}
            waiting, has_worked = [], False
            for planned, outcome in self._tried(by_entry.values(), colorize, workers):
                if outcome.state == "left to another run":
                    waiting.append(by_entry[outcome.entry])
                    continue
                has_worked |= planned
                yield self._joined(lists, outcome)
        yield from (replace(left_to_others(reel.path), part=reel.part.label()) for reel in waiting)

    def _joined(self, lists: PartLists, outcome: ReelResult) -> ReelResult:
        """How a reel ended, with the list that it completes."""
        try:
            return replace(outcome, parts_list=lists.add(outcome))
        except OutputError as error:
            return self._failed(outcome.source, error, outcome.entry)

    def _tried(
        self,
        reels: Iterable[Reel],
        colorize: Callable[[PlannedReel], ReelResult],
        workers: Workers | None,
    ) -> Iterator[tuple[bool, ReelResult]]:
        """Whether each reel could be planned, and how it ended for now."""

        def finish(planned: PlannedReel | ReelResult) -> tuple[bool, ReelResult]:
            if isinstance(planned, PlannedReel):
                return True, colorize(planned)
            return False, planned

        planned = map(self._plan, reels)
        if workers is None:
            return map(finish, planned)
        return map_at_once(finish, planned, workers.number, workers.stop)

    def colorize(
        self, planned: PlannedReel, progress: Progress, trace: Trace = NO_TRACE
    ) -> ReelResult:
        """Colorize one planned reel; an error becomes its result."""
        return replace(self._colorized(planned, progress, trace), part=planned.part)

    def _colorized(self, planned: PlannedReel, progress: Progress, trace: Trace) -> ReelResult:
        job, ledger = planned.job, self._ledger
        if planned.made is not None:
            return self._verify(planned, planned.made)
        listener = (
            Listener(progress) if ledger is None else LedgerListener(ledger, planned, progress)
        )
        try:
            make_folder(job.encoding.path.parent)
            provenance = planned.provenance(self.model)
            result = colorize_job(
                FilmRun(provenance=provenance, engine=self._color, listener=listener, trace=trace)
            )
            if self._bag is not None:
                self._bag.note(result.path, result.sha256)
        except ReelTakenError:
            return left_to_others(job.source.path)
        except VidcolorError as error:
            done = self._find_done(job.source.path, planned.identity)  # by another run, just now
            return done or self._failed(job.source.path, error, planned.entry)
        except ImportError:  # of a library that all reels need
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this reel's alone
            return self._failed(job.source.path, error, planned.entry)
        return ReelResult(source=job.source.path, result=result)

    def plans(self, reels: Iterable[Reel]) -> Iterator[PlannedReel | ReelResult]:
        """How each reel will be colorized, or why not; an error becomes its result."""
        listed, refused = self._known(reels)
        yield from refused
        yield from map(self._plan, listed)

    def _known(self, reels: Iterable[Reel]) -> tuple[list[Reel], list[ReelResult]]:
        """The reels, and the results of those whose names cannot be theirs."""
        listed = list(reels)
        self._same_stems.update(find_same_stems(listed, self._folder))
        self._has_sequences |= any(reel.is_sequence for reel in listed)
        refused = refuse_same_names(listed, self._folder)
        failed = [self._failed(reel.path, error, reel.entry) for reel, error in refused.items()]
        return [reel for reel in listed if reel not in refused], failed

    def _plan(self, reel: Reel) -> PlannedReel | ReelResult:
        """How a reel will be colorized, or why not; an error becomes its result."""
        planned, part = self._looked_at(reel), reel.part.label()
        if isinstance(planned, PlannedReel):
            return planned._replace(part=part)
        return replace(planned, part=part)

    def _looked_at(self, reel: Reel) -> PlannedReel | ReelResult:
        try:
            if self._bag is not None:
                self._bag.refuse_name(reel)
            folder = self._place_of(reel)
            job = plan_video(
                reel.path,
                reel.named(self._output),
                self._settings_of(reel),
                folder=folder,
                whole_name=reel in self._same_stems,
            )
            job = self._noted(job, reel)
            if self._folder is None:
                refuse_bag(job.encoding.path.parent)
            self._refuse_meeting(job)
            direction = find_direction(job, job.settings)
            if self._ledger is None:
                check_names(job, job.settings, folder_comes=folder is not None)
                return PlannedReel(job, direction=direction)
            return self._plan_with(self._ledger, job, direction, reel.entry)
        except ReelTakenError:
            return left_to_others(reel.path)
        except ImportError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this reel's alone
            return self._failed(reel.path, error, reel.entry)

    def _noted(self, job: Job, reel: Reel) -> Job:
        """A reel's job with what the user should know of it as one of many."""
        if job.settings.input.fps != self.settings.input.fps:
            job = job.with_note("keeps its own rate; --fps is for the image sequences")
        return job.with_note(reel.note) if reel.note else job

    def _settings_of(self, reel: Reel) -> Settings:
        """The settings for a reel; beside image sequences, a rate is theirs and not that of films.

        A rate for films alone is left to be refused.
        """
        settings = replace(self.settings, part=reel.part) if reel.part != Part() else self.settings
        if reel.is_sequence or not self._has_sequences:
            return settings
        return replace(settings, input=replace(settings.input, fps=None))

    def _place_of(self, reel: Reel) -> Path | None:
        """Where the film of a reel goes: where it lies already, or as the reel lies."""
        if self._folder is None:
            return None
        known = None if self._ledger is None else self._ledger.find_place(reel.entry)
        return known or self._folder / reel.subfolder

    def _plan_with(
        self, ledger: Ledger, job: Job, direction: Direction, entry: Path
    ) -> PlannedReel | ReelResult:
        """The plan of a reel, or the result of an earlier run that the ledger knows."""
        planned = PlannedReel(job, ledger.digest_source(job.source, entry), direction=direction)
        identity = planned.provenance(self.model).identity()
        planned = planned._replace(identity=identity)
        source, film = job.source.path, job.encoding.path
        done = self._find_done(source, identity)
        if done is not None:
            return done
        made = self._find_made(identity)
        if made is not None and sidecar_path(made).exists():
            return planned._replace(made=made)
        if made == job.encoding.path:
            return planned._replace(replaces=True)
        try:
            check_names(job, job.settings, folder_comes=True)
        except OutputError as error:
            done = self._find_done(source, identity)  # by another run, just now
            if done is not None:
                return done
            changes = ", ".join(ledger.find_changes(film, identity))
            if not changes:
                raise
            if isinstance(error, ReelTakenError):
                state, remedy = "another run is making it", "use another -o"
            else:
                state, remedy = "exists already, made", "use --overwrite or another -o"
            raise OutputError(
                f"{film}: {state} with other settings ({changes}); {remedy}"
            ) from error
        return planned

    def _find_done(self, source: Path, identity: Mapping[str, object]) -> ReelResult | None:
        """The result of a reel that an earlier run finished, by the ledger; None if none did."""
        done = self._find_made(identity)
        if done is None or not sidecar_path(done).exists():
            return None
        if not was_verified(done, self.settings):
            return None
        discard_work(done)  # of a run that was killed just before it ended
        note = f"already done: {done}"
        return ReelResult(source=source, state="already done", note=note, made=done)

    def _find_made(self, identity: Mapping[str, object]) -> Path | None:
        """The film that the ledger knows; not one outside the bag that is to hold it."""
        made = None if self._ledger is None else self._ledger.find_done(identity)
        is_outside = made is not None and self._bag is not None and not self._bag.holds(made)
        return None if is_outside else made

    def _verify(self, planned: PlannedReel, made: Path) -> ReelResult:
        """Verify a film that is done already."""
        job, source = planned.job, planned.job.source.path
        placed = replace(job, encoding=replace(job.encoding, path=made))
        try:
            proof = Verifier(placed, job.settings)
            proof.check_made(made)
            proof.write_hashes()
            add_verification(sidecar_path(made), proof.verification)
        except VidcolorError as error:
            return self._failed(source, error, planned.entry)
        note = f"already done: {made}; verified: {proof.verification}"
        return ReelResult(source=source, state="already done", note=note, made=made)

    def _refuse_meeting(self, job: Job) -> None:
        """Raise if two reels have one output, or one color script."""
        source = job.source.path
        script = script_path(self.settings, job.source.title)
        if script is not None:
            earlier = self._targets.setdefault(script.absolute(), source)
            if earlier != source:
                raise SettingError(
                    f"{source}: its color script {script} is also that of {earlier}. "
                    "Name a folder with a script for each film."
                )
        for target in paths_written(job, self.settings):
            earlier = self._targets.setdefault(target.absolute(), source)
            if earlier != source:
                raise OutputError(
                    f"{source}: its output {target} is also the output of {earlier}; "
                    "choose different output folders"
                )

    def _failed(self, source: Path, fault: Exception, entry: Path) -> ReelResult:
        error = explain(fault, source, self._place_of_reports(source))
        if is_memory(fault):  # the reels to come take less, and come to the same colors
            self.model = spare_memory(self.model)
        if self._ledger is not None:
            with suppress(OutputError):  # the user sees it anyway
                self._ledger.fail(entry, error)
        return ReelResult(source=source, state="failed", error=error)

    def _place_of_reports(self, source: Path) -> Path:
        """Next to the ledger, the named output, or the reel."""
        if self._ledger is not None:
            return self._ledger.folder
        return self._folder or (self._output or source).parent
