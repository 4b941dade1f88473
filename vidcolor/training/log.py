"""The log of a run, one JSON object a line, and its plot."""

import json
import logging
from importlib.util import find_spec
from pathlib import Path

_log = logging.getLogger(__name__)

_UNPLOTTED = {"step", "pictures", "minutes", "pictures_per_second"}


def append_record(log: Path, record: dict[str, float]) -> None:
    """Adds one line."""
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def read_records(log: Path) -> list[dict[str, float]]:
    """All lines; none where there is no log yet."""
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def truncate_records(log: Path, step: int) -> None:
    """Drops what was logged after a step: a resumed run will log it again."""
    records = [record for record in read_records(log) if record["step"] <= step]
    log.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def plot_records(log: Path, picture: Path) -> None:
    """Draws every figure of the log over the pictures seen, one panel each; needs matplotlib."""
    if find_spec("matplotlib") is None:
        _log.info("no plot without matplotlib: pip install matplotlib")
        return
    from matplotlib.figure import Figure  # noqa: PLC0415  # from the extra `train`

    records = read_records(log)
    names = list(dict.fromkeys(n for record in records for n in record if n not in _UNPLOTTED))
    figure = Figure(figsize=(8, 2 * len(names)), layout="constrained")
    for axes, name in zip(figure.subplots(len(names), squeeze=False)[:, 0], names, strict=True):
        points = [(record["pictures"], record[name]) for record in records if name in record]
        axes.plot(*zip(*points, strict=True), marker="." if len(points) < 100 else "")  # noqa: PLR2004
        axes.set_ylabel(name)
        axes.grid(visible=True, alpha=0.3)
    figure.supxlabel("pictures seen")
    figure.savefig(picture, dpi=80)
