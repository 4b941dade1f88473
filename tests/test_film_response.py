import pytest
import torch

from vidcolor.training.film_response import expose_film, expose_worn_ortho, mix_video_luma


def seeded(seed: int = 0) -> torch.Generator:
    """A generator in a known state."""
    return torch.Generator().manual_seed(seed)


def solid(red: float, green: float, blue: float, count: int = 1) -> torch.Tensor:
    """Pictures of one color, (count, 3, 16, 16)."""
    return torch.tensor([red, green, blue]).reshape(1, 3, 1, 1).expand(count, 3, 16, 16)


def test_film_is_a_picture_in_range() -> None:
    """One channel, all values finite and in [0, 1], odd sides included."""
    luma = expose_film(torch.rand(64, 3, 33, 31, generator=seeded()), seeded(1))
    assert luma.shape == (64, 1, 33, 31)
    assert luma.isfinite().all()
    assert 0 <= luma.min() <= luma.max() <= 1


def test_the_generator_decides_everything() -> None:
    """The same seed gives the same film bit for bit, another seed another one."""
    srgb = torch.rand(8, 3, 16, 16, generator=seeded())
    assert torch.equal(expose_film(srgb, seeded(1)), expose_film(srgb, seeded(1)))
    assert not torch.equal(expose_film(srgb, seeded(1)), expose_film(srgb, seeded(2)))


def test_a_share_is_plain_video() -> None:
    """Between a sixth and a half of many pictures equal the luma of color video."""
    srgb = torch.rand(200, 3, 8, 8, generator=seeded())
    plain = (expose_film(srgb, seeded(1)) == mix_video_luma(srgb)).flatten(1).all(1)
    assert 1 / 6 < plain.float().mean() < 1 / 2


def test_films_differ_in_what_they_see() -> None:
    """Red is darker than blue on some stocks and brighter on others."""
    red = expose_film(solid(0.8, 0.1, 0.1, 300), seeded(3)).mean((1, 2, 3))
    blue = expose_film(solid(0.1, 0.1, 0.8, 300), seeded(3)).mean((1, 2, 3))
    share = (red < blue).float().mean()
    assert 0.05 < share < 0.6


def test_orthochromatic_film_hardly_sees_red() -> None:
    """A red that video shows brighter than a blue comes out darker."""
    red, blue = solid(0.9, 0.1, 0.1), solid(0.1, 0.1, 0.9)
    assert mix_video_luma(red).mean() > mix_video_luma(blue).mean()
    assert expose_worn_ortho(red, seeded()).mean() < expose_worn_ortho(blue, seeded()).mean() - 0.2


def test_video_luma_of_a_neutral_is_itself() -> None:
    """The weights sum to 1."""
    assert mix_video_luma(solid(0.4, 0.4, 0.4)).mean().item() == pytest.approx(0.4)


def test_without_film_all_is_video_luma() -> None:
    """A film share of 0 leaves every picture as video's luma, a share of 1 leaves none."""
    srgb = torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    video = mix_video_luma(srgb)
    torch.testing.assert_close(expose_film(srgb, torch.Generator().manual_seed(0), 0.0), video)
    film = expose_film(srgb, torch.Generator().manual_seed(0), 1.0)
    assert ((film - video).abs().amax((1, 2, 3)) > 0).all()
