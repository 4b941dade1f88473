"""Colorize black-and-white film: the luma stays as decoded, only chroma is written.

```python
import vidcolor

vidcolor.colorize_video("film.mp4", "film.color.mkv")
```
"""

from importlib import import_module
from typing import TYPE_CHECKING

from vidcolor.directing.script import ColorScript, Hint, HueMap, Range, Reference
from vidcolor.errors import (
    AlreadyColorError,
    ClusterError,
    DiskFullError,
    LedgerError,
    ModelError,
    OutputError,
    ReelTakenError,
    SettingError,
    SourceError,
    SourceGoneError,
    UnexpectedError,
    VidcolorError,
)
from vidcolor.settings import (
    ClusterSettings,
    ColorSettings,
    InputSettings,
    ModelSettings,
    NamedModel,
    OutputSettings,
    Rectangle,
    RefineSettings,
    Settings,
    Swatch,
    TemporalSettings,
)
from vidcolor.version import __version__

if TYPE_CHECKING:
    from vidcolor.dump.replay import Replay, replay_frames
    from vidcolor.dump.sink import FrameDump
    from vidcolor.film.colorize import Result, colorize_video
    from vidcolor.photos.colorize import PhotoResult, colorize_photo
    from vidcolor.preview.colorizer import Colorizer
    from vidcolor.preview.preview import PreviewResult, preview_settings, preview_video
    from vidcolor.preview.suggest import Suggestion
    from vidcolor.preview.suggestions import suggest_colors
    from vidcolor.reels.api import colorize_reels
    from vidcolor.reels.plan import ReelPlan, plan_reels
    from vidcolor.reels.result import ReelResult

__all__ = [
    "AlreadyColorError",
    "ClusterError",
    "ClusterSettings",
    "ColorScript",
    "ColorSettings",
    "Colorizer",
    "DiskFullError",
    "FrameDump",
    "Hint",
    "HueMap",
    "InputSettings",
    "LedgerError",
    "ModelError",
    "ModelSettings",
    "NamedModel",
    "OutputError",
    "OutputSettings",
    "PhotoResult",
    "PreviewResult",
    "Range",
    "Rectangle",
    "ReelPlan",
    "ReelResult",
    "ReelTakenError",
    "Reference",
    "RefineSettings",
    "Replay",
    "Result",
    "SettingError",
    "Settings",
    "SourceError",
    "SourceGoneError",
    "Suggestion",
    "Swatch",
    "TemporalSettings",
    "UnexpectedError",
    "VidcolorError",
    "__version__",
    "colorize_photo",
    "colorize_reels",
    "colorize_video",
    "plan_reels",
    "preview_settings",
    "preview_video",
    "replay_frames",
    "suggest_colors",
]

_WITH_TORCH = {
    "Colorizer": "vidcolor.preview.colorizer",
    "FrameDump": "vidcolor.dump.sink",
    "PreviewResult": "vidcolor.preview.preview",
    "PhotoResult": "vidcolor.photos.colorize",
    "ReelPlan": "vidcolor.reels.plan",
    "Replay": "vidcolor.dump.replay",
    "ReelResult": "vidcolor.reels.result",
    "Result": "vidcolor.film.colorize",
    "colorize_photo": "vidcolor.photos.colorize",
    "colorize_reels": "vidcolor.reels.api",
    "colorize_video": "vidcolor.film.colorize",
    "plan_reels": "vidcolor.reels.plan",
    "preview_settings": "vidcolor.preview.preview",
    "preview_video": "vidcolor.preview.preview",
    "replay_frames": "vidcolor.dump.replay",
    "suggest_colors": "vidcolor.preview.suggestions",
    "Suggestion": "vidcolor.preview.suggest",
}


def __getattr__(name: str) -> object:
    """Import what needs torch when it is asked for, so that `vidcolor --help` need not wait."""
    if name in _WITH_TORCH:
        return getattr(import_module(_WITH_TORCH[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
