import flint
import mpmath as mp
import numpy as np
import pytest
from flint import arb
from scipy import special

from sphfield.networks.activations import (
    GELU,
    Cosine,
    CosSin,
    Erf,
    Gaussian,
    Hermite,
    Identity,
    Sine,
)
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.quadrature import legendre_by_quadrature
from sphfield.spectra.saddle import through_saddles
from sphfield.spectra.series import by_series


@pytest.mark.parametrize("a", [0.5, 1.0, 1.5, 3.0])
@pytest.mark.parametrize("sigma", [CosSin, Cosine, Sine])
def test_exponential_kernels_have_modified_bessel_functions(sigma, a):
    # exp(a^2 (u - 1)): 4 pi exp(-a^2) i_ell(a^2); cos and sin keep one parity of it
    lmax = 120
    found = through_saddles(NNGP(Network(sigma(a), 1)), lmax)
    w = a * a
    norm = {CosSin: np.exp(w), Cosine: np.cosh(w), Sine: np.sinh(w)}[sigma]
    for ell in range(lmax + 1):
        if ell % 2 == {CosSin: ell % 2, Cosine: 0, Sine: 1}[sigma]:
            with mp.workdps(30):
                exact = 4 * mp.pi * mp.sqrt(mp.pi / (2 * w)) * mp.besseli(ell + mp.mpf(1) / 2, w) / norm
                assert abs(mp.expm1(mp.mpf(found.log_cl[ell]) - mp.log(exact))) < max(3 * found.error[ell], 3e-16)
    assert np.nanmax(found.error[np.isfinite(found.error)]) < 1e-11


@pytest.mark.parametrize("p", [1, 2, 3, 8])
def test_powers_of_u_have_gamma_functions(p):
    # int u^p P_ell du = sqrt(pi) p! / (2^p Gamma((p - ell)/2 + 1) Gamma((p + ell + 3)/2)), p - ell even
    found = through_saddles(NNGP(Network(Hermite(p), 1)), p)
    ell = np.arange(p % 2, p + 1, 2)
    exact = 2 * np.pi * np.sqrt(np.pi) * special.factorial(p) / 2**p
    exact = exact * special.rgamma((p - ell) / 2 + 1) * special.rgamma((p + ell + 3) / 2)
    assert (np.abs(np.exp(found.log_cl[ell]) / exact - 1) < np.maximum(3 * found.error[ell], 1e-14)).all()


def closed(a, depth, u):
    """The Gaussian network at any depth, by its closed form: the square of the kernel is a Moebius map of u^2."""
    q = a * a / (1 + 2 * a)
    if q.overlaps(arb(1)):
        return (1 - (1 - u * u) / (1 + depth * (1 - u * u))).sqrt()
    r = q**depth * (u * u - 1) / (u * u - 1 / q)
    return ((1 - r / q) / (1 - r)).sqrt()


@pytest.mark.parametrize(("a", "depth"), [(1.0, 40), (2.0, 200), (None, 200), (4.0, 30)])
def test_the_gaussian_network_follows_its_closed_form_in_every_regime(a, depth):
    # low-disorder (0.8^200 = 4e-20), sparse and high-disorder; 60 digits, Gauss-Legendre in theta
    found = through_saddles(NNGP(Network(Gaussian(a or 1 + np.sqrt(2.0)), depth)), 40)
    with flint.ctx.workprec(200):
        exactly = arb(a) if a else 1 + arb(2).sqrt()
        # nodes in theta in [0, pi/2], enough for the scale q^(-depth/2) of the high-disorder network
        nodes = [arb.legendre_p_root(1500, k, weight=True) for k in range(1500)]
        theta = [(1 + x) * arb.pi() / 4 for x, _ in nodes]
        u = [x.cos() for x in theta]
        k = [closed(exactly, depth, x) * y.sin() * w for x, y, (_, w) in zip(u, theta, nodes, strict=True)]
        for ell in (0, 2, 10, 40):
            exact = arb.pi() ** 2 * sum((v * x.legendre_p(ell) for v, x in zip(k, u, strict=True)), arb(0))
            # the critical slope 1 + sqrt(2) is rounded: q = 1 +- 4e-16 at 200 layers
            slack = 3 * found.error[ell] + (0 if a else 200 * 1e-15)
            assert abs(float((arb(found.log_cl[ell]) - exact.log()).expm1())) < slack


