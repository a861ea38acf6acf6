"""Spectra on S^d: against certified values of other dimensions, and between dimensions."""

import json
from fractions import Fraction
from functools import cache

import mpmath as mp
import numpy as np
import pytest
from certificates import Effort
from certificates_dim import DATA, DEPTHS, DIMS, Work, area, direct, even_or_odd, multiplicity
from flint import arb, arb_mat, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from sphfield.networks.activations import GELU, CosSin, Erf, Gaussian, Hermite, ReLU, RePU, Sine, Step, Tanh
from sphfield.networks.kernels import NNGP
from sphfield.networks.names import activation
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.sphere import log_area, log_multiplicity

EPS = float(np.finfo(np.float64).eps)
CERTIFIED = {
    (key, int(dim)): {int(ell): tuple(values) for ell, values in table.items()}
    for key, tables in json.loads(DATA.read_text()).items()
    if key != "definitions"
    for dim, table in tables.items()
}
NETWORKS = [item for item in CERTIFIED if not item[0].startswith("two_layer")]
KINKED = ("relu", "leaky_relu:0.3", "step", "repu:2", "ntk_relu")


def kernel(key):
    name, depth = key.rsplit("_L")
    return NTK(Network(ReLU(), int(depth))) if name == "ntk_relu" else NNGP(Network(activation(name), int(depth)))


@cache
def spectrum(key, dim):
    return angular_spectrum(kernel(key), max(CERTIFIED[key, dim]), dim=dim)


def apart(log_value, text):
    """The relative error of exp(log_value), which may lie below the range of doubles."""
    with mp.workdps(30):
        return abs(float(mp.expm1(mp.mpf(float(log_value)) - mp.log(mp.mpf(text)))))


# --- the certified values themselves


def digits(one, other):
    """The digits in which one number agrees with another."""
    return float(-(abs(one / other - 1).mid() + arb("1e-60")).log() / arb(10).log())


def half_power(k, ell, dim):
    """int_0^1 t^k G_ell(t) (1 - t^2)^((d-2)/2) dt; the reciprocal Gamma function makes the parity zeros."""
    low, high = arb(k - ell) / 2 + 1, arb(k + ell + dim + 1) / 2
    scale = arb(k + 1).gamma() * (arb(dim) / 2).gamma() * arb.pi().sqrt() / arb(2) ** (k + 1)
    return scale * low.rgamma() * high.rgamma()


def homogeneous(k, ell, dim):
    """C_ell of one layer of z_+^k: the mean over r = |w| of (r^k omega_{d-1} int)^2 / omega_d, over E[z_+^(2k)]."""
    moment = 2**k * (arb(dim + 1) / 2 + k).gamma() / (arb(dim + 1) / 2).gamma()  # E[r^2k]
    norm = arb(2) ** (k - 1) * (arb(k) + arb("0.5")).gamma() / arb.pi().sqrt()
    return moment / norm * (area(dim - 1) * half_power(k, ell, dim)) ** 2 / area(dim)


def times_u(cl, ell, dim):
    """C_ell of u k(u): u G_ell is the mean of its neighbours, by the recurrence of Gegenbauer polynomials."""
    below = ell * cl(ell - 1) if ell else arb(0)
    return ((ell + dim - 1) * cl(ell + 1) + below) / (2 * ell + dim - 1)


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize(("key", "k"), [("step_L1", 0), ("relu_L1", 1)])
def test_one_layer_of_powers_is_a_square_of_gamma_functions_on_every_sphere(key, k, dim):
    with ctx.workprec(400):
        for ell, (cl, _) in CERTIFIED[key, dim].items():
            exact = homogeneous(k, ell, dim)
            assert (cl == "0" and exact == 0) or digits(arb(cl), exact) > 19, ell


@pytest.mark.parametrize(
    ("key", "dim", "share"), [("ntk_relu_L1", 2, 1), ("ntk_relu_L1", 9, 1), ("two_layer_L1", 9, 2)]
)
def test_one_layer_tangent_kernels_follow_from_those_of_relu_and_step(key, dim, share):
    with ctx.workprec(400):
        for ell, (cl, _) in CERTIFIED[key, dim].items():
            exact = homogeneous(1, ell, dim) + times_u(lambda k: homogeneous(0, k, dim), ell, dim) / share
            assert (cl == "0" and abs(exact) < arb("1e-60")) or digits(arb(cl), exact) > 19, ell


