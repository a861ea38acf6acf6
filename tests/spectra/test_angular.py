import json
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from sphfield.networks.activations import (
    GELU,
    Cosine,
    CosSin,
    Erf,
    Gaussian,
    Hermite,
    LeakyReLU,
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
from sphfield.networks.names import activation
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum

CATALOGUE = [
    ReLU(),
    LeakyReLU(0.3),
    Step(),
    Gaussian(2.0),
    Cosine(1.0),
    Sine(1.0),
    CosSin(1.0),
    Erf(1.0),
    GELU(),
    Tanh(),
    Sigmoid(),
]
NAMED = {
    "relu": ReLU(),
    "lrelu0.3": LeakyReLU(0.3),
    "lrelu0.01": LeakyReLU(0.01),
    "step": Step(),
    "gauss1": Gaussian(1.0),
    "gauss2": Gaussian(2.0),
    "exp1": CosSin(1.0),
    "cos1": Cosine(1.0),
    "sin1": Sine(1.0),
    "erf1": Erf(1.0),
    "gelu": GELU(),
    "tanh": Tanh(),
    "sigmoid": Sigmoid(),
    "silu": SiLU(),
    "softplus": Softplus(),
    "repu2": RePU(2),
}
# C_ell to 17 digits at some ell, computed in arbitrary precision by two methods of different type
DATA = json.loads((Path(__file__).parent / "spectra.json").read_text())


def true_error(s, ell, text):
    """Relative error of exp(log_cl), which has digits below the range of doubles too."""
    return abs(float(mp.expm1(mp.mpf(float(s.log_cl[ell])) - mp.log(mp.mpf(text)))))


def agrees(s, known):
    """Every stated error holds, with the slack of its definition: a factor of three; zeros are exact."""
    for ell, text in known.items():
        n = int(ell)
        if n > s.lmax:
            continue
        if text == "0":
            assert s.cl[n] == 0.0
            assert s.error[n] == 0.0
        elif np.isfinite(s.error[n]):
            assert true_error(s, n, text) <= 3 * s.error[n], (n, s.log_cl[n], text, s.error[n])
    return True


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("method", ["auto", "quadrature"])
def test_spectra_are_right_within_their_stated_error(name, method):
    label, depth = name.split("_L")
    s = angular_spectrum(NNGP(Network(NAMED[label], int(depth))), 1001, method=method)
    assert agrees(s, DATA[name])


def test_all_reference_spectra_within_their_stated_error(reference):
    seen = 0
    for name, kernel in reference("spectra")["kernels"].items():
        label = name.split("_")[0]
        if label in NAMED:
            assert agrees(angular_spectrum(NNGP(Network(NAMED[label], kernel["L"])), 1001), kernel["C_l"])
            seen += 1
    assert seen >= 37


@pytest.mark.parametrize("name", ["gelu_L2", "sin1_L2", "tanh_L1", "gauss2_L2"])
def test_smooth_networks_have_spectra_to_ten_digits(name):
    label, depth = name.split("_L")
    s = angular_spectrum(NNGP(Network(NAMED[label], int(depth))), 150)
    sure = s.cl > 1e-270
    assert (s.error[sure] < 1e-10).all()


def test_relu_at_depth_one_has_its_closed_form():
    # C_ell = 6 pi I_ell^2 with I_ell = int_0^1 t P_ell dt: I_0 = 1/2, I_{ell+2} / I_ell = (1 - ell) / (ell + 4)
    lmax = 400
    s = angular_spectrum(NNGP(Network(ReLU(), 1)), lmax)
    ell = np.arange(0, lmax + 1, 2)
    exact = 6 * np.pi * (0.5 * np.cumprod(np.append(1.0, (1.0 - ell[:-1]) / (ell[:-1] + 4.0)))) ** 2
    assert (np.abs(s.cl[ell] / exact - 1) <= s.error[ell]).all()
    assert (s.cl[3::2] == 0).all()


@settings(max_examples=40)
@given(st.sampled_from(CATALOGUE), st.integers(0, 6), st.floats(0, 0.8), st.integers(0, 150))
def test_every_spectrum_is_a_law(sigma, depth, bias, lmax):
    s = angular_spectrum(NNGP(Network(sigma, depth, bias)), lmax, method="quadrature")
    assert (s.cl >= 0).all()
    known = np.where(np.isfinite(s.error), s.error, 0.0)
    # beyond the stated errors: multipoles without a digit, each at most 6e-15 of absolute noise
    slack = float(np.sum(s.law * known)) + 6e-15 * (lmax + 1) ** 2
    assert s.law.sum() + s.tail == pytest.approx(1.0, abs=slack)


@pytest.mark.parametrize("sigma", [s for s in CATALOGUE if s != Step()], ids=repr)
@pytest.mark.parametrize("depth", [1, 3, 20])
def test_the_mean_of_ell_squared_is_the_slope_of_the_kernel(sigma, depth):
    # sum_{ell <= M} ell (ell+1) law = 2 k'(1) minus the part beyond M: 3 depth / (pi M) for ReLU
    lmax = 600
    s = angular_spectrum(NNGP(Network(sigma, depth)), lmax, method="quadrature")
    expected = 2 * s.kernel.slope_at_one
    if s.kernel.cri == 1.5:
        slope = getattr(sigma, "slope", 0.0)
        jump = (1 - slope) ** 2 / (1 + slope**2)
        expected -= 3 * depth * jump / (np.pi * lmax)
        # parity terms and the next order of the tail, relative 1/M and depth^2 / M^2
        margin = 3 * depth * jump / (np.pi * lmax) * 0.05
    else:
        margin = 0.0
    weight = s.ell * (s.ell + 1) * s.law
    known = np.where(np.isfinite(s.error), s.error, 0.0)
    margin += float(np.sum(weight * known)) + 1e-13 * expected
    assert weight.sum() == pytest.approx(expected, abs=margin)


SUPPORTS = {  # eta = .1, .05, .01, .001
    (ReLU(), 5): (2, 2, 5, 11),
    (ReLU(), 80): (0, 0, 0, 15),
    (LeakyReLU(0.01), 20): (0, 0, 5, 16),
    (Gaussian(2.0), 2): (2, 2, 4, 8),
    (Gaussian(2.0), 10): (0, 0, 0, 6),
    (Tanh(), 10): (5, 7, 9, 15),
    (Tanh(), 40): (59, 79, 127, 197),
    (Sigmoid(), 2): (0, 0, 1, 1),
    (CosSin(1.0), 80): (0, 0, 6, 19),
}


@pytest.mark.parametrize(("network", "supports"), SUPPORTS.items(), ids=repr)
def test_effective_supports_of_the_three_regimes(network, supports):
    s = angular_spectrum(NNGP(Network(*network)), 600, method="quadrature")
    assert tuple(s.effective_support(eta) for eta in (0.1, 0.05, 0.01, 0.001)) == supports


@pytest.mark.parametrize(
    ("depth", "supports"), [(60, (309, 411, 653, 1013)), (80, (1589, 2113, 3361, 5209))], ids=["60", "80"]
)
def test_effective_supports_of_very_deep_tanh_networks(depth, supports):
    s = angular_spectrum(NNGP(Network(Tanh(), depth)), 6000)
    assert tuple(s.effective_support(eta) for eta in (0.1, 0.05, 0.01, 0.001)) == supports


def test_a_deep_low_disorder_network_keeps_its_digits():
    # 1 - k is of order 0.8^200 = 4e-20, below the resolution of k itself; its shape has converged to Koenigs' function
    deep, deeper = (angular_spectrum(NNGP(Network(Gaussian(2.0), d)), 12, method="quadrature") for d in (200, 201))
    ell = np.arange(2, 13, 2)
    np.testing.assert_allclose(deeper.cl[ell] / deep.cl[ell], 0.8, rtol=1e-11)
    u, w = np.polynomial.legendre.leggauss(200)
    koenigs = 0.5 * 0.2 * (1 - u**2) / (1 - 0.8 * u**2)  # lim (1 - kappa_L(u)) / 0.8^L
    limit = -2.5 * np.sum(w * koenigs * special.eval_legendre(2, u))
    assert deep.law[2] / 0.8**200 == pytest.approx(limit, rel=1e-11)


def test_any_function_of_u_is_a_kernel():
    s = angular_spectrum(lambda u: np.exp(u - 1), 64)
    same = angular_spectrum(NNGP(Network(CosSin(1.0), 1)), 64)
    known = np.isfinite(s.error)
    np.testing.assert_allclose(s.cl[known], same.cl[known], rtol=3 * s.error[known].max())
    assert known.sum() > 10


@pytest.mark.parametrize("method", ["auto", "quadrature"])
def test_parity_zeros_are_exact(method):
    ell = np.arange(101)
    for sigma, depth, zeros in [
        (Cosine(1.0), 3, ell % 2 == 1),
        (Tanh(), 3, ell % 2 == 0),
        (ReLU(), 1, (ell % 2 == 1) & (ell > 1)),
        (Sigmoid(), 1, (ell % 2 == 0) & (ell > 0)),
        (GELU(), 1, (ell % 2 == 1) & (ell > 1)),
    ]:
        s = angular_spectrum(NNGP(Network(sigma, depth)), 100, method=method)
        assert (s.cl[zeros] == 0).all()
        assert (s.error[zeros] == 0).all()
        assert (s.error[~zeros] > 0).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.cos, 2.5), TypeError, "lmax = 2.5 must be an integer"),
        ((np.cos, -1), ValueError, "lmax = -1"),
        ((lambda u: -u, 5), ValueError, "not positive definite: C_ell = -4.19 at ell = 1"),
    ],
)
def test_bad_requests_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        angular_spectrum(*arguments)


