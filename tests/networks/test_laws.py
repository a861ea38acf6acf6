"""The shared laws: what holds for the kernel of any activation whatever."""

import numpy as np
import pytest
from catalogue import CATALOGUE, FINITE, KINKED, SERIES, label
from hypothesis import given, settings
from hypothesis import strategies as st

from sphfield.networks.hermite import dual_of, hermite_coefficients
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network, Regime
from sphfield.networks.ntk import NTK

EPS = np.finfo(float).eps
activations = st.sampled_from(CATALOGUE)


@given(activations, st.integers(0, 12), st.floats(0, 0.9), st.floats(-1, 1))
def test_correlation_never_exceeds_the_variance(sigma, depth, bias, u):
    kernel = NNGP(Network(sigma, depth, bias))
    assert abs(kernel(u)) <= 1 + kernel.rounding


@given(activations, st.integers(0, 12), st.floats(0, 0.9), st.floats(0, 2), st.floats(0, 2))
def test_the_complement_rises_where_the_kernel_has_no_negative_slope(sigma, depth, bias, one, other):
    kernel = NNGP(Network(sigma, depth, bias))
    near, far = sorted((one / 2, other / 2))  # u >= 0, where a series with b_p >= 0 rises
    assert kernel.complement(near) <= kernel.complement(far) * (1 + 2 * kernel.rounding) + 1e-300


@pytest.mark.parametrize("sigma", CATALOGUE, ids=label)
def test_the_dual_kernel_is_the_quadrature_of_its_definition(sigma):
    # E[sigma(Z) sigma(Z')] on a grid that ends at kinks of Z; along Z' it is smooth after the first integral.
    # Trapezoid and Gauss rules of this size leave 1e-9 for activations that jump
    u = 0.4
    x, w = np.polynomial.legendre.leggauss(40)
    ends = np.unique(np.concatenate([np.arange(-10, 10.5, 0.5), [z for z, _, _ in dual_of(sigma).kinks]]))
    half = 0.5 * np.diff(ends)[:, None]
    z = (ends[:-1, None] + half * (x + 1)).ravel()
    weight = (half * w).ravel() * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    # the mean of sigma(u z + sqrt(1 - u^2) Y) over Y, its kinks moved to y
    inner = np.empty_like(z)
    root = np.sqrt(1 - u * u)
    for i, place in enumerate(z):
        bends = [(kink - u * place) / root for kink, _, _ in dual_of(sigma).kinks]
        edges = np.unique(np.clip(np.concatenate([np.arange(-10, 10.5, 1.0), bends]), -10, 10))
        h = 0.5 * np.diff(edges)[:, None]
        y = edges[:-1, None] + h * (x + 1)
        values = sigma((u * place + root * y).ravel()).reshape(y.shape)
        inner[i] = np.sum(h * w * np.exp(-0.5 * y * y) * values) / np.sqrt(2 * np.pi)
    exact = float(np.sum(weight * sigma(z) * inner))
    assert dual_of(sigma).dual(u) == pytest.approx(exact, abs=3e-14 * dual_of(sigma).dual(1.0))


@pytest.mark.parametrize("sigma", CATALOGUE, ids=label)
def test_the_dual_kernel_starts_with_its_hermite_coefficients(sigma):
    # sum_{p<40} mu_p^2 u^p, and |u|^40 = 1e-12 of the rest
    squares = hermite_coefficients(sigma, 40) ** 2
    u = np.linspace(-0.5, 0.5, 11)
    total = dual_of(sigma).dual(1.0)
    series = (squares * u[:, None] ** np.arange(40)).sum(axis=1)
    np.testing.assert_allclose(dual_of(sigma).dual(u), series, rtol=0, atol=2e-12 * total)
    assert squares.sum() <= total * (1 + 1e-13)


@pytest.mark.parametrize("sigma", SERIES, ids=label)
def test_known_coefficients_are_those_of_quadrature(sigma):
    ours = dual_of(sigma).dual_coefficients(30)
    assert (ours >= 0).all()
    # quadrature has mu_p to 1e-15 of the norm, its square to 2e-15 mu_p
    norm = np.sqrt(dual_of(sigma).dual(1.0))
    np.testing.assert_allclose(np.sqrt(ours), np.abs(hermite_coefficients(sigma, 30)), rtol=0, atol=2e-14 * norm)


