"""One film in, the same film in color out: read, colored, joined, described."""

import gc
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from math import floor
from pathlib import Path
from time import perf_counter

from vidcolor.directing.script import ColorScript
from vidcolor.errors import OutputError, SettingError
from vidcolor.files import (
    check_folder,
    check_target,
    files_of,
    pictures_path,
    refuse_long_names,
)
from vidcolor.film.captions import captions_path, keep_captions
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.film.checkpoint_file import Damaged, is_whole
from vidcolor.film.coloring import FilmRun, Listener, Progress, color_here
from vidcolor.film.credentials import Credentials, lies_beside, manifest_path
from vidcolor.film.directed import find_direction
from vidcolor.film.kept_colors import find_cache
from vidcolor.film.kept_shots import PacketTimes
from vidcolor.film.provenance import Provenance
from vidcolor.film.reuse import keep_shots, with_earlier
from vidcolor.film.source_digest import digest_source, refuse_other
from vidcolor.film.verify import Verification, Verifier, hash_paths
from vidcolor.models.predict import find_fitting_model
from vidcolor.models.zoo import Model, suited
from vidcolor.pipeline.trace import NO_TRACE, Trace
from vidcolor.reading.reader import Damage
from vidcolor.report.checks import DoubtfulShot, find_doubtful_shots
from vidcolor.report.page import page_paths, write_page
from vidcolor.report.sidecar import (
    check_sidecar,
    fixity_of,
    plain_items,
    sidecar_path,
    write_sidecar,
)
from vidcolor.report.source_lines import describe_source
from vidcolor.report.timeline import Timeline
from vidcolor.settings import Settings
from vidcolor.writing.muxer import FilmWriter
from vidcolor.writing.plan import Job, plan_video
from vidcolor.writing.sequence_encoding import check_pictures
from vidcolor.writing.sequence_writer import ChangedPictureError, PictureWriter

