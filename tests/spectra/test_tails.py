"""Tails of the spectral law against spectra that are right to 1e-13 at any ell, and against closed forms."""

import math

import numpy as np
import pytest
from catalogue import KINKED, SMOOTH, label
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import ELU, SELU, Abs, Identity, LeakyReLU, ReLU, RePU, Sign, Softsign, Step, Tanh
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.tails import Tail, tail_of

CONTOUR = [ReLU(), LeakyReLU(0.3), LeakyReLU(-0.5), Abs(), RePU(2), RePU(3), ELU(), ELU(0.5), SELU()]


def deviations(network, ell, dim):
    """Of the law from its tail, in units of the larger of the tail's constants."""
    s = angular_spectrum(NNGP(network), int(max(ell)), dim=dim)
    tail = tail_of(network, dim=dim)
    largest = max(tail.even, tail.odd) * (np.array(ell) + 0.5 * (dim - 1)) ** -(2 * tail.cri + 1)
    return (s.law[ell] - tail.law(ell)) / largest


@pytest.mark.parametrize(
    ("sigma", "depth", "bias", "dim"),
    [
        *((sigma, depth, bias, 2) for sigma in CONTOUR for depth, bias in ((1, 0.0), (2, 0.0), (3, 0.2))),
        *((sigma, depth, 0.0, dim) for sigma in CONTOUR[:6] for depth, dim in ((5, 2), (3, 3), (2, 7))),
        (ELU(), 2, 0.0, 7),
    ],
    ids=str,
)
def test_the_law_tends_to_its_tail_like_ell_to_the_minus_two(sigma, depth, bias, dim):
    network = Network(sigma, depth, bias)
    near, far = deviations(network, [500, 501], dim), deviations(network, [2000, 2001], dim)
    assert np.abs(near).max() < 0.01
    # x^-2, up to x^-4; the law itself is known to 1e-11
    x = np.array([500, 501]) + 0.5 * (dim - 1)
    np.testing.assert_allclose(far, near * (x / (x + 1500)) ** 2, rtol=0.02, atol=1e-10)


@pytest.mark.parametrize(
    ("sigma", "depth", "bias", "rate"),
    [
        (Step(), 1, 0.0, 2.0),
        (Sign(), 1, 0.0, 2.0),
        (Sign(), 2, 0.0, 1.0),  # the square root of 1 - u in the correction of arccos
        (Sign(), 3, 0.0, 0.5),
        (Step(), 3, 0.2, 0.5),
        (Step(), 2, 0.0, 0.5),  # the antipode, where the exponent is 1/2
    ],
)
def test_steps_approach_their_tail_at_the_rate_that_depth_leaves(sigma, depth, bias, rate):
    network = Network(sigma, depth, bias)
    near, far = deviations(network, [501], 2), deviations(network, [8001], 2)
    assert near / far == pytest.approx(16.0**rate, rel=0.05)


@pytest.mark.parametrize("dim", [2, 3, 50])
@pytest.mark.parametrize("sigma", [Step(), Sign()], ids=label)
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_the_share_beyond_is_that_of_the_tail(sigma, depth, dim):
    # the alternating part cancels in the sum: what is left falls like ell^(-2^(2-L))
    s = angular_spectrum(NNGP(Network(sigma, depth)), 2000, dim=dim)
    beyond = tail_of(Network(sigma, depth), dim=dim).beyond(2000)
    assert beyond == pytest.approx(s.tail, rel=2.0 * (2000.0 / dim) ** -(2.0 ** (2 - depth)) + 1e-6)


def test_deep_relu_networks_have_the_tail_of_the_closed_form():
    # C_ell = 6 (L + (-1)^ell w_L) (ell + 1/2)^-5, w_L = prod kappa'(kappa_j(-1))
    w = [1.0, 0.5, 0.5 * (1 - math.acos(1 / math.pi) / math.pi)]
    for depth, antipode in enumerate(w, start=1):
        tail = tail_of(Network(ReLU(), depth))
        for ell in (1000, 1001):
            cl = tail.law(ell) * 4 * np.pi / (2 * ell + 1)
            assert cl == pytest.approx(6 * (depth + (-1) ** ell * antipode) * (ell + 0.5) ** -5, rel=1e-13, abs=1e-29)
    # the share beyond M is L / (pi M^3)
    assert tail.beyond(10_000) == pytest.approx(3 / (np.pi * 10_000**3), rel=1e-3)


@pytest.mark.parametrize("slope", [0.3, -0.4, 0.9])
@pytest.mark.parametrize("depth", [1, 6])
def test_leaky_slopes_scale_the_parity_mean_of_the_tail(slope, depth):
    leaky, relu = (tail_of(Network(sigma, depth)) for sigma in (LeakyReLU(slope), ReLU()))
    share = (1 - slope) ** 2 / (1 + slope**2)
    assert leaky.even + leaky.odd == pytest.approx(share * (relu.even + relu.odd), rel=1e-13)


