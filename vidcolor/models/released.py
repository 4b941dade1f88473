"""Weights that others released: a table of the files, and how they become weights of our nets.

A file's hash is checked before anything in it is believed. Those of eccv16 and the reports' bodies
stay as they are; those of guests are converted once to safetensors, which the program reads from
then on.

Of eccv16, https://github.com/richzhang/colorization (BSD 2-Clause), `colorizers/eccv16.py` tells
the names, the input, (L* - 50) / 100, and that colors are the plain mean of the softmax.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT, Decoding
from vidcolor.errors import ModelError
from vidcolor.models.downloads import (
    RemoteFile,
    cache_path,
    fetch,
    file_sha256,
    refuse_other_file,
)
from vidcolor.models.tensors import read_tensors, write_tensors
from vidcolor.models.weights import Weights, build_net
from vidcolor.nets.inputs import IMAGENET_DEVIATION, IMAGENET_MEAN

SUFFIXES = (".pth", ".pt", ".bin")
"""Of files of torch."""

_BIN_CENTERS_KEY = "model_out.weight"
_FIRST_KEY = "model1.0.weight"
_LAST_KEYS = ("model8.6.weight", "model8.6.bias")
_AB_SCALE = 110.0  # of the centers in the file
_COUNTER = "num_batches_tracked"  # older torch had none
_UNUSED = ("encoder.arch.head_cls.weight", "encoder.arch.head_cls.bias")
_CONSTANTS = {"mean": IMAGENET_MEAN, "std": IMAGENET_DEVIATION}  # of DDColor's input

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A file of weights that others released.

    Attributes:
        file: The file; its hash is empty if its publisher's is not known here.
        licence: Of the weights, as far as their publisher says.
        source: Its publisher's page.
        citation: What they ask to be named by.
        data: What it was trained on; such pictures have terms of their own.
        other_sha256: Of the same weights in other wrappings.
    """

    file: RemoteFile
    licence: str
    source: str
    citation: str
    data: str = "ImageNet"
    other_sha256: tuple[str, ...] = ()


def _ddcolor(name: str, sha256: str, size: int | None, *others: str, data: str = "") -> Released:
    repository = name.replace("-", "_")
    commit = _DDCOLOR_COMMITS.get(repository, "main")
    page = f"https://huggingface.co/piddnad/{repository}"
    url = f"{page}/resolve/{commit}/pytorch_model.bin"
    return Released(
        file=RemoteFile(f"{repository}.bin", (url,), sha256, size),
        licence="Apache-2.0",
        source=page,
        citation=_KANG,
        data=f"ImageNet{data}",
        other_sha256=others,
    )


def _deoldify(name: str, sha256: str, size: int, address: str = "") -> Released:
    file = f"{name}_gen.pth"
    copies = ("spensercai/DeOldify", "thookham/DeOldify")
    mirrors = [f"https://huggingface.co/{copy}/resolve/main/{file}" for copy in copies]
    first = address or f"https://data.deepai.org/deoldify/{file}"
    return Released(
        file=RemoteFile(file, (first, *mirrors), sha256, size),
        licence="MIT",
        source="https://github.com/jantic/DeOldify",
        citation="J. Antic, DeOldify, 2018-2019",
    )


def _zhang(file: str, sha256: str, citation: str) -> Released:
    url = f"https://colorizers.s3.us-east-2.amazonaws.com/{file}"
    return Released(
        file=RemoteFile(file, (url,), sha256),
        licence="BSD-2-Clause",
        source="https://github.com/richzhang/colorization",
        citation=citation,
    )


_KANG = "X. Kang et al., DDColor, ICCV 2023, arXiv:2212.11613"
_DDCOLOR_COMMITS = {
    "ddcolor_paper_tiny": "cf9fd99c1d7472689ec7413441c1b799a51866a3",
    "ddcolor_modelscope": "060f67494e31883a4b13cb27f889f3154847ada4",
    "ddcolor_artistic": "aa10f72fffc89a6658e37b48556050b4d9a26f63",
}

RELEASED = {
    "eccv16": _zhang(
        "colorization_release_v2-9b330a0b.pth",
        "9b330a0bae53f4ded77b1e23defbf78beaa09c10ebc4c4999e8e4f4a160b93f9",
        "R. Zhang, P. Isola, A. A. Efros, ECCV 2016, arXiv:1603.08511",
    ),
    "ddcolor-tiny": _ddcolor(
        "ddcolor-paper-tiny",
        "8a1277bc90a1bfbb6d2d83933a9a6bc821931879ca93e26e4fcec12165d41fce",
        220_372_845,
    ),
    "ddcolor": _ddcolor(
        "ddcolor-modelscope",
        "d81711971ec59200da26d5e8a1afae8dd3778d495ea8ad7a7dadc769f403f7e7",
        911_914_869,
        "17c460d7e55b32a598370621d77173be59e03c24b0823f06821db23a50c263ce",
    ),
    "ddcolor-artistic": _ddcolor(
        "ddcolor-artistic",
        "5a076e84efce59848394f572a105f7b78f7f6e917f615d1ee88537241b96dca3",
        911_914_869,
        "a591ee5beedad36de703d8977e92d0c30c1eedc6453fd1b300f3b460842a23a9",
        data=" and private pictures",
    ),
    "ddcolor-paper": _ddcolor("ddcolor-paper", "", None),
    "deoldify-video": _deoldify(
        "ColorizeVideo",
        "e3d98bb6a222354c79f95485c2f078a89dc724e9183662506d9e0f5aafac83ad",
        874_066_230,
    ),
    "deoldify-stable": _deoldify(
        "ColorizeStable",
        "ca9cd7f43fb8b222c9a70f7b292e305a000694b0ff9d2ae4a6747b1a2e1ee5af",
        874_066_230,
        "https://www.dropbox.com/s/axsd2g85uyixaho/ColorizeStable_gen.pth?dl=1",
    ),
    "deoldify-artistic": _deoldify(
        "ColorizeArtistic",
        "3f750246fa220529323b85a8905f9b49c0e5d427099185334d048fb5b5e22477",
        255_144_681,
    ),
    "siggraph17": _zhang(
        "siggraph17-df00044c.pth",
        "df00044c0a4d7c3edcecf6f75437ce346a66e7a42612d9b968e1a7e17dbc6f66",
        "R. Zhang et al., ACM TOG 36(4), 2017, arXiv:1705.02999",
    ),
}
"""By the names of the nets."""


