import numpy as np
import pytest
from catalogue import CATALOGUE, label
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import GELU, Cosine, CosSin, Gaussian, Identity, ReLU, Sigmoid, Softplus, Tanh
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.koenigs import LowDisorderLimit, koenigs, koenigs_spectrum

LOW = [Network(sigma, 1) for sigma in CATALOGUE if Network(sigma, 1).slope < 0.99]
BIASED = [Network(Tanh(), 1, 0.3), Network(ReLU(), 1, 0.2), Network(GELU(), 1, 0.3), Network(Identity(), 1, 0.4)]


@given(st.floats(0.05, 2.3), st.floats(1e-12, 2.0))
def test_gaussian_activations_have_a_closed_form(a, t):
    # S(u) = (1 - q) (1 - u^2) / 2 (1 - q u^2)
    q = a * a / (1.0 + 2.0 * a)
    square = t * (2.0 - t)
    exact = 0.5 * (1.0 - q) * square / (1.0 - q + q * square)
    kernel = koenigs(Network(Gaussian(a), 3))
    assert abs(float(kernel.complement(t)) - exact) <= kernel.rounding * exact + 1e-300


@pytest.mark.parametrize("network", LOW + BIASED, ids=lambda n: f"{label(n.activation)} {n.bias_var}")
def test_a_layer_multiplies_it_by_its_slope(network):
    kernel, b = koenigs(network), network.bias_var
    u = np.linspace(-1.0, 1.0, 41)
    # S is that of kappa composed, after k_0(u) = (1 - b) u + b: the layer acts on k_0
    image = (network.layer((1.0 - b) * u + b) - b) / (1.0 - b)
    t = network.layer_complement((1.0 - b) * (1.0 - u)) / (1.0 - b)
    assert np.abs(kernel.complement(t) - network.slope * kernel.complement(1.0 - u)).max() < kernel.rounding
    assert np.abs(1.0 - image - t).max() < 1e-13
    assert abs(float(kernel.complement(1e-20)) / 1e-20 - 1.0) < 1e-8  # S'(1) = -1; t^(1/2) beside t with a kink
    assert float(kernel(1.0)) == kernel.level
    assert float(kernel.derivative(1.0)) == pytest.approx(1.0, rel=1e-11)


@pytest.mark.parametrize("dim", [2, 5])
@pytest.mark.parametrize("network", LOW, ids=lambda n: label(n.activation))
def test_its_law_has_the_energy_of_a_unit_slope_and_no_monopole(network, dim):
    s = koenigs_spectrum(network, 120, dim=dim)
    assert s.cl[0] == s.error[0] == 0.0
    assert abs(s.law.sum() + s.tail - 1.0) < 1e-10
    # sum of ell (ell + d - 1) D_ell = d (-S'(1)); quadrature's errors of 1e-15 n_ell weigh with ell^2
    energy = s.variance * float(np.sum(s.law * s.ell * (s.ell + dim - 1.0)))
    assert abs(energy / dim - 1.0) < 1e-8


def test_the_second_multipole_of_a_gaussian_activation():
    s = koenigs_spectrum(Network(Gaussian(2.0), 1), 40)
    # 5/2 int -S P_2 du for S = (1 - u^2) / 10 (1 - 4 u^2 / 5), by elementary integration
    r = np.sqrt(0.8)
    i0, i2 = np.arctanh(r) / r, (np.arctanh(r) / r - 1.0) / 0.8
    i4 = (i2 - 1.0 / 3.0) / 0.8
    exact = -2.5 * 0.1 * (-i0 + 4.0 * i2 - 3.0 * i4)
    assert abs(s.variance * s.law[2] - exact) < 1e-14
    assert round(exact, 8) == 0.04303701


@pytest.mark.parametrize(
    ("network", "routes"),
    [(Network(CosSin(0.6), 1), ("contour", "quadrature", "series")), (Network(Sigmoid(), 1), ("quadrature", "series"))],
    ids=str,
)
def test_the_routes_agree(network, routes):
    spectra = [angular_spectrum(koenigs(network), 20, method=route) for route in routes]
    for s in spectra[1:]:
        good = np.isfinite(s.error + spectra[0].error)
        slack = (s.error + spectra[0].error)[good] * spectra[0].cl[good]
        assert (np.abs(s.cl - spectra[0].cl)[good] <= slack).all()
        assert good[:10].all()


