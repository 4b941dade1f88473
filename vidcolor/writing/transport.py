"""Short transport streams, made long enough that programs know them for what they are."""

from pathlib import Path

NULL_PACKET = b"\x47\x1f\xff\x10" + b"\xff" * 184
"""A packet that decoders pass over (ITU-T H.222.0, 2.4.3.3)."""

LEAST_BYTES = 12 * 204
"""FFmpeg's probe counts packets of 204 bytes, and of fewer than 11 takes MPEG's program stream."""


def lengthen(path: Path) -> None:
    """Put null packets behind a transport stream that is too short to be recognized.

    Raises:
        OSError: The file cannot be written.
    """
    lacking = LEAST_BYTES - path.stat().st_size
    if lacking > 0:
        with path.open("ab") as stream:
            stream.write(NULL_PACKET * -(-lacking // len(NULL_PACKET)))
