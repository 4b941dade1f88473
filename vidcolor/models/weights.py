"""Our weights file: safetensors, kernels in float16, with what made it in the metadata.

The metadata names the net. Beside the net's own tensors that of a net that predicts bins holds
`bin_prior` and `rebalancing_weight`, both (bins,) float32, and its metadata says how histograms are
decoded. Equal weights make equal files. Reading never runs code.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from vidcolor.color.bins import BIN_COUNT, Decoding
from vidcolor.errors import ModelError
from vidcolor.nets.table import NETS, shape_of

_PRIOR = "bin_prior"
_REBALANCING = "rebalancing_weight"
_DECODING = ("temperature", "gain", "boost", "knee", "ceiling")
"""Fields of `Decoding` in the metadata; files of earlier versions lack those that had not begun."""
_COUNTER = "num_batches_tracked"  # batch norm's, of no use with a fixed momentum


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What a weights file holds.

    Attributes:
        name: Which net they fit, of `NETS`.
        net: The net's tensors by key, float32.
        shape: What the net is made with.
        bin_prior: (bins,) float32, how often each bin occurred in the training pictures; None for a
            net that predicts a* and b*.
        decoding: How its histograms become colors; None where it has none.
        metadata: Licence, data and all else that the file says of itself.
    """

    name: str
    net: dict[str, torch.Tensor]
    shape: dict[str, Any]
    bin_prior: torch.Tensor | None
    decoding: Decoding | None
    metadata: dict[str, str]


def save_weights(
    path: Path,
    net: nn.Module,
    *,
    name: str = "lite",
    bin_prior: torch.Tensor | None = None,
    decoding: Decoding | None = None,
    about: Mapping[str, str],
) -> None:
    """Writes a net's weights under a temporary name, then renames them into place.

    Args:
        path: The file; its folder must exist.
        net: The net, batch norms not folded.
        name: Which one it is, of `NETS`.
        bin_prior: (bins,), of a net that predicts bins.
        decoding: How its histograms become colors, where it has such.
        about: Further metadata, such as the data it was trained on.
    """
    tensors = {
        key: value.detach().to("cpu", _stored_type(value)).contiguous()
        for key, value in net.state_dict().items()
        if not key.endswith(_COUNTER)
    }
    metadata = {"licence": "Apache-2.0", "net": name, "shape": json.dumps(shape_of(net))}
    if bin_prior is not None and decoding is not None:
        weight = decoding.rebalancing_weight
        tensors[_PRIOR] = bin_prior.detach().to("cpu", torch.float32).contiguous()
        tensors[_REBALANCING] = weight.to("cpu", torch.float32).contiguous()
        metadata |= {name: repr(getattr(decoding, name)) for name in _DECODING}
    temporary = path.with_name(f"{path.name}.part")
    temporary.write_bytes(_with_sorted_header(save(tensors, metadata | dict(about))))
    temporary.replace(path)


def _with_sorted_header(file: bytes) -> bytes:
    """The same safetensors file with its header's keys in order.

    The library writes metadata in a random order, so that equal weights would differ in sha256.
    The header is JSON behind its length (8 bytes, little-endian), padded with spaces.
    """
    start = 8
    end = start + int.from_bytes(file[:start], "little")
    header = json.loads(file[start:end])
    ordered = {"__metadata__": dict(sorted(header.pop("__metadata__").items())), **header}
    text = json.dumps(ordered, separators=(",", ":"), ensure_ascii=False).encode()
    return file[:start] + text.ljust(end - start) + file[end:]


def _stored_type(tensor: torch.Tensor) -> torch.dtype:
    """Kernels take half the space; vectors stay whole, as variances overflow float16."""
    return torch.float16 if tensor.ndim > 1 else torch.float32


def read_weights(path: Path) -> Weights:
    """What a weights file holds, checked to be one of ours.

    Raises:
        ModelError: The file is missing, damaged, or not of one of our nets.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        if not os.access(path.parent, os.X_OK):
            raise ModelError(f"{path}: may not be read. Check its permissions.") from error
        raise ModelError(f"{path}: no such weights file") from error
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a readable safetensors file ({error})") from error
    name = metadata.get("net", "")
    spec = NETS.get(name)
    wanted = {_PRIOR, _REBALANCING} if spec is not None and spec.predicts == "bins" else set()
    if spec is None or wanted - tensors.keys() or "shape" not in metadata:
        raise ModelError(f"{path}: not the weights of a vidcolor net; convert or retrain them")
    prior, rebalancing = tensors.pop(_PRIOR, None), tensors.pop(_REBALANCING, None)
    for found in (prior, rebalancing):
        if found is not None and found.shape != (BIN_COUNT,):
            raise ModelError(f"{path}: made for {len(found)} bins, not for {BIN_COUNT}")
    net = {key: value.to(torch.float32) for key, value in tensors.items()}
    _refuse_non_numbers(path, net | {"bin_prior": prior, "rebalancing_weight": rebalancing})
    try:
        shape = dict(json.loads(metadata["shape"]))
        decoding = None if rebalancing is None else _decoding(rebalancing, metadata)
    except (ValueError, TypeError, RecursionError) as error:
        raise ModelError(f"{path}: its metadata is damaged ({error}). Copy it again.") from error
    return Weights(
        name=name,
        net=net,
        shape=shape,
        bin_prior=prior,
        decoding=decoding,
        metadata=metadata,
    )


def _refuse_non_numbers(path: Path, tensors: Mapping[str, torch.Tensor | None]) -> None:
    """Raise if a tensor holds infinities or what is no number: all colors would become so."""
    for key, tensor in tensors.items():
        if tensor is not None and not torch.isfinite(tensor).all():
            raise ModelError(
                f"{path}: holds infinite or undefined values ({key}). Train it again, "
                "or copy it again."
            )


def build_net(weights: Weights, path: Path) -> nn.Module:
    """A float32 net in training mode with these weights.

    The net is laid out without values first, which skips the slow random initialisation.

    Raises:
        ModelError: Keys or shapes are not those of the net; `path` is named in it.
    """
    try:
        with torch.device("meta"):
            net = NETS[weights.name].make(weights.shape)
    except (TypeError, ValueError, KeyError, RuntimeError, OverflowError, ArithmeticError) as error:
        raise ModelError(
            f"{path}: its metadata describes no {weights.name} net ({error!r}). Copy it again."
        ) from error
    counters = {
        key: torch.zeros((), dtype=torch.int64)
        for key in net.state_dict()
        if key.endswith(_COUNTER)
    }
    try:
        net.load_state_dict(weights.net | counters, assign=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise ModelError(f"{path}: does not fit the {weights.name} net: {reason}") from error
    return net.requires_grad_()


def _decoding(rebalancing: torch.Tensor, metadata: Mapping[str, str]) -> Decoding:
    """How the metadata say that histograms are decoded; raises ValueError for what cannot be."""
    found = Decoding(
        rebalancing_weight=rebalancing,
        **{name: float(metadata[name]) for name in _DECODING if name in metadata},
    )
    is_right = {
        _REBALANCING: bool((rebalancing > 0).all()),
        "temperature": 0 < found.temperature <= 1,
        "gain": 0 < found.gain < math.inf,
        "boost": 0 <= found.boost < math.inf,
        "knee": found.knee >= 0,
        "ceiling": found.ceiling > found.knee or found.ceiling == math.inf,
    }
    for name in (name for name, is_so in is_right.items() if not is_so):
        raise ValueError(f"{name} is out of its range")
    return found
