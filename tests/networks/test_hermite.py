import json
import math
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from sphfield.networks.activations import Erf, Sigmoid, Sine, Tanh
from sphfield.networks.hermite import (
    HermiteDual,
    cosech_coefficients,
    dual_of,
    hermite_coefficients,
    log_cosech_coefficients,
    log_silu_coefficients,
    silu_coefficients,
)

# E[tanh^2], kappa'(1), |mu_1|, |mu_11|, |mu_31|, |mu_59|; the same of the sigmoid. 30-digit arithmetic, rounded.
DATA = json.loads((Path(__file__).parent / "hermite.json").read_text())


def exact_log_square(p, weight):
    # trapezoid rule on the whole line, where the integrand is even and entire but for poles on the imaginary axis
    with mp.workdps(40):
        h, log_norm = mp.mpf(1) / 32, mp.loggamma(p + 1) / 2
        middle = int(32 * math.sqrt(p))
        nodes = [(k + mp.mpf(1) / 2) * h for k in range(max(0, middle - 400), middle + 400)]
        return 2 * mp.log(h * mp.fsum(mp.exp(p * mp.log(t) - t * t / 2 - log_norm) * weight(t) for t in nodes))


def assert_logs_agree(ours, exact):
    # rounding of the logarithm, and as much of rate sqrt(p), its largest part
    assert abs(float(ours - exact)) < 2.3e-16 * (8.0 + 2.0 * abs(ours))


@pytest.mark.parametrize("p", [1, 7, 15, 17, 61, 143, 145, 401, 2499, 2501, 4999, 20001, 60001])
def test_coefficients_of_tanh_and_sigmoid_keep_their_relative_accuracy(p):
    for rate, exact_rate in ((np.pi / 2, mp.pi / 2), (np.pi, mp.pi)):
        exact = exact_log_square(p, lambda t, rate=exact_rate: 1 / mp.sinh(rate * t))
        assert_logs_agree(log_cosech_coefficients(p + 1, rate)[p], exact)
        if exact > -690:
            assert cosech_coefficients(p + 1, rate)[p] == pytest.approx(float(mp.exp(exact)), rel=3e-13)


@pytest.mark.parametrize("p", [2, 8, 14, 16, 62, 142, 144, 400, 2498, 2500, 4998, 20000, 60000])
def test_coefficients_of_silu_keep_their_relative_accuracy(p):
    exact = exact_log_square(p, lambda t: mp.pi * mp.cosh(mp.pi * t) / mp.sinh(mp.pi * t) ** 2)
    assert_logs_agree(log_silu_coefficients(p + 1)[p], exact)
    if exact > -690:
        assert silu_coefficients(p + 1)[p] == pytest.approx(float(mp.exp(exact)), rel=3e-13)


def test_no_coefficient_depends_on_how_many_are_asked_for():
    many = log_cosech_coefficients(9000, np.pi)
    for n in (1, 2, 100, 144, 145, 2500, 2502, 8999):
        np.testing.assert_allclose(log_cosech_coefficients(n, np.pi), many[:n], rtol=1e-15)


def test_coefficients_of_silu_are_those_of_silu():
    # the integral came from a Fourier transform; here from the definition, where quadrature still has digits
    mu = hermite_coefficients(lambda z: z / (1 + np.exp(-z)), 12)
    np.testing.assert_allclose(silu_coefficients(12)[2::2], mu[2::2] ** 2, rtol=1e-9)


@pytest.mark.parametrize(("name", "sigma"), [("tanh", Tanh()), ("sigmoid", Sigmoid())])
def test_series_duals_agree_with_arbitrary_precision(name, sigma):
    known = DATA[name]
    kernel = dual_of(sigma)
    assert kernel.dual(1.0) == pytest.approx(known["variance"], rel=2e-15)
    assert kernel.dual_slope(1.0) / kernel.dual(1.0) == pytest.approx(known["slope"], rel=4e-15)
    for p, mu in known["mu"].items():
        assert sigma.dual_coefficients(100)[int(p)] == pytest.approx(mu**2, rel=2e-13)


