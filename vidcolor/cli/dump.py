"""`--dump DIR` without -o: chosen frames of one film, and no film."""

from vidcolor.cli.output import FilmBar, say
from vidcolor.cli.request import Request
from vidcolor.dump.replay import replay_job
from vidcolor.dump.sink import FrameDump
from vidcolor.models.zoo import find_model, suited
from vidcolor.words import counted
from vidcolor.writing.plan import plan_video


def dump_alone(request: Request, dump: FrameDump) -> int:
    """Dump frames of one film without writing a film; the exit code."""
    settings = request.settings
    model = find_model(settings.model)
    job = plan_video(request.inputs[0], None, settings)
    if request.dry_run:
        say(f"{job.source.path}: frames {request.dump_frames} would be dumped to {request.dump}")
        return 0
    with FilmBar(job, None, quiet=request.quiet) as bar:
        replay = replay_job(job, model, suited(job.settings, model), dump, bar.show)
    if not request.quiet:
        print_dump(dump)
        say(
            f"{counted(replay.colorized, 'frame')} colorized for the dump, {replay.seconds:.1f} s; "
            "no film written (add -o FILM to write one)"
        )
    return 0


def make_dump(request: Request) -> FrameDump | None:
    """The dump that a request asks for, nothing of it written yet; None if it asks for none."""
    if request.dump is None or request.dump_frames is None:
        return None
    return FrameDump(
        request.dump,
        request.dump_frames,
        stages=request.dump_stages,
        top_k=request.dump_top_k,
    )


def print_dump(dump: FrameDump) -> None:
    """One line of a finished dump: its page, frames, size and time."""
    each = dump.seconds / max(dump.count, 1)
    say(
        f"{dump.path / 'index.html'}: {counted(dump.count, 'frame')}, "
        f"{dump.bytes / 1e6:.0f} MB, dumping took {each:.2f} s a frame"
    )