@pytest.mark.parametrize("dim", [3, 9, 50])
def test_radial_formula_gives_one_layer_of_tanh_without_any_kernel(dim):
    # C_ell = E_r[(omega_{d-1} int tanh(r t) G_ell(t) (1 - t^2)^((d-2)/2) dt)^2] / (omega_d E[tanh^2])
    ell, reach, n = 21, 22, 200  # r is below 22 but for 1e-50, the poles of tanh(r t) are pi / 44 from the real line
    with ctx.workprec(700):
        rule = [arb.legendre_p_root(n, k, weight=True) for k in range(n)]
        thetas = [(arb.pi() * (1 + x) / 4, arb.pi() * w / 4) for x, w in rule]
        gegenbauer = [t.cos().gegenbauer_c(ell, arb(dim - 1) / 2) for t, _ in thetas]
        at_one = arb(1).gegenbauer_c(ell, arb(dim - 1) / 2)
        measure = [2 * area(dim - 1) * w * t.sin() ** (dim - 1) for t, w in thetas]
        table = arb_mat([[m * g / at_one for m, g in zip(measure, gegenbauer, strict=True)], measure])
        cl, variance = arb(0), arb(0)
        half = arb(dim + 1) / 2
        for x, w in rule:
            r = arb(reach) * (1 + x) / 2
            density = 2 * (r * r / 2) ** half * (-r * r / 2).exp() / (r * half.gamma()) * w * reach / 2
            values = [(r * t.cos()).tanh() for t, _ in thetas]
            cl += density * (table * arb_mat([[v] for v in values]))[0, 0] ** 2 / area(dim)
            variance += density * (table * arb_mat([[v * v] for v in values]))[1, 0] / area(dim)
        assert digits(arb(CERTIFIED["tanh_L1", dim][ell][0]), cl / variance) > 15


def test_stored_digits_come_out_again_with_other_nodes():
    none = Effort(0, 0)
    found = direct({"relu": (4, 9)}, (0, 1, 10, 21, 50), Work(800, 160, none, none))
    with ctx.workprec(400):
        for ((name, depth), dim, ell), cl in found.items():
            stored = CERTIFIED[f"{name}_L{depth}", dim][ell][0]
            zero = even_or_odd(name, depth, ell)
            assert stored == "0" if zero else digits(arb(stored), cl) > 19, (depth, dim, ell)


def test_every_kernel_is_certified_where_parity_allows():
    for (key, _), values in CERTIFIED.items():
        name, depth = key.rsplit("_L")
        assert int(depth) in DEPTHS[name]
        assert {0, 1, 10, 100, 500, 1000} <= values.keys()
        for ell, pair in values.items():
            zero = even_or_odd(name, int(depth), ell)
            assert all((text == "0") == zero and arb(text) >= 0 for text in pair)


# --- spectra against them


@pytest.mark.parametrize(("key", "dim"), NETWORKS)
def test_spectra_on_every_sphere_are_right_within_their_stated_error(key, dim):
    s = spectrum(key, dim)
    assert s.dim == dim
    worst = 0.0
    for ell, (cl, law) in CERTIFIED[key, dim].items():
        error = s.error[ell]
        if cl == "0":
            assert s.cl[ell] == error == s.law[ell] == 0.0
            continue
        off = apart(s.log_cl[ell], cl)
        assert off <= error, (ell, off, error)
        worst = max(worst, off)
        if mp.mpf(law) > 1e-290:
            # n_ell is as exact as it says, and each of the logarithms that make up the law is rounded
            log_n, log_law = float(log_multiplicity(ell, dim)), np.log(s.law[ell])
            rounding = 1e-15 * (1 + log_n) + EPS * (abs(s.log_cl[ell]) + abs(log_area(dim)) + abs(log_law))
            assert apart(log_law, law) <= error + rounding, ell
    kinked = key.startswith(KINKED)
    assert s.method == "contour" or not (kinked and dim <= 9)
    # ELU's kernel is continued by quadrature of its second derivative, which leaves ten digits at ell = 1000
    assert worst < (1e-10 if key == "elu_L1" else 1e-12 if kinked else 1e-11)


