import pytest
import torch

from vidcolor.training.muon import Muon, orthogonalize


@pytest.mark.parametrize("shape", [(24, 24), (16, 64), (64, 16)])
def test_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    """A hundredfold spread of them shrinks to less than twofold; the vectors stay."""
    generator = torch.Generator().manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(shape, generator=generator), full_matrices=False)
    spread = torch.logspace(0, -2, min(shape))
    made = orthogonalize(u @ torch.diag(spread) @ v)
    values = u.T @ made @ v.T
    assert 0.6 < float(values.diagonal().min()) <= float(values.diagonal().max()) < 1.3
    assert float((values - torch.diag(values.diagonal())).abs().max()) < 1e-3


def test_steps_are_of_adamws_size() -> None:
    """Whatever the gradient's size, weights move by about a fifth of the learning rate."""
    for scale in (1e-6, 1e3):
        kernel = torch.nn.Parameter(torch.zeros(32, 8, 3, 3))
        optimizer = Muon([{"params": [kernel], "lr": 0.1}])
        kernel.grad = scale * torch.randn(kernel.shape, generator=torch.Generator().manual_seed(0))
        optimizer.step()
        assert float(kernel.detach().square().mean().sqrt()) == pytest.approx(0.02, rel=0.2)


def test_weights_decay_apart_from_the_gradient() -> None:
    """With a gradient of nothing a step leaves only the decay."""
    kernel = torch.nn.Parameter(torch.ones(4, 4, 1, 1))
    optimizer = Muon([{"params": [kernel], "lr": 0.1, "weight_decay": 0.5}])
    kernel.grad = torch.zeros_like(kernel)
    optimizer.step()
    torch.testing.assert_close(kernel.detach(), torch.full((4, 4, 1, 1), 0.95))
