"""Frame rates as people write them, made exact. Standard library only."""

from fractions import Fraction

FASTEST = 1000
LARGEST_DENOMINATOR = 1_001_000
NTSC = Fraction(1000, 1001)
"""By how much television's rates in the Americas and Japan are slower than whole numbers."""


def parse_rate(text: str) -> Fraction:
    """Frames a second of `18`, `16.5`, `24000/1001`, or `23.976`, which means 24000/1001.

    A decimal that is a whole number times 1000/1001, rounded to two digits or more, is that one.

    Raises:
        ValueError: It is no rate above 0 and up to 1000.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= FASTEST or rate.denominator > LARGEST_DENOMINATOR:
        raise ValueError(f"{text!r} is no frame rate; write 18, 23.976 or 24000/1001")
    digits = len(text.partition(".")[2])
    exact = round(rate / NTSC) * NTSC
    is_rounded = digits > 1 and rate.denominator > 1 and round(exact, digits) == rate
    return exact if is_rounded else rate
