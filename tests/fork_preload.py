"""What the server of `forking` has at hand when it forks: the program, and its model loaded."""

import gc

import pytest
import torch
from lite_once import once

import vidcolor.film.colorize
import vidcolor.reels.batch
from vidcolor.models import zoo

__all__ = ["pytest", "vidcolor"]

# A process cannot be forked from one whose threads wait for work, so the weights take one alone.
_threads = torch.get_num_threads()
torch.set_num_threads(1)
zoo.load_model = once(zoo.load_model)
zoo.load_model("lite", "cpu")
torch.set_num_threads(_threads)
gc.collect()
gc.freeze()  # as the program does, and no page of what is here is copied to be looked at
