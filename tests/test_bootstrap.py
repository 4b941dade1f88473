from math import nan

import numpy as np
import pytest

from vidcolor.evaluation.bootstrap import (
    Estimate,
    draw_sources,
    estimate_differences,
    estimate_figures,
    estimate_mean,
)


def test_sources_are_drawn_whole() -> None:
    """Pictures of one source are there equally often; a draw has as many sources as there are."""
    counts = draw_sources(["a", "b", "a", "c", "b"])
    np.testing.assert_array_equal(counts[:, 0], counts[:, 2])
    np.testing.assert_array_equal(counts[:, 1], counts[:, 4])
    assert set(counts[:, [0, 1, 3]].sum(1)) == {3}
    assert counts.mean(0) == pytest.approx(np.ones(5), abs=0.06)


def test_the_seed_decides() -> None:
    """The same seed draws the same, so that runs can be repeated and models paired."""
    sources = [str(n) for n in range(20)]
    np.testing.assert_array_equal(draw_sources(sources), draw_sources(sources))
    assert (draw_sources(sources) != draw_sources(sources, seed=1)).any()


def test_the_interval_is_that_of_the_normal_distribution() -> None:
    """Of the mean of many pictures, each its own source: 1.96 standard errors either way."""
    values = np.random.default_rng(0).normal(5, 2, 400)
    found = estimate_mean(list(values), draw_sources([str(n) for n in range(400)]))
    error = values.std() / 20
    assert found is not None
    assert found.mean == pytest.approx(values.mean())
    ends = [values.mean() - 1.96 * error, values.mean() + 1.96 * error]
    assert [found.low, found.high] == pytest.approx(ends, abs=0.25 * error)


def test_few_sources_make_it_wide() -> None:
    """Pictures that only repeat their source say no more than the source: as wide as with four."""
    values = [0.0, 1.0, 2.0, 3.0]
    once = estimate_mean(values, draw_sources(list("abcd")))
    many = estimate_mean(values * 25, draw_sources(list("abcd") * 25))
    assert once == pytest.approx(many)


def test_a_draw_of_pictures_weighs_all_alike() -> None:
    """By hand: the draws' means are 2, 8 and 4, and the mean of the pictures is 4."""
    counts = np.array([[2.0, 2, 0], [0, 0, 2], [1, 1, 1]])
    found = estimate_mean([1.0, 3.0, 8.0], counts)
    assert found == pytest.approx(Estimate(4, np.quantile([2, 8, 4], 0.025), 7.8))


def test_pictures_without_a_value_are_left_out() -> None:
    """A draw that has none of the others is, too; without any value there is no estimate."""
    counts = np.array([[2.0, 0], [0, 2], [1, 1]])
    assert estimate_mean([nan, 3.0], counts) == Estimate(3, 3, 3)
    assert estimate_mean([nan, nan], counts) is None


def test_differences_are_taken_picture_by_picture() -> None:
    """What is always one more is surely one more, however much pictures differ."""
    counts = draw_sources([str(n) for n in range(9)])
    ones = [{"error": float(n), "skin": n} if n % 2 else {"error": float(n)} for n in range(9)]
    others = [{name: value + 1 for name, value in row.items()} for row in ones]
    found = estimate_differences(ones, others, ["error", "skin", "none"], counts)
    assert found == {"error": pytest.approx((1, 1, 1)), "skin": pytest.approx((1, 1, 1))}
    assert estimate_figures(ones, ["skin"], counts)["skin"].mean == 4
