"""Tensors out of files that others wrote with torch, without running what else is in them.

A torch file is a pickle, which may name any function of any library and have it called. Newer ones,
zip files, are left to torch's own reader of weights alone. That one refuses files of fastai, which
keep how the optimizer was made beside the weights, as a `functools.partial`. So older ones, which
all of these are, are read with a list of our own: what makes tensors is known, what belongs to an
optimizer is replaced by a thing that does nothing, and all else is refused. Nothing is imported.
"""

import json
import pickle
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, Self

import torch
from torch._utils import _rebuild_tensor_v2

from vidcolor.errors import ModelError
from vidcolor.files import open_new

ZIP, PICKLE = b"PK", b"\x80"
"""How files of torch begin: since 2020, and before."""

_WRAPPINGS = ("params_ema", "params", "model")
"""Under which some programs keep the weights: BasicSR the first two, fastai the last."""

_KNOWN: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor_v2,
}
_OF_OPTIMIZERS = ("torch.optim.", "fastai.")
_PARTIAL = ("functools", "partial")
_TYPES = {torch.float32: "F32", torch.float16: "F16", torch.int64: "I64"}


class _Inert:
    """Stands for a foreign object: accepts any arguments and state, and does nothing."""

    def __new__(cls, *_: object, **__: object) -> Self:
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        """Take any arguments."""

    def __setstate__(self, _: object) -> None:
        """Take any state."""


class _Unpickler(pickle.Unpickler):
    """Knows tensors, and nothing that could do anything."""

    def find_class(self, module: str, name: str, /) -> Any:
        """What a name in the file stands for.

        Torch looks up storages by itself, before it asks.

        Raises:
            UnpicklingError: It is neither known nor of an optimizer.
        """
        if (module, name) in _KNOWN:
            return _KNOWN[module, name]
        if (module, name) == _PARTIAL or f"{module}.".startswith(_OF_OPTIMIZERS):
            return _Inert
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def _load(file: BinaryIO, **options: Any) -> Any:
    return _Unpickler(file, **options).load()


_PICKLING = SimpleNamespace(Unpickler=_Unpickler, load=_load, __name__="pickle")
"""What torch takes in the place of Python's module of that name."""


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The weights in a torch file, by their names; on the CPU, of the types that they have there.

    Args:
        path: Zip or legacy format; the state dict itself, or in a `_WRAPPINGS`.

    Raises:
        ModelError: It is missing, damaged, no torch file, or names what is not known to be
            harmless. The message says why, in one line.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(2)
        content = _read_zip(path) if begin == ZIP else _read_legacy(path, begin)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # a damaged pickle may raise anything
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(f"{path}: not weights that can be read safely ({reason})") from error
    return _checked(path, content)


def _read_zip(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


def _read_legacy(path: Path, begin: bytes) -> Any:
    if begin[:1] != PICKLE:  # torch would try a tar file next
        raise pickle.UnpicklingError(f"it begins with {begin!r}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the old format, and of its storages
        # Torch asks the module that it is given only where it is not to restrict itself.
        return torch.load(path, map_location="cpu", weights_only=False, pickle_module=_PICKLING)


def _checked(path: Path, content: Any) -> dict[str, torch.Tensor]:
    """Tensors alone, out of what they are wrapped in."""
    if isinstance(content, Mapping):
        content = next((content[key] for key in _WRAPPINGS if key in content), content)
    if not isinstance(content, Mapping) or not content:
        raise ModelError(f"{path}: holds no weights")
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor):
            raise ModelError(f"{path}: holds {type(value).__name__} where weights should be")
    return dict(content)


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file, equal tensors in equal bytes, under a temporary name first.

    The library would hold all of it in memory twice, and write the metadata in any order.

    Args:
        path: The file; its folder must exist.
        tensors: float32, float16 or int64.
        metadata: What the file says of itself.

    Raises:
        OSError: It cannot be written; nothing is left of it.
    """
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    end = 0
    for key, tensor in sorted(tensors.items()):
        begin, end = end, end + tensor.numel() * tensor.element_size()
        facts = {"dtype": _TYPES[tensor.dtype], "shape": list(tensor.shape)}
        header[key] = facts | {"data_offsets": [begin, end]}
    temporary = path.with_name(f"{path.name}.part")
    try:
        with open_new(temporary) as file:
            for piece in _pieces(header, tensors):
                file.write(piece)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _pieces(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Iterator[bytes]:
    """The file's parts: the header's length in 8 bytes, the header, and the tensors in order."""
    text = json.dumps(header, separators=(",", ":")).encode()
    text = text.ljust(-(-len(text) // 8) * 8)
    yield len(text).to_bytes(8, "little")
    yield text
    for _, tensor in sorted(tensors.items()):
        yield tensor.contiguous().numpy().tobytes()