@pytest.mark.parametrize(("key", "dim"), NETWORKS)
def test_tail_is_what_a_longer_spectrum_has_beyond(key, dim):
    s, short = spectrum(key, dim), angular_spectrum(kernel(key), 40, dim=dim)
    beyond = float(s.law[:40:-1].sum()) + s.tail
    noise = (short.law * short.error).sum() + 1e-15 * (8.0 + abs(log_area(dim)))
    assert abs(short.law.sum() + short.tail - 1.0) <= noise
    assert abs(short.tail - beyond) <= noise


# --- the eigenvalues of two-layer tangent kernels on S^9, arXiv 1912.01198


@pytest.mark.parametrize("lmax", [8, 1000])
def test_tangent_kernel_on_the_nine_sphere_has_its_eigenvalues(lmax):
    ntk = angular_spectrum(NTK(Network(ReLU(), 1)), lmax, dim=9)
    nngp = angular_spectrum(NNGP(Network(ReLU(), 1)), lmax, dim=9)
    # u kappa_1 + 2 kappa_2 weighs the layers otherwise: kappa_R + u kappa_step / 2 where the NTK has u kappa_step
    for key, cl in (("ntk_relu_L1", ntk.cl), ("two_layer_L1", 0.5 * (nngp.cl + ntk.cl))):
        for ell, (text, law) in CERTIFIED[key, 9].items():
            if ell > lmax:
                continue
            eigenvalue = cl[ell] / np.exp(log_area(9))
            variance = 2.0 if key == "ntk_relu_L1" else 1.5
            exact = float(law) * variance / multiplicity(ell, 9)  # mu_ell = C_ell / omega_9
            assert eigenvalue == exact == 0.0 if text == "0" else abs(eigenvalue / exact - 1.0) < 1e-12, (key, ell)
    assert (ntk.cl[[3, 5, 7]] == 0.0).all()  # never learned
    assert (np.diff(ntk.cl[[0, 1, 2, 4, 6, 8]]) < 0.0).all()  # the order of learning


# --- between dimensions


@pytest.mark.parametrize(
    ("k", "method"),
    [
        (NNGP(Network(ReLU(), 3)), "auto"),
        (NNGP(Network(GELU(), 2, 0.1)), "auto"),
        (NNGP(Network(Tanh(), 1)), "auto"),
        (NNGP(Network(Gaussian(2.0), 2)), "series"),
        (NNGP(Network(Erf(1.0), 1)), "radial"),
        (NTK(Network(ReLU(), 2)), "contour"),
        (lambda u: np.exp(u - 1.0), "quadrature"),
    ],
)
def test_two_is_the_default_bit_for_bit(k, method):
    default, two = angular_spectrum(k, 150, method=method), angular_spectrum(k, 150, dim=2, method=method)
    for name in ("cl", "error", "log_cl", "law"):
        assert np.array_equal(getattr(default, name), getattr(two, name))
    assert (default.tail, default.variance, default.method) == (two.tail, two.variance, two.method)


def power_law(p, dim):
    """The law of u^p, exactly: p steps of the walk from 0 that u G_ell = up G_{ell+1} + down G_{ell-1} defines."""
    law = {0: Fraction(1)}
    for _ in range(p):
        following: dict[int, Fraction] = {}
        for ell, share in law.items():
            up = Fraction(ell + dim - 1, 2 * ell + dim - 1)
            following[ell + 1] = following.get(ell + 1, 0) + share * up
            if ell:
                following[ell - 1] = following.get(ell - 1, 0) + share * (1 - up)
        law = following
    return law


def walk(ell, dim):
    """D^(d+2)_ell = a D^(d)_ell - b D^(d)_(ell+2).

    (1 - t^2) G^(d+2)_ell = d (G^(d)_ell - G^(d)_(ell+2)) / (2 ell + d + 1): both sides vanish at t = 1 and -1, are
    orthogonal to all degrees below ell, and have the same slope at 1 (Gneiting 2013, for Schoenberg coefficients).
    """
    a = Fraction((ell + dim) * (ell + dim - 1), dim * (2 * ell + dim - 1))
    return a, Fraction((ell + 1) * (ell + 2), dim * (2 * ell + dim + 3))


