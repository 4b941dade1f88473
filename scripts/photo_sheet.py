"""Draws photographs as models color them at the default look, to look at one by one.

python scripts/photo_sheet.py sheet.jpg val.tar --models lite other.safetensors --count 40
python scripts/photo_sheet.py sheet.png val.tar --models lite --members 900001.webp 900007.webp

In each band of the sheet the first row is the truth, then comes a row a model. Photographs are
whole, not cut, and colors are enlarged as in the program, along the edges of lightness.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from model_sheet import Image, to_image
from numpy.typing import NDArray
from photo_figures import color_named

from vidcolor.color.lab import lightness_from_luma, srgb_from_lab
from vidcolor.color.upsample import upsample_ab
from vidcolor.errors import SourceError
from vidcolor.evaluation.photos import fit_picture
from vidcolor.frame import FrameFormat, Matrix
from vidcolor.training.dataset import read_named_pictures
from vidcolor.training.film_response import mix_video_luma

_SHORT_SIDE = 256
_LABEL_HEIGHT = 16


def choose(names: Sequence[str], members: Sequence[str], count: int) -> list[int]:
    """Numbers of the named members, or of `count` spread evenly if none are named.

    Raises:
        SourceError: A member is not there.
    """
    if not members:
        return sorted({round(step) for step in np.linspace(0, len(names) - 1, count)})
    missing = [member for member in members if member not in names]
    if missing:
        raise SourceError(f"{missing[0]}: no such photograph; name members as the archive does")
    return [names.index(member) for member in members]


def show_colors(luma: torch.Tensor, ab: torch.Tensor) -> Image:
    """Luma (1, H, W) in colors (2, h, w), enlarged by the program: (H, W, 3) BGR."""
    lightness, (height, width) = lightness_from_luma(luma)[0], luma.shape[1:]
    picture = FrameFormat(
        width=width, height=height, depth=8, log2_chroma_width=0, log2_chroma_height=0,
        matrix=Matrix.BT709, full_range=True,
    )  # fmt: skip
    large = upsample_ab(ab.float().numpy(), lightness.numpy(), lightness, picture)
    return to_image(srgb_from_lab(torch.cat([lightness[None], large])))


def draw_band(columns: Sequence[Sequence[Image]], labels: Sequence[str], side: int) -> Image:
    """Photographs beside each other, each in all its colors below each other, in square boxes."""
    drawn = []
    for label, pictures in zip(labels, columns, strict=True):
        boxes = [write_label(label, side)]
        for picture in pictures:
            scale = side / max(picture.shape[:2])
            small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
            box = np.full((side, side, 3), 32, np.uint8)
            box[top : top + small.shape[0], left : left + small.shape[1]] = small
            boxes.append(box)
        drawn.append(np.concatenate(boxes))
    return np.concatenate(drawn, axis=1)


def write_label(text: str, width: int) -> NDArray[np.uint8]:
    """A strip with a text, (`_LABEL_HEIGHT`, width, 3)."""
    strip = np.full((_LABEL_HEIGHT, width, 3), 32, np.uint8)
    white = (255, 255, 255)
    cv2.putText(strip, text, (3, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, white, 1, cv2.LINE_AA)
    return strip


def main() -> None:
    """Writes the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sheet", type=Path, help="PNG or JPEG file to write")
    parser.add_argument("pictures", type=Path, help="folder or tar file of photographs")
    parser.add_argument("--models", nargs="+", required=True, help="names or paths")
    parser.add_argument("--members", nargs="+", default=[], help="these photographs")
    parser.add_argument("--count", type=int, default=40, help="otherwise so many, evenly spread")
    parser.add_argument("--across", type=int, default=8, help="photographs beside each other")
    parser.add_argument("--side", type=int, default=200, help="of a photograph's box, in pixels")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    found = [(Path(name.removeprefix(f"{args.pictures}:")).name, rgb)
             for name, rgb in read_named_pictures([args.pictures])]  # fmt: skip
    chosen = [found[i] for i in choose([name for name, _ in found], args.members, args.count)]
    truths = [fit_picture(rgb, _SHORT_SIDE) for _, rgb in chosen]
    lumas = [mix_video_luma(truth[None])[0] for truth in truths]
    rows = [[to_image(truth) for truth in truths]]
    for name in args.models:
        colors = color_named(name, lumas, args.device)
        rows.append([show_colors(luma, ab) for luma, ab in zip(lumas, colors, strict=True)])
    columns, labels = list(zip(*rows, strict=True)), [name for name, _ in chosen]
    blank = [np.full((1, 1, 3), 32, np.uint8)] * len(rows)
    while len(columns) % args.across:
        columns.append(tuple(blank))
        labels.append("")
    bands = [
        draw_band(columns[at : at + args.across], labels[at : at + args.across], args.side)
        for at in range(0, len(columns), args.across)
    ]
    legend = "rows: truth, " + ", ".join(Path(name).stem for name in args.models)
    head = write_label(legend, bands[0].shape[1])
    cv2.imwrite(str(args.sheet), np.concatenate([head, *bands]))


if __name__ == "__main__":
    main()
