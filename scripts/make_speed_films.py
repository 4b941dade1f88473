"""Make the films that speed is measured on: the same pictures at several sizes, in black and white.

Pieces of real clips are cut one behind the other, so that there are still, hand-held and fast
cameras and cuts among them, and scaled to cover the frame. Needs the ffmpeg program.
"""

import argparse
from pathlib import Path
from typing import Any

import ffmpeg

SIZES = ("640x480", "1920x1080", "3840x2160")
RATE = 25
_VISUALLY_LOSSLESS = {"c:v": "libx264", "crf": 12, "preset": "veryfast", "g": RATE}


def make_film(clips: list[Path], frames: int, size: str, path: Path) -> None:
    """Write a film of the first `frames` frames of each clip, of a size such as 640x480."""
    width, height = map(int, size.split("x"))
    pieces = [
        ffmpeg.input(str(clip))
        .video.filter("scale", width, height, force_original_aspect_ratio="increase")
        .filter("crop", width, height)
        .filter("trim", end_frame=frames)
        .filter("setpts", f"N/({RATE}*TB)")
        .filter("setsar", 1)
        .filter("fps", RATE)
        .filter("hue", s=0)
        .filter("format", "yuv420p")
        for clip in clips
    ]
    _write(ffmpeg.concat(*pieces), path)


def repeat_film(film: Path, times: int, path: Path) -> None:
    """Write a film that shows another so many times."""
    _write(ffmpeg.input(str(film), stream_loop=times - 1).video, path)


def _write(pictures: Any, path: Path) -> None:
    film = ffmpeg.output(pictures, str(path), r=RATE, **_VISUALLY_LOSSLESS)
    film.run(overwrite_output=True, quiet=True)


def main() -> None:
    """Write one film a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=40, help="of each clip (default: 40)")
    parser.add_argument("--times", type=int, help="also write each film so many times as long")
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="WIDTHxHEIGHT each")
    parser.add_argument("--folder", type=Path, required=True, help="where the films go")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for size in arguments.sizes:
        path = arguments.folder / f"{size}.mp4"
        make_film(arguments.clips, arguments.frames, size, path)
        print(path)
        if arguments.times:
            longer = path.with_stem(f"{size}_x{arguments.times}")
            repeat_film(path, arguments.times, longer)
            print(longer)


if __name__ == "__main__":
    main()