@given(st.integers(0, 12), st.integers(2, 30))
def test_walk_of_dimensions_is_exact_for_powers(p, dim):
    here, there = power_law(p, dim), power_law(p, dim + 2)
    for ell in range(p + 1):
        a, b = walk(ell, dim)
        assert there.get(ell, 0) == a * here.get(ell, 0) - b * here.get(ell + 2, 0)


ACTIVATIONS = [ReLU(), Step(), RePU(2), Gaussian(2.0), Sine(1.0), CosSin(1.5), GELU(), Tanh()]


@settings(max_examples=25)
@given(st.sampled_from(ACTIVATIONS), st.integers(1, 3), st.sampled_from([0.0, 0.1]), st.integers(2, 40) | st.just(1000))
def test_spectra_of_spheres_two_dimensions_apart_walk_into_each_other(sigma, depth, bias, dim):
    k, lmax = NNGP(Network(sigma, depth, bias)), 40
    here, there = (angular_spectrum(k, lmax + 2, dim=d) for d in (dim, dim + 2))
    ell = np.arange(lmax + 1)
    a, b = (np.array(x, dtype=np.float64) for x in zip(*(walk(n, dim) for n in range(lmax + 1)), strict=True))
    first, second, result = a * here.law[ell], b * here.law[ell + 2], there.law[ell]
    with np.errstate(invalid="ignore"):  # 0 * inf: no digit, and no claim
        slack = first * here.error[ell] + second * here.error[ell + 2] + result * there.error[ell]
    # law = exp of logarithms, each rounded
    size = np.where(result > 0.0, np.abs(there.log_cl[ell]), 0.0) + abs(log_area(dim + 2))
    slack = np.where(np.isnan(slack), np.inf, slack) + 1e-15 * (4.0 + size) * (first + second + result)
    assert (np.abs(first - second - result) <= slack).all()


@settings(max_examples=30)
@given(st.integers(1, 20), st.integers(2, 60) | st.sampled_from([500, 10_000]))
def test_a_power_has_the_law_of_a_walk_up_and_down_the_degrees(p, dim):
    s = angular_spectrum(NNGP(Network(Hermite(p), 1)), p + 4, dim=dim)
    exact = np.array([float(power_law(p, dim).get(ell, 0)) for ell in range(p + 5)])
    zero = exact == 0.0
    assert (s.law[zero] == 0.0).all()
    # the logarithms of C_ell, n_ell and the area, up to that of 10_000 dimensions, cancel to that of the law
    size = np.abs(s.log_cl[~zero]) + abs(log_area(dim)) + 4.0
    assert (np.abs(s.law / np.where(zero, 1.0, exact) - 1.0)[~zero] <= s.error[~zero] + 2.0 * EPS * size).all()


@pytest.mark.parametrize("sigma", [ReLU(), Gaussian(2.0), CosSin(1.0), GELU(), Erf(1.0), Tanh()])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("dim", [100, 1000, 10_000])
def test_law_in_high_dimension_is_that_of_the_powers(sigma, depth, dim):
    k = NNGP(Network(sigma, depth))
    s = angular_spectrum(k, 60, dim=dim)
    rounding = 1e-15 * (8.0 + abs(log_area(dim)))
    assert abs(s.law.sum() + s.tail - 1.0) <= rounding + (s.law * s.error).sum()
    b, rest = k.coefficients(2000)
    p = np.arange(2000.0)
    # u^p has degree p but for steps down, at its j-th step with probability at most j / (d - 1)
    down = np.minimum(1.0, 0.5 * p * (p - 1.0) / (dim - 1.0)) @ b + rest
    assert 0.5 * np.abs(s.law - b[:61]).sum() <= down + s.tail + rounding
    if k.cri == np.inf:
        # first order: one step down, from ell + 2 to ell or from ell to ell - 2. Second order: two steps, with
        # probability at most (p^2 / 2 d)^2 / 2, once more for none and twice for one; and j / (2 j + d - 1) for j / d
        ell = p[:61]
        first = 0.5 * ((ell + 1.0) * (ell + 2.0) * b[2:63] - ell * (ell - 1.0) * b[:61]) / dim
        second = (0.25 * p**4 + p**3) @ b / dim**2
        assert (np.abs(s.law - b[:61] - first) <= second + rest + rounding).all()


