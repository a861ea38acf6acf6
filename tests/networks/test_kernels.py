import math
import pickle

import mpmath as mp
import numpy as np
import pytest
from catalogue import CATALOGUE, CLOSED, FINITE, label
from exact import dual
from hypothesis import given, settings
from hypothesis import strategies as st

from sphfield.networks.activations import (
    Cosine,
    Erf,
    Gaussian,
    LeakyReLU,
    ReLU,
    RePU,
    Sine,
    Tanh,
)
from sphfield.networks.hermite import dual_of
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network, Regime

PRINTED = [s for s in CLOSED if not (isinstance(s, RePU) and s.k > 3)]
# every activation that is low-disorder or sparse, and whose slope is a double: the others are what depth amplifies
CALM = [s for s in CATALOGUE if Network(s, 1).regime() in (Regime.LOW, Regime.SPARSE, Regime.LINEAR)]
some_t = st.one_of(st.floats(1e-300, 1.7), st.floats(-300, 0).map(lambda x: 10.0**x))


def horner(coefficients, u):
    total = mp.mpf(0)
    for c in coefficients[::-1]:
        total = total * u + c
    return total


def exact_complement(sigma, depth, t):
    u = 1 - mp.mpf(t)
    for _ in range(depth):
        u = dual(sigma, u) / dual(sigma, 1)
    return 1 - u


@settings(max_examples=60)
@given(st.sampled_from(PRINTED), st.integers(0, 60), some_t)
def test_the_complement_is_right_relative_to_itself_at_any_depth(sigma, depth, t):
    with mp.workdps(340):
        exact = exact_complement(sigma, depth, t)
        if exact < 1e-290:
            return  # subnormal numbers have no twelve digits
        ours = mp.mpf(float(NNGP(Network(sigma, depth)).complement(t)))
        # each layer adds a few roundings and, being concave in t, amplifies none
        assert abs(ours / exact - 1) < 1e-12
        assert abs(ours / exact - 1) < 4 * NNGP(Network(sigma, depth)).rounding


@pytest.mark.parametrize("sigma", CALM, ids=label)
@pytest.mark.parametrize("depth", [1, 30, 200])
def test_deep_calm_networks_keep_twelve_digits_down_to_tiny_distances(sigma, depth):
    t = [1e-300, 1e-20, 1e-3, 0.2, 0.9, 1.7]
    kernel = NNGP(Network(sigma, depth))
    ours = kernel.complement(t)
    with mp.workdps(360):
        for distance, value in zip(t, ours, strict=True):
            if hasattr(sigma, "dual"):
                exact = exact_complement(sigma, depth, distance)
            else:  # no closed form: its series summed in arbitrary precision
                squares = [mp.mpf(float(b)) for b in dual_of(sigma).dual_coefficients(120)]
                total = mp.fsum(squares)
                u = 1 - mp.mpf(distance)
                for _ in range(depth):
                    u = horner(squares, u) / total
                exact = 1 - u
            if exact > 1e-290:  # subnormal numbers have no twelve digits
                assert abs(mp.mpf(float(value)) / exact - 1) < 1e-12, distance


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


@pytest.mark.parametrize("sigma", CATALOGUE, ids=label)
@pytest.mark.parametrize("bias", [0.0, 0.2])
def test_the_power_series_sums_to_the_kernel(sigma, bias):
    kernel = NNGP(Network(sigma, 3, bias))
    if kernel.coefficients(2) is None:
        pytest.skip("no Hermite coefficients to relative accuracy")
    b, rest = kernel.coefficients(600)
    assert (b >= 0).all()
    u = np.linspace(-0.7, 0.7, 15)
    # what is left out of each layer, and 0.7^600
    left_out = max(rest, 1e-15) if dual_of(sigma).kinks else 1e-14
    np.testing.assert_allclose((b * u[:, None] ** np.arange(600)).sum(axis=1), kernel(u), rtol=0, atol=2 * left_out)


@pytest.mark.parametrize("sigma", FINITE, ids=label)
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


@pytest.mark.parametrize("sigma", PRINTED, ids=label)
@pytest.mark.parametrize("depth", [1, 2])
def test_closed_forms_continue_to_complex_arguments(sigma, depth):
    kernel = NNGP(Network(sigma, depth))
    t = np.array([0.1, 0.5, 0.9])
    np.testing.assert_allclose(kernel.continue_t(t), kernel.complement(t), rtol=1e-12)
    # Cauchy-Riemann off the real axis: along and across it the derivative is the same, to h^2
    t, h = np.array([0.4 + 0.2j, 1.0 - 0.3j, 1.5 + 0.3j]), 1e-4
    along = (kernel.continue_t(t + h) - kernel.continue_t(t - h)) / (2 * h)
    across = (kernel.continue_t(t + 1j * h) - kernel.continue_t(t - 1j * h)) / (2j * h)
    np.testing.assert_allclose(along, across, rtol=1e-4, atol=1e-6)


def test_unit_vectors_may_pass_one_by_rounding():
    kernel = NNGP(Network(ReLU(), 2))
    assert kernel(1.0000000000000002) == kernel(1.0)
    assert kernel(-1.0000000000000002) == kernel(-1.0)


def test_coefficients_of_deep_kinked_kernels_are_cut_where_they_are_not_right():
    # by a longer composition, of which the first terms are right, in place of exact values
    for network in (Network(ReLU(), 3), Network(ReLU(), 3, 0.5), Network(ReLU(), 12)):
        few, rest = NNGP(network).log_coefficients(512)
        many, _ = NNGP(network).log_coefficients(4096)
        assert 16 <= few.size <= 512
        np.testing.assert_allclose(few, many[: few.size], rtol=1e-12, atol=1e-11)
        assert rest == pytest.approx(1.0 - np.exp(few).sum(), rel=1e-12)
    assert NNGP(Network(ReLU(), 1000)).log_coefficients(512) is None
