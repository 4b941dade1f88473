"""English words that a number decides, and text that any encoding holds."""

import re

_NO_TEXT = re.compile("[\ud800-\udfff]")
_BYTE = range(0xDC80, 0xDD00)  # as which Python reads bytes of a name that are no text


def counted(count: int, one: str, many: str = "") -> str:
    """`1 frame`, `2 frames`.

    Args:
        count: How many.
        one: What it is called if there is one.
        many: What they are called otherwise; `one` and an s if left out.
    """
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def spelled(text: str) -> str:
    r"""`text` that every encoding holds: bytes of a name that are no text become `\xfc`."""
    return _NO_TEXT.sub(lambda found: _spelled(found[0]), text)


def _spelled(sign: str) -> str:
    code = ord(sign)
    return f"\\x{code & 0xFF:02x}" if code in _BYTE else f"\\u{code:04x}"