def test_a_route_that_cannot_take_the_kernel_says_so():
    with pytest.raises(ValueError, match="power series coefficients"):
        angular_spectrum(np.exp, 5, method="series")
    with pytest.raises(ValueError, match="method = 'magic'"):
        angular_spectrum(np.exp, 5, method="magic")


@pytest.mark.parametrize(
    ("sigma", "depth", "monopole"), [(Tanh(), 400, 0.0), (Sine(1.0), 200, 0.0), (GELU(), 700, 0.760402)]
)
def test_what_lies_beyond_a_very_deep_network_is_not_forgotten(sigma, depth, monopole):
    # all but u* of the variance is at multipoles of order kappa'(1)^(L/2), far beyond lmax
    s = angular_spectrum(NNGP(Network(sigma, depth)), 40, method="quadrature")
    assert s.law[0] == pytest.approx(monopole, abs=1e-6)
    assert s.tail == pytest.approx(1.0 - monopole, abs=1e-6)
    with pytest.raises(ValueError, match="of the variance lies beyond lmax = 40"):
        s.effective_support(0.01)


@pytest.mark.parametrize(("sigma", "depth"), [(Sine(1.0), 200), (Gaussian(5.0), 60)])
def test_a_spectrum_wider_than_can_be_computed_is_refused(sigma, depth):
    kernel = NNGP(Network(sigma, depth))
    with pytest.raises(ValueError, match=r"is spread over multipoles up to about .* smaller depth"):
        angular_spectrum(kernel, 3)


