"""`--doctor`: what this installation has, what it lacks, and how to get that."""

import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import av
import torch

from vidcolor.cli.output import say
from vidcolor.errors import ModelError
from vidcolor.extras import EXTRAS, how_to_install
from vidcolor.models.zoo import load_model
from vidcolor.settings import ModelSettings
from vidcolor.version import __version__

LIBRARIES = ("torch", "av", "numpy", "opencv-python", "scipy", "pillow", "safetensors")
ENCODERS = {
    "libx264": "H.264",
    "libx265": "HEVC",
    "libsvtav1": "AV1",
    "ffv1": "FFV1, for masters",
    "prores_ks": "ProRes, for editing",
    "h264_nvenc": "H.264 by an NVIDIA GPU",
}
OK, LACKING, ABSENT = "ok", "missing", "-"
DONE, FAILED = 0, 1


def print_doctor() -> int:
    """Print what there is, a line each; the exit code is 1 if the program cannot color a film."""
    lines = [
        f"vidcolor {__version__}, Python {platform.python_version()}, {platform.platform()}",
        *_library_lines(),
        *_device_lines(),
        *_encoder_lines(),
        *_extra_lines(),
    ]
    is_whole, weights = _weights_line()
    say(*lines, weights)
    return DONE if is_whole else FAILED


def _library_lines() -> Iterator[str]:
    for name in LIBRARIES:
        try:
            yield _line(OK, name, version(name))
        except PackageNotFoundError:
            yield _line(LACKING, name, f"install it: pip install {name}")
    ffmpeg = ".".join(map(str, av.library_versions["libavcodec"]))
    yield _line(OK, "FFmpeg", f"libavcodec {ffmpeg}, inside PyAV")
    tool = shutil.which("ffmpeg")
    yield _line(OK if tool else ABSENT, "ffmpeg program", tool or "not needed")


def _device_lines() -> Iterator[str]:
    yield _line(OK, "CPU", f"{torch.get_num_threads()} threads")
    count = torch.cuda.device_count()
    for number in range(count):
        yield _line(OK, f"cuda:{number}", torch.cuda.get_device_name(number))
    if not count:
        why = "no NVIDIA GPU found" if torch.version.cuda else "this PyTorch supports CPUs only"
        yield _line(ABSENT, "cuda", f"{why}; see https://pytorch.org/get-started for one with CUDA")
    if torch.backends.mps.is_available():
        yield _line(OK, "mps", "Apple GPU")


def _encoder_lines() -> Iterator[str]:
    for name, what in ENCODERS.items():
        try:
            av.codec.Codec(name, "w")
        except ValueError:
            yield _line(ABSENT, name, f"{what}: not in this FFmpeg")
        else:
            yield _line(OK, name, what)


def _extra_lines() -> Iterator[str]:
    for name, extra in EXTRAS.items():
        if find_spec(extra.module) is not None:
            yield _line(OK, f"extra {name}", extra.what)
        else:
            remedy = f"install it: {how_to_install(name)}"
            yield _line(ABSENT, f"extra {name}", f"{extra.what}; {remedy}")


def _weights_line() -> tuple[bool, str]:
    """Whether the weights of the default model are whole, and a line about them."""
    name = ModelSettings().name
    try:
        model = load_model(name, "cpu")
    except ModelError as error:
        return False, _line(LACKING, f"model {name}", str(error))
    return True, _line(OK, f"model {name}", f"weights {model.sha256[:12]}, checked")


def _line(state: str, name: str, text: str) -> str:
    return f"{state:8}{name:18}{text}"