@pytest.mark.parametrize("sigma", CATALOGUE, ids=label)
def test_declared_degrees_and_kinks_are_those_that_are_found(sigma):
    def opaque(z):
        return sigma(z)

    found, declared = dual_of(opaque), dual_of(sigma)
    degrees = tuple(np.inf if 1 < d < np.inf else d for d in declared.degrees)  # polynomial parts are not looked for
    assert found.degrees == degrees
    visible = [k for k in declared.kinks if k[1] < 4]
    assert [(order, pytest.approx(jump, rel=1e-7)) for _, order, jump in visible] == [k[1:] for k in found.kinks]
    assert [k[0] for k in visible] == pytest.approx([k[0] for k in found.kinks], abs=1e-9)


@pytest.mark.parametrize("sigma", KINKED, ids=label)
def test_the_complement_starts_with_the_slope_and_the_kink(sigma):
    # (-1)^r c prod_{j=1}^r (j + 1/2) = -sqrt(2)/(2 pi) sum J^2 exp(-x^2) / variance is the t^(r+1/2) term: seen in the
    # complement once the analytic terms below it are taken off, here for r = 0 and 1
    network = Network(sigma, 1)
    order = min(r for _, r, _ in dual_of(sigma).kinks)
    if order > 1:
        pytest.skip("hidden behind analytic terms")
    weight = sum(jump**2 * np.exp(-0.5 * x * x) for x, r, jump in dual_of(sigma).kinks if r == order)
    c = -((-1.0) ** order) * np.sqrt(2) / (2 * np.pi) * weight / network.activation_variance / (1.5 if order else 1.0)
    t = 1e-6 if order else 1e-14
    analytic = network.slope * t if order else 0.0
    # next terms are relative sqrt(t); the difference from the slope costs 1e-13 / sqrt(t)
    assert (analytic - network.layer_complement(t)) / t ** (order + 0.5) == pytest.approx(c, rel=3e-3)


@settings(max_examples=50)
@given(st.sampled_from(FINITE), st.integers(0, 6), st.floats(0, 0.9), st.floats(-1, 1))
def test_the_tangent_kernel_is_the_sum_of_its_layers(sigma, depth, bias, u):
    # Theta_L = sum_s k_s prod_{j >= s} kappa'(k_j)
    network = Network(sigma, depth, bias)
    theta, k = (1 - bias) * u + bias, (1 - bias) * u + bias
    for _ in range(depth):
        k, theta = network.layer(k), network.layer(k) + theta * network.layer_slope(k)
    kernel = NTK(network)
    # this recursion rounds k, which slopes of the second order amplify
    assert kernel(u) == pytest.approx(float(theta), abs=1e-11 * kernel.at_one * (1 + network.slope) ** depth)


@settings(max_examples=50)
@given(st.sampled_from(FINITE), st.integers(0, 6), st.floats(-1, 1))
def test_the_tangent_kernel_never_exceeds_its_value_at_one(sigma, depth, u):
    kernel = NTK(Network(sigma, depth))
    assert abs(kernel(u)) <= kernel.at_one * (1 + kernel.rounding)


@pytest.mark.parametrize("sigma", CATALOGUE, ids=label)
def test_wide_finite_networks_have_this_kernel(sigma):
    # four pairs of points; 300 networks of width 400, L = 1, where the mean is exact at any width.
    # 4 standard errors on 4 numbers for each of the activations: false alarm below 4 * 6.3e-5 each, seed fixed
    network = Network(sigma, 1)
    rng = np.random.default_rng(11)
    angles = np.array([0.3, 1.0, 2.0, 3.0])
    points = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    points = np.concatenate([[[1.0, 0.0, 0.0]], points])
    z = points @ rng.standard_normal((300, 3, 400))
    values = sigma(z.ravel()).reshape(z.shape)
    if np.mean(values**4) > 100 * np.mean(values**2) ** 2:
        pytest.skip("tails too heavy for the central limit theorem at this size")
    covariance = np.mean(values[:, :1] * values[:, 1:], axis=2) / network.activation_variance  # (networks, points)
    mean, error = covariance.mean(axis=0), covariance.std(axis=0, ddof=1) / np.sqrt(len(covariance))
    assert (np.abs(mean - NNGP(network)(np.cos(angles))) < 4 * error + 1e-12).all()


@pytest.mark.parametrize("sigma", CATALOGUE, ids=label)
def test_the_fixed_point_is_one(sigma):
    network = Network(sigma, 1)
    u = network.fixed_point()
    assert 0 <= u <= 1
    assert float(network.layer(u)) == pytest.approx(u, abs=1e-13)
    if network.regime() in (Regime.HIGH, Regime.FRACTAL):
        assert u < 1
        # and depth goes there, from any two different inputs
        away = [abs(NNGP(Network(sigma, depth))(0.3) - u) for depth in (0, 100, 400)]
        assert away[2] < 1e-12 or away[2] < away[1] < away[0]
