from contextlib import contextmanager
from functools import cache
from itertools import pairwise

import flint
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from sphfield.networks.activations import (
    ELU,
    GELU,
    Erf,
    Gaussian,
    Hermite,
    Mish,
    ReLU,
    Sigmoid,
    Sine,
    Softplus,
    Step,
    Tanh,
)
from sphfield.networks.initialisation import Initialisation, edge_of_chaos, unit_variance
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.kernel_series import DeepKernel, nngp_series, ntk_series
from sphfield.spectra.power_series import PowerSeries

EPS = 2.3e-16
HALF = float(np.sqrt(0.5))


def narrow(z):
    """The density of a standard normal: omega_1 of the paper."""
    return np.exp(-0.5 * np.square(z)) / np.sqrt(2.0 * np.pi)


# percent of Theta(1) in the first coefficients, gamma_w^2 = gamma_b^2 = 1/2, sigma_w = 1: Table 1 of the paper
TABLE = [
    (ReLU(), [52.277, 82.582, 93.192, 94.077, 95.403, 95.801]),
    (Tanh(), [53.889, 91.468, 93.725, 97.487, 98.155, 99.090]),
    (Sigmoid(), [93.600, 99.729, 99.822, 99.977, 99.986, 99.997]),
    (narrow, [95.834, 96.799, 98.729, 99.091, 99.634, 99.747]),
]


@pytest.mark.parametrize(("sigma", "percent"), TABLE)
def test_table_1_of_the_paper_is_met_to_all_its_digits(sigma, percent):
    theta = ntk_series(sigma, 1, 6, unit_variance(sigma, 1.0, HALF), convention="paper")
    assert (100 * np.cumsum(theta.coefficients) / theta.total).round(3).tolist() == percent


# E[sigma sigma'] and E[sigma' sigma''] for variances q and covariance k: series in balls, from closed forms of the
# functions themselves; neither Hermite coefficients nor sums over powers enter
def relu(q, k):
    c, pi = flint.arb(1) if k is q else k / q, flint.arb.pi()
    root, angle = (1 - c * c).sqrt(), c.asin()
    return q * (root + c * (angle + pi / 2)) / (2 * pi), (angle + pi / 2) / (2 * pi)


def gelu(q, k):
    # d/dk of the dual, known for q = 1 only
    assert q == 1
    pi = flint.arb.pi()
    half, root = (k / 2).asin(), (4 - k * k).sqrt()
    value = k / 4 + k * half / (2 * pi) + 1 / (2 * pi * root)
    return value, flint.arb(1) / 4 + (half + k / root + k / (root * root * root)) / (2 * pi)


def gaussian(a):
    def dual(q, k):
        v = (1 + a * q) * (1 + a * q) - a * a * (k * k)
        return 1 / v.sqrt(), a * a * k / (v * v.sqrt())

    return dual


def erf(q, k):
    c = 2 / (1 + 2 * q)
    return 2 / flint.arb.pi() * (c * k).asin(), 2 / flint.arb.pi() * c / (1 - c * c * k * k).sqrt()


def sine(q, k):
    shift = (-flint.arb(q)).exp()
    e, f = k.exp(), (-k).exp()
    return shift * (e - f) / 2, shift * (e + f) / 2


def expanded(dual, init, depth, n, convention="exact"):
    """Taylor coefficients of k and Theta in 1000 bits, from the recursion of functions."""
    with precision(1000, n):
        gw, gb, sw, sb = (flint.arb(float(x)) ** 2 for x in (init.gamma_w, init.gamma_b, init.sigma_w, init.sigma_b))
        theta = flint.arb_series([gb, gw], n)
        k = flint.arb_series([0, 1], n) if convention == "paper" else theta
        q = snapped(gw + gb)
        for _ in range(depth):
            value, slope = dual(q, k)
            peak, _ = dual(q, q)
            q = snapped(sw * peak + sb)
            k = sw * value + sb
            theta = k + theta * (sw * slope)
        return [[series[p] for p in range(n)] for series in (k, theta)]


