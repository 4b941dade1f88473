"""Models that a color script names for some shots, in place of the film's: found, then loaded.

All are found before any work, so that a wrong name costs nothing, and loaded when a shot needs
them, few at a time.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from vidcolor.errors import ModelError
from vidcolor.files import is_file
from vidcolor.models.merge import SIGN
from vidcolor.models.zoo import (
    LoadedNet,
    Model,
    find_model,
    find_net,
    may_be_model,
    merged_names,
    own_path,
)
from vidcolor.nets.table import NETS
from vidcolor.settings import ModelSettings, NamedModel

MOST_LOADED = 2
"""Models in memory at once beside the film's."""

_MOST_NAMED = 64

Load = Callable[[NamedModel], Model]
"""Gives a model that a script names."""

_Stamp = tuple[tuple[str, int, int], ...]
"""Of each file its path, its size and when it was changed."""


def name_model(name: str, folder: Path, settings: ModelSettings) -> NamedModel:
    """Find a model by its name or its file, and see that it can be loaded.

    Args:
        name: As of `ModelSettings`.
        folder: Where a file may lie that the name does not place.
        settings: Of the film's model: all but the name counts for this one, too.

    Raises:
        ModelError: There is no such model, or it cannot be used.
    """
    named = replace(settings, name=_beside(name, folder), reference=None)
    return _named(named, _stamp(named.name))


@lru_cache(maxsize=MOST_LOADED)
def load_named(named: NamedModel) -> Model:
    """The model that was found by `name_model`.

    Raises:
        ModelError: Its file has changed since.
    """
    model = find_model(named.settings)
    _refuse_changed(named, model.sha256)
    return model


def find_named_net(named: NamedModel) -> LoadedNet:
    """The same on no device yet; see `load_named`."""
    net = find_net(named.settings)
    _refuse_changed(named, net.sha256)
    return net


def _refuse_changed(named: NamedModel, sha256: str) -> None:
    if sha256 != named.sha256:
        raise ModelError(f"{named.settings.name}: has changed since the run began. Run again.")


@lru_cache(maxsize=_MOST_NAMED)
def _named(settings: ModelSettings, _: _Stamp) -> NamedModel:
    """A model by its name and the state of its files: who writes a script asks many times."""
    net = find_net(settings)
    return NamedModel(settings, net.sha256, net.render_size, net.decoding is not None)


def _stamp(name: str) -> _Stamp:
    """The files of one model or of two as they are now."""
    parts = merged_names(name) or (name,)
    paths = [own_path(one) if one in NETS else Path(one.partition("=")[2] or one) for one in parts]
    found = [(path, path.stat()) for path in paths if is_file(path)]
    return tuple((str(path), facts.st_size, facts.st_mtime_ns) for path, facts in found)


def _beside(name: str, folder: Path) -> str:
    """A name in which files that lie in a folder have their whole path."""
    if name in NETS:
        return name
    if is_file(folder / name):
        return str(folder / name)
    label, sign, file = name.partition("=")
    if sign and label in NETS and is_file(folder / file):
        return f"{label}={folder / file}"
    for place, sign in enumerate(name):
        if sign == SIGN:
            both = [_beside(part, folder) for part in (name[:place], name[place + 1 :])]
            if all(may_be_model(one) for one in both):
                return SIGN.join(both)
    return name
