import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import Tanh
from sphfield.provenance import describe
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.kernel_series import nngp_series
from sphfield.spectra.power_series import PowerSeries

EPS = 2.3e-16
polynomials = (
    st.lists(st.just(0.0) | st.floats(1e-3, 1), min_size=1, max_size=7)
    .filter(sum)
    .map(lambda b: PowerSeries.from_coefficients(np.array(b) / sum(b)))
)


def geometric(x, n):
    """(1 - x) / (1 - x u), cut after n terms."""
    return PowerSeries(np.log1p(-x) + np.arange(n) * np.log(x), max(x**n, 1e-300))


@given(polynomials, polynomials, st.floats(-1, 1))
def test_arithmetic_of_polynomials_is_pointwise(f, g, u):
    # cancellation at negative u is relative to the value at |u|, at most 1
    for ours, exact in ((f.product(g), f(u) * g(u)), (f.compose(g), f(g(u))), (f.plus(g), f(u) + g(u))):
        assert ours.rest == 0.0
        assert ours(u) == pytest.approx(exact, abs=1e-14)
    h = 1e-3
    if abs(u) < 0.9:
        # fourth-order differences: h^4 times the fifth derivative, below 720
        slope = (8 * (f(u + h) - f(u - h)) - (f(u + 2 * h) - f(u - 2 * h))) / (12 * h)
        assert f.derivative()(u) == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("x", [0.2, 0.7, 0.95])
def test_geometric_series_compose_as_fractions_do(x):
    # with s = x: (1-s)/(1-s (1-x)/(1-xu)) = (1-s)(1-xu) / (1 - s(1-x) - xu), geometric with ratio x / (1 - s(1-x))
    # from p = 1
    n = 300
    ours = geometric(x, 3000).compose(geometric(x, n))
    ratio = x / (1 - x * (1 - x))
    first = np.log((1 - x) / (1 - x * (1 - x)))
    p = np.arange(1.0, ours.size)
    exact = first + np.log(ratio - x) + (p - 1) * np.log(ratio)
    assert ours.size == n
    assert ours.logs[0] == pytest.approx(first, abs=ours.error[0])
    assert (np.abs(ours.logs[1:] - exact) <= ours.error[1:] + EPS * (np.abs(exact) + 4 * p)).all()
    assert ours.total == pytest.approx(1.0, abs=1e-13)


def test_a_composition_ends_where_the_outer_series_may_be_missed():
    inner = PowerSeries.from_coefficients([0.5, 0.5])
    short, long = (geometric(0.9, terms).compose(inner) for terms in (100, 1000))
    assert short.size < 100 < long.size
    np.testing.assert_allclose(short.logs, long.logs[: short.size], rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="3 terms of the outer series make no coefficient right"):
        geometric(0.9, 3).compose(inner)
    with pytest.raises(ValueError, match="the inner series is 2 at u = 1"):
        inner.compose(PowerSeries.from_coefficients([1.0, 1.0]))


def test_coefficients_far_below_the_range_of_doubles_keep_their_relative_accuracy():
    # 1 / (1 - x u)^2 = sum (p + 1) x^p u^p, its log at p = 5000 is -4600
    x, n = 0.4, 5000
    square = geometric(x, n).product(geometric(x, n))
    p = np.arange(n)
    exact = 2 * np.log1p(-x) + np.log(p + 1.0) + p * np.log(x)
    assert exact[-1] < -4500
    assert (np.abs(square.logs - exact) <= square.error + 4 * EPS * np.abs(exact)).all()


@pytest.mark.parametrize("n", [1, 5, 40])
def test_the_bound_holds_on_the_whole_interval_and_is_reached_at_one(n):
    u = np.linspace(-1, 1, 201)
    cut = geometric(0.8, n)
    missing = np.abs((1 - 0.8) / (1 - 0.8 * u) - cut(u))
    assert (missing <= cut.bound(u)).all()
    assert cut.bound(1.0) == pytest.approx(missing[-1], rel=1e-9)
    again = geometric(0.8, 200).truncated(n)
    assert again.rest == pytest.approx(cut.rest, rel=1e-12)
    with pytest.raises(ValueError, match="n = 201 must lie in 1 ... 200"):
        geometric(0.8, 200).truncated(201)


