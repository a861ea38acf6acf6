import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from catalogue import label
from exact import gauss_legendre
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import (
    ELU,
    CosSin,
    Gaussian,
    Hermite,
    LeakyReLU,
    ReLU,
    RePU,
    Sigmoid,
    Sine,
    Step,
    Tanh,
)
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.provenance import describe
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.moments import energy_moments
from sphfield.spectra.spectrum import Spectrum
from sphfield.spectra.sums import Known, weighted_mean

powers = st.lists(st.floats(1e-3, 10), min_size=1, max_size=20).map(np.array)


@given(powers, st.floats(0, 0.9))
def test_the_law_sums_to_one_minus_the_tail(cl, tail):
    assert Spectrum(cl, tail=tail).law.sum() == pytest.approx(1 - tail, rel=1e-13)


@given(powers, st.floats(1e-3, 0.999))
def test_the_effective_support_is_the_smallest_that_holds_the_share(cl, eta):
    s = Spectrum(cl)
    k = s.effective_support(eta)
    assert s.law[k + 1 :].sum() <= eta * (1 + 1e-12)
    assert k == 0 or s.law[k:].sum() > eta * (1 - 1e-12)
    assert s.effective_dimension(eta) == (k + 1) ** 2


def test_small_shares_beyond_are_not_lost_in_rounding():
    s = Spectrum([1.0, 1e-20, 1e-30])
    assert [s.effective_support(eta) for eta in (0.5, 1e-19, 1e-25, 1e-40)] == [0, 0, 1, 2]


def test_a_support_beyond_the_spectrum_names_an_lmax_that_is_enough():
    for network in (Network(Tanh(), 40), Network(Step(), 2)):
        short = angular_spectrum(NNGP(network), 60, method="quadrature")
        with pytest.raises(ValueError, match="compute the spectrum to lmax = ") as refusal:
            short.effective_support(0.01)
        enough = int(str(refusal.value).split()[-1])
        # for the step a power law is extrapolated: right to a factor, hence the second try
        longer = angular_spectrum(NNGP(network), min(2 * enough, 30000), method="quadrature")
        assert longer.tail < 0.01


def test_a_spectrum_is_identified_by_its_recipe_not_by_its_numbers():
    one, two = (angular_spectrum(NNGP(Network(ReLU(), 2)), 32) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert one != angular_spectrum(NNGP(Network(ReLU(), 3)), 32)
    assert one != angular_spectrum(NNGP(Network(ReLU(), 2)), 33)
    assert "cl" not in describe(one)
    assert describe(one)["kernel"]["network"]["depth"] == 2


def test_a_bare_array_is_identified_by_its_bytes():
    assert Spectrum([1.0, 2.0]) == Spectrum(np.array([1.0, 2.0]))
    assert Spectrum([1.0, 2.0]) != Spectrum([1.0, 2.5])


def test_the_arrays_of_a_spectrum_cannot_be_changed():
    s = Spectrum([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        s.cl[0] = 3.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0, -1e-12],), ValueError, "C_ell is -1e-12 at ell = 1"),
        (([1.0, np.nan],), ValueError, "C_ell is nan at ell = 1"),
        (([[1.0]],), ValueError, r"shape \(1, 1\)"),
        (([],), ValueError, r"shape \(0,\)"),
        (([1j],), TypeError, "complex"),
        (([1.0], [0.0, 0.0]), ValueError, r"error has shape \(2,\)"),
        (([1.0], None, 1.0), ValueError, "tail = 1.0"),
        (([1.0], [np.nan]), ValueError, "error is nan at ell = 0"),
        (([1.0], None, 0.0, -1.0), ValueError, "variance = -1.0"),
    ],
)
def test_what_is_no_power_spectrum_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Spectrum(*arguments)


def test_shares_must_be_shares():
    with pytest.raises(ValueError, match=r"eta = 1\.5"):
        Spectrum([1.0]).effective_support(1.5)
    with pytest.raises(ValueError, match="variance 0"):
        _ = Spectrum([0.0, 0.0]).law


def test_logarithms_keep_what_no_double_can_hold():
    logs = np.array([0.0, -800.0, -np.inf])
    s = Spectrum(np.exp(logs), log_cl=logs)
    assert s.cl.tolist() == [1.0, 0.0, 0.0]
    assert s.log_cl.tolist() == logs.tolist()
    assert s.truncated(1).log_cl.tolist() == [0.0, -800.0]
    assert not s.log_cl.flags.writeable


