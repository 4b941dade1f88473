"""What a DPX picture says of its place in a film, which FFmpeg's encoder leaves out."""

import struct
from fractions import Fraction

from vidcolor.timecode import Timecode

# SMPTE ST 268-1: the generic header ends where the encoder begins the picture; behind it come those
# of film and of television. Fields that say nothing are all ones.
GENERIC_BYTES = 1664
FILM_AND_TELEVISION_BYTES = 384

_LITTLE_ENDIAN = b"XPDS"
_OFFSET_FIELD, _SIZE_FIELD, _GENERIC_SIZE_FIELD, _INDUSTRY_SIZE_FIELD = 4, 16, 24, 28
_ELEMENT_OFFSET_FIELD = 808  # of the first image element, which FFmpeg writes alone
_FRAME_POSITION_FIELD, _FILM_RATE_FIELD = 1712, 1724
_TIMECODE_FIELD, _TELEVISION_RATE_FIELD = 1920, 1940


def place_picture(
    picture: bytes, number: int, frame_rate: Fraction, timecode: Timecode | None
) -> bytes:
    """A DPX picture with its number, the film's rate and its timecode in the header.

    Args:
        picture: As FFmpeg encodes it, with the generic header alone.
        number: Of the frame, from 0.
        frame_rate: Frames a second.
        timecode: Of the frame; None if the film has none.
    """
    order = "<" if picture.startswith(_LITTLE_ENDIAN) else ">"
    begin = GENERIC_BYTES + FILM_AND_TELEVISION_BYTES
    made = bytearray(picture[:GENERIC_BYTES])
    made += b"\xff" * FILM_AND_TELEVISION_BYTES + picture[GENERIC_BYTES:]
    for field, value in (
        (_OFFSET_FIELD, begin),
        (_ELEMENT_OFFSET_FIELD, begin),
        (_SIZE_FIELD, len(made)),
        (_GENERIC_SIZE_FIELD, GENERIC_BYTES),
        (_INDUSTRY_SIZE_FIELD, FILM_AND_TELEVISION_BYTES),
        (_FRAME_POSITION_FIELD, number),
    ):
        struct.pack_into(f"{order}I", made, field, value)
    for field in (_FILM_RATE_FIELD, _TELEVISION_RATE_FIELD):
        struct.pack_into(f"{order}f", made, field, frame_rate)
    if timecode is not None:
        digits = "".join(f"{part:02}" for part in timecode[:4])
        struct.pack_into(f"{order}I", made, _TIMECODE_FIELD, int(digits, 16))
    return bytes(made)
