"""Draws pictures as several models color them: a row a picture, a column a model.

python scripts/model_sheet.py sheet.png pictures/ --models lite eccv16.safetensors
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from report_figures import model_named

from vidcolor.color.decode import decode_prediction
from vidcolor.color.lab import lightness_from_luma, srgb_from_lab
from vidcolor.evaluation.photos import color_lightness, fit_picture
from vidcolor.models.predict import predict_histograms
from vidcolor.training.dataset import read_pictures
from vidcolor.training.film_response import mix_video_luma

Image = NDArray[np.uint8]
_SHORT_SIDE = 256
_LABEL_HEIGHT = 22


def colored_by(name: str, lumas: list[torch.Tensor], device: str, vividness: float) -> list[Image]:
    """The pictures, (H, W, 3) BGR, as a model colors their luma, (1, H, W) each."""
    model = model_named(name, device)
    seen = (lightness_from_luma(luma)[0].numpy() for luma in lumas)
    pictures = []
    for luma, one in zip(lumas, predict_histograms(seen, model, 1), strict=True):
        prediction = one.map.cpu()
        ab = decode_prediction(prediction, model.decoding, vividness=vividness).ab
        pictures.append(to_image(srgb_from_lab(color_lightness(lightness_from_luma(luma), ab))))
    return pictures


def to_image(srgb: torch.Tensor) -> Image:
    """(3, H, W) in [0, 1] as (H, W, 3) BGR."""
    rows = (255 * srgb.clamp(0, 1)).round().byte().movedim(0, -1).numpy()
    return np.asarray(rows[..., ::-1], np.uint8)


def draw_column(label: str, pictures: list[Image], width: int, height: int) -> Image:
    """The pictures below each other, in boxes of one size, their label on top."""
    head = np.full((_LABEL_HEIGHT, width, 3), 32, np.uint8)
    cv2.putText(
        head, label, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA
    )
    boxes = [head]
    for picture in pictures:
        scale = max(width / picture.shape[1], height / picture.shape[0])
        large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
        boxes.append(np.asarray(large[top : top + height, left : left + width], np.uint8))
    return np.concatenate(boxes)


def main() -> None:
    """Writes the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sheet", type=Path)
    parser.add_argument("pictures", type=Path, help="folder or tar file of color pictures")
    parser.add_argument("--models", nargs="+", required=True, help="names, paths or references")
    parser.add_argument("--vividness", type=float, default=0.0)
    parser.add_argument("--width", type=int, default=150, help="of each picture, in pixels")
    parser.add_argument("--height", type=int, default=110)
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    store = read_pictures([args.pictures])
    truths = [fit_picture(store.picture(index), _SHORT_SIDE) for index in range(len(store))]
    lumas = [mix_video_luma(truth[None])[0] for truth in truths]
    size = {"width": args.width, "height": args.height}
    columns = [
        draw_column("truth", [to_image(truth) for truth in truths], **size),
        draw_column("luma", [to_image(luma.expand(3, -1, -1)) for luma in lumas], **size),
    ]
    for name in args.models:
        colored = colored_by(name, lumas, args.device, args.vividness)
        columns.append(draw_column(Path(name).stem, colored, **size))
    cv2.imwrite(str(args.sheet), np.concatenate(columns, axis=1))


if __name__ == "__main__":
    main()
