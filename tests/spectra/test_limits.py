import math
from itertools import pairwise

import numpy as np
import pytest
from catalogue import CATALOGUE, label
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, interpolate, optimize, special

from sphfield.networks.activations import (
    ELU,
    GELU,
    SELU,
    Abs,
    CosSin,
    Erf,
    Gaussian,
    Hermite,
    Identity,
    LeakyReLU,
    ReLU,
    RePU,
    Sigmoid,
    SiLU,
    Sine,
    Softsign,
    Step,
    Tanh,
)
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network, Regime
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.limits import HighDisorderLimit, LowDisorderLimit, SparseLimit, limit, lmax_for
from sphfield.spectra.tails import tail_of

FAR = [sigma for sigma in CATALOGUE if 0.05 < Network(sigma, 1).margin < np.inf]  # closer to 1 it takes seconds


def computed(network, lmax, dim=2):
    return angular_spectrum(NNGP(network), lmax, dim=dim, method="quadrature")


def hankel(f, k, last):
    """k int_0^inf f(s) J_1(k s) ds between the zeros of J_1, partial sums averaged (Euler)."""
    ends = np.concatenate([[0.0], special.jn_zeros(1, 60) / k])
    parts = [integrate.fixed_quad(lambda s: f(s) * special.j1(k * s), a, b, n=24)[0] for a, b in pairwise(ends)]
    sums = np.cumsum(parts)[last:]
    while sums.size > 1:
        sums = 0.5 * (sums[1:] + sums[:-1])
    return k * float(sums[0])


# --- high-disorder


@pytest.mark.parametrize("k", [0.7, 2.309283, 4.0])
def test_the_law_of_the_sine_is_the_hankel_transform_of_its_poincare_function(k):
    q = 1.0 / math.tanh(1.0)

    def covariance(s):
        layers = 120  # t q^-120 = 6e-15 t, whose square is added
        t = 0.5 * s * s * q**-layers
        t = t - t * t / (2.0 * q * (q - 1.0))
        for _ in range(layers):
            t = 2.0 * np.cosh(1.0 - 0.5 * t) * np.sinh(0.5 * t) / np.sinh(1.0)
        return 1.0 - t

    # 40 averages leave 2^-40 of a term; 120 roundings
    law = HighDisorderLimit(Network(Sine(1.0), 1))
    assert abs(float(law.cdf(k)) - hankel(covariance, k, 20)) < 1e-11


@pytest.mark.parametrize("k", [0.5, 2.0, 5.0])
def test_the_law_of_a_gaussian_activation_is_the_hankel_transform_of_its_closed_form(k):
    q = 16.0 / 9.0

    def beside_the_atom(s):
        t = 0.5 * s * s
        return np.sqrt((1.0 + 2.0 * t / (q - 1.0)) / (1.0 + 2.0 * t * q / (q - 1.0))) - q**-0.5

    law = HighDisorderLimit(Network(Gaussian(4.0), 1))
    assert abs(float(law.cdf(k)) - q**-0.5 - hankel(beside_the_atom, k, 20)) < 1e-11
    assert abs(law.atom - q**-0.5) < 1e-14


def test_quantiles_of_the_sine():
    # the law by another route: above; spectra that tend to them: below
    law = HighDisorderLimit(Network(Sine(1.0), 40))
    assert [round(law.quantile(p), 6) for p in (0.9, 0.95, 0.99)] == [2.309283, 2.934384, 4.344418]


def midpoint_quantile(network, p, dim=2):
    """Quantile of the computed law, its jumps spread over the cells between multipoles, as sqrt(X (X + d - 1))."""
    even, odd = network.degrees()
    first, step = (0 if even >= 0 else 1), (1 if min(even, odd) >= 0 else 2)
    s = computed(network, int(7.0 * np.sqrt(dim * NNGP(network).slope_at_one)) + 40, dim)
    edge = np.arange(first, s.lmax + 1, step) + 0.5 * step
    reached = interpolate.CubicSpline(np.sqrt(edge * (edge + dim - 1.0)), np.cumsum(s.law)[first::step])
    return optimize.brentq(lambda x: float(reached(x)) - p, 1.0, edge[-1])


