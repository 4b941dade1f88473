"""The film rendered in the background, one run at a time; a run that is stopped can go on."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread, get_ident
from time import monotonic
from typing import Literal, NamedTuple

from vidcolor.errors import AlreadyColorError, OutputError, VidcolorError
from vidcolor.film.coloring import Progress
from vidcolor.film.colorize import Result

State = Literal["idle", "running", "stopping", "stopped", "failed", "done"]

MOST_NOTES = 5

IN_COLOR = "This is in color already."
"""What a page says; there a person may have the colors replaced."""

_LOG = logging.getLogger(__name__)


class StoppedError(VidcolorError):
    """A person stopped the run."""


class Report(NamedTuple):
    """How a run stands.

    Attributes:
        state: `stopped` keeps what is finished, and the next run goes on from there.
        name: Of the film or clip that is made.
        frames: How many frames are finished, of this run and of those before.
        of: How many there are, about; None if nobody knows.
        rate: Frames a second of this run; None while that is not known.
        seconds_left: About; None while that is not known.
        error: Why it failed, in one line.
        in_color: Whether it failed since the film is in color already.
        doubtful: Numbers of the finished film's shots to check, from 0.
        notes: What the run said of its work, the last lines: where it resumes, what it takes over.
    """

    state: State
    name: str = ""
    frames: int = 0
    of: int | None = None
    rate: float | None = None
    seconds_left: float | None = None
    error: str | None = None
    in_color: bool = False
    doubtful: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


class _Notes(logging.Handler):
    """Hands on what modules log in the thread that made it."""

    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._take, self._thread = take, get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._take(record.getMessage())


@contextmanager
def _listening(take: Callable[[str], None]) -> Iterator[None]:
    """Have what a run says, which the program prints, for the page."""
    logger, handler = logging.getLogger("vidcolor"), _Notes(take)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)


class Rendering:
    """Runs that make one film, never two at once.

    Args:
        prefix: With which notes on the film begin; a page needs none.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._lock, self._stopping = Lock(), Event()
        self._thread: Thread | None = None
        self._report = Report("idle")
        self._began: tuple[float, int] | None = None

    def begin(self, render: Callable[[Progress], Result], name: str, frames: int | None) -> None:
        """Begin a run.

        Args:
            render: Makes the film, calling what it is given after each frame.
            name: Of the film.
            frames: How many the film has, about.

        Raises:
            OutputError: One is running.
        """
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                raise OutputError(f"{self._report.name} is being rendered. Stop that first.")
            self._stopping.clear()
            self._began = None
            self._report = Report("running", name, of=frames)
            self._thread = Thread(target=self._run, args=(render,), name="render", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the run, if there is one, at its next frame."""
        with self._lock:
            if self._report.state == "running":
                self._report = self._report._replace(state="stopping")
                self._stopping.set()

    def close(self) -> None:
        """Stop the run, and wait until it has ended."""
        self.stop()
        self.wait()

    def wait(self) -> None:
        """Wait until the run has ended."""
        if self._thread is not None:
            self._thread.join()

    @property
    def report(self) -> Report:
        """How the run stands."""
        return self._report

    def _note(self, text: str) -> None:
        with self._lock:
            notes = (*self._report.notes, text.removeprefix(self._prefix))[-MOST_NOTES:]
            self._report = self._report._replace(notes=notes)

    def _run(self, render: Callable[[Progress], Result]) -> None:
        try:
            with _listening(self._note):
                result = render(self._follow)
        except StoppedError:
            ended = self._report._replace(state="stopped")
        except AlreadyColorError:
            ended = self._report._replace(state="failed", error=IN_COLOR, in_color=True)
        except VidcolorError as error:
            ended = self._report._replace(state="failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - a page shows it, the log has it whole
            _LOG.exception("rendering")
            ended = self._report._replace(state="failed", error=f"unexpected: {error!r}")
        else:
            doubtful = tuple(remark.shot for remark in result.remarks)
            ended = Report(
                "done",
                result.path.name,
                result.frames,
                result.frames,
                doubtful=doubtful,
                notes=self._report.notes,
            )
        with self._lock:
            self._report = ended

    def _follow(self, frames: int, _: int) -> None:
        if self._stopping.is_set():
            raise StoppedError("stopped")
        now = monotonic()
        if self._began is None:
            self._began = (now, frames)
        since, first = self._began
        rate = (frames - first) / (now - since) if frames > first else None
        of = self._report.of
        left = None if rate is None or of is None else max(0, of - frames) / rate
        with self._lock:
            self._report = self._report._replace(frames=frames, rate=rate, seconds_left=left)