def snapped(q):
    # what rounding of the parameters leaves of a unit variance would be an infinite slope of sqrt(1 - c^2)
    return flint.arb(1) if abs(float(q) - 1) < 1e-12 else q


@contextmanager
def precision(bits, cap):
    before = flint.ctx.prec, flint.ctx.cap
    flint.ctx.prec, flint.ctx.cap = bits, cap
    try:
        yield
    finally:
        flint.ctx.prec, flint.ctx.cap = before


def apart(series, exact):
    """Largest relative difference, which is to be within the stated error; balls around zero must be zeros."""
    logs = np.array([float(x.log()) if x > 0 else -np.inf for x in exact])[: series.size]
    assert not any(abs(float(x)) > 1e-200 for x in exact if not x > 0)
    known = np.isfinite(logs)
    np.testing.assert_array_equal(np.isfinite(series.logs), known)
    gap = np.abs(np.expm1(series.logs[known] - logs[known]))
    assert (gap <= series.error[known]).all()
    return gap.max()


biases = st.just(0.0) | st.floats(1e-3, 1)
CLOSED = [(ReLU(), relu), (GELU(), gelu), (Gaussian(2.0), gaussian(2)), (Erf(1.0), erf), (Sine(1.0), sine)]


@pytest.mark.parametrize(("sigma", "dual"), CLOSED, ids=lambda x: getattr(x, "__name__", repr(x)))
@pytest.mark.parametrize("depth", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("gamma_b", [0.0, 0.6])
def test_deep_coefficients_agree_with_taylor_expansion_in_balls(sigma, dual, depth, gamma_b):
    # with gamma_b biases in all layers; kinks allow few at depth 10
    init = unit_variance(sigma, (1.0 if gamma_b == 0.0 else 0.97) * unit_variance(sigma).sigma_w, gamma_b)
    n = 120
    k, theta = expanded(dual, init, depth, n)
    for series, exact in ((nngp_series(sigma, depth, n, init), k), (ntk_series(sigma, depth, n, init), theta)):
        assert series.size == n
        assert apart(series, exact) < 1e-12


@pytest.mark.parametrize(("sigma", "dual"), CLOSED, ids=lambda x: getattr(x, "__name__", repr(x)))
@pytest.mark.parametrize("depth", [1, 4])
def test_the_paper_s_convention_evaluates_the_first_layer_at_its_input(sigma, dual, depth):
    init = unit_variance(sigma, 0.8 * unit_variance(sigma).sigma_w, HALF)
    k, theta = expanded(dual, init, depth, 60, "paper")
    assert apart(nngp_series(sigma, depth, 60, init, convention="paper"), k) < 1e-12
    assert apart(ntk_series(sigma, depth, 60, init, convention="paper"), theta) < 1e-12


@pytest.mark.parametrize(
    ("sigma", "dual"), [(ReLU(), relu), (Gaussian(0.5), gaussian(0.5)), (Erf(1.0), erf), (Sine(1.0), sine)]
)
@given(st.floats(0.2, 2), biases, st.floats(0.3, 2), biases, st.integers(1, 3))
@settings(max_examples=6)
def test_any_variances_are_taken_layer_by_layer(sigma, dual, gamma_w, gamma_b, sigma_w, sigma_b, depth):
    init = Initialisation(gamma_w, gamma_b, sigma_w, sigma_b)
    _, theta = expanded(dual, init, depth, 30)
    series = ntk_series(sigma, depth, 30, init)
    with precision(200, 30):
        # variances enter to the power p, each with a few roundings of its own quadrature
        known = [(p, float(theta[p].log())) for p in range(series.size) if np.isfinite(series.logs[p])]
    assert all(abs(series.logs[p] - log) < 1e-12 * (1 + p) for p, log in known)


@cache
def tanh_layer(n):
    """mu_p^2 / E[tanh^2] of tanh to 40 digits: the trapezoid rule of integrands that are even and analytic."""
    with mp.workdps(45):
        t = [mp.mpf(j) / 20 + mp.mpf(1) / 40 for j in range(400)]
        weight = [mp.exp(-x * x / 2) / mp.sinh(mp.pi * x / 2) / 20 for x in t]
        squares = [mp.mpf(0)] * n
        for p in range(1, n, 2):
            squares[p] = mp.fsum(w * x**p for w, x in zip(weight, t, strict=True)) ** 2 / mp.factorial(p)
        z = [mp.mpf(j) / 20 for j in range(1, 320)]
        variance = mp.fsum(mp.tanh(x) ** 2 * mp.exp(-x * x / 2) for x in z) / (10 * mp.sqrt(2 * mp.pi))
        return [flint.arb(mp.nstr(b / variance, 40)) for b in squares]


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 10])
def test_tanh_agrees_with_its_hermite_integrals_in_40_digits(depth):
    n = 61
    layer = tanh_layer(n)
    with precision(300, n):
        outer = flint.arb_series(layer, n)
        k = theta = flint.arb_series([0, 1], n)
        for _ in range(depth):
            theta = theta * outer.derivative()(k)
            k = outer(k)
            theta = k + theta
        # odd: powers of k from n on do not enter; the derivative is known to one power less
        assert apart(ntk_series(Tanh(), depth, n - 1), [theta[p] for p in range(n - 1)]) < 1e-12