def test_logarithms_are_those_of_the_spectrum_if_none_are_given():
    assert Spectrum([1.0, 0.0, np.e]).log_cl.tolist() == [0.0, -np.inf, 1.0]


def test_logarithms_of_something_else_are_refused():
    with pytest.raises(ValueError, match=r"log_cl is 1.0 at ell = 1: give the logarithms of cl"):
        Spectrum([1.0, 1.0], log_cl=[0.0, 1.0])
    with pytest.raises(ValueError, match=r"log_cl has shape \(1,\)"):
        Spectrum([1.0, 1.0], log_cl=[0.0])


# theory: effective supports of shares 0.1, 0.05, 0.01, 0.001 at L = 1, 2, 3, 5, 10, 20, 40, 60, 80
DEPTHS = (1, 2, 3, 5, 10, 20, 40, 60, 80)
RELU = "2,2,2,6 2,2,4,8 2,2,4,9 2,2,5,11 1,2,5,14 0,0,5,16 0,0,3,18 0,0,0,17 0,0,0,15"
SUPPORTS = {
    ReLU(): RELU,
    LeakyReLU(0.01): RELU,
    Gaussian(2.0): "2,2,4,6 2,2,4,8 0,2,4,8 0,0,4,8 0,0,0,6 0,0,0,0 0,0,0,0 0,0,0,0 0,0,0,0",
    Tanh(): "1,1,3,5 1,3,3,5 1,3,5,7 3,3,5,9 5,7,9,15 11,15,25,37 59,79,127,197 309,411,653,1013 1589,2113,3361,5209",
    Sigmoid(): "1,1,1,1 0,0,1,1 0,0,0,1 0,0,0,0 0,0,0,0 0,0,0,0 0,0,0,0 0,0,0,0 0,0,0,0",
    CosSin(1.0): "2,2,3,4 2,3,4,5 2,3,4,6 2,3,5,8 1,3,6,10 0,2,7,12 0,0,7,15 0,0,7,17 0,0,6,19",
}


@pytest.mark.parametrize("sigma", SUPPORTS, ids=label)
def test_effective_supports_are_those_of_the_table(sigma):
    for depth, row in zip(DEPTHS, SUPPORTS[sigma].split(), strict=True):
        lmax = 6000 if sigma == Tanh() and depth >= 60 else 600
        s = angular_spectrum(NNGP(Network(sigma, depth)), lmax, method="quadrature")
        supports = [s.effective_support(eta) for eta in (0.1, 0.05, 0.01, 0.001)]
        assert supports == [int(k) for k in row.split(",")]
        assert [s.quantile(p) for p in (0.9, 0.95, 0.99, 0.999)] == supports


@given(powers, st.floats(1e-6, 0.999999))
def test_a_quantile_is_the_smallest_that_reaches_its_share(cl, p):
    s = Spectrum(cl)
    k = s.quantile(p)
    below = np.cumsum(s.law)
    assert below[k] >= p * (1 - 1e-12)
    assert k == 0 or below[k - 1] < p * (1 + 1e-12)


def test_quantiles_of_small_shares_are_not_lost_in_rounding():
    s = Spectrum([0.0, 1e-30, 1.0, 1e-20])
    assert [s.quantile(p) for p in (1e-40, 1e-29, 0.5, 1 - 1e-12)] == [1, 2, 2, 2]


def test_quantiles_beyond_the_spectrum_name_an_lmax_that_is_enough():
    short = angular_spectrum(NNGP(Network(Tanh(), 40)), 40, method="quadrature")
    with pytest.raises(ValueError, match=r"less than p = 0\.9: compute the spectrum to lmax = ") as refusal:
        short.quantile(0.9)
    enough = int(str(refusal.value).split()[-1])
    assert angular_spectrum(NNGP(Network(Tanh(), 40)), enough, method="quadrature").quantile(0.9) == 59
    for p in (0.0, 1.0, 1.5, np.nan):
        with pytest.raises(ValueError, match=f"p = {p} must lie strictly between 0 and 1"):
            short.quantile(p)


def monomial_law(n):
    """Shares of u^n on S^2, exactly: (2 ell + 1)/2 int u^n P_ell by a recursion of positive terms."""
    share = [Fraction(0)] * (n + 1)
    for ell in range(n % 2, n + 1, 2):
        m = Fraction(2 ** (ell + 1) * math.factorial(ell) ** 2, math.factorial(2 * ell + 1))
        for p in range(ell, n, 2):
            m *= Fraction((p + 1) * (p + 2), (p - ell + 2) * (p + ell + 3))
        share[ell] = Fraction(2 * ell + 1, 2) * m
    return share


