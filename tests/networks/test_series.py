import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from sphfield.networks.series import composed, composition_cost, iterated, product, tilt, tilted, untilted

EPS = 2.3e-16
polynomials = st.lists(st.floats(0, 2), min_size=1, max_size=6).map(np.array)


def horner(outer, inner, n):
    total = np.zeros(n)
    for c in outer[::-1]:
        total = np.convolve(total, inner)[:n]
        total[0] += c
    return total


def bell(n):
    # exp(exp(u) - 1) = sum of Bell numbers / p!
    row, numbers = [1], [1]
    for _ in range(n - 1):
        row = [row[-1], *np.cumsum(np.array([row[-1], *row], dtype=object))[1:]]
        numbers.append(row[0])
    return numbers


@given(polynomials, polynomials)
def test_composition_of_polynomials_is_pointwise_composition(outer, inner):
    n = (outer.size - 1) * (inner.size - 1) + 1
    x = 0.7
    exact = np.polynomial.polynomial.polyval(np.polynomial.polynomial.polyval(x, inner), outer)
    # positive terms: relative rounding of a few hundred operations
    assert np.polynomial.polynomial.polyval(x, composed(outer, inner, n)) == pytest.approx(exact, rel=1e-13, abs=1e-280)


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 300])
def test_a_product_is_the_convolution_at_every_size_of_the_blocks(n):
    rng = np.random.default_rng(n)
    a, b = rng.random((20, n)), rng.random(max(1, n - 5))
    exact = np.array([np.convolve(row, b)[:n] for row in a])
    # positive terms, n of them, summed in two orders
    np.testing.assert_allclose(product(a, b, n), np.pad(exact, [(0, 0), (0, n - exact.shape[1])]), rtol=EPS * n)
    np.testing.assert_array_equal(product(a[3], b, n), product(a[3:4], b, n)[0])


@pytest.mark.parametrize("outer_parity", [0, 1, None])
@pytest.mark.parametrize("inner_parity", [0, 1, None])
@pytest.mark.parametrize("constant", [0.0, 0.4])
def test_odd_and_even_series_take_their_short_cuts_to_the_same_coefficients(outer_parity, inner_parity, constant):
    p = np.arange(301)
    outer = np.where((p % 2 == outer_parity) | (outer_parity is None), np.exp(-np.sqrt(p)), 0.0)
    inner = np.where((p % 2 == inner_parity) | (inner_parity is None), np.exp(-2.0 * np.sqrt(p)), 0.0)
    inner[0] = constant
    # positive terms: 300 roundings for each of 300 powers at most, and in truth their root
    np.testing.assert_allclose(composed(outer, inner, 150), horner(outer, inner, 150), rtol=1e-13)


def test_tiny_coefficients_keep_their_relative_accuracy():
    # the 150th is 1e-109 of the largest
    p = np.arange(151)
    exponential = 1.0 / special.factorial(p)
    shifted = np.where(p == 0, 0.0, exponential)
    exact = np.array([float(b) for b in bell(151)]) / special.factorial(p)
    np.testing.assert_allclose(composed(exponential, shifted, 151), exact, rtol=1e-13)
    # with its constant term every power of the outer series reaches every coefficient: exp(exp(u)) = e sum ...
    np.testing.assert_allclose(composed(exponential, exponential, 100), np.e * exact[:100], rtol=1e-13)


def test_outer_series_composed_together_are_those_composed_one_by_one():
    p = np.arange(200.0)
    inner = np.exp(-np.sqrt(p))
    outers = np.stack([np.exp(-np.sqrt(p)), np.where(p % 2 == 0, 0.3**p, 0.0), 1.0 / (1.0 + p) ** 3])
    together = composed(outers, inner, 120)
    for outer, series in zip(outers, together, strict=True):
        np.testing.assert_allclose(series, composed(outer, inner, 120), rtol=1e-13)


