"""One film in, the same film in color out: what is read, kept, written and told of it."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter

from vidcolor.errors import (
    OutputError,
)
from vidcolor.files import beside, files_of, pictures_path, refuse_long_names, write_whole
from vidcolor.film.checkpoint import Checkpoint, is_whole
from vidcolor.film.checkpoint_file import Damaged
from vidcolor.film.coloring import FilmRun, Listener, Progress, color_here
from vidcolor.film.credentials import Credentials, lies_beside, manifest_path
from vidcolor.film.provenance import SourceDigest, find_origin, refuse_other, tell_identity
from vidcolor.film.verify import Verification, Verifier, hash_paths
from vidcolor.models.zoo import Model, find_model, suited
from vidcolor.pipeline.trace import NO_TRACE, Trace
from vidcolor.reading.reader import Damage
from vidcolor.report.checks import DoubtfulShot, find_doubtful_shots
from vidcolor.report.sidecar import check_sidecar, fixity, sidecar_path, tell_fixity, write_sidecar
from vidcolor.report.source_lines import describe_source
from vidcolor.report.timeline import Timeline
from vidcolor.settings import Settings
from vidcolor.version import __version__
from vidcolor.writing.encoding import check_target
from vidcolor.writing.muxer import FilmWriter
from vidcolor.writing.plan import Job, plan_video
from vidcolor.writing.scenarist import SUFFIX as SCENARIST_SUFFIX
from vidcolor.writing.scenarist import write_captions
from vidcolor.writing.sequence_encoding import check_pictures
from vidcolor.writing.sequence_writer import ChangedPictureError, PictureWriter

_MOST_ATTEMPTS = 3

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one film.

    Attributes:
        path: The colorized film.
        frames: How many frames it has.
        shots: How many shots were found.
        seconds: How long it took.
        losses: What was damaged in the source; its text is empty if nothing was.
        verification: What was found when it was read back; None if that was not asked for.
        remarks: The shots that are worth a look.
        source_color: What is told of color that the source has, a line each.
    """

    path: Path
    frames: int
    shots: int
    seconds: float
    losses: Damage
    verification: Verification | None = None
    remarks: Sequence[DoubtfulShot] = ()
    source_color: Sequence[str] = ()


def colorize_video(
    source: str | Path,
    output: str | Path | None = None,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
    dump: Trace | None = None,
    model: Model | None = None,
) -> Result:
    """Colorize one film.

    Args:
        source: A black-and-white film in any container and codec that FFmpeg decodes.
        output: The colorized film; None for `film.colorized.*` beside it.
        settings: All settings; None for the defaults.
        progress: Called after each frame with the number of frames done and the shot's number.
        dump: Gets what the stages make of the frames that it chooses, such as a `FrameDump`.
        model: What predicts, loaded before; None to load the settings' one.

    Raises:
        VidcolorError: The film cannot be colorized; nothing is left under the output's name.
    """
    settings = settings or Settings()
    job = plan_video(Path(source), Path(output) if output is not None else None, settings)
    check_names(job, settings)
    model = model or find_model(settings.model)
    run = FilmRun(
        job=job,
        model=model,
        settings=suited(settings, model),
        origin=find_origin(job.source.files, job.source.access),
        engine=color_here,
        watcher=Listener(progress),
        trace=dump or NO_TRACE,
    )
    return colorize_job(run)


def check_names(job: Job, settings: Settings, *, folder_comes: bool = False) -> None:
    """Raise if a planned film must not or cannot be written under its names.

    Args:
        job: The film.
        settings: All settings.
        folder_comes: Whether a missing folder will be made before it is written.

    Raises:
        OutputError: Something stands there and must not be overwritten, or a name is too long.
        ReelTakenError: Another run has the film in work.
    """
    refuse_long_names(paths_written(job, settings))
    is_ours = is_whole(job.encoding.path)
    _refuse_taken_names(job, settings, is_ours=is_ours, folder_comes=folder_comes)


