"""A color script to begin with: one empty range for each shot of a film."""

from collections.abc import Iterable

import tomlkit

from vidcolor.directing.shot_list import Clock, ListedShot

HEAD = "Colors of {film}. Remove the # before what you want; docs/directing.md explains all keys."
KEYS = (
    "saturation = 1.0      # 0 to 3",
    "vividness = 0.0       # 0 likely, 1 vivid",
    "temperature = 0       # -60 cool to 60 warm",
    "tint = 0              # -60 green to 60 magenta",
    "smoothing = 0.92      # 0 none to 0.999 longest",
    'refine = "none"       # or "flood", "scribble"',
    'model = "lite"        # a network of its own, or a file',
    "color = false         # stays black and white",
)


def new_script(shots: Iterable[ListedShot], clock: Clock, film: str, sha256: str) -> str:
    """The text of a script with a range for each shot, in which all settings are comments.

    Args:
        shots: The film's shots.
        clock: Counts its timecodes.
        film: Its name.
        sha256: Of the film.
    """
    document = tomlkit.document()
    document.add(tomlkit.comment(HEAD.format(film=_one_line(film))))
    of_film = tomlkit.table()
    of_film.add("sha256", sha256)
    document.add("film", of_film)
    ranges = tomlkit.aot()
    for shot in shots:
        ranges.append(_range(shot, clock))
    document.add("range", ranges)
    return tomlkit.dumps(document)


def _range(shot: ListedShot, clock: Clock) -> tomlkit.items.Table:
    table = tomlkit.table()
    last = shot.first_frame + shot.frames - 1
    place = f"frames {shot.first_frame} to {last}, from {clock.at(shot.begin)}"
    if shot.returns_to is not None:
        place += f", the set-up of shot {shot.returns_to}"
    table.add("shots", str(shot.number))
    table["shots"].comment(place)
    for key in KEYS:
        table.add(tomlkit.comment(key))
    table.add(tomlkit.nl())
    return table


def _one_line(name: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in name)
