import logging
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from vidcolor.color.bins import BIN_COUNT, Decoding
from vidcolor.errors import VidcolorError
from vidcolor.models.predict import predict_histograms
from vidcolor.models.zoo import BatchLimit, Model
from vidcolor.nets.fusing import fold_batch_norm
from vidcolor.nets.lite import LiteNet, LiteShape

SMALL = LiteShape(width=0.25, depth=0.3, decoder_widths=(8, 8, 8, 8))


def small_model(dtype: torch.dtype = torch.float32) -> Model:
    """A little net with random weights."""
    torch.manual_seed(0)
    net = LiteNet(SMALL).eval().requires_grad_(requires_grad=False)
    fold_batch_norm(net)
    return Model(
        name="small",
        net=net.to(dtype).to(memory_format=torch.channels_last),
        device=torch.device("cpu"),
        dtype=dtype,
        decoding=Decoding(rebalancing_weight=torch.ones(BIN_COUNT)),
        sha256="",
    )


def random_lightness(count: int, height: int = 64, width: int = 64) -> list[NDArray[np.float32]]:
    """Noise from black to white."""
    rng = np.random.default_rng(0)
    return [rng.uniform(0, 100, (height, width)).astype(np.float32) for _ in range(count)]


class ScarceMemory(nn.Module):
    """A net that runs out of memory on batches larger than it is told."""

    def __init__(self, net: LiteNet, largest: int, error: Exception) -> None:
        super().__init__()
        self.net, self.largest, self.error = net, largest, error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The net's logits, or the error."""
        if len(x) > self.largest:
            raise self.error
        return self.net(x)


def test_one_histogram_for_each_picture_in_order() -> None:
    """Each comes with the very picture it was made from, and its probabilities sum to 1."""
    pictures = random_lightness(5)
    histograms = list(predict_histograms(iter(pictures), small_model(), 2))
    assert len(histograms) == 5
    for picture, histogram in zip(pictures, histograms, strict=True):
        assert histogram.lightness is picture
        assert histogram.map.shape == (BIN_COUNT, 16, 16)
        assert histogram.map.dtype == torch.float16
        sums = histogram.map.float().sum(0)
        torch.testing.assert_close(sums, torch.ones(16, 16), atol=1e-3, rtol=0)


def test_workers_keep_the_order_and_the_bits() -> None:
    """Shared among three workers, the same histograms come in the same order as from one."""
    pictures, model = random_lightness(17), small_model()
    alone = predict_histograms(pictures, model, 6)
    shared = predict_histograms(pictures, replace(model, threads=3), 6)
    for one, other, picture in zip(alone, shared, pictures, strict=True):
        assert other.lightness is picture
        assert torch.equal(one.map, other.map)


def test_pictures_are_not_taken_far_ahead() -> None:
    """However long the film, little more than a batch is asked for before a histogram comes."""
    taken = 0

    def film() -> Iterator[NDArray[np.float32]]:
        nonlocal taken
        for picture in random_lightness(40):
            taken += 1
            yield picture

    histograms = predict_histograms(film(), replace(small_model(), threads=2), 4)
    next(histograms)
    assert taken <= 4 + 2 + 1
    histograms.close()


def test_torchs_threads_are_given_back() -> None:
    """After the last histogram, and after giving up early, torch has as many threads as before."""
    before = torch.get_num_threads()
    list(predict_histograms(random_lightness(3), small_model(), 2))
    assert torch.get_num_threads() == before
    histograms = predict_histograms(random_lightness(9), small_model(), 2)
    next(histograms)
    histograms.close()
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_neighbors_in_a_batch_do_not_matter(dtype: torch.dtype) -> None:
    """Bit for bit, a picture's histogram is the same alone, in any batch and at any place in it."""
    pictures, model = random_lightness(7), small_model(dtype)
    alone = [next(predict_histograms([picture], model, 4)) for picture in pictures]
    for size in (1, 3, 4, 7):
        batched = predict_histograms(pictures, model, size)
        for one, other in zip(alone, batched, strict=True):
            assert torch.equal(one.map, other.map)


def test_any_size_is_padded_and_cropped() -> None:
    """Sides that are no multiples of 32 work, as if the edge pixels went on outside."""
    picture = random_lightness(1, 60, 44)[0]
    padded = np.pad(picture, ((0, 4), (0, 20)), mode="edge")
    model = small_model()
    found = next(predict_histograms([picture], model, 1)).map
    expected = next(predict_histograms([padded], model, 1)).map
    assert found.shape == (BIN_COUNT, 15, 11)
    torch.testing.assert_close(found, expected[:, :15, :11], rtol=1e-6, atol=0)


def test_sizes_may_change_on_the_way() -> None:
    """A picture of another size starts a batch of its own."""
    pictures = [*random_lightness(2), *random_lightness(2, 32, 96)]
    shapes = [h.map.shape[1:] for h in predict_histograms(pictures, small_model(), 8)]
    assert shapes == [(16, 16), (16, 16), (8, 24), (8, 24)]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("could not create a primitive"),
    ],
)
def test_the_batch_is_halved_when_memory_runs_out(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """No picture is lost, each halving is said, and the next shot starts from what fitted."""
    model = small_model()
    scarce = replace(model, net=ScarceMemory(model.net, 2, error), batch_limit=BatchLimit())
    pictures = random_lightness(9)
    with caplog.at_level(logging.WARNING):
        histograms = list(predict_histograms(pictures, scarce, 8))
    assert [h.lightness is p for h, p in zip(histograms, pictures, strict=True)] == [True] * 9
    assert [record.args[-1] for record in caplog.records] == [4, 2]
    assert scarce.batch_limit.pictures == 2


def test_no_room_for_one_picture_is_one_clear_line() -> None:
    """The error says how large the picture was and what to do."""
    model = small_model()
    error = torch.OutOfMemoryError("CUDA out of memory.")
    scarce = replace(model, net=ScarceMemory(model.net, 0, error), batch_limit=BatchLimit())
    with pytest.raises(VidcolorError, match="one picture of 64 x 64; lower --render-size"):
        list(predict_histograms(random_lightness(1), scarce, 1))


def test_other_errors_are_not_taken_for_lack_of_memory() -> None:
    """A fault of the net itself comes through as it is."""
    model = small_model()
    broken = replace(model, net=ScarceMemory(model.net, 0, RuntimeError("shape mismatch")))
    with pytest.raises(RuntimeError, match="shape mismatch"):
        list(predict_histograms(random_lightness(1), broken, 1))
