import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import (
    ELU,
    GELU,
    SELU,
    Abs,
    Arctan,
    Cosine,
    CosSin,
    Erf,
    Exp,
    Gaussian,
    Hermite,
    Identity,
    LeakyReLU,
    ReLU,
    RePU,
    Sigmoid,
    Sign,
    SiLU,
    Sine,
    Softplus,
    Softsign,
    Step,
    Tanh,
)
from sphfield.networks.network import Network, Regime

C = 2 / 3  # of erf(z)
GELU_VARIANCE = 1 / 3 + math.sqrt(3) / (6 * math.pi)
# E[sigma^2], kappa'(1), kappa''(1), regularity index, regime: closed forms, or 15 digits from arbitrary precision
TABLE = {
    ReLU(): (0.5, 1, math.inf, 1.5, Regime.SPARSE),
    LeakyReLU(0.3): (1.09 / 2, 1, math.inf, 1.5, Regime.SPARSE),
    Abs(): (1, 1, math.inf, 1.5, Regime.SPARSE),
    Step(): (0.5, math.inf, math.inf, 0.5, Regime.FRACTAL),
    Sign(): (1, math.inf, math.inf, 0.5, Regime.FRACTAL),
    RePU(2): (1.5, 4 / 3, 4 / 3, 2.5, Regime.HIGH),
    RePU(3): (7.5, 9 / 5, 36 / 15, 3.5, Regime.HIGH),
    Gaussian(2.0): (5**-0.5, 0.8, 0.8 + 3 * 0.64, math.inf, Regime.LOW),
    Gaussian(1 + math.sqrt(2)): ((3 + 2 * math.sqrt(2)) ** -0.5, 1, 4, math.inf, Regime.SPARSE),
    Gaussian(4.0): (1 / 3, 16 / 9, 16 / 9 + 3 * (16 / 9) ** 2, math.inf, Regime.HIGH),
    Cosine(1.0): (math.exp(-1) * math.cosh(1), math.tanh(1), 1, math.inf, Regime.LOW),
    Cosine(1.2): (math.exp(-1.44) * math.cosh(1.44), 1.44 * math.tanh(1.44), 1.2**4, math.inf, Regime.HIGH),
    Sine(1.0): (math.exp(-1) * math.sinh(1), 1 / math.tanh(1), 1, math.inf, Regime.HIGH),
    CosSin(0.5): (1, 0.25, 0.0625, math.inf, Regime.LOW),
    CosSin(1.0): (1, 1, 1, math.inf, Regime.SPARSE),
    CosSin(1.5): (1, 2.25, 5.0625, math.inf, Regime.HIGH),
    Exp(1.0): (math.exp(2), 1, 1, math.inf, Regime.SPARSE),
    Erf(1.0): (
        2 / math.pi * math.asin(C),
        C / (math.sqrt(1 - C**2) * math.asin(C)),
        C**3 / ((1 - C**2) ** 1.5 * math.asin(C)),
        math.inf,
        Regime.HIGH,
    ),
    GELU(): (
        GELU_VARIANCE,
        (1 / 3 + 2 / (3 * math.pi * math.sqrt(3))) / GELU_VARIANCE,
        math.sqrt(3) / (2 * math.pi) / GELU_VARIANCE,
        math.inf,
        Regime.HIGH,
    ),
    Tanh(): (0.394294490397841, 1.177807232304180, 0.761369532963251, math.inf, Regime.HIGH),
    Sigmoid(): (0.293379035858093, 0.152827011715594, 0.016161230979670, math.inf, Regime.LOW),
    SiLU(): (0.355775519817352, 1.066634241241915, 0.404282016119982, math.inf, Regime.HIGH),
    Softplus(): (
        0.921245908859300,
        0.318458983683693,
        0.044836241350194372 / 0.92124590885930028,
        math.inf,
        Regime.LOW,
    ),
    ELU(1.0): (
        0.644945417492924,
        1.035904718604347,
        math.exp(2) * 0.022750131948179207 / 0.644945417492924,
        2.5,
        Regime.HIGH,
    ),
    SELU(): (1, 1.071574992455799, math.inf, 1.5, Regime.HIGH),
    Arctan(): (0.449700916434902, 1.111850080190750, None, math.inf, Regime.HIGH),
    Softsign(): (0.183014021266548, 1.244010370607587, None, 2.5, Regime.HIGH),
    Identity(): (1, 1, 0, math.inf, Regime.LINEAR),
    Hermite(3): (1, 3, 6, math.inf, Regime.HIGH),
}


@pytest.mark.parametrize(("sigma", "row"), TABLE.items(), ids=lambda x: repr(x) if callable(x) else "")
def test_the_table_of_activations(sigma, row):
    variance, slope, curvature, cri, regime = row
    network = Network(sigma, 1)
    assert network.activation_variance == pytest.approx(variance, rel=4e-15)
    # 15 printed digits; 4e-13 where the slope is read off Chebyshev coefficients
    assert network.slope == pytest.approx(slope, rel=1e-12)
    assert network.cri == cri
    assert network.regime() is regime
    if curvature is not None:
        assert network.derivatives(2)[2] == pytest.approx(curvature, rel=1e-12)


def test_the_regularity_index_of_the_linear_kernel_is_infinite():
    assert Network(ReLU(), 0).cri == math.inf


@given(st.sampled_from([Gaussian(2.0), Sine(0.7), CosSin(1.0), RePU(3)]), st.integers(1, 12), st.integers(0, 3))
def test_derivatives_and_their_logarithms_agree(sigma, depth, order):
    network = Network(sigma, depth, 0.1)
    np.testing.assert_allclose(np.exp(network.log_derivatives(order)), network.derivatives(order), rtol=1e-12)


def test_derivatives_that_overflow_keep_their_logarithms():
    # q > 1: the r-th derivative grows like q^(rL)
    network = Network(Sine(1.0), 4000)
    logs = network.log_derivatives(3)
    assert logs[1] == pytest.approx(4000 * math.log(1 / math.tanh(1)), rel=1e-13)
    assert network.derivatives(1)[1] == math.inf
    assert [logs[r] / (r * logs[1]) for r in (2, 3)] == pytest.approx([1, 1], abs=1e-3)


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
        ((ReLU(), 1, "0.1"), TypeError, "bias_var = '0.1' must be a number"),
        (("relu", 1), TypeError, r"pass activation\('relu'\)"),
        ((ReLU, 1), TypeError, "is not a function of an array"),
        ((3, 1), TypeError, "activation = 3 is not a function"),
    ],
)
def test_bad_networks_are_refused_with_the_remedy(arguments, error, message):
    with pytest.raises(error, match=message):
        Network(*arguments)