@pytest.mark.parametrize("p", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(
    ("sigma", "depths"),
    [(Sine(1.0), (20, 30, 40)), (Tanh(), (25, 35)), (GELU(), (60, 80)), (RePU(2), (15, 20)), (Gaussian(4.0), (8, 10))],
    ids=label,
)
def test_quantiles_come_close_like_the_inverse_slope_to_the_depth(sigma, depths, p):
    apart = []
    for depth in depths:
        law = HighDisorderLimit(Network(sigma, depth))
        apart.append((midpoint_quantile(law.network, p) / (law.scale * law.quantile(p)) - 1.0) * law.scale**2)
    # next order is a q^-L or more of this one: a constant; 0.02 where it nearly vanishes
    assert max(map(abs, apart)) < 0.4
    assert abs(apart[-1] - apart[-2]) < 0.05 * abs(apart[-1]) + 0.02


@pytest.mark.parametrize("dim", [3, 6])
def test_quantiles_come_close_on_other_spheres(dim):
    apart = []
    for depth in (40, 60):
        law = HighDisorderLimit(Network(GELU(), depth), dim)
        apart.append((midpoint_quantile(law.network, 0.9, dim) / (law.scale * law.quantile(0.9)) - 1.0) * law.scale**2)
    assert abs(apart[0] - apart[1]) < 0.2 * abs(apart[1]) + 0.05
    assert abs(apart[1]) < dim


@pytest.mark.parametrize(
    ("sigma", "depth", "known"),
    [
        (Tanh(), 40, 59),
        (Tanh(), 60, 309),
        (GELU(), 40, 8),
        (GELU(), 60, 17),
        (GELU(), 80, 34),
        (SiLU(), 40, 8),
        (SiLU(), 60, 16),
        (SiLU(), 80, 31),
    ],
    ids=str,
)
def test_supports_are_predicted_within_ten_per_cent(sigma, depth, known):
    network = Network(sigma, depth)
    support = computed(network, 2 * known).effective_support(0.1)
    assert support == known
    assert abs(limit(network).effective_support(0.1) / support - 1.0) < 0.1


@pytest.mark.slow
def test_the_support_of_eighty_layers_of_tanh_is_predicted():
    law = limit(Network(Tanh(), 80))
    s = computed(law.network, 6000)
    for eta, known in ((0.1, 1589), (0.05, 2113), (0.01, 3361), (0.001, 5209)):
        assert s.effective_support(eta) == known
        # odd multipoles only: a jump is 2
        assert abs(law.effective_support(eta) - known) < 2.0


@pytest.mark.parametrize("dim", [2, 3, 9, 50, 1000])
def test_powers_have_the_chi_law(dim):
    for p in (2, 5):
        law = HighDisorderLimit(Network(Hermite(p), 7), dim)
        share = np.array([0.05, 0.5, 0.9, 0.999])
        exact = np.sqrt(special.chdtri(dim, 1.0 - share))
        # absolute errors of 1e-11 in the law, see `transformed_samples`, over a density of 0.003 or more
        assert np.abs([law.quantile(x) for x in share] - exact).max() < 1e-7
        assert law.scale == pytest.approx(p**3.5, rel=1e-13)
        log_chi = (
            (dim - 1.0) * np.log(exact) - 0.5 * exact**2 - special.gammaln(0.5 * dim) + (1.0 - 0.5 * dim) * np.log(2)
        )
        assert np.abs(law.density(exact) - np.exp(log_chi)).max() < 1e-7


@pytest.mark.parametrize("dim", [2, 7])
@pytest.mark.parametrize("sigma", FAR, ids=label)
def test_the_mean_square_is_the_dimension(sigma, dim):
    law = HighDisorderLimit(Network(sigma, 3), dim)
    # int 2 k P(K > k) dk = int 2 k^2 P(K > k) dlog(k); beyond exp(5.5) a kink of order 1 leaves 2 c / k of it
    x = np.arange(-12.0, 5.5, 0.02)
    k = np.exp(x)
    rest = 0.05 if law.network.cri < 2.0 else 1e-4
    assert abs(0.02 * float(np.sum(2.0 * k**2 * law.law.beyond(k))) - dim) < rest * dim
    assert abs(float(law.cdf(1e-11)) - law.atom) < 1e-3 + (1e-11 ** (2.0 * decay(law.network)))


def decay(network):
    # 1 - u* - P(t) falls like t^-alpha
    slope = float(network.layer_slope(network.fixed_point()))
    return math.log(1.0 / slope) / math.log(network.slope) if slope > 0.0 else np.inf


@pytest.mark.parametrize("network", [Network(Erf(1.0), 2), Network(GELU(), 2, 0.02), Network(ELU(), 2)], ids=str)
def test_the_ray_and_the_real_axis_agree(network):
    six = HighDisorderLimit(network, 6)
    # from dimension 6, on the real axis, to 8, on a ray: P(chi_{d+2} > k) = P(chi_d > k) + k p_d(k) / d, whatever W
    eight = HighDisorderLimit(network, 8)
    k = np.array([0.3, 1.0, 2.5, 5.0])
    predicted = six.law.beyond(k) + k * six.law.density(k) / 6.0
    assert np.abs(eight.law.beyond(k) - predicted).max() < 1e-10


def test_biases_move_the_law_and_not_its_shape():
    # k_0 = (1 - b) u + b enters the scale only
    with_bias, without = (HighDisorderLimit(Network(Tanh(), 30, b)) for b in (0.05, 0.0))
    assert with_bias.scale == pytest.approx(np.sqrt(0.95 * (0.95 * without.network.slope) ** 30), rel=1e-12)
    assert 0.0 == without.atom < with_bias.atom == with_bias.network.fixed_point()
    support = computed(with_bias.network, 200).effective_support(0.1)
    assert abs(with_bias.effective_support(0.1) - support) < 1.0


def test_tails_of_kinks_are_those_of_the_limit():
    # beyond the scale the law of RePU falls like c_L ell^-6 at any depth
    law = HighDisorderLimit(Network(RePU(2), 30))
    k = 60.0 * law.scale
    # the next term is smaller by (scale / k)^2 times a constant
    assert float(law.beyond(k)) == pytest.approx(tail_of(law.network).beyond(k), rel=0.03)


# --- sparse


@given(st.floats(1e-3, 20.0), st.integers(2, 40))
def test_smooth_sparse_laws_are_bessel_functions(y, dim):
    law = SparseLimit(Network(CosSin(1.0), 400), dim)
    half = 0.5 * dim
    log_exact = math.log(2.0) + half * math.log(y / math.sqrt(2.0)) - special.gammaln(half)
    exact = math.exp(log_exact) * special.kv(half, math.sqrt(2.0) * y)
    assert abs(float(law.law.beyond(y)) / law.mass - exact) < 1e-11


@pytest.mark.parametrize("y", [0.4, 1.0, 3.0])
def test_kinked_sparse_laws_are_a_hankel_transform(y):
    # f(s) = 1 - t / (1 + sqrt(t))^2, t = s^2 / 2
    law = SparseLimit(Network(ReLU(), 400))
    outside = 1.0 - float(law.law.beyond(y)) / law.mass
    assert abs(hankel(lambda s: 1.0 - (s / (np.sqrt(2.0) + s)) ** 2, y, 20) - outside) < 1e-11


@pytest.mark.parametrize(
    ("network", "constant", "power"),
    [
        (Network(ReLU(), 20_000), 4.5 * np.pi**2, 2),
        (Network(Abs(), 20_000), 4.5 * np.pi**2 / 4.0, 2),
        (Network(LeakyReLU(0.3), 20_000), 4.5 * np.pi**2 * 1.09**2 / 0.7**4, 2),
        (Network(CosSin(1.0), 20_000), 2.0, 1),
        (Network(Gaussian(1.0 + math.sqrt(2.0)), 20_000), 0.5, 1),
    ],
    ids=str,
)
def test_masses_tend_to_the_inverse_square_and_the_inverse_depth(network, constant, power):
    law = SparseLimit(network)
    # relative corrections of order log(L) / L, 5e-4, with constants up to 6
    assert law.mass * network.depth**power == pytest.approx(constant, rel=3e-3)
    assert law.mass * law.scale**2 == pytest.approx(1.0)


@pytest.mark.parametrize("depth", [3, 30])
def test_the_form_is_exact_at_the_equator(depth):
    kinked, smooth = Network(ReLU(), depth), Network(GELU(), depth, Network(GELU(), 1).critical_bias)
    assert (1.0 + SparseLimit(kinked).mass ** -0.5) ** -2.0 == pytest.approx(1.0 - float(NNGP(kinked)(0.0)), rel=1e-12)
    start = 1.0 - smooth.bias_var
    form = start / (1.0 + start / SparseLimit(smooth).mass)
    assert form == pytest.approx(1.0 - float(NNGP(smooth)(0.0)), rel=1e-12)


@pytest.mark.parametrize("dim", [2, 5])
@pytest.mark.parametrize(
    "network",
    [
        Network(ReLU(), 500),
        Network(Abs(), 500),
        Network(CosSin(1.0), 500),
        Network(Gaussian(1.0 + math.sqrt(2.0)), 500),
        Network(GELU(), 500, Network(GELU(), 1).critical_bias),
        Network(SELU(), 300, Network(SELU(), 1).critical_bias),
    ],
    ids=str,
)
def test_sparse_predictions_hold_at_great_depth(network, dim):
    law = SparseLimit(network, dim)
    s = computed(network, 40, dim)
    first = 1 if network.degrees()[1] >= 0 else 2
    beyond = 1.0 - np.cumsum(s.law)
    # order log(A) / A: A = 20 ... 1000
    assert abs((1.0 - law.atom) / (1.0 - s.law[0]) - 1.0) < 0.04
    k = np.arange(first, 20, 3)
    # half a jump further, where the continuous law is cut
    assert np.abs(law.beyond(k + 0.5 * first) / beyond[k] - 1.0).max() < 0.1


@pytest.mark.parametrize(
    ("sigma", "etas", "table"),
    [
        (ReLU(), (0.01, 0.001), {20: (5, 16), 40: (3, 18), 60: (0, 17), 80: (0, 15)}),
        (CosSin(1.0), (0.01, 0.001), {20: (7, 12), 40: (7, 15), 60: (7, 17), 80: (6, 19)}),
    ],
    ids=label,
)
def test_sparse_supports_are_predicted_to_a_multipole(sigma, etas, table):
    for depth, known in table.items():
        law = limit(Network(sigma, depth))
        assert np.abs(np.array([law.effective_support(eta) for eta in etas]) - known).max() < 1.0


def test_tails_of_relu_are_those_of_the_limit():
    law = SparseLimit(Network(ReLU(), 3000))
    k = 300.0 * law.scale
    # A differs from c L / 2 by 1 %, and the next term is A / k
    assert float(law.beyond(k)) == pytest.approx(tail_of(law.network).beyond(k), rel=0.05)


# --- what is common


@pytest.mark.parametrize(
    ("network", "kind"),
    [
        (Network(Sigmoid(), 3), LowDisorderLimit),
        (Network(ReLU(), 3), SparseLimit),
        (Network(Tanh(), 3), HighDisorderLimit),
        (Network(GELU(), 3, 0.3), LowDisorderLimit),
    ],
    ids=str,
)
def test_the_regime_picks_the_law(network, kind):
    law = limit(network, dim=3)
    assert type(law) is kind
    assert law.dim == 3
    assert 0.0 <= law.atom <= 1.0
    k = np.linspace(-1.0, 12.0, 40)
    beyond = law.beyond(k)
    assert beyond.shape == k.shape
    assert float(beyond[0]) == 1.0
    assert (np.diff(beyond) <= 1e-13).all()
    eta = 0.5 * float(law.beyond(1.0))
    assert float(law.beyond(law.effective_support(eta))) <= eta * (1.0 + 1e-9)
    if kind is not LowDisorderLimit:
        assert float(law.beyond(law.effective_support(eta))) == pytest.approx(eta, rel=1e-9)
        assert law.quantile(1.0 - eta) * law.scale == pytest.approx(
            math.sqrt(law.effective_support(eta) * (law.effective_support(eta) + 2.0)), rel=1e-9
        )
        assert float(law.cdf(law.quantile(1.0 - eta))) == pytest.approx(1.0 - eta, abs=1e-12)
        assert float(law.density(1.0)) > 0.0


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Network(Step(), 3), "it is fractal"),
        (Network(Identity(), 3), "it is linear"),
        (Network(ReLU(), 0), "depth 0 is linear"),
    ],
    ids=str,
)
def test_networks_without_a_limit_are_refused(network, message):
    with pytest.raises(ValueError, match=message):
        limit(network)


