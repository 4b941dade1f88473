"""The table of models, and loading one of them onto a device. Loading never runs code."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import platformdirs
import torch
from torch import nn

from vidcolor.color.bins import Decoding
from vidcolor.errors import ModelError
from vidcolor.files import is_file
from vidcolor.frame import CPU
from vidcolor.models import released
from vidcolor.models.downloads import cache_path, file_sha256
from vidcolor.models.merge import SIGN, Merged, Mirrored, Part
from vidcolor.models.slowness import warn_if_slow
from vidcolor.models.transfer import Transfer, read_reference
from vidcolor.models.weights import Weights, build_net, read_weights
from vidcolor.nets.dynamic_unet import fold_kernels
from vidcolor.nets.fusing import fold_batch_norm, fuse_activations
from vidcolor.nets.guests import Squared
from vidcolor.nets.table import NETS
from vidcolor.settings import RENDER_SIZE, ModelSettings, Settings

_SUFFIX = ".safetensors"
_AMPERE = 8  # the first generation of NVIDIA GPUs, by compute capability, that has bfloat16


PACKAGED = {"lite": "lite.safetensors"}
"""Weights that lie beside this module, Apache-2.0; those of other nets are trained or fetched."""


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
        decoding: How its histograms become colors, the weight on `device`; None if it gives a* and
            b*.
        sha256: Of the weights file.
        threads: How many processor threads inference may use.
        batch_limit: What inference has learned of the device's memory.
        render_size: Short side of the picture that suits it.
        gmac: As of `LoadedNet`.
    """

    name: str
    net: nn.Module
    device: torch.device
    dtype: torch.dtype
    decoding: Decoding | None
    sha256: str
    threads: int = 1
    batch_limit: BatchLimit = field(default_factory=BatchLimit)
    render_size: int = RENDER_SIZE
    gmac: float = 0.0

    def __repr__(self) -> str:
        return f"Model({self.name!r}, {self.device}, {self.dtype})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedNet:
    """A net as it was read, before it is made ready on a device; it may go to other machines.

    Attributes:
        name: As of `Model`.
        net: Batch norms folded, evaluation mode, float32 on the CPU.
        decoding: As of `Model`, on the CPU.
        sha256: As of `Model`.
        render_size: As of `Model`.
        gmac: Multiplications that a square picture of that size takes, in thousands of millions;
            0 for the nets of ours, none of which takes long.
    """

    name: str
    net: nn.Module
    decoding: Decoding | None
    sha256: str
    render_size: int = RENDER_SIZE
    gmac: float = 0.0

    def place(self, device: torch.device) -> torch.device:
        """Where it runs if the user names a device: a transfer from a picture runs on the CPU."""
        return CPU if isinstance(self.net, Transfer) else device

    def on(self, device: torch.device) -> Model:
        """The model, on a device or its `place`; the checkpoint's own net becomes its."""
        is_net, place = not isinstance(self.net, Transfer), self.place(device)
        dtype = choose_dtype(place, is_guest=self.gmac > 0) if is_net else torch.float32
        decoding = self.decoding
        if decoding is not None:
            weight = decoding.rebalancing_weight.to(place)
            decoding = replace(decoding, rebalancing_weight=weight)
        return Model(
            name=self.name,
            net=place_net(self.net, place, dtype) if is_net else self.net,
            device=place,
            dtype=dtype,
            decoding=decoding,
            sha256=self.sha256,
            threads=torch.get_num_threads() if place.type == "cpu" else 1,
            render_size=self.render_size,
            gmac=self.gmac,
        )


def load_model(name_or_path: str | Path, device: str = "auto") -> Model:
    """A model by its name or from a file, on a device.

    Args:
        name_or_path: A name from `NETS`, a safetensors file of ours, a file that others released
            and that is known here by its hash, such a file's model and path, NAME=PATH, or two of
            these joined by +, whose colors are merged in equal shares.
        device: See `choose_device`.

    Raises:
        ModelError: The name is unknown, the file is missing, damaged or no model's, or the device
            is absent.
    """
    names = merged_names(str(name_or_path))
    merged = names and _read_merged(names, ModelSettings())
    return (merged or read_checkpoint(name_or_path)).on(choose_device(device))


