"""A color profile for a picture that had a gray one, which no picture in color may have.

Its red, green and blue have the gray profile's own tone curve, so that equal codes of the three
look as the gray code did. ICC.1:2022, sections 7.2, 8.3 and 9.2; primaries of sRGB.
"""

from struct import pack, unpack_from

_HEAD = 128
_GRAY, _RGB = b"GRAY", b"RGB "
_COLORANTS = {  # IEC 61966-2-1, adapted to D50 as in the sRGB profile of the ICC
    b"rXYZ": (0.43607, 0.22249, 0.01392),
    b"gXYZ": (0.38515, 0.71687, 0.09708),
    b"bXYZ": (0.14307, 0.06061, 0.71410),
}
_D50 = (0.9642, 1.0, 0.8249)
_NAME = "Gray tone curve with sRGB primaries"


def is_gray(profile: bytes) -> bool:
    """Whether a profile is one of gray pictures."""
    return profile[16:20] == _GRAY


def color_profile(gray: bytes) -> bytes | None:
    """The color profile of a gray one's tone curve; None if it has none, or is damaged."""
    curve = _tag(gray, b"kTRC")
    if curve is None:
        return None
    tags = {
        b"desc": b"desc" + pack(">II", 0, len(_NAME) + 1) + _NAME.encode() + bytes(1 + 78),
        b"cprt": b"text" + bytes(4) + b"No copyright, use freely\0",
        b"wtpt": _xyz(*_D50),
        **{name: _xyz(*values) for name, values in _COLORANTS.items()},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    return _written(tags)


def _tag(profile: bytes, name: bytes) -> bytes | None:
    """What a profile has under a tag."""
    if len(profile) < _HEAD + 4:
        return None
    (count,) = unpack_from(">I", profile, _HEAD)
    for at in range(_HEAD + 4, min(len(profile) - 11, _HEAD + 4 + 12 * count), 12):
        found, place, size = unpack_from(">4sII", profile, at)
        if found == name and place + size <= len(profile):
            return profile[place : place + size]
    return None


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + pack(">3i", *(round(value * 65536) for value in values))


def _written(tags: dict[bytes, bytes]) -> bytes:
    """A profile, version 2.4, of a display."""
    body, listed, places = bytearray(), bytearray(), dict[bytes, int]()
    start = _HEAD + 4 + 12 * len(tags)
    for name, data in tags.items():
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        listed += pack(">4sII", name, places[data], len(data))
    size = start + len(body)
    head = pack(">I4sI4s4s4s", size, bytes(4), 0x02400000, b"mntr", _RGB, b"XYZ ")
    date = pack(">6H", 2000, 1, 1, 0, 0, 0)  # the same whenever it is written
    rest = b"acsp" + bytes(28) + _xyz(*_D50)[8:] + bytes(48)
    return head + date + rest + pack(">I", len(tags)) + bytes(listed) + bytes(body)