def test_the_lowest_multipoles_of_very_deep_networks_are_left_to_quadrature():
    # power at ell ~ 1e11: three digits by log-graded quadrature
    s = angular_spectrum(NNGP(Network(Sine(1.0), 200)), 3, method="quadrature")
    for ell, truth in {1: 1.204e-13, 3: 5.63e-14}.items():
        assert abs(s.cl[ell] / truth - 1) <= 3 * s.error[ell]
    assert angular_spectrum(NNGP(Network(Gaussian(5.0), 60)), 4, method="quadrature").error[2] == np.inf


CERTIFIED = json.loads((Path(__file__).parent / "certified.json").read_text())
SLOW = {f"{name}_L{depth}" for name in ("elu", "selu") for depth in (10, 20)}  # ten seconds each
EXACT = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in CERTIFIED if name != "definitions"
]
SERIES = ("tanh", "sigmoid", "silu", "softplus")


@pytest.mark.parametrize("name", EXACT)
def test_certified_spectra_are_right_to_ten_digits(name):
    # 20 digits by python-flint, see tests/certificates.py: ell up to 10^4 wherever C_ell > 1e-300, depths 1 to 20
    label, depth = name.rsplit("_L", 1)
    known = CERTIFIED[name]
    s = angular_spectrum(NNGP(Network(activation(label), int(depth))), max(map(int, known)))
    assert agrees(s, known)
    seen = [(n, text) for n, text in ((int(ell), text) for ell, text in known.items()) if text != "0"]
    # ELU and SELU to ell = 1000, the power series of smooth activations to depth 5
    limit = 1e-10
    if label in (*SERIES, "elu", "selu"):
        limit, seen = 1e-8, [(n, text) for n, text in seen if n <= 1001 and int(depth) <= 5]
    for n, text in seen:
        assert true_error(s, n, text) <= limit, n