@pytest.mark.parametrize(("sigma", "first"), [(Step(), math.sqrt(2) / math.pi), (Sign(), 2 * math.sqrt(2) / math.pi)])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_steps_compose_by_powers(sigma, first, depth):
    # 1 - k = A t^(2^-L), A_L = A_1 sqrt(A_{L-1})
    size, beta = 1.0, 0.5**depth
    for _ in range(depth):
        size = first * math.sqrt(size)
    tail = tail_of(Network(sigma, depth))
    unit = 2 ** (beta + 1) * math.gamma(beta + 1) / math.gamma(-beta)
    assert tail.cri == beta
    assert 0.5 * (tail.even + tail.odd) == pytest.approx(-unit * size, rel=1e-13)


def clipped(z):
    return np.clip(z, -1.0, 1.0)


def lopsided(z):
    return np.maximum(z - 0.5, 0.0) + 0.3 * np.maximum(-z - 0.5, 0.0)


def shrunk(z):
    return np.maximum(np.abs(z) - 0.5, 0.0)


def one_sided(z):
    return np.maximum(z - 0.7, 0.0)


def bent_again(z):
    return np.maximum(z, 0.0) + np.maximum(z - 1.0, 0.0) ** 2


@pytest.mark.parametrize("sigma", [clipped, lopsided, shrunk, one_sided, bent_again, Softsign()], ids=label)
@pytest.mark.parametrize(("depth", "bias"), [(1, 0.0), (2, 0.0), (3, 0.2)])
def test_kinks_anywhere_end_the_law(sigma, depth, bias):
    # quadrature leaves four digits of the law here, and the next term is some 1e-4 at ell = 150, 4e-3 of softsign,
    # which varies faster
    network = Network(sigma, depth, bias)
    s = angular_spectrum(NNGP(network), 151)
    ell = np.array([150, 151])
    law, tail = s.law[ell], tail_of(network)
    slack = np.where(s.law[ell] > 0, 3 * s.error[ell], 0.0) + (0.01 if sigma == Softsign() else 1e-3)
    assert (np.abs(law - tail.law(ell)) <= slack * tail.law(ell).max()).all()


def test_parities_end_exactly():
    odd, even = (tail_of(Network(sigma, 2)) for sigma in (clipped, shrunk))
    assert odd.even == 0.0
    assert even.odd == 0.0
    # the second derivative of ELU jumps, with the antisymmetric part of a step: even multipoles fall faster
    assert tail_of(Network(ELU(), 1)).even == 0.0
    assert tail_of(Network(ELU(), 2)).even > 0.0
    # biases keep the first layer's argument away from -1
    biased = tail_of(Network(clipped, 2, 0.1))
    assert biased.even == biased.odd > 0.0


@pytest.mark.parametrize("sigma", KINKED, ids=label)
@pytest.mark.parametrize("dim", [2, 10_000])
@pytest.mark.parametrize("bias", [0.0, 0.3])
def test_tails_are_positive_at_any_depth(sigma, dim, bias):
    for depth in (1, 2, 7, 60, 2000):
        network = Network(sigma, depth, bias)
        tail = tail_of(network, dim=dim)
        assert tail.cri == network.cri
        assert tail.even >= 0.0
        assert tail.odd >= 0.0
        if depth < 60:
            assert 0.0 < tail.even + tail.odd < math.inf


def test_smooth_and_linear_networks_have_no_tail():
    for network in (*(Network(sigma, 2) for sigma in SMOOTH), Network(ReLU(), 0), Network(Identity(), 3)):
        assert tail_of(network) is None


tails = st.builds(
    Tail,
    st.sampled_from([0.125, 0.5, 1.5, 2.5, 6.5]),
    st.floats(0, 5),
    st.floats(0, 5),
    st.sampled_from([2, 3, 50, 10_000]),
)


@given(tails, st.integers(0, 3000), st.integers(1, 500), st.floats(0, 12.9))
def test_sums_beyond_differ_by_what_lies_between(tail, lmax, more, r):
    ell = np.arange(lmax + 1.0, lmax + more + 1.0)
    lam = ell * (ell + tail.dim - 1.0)
    for beyond, weight in ((tail.moment_beyond, ell), (tail.energy_beyond, lam)):
        order = r if beyond == tail.moment_beyond else 0.5 * r
        if r >= 2.0 * tail.cri:
            assert beyond(order, lmax) == math.inf
            continue
        total, rest = beyond(order, lmax), beyond(order, lmax + more)
        assert total - rest == pytest.approx(np.sum(weight**order * tail.law(ell)), rel=1e-9, abs=1e-12 * total)
    assert tail.beyond(lmax) == tail.moment_beyond(0.0, lmax)


@pytest.mark.parametrize("dim", [2, 50])
def test_far_out_sums_are_integrals(dim):
    tail = Tail(1.5, 2.0, 1.0, dim)
    for r in (0.0, 1.0, 2.9):
        # int 3/2 x^(r - 4); Euler and Maclaurin's correction is of order 1 / lmax
        assert tail.moment_beyond(r, 1e7) == pytest.approx(1.5 * 1e7 ** (r - 3) / (3 - r), rel=1e-5 * dim)


def test_moments_that_diverge_are_infinite():
    tail = tail_of(Network(ReLU(), 3))
    assert tail.moment_beyond(2.999, 10) < math.inf
    assert tail.moment_beyond(3.0, 10) == tail.energy_beyond(1.5, 10) == math.inf
    with pytest.raises(ValueError, match="dim = 0"):
        tail_of(Network(Tanh(), 1), dim=0)
