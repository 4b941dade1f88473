"""Shows whether released weights of ddcolor-tiny load rightly: colors of a public picture.

python scripts/check_guest.py einstein.png [--model ddcolor-tiny]

The picture is `inputs/einstein.png` in `tests/images` of https://github.com/chaiNNer-org/spandrel,
whose authors keep what the same weights gave them as `outputs/einstein/ddcolor_paper_tiny.png`.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional

from vidcolor.color.decode import decode_prediction
from vidcolor.color.lab import lab_from_srgb, lightness_from_luma, srgb_from_lab
from vidcolor.models.predict import predict_histograms
from vidcolor.models.zoo import load_model

EXPECTED = torch.tensor(
    [
        [[-3, 7, 5, 0], [3, 20, 22, 7], [-3, 7, 12, 1], [3, 2, 1, 1]],
        [[4, 14, 11, -1], [13, 21, 25, 12], [4, 3, 10, -3], [-6, -7, -4, -3]],
    ],
    dtype=torch.float32,
)
"""Mean a* and b* of each cell of a 4 x 4 grid of their output, (2, 4, 4)."""

SIDE = 256  # of the picture that they show the net
MOST_DIFFERENCE = 2.0  # they shrink the picture otherwise


def measure_cells(picture: Path, model: str, device: str) -> torch.Tensor:
    """Mean a* and b* of each cell of a 4 x 4 grid of the colored picture, (2, 4, 4)."""
    gray = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
    if gray is None:
        sys.exit(f"{picture}: not a picture that can be decoded")
    small = cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    lightness = lightness_from_luma(torch.from_numpy(small.astype(np.float32) / 255))
    loaded = load_model(model, device)
    (prediction,) = predict_histograms([lightness.numpy()], loaded, 1)
    ab = decode_prediction(prediction.map.cpu(), loaded.decoding, vividness=0.0).ab
    shown = functional.adaptive_avg_pool2d(lightness[None], ab.shape[1:])
    # Strong colors leave sRGB, as they do in their output.
    cut = lab_from_srgb(srgb_from_lab(torch.cat([shown, ab])).clamp(0, 1))[1:]
    return functional.adaptive_avg_pool2d(cut, EXPECTED.shape[1:])


def main() -> None:
    """Prints the cells beside those expected; exits with 1 where they are not the same."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--model", default="ddcolor-tiny", help="name, file or NAME=FILE")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    found = measure_cells(args.picture, args.model, args.device)
    for name, cells, expected in zip("ab", found, EXPECTED, strict=True):
        print(f"mean {name}* of the cells, and as expected:")
        for row, wanted in zip(cells.tolist(), expected.tolist(), strict=True):
            print("  " + " ".join(f"{x:6.1f}" for x in row) + "   " + str([int(x) for x in wanted]))
    largest = float((found - EXPECTED).abs().max())
    is_right = largest <= MOST_DIFFERENCE
    print(f"largest difference {largest:.1f}: {'right' if is_right else 'not right'}")
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main()
