"""Writes a film with made-up chroma, for the tests of what else comes through."""

from pathlib import Path

import numpy as np
from clips import Extras

from vidcolor.settings import OutputSettings
from vidcolor.video.encoding import Encoding
from vidcolor.video.plan import plan_encoding
from vidcolor.video.reader import Losses, read_frames
from vidcolor.video.source import probe
from vidcolor.video.writer import FilmWriter

LOSSLESS = OutputSettings(lossless=True)
RICH = Extras(
    audio=["pcm_s24le", "aac"],
    subtitles=[(100, 500, "First words."), (900, 800, "Last\nwords.")],
    chapters=[(0, 700, "One"), (700, 1600, "Two")],
    attachments=[("notes.txt", "text/plain", b"Found in the attic.")],
    metadata={"title": "A film", "ARCHIVE_NUMBER": "17/4"},
    video_metadata={"language": "fre", "title": "Reel one"},
    audio_metadata={"language": "ger"},
)


def colored(
    path: Path, output: Path | None = None, settings: OutputSettings = LOSSLESS
) -> Encoding:
    """The film at `path` written with pink chroma; how it was written."""
    source = probe(path)
    encoding = plan_encoding(source, settings, output=output)
    with FilmWriter(source, encoding, made_by="made in a test") as writer:
        for frame in read_frames(source, Losses()):
            writer.write(frame, pink(encoding))
    return encoding


def pink(encoding: Encoding) -> tuple[np.ndarray, np.ndarray]:
    """Two planes of one chroma code each, in the encoding's size and depth."""
    picture, depth = encoding.picture, encoding.picture.depth + encoding.luma_shift
    size = (picture.chroma_height, picture.chroma_width)
    kind = np.uint8 if depth == 8 else np.uint16
    return np.full(size, 110 << depth - 8, kind), np.full(size, 150 << depth - 8, kind)
