import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import soft_shot, write_film
from numpy.typing import NDArray

from vidcolor import FrameDump, colorize_video
from vidcolor.settings import (
    ColorSettings,
    ModelSettings,
    OutputSettings,
    Settings,
    TemporalSettings,
)

FAST = Settings(
    model=ModelSettings(device="cpu", render_size=64, batch_size=4),
    color=ColorSettings(saturation=1.3),
    temporal=TemporalSettings(every=1),
    output=OutputSettings(lossless=True, overwrite=True),
)


CUT = 9
FRAMES = 20


LUMA = [*soft_shot(1, CUT), *soft_shot(2, FRAMES - CUT)]


@pytest.fixture(scope="session")
def two_shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of two shots."""
    return write_film(tmp_path_factory.mktemp("film") / "film.mkv", LUMA)


@pytest.fixture(scope="session")
def whole_dump(two_shots: Path) -> Path:
    """Every frame dumped as the film was colorized."""
    folder = two_shots.parent / "whole"
    colorize_video(two_shots, two_shots.parent / "out.mkv", FAST, dump=FrameDump(folder, "0-19"))
    return folder


def arrays(folder: Path, frame: int, stage: str) -> dict[str, NDArray[Any]]:
    """What a stage made of a frame."""
    with np.load(folder / f"{frame:06}" / f"{stage}.npz", allow_pickle=False) as found:
        return dict(found)


def lines(folder: Path) -> list[dict[str, Any]]:
    """The line of each frame."""
    return [json.loads(text) for text in (folder / "frames.jsonl").read_text().splitlines()]


def same_files(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files, byte for byte."""
    names = {path.name for path in one.iterdir()}
    return names == {path.name for path in other.iterdir()} and all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in names
    )
