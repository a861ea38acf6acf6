import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import ELU, GELU, Cosine, Erf, Gaussian, ReLU, Sigmoid, Sine, Step, Tanh
from sphfield.networks.initialisation import (
    Initialisation,
    Scaled,
    edge_of_chaos,
    from_weights,
    unit_variance,
    variance_fixed_point,
)
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network, Regime


@given(st.floats(0.6, 3), st.floats(0.05, 1))
def test_erf_networks_settle_at_the_solution_of_their_closed_recursion(sigma_w, sigma_b):
    # E[erf(sqrt(q) Z)^2] = (2/pi) arcsin(2q / (1 + 2q))
    q = variance_fixed_point(Erf(1.0), sigma_w, sigma_b)
    again = sigma_w**2 * 2 / np.pi * np.arcsin(2 * q / (1 + 2 * q)) + sigma_b**2
    assert again == pytest.approx(q, rel=1e-12)


def test_relu_with_biases_has_its_fixed_point_in_closed_form():
    # q = sigma_w^2 q / 2 + sigma_b^2
    assert variance_fixed_point(ReLU(), 1.0, 0.3) == pytest.approx(0.09 / 0.5, rel=1e-12)


def test_a_rescaled_family_is_the_family_with_another_parameter():
    u = np.linspace(-1, 1, 9)
    for one, other in [
        (Scaled(Sine(1.0), 1.5), Sine(1.5)),
        (Scaled(Gaussian(1.0), 2.0), Gaussian(4.0)),
        (Scaled(Cosine(1.0), 0.5), Cosine(0.5)),
    ]:
        np.testing.assert_allclose(NNGP(Network(one, 3))(u), NNGP(Network(other, 3))(u), atol=2e-14)


def test_kinks_move_with_the_scale():
    shifted = Scaled(lambda z: np.maximum(z - 1.0, 0.0), 2.0)
    assert shifted.kinks == ((0.5, 1, 2.0),)


def test_the_order_to_chaos_transition_of_tanh():
    # Poole et al. 2016: without biases the critical line is sigma_w = 1; biases move it up
    assert from_weights(Tanh(), 1, 1.5, 0.05).regime() is Regime.HIGH
    assert from_weights(Tanh(), 1, 1.05, 0.5).regime() is Regime.LOW


def test_the_kernel_is_the_covariance_divided_by_its_variance():
    sigma_w, sigma_b, u = 1.3, 0.4, 0.3
    network = from_weights(Sigmoid(), 1, sigma_w, sigma_b)
    q = variance_fixed_point(Sigmoid(), sigma_w, sigma_b)
    # inputs of variance q: weights (q - sigma_b^2), biases sigma_b^2
    rng = np.random.default_rng(5)
    r = (1 - sigma_b**2 / q) * u + sigma_b**2 / q
    z, y = rng.standard_normal((2, 400_000))
    a, b = np.sqrt(q) * z, np.sqrt(q) * (r * z + np.sqrt(1 - r * r) * y)
    samples = sigma_w**2 * Sigmoid()(a) * Sigmoid()(b) + sigma_b**2
    # 4 standard errors, false alarm 6e-5, seed fixed
    assert abs(samples.mean() / q - NNGP(network)(u)) < 4 * samples.std() / q / np.sqrt(samples.size)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ReLU(), 1.6), "grows without bound"),
        ((ReLU(), 1.0), "dies out"),
        ((ReLU(), -1.0), "sigma_w = -1.0 must be"),
        ((Tanh(), 1.0, np.nan), "sigma_b = nan"),
        ((Tanh(), 1.0), "critical line"),
    ],
)
def test_weights_without_a_stable_variance_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        variance_fixed_point(*arguments)


@pytest.mark.parametrize("sigma", [ReLU(), Tanh(), GELU(), Sigmoid(), ELU(), np.arctan], ids=str)
@given(st.floats(0.05, 1), st.just(0.0) | st.floats(1e-6, 0.99))
def test_unit_variance_is_kept_at_every_layer(sigma, share, gamma_b):
    init = unit_variance(sigma, share * unit_variance(sigma).sigma_w, gamma_b)
    assert init.variances(sigma, 3) == (1.0, 1.0, 1.0, 1.0)
    assert init.sigma_b**2 == pytest.approx(1 - share**2, abs=1e-14)


@pytest.mark.parametrize("sigma", [Tanh(), GELU(), ReLU(), Erf(2.0), ELU(), np.arctan], ids=str)
def test_the_edge_of_chaos_is_the_network_at_its_critical_bias(sigma):
    init = edge_of_chaos(sigma, 0.3)
    # sparse networks have it without bias, to the rounding of their slope
    assert init.sigma_b**2 == pytest.approx(Network(sigma, 1).critical_bias, abs=1e-9)
    assert Network(sigma, 4, init.sigma_b**2).slope == pytest.approx(1.0, abs=1e-9)
    assert init.gamma_b == 0.3


def test_variances_follow_the_weights_where_they_are_not_one():
    # E[relu(sqrt(q) Z)^2] = q / 2
    assert Initialisation(2.0, 1.0, 1.0, 0.5).variances(ReLU(), 2) == pytest.approx((5.0, 2.75, 1.625))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: unit_variance(ReLU(), 2.0), r"sigma_w = 2.0 alone gives the variance 2: .* use sigma_w <= 1.41421356"),
        (lambda: unit_variance(ReLU(), 1.0, 1.0), "gamma_b = 1.0 must lie in"),
        (lambda: edge_of_chaos(Sigmoid()), "is 0.152827 without biases"),
        (lambda: edge_of_chaos(Step()), "has no edge of chaos"),
        (lambda: Initialisation(gamma_w=0.0), "gamma_w = 0 leaves nothing"),
        (lambda: Initialisation(sigma_b=-1.0), "sigma_b = -1.0 must be finite"),
        (lambda: Initialisation(gamma_b=1e-200), "is lost beside 1"),
    ],
)
def test_initialisations_that_cannot_be_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