@pytest.mark.parametrize("sigma", [ReLU(), ELU(), Tanh(), Mish(), Softplus(), np.arctan, Hermite(3)], ids=str)
@pytest.mark.parametrize("depth", [0, 3])
@pytest.mark.parametrize("gamma_b", [0.0, 0.5])
def test_coefficients_and_rest_make_up_the_value_at_one(sigma, depth, gamma_b):
    init = unit_variance(sigma, 0.9 * unit_variance(sigma).sigma_w, gamma_b)
    theta = ntk_series(sigma, depth, 300, init)
    assert theta.coefficients.sum() <= theta.of.at_one * (1 + 1e-12)
    # Theta(1) and the coefficients are of different quadratures; the rest is at least what these may be wrong by
    assert theta.of.at_one <= theta.total * (1 + 1e-14)
    assert theta.total <= theta.of.at_one * (1 + 2e-14) + 2 * (theta.coefficients * theta.error).sum()
    slope = init.sigma_w**2 * Network(sigma, 1).slope * Network(sigma, 1).activation_variance
    assert theta.of.at_one == pytest.approx(sum(slope**s for s in range(depth + 1)), rel=1e-9)


@pytest.mark.parametrize("sigma", [ReLU(), Tanh(), GELU(), Sigmoid(), np.arctan, ELU()], ids=str)
@pytest.mark.parametrize("bias", [0.0, 0.2])
def test_the_series_is_the_kernel_within_its_bound(sigma, bias):
    network = Network(sigma, 3, bias)
    init = unit_variance(sigma, float(np.sqrt(network.gain)), float(np.sqrt(bias)))
    u = np.linspace(-0.999, 1, 41)
    for kernel, series in (
        (NTK(network), ntk_series(sigma, 3, 200, init)),
        (NNGP(network), nngp_series(sigma, 3, 200, init)),
    ):
        # duals by quadrature of polar integrals: see Network.relative_error
        slack = 1e-13 * kernel(1.0) + 10 * network.relative_error
        assert (np.abs(kernel(u) - series(u)) <= series.bound(u) + slack).all()
        coarse = series.truncated(6)
        assert (np.abs(kernel(u) - coarse(u)) <= coarse.bound(u) + slack).all()
        # tight where all that is left out has one sign
        assert coarse.bound(1.0) <= (1 + 1e-9) * abs(kernel(1.0) - coarse(1.0)) + 1e-9


