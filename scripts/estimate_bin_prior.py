"""Counts how often each ab bin occurs in photographs, and writes what training needs of it.

python scripts/estimate_bin_prior.py photos/*.tar --output prior.safetensors
"""

import argparse
from pathlib import Path

from safetensors.torch import save_file

from vidcolor.color.bins import BIN_CENTERS
from vidcolor.training.dataset import read_pictures
from vidcolor.training.loss import weigh_bins
from vidcolor.training.prior import estimate_bin_prior


def main() -> None:
    """Writes `bin_prior` and `rebalancing_weight`, and prints the commonest and rarest bins."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path, help="folders and tar files")
    parser.add_argument("--output", type=Path, required=True, help="safetensors to write")
    parser.add_argument("--count", type=int, help="pictures to take, drawn at random")
    args = parser.parse_args()
    prior = estimate_bin_prior(read_pictures(args.pictures), args.count)
    weight = weigh_bins(prior)
    save_file({"bin_prior": prior, "rebalancing_weight": weight}, args.output)
    order = prior.argsort(descending=True).tolist()
    for index in order[:10] + order[-10:]:
        a, b = BIN_CENTERS[index].tolist()
        print(f"a {a:5.0f}  b {b:5.0f}  share {prior[index]:9.2e}  weight {weight[index]:.2f}")


if __name__ == "__main__":
    main()
