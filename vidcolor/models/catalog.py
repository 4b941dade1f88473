"""All models in a table: what they are, whose, whether they are here, and how fast."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from vidcolor.models.downloads import cache_path
from vidcolor.models.released import RELEASED
from vidcolor.models.zoo import PACKAGED, own_path
from vidcolor.nets.table import NETS
from vidcolor.settings import RENDER_SIZE

MOST_FAST, MOST_MODERATE = 10.0, 60.0
"""Thousands of millions of multiplications a picture: up to the first a processor keeps up with
work on film, beyond the second it takes seconds for each picture."""

_MEGA = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model.

    Attributes:
        name: For `--model`.
        predicts: `histograms`, or `colors` at once.
        megabytes: Of its file; None if there is none.
        licence: Of its weights.
        state: Whether it is here, or how it is come by.
        gmac: Multiplications a square picture takes, in thousands of millions.
        render_size: Side of that picture, the one that suits it, in pixels.
        paper: What it follows.
    """

    name: str
    predicts: str
    megabytes: float | None
    licence: str
    state: str
    gmac: float
    render_size: int
    paper: str

    @property
    def speed(self) -> str:
        """A word for how fast it is."""
        if self.gmac <= MOST_FAST:
            return "fast"
        return "moderate" if self.gmac <= MOST_MODERATE else "slow, for a GPU"


def list_models() -> list[Entry]:
    """All models, the one that ships first; nothing is fetched."""
    return [_entry(name) for name in NETS]


def models_table() -> str:
    """The models as a table for people."""
    header = ("model", "gives", "MB", "licence", "GMAC", "at px", "speed", "state", "follows")
    rows = [header]
    for one in list_models():
        size = "" if one.megabytes is None else f"{one.megabytes:.0f}"
        facts = (one.name, one.predicts, size, one.licence, f"{one.gmac:.3g}")
        rows.append((*facts, str(one.render_size), one.speed, one.state, one.paper))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _entry(name: str) -> Entry:
    spec, released = NETS[name], RELEASED.get(name)
    guest = spec.guest
    side = RENDER_SIZE if guest is None else guest.render_size
    state, path = _state(name)
    size = path.stat().st_size if path else released.file.size if released else None
    licence = (
        released.licence if released else "Apache-2.0" if name in PACKAGED else "its trainer's"
    )
    return Entry(
        name=name,
        predicts="histograms" if spec.predicts == "bins" else "colors",
        megabytes=None if size is None else size / _MEGA,
        licence=licence,
        state=state,
        gmac=count_gmac(name) if guest is None else guest.gmac_at(side),
        render_size=side,
        paper=spec.paper,
    )


def _state(name: str) -> tuple[str, Path | None]:
    """How it is come by, and its file if it is here."""
    if name in PACKAGED:
        return "ships", Path(__file__).with_name(PACKAGED[name])
    released = RELEASED.get(name)
    kept = own_path(name) if released is None else cache_path(released.file)
    for path in (own_path(name), kept):
        if path.exists():
            return "here", path
    if released is None:
        return "to be trained: scripts/train.py", None
    return "fetched at its first use", None


def count_gmac(name: str) -> float:
    """Multiplications of a net of ours, in thousands of millions; counted, nothing is computed."""
    with torch.device("meta"):
        net = NETS[name].make({}).eval().requires_grad_(requires_grad=False)
        with FlopCounterMode(display=False) as counter:
            net(torch.zeros(1, 1, RENDER_SIZE, RENDER_SIZE))
    return float(counter.get_total_flops()) / 2e9