# --- zeros and refusals


@pytest.mark.parametrize("dim", [3, 8, 100, 10_000])
@pytest.mark.parametrize(
    ("sigma", "depth", "zero"),
    [
        (ReLU(), 1, lambda ell: (ell > 1) & (ell % 2 == 1)),
        (Step(), 1, lambda ell: (ell > 0) & (ell % 2 == 0)),
        (GELU(), 1, lambda ell: (ell > 1) & (ell % 2 == 1)),
        (Gaussian(2.0), 2, lambda ell: ell % 2 == 1),
        (Tanh(), 2, lambda ell: ell % 2 == 0),
        (Hermite(4), 1, lambda ell: (ell > 4) | (ell % 2 == 1)),
    ],
)
def test_parity_zeros_are_exact_on_every_sphere(sigma, depth, zero, dim):
    s = angular_spectrum(NNGP(Network(sigma, depth)), 30, dim=dim)
    ell = np.arange(31)
    assert (s.cl[zero(ell)] == 0.0).all()
    assert (s.law[zero(ell)] == 0.0).all()
    assert (s.error[zero(ell)] == 0.0).all()
    assert (s.law[~zero(ell) & (ell < 6)] > 0.0).all()


@pytest.mark.parametrize("dim", [1, 0, -3, 10_001])
def test_a_sphere_of_no_such_dimension_is_refused_by_name(dim):
    with pytest.raises(ValueError, match=f"dim = {dim} must lie in 2 ... 10000"):
        angular_spectrum(NNGP(Network(ReLU(), 1)), 8, dim=dim)


@pytest.mark.parametrize("dim", [2.0, 3.5, "3", True, None])
def test_a_dimension_that_is_no_integer_is_refused_by_name(dim):
    with pytest.raises(TypeError, match=f"dim = {dim!r} must be an integer"):
        angular_spectrum(NNGP(Network(ReLU(), 1)), 8, dim=dim)


def test_radial_formula_is_refused_beyond_the_sphere():
    with pytest.raises(ValueError, match="'radial' needs the NNGP of one layer without bias on S"):
        angular_spectrum(NNGP(Network(Tanh(), 1)), 8, dim=3, method="radial")


def test_deep_networks_with_kinks_do_not_claim_what_their_series_leaves_out():
    # every coefficient of kappa counts for every power of the iterate, and those of ReLU fall slowly: fewer are right
    for network in (Network(ReLU(), 80), Network(ReLU(), 3, 0.9), Network(ReLU(), 3), Network(ReLU(), 10)):
        for dim in (101, 1000):
            s = angular_spectrum(NNGP(network), 40, dim=dim)
            exact = angular_spectrum(NNGP(network), 40, dim=dim, method="quadrature")
            known = np.isfinite(s.error) & np.isfinite(exact.error) & (s.law > 0.0)
            apart_by = np.abs(np.expm1(s.log_cl[known] - exact.log_cl[known]))
            assert (apart_by <= s.error[known] + exact.error[known]).all()
            assert s.law.sum() + s.tail == pytest.approx(1.0, abs=1e-11)


def test_multipoles_without_a_digit_are_not_taken_for_nothing():
    s = angular_spectrum(NNGP(Network(Gaussian(4.0), 10)), 1354, dim=50)
    assert np.isinf(s.error).any()
    assert s.law.sum() + s.tail == pytest.approx(1.0, abs=1e-12)
    assert s.effective_support(0.1) == 214  # the limiting law says 213.4
    for ask in (lambda: s.effective_support(0.01), lambda: s.quantile(0.99)):
        with pytest.raises(ValueError, match=r"on S\^50 no digit is known of \d+ multipoles"):
            ask()


def test_multipoles_below_the_range_of_doubles_are_no_reason_to_refuse_a_kernel():
    for sigma, lmax, dim in ((ReLU(), 1300, 1000), (Tanh(), 800, 10_000)):
        s = angular_spectrum(NNGP(Network(sigma, 3)), lmax, dim=dim)
        assert s.law.sum() + s.tail == pytest.approx(1.0, abs=1e-10)
