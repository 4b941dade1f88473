import subprocess
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from clips import Extras, ask_ffprobe, needs_ffmpeg, soft_shot, write_film

from vidcolor import colorize_video
from vidcolor.cli.main import main
from vidcolor.settings import ModelSettings, OutputSettings, Settings

LOSSLESS = Settings(
    model=ModelSettings(device="cpu", render_size=64), output=OutputSettings(lossless=True)
)
ALONE = replace(LOSSLESS, output=OutputSettings(lossless=True, chroma_only=True, verify=True))
RICH = Extras(
    audio=["aac"], subtitles=[(0, 300, "Words.")], chapters=[(0, 400, "One")],
    video_metadata={"timecode": "10:00:00:00"},
)  # fmt: skip


@pytest.fixture(params=[8, 10])
def film(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A film of 8 or 10 bits with sound, subtitles and chapters."""
    luma, depth = soft_shot(3, 9), request.param
    if depth == 10:
        luma = [plane.astype(np.uint16) << 2 for plane in luma]
    pixel_format = "yuv420p" if depth == 8 else "yuv420p10le"
    return write_film(tmp_path / "film.mkv", luma, pixel_format=pixel_format, extras=RICH)


def planes(path: Path) -> list[list[np.ndarray]]:
    """Y', Cb and Cr of each frame."""
    with av.open(str(path)) as container:
        return [
            [
                np.frombuffer(p, np.uint8 if frame.format.components[0].bits == 8 else np.uint16)
                .reshape(p.height, -1)[:, : p.width]
                .copy()
                for p in frame.planes
            ]
            for frame in container.decode(video=0)
        ]


def test_the_color_is_that_of_the_whole_film(film: Path) -> None:
    """Chroma is the same sample for sample, over gray that has the middle of luma's range."""
    result = colorize_video(film, settings=ALONE)
    assert result.path.name == "film.chroma.mkv"
    whole = planes(colorize_video(film, settings=LOSSLESS).path)
    alone = planes(result.path)
    gray = 125 << (2 * (whole[0][0].dtype == np.uint16))
    assert len(alone) == 9
    for one, other in zip(alone, whole, strict=True):
        assert set(np.unique(one[0])) <= set(range(gray, gray + 4))
        assert len(np.unique(one[0])) == 1
        for plane, expected in zip(one[1:], other[1:], strict=True):
            np.testing.assert_array_equal(plane, expected)
    assert result.verification is not None
    assert result.verification.unequal_luma == 0


@needs_ffmpeg
def test_it_lies_over_the_original(film: Path, tmp_path: Path) -> None:
    """README's command joins both to the very planes of the colorized film."""
    alone = colorize_video(film, settings=ALONE).path
    whole = colorize_video(film, settings=LOSSLESS).path
    pixel_format = "yuv420p10le" if planes(whole)[0][0].dtype == np.uint16 else "yuv420p"
    joined = tmp_path / "joined.mkv"
    graph = "[0:v]extractplanes=y[y];[1:v]extractplanes=u+v[u][v];[y][u][v]"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-copyts", "-i", film, "-i", alone, "-filter_complex",
         f"{graph}mergeplanes=0x001020:{pixel_format}[out]",
         "-map", "[out]", "-map", "0:a", "-c:v", "ffv1", "-c:a", "copy", joined],
        check=True,
    )  # fmt: skip
    for one, other in zip(planes(joined), planes(whole), strict=True):
        for plane, expected in zip(one, other, strict=True):
            np.testing.assert_array_equal(plane, expected)


@needs_ffmpeg
def test_it_has_the_films_times_and_nothing_else(film: Path) -> None:
    """One stream, each frame when it was, the timecode to lay it by."""
    result = colorize_video(film, settings=ALONE).path
    (stream,) = ask_ffprobe(result, "-show_streams")["streams"]
    assert stream["tags"]["TIMECODE"] == "10:00:00:00"
    times = [
        [packet["pts_time"] for packet in
         ask_ffprobe(path, "-select_streams", "v", "-show_packets")["packets"]]
        for path in (film, result)
    ]  # fmt: skip
    assert times[0] == times[1]


def test_a_film_that_no_container_held_is_no_trouble(film: Path) -> None:
    """What is not copied moves nothing to Matroska."""
    settings = replace(ALONE, output=OutputSettings(codec="libx264", chroma_only=True))
    ass = film.with_name("film.mp4")
    write_film(ass, soft_shot(1, 3), codec="libx264")
    assert colorize_video(ass, settings=settings).path.name == "film.chroma.mp4"


def test_hashes_of_luma_make_no_sense_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Asking for them is bad usage."""
    with pytest.raises(SystemExit, match="2"):
        main(["film.mkv", "--chroma-only", "--framemd5"])
    assert "--chroma-only and --framemd5 cannot be combined" in capsys.readouterr().err
