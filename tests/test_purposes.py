from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from probed import DEFAULT, picture, source

from vidcolor.errors import OutputError
from vidcolor.frame import FrameFormat, Matrix
from vidcolor.settings import OutputSettings
from vidcolor.writing.encoder_options import encoder_options
from vidcolor.writing.encoding import (
    choose_encoder,
    tag_picture,
    wanted_container,
)
from vidcolor.writing.pixel_formats import choose_pixel_format

Purpose = Literal["access", "master", "edit", "web"]


@pytest.mark.parametrize(
    ("purpose", "film", "container", "codec", "pixel_format"),
    [
        ("access", picture(), "mp4", "libx264", "yuv420p"),
        ("access", picture(chroma=(0, 0)), "mp4", "libx264", "yuv420p"),
        ("access", picture(10, (1, 0)), "mp4", "libx265", "yuv420p10le"),
        ("master", picture(), "matroska", "ffv1", "yuv420p"),
        ("master", picture(16, (1, 0)), "matroska", "ffv1", "yuv422p16le"),
        ("edit", picture(), "mov", "prores_ks", "yuv422p10le"),
        ("edit", picture(10, (0, 0)), "mov", "prores_ks", "yuv444p10le"),
        ("web", picture(), "mp4", "libx264", "yuv420p"),
        ("web", picture(full=True), "mp4", "libx264", "yuv420p"),
        ("web", picture(10), "mp4", "libsvtav1", "yuv420p10le"),
    ],
)
def test_purposes(
    purpose: Purpose, film: FrameFormat, container: str, codec: str, pixel_format: str
) -> None:
    """Each has its container, its encoder and a format that holds the luma."""
    settings = OutputSettings(purpose=purpose)
    reel = replace(source("film.avi", "avi"), picture=film)
    assert wanted_container(reel, None, settings) == container
    assert choose_encoder(reel, settings) == codec
    assert choose_pixel_format(codec, film, settings)[0] == pixel_format


def test_what_is_asked_for_goes_before_the_purpose() -> None:
    """Codec, chroma, name and losslessness."""
    assert choose_encoder(source(), OutputSettings(purpose="web", codec="libx264")) == "libx264"
    assert choose_encoder(source(), OutputSettings(purpose="edit", lossless=True)) == "ffv1"
    asked = OutputSettings(purpose="access", chroma="444")
    assert choose_pixel_format("libx264", picture(), asked)[0] == "yuv444p"
    assert wanted_container(source(), Path("a.mkv"), OutputSettings(purpose="edit")) == "matroska"


def test_a_purpose_that_cannot_hold_the_luma_is_refused() -> None:
    """ProRes would round luma of 12 bits, or of the full range."""
    for film in (picture(12), picture(full=True)):
        with pytest.raises(OutputError, match=r"cannot hold .*-bit luma as decoded"):
            choose_pixel_format("prores_ks", film, OutputSettings(purpose="edit"))


@pytest.mark.parametrize(
    ("pixel_format", "profile"), [("yuv422p10le", "hq"), ("yuv444p10le", "4444")]
)
def test_prores_has_its_best_profile(pixel_format: str, profile: str) -> None:
    """422 HQ, and 4444 for full chroma."""
    options = encoder_options("prores_ks", pixel_format, picture(10), DEFAULT)
    assert options["profile"] == profile


@pytest.mark.parametrize(
    ("matrix", "tags"),
    [
        (Matrix.BT709, (1, 1)),
        (Matrix.SMPTE170M, (6, 6)),
        (Matrix.BT470BG, (5, 6)),
        (Matrix.BT2020_NCL, (9, 14)),
        (Matrix.FCC, (2, 2)),
    ],
)
def test_for_editing_colors_are_told_whole(matrix: Matrix, tags: tuple[int, int]) -> None:
    """Primaries and transfer go with the matrix where the film does not say, and only there."""
    edit = OutputSettings(purpose="edit")
    film = replace(picture(), matrix=matrix)
    tagged = tag_picture(film, edit)
    assert (tagged.primaries, tagged.transfer) == tags
    assert tag_picture(film, DEFAULT) == film
    told = replace(film, primaries=5, transfer=8)
    assert tag_picture(told, edit) == told
