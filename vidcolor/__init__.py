"""Colorize black-and-white film: the luma stays as decoded, only chroma is written.

```python
import vidcolor

vidcolor.colorize_video("film.mp4", "film.color.mkv")
```
"""

from importlib import import_module
from typing import TYPE_CHECKING

from vidcolor.errors import AlreadyColorError, ModelError, OutputError, SourceError, VidcolorError
from vidcolor.settings import (
    ColorSettings,
    ModelSettings,
    OutputSettings,
    Settings,
    TemporalSettings,
)

if TYPE_CHECKING:
    from vidcolor.pipeline import Result, colorize_video

__version__ = "0.1.0"

__all__ = [
    "AlreadyColorError",
    "ColorSettings",
    "ModelError",
    "ModelSettings",
    "OutputError",
    "OutputSettings",
    "Result",
    "Settings",
    "SourceError",
    "TemporalSettings",
    "VidcolorError",
    "__version__",
    "colorize_video",
]


def __getattr__(name: str) -> object:
    """Import what needs torch when it is asked for, so that `vidcolor --help` need not wait."""
    if name in {"Result", "colorize_video"}:
        return getattr(import_module("vidcolor.pipeline"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
