"""Writes a film with made-up chroma, for the tests of what else comes through."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from clips import Extras

from vidcolor.frame import Frame
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import Source, probe
from vidcolor.settings import OutputSettings
from vidcolor.writing.encoding import Encoding
from vidcolor.writing.muxer import FilmWriter, reorder_depth
from vidcolor.writing.plan import plan_encoding
from vidcolor.writing.shot_encoder import Encoded, ShotEncoder

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
    write_pink(source, encoding, read_frames(source, Damage()))
    return encoding


def write_pink(
    source: Source,
    encoding: Encoding,
    frames: Iterable[Frame],
    *,
    shot_frames: int | None = None,
    shift_seconds: Fraction = Fraction(0),
    **piece: Fraction,
) -> None:
    """Write frames of a film with pink chroma, as one shot or as shots of `shot_frames` each."""
    encoder = ShotEncoder(source, encoding, shift_seconds=shift_seconds)
    packets: list[Encoded] = []
    depths, begun = [0], 0
    for index, frame in enumerate(frames):
        if shot_frames and index and index % shot_frames == 0:
            packets += encoder.end_part()
            depths.append(reorder_depth(packet.pts for packet in packets[begun:]))
            begun = len(packets)
        packets += encoder.encode(frame, pink(encoding))
    packets += encoder.end_part()
    depths.append(reorder_depth(packet.pts for packet in packets[begun:]))
    piece["shift_seconds"] = shift_seconds
    with FilmWriter(source, encoding, made_by="made in a test", **piece) as writer:
        writer.write(packets, max(depths))


def pink(encoding: Encoding) -> tuple[np.ndarray, np.ndarray]:
    """Two planes of one chroma code each, in the encoding's size and depth."""
    picture, depth = encoding.picture, encoding.picture.depth + encoding.luma_shift
    size = (picture.chroma_height, picture.chroma_width)
    kind = np.uint8 if depth == 8 else np.uint16
    return np.full(size, 110 << depth - 8, kind), np.full(size, 150 << depth - 8, kind)