def test_laws_of_another_regime_are_refused():
    with pytest.raises(ValueError, match="not sparse but high-disorder: use limit"):
        SparseLimit(Network(Tanh(), 3))
    with pytest.raises(ValueError, match="not high-disorder but sparse"):
        HighDisorderLimit(Network(ReLU(), 3))
    with pytest.raises(ValueError, match="not high-disorder but linear"):
        HighDisorderLimit(Network(Tanh(), 0))
    with pytest.raises(ValueError, match="dim = 1"):
        HighDisorderLimit(Network(Tanh(), 3), 1)
    with pytest.raises(ValueError, match="dim = 20: without a kernel"):
        HighDisorderLimit(Network(Softsign(), 3), 20).quantile(0.5)
    with pytest.raises(ValueError, match="eta = 0.0"):
        limit(Network(Tanh(), 3)).effective_support(0.0)


@pytest.mark.parametrize(
    "network",
    [
        Network(Sigmoid(), 2),
        Network(ReLU(), 10),
        Network(CosSin(1.0), 10),
        Network(GELU(), 60),
        Network(Tanh(), 20),
        Network(RePU(2), 10),
        Network(Step(), 2),
        Network(Step(), 1, 0.2),
    ],
    ids=str,
)
def test_band_limits_leave_the_share_beyond(network):
    for eta in (0.05, 0.01):
        lmax = lmax_for(network, eta)
        s = angular_spectrum(NNGP(network), 3 * lmax + 10)
        # the prediction is right to a multipole or two; jumps of 2 at odd activations
        assert s.effective_support(eta) - 2 <= lmax <= s.effective_support(eta) + 2


def test_band_limits_where_there_is_no_limit():
    assert lmax_for(Network(Identity(), 5)) == lmax_for(Network(Tanh(), 0)) == 1
    assert lmax_for(Network(Tanh(), 0, 0.995)) == 0
    near = Network(Tanh(), 10, Network(Tanh(), 1).critical_bias - 1e-4)
    assert near.regime() is Regime.HIGH
    # Markov's inequality: enough, by a factor of three at most
    support = computed(near, 40).effective_support(0.01)
    assert support <= lmax_for(near) <= 3 * support
    with pytest.raises(ValueError, match="leaves more than eta = 0.01"):
        lmax_for(Network(Step(), 9))
    with pytest.raises(ValueError, match="eta = 1.5"):
        lmax_for(Network(Tanh(), 3), 1.5)


def test_what_is_slow_is_computed_once(monkeypatch):
    law = HighDisorderLimit(Network(SiLU(), 12, 0.003))
    law.quantile(0.9)
    monkeypatch.setattr("sphfield.spectra.limits.poincare", None)
    assert HighDisorderLimit(Network(SiLU(), 90, 0.003)).quantile(0.9) == law.quantile(0.9)