@pytest.mark.parametrize("sigma", [Tanh(), GELU(), Sigmoid(), Gaussian(2.0), Erf(1.0)], ids=str)
@pytest.mark.parametrize("depth", [1, 3])
def test_smooth_series_have_the_spectrum_of_the_kernel(sigma, depth):
    ours = ntk_series(sigma, depth, 2000).spectrum(60)
    other = angular_spectrum(NTK(Network(sigma, depth)), 60)
    positive = other.cl > 0
    np.testing.assert_array_equal(ours.cl > 0, positive)
    np.testing.assert_allclose(ours.cl[positive], other.cl[positive], rtol=1e-10)
    assert (ours.error < 1e-10).all()
    assert ours.tail == pytest.approx(other.tail, rel=1e-6, abs=1e-15)


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("dim", [2, 5])
def test_a_relu_series_has_the_spectrum_of_the_kernel_to_what_it_leaves_out(depth, dim):
    ours = ntk_series(ReLU(), depth, 2000).spectrum(60, dim)
    other = angular_spectrum(NTK(Network(ReLU(), depth)), 60, dim=dim)
    known = np.isfinite(ours.error) & (other.cl > 0)
    assert known[:8].sum() >= 5
    gap = np.abs(ours.cl[known] / other.cl[known] - 1)
    # relative to the smaller of the two
    assert (gap <= ours.error[known] * np.minimum(1, ours.cl[known] / other.cl[known]) * 1.001 + 1e-12).all()
    assert ours.cl[known].sum() < other.cl[known].sum()


def test_the_recursion_of_the_paper_in_series_is_the_kernel_s_series():
    init = unit_variance(GELU(), 1.2, 0.3)
    start = PowerSeries.from_coefficients([init.gamma_b**2, init.gamma_w**2])
    layer = nngp_series(GELU(), 1, 400, Initialisation(1.0, 0.0, init.sigma_w, init.sigma_b))
    slope = layer.derivative(init.sigma_w**2 * Network(GELU(), 1).slope * Network(GELU(), 1).activation_variance)
    k = theta = start
    for _ in range(3):
        theta, k = theta.product(slope.compose(k)), layer.compose(k)
        theta = theta.plus(k)
    known = ntk_series(GELU(), 3, 150, init)
    assert theta.size >= 150
    np.testing.assert_allclose(theta.logs[:150], known.logs, rtol=0, atol=1e-11)
    assert theta.total == pytest.approx(known.total, rel=1e-11)


def test_biases_at_the_edge_of_chaos_keep_the_slope_at_one():
    for sigma in (Tanh(), GELU(), ReLU(), np.arctan):
        init = edge_of_chaos(sigma, 0.2)
        # Theta(1) grows by 1 a layer
        assert ntk_series(sigma, 4, 50, init).of.at_one == pytest.approx(5.0, rel=1e-9)


def test_thousands_of_coefficients_keep_their_accuracy():
    # far below the range of doubles; the ratio of successive ones tends to the radius of convergence like 1 + 1 / 2p
    theta = ntk_series(GELU(), 3, 4000)
    assert theta.size == 4000
    assert theta.logs[-1] < -1600
    ratios = np.diff(theta.logs[[2000, 2001, 3998, 3999]])[::2]
    p = np.array([2000.5, 3998.5])
    radius = ratios - 0.5 / p
    assert radius[0] == pytest.approx(radius[1], abs=5e-6)  # the next term is of order p^-2


def test_coefficients_that_hang_on_unknown_ones_are_left_out():
    # 690 Hermite coefficients of arctan are above the noise of quadrature; with a constant term fewer are right
    free = ntk_series(np.arctan, 3, 2000)
    biased = ntk_series(np.arctan, 3, 2000, unit_variance(np.arctan, 1.2, 0.5))
    assert biased.size < free.size < 1000
    kinked = ntk_series(ELU(), 3, 3000)
    assert 1000 < kinked.size < 2048
    longer, shorter = ntk_series(ReLU(), 3, 2000), ntk_series(ReLU(), 3, 500)
    np.testing.assert_allclose(longer.logs[:500], shorter.logs, rtol=0, atol=1e-12)