@pytest.mark.parametrize(("p", "depth"), [(2, 1), (2, 6), (3, 4)])
def test_monomials_have_the_law_of_monomials(p, depth):
    n = p**depth
    exact = monomial_law(n)
    assert sum(exact) == 1
    s = angular_spectrum(NNGP(Network(Hermite(p), depth)), n)
    np.testing.assert_allclose(s.law, np.array(exact, dtype=float), rtol=1e-12)
    for r in (1, 2, 5):
        assert s.moment(r) == pytest.approx(float(sum(x * ell**r for ell, x in enumerate(exact))), rel=1e-12)
    for eta in (0.5, 0.1, 0.01):
        support = next(k for k in range(n + 1) if sum(exact[k + 1 :]) <= Fraction(eta))
        assert s.effective_support(eta) == support
        assert s.effective_dimension(eta) == (support + 1) ** 2


def test_high_powers_have_the_law_of_rayleigh():
    # X^2 / (2 n) tends to the exponential law: E[X^2r] -> r! (2 n)^r, P(X > sqrt(2 n x)) -> e^-x, up to 1 / sqrt(n)
    n = 2**10
    s = angular_spectrum(NNGP(Network(Hermite(2), 10)), n)
    for r in (0.5, 1.0, 2.0):
        assert s.moment(2 * r) == pytest.approx(math.gamma(r + 1) * (2 * n) ** r, rel=2 / math.sqrt(n))
    for eta in (0.5, 0.1, 0.01):
        assert s.effective_support(eta) == pytest.approx(math.sqrt(2 * n * math.log(1 / eta)), abs=2)


def gaussian_law(a, depth, lmax):
    """Shares of the closed form of a Gaussian network at any depth, by Gauss-Legendre in 30 digits."""
    with mp.workdps(30):
        a = mp.mpf(a)
        q = a**2 / (1 + 2 * a)
        critical = abs(q - 1) < mp.mpf(10) ** -14
        shares = [mp.mpf(0)] * (lmax + 1)
        for u, w in gauss_legendre(170, 30):
            v = 1 - u * u
            r = q**depth * v / (1 / q - 1 + v)
            k = mp.sqrt(1 - v / (1 + depth * v)) if critical else mp.sqrt((1 - r / q) / (1 - r))
            before, now = mp.mpf(0), mp.mpf(1)
            for ell in range(lmax + 1):
                shares[ell] += w * k * now * (ell + mp.mpf(1) / 2)
                before, now = now, ((2 * ell + 1) * u * now - ell * before) / (ell + 1)
        return shares


@pytest.mark.parametrize(("a", "depth"), [(2.0, 1), (2.0, 40), (1 + math.sqrt(2), 12), (4.0, 3)])
def test_gaussian_networks_have_the_law_of_the_closed_form(a, depth):
    exact = gaussian_law(a, depth, 160)
    s = angular_spectrum(NNGP(Network(Gaussian(a), depth)), 160)
    law = np.array([float(x) for x in exact])
    even = s.ell % 2 == 0
    assert (s.law[~even] == 0.0).all()
    seen = even & (law > 1e-14)  # the rule is right to some 1e-26
    np.testing.assert_allclose(s.law[seen], law[seen], rtol=1e-11)
    for r in (1, 2, 3.5):
        mean = float(sum(x * mp.mpf(ell) ** r for ell, x in enumerate(exact)))
        assert s.moment(r) == pytest.approx(mean, rel=1e-10)
    for eta in (0.1, 1e-3, 1e-5):
        support = next(k for k in range(160) if sum(exact[k + 1 :]) <= eta)
        assert s.effective_support(eta) == support


def sparse_mean(sigma, depth):
    """E[X] of a deep sparse network to leading order: int (1 - k(cos theta)) / theta^2 over the flat half line."""
    if isinstance(sigma, ReLU | LeakyReLU):
        # 1 - k = t / (1 + c L sqrt(t) / 2)^2, c = 2 sqrt(2) / 3 pi for ReLU
        slope = getattr(sigma, "slope", 0.0)
        return 1.5 * np.pi / depth * (1 + slope**2) / (1 - slope) ** 2
    # 1 - k = t / (1 + kappa'' L t / 2)
    return 0.5 * np.pi / math.sqrt(Network(sigma, 1).derivatives(2)[2] * depth)


