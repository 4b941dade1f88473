import json
import math
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vidcolor.color.bins import BIN_COUNT, TEMPERATURE, Decoding
from vidcolor.errors import ModelError
from vidcolor.models.weights import build_net, read_weights, save_weights
from vidcolor.nets.lite import LiteNet, LiteShape

SMALL = LiteShape(width=0.25, depth=0.3, decoder_widths=(8, 8, 8, 8))
PRIOR = torch.full((BIN_COUNT,), 1 / BIN_COUNT)
DECODING = Decoding(
    rebalancing_weight=2 * PRIOR, temperature=0.7, gain=1.1, boost=0.2, knee=20.0, ceiling=45.0
)
SHOWN = ("temperature", "gain", "boost", "knee", "ceiling")


def save_small(path: Path) -> LiteNet:
    """Writes a little net's weights."""
    torch.manual_seed(0)
    net = LiteNet(SMALL).eval()
    save_weights(path, net, bin_prior=PRIOR, decoding=DECODING, about={"data": "noise"})
    return net


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    """Net, size, prior, weights and metadata come back; kernels to the precision of float16."""
    path = tmp_path / "net.safetensors"
    net = save_small(path)
    weights = read_weights(path)
    assert weights.name == "lite"
    assert weights.shape["decoder_widths"] == list(SMALL.decoder_widths)
    assert torch.equal(weights.decoding.rebalancing_weight, 2 * PRIOR)
    assert [getattr(weights.decoding, name) for name in SHOWN] == [0.7, 1.1, 0.2, 20.0, 45.0]
    assert weights.metadata["licence"] == "Apache-2.0"
    assert weights.metadata["data"] == "noise"
    back = build_net(weights, path)
    for key, value in net.state_dict().items():
        torch.testing.assert_close(back.state_dict()[key], value, atol=1e-4, rtol=1e-3)
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.safetensors"]


def test_equal_weights_make_equal_files(tmp_path: Path) -> None:
    """Written again and again, the bytes are the same, in whatever order metadata is given."""
    torch.manual_seed(0)
    net = LiteNet(SMALL).eval()
    about = {str(number): "x" * number for number in range(20)}
    files = set()
    for count in range(6):
        path = tmp_path / f"{count}.safetensors"
        given = dict(sorted(about.items(), reverse=count % 2 == 1))
        save_weights(path, net, bin_prior=PRIOR, decoding=DECODING, about=given)
        files.add(path.read_bytes())
    assert len(files) == 1
    assert read_weights(path).metadata.items() > about.items()


def test_weights_that_do_not_say_decode_as_the_paper_does(tmp_path: Path) -> None:
    """Without any of it in the metadata the paper's temperature is taken, no gain and no knee."""
    path = tmp_path / "net.safetensors"
    save_small(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    for name in SHOWN:
        del metadata[name]
    save_file(load_file(path), path, metadata)
    decoding = read_weights(path).decoding
    found = [getattr(decoding, name) for name in SHOWN]
    assert found == [TEMPERATURE, 1, 0, math.inf, math.inf]


def test_large_variances_survive(tmp_path: Path) -> None:
    """A batch norm's variance above float16's largest number is kept, not made infinite."""
    torch.manual_seed(0)
    net = LiteNet(SMALL)
    net.smooth[3][0].norm.running_var.fill_(1e6)
    path = tmp_path / "net.safetensors"
    save_weights(path, net, bin_prior=PRIOR, decoding=DECODING, about={})
    assert (read_weights(path).net["smooth.3.0.norm.running_var"] == 1e6).all()


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(ModelError, match=r"none\.safetensors: no such weights file"):
        read_weights(tmp_path / "none.safetensors")


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    """A file cut short is reported as unreadable in one line."""
    path = tmp_path / "net.safetensors"
    save_small(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelError, match="not a readable safetensors file") as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    """A safetensors file of something else is told apart from ours."""
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(ModelError, match="not the weights of a vidcolor net"):
        read_weights(path)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("key", ["context.weight", "bin_prior", "rebalancing_weight"])
def test_values_that_are_no_numbers_are_refused(tmp_path: Path, key: str, value: float) -> None:
    """One of them would make all colors so."""
    path = tmp_path / "net.safetensors"
    save_small(path)
    tensors, metadata = load_file(path), read_weights(path).metadata
    tensors[key].flatten()[-1] = value
    save_file(tensors, path, metadata)
    with pytest.raises(ModelError, match=rf"infinite or undefined values \({key}\)"):
        read_weights(path)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("shape", "{"),
        ("shape", "7"),
        ("shape", "[" * 50_000),
        ("shape", '{"width": -1}'),
        ("shape", '{"bins": "many"}'),
        ("shape", '{"other": 1}'),
        ("temperature", "warm"),
        ("gain", "[1]"),
        ("boost", "nan"),
        ("knee", "-1"),
        ("ceiling", "0"),
        ("temperature", "0"),
        ("gain", "inf"),
    ],
)
def test_odd_metadata_are_refused(tmp_path: Path, key: str, text: str) -> None:
    """In one line, whatever they say."""
    path = tmp_path / "net.safetensors"
    save_small(path)
    tensors, metadata = load_file(path), read_weights(path).metadata
    save_file(tensors, path, metadata | {key: text})
    with pytest.raises(ModelError, match=r"its metadata|does not fit") as caught:
        build_net(read_weights(path), path)
    assert "\n" not in str(caught.value)


def test_wrong_keys_are_refused(tmp_path: Path) -> None:
    """A file that lacks a tensor of the net is refused in one line that names it."""
    path = tmp_path / "net.safetensors"
    save_small(path)
    tensors = load_file(path)
    del tensors["context.weight"]
    weights = read_weights(path)
    save_file(tensors, path, weights.metadata)
    with pytest.raises(ModelError, match=r"does not fit the lite net.*context\.weight") as caught:
        build_net(read_weights(path), path)
    assert "\n" not in str(caught.value)


def test_the_size_is_readable_metadata(tmp_path: Path) -> None:
    """The net's hyperparameters are JSON that any reader of the file can see."""
    path = tmp_path / "net.safetensors"
    save_small(path)
    assert json.loads(read_weights(path).metadata["shape"])["width"] == 0.25
