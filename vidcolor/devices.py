"""Arrays brought to where a model computes."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

CPU = torch.device("cpu")


def to_device(array: NDArray[Any], device: torch.device) -> torch.Tensor:
    """The array as a tensor on a device; on the CPU both share their memory.

    To an NVIDIA GPU it goes through page-locked memory, which the GPU reads by itself while the
    processor goes on (CUDA C++ Programming Guide, "Page-Locked Host Memory").
    """
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
