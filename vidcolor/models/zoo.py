"""The table of models, and loading one of them onto a device. Loading never runs code."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from vidcolor.color.bins import Decoding
from vidcolor.errors import ModelError
from vidcolor.models.lite import LiteNet, fold_batch_norm
from vidcolor.models.weights import build_net, read_weights

_SUFFIX = ".safetensors"
_AMPERE = 8  # the first generation of NVIDIA GPUs, by compute capability, that has bfloat16


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A row of the table.

    Attributes:
        file: The weights, beside this module.
        licence: Of the weights.
        paper: What the net follows.
        predicts: What it answers for each 4 x 4 pixels.
    """

    file: str
    licence: str
    paper: str
    predicts: str


MODELS = {
    "lite": ModelSpec(
        file="lite.safetensors",
        licence="Apache-2.0",
        paper="arXiv:1603.08511 (loss and bins), arXiv:1905.11946 (encoder)",
        predicts="histogram over the 313 ab bins",
    ),
}


@dataclass(slots=True)
class BatchLimit:
    """The largest batch that has fitted into memory; None while none has failed to."""

    pictures: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A net that is ready to answer.

    Attributes:
        name: From the table, or the path it was loaded from.
        net: Batch norms folded, evaluation mode, channels_last, on `device` in `dtype`.
        device: Where it runs.
        dtype: What it computes in.
        decoding: How its histograms become colors; the weight is on `device`.
        sha256: Of the weights file.
        threads: How many processor threads inference may use.
        batch_limit: What inference has learned of the device's memory.
    """

    name: str
    net: LiteNet
    device: torch.device
    dtype: torch.dtype
    decoding: Decoding
    sha256: str
    threads: int = 1
    batch_limit: BatchLimit = field(default_factory=BatchLimit)

    def __repr__(self) -> str:
        return f"Model({self.name!r}, {self.device}, {self.dtype})"


def load_model(name_or_path: str | Path, device: str = "auto") -> Model:
    """A model from the table or from a file of ours, on a device.

    Args:
        name_or_path: A name from `MODELS`, or a path to a safetensors file.
        device: See `choose_device`.

    Raises:
        ModelError: The name is unknown, the file is missing, damaged or no model of ours, or the
            device is absent.
    """
    name, path = _find(name_or_path)
    place = choose_device(device)
    weights = read_weights(path)
    net = build_net(weights, path).eval()
    fold_batch_norm(net)
    net.requires_grad_(requires_grad=False)
    dtype = choose_dtype(place)
    return Model(
        name=name,
        net=net.to(place, dtype).to(memory_format=torch.channels_last),  # type: ignore[call-overload]
        device=place,
        dtype=dtype,
        decoding=replace(
            weights.decoding, rebalancing_weight=weights.decoding.rebalancing_weight.to(place)
        ),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        threads=torch.get_num_threads() if place.type == "cpu" else 1,
    )


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; `auto` is CUDA if present, else MPS, else the CPU.

    Args:
        name: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

    Raises:
        ModelError: The name is no device, or this machine has no such device.
    """
    if name == "auto":
        return torch.device(_fastest_device())
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")  # as unfit as any other kind
    if device.type not in {"cpu", "cuda", "mps"}:
        raise ModelError(f"{name}: not a device; use auto, cpu, cuda, cuda:N or mps")
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise ModelError(f"{name}: this machine has {count} CUDA devices; use --device auto")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ModelError(f"{name}: this machine has no MPS device; use --device auto")
    return device


def choose_dtype(device: torch.device) -> torch.dtype:
    """The fastest type that the nets keep their colors in, on that device."""
    if device.type == "mps":
        return torch.float16
    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        return torch.bfloat16 if major >= _AMPERE else torch.float16
    has_bfloat16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # noqa: SLF001  # no public name in torch 2.6
    return torch.bfloat16 if has_bfloat16 else torch.float32


def _fastest_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _find(name_or_path: str | Path) -> tuple[str, Path]:
    """Name and file of what the user asked for."""
    name = str(name_or_path)
    if name in MODELS:
        return name, Path(__file__).with_name(MODELS[name].file)
    if isinstance(name_or_path, Path) or Path(name).suffix == _SUFFIX or Path(name).exists():
        return name, Path(name)
    known = ", ".join(MODELS)
    raise ModelError(
        f"{name}: no such model; known are {known}, or give a path to a {_SUFFIX} file"
    )