@pytest.mark.parametrize("constant", [0.0, 0.2])
def test_iterating_is_composing_layer_by_layer(constant):
    p = np.arange(400)
    layer = np.where(p % 2 == 1, np.exp(-1.5 * np.sqrt(p)), 0.0)
    layer[0] = constant
    start = np.array([0.1, 0.9]) if constant else np.array([0.0, 1.0])
    series = start
    for depth in range(6):
        ours = iterated(layer, start, depth, 150)
        np.testing.assert_allclose(ours[: series.size], series, rtol=1e-12)  # as above, for each layer
        series = horner(layer, series, 150)


@pytest.mark.parametrize(("c", "depth"), [(0.3, 2), (0.02, 7), (0.5, 5)])
def test_the_tilt_carries_compositions_below_the_range_of_doubles(c, depth):
    # u -> (1 - c) u / (1 - c u) iterates to the same with 1 - (1 - c)^L in place of c
    n = 2000
    p = np.arange(1.0, n)
    logs = np.concatenate([[-np.inf], np.log1p(-c) + (p - 1.0) * np.log(c)])
    rate = tilt(logs)
    ours = untilted(iterated(tilted(logs, rate), np.array([0.0, 1.0]), depth, n), rate)
    end = 1.0 - (1.0 - c) ** depth
    exact = np.log1p(-end) + (p - 1.0) * np.log(end)
    known = np.isfinite(ours[1:])
    assert known[exact > -300.0].all()
    assert known[: int(600.0 / -np.log(c))].all()  # r^n stays below 2^860
    # 1 - c enters to the power p, so that its last digit counts p times; logs have their own rounding
    error = np.abs(ours[1:] - exact)[known]
    assert (error < EPS * (64.0 + 4.0 * depth * p[known] + np.abs(exact[known]))).all()


@pytest.mark.parametrize("depth", [3, 10, 20])
def test_a_steep_tilt_overflows_nowhere(depth):
    # sinh(u) / sinh(1), whose coefficients fall faster than any tilt while those of its iterates fall slowly
    p = np.arange(256.0)
    logs = np.where(p % 2 == 1, -special.gammaln(p + 1.0) - np.log(np.sinh(1.0)), -np.inf)
    rate = tilt(logs)
    ours = untilted(iterated(tilted(logs, rate), np.array([0.0, 1.0]), depth, 256), rate)
    plain = np.array([0.0, 1.0])
    for _ in range(depth):
        plain = horner(np.exp(logs), plain, 256)
    known = plain > 1e-250
    # gammaln is 1000 at the end; 1 / sinh(1) enters to the power p at every layer
    np.testing.assert_allclose(ours[known], np.log(plain[known]), rtol=0, atol=EPS * (2000.0 + 512.0 * depth))


def test_a_tilt_changes_no_number_but_by_powers_of_two_that_are_exact():
    logs = -3.0 * np.sqrt(np.arange(5000.0))
    rate = tilt(logs)
    assert rate > 0.0
    np.testing.assert_allclose(untilted(tilted(logs, rate), rate), logs, rtol=0, atol=2e-13)  # eps times 860
    assert tilted(logs, rate)[-1] == pytest.approx(1.0, abs=0.5)


def test_coefficients_that_hang_on_what_no_double_holds_are_left_out():
    # exp(u + e u^2), from 1/k! that ends at k = 170: p c_p = c_{p-1} + 2 e c_{p-2}
    e = 0.01
    exact = [mp.mpf(1), mp.mpf(1)]
    for p in range(2, 250):
        exact.append((exact[-1] + 2 * mp.mpf(e) * exact[-2]) / p)
    ours = composed(1.0 / special.factorial(np.arange(1500)), np.array([0.0, 1.0, e]), 250)
    known = ours > 0.0
    assert known[:140].all()
    assert not known[180:].any()
    np.testing.assert_allclose(ours[known], np.array(exact, dtype=float)[known], rtol=1e-13)


def test_the_stated_cost_counts_compositions():
    assert composition_cost(4096, 1, constant=False, parity=True) == 0.0
    two, five = (composition_cost(4096, depth, constant=False, parity=True) for depth in (2, 5))
    assert five == 3 * two  # (u -> kappa^2 -> kappa^4) and one more
    assert composition_cost(4096, 5, constant=True, parity=True) == pytest.approx(4 * 2**2.5 * two)