@pytest.mark.parametrize("sigma", [ReLU(), LeakyReLU(0.3), CosSin(1.0), Gaussian(1 + math.sqrt(2))], ids=label)
def test_deep_sparse_networks_forget_their_mean_but_not_their_energy(sigma):
    kinked = isinstance(sigma, ReLU | LeakyReLU)
    means, apart = [], {}
    for depth in (1, 3, 10, 30, 100, 300, 1000):
        lmax = 8 * depth + 200 if kinked else int(40 * math.sqrt(depth)) + 60
        s = angular_spectrum(NNGP(Network(sigma, depth)), lmax, method="quadrature")
        mean, square = s.moment(1, rtol=1e-4), s.moment(2, rtol=1e-4)
        means.append(mean)
        apart[depth] = 1 - mean / sparse_mean(sigma, depth)
        # E[X^2] + (d - 1) E[X] = d of the law itself and, up to a tenth of it, of the tail beyond; what quadrature
        # leaves of the law decides
        whole = weighted_mean(Known(s.law, s.error, s.tail, s.kernel, 2), 1.0, 1.0, 1e-4)
        assert whole == pytest.approx(2.0, rel=1e-5 if kinked else 1e-7)
        assert mean + square == pytest.approx(2.0, rel=1e-13)
    assert (np.diff(means) < 0).all()
    assert means[-1] < 0.05
    assert 1.95 < square < 2.0
    # next order: 1 / L for a kink, 1 / sqrt(L) for a smooth kernel
    assert apart[1000] < 0.025
    assert apart[1000] / apart[300] == pytest.approx(0.3 if kinked else 0.3**0.5, rel=0.06)


@pytest.mark.parametrize("dim", [2, 7])
@pytest.mark.parametrize("sigma", [Tanh(), Sine(1.0), CosSin(1.0), Gaussian(2.0)], ids=label)
def test_energies_are_the_exact_ones(sigma, dim):
    kernel = NNGP(Network(sigma, 4))
    s = angular_spectrum(kernel, 250, dim=dim)
    area = 2 * np.pi ** ((dim + 1) / 2) / math.gamma((dim + 1) / 2)
    for order, exact in enumerate(energy_moments(kernel, 4, dim=dim)):
        assert s.energy(order) == pytest.approx(area * exact, rel=1e-10)
    # between whole orders it is log-convex
    assert s.energy(1.5) ** 2 < s.energy(1) * s.energy(2)


def test_energies_scale_with_the_variance():
    law = Spectrum([1.0, 2.0, 0.5])
    assert Spectrum([3.0, 6.0, 1.5]).energy(1.3) == pytest.approx(3 * law.energy(1.3), rel=1e-14)
    assert law.energy(0) == pytest.approx(4 * np.pi * law.variance)
    # C_ell (2 ell + 1) lambda^s: 2 * 3 * 2 + 0.5 * 5 * 6
    assert law.energy(1) == pytest.approx(27.0, rel=1e-14)


@pytest.mark.parametrize(
    ("network", "cri"),
    [(Network(ReLU(), 5), 1.5), (Network(RePU(2), 2), 2.5), (Network(Step(), 3), 0.125), (Network(ELU(), 1), 2.5)],
    ids=str,
)
def test_moments_and_energies_end_at_the_regularity_index(network, cri):
    s = angular_spectrum(NNGP(network), 400)
    assert s.moment(2 * cri) == s.energy(cri) == np.inf
    assert s.moment(2 * cri - 0.1, rtol=0.1) < np.inf
    assert s.energy(cri - 0.05, rtol=0.1) < np.inf


def test_orders_are_finite_numbers():
    s = Spectrum([1.0, 1.0])
    assert s.moment(0) == 1.0
    for value in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"r = {value} must be a finite number, 0 or more"):
            s.moment(value)
        with pytest.raises(ValueError, match=f"s = {value} must be"):
            s.energy(value)


def test_multipoles_beyond_lmax_that_matter_are_refused_by_name():
    s = angular_spectrum(NNGP(Network(Tanh(), 20)), 60)
    with pytest.raises(ValueError, match=r"ell\^1 is not known to rtol = 1e-06, for multipoles beyond 60: compute the"):
        s.moment(1)
    assert s.moment(1, rtol=0.1) > 1.0
    with pytest.raises(ValueError, match=r"ell\^4 is not known"):
        s.energy(2)