def read_checkpoint(name_or_path: str | Path) -> LoadedNet:
    """A net by its name or from a file; see `load_model`.

    Raises:
        ModelError: The name is unknown, or the file is missing, damaged or no model's.
    """
    name, path = _find(name_or_path)
    weights = _read(path)
    if name in NETS and weights.name != name:
        raise ModelError(f"{path}: holds the weights of {weights.name}, not of {name}")
    net = build_net(weights, path).eval()
    fold_batch_norm(net)
    fold_kernels(net)
    net.requires_grad_(requires_grad=False)
    known: dict[str, Any] = {
        "name": name,
        "decoding": weights.decoding,
        "sha256": file_sha256(path),
    }
    guest = NETS[weights.name].guest
    if guest is None:
        return LoadedNet(net=net, **known)
    gmac = guest.gmac_at(guest.render_size)
    return LoadedNet(net=Squared(net, guest), render_size=guest.render_size, gmac=gmac, **known)


def place_net(net: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """A net with folded batch norms, made ready to answer on a device, in place."""
    placed: nn.Module = net.to(device, dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if device.type == "cpu":
        fuse_activations(placed)
    return placed


def find_model(settings: ModelSettings) -> Model:
    """What colors a film by its settings: a network, or a reference picture in its place.

    Raises:
        ModelError: See `load_model` and `read_reference`.
    """
    if settings.reference is not None:
        return find_net(settings).on(CPU)
    if settings.mirror or merged_names(settings.name) is not None:
        model = find_net(settings).on(choose_device(settings.device))
    else:
        model = load_model(settings.name, settings.device)
    if model.gmac and model.device.type == "cpu":
        size = settings.render_size or model.render_size
        warn_if_slow(model.name, size, model.gmac * (size / model.render_size) ** 2)
    return model


def find_net(settings: ModelSettings) -> LoadedNet:
    """The same on no device yet.

    Raises:
        ModelError: See `read_checkpoint` and `read_reference`.
    """
    if settings.reference is None:
        names = merged_names(settings.name)
        if names is not None:
            return _read_merged(names, settings)
        return _mirrored(read_checkpoint(settings.name), settings)
    lab, sha256 = read_reference(Path(settings.reference))
    net = Transfer(lab, settings.transfer, settings.swatches).eval()
    name = f"{settings.transfer}, {Path(settings.reference).name}"
    return LoadedNet(name=name, net=net, decoding=None, sha256=sha256)


def suited(settings: Settings, model: Model) -> Settings:
    """Settings that leave nothing open that the model decides."""
    if settings.model.render_size is not None:
        return settings
    return replace(settings, model=replace(settings.model, render_size=model.render_size))


def _read_merged(names: tuple[str, str], settings: ModelSettings) -> LoadedNet:
    """Two models as one."""
    both = [read_checkpoint(name) for name in names]
    sizes = [settings.render_size or one.render_size for one in both]
    shares = (1 - settings.merge, settings.merge)
    parts = [
        Part(net=one.net, decoding=one.decoding, render_size=size, share=share)
        for one, size, share in zip(both, sizes, shares, strict=True)
    ]
    digest = hashlib.sha256(f"{[one.sha256 for one in both]} {shares}".encode()).hexdigest()
    return LoadedNet(
        name=SIGN.join(one.name for one in both),
        net=Merged(parts),
        decoding=None,
        sha256=digest,
        render_size=max(sizes),
        gmac=sum(
            one.gmac * (size / one.render_size) ** 2 for one, size in zip(both, sizes, strict=True)
        ),
    )


def _mirrored(checkpoint: LoadedNet, settings: ModelSettings) -> LoadedNet:
    """The net, run on mirror images as well if the settings say so."""
    if not settings.mirror:
        return checkpoint
    if checkpoint.decoding is not None:
        raise ModelError(f"{checkpoint.name}: states its own confidence; leave out --mirror")
    return replace(checkpoint, net=Mirrored(checkpoint.net), gmac=2 * checkpoint.gmac)


def own_path(name: str) -> Path:
    """Where the weights of a net lie that was trained on this machine, for `--model` to find."""
    return platformdirs.user_data_path("vidcolor") / "models" / f"{name}{_SUFFIX}"


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; `auto` is CUDA if present, else MPS, else the CPU.

    Args:
        name: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

    Raises:
        ModelError: The name is no device, or this machine has no such device.
    """
    if name == "auto":
        return torch.device(_fastest_device())
    device = parse_device(name)
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise ModelError(f"{name}: this machine has {count} CUDA devices; use --device auto")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ModelError(f"{name}: this machine has no MPS device; use --device auto")
    return device


def parse_device(name: str) -> torch.device:
    """The device of that name, here or on another machine.

    Raises:
        ModelError: The name is no device.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")  # as unfit as any other kind
    if device.type not in {"cpu", "cuda", "mps"}:
        raise ModelError(f"{name}: not a device; use auto, cpu, cuda, cuda:N or mps")
    return device


def choose_dtype(device: torch.device, *, is_guest: bool = False) -> torch.dtype:
    """The fastest type that the nets keep their colors in, on that device.

    Args:
        device: Where they compute.
        is_guest: Whether it is a net of others: their authors' users run them in float16.
    """
    if is_guest:
        return torch.float32 if device.type == "cpu" else torch.float16
    if device.type == "mps":
        return torch.float16
    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        return torch.bfloat16 if major >= _AMPERE else torch.float16
    return torch.bfloat16 if has_bfloat16(device) else torch.float32


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device is faster in bfloat16 than in float32.

    Processors without it emulate it, many times slower. Intel's have it in their vector units too,
    but convolutions reach only half of float32's speed there: only those with AMX gain by it.
    """
    if device.type != "cpu" or torch.cpu._is_amx_tile_supported():  # noqa: SLF001  # no public name in torch 2.6
        return True
    return torch.cpu._is_avx512_bf16_supported() and not _is_intel()  # noqa: SLF001


def _is_intel() -> bool:
    tell = getattr(torch.cpu, "get_capabilities", None)  # newer torch than we ask for
    capabilities: Mapping[str, object] = {} if tell is None else tell()
    return str(capabilities.get("cpu_name", "")).startswith("Intel")


def _fastest_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _read(path: Path) -> Weights:
    is_released = path.suffix in released.SUFFIXES
    return released.read_released(path) if is_released else read_weights(path)


def merged_names(name: str) -> tuple[str, str] | None:
    """Two models' names, if a name is those of two; paths may have a plus sign in them, too."""
    if not is_file(Path(name)):
        for place, sign in enumerate(name):
            first, second = name[:place], name[place + 1 :]
            if sign == SIGN and may_be_model(first) and may_be_model(second):
                return first, second
    return None


def may_be_model(name: str) -> bool:
    """Whether a name is one of the table, with or without a path, or that of a file."""
    return name.partition("=")[0] in NETS or is_file(Path(name))


def _find(name_or_path: str | Path) -> tuple[str, Path]:
    """Name and file of what the user asked for."""
    name = str(name_or_path)
    if name in PACKAGED:
        return name, Path(__file__).with_name(PACKAGED[name])
    if name in NETS:
        return name, _find_unpackaged(name)
    label, sign, file = name.partition("=")
    if sign and label in NETS:
        return label, _usable(label, Path(file))
    if Path(name).suffix in released.SUFFIXES:
        label = released.name_released(Path(name))
        return label, _usable(label, Path(name))
    is_weights = Path(name).suffix == _SUFFIX
    if isinstance(name_or_path, Path) or is_weights or is_file(Path(name)):
        return name, Path(name)
    known = ", ".join(NETS)
    near = get_close_matches(name, list(NETS), 1)
    meant = f"did you mean {near[0]}? Known" if near else "known"
    raise ModelError(
        f"{name}: no such model; {meant} are {known}, or give a path to a {_SUFFIX} file"
    )


def _find_unpackaged(name: str) -> Path:
    path = own_path(name)
    if path.exists():
        return path
    if name in released.RELEASED:
        return _usable(name, released.find_released(name))
    raise ModelError(
        f"{name}: its weights are not included; train it with scripts/train.py --model {name} "
        f"and give their path, or put them at {path}"
    )


def _usable(name: str, path: Path) -> Path:
    """A file as it is read: guests' released files are converted at their first use."""
    if NETS[name].guest is None or path.suffix == _SUFFIX:
        return path
    target = released.convert_released(name, path, own_path(name))
    if path == cache_path(released.RELEASED[name].file):
        path.unlink()  # the converted one is as large
    return target
