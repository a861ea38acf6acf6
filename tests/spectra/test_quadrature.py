import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from sphfield.networks.activations import GELU, ReLU, Sine, Step
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.quadrature import by_quadrature, legendre_by_quadrature, means_by_quadrature
from sphfield.spectra.sphere import log_area, log_multiplicity

EPS = 2.3e-16


@given(st.integers(0, 40), st.integers(1, 400))
def test_legendre_polynomials_have_one_multipole(ell, lmax):
    cl, bound = legendre_by_quadrature(lambda u: special.eval_legendre(ell, u), lmax)
    expected = np.where(np.arange(lmax + 1) == ell, 4 * np.pi / (2 * ell + 1), 0.0)
    assert (np.abs(cl - expected) <= bound).all()


@pytest.mark.parametrize("beta", [0.5, 1.5, 2.5])
def test_a_singularity_at_the_pole_is_resolved(beta):
    # int (1-u)^beta P_ell du = 2^(beta+1) Gamma(beta+1) (-beta)_ell / Gamma(beta+ell+2), here with a minus
    lmax = 300
    cl, bound = legendre_by_quadrature(lambda u: -((1 - u) ** beta), lmax)
    ell = np.arange(lmax + 1)
    factors = np.concatenate([[1.0 / (beta + 1.0)], (ell[1:] - 1 - beta) / (beta + ell[1:] + 1.0)])
    exact = -2 * np.pi * 2 ** (beta + 1) * np.cumprod(factors)
    assert (np.abs(cl - exact) <= bound).all()
    assert bound.max() < 1e-13


def test_a_kink_between_the_poles_shows_in_the_bound():
    lmax = 200
    cl, bound = legendre_by_quadrature(lambda u: np.abs(u - 0.3), lmax)
    ell = np.arange(lmax + 1.0)
    p = np.array([special.eval_legendre(n, 0.3) for n in range(lmax + 3)])
    # (2n+1) P_n = (P_{n+1} - P_{n-1})' applied twice to the two halves of the integral
    upper = (p[2:] - p[:-2])[: lmax + 1] / (2 * ell + 3)
    lower = np.concatenate([[np.nan, np.nan], (p[2:] - p[:-2])[: lmax - 1] / (2 * ell[2:] - 1)])
    exact = 2 * np.pi * 2 * (upper - lower) / (2 * ell + 1)
    assert (np.abs(cl - exact)[2:] <= bound[2:]).all()
    assert bound.min() > 1e-9


@pytest.mark.parametrize(
    ("kernel", "error", "message"),
    [
        (lambda u: np.exp(1j * u), TypeError, "complex"),
        (lambda u: 1 / (u - 1), ValueError, "must be finite"),
        (lambda u: np.where(u < 0, np.nan, 1.0), ValueError, "kernel is nan at u = -"),
        (lambda u: 1.0, ValueError, "act on each element"),
    ],
)
def test_what_is_no_kernel_is_refused(kernel, error, message):
    with np.errstate(divide="ignore"), pytest.raises(error, match=message):
        legendre_by_quadrature(kernel, 10)


def test_the_bound_holds_to_ell_ten_thousand():
    # ReLU at depth 1: C_ell = 6 pi I^2, I_0 = 1/2, I_{ell+2} / I_ell = (1 - ell) / (ell + 4); sin: nothing beyond 100
    ell = np.arange(0, 10001, 2)
    exact = 6 * np.pi * (0.5 * np.cumprod(np.append(1.0, (1.0 - ell[:-1]) / (ell[:-1] + 4.0)))) ** 2
    cl, bound = legendre_by_quadrature(NNGP(Network(ReLU(), 1)), 10000)
    assert (np.abs(cl[ell] - exact) <= bound[ell]).all()
    assert (np.abs(cl[3::2]) <= bound[3::2]).all()
    cl, bound = legendre_by_quadrature(NNGP(Network(Sine(1.0), 1)), 10000)
    assert (np.abs(cl[100:]) <= bound[100:]).all()


@given(st.integers(0, 30), st.sampled_from([3, 4, 9, 50, 400]))
def test_gegenbauer_polynomials_have_one_multipole(ell, dim):
    def polynomial(u):
        below, here = np.zeros_like(u), np.ones_like(u)
        for k in range(ell):
            below, here = here, ((2 * k + dim - 1) * u * here - k * below) / (k + dim - 1)
        return here

    mean, bound = means_by_quadrature(polynomial, 60, dim)
    expected = np.where(np.arange(61) == ell, np.exp(-log_multiplicity(ell, dim)), 0.0)
    assert (np.abs(mean - expected) <= bound).all()


@pytest.mark.parametrize("dim", [3, 4, 7, 20, 50])
@pytest.mark.parametrize("sigma", [ReLU(), Step(), GELU()], ids=str)
def test_on_other_spheres_the_bound_holds_against_the_contour(sigma, dim):
    kernel = NNGP(Network(sigma, 2))
    exact = angular_spectrum(kernel, 1000, dim=dim, method="contour")
    mean, bound = means_by_quadrature(kernel, 1000, dim)
    known = np.exp(exact.log_cl - log_area(dim))
    assert (np.abs(mean - known) <= bound + known * exact.error).all()
    # and it is no idle promise: within a factor 1000 of rounding, the root of n_ell below 1
    assert (bound <= 1000 * EPS * (1 + 0.1 * exact.ell) * np.exp(-0.5 * log_multiplicity(exact.ell, dim)))[1:].all()


def test_a_kernel_that_is_a_covariance_on_the_sphere_need_not_be_one_on_a_larger_sphere():
    # P_2 alone is positive definite on S^2, but has a negative constant on S^3: u^2 has mean 1/4 there, not 1/3
    def second(u):
        return 1.5 * u**2 - 0.5

    assert by_quadrature(second, 4).error[2] < 1e-14
    with pytest.raises(ValueError, match=r"C_ell = -2.47 at ell = 0; a covariance on S\^3"):
        by_quadrature(second, 4, dim=3)
