"""A summary of batches is that of all values at once, however they were cut, in memory for one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sphfield.ensembles.summaries import summarise
from sphfield.typing import Array

LEVELS = (0.0, 0.16, 0.25, 0.5, 0.84, 1.0)


def cut(values: Array, size: int) -> Callable[[], Iterator[Array]]:
    return lambda: (values[i : i + size] for i in range(0, len(values), size))


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(2, 40), st.integers(1, 3)),
        elements=st.floats(-1e300, 1e300, allow_subnormal=True),
    ),
    st.integers(1, 50),
)
def test_quantiles_are_those_of_numpy_for_any_values_and_batches(values: Array, size: int) -> None:
    found = summarise(cut(values, size), LEVELS)
    expected = np.quantile(values, LEVELS, axis=0)
    # interpolation rounds three times, relative to the larger neighbour, and numpy in another order; below the
    # smallest normal number a digit is 5e-324
    scale = np.abs(values).max(axis=0)
    assert np.all(np.abs(found.quantiles - expected) <= 4e-16 * 2 * scale + 1e-322)


@given(st.integers(2, 30), st.integers(1, 40), st.sampled_from([0.0, 1.0, 1e8, -1e8]), st.integers(0, 1000))
def test_mean_and_scatter_do_not_depend_on_the_batches(count: int, size: int, offset: float, seed: int) -> None:
    values = offset + np.random.default_rng(seed).standard_normal((count, 2, 3))
    found = summarise(cut(values, size), ())
    # sums of 30 terms, each rounded relative to the offset: 30 * 1.1e-16 * 1e8 = 3e-7 in the mean, and as much in
    # deviations of order one from it
    tolerance = 30 * 1.2e-16 * max(1.0, abs(offset)) * 3
    np.testing.assert_allclose(found.mean, values.mean(axis=0), rtol=0, atol=tolerance)
    np.testing.assert_allclose(found.std, values.std(axis=0, ddof=1), rtol=1e-13, atol=tolerance)
    assert (found.count, found.quantiles.shape) == (count, (0, 2, 3))
    np.testing.assert_array_equal(found.error, found.std / np.sqrt(count))


def test_order_statistics_are_exact_over_the_whole_range_of_doubles() -> None:
    rng = np.random.default_rng(3)
    # 301 values: these levels are ranks, so there is nothing to interpolate
    values = rng.choice([-1.0, 1.0], (301, 4)) * 10.0 ** rng.uniform(-300, 300, (301, 4))
    levels = (0.0, 0.01, 0.5, 0.99, 1.0)
    found = summarise(cut(values, 32), levels)
    ranks = [0, 3, 150, 297, 300]
    np.testing.assert_array_equal(found.quantiles, np.sort(values, axis=0)[ranks])


def test_constants_and_scalars_have_quantiles() -> None:
    found = summarise(cut(np.full(7, 2.5), 3))
    assert (found.mean, found.std, found.quantiles.tolist()) == (2.5, 0.0, [2.5, 2.5, 2.5])
    assert repr(found) == "Summary(count=7, shape=(), levels=(0.16, 0.5, 0.84))"


def test_a_nan_spoils_its_own_component_only() -> None:
    values = np.arange(12.0).reshape(6, 2)
    values[4, 1] = np.nan
    found = summarise(cut(values, 4))
    for quantity in (found.mean, found.std, *found.quantiles):
        assert np.isfinite(quantity[0])
        assert np.isnan(quantity[1])


def test_infinities_are_largest_and_smallest() -> None:
    found = summarise(cut(np.array([-np.inf, 1.0, np.inf, 2.0, 3.0]), 2), (0.0, 0.5, 1.0))
    assert found.quantiles.tolist() == [-np.inf, 2.0, np.inf]


def test_eight_passes_after_the_first_two_are_enough() -> None:
    passes = []
    values = np.random.default_rng(0).standard_normal((500, 3)) * 10.0 ** np.arange(-300, 300, 200)

    def batches() -> Iterator[Array]:
        passes.append(1)
        return cut(values, 100)()

    summarise(batches)
    assert len(passes) <= 10


@pytest.mark.parametrize("count", [0, 1])
def test_one_value_has_no_error(count: int) -> None:
    with pytest.raises(ValueError, match=f"there are {count} values: a standard error needs two"):
        summarise(cut(np.zeros((count, 2)), 4))


def test_levels_are_probabilities() -> None:
    with pytest.raises(ValueError, match=r"quantiles = \[1.5\]: give probabilities"):
        summarise(cut(np.zeros(3), 3), (0.5, 1.5))
