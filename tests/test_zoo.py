import time
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import nn

from vidcolor.color.bins import BIN_COUNT
from vidcolor.errors import ModelError
from vidcolor.models.weights import read_weights
from vidcolor.models.zoo import PACKAGED, choose_device, choose_dtype, has_bfloat16, load_model


def test_the_default_model_is_ready() -> None:
    """The model that ships loads, folded, fixed and with what decoding needs."""
    model = load_model("lite", "cpu")
    assert not model.net.training
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.net.modules())
    assert not any(parameter.requires_grad for parameter in model.net.parameters())
    assert {parameter.dtype for parameter in model.net.parameters()} == {model.dtype}
    assert all(parameter.isfinite().all() for parameter in model.net.parameters())
    assert model.decoding.rebalancing_weight.shape == (BIN_COUNT,)
    assert len(model.sha256) == 64


def test_loading_takes_less_than_a_second() -> None:
    """With torch already imported, nothing slow such as random initialisation is left."""
    began = time.thread_time()
    load_model("lite", "cpu")
    assert time.thread_time() - began < 1


def test_what_is_packaged_is_there() -> None:
    """Each file lies in the package, is read by its name and states its licence."""
    folder = Path(__file__).parents[1] / "vidcolor" / "models"
    for name, file in PACKAGED.items():
        weights = read_weights(folder / file)
        assert (weights.name, weights.metadata["licence"]) == (name, "Apache-2.0")


def test_a_path_loads_as_a_name_does() -> None:
    """The file of the table, given as a path, gives the same weights."""
    path = Path(__file__).parents[1] / "vidcolor" / "models" / PACKAGED["lite"]
    assert load_model(path, "cpu").sha256 == load_model("lite", "cpu").sha256


def test_an_unknown_name_lists_the_known_ones() -> None:
    """The error of a misspelled name is one line with all names."""
    with pytest.raises(
        ModelError, match=r"lihgt: no such model; did you mean lite\? Known are lite"
    ) as caught:
        load_model("lihgt", "cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["banana", "xpu", "cuda:99"])
def test_an_absent_device_is_one_clear_line(name: str) -> None:
    """Devices that are none, unsupported or not there are refused by name."""
    with pytest.raises(ModelError, match=f"^{name}: ") as caught:
        choose_device(name)
    assert "\n" not in str(caught.value)


def test_auto_takes_what_is_there() -> None:
    """The device chosen by `auto` can hold a tensor."""
    assert torch.zeros(1, device=choose_device("auto")).sum() == 0


@pytest.mark.parametrize(
    ("capability", "expected"), [((7, 5), torch.float16), ((8, 0), torch.bfloat16)]
)
def test_older_gpus_compute_in_float16(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: torch.dtype
) -> None:
    """A GPU without bfloat16 of its own does not emulate it."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert choose_dtype(torch.device("cuda")) == expected


class _Processor(NamedTuple):
    name: str
    avx512: bool
    amx: bool


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        (_Processor("AMD Zen 3", avx512=False, amx=False), torch.float32),
        (_Processor("AMD Zen 4", avx512=True, amx=False), torch.bfloat16),
        (_Processor("Intel Xeon", avx512=True, amx=False), torch.float32),
        (_Processor("Intel Xeon", avx512=True, amx=True), torch.bfloat16),
    ],
)
def test_processors_compute_and_learn_in_what_they_are_fast_in(
    monkeypatch: pytest.MonkeyPatch, processor: _Processor, expected: torch.dtype
) -> None:
    """Not in what they emulate, or do at half the speed."""
    cpu = torch.device("cpu")
    told = {"cpu_name": processor.name}
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: processor.avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: processor.amx)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert choose_dtype(cpu) == expected
    assert has_bfloat16(cpu) == (expected == torch.bfloat16)
    assert has_bfloat16(torch.device("cuda"))