def paths_written(job: Job, settings: Settings) -> list[Path]:
    """The files that a film comes to: itself, its sidecar, and lists of hashes if asked for."""
    film = job.encoding.path
    hashes = hash_paths(film) if settings.output.framemd5 else ()
    is_beside = lies_beside(job.encoding.container, settings.output)
    credentials = [manifest_path(film)] if is_beside else []
    captions = [captions_path(film)] if job.encoding.captions == "beside" else []
    return [film, sidecar_path(film), *hashes, *credentials, *captions]


def captions_path(film: Path) -> Path:
    """Where the closed captions of a film lie that its codec cannot carry."""
    return beside(film, SCENARIST_SUFFIX)


def colorize_job(run: FilmRun) -> Result:
    """Colorize one planned film, from where an earlier run ended; see `colorize_video`."""
    began = perf_counter()
    identity = tell_identity(run.job, run.model, run.settings, run.origin)
    credentials = Credentials(run.job, run.model, run.settings.output, identity)
    with take(run, identity) as work:
        result = _finish(run, work, credentials, began)
    run.trace.refuse_missed()
    return result


def _finish(run: FilmRun, work: Checkpoint, credentials: Credentials, began: float) -> Result:
    """Do what is missing of a film; what its checkpoint gives back otherwise is done anew."""
    for _ in range(_MOST_ATTEMPTS):
        try:
            if work.losses is None:
                color(run, work)
            proof = join(run, work, credentials)
            return describe(run, work, proof, credentials, began)
        except Damaged as damaged:
            work.drop_damaged(damaged.shot)
            _tell_damage(run.job, work)
    raise OutputError(
        f"{run.job.encoding.path}: its disk gives back other bytes than were written; "
        "choose another -o"
    )


@contextmanager
def take(run: FilmRun, identity: Mapping[str, object]) -> Iterator[Checkpoint]:
    """Take the work on a film, new or begun before, for as long as this goes on.

    Raises:
        ReelTakenError: Another run has it.
        OutputError: The film must not or cannot be written under its names.
    """
    target = run.job.encoding.path
    with Checkpoint(target, identity, run.watcher.on_shot) as work:
        _refuse_taken_names(run.job, run.settings, is_ours=work.losses is not None)
        if run.trace is not NO_TRACE and work.shots_done:
            work.restart()  # for the frames that it wants of shots that are done
        _tell_beginning(run.job, work)
        yield work


def color(run: FilmRun, work: Checkpoint) -> None:
    """Color the shots that are not whole; each is kept as soon as it is."""
    # What the file cannot hold is told now, not when all is done.
    writer = _writer(run)
    writer.abandon()
    pictures = writer if isinstance(writer, PictureWriter) else None
    work.end_film(asdict(run.engine(run, work, pictures)))


def join(run: FilmRun, work: Checkpoint, credentials: Credentials) -> Verifier:
    """Make the shots a film that is signed, checked and has its name; what the check found."""
    proof = Verifier(run.job, run.settings)

    def check(written: Path) -> None:
        is_read_again = run.settings.output.verify or run.settings.output.framemd5
        refuse_other(run.job.source, run.origin, is_read_again=is_read_again)
        credentials.add(written)
        proof.check(written)

    with _writer(run, check) as writer, closing(work.packets()) as packets:
        try:
            writer.write(packets, work.reordered)
        except ChangedPictureError as error:
            raise Damaged(work.shot_of(error.count)) from error
    return proof


def describe(
    run: FilmRun, work: Checkpoint, proof: Verifier, credentials: Credentials, began: float
) -> Result:
    """Write what lies beside a film that has its name, tell of it, and delete the work."""
    film = run.job.encoding.path
    timeline = Timeline(work.figures())
    facts = _facts(run.job, run.model, run.settings, run.origin) | timeline.figures()
    shots = timeline.shots()
    losses = Damage(**(work.losses or {}))
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
    )
    facts["elapsed_seconds"] = result.seconds
    facts["losses"] = str(result.losses)
    facts["verification"] = result.verification
    facts["source_color"] = result.source_color
    facts["worth_a_look"] = result.remarks
    proof.write_hashes()
    credentials.write()
    facts["captions"] = _write_captions(run.job, work)
    write_sidecar(sidecar_path(film), facts)
    run.watcher.on_film(result.frames, result.seconds, str(losses))
    work.remove()
    return result


