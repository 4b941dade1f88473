import subprocess
import sys

import pytest

import vidcolor


@pytest.mark.parametrize("name", vidcolor.__all__)
def test_every_public_name_exists(name: str) -> None:
    """What `__all__` promises is there, also what is loaded only when asked for."""
    assert getattr(vidcolor, name) is not None


def test_all_is_sorted_and_complete() -> None:
    """Each name stands there once, in order, and every error and setting among them."""
    assert vidcolor.__all__ == sorted(set(vidcolor.__all__))
    for module in (vidcolor.errors, vidcolor.settings):
        own = {name for name, thing in vars(module).items() if thing.__class__ is type}
        ours = {name for name in own if getattr(module, name).__module__ == module.__name__}
        assert ours <= set(vidcolor.__all__)


def test_star_import_gives_them_all() -> None:
    """`from vidcolor import *` works, lazily loaded names included."""
    names: dict[str, object] = {}
    exec("from vidcolor import *", names)  # noqa: S102 - a star import cannot stand in a function
    assert set(vidcolor.__all__) - {"__version__"} <= names.keys()


def test_lazy_names_are_the_modules_own() -> None:
    """What is loaded lazily is the very thing, not a copy."""
    from vidcolor.dump import replay, sink
    from vidcolor.film import colorize as film

    assert vidcolor.colorize_video is film.colorize_video
    assert vidcolor.Result is film.Result
    assert vidcolor.replay_frames is replay.replay_frames
    assert vidcolor.Replay is replay.Replay
    assert vidcolor.FrameDump is sink.FrameDump


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A wrong name says so, as of any module."""
    with pytest.raises(AttributeError, match="module 'vidcolor' has no attribute 'colorise'"):
        _ = vidcolor.colorise


def test_a_lazy_name_loads_torch_and_the_package_alone_does_not() -> None:
    """Asking for `colorize_video` is what loads the rest."""
    program = (
        "import sys, vidcolor; before = 'torch' in sys.modules; "
        "vidcolor.colorize_video; print(before, 'torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert told.stdout.split() == [b"False", b"True"]
