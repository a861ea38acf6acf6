"""Moments of the law: exact against derivatives, sums over spectra and closed forms; with depth against theory."""

import math
from dataclasses import dataclass
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from catalogue import FINITE, SMOOTH, label
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import (
    ELU,
    GELU,
    Cosine,
    CosSin,
    Erf,
    Gaussian,
    Hermite,
    Identity,
    ReLU,
    RePU,
    Sigmoid,
    SiLU,
    Sine,
    Softplus,
    Step,
    Tanh,
)
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.moments import (
    asymptotic_log_moments,
    energy_moments,
    factorial_moments,
    log_energy_moments,
    log_factorial_moments,
)
from sphfield.spectra.sphere import eigenvalue

KNOWN = [Tanh(), Sigmoid(), GELU(), SiLU(), Softplus(), Gaussian(2.0), Sine(1.0), Cosine(1.0), Erf(1.0), CosSin(0.8)]


@dataclass(frozen=True)
class Mixture:
    """sum_ell law_ell G_ell on S^dim: a user's own kernel, known by its derivatives at 1 alone."""

    law: tuple[float, ...]
    dim: int

    def __call__(self, u):
        raise NotImplementedError

    def log_derivatives(self, order):
        # C^a_n has the derivatives 2^r a (a+1) ... C^{a+r}_{n-r}, C^a_n(1) = binomial(n + 2a - 1, n); here 2a = d - 1
        totals = [
            sum(Fraction(p) * self._at_one(n, r) for n, p in enumerate(self.law) if n >= r) for r in range(order + 1)
        ]
        return tuple(math.log(x) if x else -math.inf for x in totals)

    def _at_one(self, n, r):
        d = self.dim
        rising = math.prod(d - 1 + 2 * j for j in range(r))
        return Fraction(rising * math.comb(n + r + d - 2, n - r), math.comb(n + d - 2, n))


laws = st.lists(st.integers(0, 100), min_size=2, max_size=9).filter(any)


@given(laws, st.sampled_from([2, 3, 7, 50, 10_000]))
def test_derivatives_at_one_are_moments_of_the_law(weights, dim):
    law = np.array(weights) / sum(weights)
    kernel = Mixture(tuple(law), dim)
    lam = [n * (n + dim - 1) for n in range(law.size)]
    for r, (factorial, energy) in enumerate(
        zip(factorial_moments(kernel, 6, dim=dim), energy_moments(kernel, 6, dim=dim), strict=True)
    ):
        products = [math.prod(x - lam[j] if j < law.size else 0 for j in range(r)) if n >= r else 0
                    for n, x in enumerate(lam)]  # fmt: skip
        # logarithms up to 120 carry 120 eps each
        assert factorial == pytest.approx(float(np.dot(law, np.array(products, dtype=float))), rel=2e-13)
        assert energy == pytest.approx(float(np.dot(law, np.array([float(x**r) for x in lam]))), rel=2e-13)


@pytest.mark.parametrize("dim", [2, 3, 7, 50])
@pytest.mark.parametrize("sigma", KNOWN, ids=label)
@pytest.mark.parametrize(("depth", "bias"), [(1, 0.0), (3, 0.0), (3, 0.2), (8, 0.0)])
def test_moments_are_sums_over_the_spectrum(sigma, depth, bias, dim):
    kernel = NNGP(Network(sigma, depth, bias))
    identities_hold(kernel, dim)


@pytest.mark.parametrize("dim", [2, 7])
@pytest.mark.parametrize("sigma", [Tanh(), GELU(), Gaussian(2.0), CosSin(0.8)], ids=label)
@pytest.mark.parametrize("convention", ["exact", "paper"])
@pytest.mark.parametrize(("depth", "bias"), [(0, 0.2), (1, 0.0), (4, 0.2)])
def test_moments_of_tangent_kernels_are_sums_over_their_spectra(sigma, convention, depth, bias, dim):
    kernel = NTK(Network(sigma, depth, bias), convention=convention)
    assert math.exp(kernel.log_derivatives(0)[0]) == pytest.approx(kernel.at_one, rel=1e-14)
    assert math.exp(kernel.log_derivatives(1)[1]) == pytest.approx(kernel.slope_at_one, rel=1e-14)
    identities_hold(kernel, dim)


def identities_hold(kernel, dim):
    # Markov at order 8: what lies beyond lmax changes no moment up to order 4 by more than 1e-13
    energies = energy_moments(kernel, 12, dim=dim)
    lmax = math.ceil(max((1e13 * energies[12] / max(energies[r], 1e-300)) ** (0.5 / (12 - r)) for r in range(5)))
    s = angular_spectrum(kernel, min(lmax, 600), dim=dim)
    lam, weight = eigenvalue(s.ell, dim), np.ones(s.lmax + 1)
    for r, moment in enumerate(factorial_moments(kernel, 4, dim=dim)):
        # required: 1e-10; C_ell and moments are known to some 1e-14
        assert np.dot(weight, s.law) == pytest.approx(moment, rel=1e-12, abs=1e-300)
        weight *= lam - eigenvalue(r, dim)