SMOOTH = [Gaussian(1.0), Gaussian(4.0), GELU(), Erf(1.0), Erf(3.0), Cosine(2.0), Sine(1.0), CosSin(1.5)]


@pytest.mark.parametrize("sigma", SMOOTH, ids=repr)
@pytest.mark.parametrize("depth", [1, 2, 6])
@pytest.mark.parametrize("bias", [0.0, 0.1])
def test_moments_are_the_derivatives_of_the_kernel(sigma, depth, bias):
    # with lambda = ell (ell + 1): E 1, E lambda = 2 k', E lambda (lambda - 2) = 8 k'', ... (lambda - 6) = 48 k'''
    network = Network(sigma, depth, bias)
    kernel = NNGP(network)
    lmax = int(120 * np.sqrt(kernel.slope_at_one) + 200)  # far beyond the band limit 4 sqrt(k')
    found = through_saddles(kernel, lmax)
    ell = np.arange(lmax + 1.0)
    law = np.where(kernel.vanishes(ell), 0.0, (2 * ell + 1) * np.exp(found.log_cl) / (4 * np.pi))
    lam = ell * (ell + 1)
    weights = [np.ones(lmax + 1), lam / 2, lam * (lam - 2) / 8, lam * (lam - 2) * (lam - 6) / 48]
    for weight, derivative in zip(weights, network.derivatives(3), strict=True):
        assert np.sum(weight * law) == pytest.approx(derivative, rel=1e-10)


@pytest.mark.parametrize(
    "kernel", [NTK(Network(GELU(), 3)), NTK(Network(Gaussian(1.0), 20)), NNGP(Network(Identity(), 3))], ids=repr
)
def test_other_smooth_kernels_agree_with_quadrature(kernel):
    known, bound = legendre_by_quadrature(kernel, 30)
    found = through_saddles(kernel, 30)
    seen = ~kernel.vanishes(np.arange(31))
    cl, error = np.exp(found.log_cl), np.where(seen, found.error, 0.0)
    slack = bound + (3 * error + kernel.rounding) * cl
    assert (np.abs(cl - known)[seen] < slack[seen]).all()


def test_a_spectrum_keeps_its_slope_below_the_range_of_doubles():
    # Gaussian a: (1 + a) / a = 2 at a = 1, so C_ell ~ (2 + sqrt(3))^-ell, 9e-575 at ell = 1000
    found = through_saddles(NNGP(Network(Gaussian(1.0), 1)), 10_000)
    assert found.log_cl[1000] == pytest.approx(np.log(9.0) - 575 * np.log(10.0), abs=0.06)
    slope = (found.log_cl[10_000] - found.log_cl[9998]) / 2
    # C_ell ~ rho^-ell ell^-1: the pole of order 1/2 and Q_ell bring a root each
    assert slope == pytest.approx(-np.log(2 + np.sqrt(3.0)) - 1 / 9999, abs=1e-7)


@pytest.mark.parametrize(
    "sigma", [Gaussian(1.0), Gaussian(4.0), GELU(), Erf(1.0), Cosine(1.0), Sine(1.0), CosSin(1.5)], ids=repr
)
@pytest.mark.parametrize("bias", [1e-9, 1e-3, 0.3, 0.9])
@pytest.mark.parametrize("depth", [1, 3])
def test_contour_and_power_series_agree_with_biases(sigma, bias, depth):
    kernel = NNGP(Network(sigma, depth, bias))
    contour, series = through_saddles(kernel, 120), by_series(kernel, 120)
    both = np.isfinite(contour.error) & np.isfinite(series.error) & (series.log_cl > -600.0)
    assert np.isfinite(contour.error[:20]).all()
    assert bias > 0.5 or both[:20].all()  # the series may give up on large biases, the contour not
    apart = np.abs(np.expm1(contour.log_cl - series.log_cl))[both]
    assert (apart <= 3 * (contour.error + series.error)[both]).all()
