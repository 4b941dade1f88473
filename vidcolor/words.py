"""English words that a number decides."""


def counted(count: int, one: str, many: str = "") -> str:
    """`1 frame`, `2 frames`.

    Args:
        count: How many.
        one: What it is called if there is one.
        many: What they are called otherwise; `one` and an s if left out.
    """
    return f"{count} {one if count == 1 else many or f'{one}s'}"