@pytest.mark.parametrize(
    ("network", "moments"),
    [
        (Network(ReLU(), 1), [1, 2, math.inf, math.inf]),
        (Network(ReLU(), 7), [1, 2, math.inf, math.inf]),
        (Network(ReLU(), 0), [1, 2, 0, 0]),
        (Network(RePU(2), 1), [1, 8 / 3, 32 / 3, math.inf]),  # k' = 4/3, k'' = 4/3 at 1
        (Network(Step(), 2), [1, math.inf, math.inf, math.inf]),
        (Network(Identity(), 9), [1, 2, 0, 0]),
        (Network(Identity(), 2, 0.5), [1, 0.25, 0, 0]),  # slope 1/2 at each of three layers
    ],
    ids=repr,
)
def test_moments_are_infinite_where_the_kernel_has_no_derivative(network, moments):
    np.testing.assert_allclose(factorial_moments(NNGP(network), 3), moments, rtol=1e-13)


def test_tangent_kernels_lose_one_derivative():
    assert energy_moments(NTK(Network(ReLU(), 3)), 2).tolist() == pytest.approx([1, math.inf, math.inf])
    finite = np.isfinite(energy_moments(NTK(Network(RePU(3), 3)), 4))
    assert finite.tolist() == [True, True, True, False, False]


def test_monomials_have_the_moments_of_monomials():
    # sigma = He_p: k = u^n, n = p^L; E prod = n (n - 1) ... times prod (d + 2 j)
    for p, depth, dim in ((2, 5, 2), (3, 4, 9), (2, 300, 2)):
        n = p**depth
        exact = [
            math.log(math.prod(n - j for j in range(r)) * math.prod(dim + 2 * j for j in range(r))) for r in range(7)
        ]
        np.testing.assert_allclose(
            log_factorial_moments(NNGP(Network(Hermite(p), depth)), 6, dim=dim), exact, rtol=1e-13, atol=1e-11
        )


@dataclass(frozen=True)
class Affine:
    """(1 - c) + c u, iterated: 1 - c^L (1 - u)."""

    c: float
    depth: int

    def __call__(self, u):
        return 1.0 - self.c**self.depth * (1.0 - np.asarray(u))

    def log_derivatives(self, order):
        return (0.0, self.depth * math.log(self.c), *([-math.inf] * order))[: order + 1]


@pytest.mark.parametrize("dim", [2, 3, 50])
def test_the_affine_kernel_is_a_coin(dim):
    # a share c^L at ell = 1, the rest at 0
    kernel = Affine(0.2, 6)
    s = angular_spectrum(kernel, 6, dim=dim)
    share = 0.2**6
    np.testing.assert_allclose(s.law[:2], [1 - share, share], rtol=1e-10)  # a kernel without complement: 1e-16 / share
    assert [s.effective_support(eta) for eta in (0.5 * share, 2 * share)] == [1, 0]
    assert s.moment(1) == pytest.approx(share, rel=1e-10)
    np.testing.assert_allclose(energy_moments(kernel, 4, dim=dim), [1, *(share * dim**r for r in range(1, 5))])


def gaussian_closed_form(a, depth, u):
    """The kernel of exp(-a z^2 / 2) at any depth: a Moebius map of u^2."""
    a, u = mp.mpf(a), mp.mpf(u)
    q = a**2 / (1 + 2 * a)
    if abs(q - 1) < mp.mpf(10) ** -14:  # a = 1 + sqrt(2) in double precision
        return mp.sqrt(1 - (1 - u * u) / (1 + depth * (1 - u * u)))
    r = q**depth * (u * u - 1) / (u * u - 1 / q)
    return mp.sqrt((1 - r / q) / (1 - r))


@pytest.mark.parametrize("depth", [1, 5, 40, 1000])
@pytest.mark.parametrize("a", [2.0, 1 + math.sqrt(2), 4.0])
def test_moments_of_gaussian_networks_have_a_closed_form_at_any_depth(a, depth):
    with mp.workdps(50 + int(2 * depth)):  # the derivatives of 1 - k are q^L
        taylor = mp.taylor(lambda u: gaussian_closed_form(a, depth, u), 1, 4)
        exact = [
            float(mp.log(c * mp.factorial(r) * mp.fprod(2 + 2 * j for j in range(r)))) for r, c in enumerate(taylor)
        ]
    found = log_factorial_moments(NNGP(Network(Gaussian(a), depth)), 4)
    # 1e-13 a layer; a = 1 + sqrt(2) in double precision is sparse to 1e-16 only
    np.testing.assert_allclose(found, exact, atol=1e-13 * depth + 1e-12)


@pytest.mark.parametrize("sigma", FINITE, ids=label)
def test_logarithms_agree_with_the_moments(sigma):
    kernel = NNGP(Network(sigma, 4, 0.1))
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(np.log(energy_moments(kernel, 2)), log_energy_moments(kernel, 2), rtol=1e-13)


