"""Films for the web, shown by a browser."""

from pathlib import Path
from typing import Any

import pytest
from clips import soft_shot, write_film

from vidcolor import ModelSettings, OutputSettings, Settings, colorize_video

SHOW = """
const [address, done] = arguments;
const video = document.createElement("video");
video.onloadeddata = () => done([video.videoWidth, video.videoHeight]);
video.onerror = () => done(video.error.message);
video.src = address;
"""


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_a_browser_shows_what_is_for_the_web(
    tmp_path: Path, driver: Any, pixel_format: str
) -> None:
    """H.264 of 8 bits, and AV1 of 10; most browsers show no HEVC."""
    film = write_film(
        tmp_path / "film.mkv", soft_shot(0, 6), pixel_format=pixel_format, planar="yuv420p"
    )
    settings = Settings(model=ModelSettings(render_size=64), output=OutputSettings(purpose="web"))
    made = colorize_video(film, None, settings).path
    page = tmp_path / "page.html"
    page.write_text("<!doctype html>")
    driver.get(page.as_uri())
    assert driver.execute_async_script(SHOW, made.as_uri()) == [96, 64]