@pytest.mark.parametrize(
    "label", ["relu", "leaky_relu:0.7", "step", "repu:3", "gaussian:4", "cossin:1.5", "erf:1", "gelu"]
)
@pytest.mark.parametrize("depth", [1, 2, 20])
def test_ten_digits_are_claimed_at_every_multipole(label, depth):
    s = angular_spectrum(NNGP(Network(activation(label), depth)), 10_000)
    above = s.log_cl > np.log(1e-300)
    assert s.error[above].max() <= 1e-10
    # what is not above is exactly zero by parity, or below: nothing is lost
    assert (above | s.kernel.vanishes(s.ell) | (s.log_cl < np.log(1e-299))).all()
    # the sum of the law, with what lies beyond by its own formula, is 1 to rounding
    assert s.law.sum() + s.tail == pytest.approx(1.0, abs=1e-13)


@pytest.mark.parametrize(
    ("kernel", "method", "message"),
    [
        (NNGP(Network(Tanh(), 2)), "contour", "needs a kernel known for complex arguments.*method='auto'"),
        (np.exp, "contour", "needs a kernel known for complex arguments"),
        (NNGP(Network(np.arctan, 1)), "series", "needs a kernel with known power series"),
        (NNGP(Network(ReLU(), 2)), "radial", "needs the NNGP of one layer"),
        (NNGP(Network(ReLU(), 2)), "best", "method = 'best' is not known: use one of 'auto', 'contour'"),
    ],
)
def test_a_route_names_the_routes_that_can_take_the_kernel(kernel, method, message):
    with pytest.raises(ValueError, match=message):
        angular_spectrum(kernel, 5, method=method)


@pytest.mark.parametrize("sigma", [ReLU(), GELU(), Sine(1.0)], ids=repr)
def test_all_routes_agree_where_they_have_digits(sigma):
    kernel = NNGP(Network(sigma, 1))
    spectra = [angular_spectrum(kernel, 40, method=method) for method in ("contour", "radial", "quadrature", "series")]
    for a in spectra:
        for b in spectra:
            slack = 3 * (a.cl * np.minimum(a.error, 1.0) + b.cl * np.minimum(b.error, 1.0)) + 1e-15
            assert (np.abs(a.cl - b.cl) <= slack)[np.isfinite(a.error + b.error)].all()


def test_methods_used_are_named():
    assert angular_spectrum(NNGP(Network(ReLU(), 3)), 100).method == "contour"
    assert angular_spectrum(NNGP(Network(Tanh(), 3)), 100).method == "quadrature+series"
    assert angular_spectrum(NNGP(Network(np.arctan, 1)), 100).method == "quadrature+radial"
    assert angular_spectrum(np.exp, 10).method == "quadrature"


def test_the_two_layer_kernel_of_spectral_bias_has_its_closed_form():
    # k_R + u k_step / 2 of Cao et al.: mu_ell = [(l+1) I_{0,l+1}^2 + l I_{0,l-1}^2] / 4 (2l+1) + 3/2 I_{1,l}^2, in
    # kernels: Theta_1 = k_R + u k_step, and k_step = 2 k_R'
    s = angular_spectrum(NTK(Network(ReLU(), 1)), 8)
    relu = angular_spectrum(NNGP(Network(ReLU(), 1)), 8)
    mu = 0.5 * (s.cl + relu.cl) / (4 * np.pi)  # k_R + u k_step / 2
    exact = {0: 7 / 16, 1: 1 / 4, 2: 13 / 256, 4: 3 / 1024, 6: 0.0007476806640625, 8: 0.000301361083984375}
    for ell, value in exact.items():
        assert mu[ell] == pytest.approx(value, rel=1e-13)
    assert (s.cl[3::2] == 0).all()


@pytest.mark.parametrize(("p", "depth"), [(3, 2), (7, 1), (4, 3), (2, 5)])
def test_polynomial_kernels_have_their_last_multipole(p, depth):
    degree = p**depth
    s = angular_spectrum(NNGP(Network(Hermite(p), depth)), degree + 3)
    # int u^n P_n = 2^(n+1) (n!)^2 / (2n+1)!
    last = (
        2 * np.pi * np.exp((degree + 1) * np.log(2) + 2 * special.gammaln(degree + 1) - special.gammaln(2 * degree + 2))
    )
    assert s.cl[degree] == pytest.approx(last, rel=1e-10)
    assert (s.cl[degree + 1 :] == 0).all()
    assert s.tail == 0.0
    assert s.method == "series"  # the saddle point of the last one is infinitely far out


def test_degrees_beyond_the_range_of_integers_are_no_obstacle():
    assert angular_spectrum(NNGP(Network(Hermite(3), 50, 0.5)), 3).error.max() < 1e-10


def test_tangent_kernels_too_wide_are_refused():
    with pytest.raises(ValueError, match="NTK.*is spread over multipoles"):
        angular_spectrum(NTK(Network(Gaussian(20.0), 30)), 3)
