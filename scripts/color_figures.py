"""How many labelled shots are told right: in color, or black and white with a tint, noise, words.

    python scripts/color_figures.py CLIP ...

The films are in color. All else is made of them: faded to saturation 0.5, 0.3 and 0.15, and without
color under tints, the noise of tapes, subtitles, logos, colored fringes, and tinted intertitles.
Each is encoded by x264 in 4:2:0, and judged by its first frames as the program judges a shot.
"""

import argparse
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from vidcolor.color.hues import COLOR_VARIATION, find_hues, look_at
from vidcolor.reading.pixels import plane_view
from vidcolor.shots.settling import JUDGED_FRAMES

WIDTH = 320
SATURATIONS = (1.0, 0.5, 0.3, 0.15)
CRF = 20
LIT_SHARE, LIT_CODE = 0.75, 48  # what is darker is a fade's beginning
Image = NDArray[np.uint8]
Change = Callable[[Image, np.random.Generator], NDArray[np.floating] | Image]


def gray(image: Image) -> Image:
    """(H, W, 3) RGB without color."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def tinted(*shares: float) -> Change:
    """Light through a filter."""
    return lambda image, _: image * np.array(shares)


def toned(image: Image, _: np.random.Generator) -> NDArray[np.floating]:
    """Grays are brown in the middle."""
    return 255 * (image / 255.0) ** np.array([0.8, 1.0, 1.3])


def noisy(codes: float, blotch: int) -> Change:
    """Chroma noise of a tape, in blotches of so many pixels."""

    def change(image: Image, rng: np.random.Generator) -> NDArray[np.floating]:
        height, width, _ = image.shape
        small = (height // blotch + 2, width // blotch + 2, 2)
        noise = cv2.resize(rng.uniform(-codes, codes, small).astype(np.float32), (width, height),
                           interpolation=cv2.INTER_CUBIC)  # fmt: skip
        ycrcb = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb).astype(np.float32)
        ycrcb[..., 1:] += noise
        return cv2.cvtColor(np.clip(np.rint(ycrcb), 0, 255).astype(np.uint8),
                            cv2.COLOR_YCrCb2RGB)  # fmt: skip

    return change


def subtitled(image: Image, _: np.random.Generator) -> Image:
    """Yellow words."""
    at, font = (50, image.shape[0] - 20), cv2.FONT_HERSHEY_SIMPLEX
    return cv2.putText(image.copy(), "A subtitle in yellow", at, font, 0.6, (255, 255, 0), 2)


def with_logo(image: Image, _: np.random.Generator) -> Image:
    """A channel's logo in a corner."""
    marked = cv2.circle(image.copy(), (290, 22), 14, (220, 30, 30), -1)
    return cv2.circle(marked, (290, 22), 7, (30, 60, 230), -1)


def fringed(image: Image, _: np.random.Generator) -> Image:
    """Red and blue scanned beside each other."""
    moved = image.copy()
    moved[..., 0], moved[..., 2] = np.roll(image[..., 0], 1, 1), np.roll(image[..., 2], -1, 1)
    return moved


def titled(image: Image, _: np.random.Generator) -> Image:
    """A tinted intertitle."""
    card = np.full_like(image, (60, 30, 8))
    for line, text in enumerate(("THE NEXT DAY", "in the town", "of Lyon")):
        at = (50, 50 + 40 * line)
        cv2.putText(card, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (230, 180, 90), 2)
    return card


WITHOUT_COLOR: dict[str, Change] = {
    "gray": lambda image, _: image,
    "blue tint": tinted(0.45, 0.65, 1),
    "amber tint": tinted(1, 0.72, 0.35),
    "sepia": toned,
    "tape noise 3": noisy(3, 8),
    "tape noise 5": noisy(5, 8),
    "fine noise 10": noisy(10, 2),
    "subtitle": subtitled,
    "logo": with_logo,
    "fringes": fringed,
    "intertitle": titled,
}


def read_images(path: Path) -> list[Image]:
    """The first frames of a film behind its black, small, (H, W, 3) RGB."""
    found: list[Image] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            height = round(frame.height * WIDTH / frame.width / 4) * 4
            image = frame.reformat(WIDTH, height, "rgb24", interpolation="AREA").to_ndarray()
            if found or np.quantile(image, LIT_SHARE) > LIT_CODE:
                found.append(image)
            if len(found) == JUDGED_FRAMES:
                break
    return found


def encoded(images: list[Image]) -> Iterator[av.VideoFrame]:
    """The frames as x264 gives them back."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="matroska") as output:
        stream = output.add_stream("libx264", rate=24, options={"crf": str(CRF)})
        stream.width, stream.height, stream.pix_fmt = WIDTH, images[0].shape[0], "yuv420p"
        for image in images:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        output.mux(stream.encode(None))
    memory.seek(0)
    with av.open(memory) as container:
        yield from container.decode(video=0)


def variation(images: list[Image]) -> float:
    """How far hues vary over things in the encoded frames; 0 where that cannot be told."""
    looks = [look_at([plane_view(frame, n) for n in range(3)], 8) for frame in encoded(images)]
    hues = find_hues(looks)
    return 0.0 if hues is None else hues.variation


def labelled(film: Path) -> Iterator[tuple[str, bool, float]]:
    """Kind, label and variation of all that is made of one film in color."""
    images, rng = read_images(film), np.random.default_rng(0)
    grays = [gray(image) for image in images]
    for saturation in SATURATIONS:
        mixed = [cv2.addWeighted(one, saturation, two, 1 - saturation, 0)
                 for one, two in zip(images, grays, strict=True)]  # fmt: skip
        yield f"saturation {saturation}", True, variation(mixed)
    for kind, change in WITHOUT_COLOR.items():
        changed = [np.clip(change(image, rng), 0, 255).astype(np.uint8) for image in grays]
        yield kind, False, variation(changed)


def main() -> None:
    """Print a line for each kind, then precision and recall."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("films", nargs="+", type=Path, help="films in color")
    parser.add_argument("--limit", type=float, default=COLOR_VARIATION)
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args()
    found = defaultdict[tuple[str, bool], list[float]](list)
    for film in arguments.films:
        for kind, label, value in labelled(film):
            found[kind, label].append(value)
    hits = dict.fromkeys((True, False), 0)
    for (kind, label), values in found.items():
        in_color = sum(value > arguments.limit for value in values)
        hits[label] += in_color
        ends = f"{min(values):.2f} to {max(values):.2f}"
        print(f"{kind:16} {in_color:2} of {len(values)} in color, variation {ends}")
    total = sum(len(values) for (_, label), values in found.items() if label)
    precision, recall = hits[True] / max(1, sum(hits.values())), hits[True] / total
    print(f"limit {arguments.limit:g}: precision {precision:.3f}, recall {recall:.3f}")
    if arguments.json:
        figures = {kind: sorted(values) for (kind, _), values in found.items()}
        arguments.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