@pytest.mark.parametrize(
    "network",
    [Network(Cosine(0.8), 1), Network(Softplus(), 1), Network(GELU(), 1, 0.3), Network(ReLU(), 1, 0.2)],
    ids=str,
)
def test_deep_spectra_tend_to_it_like_the_slope_to_the_depth(network):
    limit = angular_spectrum(koenigs(network), 12, method="quadrature")
    shares = limit.variance * limit.law[1:]
    beta = min(2.0, network.cri)
    apart = []
    for depth in (12, 24):
        deep = NNGP(Network(network.activation, depth, network.bias_var))
        law = angular_spectrum(deep, 12, method="quadrature").law[1:] / deep.slope_at_one
        apart.append(np.abs(law - shares).max())
    # the next term of 1 - kappa is of relative order t^(beta - 1), t ~ q^L
    ratio = network.slope ** (12 * (beta - 1.0))
    assert 0.6 * ratio < apart[1] / apart[0] < 1.6 * ratio or apart[1] < 1e-13


def test_derivatives_are_those_of_the_coefficients():
    kernel = koenigs(Network(CosSin(0.6), 1))
    logs, rest = kernel.log_coefficients(400)
    p = np.arange(400.0)
    values = np.exp(kernel.log_derivatives(2))
    assert rest < 1e-12
    assert np.exp(logs) @ p == pytest.approx(values[1], rel=1e-12)
    assert np.exp(logs) @ (p * (p - 1.0)) == pytest.approx(values[2], rel=1e-12)
    assert values[0] == pytest.approx(kernel.level)


@pytest.mark.parametrize(
    "network", [Network(Sigmoid(), 3), Network(Gaussian(2.0), 20), Network(GELU(), 40, 0.3)], ids=str
)
def test_predictions_hold_at_depth(network):
    law = LowDisorderLimit(network)
    s = angular_spectrum(NNGP(network), 40, method="quadrature")
    k = np.arange(12)
    computed = 1.0 - np.cumsum(s.law)[k]
    # relative error C q^L with C = kappa''(1) / 2 q (1 - q) or less, see the test above
    bend = network.derivatives(2)[2] / network.derivatives(1)[1]
    assert np.abs(law.beyond(k) - computed).max() < bend * law.beyond(0) * network.slope**network.depth + 1e-14
    assert abs(law.atom - s.law[0]) < bend * law.beyond(0) * network.slope**network.depth + 1e-14
    eta = 1.5 * float(law.beyond(2))
    assert law.effective_support(eta) == law.quantile(1.0 - eta) == s.effective_support(eta)


def test_kinks_leave_a_tail_that_supports_know():
    law = LowDisorderLimit(Network(ReLU(), 20, 0.4))
    k = law.effective_support(1e-10)
    assert k > 31
    assert law.beyond(k) <= 1e-10 < law.beyond(k - 1.0)
    assert law.beyond([-1.0, 0.0, 0.5]).tolist() == [1.0, law.beyond(0), law.beyond(0)]
    assert (law.cdf(k) + law.beyond(k), law.scale) == (1.0, 1.0)


def test_what_is_not_low_disorder_is_refused():
    with pytest.raises(ValueError, match="not low-disorder but sparse"):
        koenigs(Network(ReLU(), 3))
    with pytest.raises(ValueError, match="not low-disorder but high"):
        LowDisorderLimit(Network(Tanh(), 3))
    with pytest.raises(ValueError, match="so close to 1"):
        koenigs(Network(CosSin(0.999), 1))
    law = LowDisorderLimit(Network(Sigmoid(), 2))
    with pytest.raises(ValueError, match="eta = 2"):
        law.effective_support(2.0)
    with pytest.raises(ValueError, match="p = 0"):
        law.quantile(0.0)
    with pytest.raises(ValueError, match="up to ell = 10\\^4, not 100000"):
        law.beyond(1e5)