def _write_captions(job: Job, work: Checkpoint) -> dict[str, object] | None:
    """Write the captions that the film cannot carry; what the sidecar says of a film's captions."""
    place = job.encoding.captions
    if place != "beside":
        return None if place == "none" else {"kept": "in the coded pictures"}
    figures = (one for one in work.figures() if one.captions)
    captions = write_captions((one.seconds, bytes.fromhex(one.captions or "")) for one in figures)
    path = captions_path(job.encoding.path)
    if captions.text is not None:
        write_whole(path, captions.text.encode())
    return {"kept": path if captions.text is not None else None, "lost": captions.lost}


def _refuse_taken_names(
    job: Job, settings: Settings, *, is_ours: bool, folder_comes: bool = False
) -> None:
    """Raise if something stands under the names that will be written, unless that is allowed."""
    overwrite = settings.output.overwrite or is_ours
    target, source = job.encoding.path, job.source.path
    if job.encoding.names is not None:
        check_pictures(job.encoding, job.source, overwrite=overwrite, folder_comes=folder_comes)
    else:
        check_target(target, source, overwrite=overwrite, folder_comes=folder_comes)
    for path in paths_written(job, settings)[1:]:
        check_sidecar(path, overwrite=overwrite)


def _tell_beginning(job: Job, work: Checkpoint) -> None:
    """Say where a film is gone on with, or that it is begun anew."""
    if work.changed:
        changes = ", ".join(work.changed)
        _LOG.warning(
            "%s: begun before with other things (%s); begins anew", job.source.path, changes
        )
        return
    if work.damaged is not None:
        _tell_damage(job, work)
    if work.shots_done:
        place = (job.source.path, work.shots_done + 1, work.frames_done)
        _LOG.info("%s: goes on at shot %d, frame %d", *place)


def _tell_damage(job: Job, work: Checkpoint) -> None:
    """Say from which shot on a film is done anew, as what was kept of it is damaged."""
    _LOG.warning(
        "%s: the checkpoint is damaged (shot %d is not as it was kept); resuming at shot %d",
        *(job.source.path, (work.damaged or 0) + 1, work.shots_done + 1),
    )


def _writer(
    run: FilmRun, check: Callable[[Path], None] = lambda _: None
) -> FilmWriter | PictureWriter:
    """What writes a film under a temporary name, and gives it its own when it is checked."""
    job, model, settings = run.job, run.model, run.settings
    if job.encoding.names is not None:
        return PictureWriter(
            job.source,
            job.encoding,
            pictures_path(job.encoding.path),
            shift_seconds=job.shift_seconds(settings),
            check=check,
        )
    color = settings.color
    made_by = (
        f"synthetic color, made by vidcolor {__version__}, model {model.name} {model.sha256[:12]}, "
        f"vividness {color.vividness:g}, saturation {color.saturation:g}, "
        f"smoothing {settings.temporal.smoothing:g}"
    )
    return FilmWriter(
        job.source,
        job.encoding,
        made_by=made_by,
        shift_seconds=job.shift_seconds(settings),
        duration_seconds=settings.duration_seconds,
        check=check,
    )


def _facts(job: Job, model: Model, settings: Settings, origin: SourceDigest) -> dict[str, object]:
    """What the sidecar says of how a film was made."""
    source, encoding = job.source, job.encoding
    return {
        "vidcolor": __version__,
        "source": {
            "path": source.path,
            "fixity": fixity(origin.sha256, origin.size),
            "container": source.container,
            "codec": source.codec,
            "pixel_format": source.pixel_format,
            "width": source.picture.width,
            "height": source.picture.height,
            "frame_rate": source.frame_rate,
            "timecode": source.timecode,
            "times_mended": source.clock.notes,
        },
        "output": {
            "path": encoding.path if encoding.names is None else encoding.names.path,
            "fixity": tell_fixity(*files_of(encoding.path)),
            "container": encoding.container,
            "codec": encoding.codec,
            "pixel_format": encoding.pixel_format,
            "options": encoding.options,
            "left_out": encoding.left_out,
        },
        "model": {"name": model.name, "sha256": model.sha256, "device": str(model.device)},
        # Where the key lies is nobody's business.
        "settings": replace(settings, output=replace(settings.output, c2pa_key=None)),
    }
