"""What differs between two sets of facts, in words."""

from collections.abc import Iterator, Mapping


def tell_differences(before: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    """A phrase for each fact that is not as it was, such as `saturation 1.3, now 1`."""
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from tell_differences(old, new)
        elif old != new:
            yield f"{key} {old}, now {new}"
