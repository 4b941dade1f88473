"""Closed captions: in the coded pictures, or beside the film where its codec cannot carry them."""

from pathlib import Path

from vidcolor.files import beside, write_whole
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.writing.plan import Job
from vidcolor.writing.scenarist import SUFFIX, write_captions


def captions_path(film: Path) -> Path:
    """Where the closed captions of a film lie that its codec cannot carry."""
    return beside(film, SUFFIX)


def keep_captions(job: Job, checkpoint: Checkpoint) -> dict[str, object] | None:
    """Write the captions that the film cannot carry; what the sidecar says of a film's captions."""
    place = job.encoding.captions
    if place != "beside":
        return None if place == "none" else {"kept": "in the coded pictures"}
    figures = (one for one in checkpoint.figures() if one.captions)
    captions = write_captions((one.seconds, bytes.fromhex(one.captions or "")) for one in figures)
    path = captions_path(job.encoding.path)
    if captions.text is not None:
        write_whole(path, captions.text.encode())
    return {"kept": path if captions.text is not None else None, "lost": captions.lost}
