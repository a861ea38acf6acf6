import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sphfield.ensembles.counts import accepted_counts, count_error, two_sided

WIDTHS = st.integers(1, 500).flatmap(lambda m: st.tuples(st.just(m), st.integers(1, m)))


def law(trials, p, simulations):
    if simulations is None:
        return stats.binom(trials, p)
    return stats.betabinom(trials, p * (simulations + 1), (1 - p) * (simulations + 1))


@given(st.integers(1, 300), WIDTHS, st.booleans())
def test_p_values_are_twice_the_smaller_tail(trials, ranks, known):
    m, k = ranks
    p, simulations = k / (m + 1), None if known else m
    count = np.arange(trials + 1)
    chance = law(trials, p, simulations).pmf(count)  # summed here, since scipy's sf is 1 - cdf
    twice = 2 * np.minimum(np.cumsum(chance), np.cumsum(chance[::-1])[::-1])
    # 1e-9: logarithms of a few thousand in the exponent of a beta function
    np.testing.assert_allclose(two_sided(count, trials, p, simulations), np.minimum(1.0, twice), rtol=1e-9, atol=1e-300)


@given(st.integers(1, 300), WIDTHS, st.floats(0.001, 0.999))
def test_a_p_value_is_below_any_level_at_most_that_often(trials, ranks, level):
    m, k = ranks
    count, p = np.arange(trials + 1), k / (m + 1)
    small = two_sided(count, trials, p, m) <= level
    assert law(trials, p, m).pmf(count[small]).sum() <= level * (1 + 1e-9)


@given(st.integers(1, 300), WIDTHS, st.booleans())
def test_the_error_is_the_standard_deviation_of_the_law(trials, ranks, known):
    m, k = ranks
    p, simulations = k / (m + 1), None if known else m
    assert count_error(trials, p, simulations) == pytest.approx(law(trials, p, simulations).std() / trials, rel=1e-9)


@given(st.integers(1, 300), WIDTHS)
def test_shared_simulations_widen_the_law_and_many_of_them_do_not(trials, ranks):
    m, k = ranks
    p = k / (m + 1)
    assert count_error(trials, p, m) >= count_error(trials, p)
    # the variances are in the ratio 1 + (trials - 1) / (simulations + 2)
    assert count_error(trials, p, 10**9) == pytest.approx(count_error(trials, p), rel=1e-6)


@pytest.mark.parametrize("simulations", [None, 99])
def test_counts_are_accepted_up_to_where_their_p_value_falls_to_alpha(simulations):
    low, high = accepted_counts(200, 0.68, simulations, 0.01)
    inner, outer = (
        two_sided([low, high], 200, 0.68, simulations),
        two_sided([low - 1, high + 1], 200, 0.68, simulations),
    )
    assert (inner > 0.01).all()
    assert (outer <= 0.01).all()


def test_few_trials_accept_every_count():
    assert accepted_counts(3, 0.5, None, 0.01) == (0, 3)


def test_components_may_have_trials_of_their_own():
    together = two_sided([[3, 4], [5, 6]], [[10, 20], [10, 30]], 0.4, 50)
    one_by_one = [
        [two_sided(3, 10, 0.4, 50), two_sided(4, 20, 0.4, 50)],
        [two_sided(5, 10, 0.4, 50), two_sided(6, 30, 0.4, 50)],
    ]
    np.testing.assert_array_equal(together, np.array(one_by_one))
