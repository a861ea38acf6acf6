import numpy as np
import pytest

from sphfield.networks.activations import GELU, CosSin, Gaussian, Hermite, ReLU, Sine
from sphfield.networks.network import Network
from sphfield.networks.powers import layer_series, only_power, outer_terms, right_terms


@pytest.mark.parametrize("sigma", [ReLU(), GELU(), CosSin(1.0), Gaussian(2.0)])
@pytest.mark.parametrize("bias", [0.0, 0.3])
def test_the_series_of_a_layer_sums_to_it(sigma, bias):
    network, u = Network(sigma, 3, bias), 0.6
    # the rest is below 0.6^200, and every term right to rounding
    assert np.exp(layer_series(network, 200)) @ u ** np.arange(200) == pytest.approx(network.layer(u), rel=1e-13)


def test_only_hermite_polynomials_are_a_single_power():
    assert only_power(Network(Hermite(3), 5)) == 3
    assert only_power(Network(Sine(1.0), 5)) is only_power(Network(Hermite(3), 5, 0.1)) is None


@pytest.mark.parametrize("network", [Network(ReLU(), 3), Network(ReLU(), 20), Network(ReLU(), 4, 0.4)])
def test_what_is_left_out_of_the_right_terms_is_nothing(network):
    # sum_{k >= K} b_k g(u)^k at u = r bounds its coefficients of u^p by r^-p, here with g the kernel of a layer less
    terms = outer_terms(network, 300)
    right = right_terms(network, 300, terms)
    assert right > 30
    many = layer_series(network, 8 * terms)[terms:]
    r = np.exp(-np.geomspace(1e-6, 5.0, 300))
    t = (1.0 - network.bias_var) * (1.0 - r)
    for _ in range(network.depth - 1):
        t = network.layer_complement(t)
    k = np.arange(terms, 8 * terms)
    left = [np.logaddexp.reduce(many + k * np.log1p(-x)) for x in t] - (right - 1.0) * np.log(r)
    assert left.min() < np.log(1e-16)


def test_smooth_layers_need_no_cut():
    assert right_terms(Network(GELU(), 50, 0.5), 400, 800) == 400
