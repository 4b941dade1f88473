"""`--plot JSON`: the timeline of a finished film, drawn."""

from pathlib import Path

from vidcolor.cli.output import say
from vidcolor.cli.request import Request
from vidcolor.report.plot import plot_timeline
from vidcolor.report.sidecar import read_sidecar


def draw_plot(sidecar: Path, request: Request) -> int:
    """Draw a sidecar's timeline; the exit code."""
    facts = read_sidecar(sidecar)
    target = Path(request.output) if request.output else sidecar.with_suffix(".png")
    plot_timeline(facts, target, overwrite=request.settings.output.overwrite)
    if not request.quiet:
        say(str(target))
    return 0
