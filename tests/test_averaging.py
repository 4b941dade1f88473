"""The mean of several weights files."""

from pathlib import Path

import pytest
import torch

from vidcolor.color.bins import BIN_COUNT, Decoding
from vidcolor.errors import ModelError
from vidcolor.models.weights import read_weights, save_weights
from vidcolor.nets.lite import LiteNet, LiteShape
from vidcolor.training.averaging import read_mean

_SMALL = (8, 8, 8, 8)


def _write(path: Path, seed: int, widths: tuple[int, int, int, int] = _SMALL) -> Path:
    torch.manual_seed(seed)
    net = LiteNet(LiteShape(decoder_widths=widths))
    prior = torch.full((BIN_COUNT,), 1 / BIN_COUNT)
    decoding = Decoding(rebalancing_weight=torch.ones(BIN_COUNT), temperature=0.1 * (seed + 1))
    save_weights(path, net, bin_prior=prior, decoding=decoding, about={"made": str(seed)})
    return path


def test_each_tensor_is_the_mean_and_all_else_the_firsts(tmp_path: Path) -> None:
    """Of three files, whose decodings differ."""
    paths = [_write(tmp_path / f"{seed}.safetensors", seed) for seed in range(3)]
    given = [read_weights(path) for path in paths]
    mean = read_mean(paths)
    for key, tensor in mean.net.items():
        expected = (given[0].net[key] + given[1].net[key] + given[2].net[key]) / 3
        assert torch.allclose(tensor, expected, atol=1e-6), key
    kernel = "encoder.stem.conv.weight"
    assert not torch.equal(mean.net[kernel], given[0].net[kernel])
    assert mean.decoding is not None
    assert mean.decoding.temperature == pytest.approx(0.1)
    assert mean.metadata["made"] == "0"


def test_one_file_is_its_own_mean(tmp_path: Path) -> None:
    """Bit for bit."""
    path = _write(tmp_path / "one.safetensors", 5)
    mean, given = read_mean([path]), read_weights(path)
    assert all(torch.equal(mean.net[key], given.net[key]) for key in given.net)


def test_nets_of_another_shape_have_no_mean(tmp_path: Path) -> None:
    """The file that does not fit is named."""
    one = _write(tmp_path / "one.safetensors", 0)
    other = _write(tmp_path / "other.safetensors", 1, (8, 8, 8, 16))
    with pytest.raises(ModelError, match=r"other\.safetensors: not a net of the same shape"):
        read_mean([one, other])