_MOST_ATTEMPTS = 3

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One film, colorized.

    Attributes:
        path: The colorized film.
        frames: How many frames it has.
        shots: How many shots were found.
        seconds: How long it took.
        losses: What was damaged in the source; its text is empty if nothing was.
        verification: What was found when it was read back; None without `--verify`.
        remarks: The shots to check.
        source_color: Notes on color that the source has, a line each.
        notes: What the user should know of how it was written, a line each.
        sha256: Of its file, or of the images of a sequence in order.
    """

    path: Path
    frames: int
    shots: int
    seconds: float
    losses: Damage
    verification: Verification | None = None
    remarks: Sequence[DoubtfulShot] = ()
    source_color: Sequence[str] = ()
    notes: Sequence[str] = ()
    sha256: str = ""


def colorize_video(
    source: str | Path,
    output: str | Path | None = None,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
    dump: Trace | None = None,
    model: Model | None = None,
    script: ColorScript | None = None,
) -> Result:
    """Colorize one film.

    Args:
        source: A black-and-white film in any container and codec that FFmpeg decodes.
        output: The colorized film; None for `film.colorized.*` beside it.
        settings: All settings; None for the defaults.
        progress: Called after each frame with the number of frames done and the shot's number.
        dump: Gets what the stages make of the frames that it chooses, such as a `FrameDump`.
        model: What predicts, loaded before; None to load the settings' one.
        script: What is known of its colors; None for that of `settings.color_script`, if any.

    Raises:
        VidcolorError: The film cannot be colorized; nothing is left under the output's name.
    """
    settings = settings or Settings()
    if settings.output.on_change == "split":
        raise SettingError("on_change: split makes several films; use colorize_reels")
    job = plan_video(Path(source), Path(output) if output is not None else None, settings)
    check_names(job, settings)
    direction = find_direction(job, job.settings, script)
    model = model or find_fitting_model(settings)
    provenance = Provenance(
        job=job,
        model=model,
        settings=suited(job.settings, model),
        digest=digest_source(job.source.files, job.source.access),
        direction=direction,
    )
    listener, trace = Listener(progress), dump or NO_TRACE
    return colorize_job(
        FilmRun(provenance=provenance, engine=color_here, listener=listener, trace=trace)
    )


def check_names(job: Job, settings: Settings, *, folder_comes: bool = False) -> None:
    """Raise if a planned film must not or cannot be written under its names.

    Args:
        job: The film.
        settings: All settings.
        folder_comes: Whether a missing output folder will be created first.

    Raises:
        OutputError: A file exists there and must not be overwritten, or a name is too long.
        ReelTakenError: Another run is working on the film.
    """
    refuse_long_names(paths_written(job, settings))
    check_folder(job.encoding.path.parent, folder_comes=folder_comes)
    is_ours = is_whole(job.encoding.path)
    _refuse_taken_names(job, settings, is_ours=is_ours, folder_comes=folder_comes)


def paths_written(job: Job, settings: Settings) -> list[Path]:
    """The files that a film comes to: itself, its sidecar, and lists of hashes if asked for."""
    film = job.encoding.path
    hashes = hash_paths(film) if settings.output.framemd5 else ()
    is_beside = lies_beside(job.encoding.container, settings.output)
    credentials = [manifest_path(film)] if is_beside else []
    captions = [captions_path(film)] if job.encoding.captions == "beside" else []
    pages = page_paths(film) if settings.output.report else []
    return [film, sidecar_path(film), *hashes, *credentials, *captions, *pages]


def colorize_job(run: FilmRun) -> Result:
    """Colorize one planned film, resuming where an earlier run stopped; see `colorize_video`."""
    began = perf_counter()
    run.direction.refuse_other(run.digest.sha256)
    has_histograms = run.model.decoding is not None
    run.direction.refuse_unsure(run.settings.refine.method, has_histograms=has_histograms)
    run = with_earlier(replace(run, cache=find_cache(run.provenance)))
    credentials = Credentials(run.job, run.settings.output, run.provenance.claim())
    with take(run) as checkpoint:
        result = _finish(run, checkpoint, credentials, began)
    run.trace.refuse_missed()
    return result


def _finish(run: FilmRun, checkpoint: Checkpoint, credentials: Credentials, began: float) -> Result:
    """Color, join and describe a film; damaged shots of its checkpoint are colored again."""
    for attempt in range(_MOST_ATTEMPTS):
        try:
            if checkpoint.losses is None:
                color(run, checkpoint)
            times = PacketTimes()
            proof = join(run, checkpoint, credentials, times)
            written = fixity_of(*files_of(run.job.encoding.path))
            keep_shots(run, checkpoint, times, str(written["messageDigest"]))
            return describe(run, checkpoint, proof, credentials, written, began)
        except Damaged as damaged:
            checkpoint.drop_damaged(0 if attempt else damaged.shot)
            _report_damage(run.job, checkpoint)
    raise OutputError(
        f"{run.job.encoding.path}: the disk returns other bytes than were written; "
        "choose another -o"
    )


@contextmanager
def take(run: FilmRun) -> Iterator[Checkpoint]:
    """The checkpoint of a film, new or of an earlier run, locked against other runs.

    Raises:
        ReelTakenError: Another run is working on the film.
        OutputError: The film must not or cannot be written under its names.
    """
    target = run.job.encoding.path
    identity = run.provenance.identity()
    if run.takes_over:  # shots that are taken over have no endings to go on with
        identity["taken_over"] = True
    with Checkpoint(target, identity, run.listener.on_shot) as checkpoint:
        _refuse_taken_names(run.job, run.settings, is_ours=checkpoint.losses is not None)
        if run.trace is not NO_TRACE and checkpoint.frames_done:
            checkpoint.restart()  # the trace wants frames of finished shots
        _report_start(run.job, checkpoint)
        try:
            yield checkpoint
        except Exception:
            raise
        except BaseException:
            _report_kept(run.job, checkpoint)
            raise


def color(run: FilmRun, checkpoint: Checkpoint) -> None:
    """Color the unfinished shots; each is kept as soon as it is finished."""
    pictures = _try_writer(run)
    gc.collect()  # PyAV's containers and streams refer to each other, and an encoder is a large one
    checkpoint.end_film(asdict(run.engine(run, checkpoint, pictures)))
    for line in run.direction.absent_shots(checkpoint.shots_done):
        _LOG.warning(line)


def join(
    run: FilmRun, checkpoint: Checkpoint, credentials: Credentials, times: PacketTimes
) -> Verifier:
    """Join the shots into a film, sign, verify and rename it; what the verification found."""
    proof = Verifier(run.job, run.settings)

    def check(written: Path) -> None:
        is_read_again = run.settings.output.verify or run.settings.output.framemd5
        refuse_other(run.job.source, run.digest, is_read_again=is_read_again)
        credentials.add(written)
        try:
            proof.check(written)
        except OutputError as error:
            told = _without_bad_shots(checkpoint, proof, error)
            if told is error:
                raise
            raise told from error

    with _writer(run, check) as writer, closing(checkpoint.packets()) as packets:
        try:
            writer.write(times.watch(packets), checkpoint.reordered)
        except ChangedPictureError as error:
            raise Damaged(checkpoint.shot_of(error.count)) from error
    return proof


def _without_bad_shots(checkpoint: Checkpoint, proof: Verifier, error: OutputError) -> OutputError:
    """The error of a film that fails its verification, whose wrong shots are deleted.

    If they were kept, the same command would come to the same error again.
    """
    found = proof.verification
    if found is None or found.first_bad_frame is None:
        return error
    checkpoint.drop_damaged(
        checkpoint.shot_of(min(found.first_bad_frame, checkpoint.frames_done - 1))
    )
    return OutputError(
        f"{error}; the next run colors shots from {checkpoint.shots_done + 1} on anew"
    )


def describe(
    run: FilmRun,
    checkpoint: Checkpoint,
    proof: Verifier,
    credentials: Credentials,
    written: Mapping[str, object],
    began: float,
) -> Result:
    """Write the files that belong to a finished film, report it, and delete the checkpoint.

    Args:
        run: What made the film.
        checkpoint: Its shots.
        proof: What the verification found.
        credentials: Those that it got.
        written: Digest and size of its file; see `fixity_of`.
        began: When the work on it began, by `perf_counter`.
    """
    film = run.job.encoding.path
    timeline = Timeline(checkpoint.figures())
    facts = run.provenance.sidecar(written) | timeline.figures()
    shots = timeline.shots()
    losses = Damage(**(checkpoint.losses or {}))
    losses.unread = max(losses.unread, len(run.job.source.access.unread or ()))
    result = Result(
        path=film,
        frames=timeline.frames,
        shots=len(shots),
        seconds=perf_counter() - began,
        losses=losses,
        verification=proof.verification,
        remarks=find_doubtful_shots(shots),
        source_color=describe_source(shots),
        notes=run.job.encoding.notes,
        sha256=str(written["messageDigest"]),
    )
    facts |= {"elapsed_seconds": result.seconds, "losses": str(result.losses)}
    facts |= {"verification": result.verification, "source_color": result.source_color}
    facts["worth_a_look"] = result.remarks
    proof.write_hashes()
    credentials.write()
    facts["captions"] = keep_captions(run.job, checkpoint)
    write_sidecar(sidecar_path(film), facts)
    if run.settings.output.report:
        names = run.job.encoding.names
        write_page(film, film if names is None else names.path, plain_items(facts))
    run.listener.on_film(result.frames, result.seconds, str(losses))
    checkpoint.remove()
    return result


def _refuse_taken_names(
    job: Job, settings: Settings, *, is_ours: bool, folder_comes: bool = False
) -> None:
    """Raise if one of the files that will be written exists, unless that is allowed."""
    overwrite = settings.output.overwrite or is_ours
    target, source = job.encoding.path, job.source.path
    if job.encoding.is_sequence:
        check_pictures(job.encoding, job.source, overwrite=overwrite, folder_comes=folder_comes)
    else:
        check_target(target, source, overwrite=overwrite, folder_comes=folder_comes)
    for path in paths_written(job, settings)[1:]:
        check_sidecar(path, overwrite=overwrite)


def _report_start(job: Job, checkpoint: Checkpoint) -> None:
    """Say at which shot a film is resumed, or why it is started over."""
    if checkpoint.changed:
        _LOG.warning("%s: %s; starting over", job.source.path, checkpoint.changed)
        return
    if checkpoint.damaged is not None:
        _report_damage(job, checkpoint)
    if checkpoint.frames_done:
        place = (job.source.path, checkpoint.shots_done + 1, checkpoint.frames_done)
        _LOG.info("%s: resuming at shot %d, frame %d", *place)


def _report_kept(job: Job, checkpoint: Checkpoint) -> None:
    """Say how far the work on a film is kept that is stopped."""
    if not checkpoint.frames_done:
        _LOG.info("%s: nothing is kept yet", job.source.path)
        return
    at = timedelta(seconds=floor(checkpoint.frames_done / job.source.frame_rate))
    _LOG.info("%s: kept up to frame %d (%s)", job.source.path, checkpoint.frames_done, at)


def _report_damage(job: Job, checkpoint: Checkpoint) -> None:
    """Say from which shot on a film is colored again, as its checkpoint is damaged."""
    _LOG.warning(
        "%s: the checkpoint is damaged (shot %d has a wrong checksum); resuming at shot %d",
        *(job.source.path, (checkpoint.damaged or 0) + 1, checkpoint.shots_done + 1),
    )


def _try_writer(run: FilmRun) -> PictureWriter | None:
    """Begin the film and end it: what its container cannot hold is an error now, not after hours.

    Returns:
        What writes single pictures, if that is how the film is written.
    """
    writer = _writer(run)
    writer.abandon()
    return writer if isinstance(writer, PictureWriter) else None


def _writer(
    run: FilmRun, check: Callable[[Path], None] = lambda _: None
) -> FilmWriter | PictureWriter:
    """A writer that gives a film its name only when it is complete and checked."""
    job, settings = run.job, run.settings
    if job.encoding.is_sequence:
        return PictureWriter(
            job.source,
            job.encoding,
            pictures_path(job.encoding.path),
            shift_seconds=job.shift_seconds(settings),
            check=check,
        )
    return FilmWriter(
        job.source,
        job.encoding,
        made_by=run.provenance.tag(),
        shift_seconds=job.shift_seconds(settings),
        end_seconds=job.end_seconds(settings),
        check=check,
    )
