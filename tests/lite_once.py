"""Loads the model that ships once for all tests, and once for all processes that they fork."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch

from vidcolor.models import zoo


def once(load_model: Callable[..., zoo.Model]) -> Callable[..., zoo.Model]:
    """A `load_model` that reads the weights of the model that ships once."""
    lite = cache(load_model)

    def load(name: str | Path, device: str = "auto") -> zoo.Model:
        if name != "lite":
            return load_model(name, device)
        return replace(
            lite(name, device), threads=torch.get_num_threads(), batch_limit=zoo.BatchLimit()
        )

    return load
