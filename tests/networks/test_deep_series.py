import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.deep_series import composition, deep_series, left_out, multiplication

EPS = 2.3e-16


def logs(values):
    with np.errstate(divide="ignore"):
        return np.log(np.array(values, dtype=float))


shares = (
    st.lists(st.just(0.0) | st.floats(1e-3, 1), min_size=2, max_size=6).filter(sum).map(lambda b: np.array(b) / sum(b))
)


@given(shares, shares, st.floats(0, 0.9), st.booleans())
def test_the_recursion_is_that_of_functions(one, two, bias, paper):
    n = 2 + (one.size - 1) * (two.size - 1)
    start = np.array([bias, 1 - bias])
    first = np.array([0.0, 1.0]) if paper else start
    c, theta = deep_series([logs(one), logs(two)], logs(start), n, logs(first))
    u = 0.7
    value = np.polynomial.polynomial.polyval
    k, t = value(u, first), value(u, start)
    for layer in (one, two):
        t = t * value(k, np.polynomial.polynomial.polyder(layer))
        k = value(k, layer)
        t += k
    assert value(u, np.exp(c)) == pytest.approx(k, rel=1e-12)
    assert value(u, np.exp(theta)) == pytest.approx(t, rel=1e-12)


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_fractions_iterate_in_closed_form_far_below_the_range_of_doubles(depth):
    # u -> (1 - c) u / (1 - c u) iterates to the same with end = 1 - (1 - c)^L
    x, n = 0.05, 4000
    layer = np.concatenate([[-np.inf], np.log1p(-x) + np.arange(n) * np.log(x)])
    ours, _ = deep_series([layer] * depth, logs([0.0, 1.0]), n)
    end = 1 - (1 - x) ** depth
    p = np.arange(1.0, n)
    exact = np.log1p(-end) + (p - 1) * np.log(end)
    assert exact[-1] < -5000
    assert np.isfinite(ours[1:]).all()
    # 1 - x and end enter to the power p
    assert (np.abs(ours[1:] - exact) < EPS * (64 + 8 * depth * p + 4 * np.abs(exact))).all()


def test_a_long_outer_series_is_shifted_by_nearly_one():
    # the inner series is 1 - 1e-4 (1 - u): coefficients of (1 - x) / (1 - x c), x near 1, are geometric
    x, e, terms = 0.999, 1e-4, 100_000
    outer = np.log1p(-x) + np.arange(terms) * np.log(x)
    ours = composition(outer, logs([1 - e, e]), 50)
    ratio = x * e / (1 - x * (1 - e))
    exact = np.log((1 - x) / (1 - x * (1 - e))) + np.arange(50) * np.log(ratio)
    np.testing.assert_allclose(ours, exact, rtol=0, atol=2e-10)  # powers up to 1e5 of 1 - e, each rounded


def test_products_keep_small_coefficients():
    a = -0.7 * np.arange(2000.0)
    np.testing.assert_allclose(multiplication(a, a, 2000), a + np.log(np.arange(1.0, 2001)), rtol=0, atol=2e-12)


@pytest.mark.parametrize("c", [0.0, 0.3])
def test_what_is_left_out_is_bounded(c):
    # outer (1 - x) / (1 - x v) with 60 terms, inner c + (1 - c) u
    x, terms, n = 0.8, 60, 40
    inner = logs([c, 1 - c])
    full = composition(np.log1p(-x) + np.arange(5000) * np.log(x), inner, n)
    cut = composition(np.log1p(-x) + np.arange(terms) * np.log(x), inner, n)
    bound = left_out(terms, terms * np.log(x), lambda r: np.log(c + (1 - c) * r), n)
    missing = np.exp(full) - np.exp(cut)
    assert (missing <= np.exp(bound) + 1e-13 * np.exp(full)).all()
    if c:
        # within the square root of the number of terms that share it
        assert missing[-1] > 1e-3 * np.exp(bound[-1])
