"""One film in, the same film in color out: what is read, written and told of it."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from vidcolor import __version__
from vidcolor.dump.sink import FrameDump
from vidcolor.dumping import begun
from vidcolor.models.zoo import Model, load_model
from vidcolor.pipeline import colorize_frames, read_job
from vidcolor.settings import Settings
from vidcolor.sidecar import check_sidecar, sidecar_path, tell_fixity, write_sidecar
from vidcolor.timeline import Timeline
from vidcolor.verify import Proof, Verification, hash_paths
from vidcolor.video.plan import Job, plan_video
from vidcolor.video.reader import Losses
from vidcolor.video.writer import FilmWriter

Progress = Callable[[int, int], None]


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
    """

    path: Path
    frames: int
    shots: int
    seconds: float
    losses: Losses
    verification: Verification | None = None


def colorize_video(
    source: str | Path,
    output: str | Path | None = None,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
    dump: FrameDump | None = None,
) -> Result:
    """Colorize one film.

    Args:
        source: A black-and-white film in any container and codec that FFmpeg decodes.
        output: The colorized film; None for `film.colorized.*` beside it.
        settings: All settings; None for the defaults.
        progress: Called after each frame with the number of frames done and the shot's number.
        dump: Gets what the stages make of the frames that it chooses.

    Raises:
        VidcolorError: The film cannot be colorized; nothing is left under the output's name.
    """
    settings = settings or Settings()
    job = plan_film(Path(source), Path(output) if output is not None else None, settings)
    model = load_model(settings.model.name, settings.model.device)
    return colorize_job(job, model, settings, progress, dump)


def plan_film(
    source: Path, output: Path | None, settings: Settings, *, folder: Path | None = None
) -> Job:
    """Decide how a film and what goes beside it will be written; see `plan_video`."""
    job = plan_video(source, output, settings, folder=folder)
    for path in paths_written(job, settings)[1:]:
        check_sidecar(path, overwrite=settings.output.overwrite)
    return job


def paths_written(job: Job, settings: Settings) -> list[Path]:
    """The files that a film comes to: itself, its sidecar, and lists of hashes if asked for."""
    film = job.encoding.path
    hashes = hash_paths(film) if settings.output.framemd5 else ()
    return [film, sidecar_path(film), *hashes]


def colorize_job(
    job: Job,
    model: Model,
    settings: Settings,
    progress: Progress | None = None,
    dump: FrameDump | None = None,
) -> Result:
    """Colorize one planned film; see `colorize_video`."""
    began = perf_counter()
    losses, timeline = Losses(), Timeline()
    first = job.source.first_pts * job.source.time_base
    done = shots = 0
    proof = Proof(job, settings)
    with begun(dump, job, model, settings):
        colored = colorize_frames(read_job(job, settings, losses), model, settings, dump)
        with closing(colored), _writer(job, model, settings, proof) as writer:
            for frame, chroma, ab, confidence, shot in colored:
                before = perf_counter()
                writer.write(frame, chroma)
                if dump is not None and dump.wants(frame):
                    dump.finish_frame(frame, encode=perf_counter() - before)
                since = frame.pts * frame.time_base - first
                timeline.add(
                    ab,
                    seconds=float(since),
                    shot=shot.number,
                    confidence=confidence,
                    returns_to=shot.returns_to,
                )
                done, shots = done + 1, shot.number + 1
                if progress is not None:
                    progress(done, shot.number)
    elapsed = perf_counter() - began
    facts = _facts(job, model, settings) | timeline.figures()
    facts |= {"frames": done, "elapsed_seconds": elapsed, "losses": str(losses)}
    facts["verification"] = proof.verification
    proof.write_hashes()
    write_sidecar(sidecar_path(job.encoding.path), facts)
    if dump is not None:
        dump.refuse_missed()
    return Result(
        path=job.encoding.path,
        frames=done,
        shots=shots,
        seconds=elapsed,
        losses=losses,
        verification=proof.verification,
    )


def _writer(job: Job, model: Model, settings: Settings, proof: Proof) -> FilmWriter:
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
        check=proof.check,
    )


def _facts(job: Job, model: Model, settings: Settings) -> dict[str, object]:
    """What the sidecar says of how a film was made."""
    source, encoding = job.source, job.encoding
    return {
        "vidcolor": __version__,
        "source": {
            "path": source.path,
            "fixity": tell_fixity(*source.files),
            "container": source.container,
            "codec": source.codec,
            "pixel_format": source.pixel_format,
            "width": source.picture.width,
            "height": source.picture.height,
            "frame_rate": source.frame_rate,
            "timecode": source.timecode,
        },
        "output": {
            "path": encoding.path,
            "fixity": tell_fixity(encoding.path),
            "container": encoding.container,
            "codec": encoding.codec,
            "pixel_format": encoding.pixel_format,
            "options": encoding.options,
        },
        "model": {"name": model.name, "sha256": model.sha256, "device": str(model.device)},
        "settings": settings,
    }
