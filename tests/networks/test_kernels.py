import math
import pickle

import mpmath as mp
import numpy as np
import pytest
from exact import dual
from hypothesis import given, settings
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
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network

CLOSED = [ReLU(), LeakyReLU(0.3), Gaussian(2.0), Cosine(1.0), Sine(1.0), CosSin(1.0), Erf(1.0), GELU(), Step()]
CATALOGUE = [*CLOSED, Tanh(), Sigmoid()]
some_t = st.one_of(st.floats(1e-300, 1.7), st.floats(-300, 0).map(lambda x: 10.0**x))


def exact_complement(sigma, depth, t):
    u = 1 - mp.mpf(t)
    for _ in range(depth):
        u = dual(sigma, u) / dual(sigma, 1)
    return 1 - u


@settings(max_examples=60)
@given(st.sampled_from(CLOSED), st.integers(0, 60), some_t)
def test_the_complement_is_right_relative_to_itself_at_any_depth(sigma, depth, t):
    with mp.workdps(340):
        exact = exact_complement(sigma, depth, t)
        ours = mp.mpf(float(NNGP(Network(sigma, depth)).complement(t)))
        # each layer adds a few roundings and, being concave in t, amplifies none
        assert abs(ours / exact - 1) < 4e-16 * (depth + 3) * 4


@pytest.mark.parametrize("a", [1.0, 2.0, 1 + math.sqrt(2), 4.0])
@pytest.mark.parametrize("depth", [1, 2, 10, 40, 80, 200])
def test_the_gaussian_activation_has_its_closed_form_at_any_depth(a, depth):
    # one layer is a Moebius map of u^2, so depth has a closed form
    with mp.workdps(450):  # 1 - t must keep t
        slope = mp.mpf(a) ** 2 / (1 + 2 * mp.mpf(a))
        for t in (1e-200, 1e-30, 1e-9, 1e-3, 0.1, 0.5, 1.0, 1.3, 1.7, 2 - 1e-12):
            square = (1 - mp.mpf(t)) ** 2
            ratio = slope**depth * (square - 1) / (square - 1 / slope)
            exact = 1 - mp.sqrt((1 - ratio / slope) / (1 - ratio))
            ours = float(NNGP(Network(Gaussian(a), depth)).complement(t))
            assert abs(mp.mpf(ours) / exact - 1) < 1e-12


@given(st.sampled_from(CATALOGUE), st.integers(0, 8), st.floats(0, 0.9), st.floats(-1, 1))
def test_correlation_never_exceeds_the_variance(sigma, depth, bias, u):
    # rounding: a few units in the last place of 1 for every layer
    assert abs(NNGP(Network(sigma, depth, bias))(u)) <= 1 + 1e-15 * (depth + 1)


@pytest.mark.parametrize(
    ("u", "depth", "value"),
    [
        (-1.0, 2, 0.31830988618379067),
        (0.0, 1, 0.31830988618379067),
        (0.0, 5, 0.73594635062763665),
        (0.5, 3, 0.73812819230100052),
        (0.5, 20, 0.95526018489255615),
    ],
)
def test_deep_relu_kernels_agree_with_published_recursions(u, depth, value):
    assert NNGP(Network(ReLU(), depth))(u) == pytest.approx(value, abs=4e-16)


def test_reference_angles(reference):
    for u, depths in reference("angles")["deep_relu"].items():
        for depth, values in depths.items():
            assert NNGP(Network(ReLU(), int(depth)))(float(u)) == pytest.approx(float(values["nngp"]), abs=1e-15)


@given(st.sampled_from([Sine(1.0), Tanh(), Erf(1.0)]), st.integers(1, 80), st.floats(0, 1))
def test_kernels_of_odd_activations_are_odd(sigma, depth, u):
    kernel = NNGP(Network(sigma, depth))
    assert kernel(-u) == -kernel(u)


@given(st.sampled_from([Cosine(1.0), Gaussian(2.0)]), st.integers(1, 80), st.floats(0, 2))
def test_kernels_of_even_activations_are_even(sigma, depth, t):
    kernel = NNGP(Network(sigma, depth))
    # 2 - (2 - t) is not t where t < 1/2: compare with the argument that it stands for
    assert kernel.complement(2.0 - t) == kernel.complement(2.0 - (2.0 - t))


@pytest.mark.parametrize("sigma", CATALOGUE, ids=repr)
@pytest.mark.parametrize("bias", [0.0, 0.2])
def test_the_power_series_sums_to_the_kernel(sigma, bias):
    kernel = NNGP(Network(sigma, 3, bias))
    b, rest = kernel.coefficients(600)
    assert (b >= 0).all()
    u = np.linspace(-0.7, 0.7, 15)
    # what is left out of each layer, and 0.7^600
    left_out = max(rest, 1e-15) if sigma in (ReLU(), LeakyReLU(0.3), Step()) else 4e-15
    np.testing.assert_allclose((b * u[:, None] ** np.arange(600)).sum(axis=1), kernel(u), rtol=0, atol=2 * left_out)


@pytest.mark.parametrize("sigma", [s for s in CATALOGUE if s != Step()], ids=repr)
def test_the_derivative_kernel_is_the_derivative(sigma):
    kernel = NNGP(Network(sigma, 3, 0.1))
    u, h = np.linspace(-0.8, 0.8, 9), 1e-5
    # central difference: h^2 k'''/6 and rounding 1e-16 / h
    np.testing.assert_allclose(kernel.derivative(u), (kernel(u + h) - kernel(u - h)) / (2 * h), rtol=1e-8, atol=1e-10)
    assert kernel.derivative(1.0) == pytest.approx(kernel.slope_at_one, rel=1e-13)


def test_depth_zero_is_the_linear_kernel():
    u = np.linspace(-1, 1, 5)
    np.testing.assert_allclose(NNGP(Network(Tanh(), 0))(u), u, atol=1e-16)
    np.testing.assert_allclose(NNGP(Network(Tanh(), 0, 0.25))(u), 0.25 + 0.75 * u, atol=2e-16)


def test_kernels_are_values():
    one, two = NNGP(Network(LeakyReLU(0.1), 3)), NNGP(Network(LeakyReLU(0.1), 3))
    one(0.3)
    assert one == two
    assert hash(one) == hash(two)
    assert pickle.loads(pickle.dumps(one)) == two


@pytest.mark.parametrize("u", [1.0000001, -2.0, math.nan])
def test_arguments_that_are_no_cosine_are_refused(u):
    with pytest.raises(ValueError, match="is not a cosine"):
        NNGP(Network(ReLU(), 1))(u)
    with pytest.raises(ValueError, match=r"must lie in \[0, 2\]"):
        NNGP(Network(ReLU(), 1)).complement(1 - u)
