import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import (
    GELU,
    Cosine,
    CosSin,
    Erf,
    Gaussian,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Sine,
    Step,
    Tanh,
)
from sphfield.networks.network import Network, Regime


@pytest.mark.parametrize(
    ("sigma", "slope", "regime"),
    [
        (ReLU(), 1.0, Regime.SPARSE),
        (LeakyReLU(0.3), 1.0, Regime.SPARSE),
        (LeakyReLU(1.0), 1.0, Regime.LINEAR),
        (Gaussian(2.0), 0.8, Regime.LOW),
        (Gaussian(1 + math.sqrt(2)), 1.0, Regime.SPARSE),
        (Gaussian(4.0), 16 / 9, Regime.HIGH),
        (Cosine(1.0), math.tanh(1), Regime.LOW),
        (Sine(1.0), 1 / math.tanh(1), Regime.HIGH),
        (CosSin(1.0), 1.0, Regime.SPARSE),
        (Erf(1.0), 1.225700003785691, Regime.HIGH),
        (GELU(), 1.072031598436292, Regime.HIGH),
        (Tanh(), 1.177807232304180, Regime.HIGH),
        (Sigmoid(), 0.152827011715594, Regime.LOW),
        (Step(), math.inf, Regime.FRACTAL),
    ],
    ids=repr,
)
def test_slope_and_regime_of_the_catalogue(sigma, slope, regime):
    network = Network(sigma, 1)
    assert network.slope == pytest.approx(slope, rel=4e-15)
    assert network.regime() is regime


GELU_VARIANCE = 1 / 3 + math.sqrt(3) / (6 * math.pi)
C = 2 / 3  # of erf(z)


@pytest.mark.parametrize(
    ("sigma", "curvature"),
    [
        (Gaussian(2.0), 0.8 + 3 * 0.64),
        (Cosine(1.0), 1.0),
        (Erf(1.0), C**3 / ((1 - C**2) ** 1.5 * math.asin(C))),
        (GELU(), math.sqrt(3) / (2 * math.pi) / GELU_VARIANCE),
        (Tanh(), 0.761369532963251),
    ],
)
def test_second_derivative_of_one_layer(sigma, curvature):
    assert Network(sigma, 1).derivatives(2)[2] == pytest.approx(curvature, rel=1e-13)


@given(
    st.sampled_from([Gaussian(2.0), Cosine(1.0), Sine(0.7), CosSin(1.0), GELU(), Tanh()]),
    st.integers(1, 12),
    st.floats(0, 0.9),
)
def test_derivatives_with_depth_follow_the_recursion(sigma, depth, bias):
    layer = Network(sigma, 1, bias).derivatives(2)
    start = 1 - bias
    q, curvature = Network(sigma, 1, bias).slope, layer[2] / start**2
    geometric = sum(q**j for j in range(depth))
    deep = Network(sigma, depth, bias).derivatives(2)
    # 1e-13: three roundings a layer
    assert deep[1] == pytest.approx(start * q**depth, rel=1e-13)
    assert deep[2] == pytest.approx(start**2 * curvature * q ** (depth - 1) * geometric, rel=1e-12)


def test_derivatives_of_monomials_compose():
    # He_2 has the kernel u^2, three layers u^8: r-th derivative 8! / (8 - r)!
    class Hermite2:
        def __call__(self, z):
            return z**2 - 1

    assert Network(Hermite2(), 3).derivatives(4) == pytest.approx([1, 8, 56, 336, 1680], rel=1e-12)


def test_bias_turns_high_disorder_into_low_at_the_critical_share():
    critical = 1 - 1 / Network(Tanh(), 1).slope
    assert Network(Tanh(), 5, critical).regime() is Regime.SPARSE
    assert Network(Tanh(), 5, critical + 1e-3).regime() is Regime.LOW
    assert Network(Tanh(), 5, critical - 1e-3).regime() is Regime.HIGH


def test_the_regularity_index_halves_with_each_layer_of_steps():
    assert [Network(Step(), depth).cri for depth in (1, 2, 3)] == [0.5, 0.25, 0.125]
    assert Network(ReLU(), 7).cri == 1.5
    assert Network(Tanh(), 7).cri == math.inf


def test_the_slope_of_an_unresolved_activation_is_not_called_a_regime():
    with pytest.raises(ValueError, match="varies too fast"):
        Network(lambda z: np.sin(45.0 * z), 1).regime()


def test_an_opaque_relu_is_sparse():
    assert Network(lambda z: np.maximum(z, 0.0), 3).regime() is Regime.SPARSE


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((ReLU(), -1), ValueError, "depth = -1 must be 0"),
        ((ReLU(), 1.5), TypeError, "depth = 1.5 must be an integer"),
        ((ReLU(), True), TypeError, "depth = True"),
        ((ReLU(), 1, 1.0), ValueError, r"bias_var = 1.0 must lie in \[0, 1\)"),
        ((ReLU(), 1, -0.1), ValueError, "bias_var = -0.1"),
        ((ReLU(), 1, math.nan), ValueError, "bias_var = nan"),
        (("relu", 1), TypeError, r"pass activation\('relu'\)"),
        ((ReLU, 1), TypeError, "is not a function of an array"),
        ((3, 1), TypeError, "activation = 3 is not a function"),
    ],
)
def test_bad_networks_are_refused_with_the_remedy(arguments, error, message):
    with pytest.raises(error, match=message):
        Network(*arguments)