def test_an_opaque_activation_has_the_coefficients_of_its_closed_form_within_the_error():
    for opaque, closed in [(lambda z: np.maximum(z, 0.0), ReLU()), (np.tanh, Tanh()), (narrow, Gaussian(1.0))]:
        for init in (unit_variance(closed), unit_variance(closed, 0.9 * unit_variance(closed).sigma_w, 0.4)):
            ours = ntk_series(
                opaque,
                2,
                80,
                unit_variance(
                    opaque, unit_variance(opaque).sigma_w * init.sigma_w / unit_variance(closed).sigma_w, init.gamma_b
                ),
            )
            known = ntk_series(closed, 2, 80, init)
            n = min(ours.size, known.size)
            np.testing.assert_array_equal(np.isfinite(ours.logs[:n]), np.isfinite(known.logs[:n]))
            at = np.flatnonzero(np.isfinite(known.logs[:n]) & (ours.error[:n] < 0.5))
            assert at.size > 15
            # sigma_w of both to rounding, to the power p
            assert (np.abs(ours.logs[at] - known.logs[at]) <= 2 * ours.error[at] + 1e-13 * (1 + at)).all()


def test_what_has_no_series_is_refused():
    with pytest.raises(ValueError, match="more of a layer's coefficients than are known"):
        ntk_series(ELU(), 20, 10, unit_variance(ELU(), 0.6))
    with pytest.raises(ValueError, match="is infinite: the activation jumps"):
        ntk_series(Step(), 2, 10)
    with pytest.raises(ValueError, match="n = 0 must be 1 or more"):
        ntk_series(ReLU(), 2, 0)
    with pytest.raises(ValueError, match="the paper's convention takes 1"):
        ntk_series(ReLU(), 2, 10, Initialisation(gamma_b=1.0), convention="paper")
    with pytest.raises(ValueError, match="convention = 'mine'"):
        DeepKernel(ReLU(), 2, Initialisation(), convention="mine")
    assert nngp_series(Step(), 1, 4).coefficients[0] == pytest.approx(0.5)


def test_each_layer_more_adds_powers_and_takes_none():
    for before, after in pairwise(ntk_series(ReLU(), depth, 100) for depth in (1, 2, 3, 4)):
        assert (np.isfinite(after.logs) | ~np.isfinite(before.logs)).all()


@pytest.mark.parametrize("scale", [1.0, 4.0, 8.0])
def test_steep_activations_hold_their_stated_error(scale):
    # E[sigma^2], E[sigma'^2] and E[sigma Z] of tanh(scale z) by adaptive quadrature
    def mean(f):
        options = {"points": [1 / scale, 3 / scale], "epsabs": 1e-14, "limit": 400}
        return 2 * quad(lambda z: f(z) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi), 0, 12, **options)[0]

    variance, slope = (
        mean(f) for f in (lambda z: np.tanh(scale * z) ** 2, lambda z: (scale / np.cosh(scale * z) ** 2) ** 2)
    )
    init = Initialisation(scale, 0.0, 1.0, 0.0)
    theta, k = (series(Tanh(), 1, 4, init) for series in (ntk_series, nngp_series))
    assert abs(theta.total - variance - slope) <= theta.rest + 1e-12 * theta.total
    linear = mean(lambda z: np.tanh(scale * z) * z) ** 2
    assert abs(k.coefficients[1] / linear - 1.0) <= k.error[1] + 1e-13


def test_what_varies_too_fast_is_refused():
    with pytest.raises(ValueError, match="varies too fast at these variances: 2048 Hermite coefficients leave out"):
        ntk_series(Tanh(), 1, 4, Initialisation(20.0, 0.0, 1.0, 0.0))


def test_even_activations_stay_even_with_biases_above_the_first_layer():
    theta = ntk_series(Gaussian(1.0), 2, 50, unit_variance(Gaussian(1.0), 1.0))
    biased = ntk_series(Gaussian(1.0), 2, 50, Initialisation(1.0, 0.0, 1.0, 0.3))
    for series in (theta, biased):
        assert series.size == 50
        assert not series.coefficients[1::2].any() or series.parity is None
    assert biased.rest < 0.1 * biased.total
