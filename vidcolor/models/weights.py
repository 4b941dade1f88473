"""Our weights file: safetensors, kernels in float16, with what made it in the metadata.

Beside the net's own tensors it holds `bin_prior` and `rebalancing_weight`, both (bins,) float32;
the metadata says how histograms are decoded. Equal weights make equal files. Reading never runs
code.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from vidcolor.color.bins import BIN_COUNT, TEMPERATURE, Decoding
from vidcolor.errors import ModelError
from vidcolor.models.lite import LiteNet, LiteShape

_PRIOR = "bin_prior"
_REBALANCING = "rebalancing_weight"
_COUNTER = "num_batches_tracked"  # batch norm's, of no use with a fixed momentum


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What a weights file holds.

    Attributes:
        net: The net's tensors by key, float32.
        shape: Which size of net they fit.
        bin_prior: (bins,) float32, how often each bin occurred in the training pictures.
        decoding: How its histograms become colors.
        metadata: Licence, data and all else that the file says of itself.
    """

    net: dict[str, torch.Tensor]
    shape: LiteShape
    bin_prior: torch.Tensor
    decoding: Decoding
    metadata: dict[str, str]


def save_weights(
    path: Path,
    net: LiteNet,
    *,
    bin_prior: torch.Tensor,
    decoding: Decoding,
    about: Mapping[str, str],
) -> None:
    """Writes a net's weights under a temporary name, then renames them into place.

    Args:
        path: The file; its folder must exist.
        net: The net, batch norms not folded.
        bin_prior: (bins,).
        decoding: How its histograms become colors.
        about: Further metadata, such as the data it was trained on.
    """
    tensors = {
        key: value.detach().to("cpu", _stored_type(value)).contiguous()
        for key, value in net.state_dict().items()
        if not key.endswith(_COUNTER)
    }
    tensors[_PRIOR] = bin_prior.detach().to("cpu", torch.float32).contiguous()
    tensors[_REBALANCING] = decoding.rebalancing_weight.to("cpu", torch.float32).contiguous()
    metadata = {
        "licence": "Apache-2.0",
        "net": "lite",
        "shape": json.dumps(asdict(net.shape)),
        "temperature": repr(decoding.temperature),
        "boost": repr(decoding.boost),
    }
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
        ModelError: The file is missing, damaged, or not a `lite` net's.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such weights file") from error
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a readable safetensors file ({error})") from error
    missing = {_PRIOR, _REBALANCING} - tensors.keys()
    if missing or metadata.get("net") != "lite" or "shape" not in metadata:
        raise ModelError(f"{path}: not the weights of a vidcolor net; convert or retrain them")
    prior, rebalancing = tensors.pop(_PRIOR), tensors.pop(_REBALANCING)
    if prior.shape != (BIN_COUNT,) or rebalancing.shape != (BIN_COUNT,):
        raise ModelError(f"{path}: made for {len(prior)} bins, not for {BIN_COUNT}")
    shape = json.loads(metadata["shape"])
    shape["decoder_widths"] = tuple(shape["decoder_widths"])
    decoding = Decoding(
        rebalancing_weight=rebalancing,
        temperature=float(metadata.get("temperature", TEMPERATURE)),
        boost=float(metadata.get("boost", 0)),
    )
    return Weights(
        net={key: value.to(torch.float32) for key, value in tensors.items()},
        shape=LiteShape(**shape),
        bin_prior=prior,
        decoding=decoding,
        metadata=metadata,
    )


def build_net(weights: Weights, path: Path) -> LiteNet:
    """A float32 net in training mode with these weights.

    The net is laid out without values first, which skips the slow random initialisation.

    Raises:
        ModelError: Keys or shapes are not those of the net; `path` is named in it.
    """
    with torch.device("meta"):
        net = LiteNet(weights.shape)
    counters = {
        key: torch.zeros((), dtype=torch.int64)
        for key in net.state_dict()
        if key.endswith(_COUNTER)
    }
    try:
        net.load_state_dict(weights.net | counters, assign=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise ModelError(f"{path}: does not fit the lite net: {reason}") from error
    return net.requires_grad_()
