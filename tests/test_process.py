import gc
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import bagit
import cv2
import numpy as np
import pytest
import torch
from clips import soft_shot, write_film

from vidcolor import (
    ModelSettings,
    OutputError,
    OutputSettings,
    Settings,
    colorize_reels,
    colorize_video,
)
from vidcolor.models.predict import predict_histograms
from vidcolor.models.zoo import load_model

FAST = Settings(
    model=ModelSettings(device="cpu", render_size=64, batch_size=4),
    output=OutputSettings(lossless=True),
)


def state() -> dict[str, object]:
    """What a process has once and a library should leave alone."""
    fresh: list[int] = []
    thread = threading.Thread(target=lambda: fresh.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    loggers = [logging.getLogger(name) for name in ("", "vidcolor", "libav", "bagit")]
    return {
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "frozen": gc.get_freeze_count(),
        "torch": (torch.get_num_threads(), *fresh),
        "OpenCV": cv2.getNumThreads(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "loggers": [(one.level, list(one.handlers), one.disabled) for one in loggers],
    }


@contextmanager
def left_alone() -> Iterator[None]:
    """Assert that the process is as it was."""
    threads, cores = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(3)
    cv2.setNumThreads(3)
    gc.unfreeze()  # what another test had frozen may die meanwhile
    try:
        before = state()
        yield
        assert state() == before
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(cores)


@pytest.mark.parametrize("stop_at", [None, 5])
def test_a_film_leaves_the_process_as_it_was(tmp_path: Path, stop_at: int | None) -> None:
    """One that is colorized to its end, and one that its caller stops."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 12))

    def stop(done: int, _: int) -> None:
        if done == stop_at:
            raise KeyboardInterrupt

    with left_alone():
        try:
            colorize_video(film, settings=FAST, progress=stop)
        except KeyboardInterrupt:
            assert stop_at


def test_two_films_at_once_leave_the_process_as_it_was(tmp_path: Path) -> None:
    """Neither takes for the usual state what the other one made of it."""
    films = [
        write_film(tmp_path / f"{seed}.mkv", soft_shot(seed, length), codec="ffv1")
        for seed, length in ((1, 24), (2, 8))
    ]
    with left_alone():
        threads = [
            threading.Thread(target=colorize_video, args=(film,), kwargs={"settings": FAST})
            for film in films
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(list(tmp_path.glob("*.colorized.mkv"))) == 2


def test_a_bag_leaves_the_process_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making it needs no current folder; a damaged one is an error, and no log is silenced."""
    monkeypatch.chdir(tmp_path)
    folders = list[Path]()
    bag = Path("bag")
    chdir = os.chdir
    monkeypatch.setattr(os, "chdir", lambda place: (folders.append(place), chdir(place)))
    with left_alone():
        films = [write_film(tmp_path / f"{seed}.mkv", soft_shot(seed, 4)) for seed in (1, 2)]
        assert [one.state for one in colorize_reels(films[:1], bag, FAST, bag=True)] == ["done"]
        bagit.Bag(str(bag)).validate()
        next(bag.glob("data/*.json")).write_text("damaged")
        with pytest.raises(OutputError, match="is not a valid bag"):
            list(colorize_reels(films[1:], bag, FAST, bag=True))
    assert not folders


def test_two_predictions_at_once_leave_torch_its_threads() -> None:
    """The one that ends last gives back no number that the other one had set."""
    model = load_model("lite", "cpu")
    pictures = [np.full((64, 96), 50, np.float32)] * 6
    before = torch.get_num_threads()
    one, other = (predict_histograms(pictures, model, 2) for _ in range(2))
    with closing(one), closing(other):
        next(one)
        next(other)
        assert torch.get_num_threads() == before
        list(one)
    assert torch.get_num_threads() == before
