"""Ranges of a color script that say two things of the same frames."""

from itertools import combinations

from vidcolor.directing.places import Place, places_of
from vidcolor.directing.script import ColorScript, Range
from vidcolor.errors import SettingError

Places = tuple[Place, ...] | None


def refuse_contradictions(script: ColorScript) -> None:
    """Raise if two ranges give one setting different values for the same frames.

    A range of the whole film gives way to others. Places in different units, such as frames and
    shots, cannot be compared without the film: there the later range of the file holds.

    Raises:
        SettingError: There are such; both are named.
    """
    refuse_meeting(script, [(part, places_of(part)) for part in script.ranges])


def refuse_meeting(script: ColorScript, placed: list[tuple[Range, Places]]) -> None:
    """Raise if ranges at these places contradict each other; see `refuse_contradictions`."""
    for (earlier, before), (later, after) in combinations(placed, 2):
        if not _meet(before, after):
            continue
        own, others = later.settings, earlier.settings
        for name in own.keys() & others.keys():
            if own[name] != others[name]:
                raise SettingError(
                    f"{later.place or script.name}: {name} is {own[name]}, but the range of "
                    f"{earlier.place or 'before'} has {others[name]} for the same frames. "
                    "Let them not overlap."
                )


def _meet(before: Places, after: Places) -> bool:
    if before is None or after is None:
        return before is None and after is None
    return any(one.meets(other) for one in before for other in after)