@pytest.mark.parametrize(
    ("opaque", "closed"), [(np.tanh, Tanh()), (np.sin, Sine(1.0)), (special.erf, Erf(1.0)), (special.expit, Sigmoid())]
)
def test_an_opaque_smooth_activation_gets_the_kernel_of_its_closed_form(opaque, closed):
    u = np.linspace(-1, 1, 41)
    one, other = dual_of(opaque), dual_of(closed)
    np.testing.assert_allclose(one.dual(u), other.dual(u), rtol=0, atol=2e-15)
    # the complement is relative; mu_p^2 carry an absolute error of 1e-15 mu_p
    np.testing.assert_allclose(one.dual_complement(1e-20), other.dual_complement(1e-20), rtol=2e-14)
    assert one.degrees == other.degrees
    assert one.error == 0.0


@given(st.floats(1e-300, 1.0), st.sampled_from([Tanh(), Sigmoid()]))
def test_the_complement_of_a_series_keeps_its_digits(t, sigma):
    kernel = HermiteDual(sigma)
    with mp.workdps(330):
        u = 1 - mp.mpf(t)
        exact = mp.fsum(mp.mpf(float(b)) * (1 - u**p) for p, b in enumerate(sigma.dual_coefficients(400)) if b > 0)
    # roundings of positive sums; the coefficients left out hold 1e-17 of the slope
    assert float(kernel.dual_complement(t)) == pytest.approx(float(exact), rel=3e-15)


def test_an_activation_too_fast_for_its_series_says_how_much_is_missing():
    # mu_p^2 of sin(a z) is Poisson in p with mean a^2 = 2025, and 2048 coefficients are summed
    fast = dual_of(lambda z: np.sin(45.0 * z))
    missing = 1.0 - fast.dual(1.0) / 0.5
    assert 0.2 < missing < 0.4
    assert fast.error == pytest.approx(missing, rel=1e-6)
    with pytest.raises(ValueError, match="varies too fast: 2048 Hermite coefficients hold"):
        dual_of(lambda z: np.sin(60.0 * z)).dual(1.0)


def test_hermite_coefficients_of_a_polynomial_end_with_its_degree():
    # He_3 = z^3 - 3z has mu_3 = sqrt(6) and nothing else
    mu = hermite_coefficients(lambda z: z**3 - 3 * z, 8)
    np.testing.assert_allclose(mu, [0, 0, 0, math.sqrt(6), 0, 0, 0, 0], atol=1e-14)


@pytest.mark.parametrize(
    ("sigma", "error", "message"),
    [
        (lambda z: np.where(z > 3, np.nan, z), ValueError, "is nan at z = 3"),
        (lambda z: z[:5], ValueError, r"turned 2048 numbers into shape \(5,\)"),
        (lambda z: np.exp(1j * z), TypeError, "complex"),
        (lambda z: np.exp(z**2 / 2), ValueError, "grows too fast"),
        (lambda z: 0 * z, ValueError, "0 everywhere"),
    ],
)
def test_a_bad_activation_is_refused_by_name_of_its_fault(sigma, error, message):
    with pytest.raises(error, match=message):
        hermite_coefficients(sigma, 4)


def test_coefficients_that_do_not_suffice_are_an_error_that_is_stated():
    class Steep:
        """tanh(40 z): its coefficients fall like exp(-pi sqrt(p) / 40)."""

        degrees = (-1, np.inf)
        kinks = ()

        def __call__(self, z):
            return np.tanh(40 * np.asarray(z))

        def dual_coefficients(self, n):
            return cosech_coefficients(n, np.pi / 80) / 1600

    assert HermiteDual(Steep()).error > 1e-8
    assert HermiteDual(Tanh()).error == 0.0