def test_the_derivative_needs_its_value_at_one():
    f = geometric(0.5, 60)
    assert f.derivative().rest == np.inf
    known = f.derivative(1.0)  # (1 - x) x / (1 - x)^2
    u = np.linspace(-1, 1, 21)
    assert (np.abs(0.25 / (1 - 0.5 * u) ** 2 - known(u)) <= known.bound(u)).all()
    with pytest.raises(ValueError, match="no spectrum is"):
        f.derivative().spectrum(3)


@pytest.mark.parametrize("dim", [2, 3, 6])
def test_the_spectrum_is_that_of_the_function(dim):
    ours = geometric(0.6, 400).spectrum(30, dim)
    other = angular_spectrum(lambda u: 0.4 / (1 - 0.6 * u), 30, dim=dim)
    good = other.error < 1e-6
    assert good[:10].all()
    assert (np.abs(ours.cl[good] / other.cl[good] - 1) <= (3 * other.error + ours.error)[good]).all()
    assert ours.error.max() < 1e-11
    assert ours.tail + ours.law.sum() == pytest.approx(1.0, abs=1e-11)
    assert ours.tail < 1e-11


def test_a_short_series_has_a_spectrum_with_the_error_of_what_it_leaves_out():
    ours, full = geometric(0.6, 8).spectrum(7), geometric(0.6, 400).spectrum(7)
    known = np.isfinite(ours.error)
    assert known[:3].all()
    assert (np.abs(full.cl - ours.cl)[known] <= ours.error[known] * ours.cl[known]).all()
    assert ours.error[0] < 0.1
    # and where that is next to nothing
    assert geometric(0.1, 12).spectrum(3).error.max() < 1e-9
    assert ours.variance == pytest.approx(1.0)


def test_parities_and_degrees_are_kept():
    odd = nngp_series(Tanh(), 1, 50)
    assert odd.parity == 1
    assert odd.product(odd).parity == 0
    assert odd.compose(odd).parity == 1
    assert odd.derivative().parity == 0
    assert odd.plus(odd.product(odd)).parity is None
    square = PowerSeries.from_coefficients([0.0, 0.0, 1.0])
    assert square.degrees == (2.0, -1.0)
    assert odd.compose(square).parity == 0
    s = odd.spectrum(20)
    assert (s.cl[::2] == 0).all()
    assert (s.error[::2] == 0).all()
    assert (square.spectrum(9).error[3:] == 0).all()
    assert square.spectrum(9).error.max() < 1e-13


def test_a_series_is_known_by_its_coefficients():
    f, g = geometric(0.5, 10), geometric(0.5, 10)
    assert f == g
    assert hash(f) == hash(g)
    assert f != geometric(0.6, 10)
    assert describe(f) == describe(g)
    with pytest.raises(ValueError, match="read-only"):
        f.logs[0] = 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.0]],), "one-dimensional"),
        (([np.nan],), "-inf where a coefficient is 0"),
        (([0.0], -1.0), "rest = -1.0 must be 0 or more"),
        (([0.0], 0.0, [1.0, 2.0]), "error has shape"),
        (([0.0, 0.0], 1.0, None, (-1, np.inf)), "are not those of coefficients"),
    ],
)
def test_what_is_no_kernel_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PowerSeries(*arguments)
    with pytest.raises(ValueError, match="b_1 = -0.5"):
        PowerSeries.from_coefficients([1.0, -0.5])


def test_evaluation_is_right_to_what_it_says():
    f = geometric(0.9, 2000)
    u = np.array([-1.0, -0.3, 0.99, 1.0])
    with mp.workdps(40):
        x = mp.mpf(0.9)
        exact = [float((1 - x) / (1 - x * mp.mpf(float(v)))) for v in u]
    assert (np.abs(f(u) - exact) <= f.bound(u)).all()
    assert f.bound(u).max() < 1e-11


def test_the_spectrum_of_a_series_is_that_of_its_own_method():
    series = PowerSeries.from_coefficients([0.2, 0.3, 0.5])
    np.testing.assert_array_equal(angular_spectrum(series, 4).cl, series.spectrum(4).cl)
    with pytest.raises(ValueError, match="variance 0"):
        PowerSeries.from_coefficients([0.0, 0.0]).spectrum(2)