def find_released(name: str) -> Path:
    """A released file, fetched if it is not in the user's cache folder.

    Raises:
        ModelError: It cannot be fetched, or the hash that it should have is not known.
    """
    one = RELEASED[name]
    if not cache_path(one.file).exists():
        size = f"{one.file.size / 1e6:.0f} MB" if one.file.size else "some 100 MB"
        _log.info("%s: fetching %s from %s", name, size, one.file.urls[0])
        _log.info("%s: licence %s, trained on %s; %s", name, one.licence, one.data, one.citation)
    path = fetch(one.file, f"{name}'s released weights", f"--model {name}=PATH or")
    if not one.file.sha256:
        raise ModelError(
            f"{path}: fetched, but its publisher's hash is not known here; its SHA-256 is "
            f"{file_sha256(path)}: compare it with the one at {one.source}, then give "
            f"--model {name}={path}"
        )
    return path


def name_released(path: Path) -> str:
    """Which of the released files a file is, by its hash.

    Raises:
        ModelError: None, or it is missing.
    """
    digest = file_sha256(path)
    for name, one in RELEASED.items():
        if digest in {one.file.sha256, *one.other_sha256}:
            return name
    raise ModelError(
        f"{path}: not a released file that is known here (its SHA-256 is {digest}); "
        "name the model that it should be: --model NAME=PATH"
    )


def read_released(path: Path, name: str = "eccv16") -> Weights:
    """What eccv16's released file holds, for our net.

    Bins are put in our order, and the input's scale goes into the first kernels.

    Raises:
        ModelError: It is missing, not the one that was released, or not of this net.
    """
    refuse_other_file(path, RELEASED[name].file.sha256)
    try:
        return Weights(
            name=name,
            net=_in_our_order(read_tensors(path)),
            shape={},
            bin_prior=None,
            decoding=Decoding(rebalancing_weight=torch.ones(BIN_COUNT), temperature=1.0),
            metadata=_metadata(name),
        )
    except (ModelError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: not the weights of {name}; fetch it again") from error


def convert_released(name: str, path: Path, target: Path) -> Path:
    """A guest's released file as safetensors, made at its first use; `target`.

    Args:
        name: Whose it is, of `RELEASED`.
        path: The file, its hash is checked.
        target: The safetensors file. If it was made of the same file it stays as it is.

    Raises:
        ModelError: It is missing, not the one released, does not fit the net, or the disk is full.
    """
    one = RELEASED[name]
    digest = file_sha256(path)
    if not one.file.sha256:
        _log.warning("%s: used as %s as requested; its SHA-256 %s is unknown", path, name, digest)
    elif digest not in one.other_sha256:
        refuse_other_file(path, one.file.sha256)
    metadata = _metadata(name) | {"shape": "{}", "source_sha256": digest}
    if _source_of(target) == digest:
        return target
    tensors = for_our_net(read_tensors(path))
    weights = Weights(
        name=name, net=tensors, shape={}, bin_prior=None, decoding=None, metadata=metadata
    )
    build_net(weights, path)  # a file of another variant is refused here
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(target, tensors, metadata)
    except OSError as error:
        raise ModelError(
            f"{name}: cannot be converted to {target} ({error.strerror}); make room"
        ) from error
    return target


def _source_of(path: Path) -> str | None:
    """SHA-256 of the file that a converted one was made of; None if it is not there."""
    try:
        with safe_open(path, "pt") as file:
            return (file.metadata() or {}).get("source_sha256")
    except (OSError, SafetensorError):
        return None


def _metadata(name: str) -> dict[str, str]:
    one = RELEASED[name]
    return {"licence": one.licence, "net": name, "source": one.file.urls[0], "cite": one.citation}


def for_our_net(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Without counters and the encoder's classifier, with DDColor's constants if they lack."""
    kept = {
        key: value.float()
        for key, value in tensors.items()
        if not key.endswith(_COUNTER) and key not in _UNUSED
    }
    if any(key.startswith("encoder.arch.") for key in kept):
        for key, values in _CONSTANTS.items():
            kept.setdefault(key, torch.tensor(values).reshape(1, 3, 1, 1))
    return kept


def _in_our_order(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The net's tensors, the bins of the last in the order of `BIN_CENTERS`.

    Raises:
        ValueError: Its bins are not ours.
    """
    centers = (_AB_SCALE * state.pop(_BIN_CENTERS_KEY)[..., 0, 0]).T.round()  # (bins, 2)
    place = {tuple(center): index for index, center in enumerate(centers.tolist())}
    order = [place.get(tuple(center)) for center in BIN_CENTERS.tolist()]
    if None in order:
        raise ValueError("other bins")
    for key in _LAST_KEYS:
        state[key] = state[key][order]
    state[_FIRST_KEY] = state[_FIRST_KEY] / 2  # `normalize_lightness` gives twice their input
    return {key: value.float() for key, value in state.items()}
