"""The coded pictures of a finished film, as its encoder gave them to its muxer."""

from collections.abc import Callable, Iterator
from pathlib import Path

import av

from vidcolor.errors import SourceError

_LENGTH_BYTES = 4
_START_CODE = b"\0\0\0\1"


def _as_coded(data: bytes) -> bytes:
    return data


def _with_start_codes(data: bytes) -> bytes:
    """NAL units behind start codes (ITU-T H.264, annex B) in place of their lengths.

    Muxers want them so from encoders, and write lengths (ISO/IEC 14496-15, 5.3.3).
    """
    parts, place = [], 0
    while place < len(data):
        begin = place + _LENGTH_BYTES
        place = begin + int.from_bytes(data[place:begin], "big")
        parts += [_START_CODE, data[begin:place]]
    return b"".join(parts)


_AS_ENCODED: dict[str, Callable[[bytes], bytes]] = {
    "ffv1": _as_coded,
    "prores_ks": _as_coded,
    "dnxhd": _as_coded,
    "libx264": _with_start_codes,
    "libx265": _with_start_codes,
}
"""Encoders whose packets a second muxing leaves as the first one did; of others that is unknown."""

_CONTAINERS = {"mp4", "mov", "matroska"}


def can_take_over(codec: str, container: str) -> bool:
    """Whether the packets of such films can be taken over."""
    return codec in _AS_ENCODED and container in _CONTAINERS


def read_coded(film: Path, codec: str) -> Iterator[bytes]:
    """The packets of a film's picture, in the order that decoders want them.

    Args:
        film: A film that this program wrote.
        codec: The encoder that made it; see `can_take_over`.

    Raises:
        SourceError: It cannot be read.
    """
    as_encoded = _AS_ENCODED[codec]
    try:
        with av.open(str(film)) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.size:
                    yield as_encoded(bytes(packet))
    except (av.FFmpegError, OSError, IndexError) as error:
        raise SourceError(f"{film}: cannot be read again ({error}). Run again.") from error