def test_logarithms_reach_any_depth():
    depth = 10_000
    layer = Network(Tanh(), 1).derivatives(2)
    log_q = math.log(layer[1])
    found = log_factorial_moments(NNGP(Network(Tanh(), depth)), 2)
    # k'' = kappa'' q^(L-1) (q^L - 1) / (q - 1), where q^L is beyond 1e700
    second = math.log(8 * layer[2] / (layer[1] - 1)) + (2 * depth - 1) * log_q
    np.testing.assert_allclose(found, [0.0, math.log(2) + depth * log_q, second], rtol=1e-13)
    assert factorial_moments(NNGP(Network(Tanh(), depth)), 1)[1] == math.inf


@pytest.mark.parametrize("dim", [2, 50])
@pytest.mark.parametrize(
    ("sigma", "bias", "depth"),
    [
        (Sigmoid(), 0.0, 6),
        (Gaussian(2.0), 0.1, 30),
        (Cosine(1.0), 0.0, 60),
        (Hermite(2), 0.0, 20),
        (Tanh(), 0.05, 60),
        (GELU(), 0.0, 200),
        (ELU(), 0.0, 200),
        (RePU(3), 0.0, 20),
    ],
    ids=str,
)
def test_off_the_critical_line_moments_approach_their_asymptotes_geometrically(sigma, bias, depth, dim):
    order = 2 if isinstance(sigma, ELU) else 3 if isinstance(sigma, RePU) else 6
    deviations = []
    for layers in (depth, depth + 4):
        network = Network(sigma, layers, bias)
        exact = log_factorial_moments(NNGP(network), order, dim=dim)
        deviations.append(exact - asymptotic_log_moments(network, order, dim=dim))
    rate = min(network.slope, 1 / network.slope) ** 4
    first, second = deviations
    assert np.abs(first[:2]).max() < 1e-12  # the asymptote of k'(1) is exact
    assert np.abs(first[2:]).max() < 0.2
    # next order: another factor q^L, and 1e-13 a layer of rounding
    np.testing.assert_allclose(second[2:] / first[2:], rate, rtol=3 * np.abs(first).max() + 1e-4)


@pytest.mark.parametrize(
    ("sigma", "bias"),
    [(CosSin(1.0), 0.0), (Gaussian(1 + math.sqrt(2)), 0.0), (Tanh(), Network(Tanh(), 1).critical_bias)],
    ids=str,
)
def test_on_the_critical_line_moments_grow_like_powers_of_depth(sigma, bias):
    deviations = []
    for layers in (1000, 2000):
        network = Network(sigma, layers, bias)
        assert network.regime() == "sparse"
        exact = log_factorial_moments(NNGP(network), 6)
        deviations.append(exact - asymptotic_log_moments(network, 6))
    first, second = deviations
    assert np.abs(first[:3]).max() < 1e-9  # exact up to order 2
    assert np.abs(first).max() < 0.02
    # derivatives are polynomials in L, so the next term is 1 / L smaller, or 1 / L^2: kappa of a Gaussian is a Moebius
    # map of u^2, whose iterates are affine in L
    assert (np.abs(second[3:]) < 0.505 * np.abs(first[3:]) + 1e-10).all()


@pytest.mark.parametrize("sigma", SMOOTH, ids=label)
def test_one_layer_lies_below_its_asymptote_or_above_by_regime(sigma):
    # all terms that the asymptote leaves out are positive (low, T = lim q^-L) or negative (high, sparse)
    network = Network(sigma, 3)
    exact, limit = log_factorial_moments(NNGP(network), 3), asymptotic_log_moments(network, 3)
    if network.regime() == "linear":
        assert exact.tolist() == pytest.approx(limit.tolist())
    else:
        assert (exact <= limit + 1e-9).all()


def test_asymptotes_are_infinite_where_the_moments_are():
    assert asymptotic_log_moments(Network(Step(), 4), 2).tolist() == [0.0, math.inf, math.inf]
    assert asymptotic_log_moments(Network(ReLU(), 4), 3).tolist() == pytest.approx(
        [0.0, math.log(2.0), math.inf, math.inf]
    )
    assert asymptotic_log_moments(Network(ELU(), 4), 4)[2:].tolist()[1:] == [math.inf, math.inf]
    assert asymptotic_log_moments(Network(Identity(), 4), 3).tolist() == pytest.approx(
        [0.0, math.log(2.0), -math.inf, -math.inf]
    )
    assert asymptotic_log_moments(Network(ReLU(), 0), 0).tolist() == [0.0]


def test_what_has_no_moments_is_refused():
    with pytest.raises(ValueError, match=r"give it a method log_derivatives\(order\)"):
        factorial_moments(lambda u: u, 2)
    with pytest.raises(ValueError, match="order = -1 must be 0 or more"):
        log_energy_moments(NNGP(Network(Tanh(), 1)), -1)
    with pytest.raises(TypeError, match="order = 2.0 must be an integer"):
        asymptotic_log_moments(Network(Tanh(), 1), 2.0)
    with pytest.raises(ValueError, match="dim = 1"):
        energy_moments(NNGP(Network(Tanh(), 1)), 2, dim=1)
    with pytest.raises(ValueError, match="order = -1 must be 0 or more"):
        NTK(Network(Tanh(), 1)).log_derivatives(-1)
