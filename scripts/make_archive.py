"""The things of an archive's day: films, image sequences, junk and broken files, small ones all."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Make = Callable[[Path], object]

FORMATS = Path(__file__).parents[1] / "tests" / "data" / "formats"
LARGE = "films/large.mkv"
"""The one film that needs more of the disk than `LARGEST_BYTES`."""

LARGEST_BYTES = 2_000_000
REFUSED = {
    "broken/zero-bytes.mp4": "is empty",
    "broken/not-a-video.mp4": "cannot be opened as a video",
    "broken/truncated-no-index.mp4": "cannot be opened as a video",
    "broken/media-zeroed-prores.mov": "not one frame",
    "broken/text.mkv": "cannot be opened as a video",
    "broken/pipe.mkv": "is no file",
    "color/color.mkv": "is in color already",
    "junk/gone.mkv": "no such file",
    "scans/gap/g_%04d.png": "lacks g_0002.png",
    "scans/times/%d.png": "use --gaps none",
}
"""What cannot be done, and words of the reason."""

UNBAGGED = {
    "names/100%.mkv",
    "names/%d.mkv",
    "names/new\nline.mkv",
    os.fsdecode(b"names/l\xfc.mkv"),
}
"""What can be done, but whose names no bag's manifest can hold."""

NAMES = (
    "with space.mkv", "Zürich.mkv", "-q.mkv", "a:b.mkv", "quote'\".mkv", "映画.mkv", "🎞.mkv",
    "UPPER.MKV", "dots...mkv", "semi;colon&.mkv", f"{'long' * 58}.mkv", "[glob]*.mkv",
    *(name.partition("/")[2] for name in sorted(UNBAGGED)),
)  # fmt: skip
JUNK = ("._film.mp4", ".DS_Store", "Thumbs.db", "readme.txt", "film.srt", "film.colorized.json")
GRAY, BLUE = (128, 128), (150, 112)


def things() -> Iterator[tuple[str, Make]]:
    """The name of each thing, and what makes it at a path."""
    for path in sorted(FORMATS.iterdir()):
        copy = shutil.copytree if path.is_dir() else shutil.copy
        is_refused = f"broken/{path.name}" in REFUSED
        place = "scans" if path.is_dir() else "broken" if is_refused else "films"
        yield f"{place}/{path.name}", partial(copy, path)
    yield "broken/text.mkv", lambda path: path.write_text("no film")
    yield "broken/pipe.mkv", os.mkfifo
    boxed = [np.pad(one, ((16, 16), (24, 24)), constant_values=16) for one in shot(6, 8)]
    noise = np.random.default_rng(0).integers(16, 235, (12, 360, 640), dtype=np.uint8)
    yield from {
        "color/color.mkv": partial(write_film, shots=[shot(1, 8)], chroma=[None]),
        "color/half.mkv": partial(write_film, shots=[shot(2, 9), shot(3, 9)], chroma=[GRAY, None]),
        "color/tinted.mkv": partial(write_film, shots=[shot(4, 9), shot(5, 9)], chroma=[BLUE, GRAY])
        ,
        "films/boxed.mkv": partial(write_film, shots=[boxed]),
        "films/negative.mp4": partial(write_film, shots=[[251 - one for one in shot(7, 8)]]),
        "films/shots.mkv": partial(write_film, shots=[shot(seed, 7) for seed in range(8, 14)]),
        LARGE: partial(write_film, shots=[list(noise)]),
        "stems/tape.avi": partial(write_film, shots=[shot(20, 5)], codec="ffv1"),
        "stems/tape.mp4": partial(write_film, shots=[shot(20, 5, 48, 32)]),
        "scans/pair/p_%04d.tif": partial(write_images, pictures=shot(21, 5)),
        "scans/pair/p_%04d.jpg": partial(write_images, pictures=shot(21, 5, 48, 32)),
        "scans/gap/g_%04d.png": partial(write_images, pictures=shot(22, 4), numbers=(0, 1, 3, 4)),
        "scans/times/%d.png": partial(
            write_images, pictures=shot(23, 3), numbers=(10**19 + 5, 10**19 + 70, 10**19 + 199)
        ),
        "junk/gone.mkv": lambda path: path.symlink_to("nowhere.mkv"),
        "junk/loop": lambda path: path.symlink_to(".."),
        "junk/empty": Path.mkdir,
    }.items()  # fmt: skip
    for number, name in enumerate(NAMES):
        yield f"names/{name}", partial(write_film, shots=[shot(number, 3)])
    for name in JUNK:
        yield f"junk/{name}", lambda path: path.write_bytes(b"\0\5\26\7 junk")


def make_archive(folder: Path, names: Sequence[str] | None = None) -> list[str]:
    """Make the things of a day.

    Args:
        folder: Where.
        names: Those wanted; None for all.

    Returns:
        The names of what was made.
    """
    made = []
    for name, make in things():
        if names is None or name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            make(path)
            made.append(name)
    return made


def shot(seed: int, frames: int, width: int = 96, height: int = 64) -> list[Plane]:
    """A soft random picture that moves a little, luma of limited range (height, width) each."""
    noise = np.random.default_rng(seed).uniform(16, 235, (9, 12)).astype(np.float32)
    picture = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return [np.clip(np.roll(picture, k, 1), 16, 235).astype(np.uint8) for k in range(frames)]


def write_film(
    path: Path,
    shots: Sequence[Sequence[Plane]],
    chroma: Sequence[tuple[int, int] | None] = (),
    codec: str = "libx264",
) -> None:
    """Write a film; `chroma` has each shot's Cb and Cr, or None for colors that vary."""
    with av.open(str(path.absolute()), "w") as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=24))
        height, width = shots[0][0].shape
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frames, hue in zip(shots, chroma or [GRAY] * len(shots), strict=True):
            for luma in frames:
                planes = [luma, *_chroma_planes(hue, width // 2, height // 2)]
                packed = np.vstack([plane.reshape(-1, width) for plane in planes])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(packed, "yuv420p")))
        container.mux(stream.encode(None))


def _chroma_planes(hue: tuple[int, int] | None, width: int, height: int) -> list[Plane]:
    if hue is not None:
        return [np.full((height, width), one, np.uint8) for one in hue]
    ramp = np.linspace(70, 190, width, dtype=np.uint8)
    return [np.tile(ramp, (height, 1)), np.tile(ramp[::-1], (height, 1))]


def write_images(
    pattern: Path, pictures: Sequence[Plane], numbers: Sequence[int] | None = None
) -> None:
    """Write numbered pictures; `pattern` as in FFmpeg."""
    for number, picture in zip(numbers or range(len(pictures)), pictures, strict=True):
        path = Path(str(pattern) % number)
        path.write_bytes(cv2.imencode(path.suffix, picture)[1].tobytes())
