import numpy as np
import pytest

from sphfield.fields.finite import FiniteNetwork
from sphfield.learning.tangent import Scales, empirical_ntk, random_layers, tangent_gram
from sphfield.networks.activations import GELU, ReLU, SiLU, Softplus, Step, Tanh
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.gram_matrix import gram
from sphfield.spectra.rows import unit_rows

X = unit_rows(np.random.default_rng(0).standard_normal((12, 5)))


def output(network, layers, x, scales):
    (weights, bias), *later = layers
    h = scales.gamma_w * x @ weights + scales.gamma_b * bias
    for weights, bias in later:
        h = scales.sigma_w / np.sqrt(len(weights)) * network.activation(h) @ weights + scales.sigma_b * bias
    return h[:, 0]


@pytest.mark.parametrize("width", [7, (5, 9), (4, 3, 6)], ids=str)
@pytest.mark.parametrize("scales", [None, Scales(0.8, 0.3, 1.3, 0.7)], ids=["unit", "others"])
def test_the_tangent_kernel_is_that_of_gradients_by_differences(width, scales):
    network = Network(Tanh(), 1 if isinstance(width, int) else len(width), 0.2)
    layers = random_layers(network, width, 5, np.random.default_rng(1))
    scales_used = scales or Scales.of(network)
    gradients, h = [], 1e-4
    for at in (array for layer in layers for array in layer):
        for i in np.ndindex(at.shape):
            kept = at[i]
            values = []
            for step in (-2, -1, 1, 2):
                at[i] = kept + step * h
                values.append(output(network, layers, X, scales_used))
            at[i] = kept
            gradients.append((8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * h))
    expected = np.transpose(gradients) @ np.array(gradients)
    # fourth-order differences: 1e-16 of rounding over h, some 200 parameters
    np.testing.assert_allclose(tangent_gram(network, layers, X, scales=scales), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "sigma"), [("relu", ReLU()), ("tanh", Tanh()), ("silu", SiLU()), ("softplus", Softplus())]
)
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_the_tangent_kernel_is_that_of_automatic_differentiation(name, sigma, depth):
    jax = pytest.importorskip("jax", reason="the extra `train` is not installed")
    with jax.enable_x64(True):
        network = Network(sigma, depth, 0.15)
        layers = random_layers(network, 40, 5, np.random.default_rng(2))
        scales = Scales.of(network)

        def function(layers):
            (weights, bias), *later = layers
            h = scales.gamma_w * X @ weights + scales.gamma_b * bias
            for weights, bias in later:
                share = scales.sigma_w / len(weights) ** 0.5
                h = share * getattr(jax.nn, name)(h) @ weights + scales.sigma_b * bias
            return h[:, 0]

        jacobian = jax.tree.leaves(jax.jacrev(function)(layers))
        flat = np.hstack([np.asarray(part).reshape(len(X), -1) for part in jacobian])
    expected = flat @ flat.T
    # both are sums of some 7000 products in double precision
    np.testing.assert_allclose(tangent_gram(network, layers, X), expected, rtol=0, atol=1e-12 * np.trace(expected))


def test_on_the_sphere_a_generator_gives_the_network_whose_maps_are_drawn():
    network, points = Network(GELU(), 2, 0.1), unit_rows(np.random.default_rng(3).standard_normal((9, 3)))
    layers = random_layers(network, (6, 8), 3, np.random.default_rng(4))
    drawn = FiniteNetwork(network, (6, 8), 1).at(points, np.random.default_rng(4))
    np.testing.assert_allclose(output(network, layers, points, Scales.of(network)), drawn, rtol=1e-12)


def test_the_network_is_drawn_from_the_generator_and_nothing_else():
    network = Network(Tanh(), 2)
    first, second = (empirical_ntk(network, 20, X, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    layers = random_layers(network, 20, 5, np.random.default_rng(5))
    np.testing.assert_array_equal(first, tangent_gram(network, layers, X))


@pytest.mark.parametrize("sigma", [ReLU(), Tanh(), GELU()], ids=repr)
@pytest.mark.parametrize("bias", [0.0, 0.3])
def test_with_one_hidden_layer_the_mean_is_the_infinite_kernel_at_any_width(sigma, bias):
    network, rng = Network(sigma, 1, bias), np.random.default_rng(6)
    sample = np.array([empirical_ntk(network, 8, X, rng) for _ in range(2000)])
    error = sample.std(axis=0) / np.sqrt(len(sample))
    pulls = (sample.mean(axis=0) - gram(NTK(network), X)) / error
    # 78 different entries, of 2000 draws: one beyond 5 by chance in some 20 000 seeds
    assert np.abs(pulls).max() < 5


def test_without_hidden_layers_the_kernel_is_linear_and_not_random():
    network = Network(ReLU(), 0, 0.25)
    np.testing.assert_allclose(
        empirical_ntk(network, 3, X, np.random.default_rng(0)), 0.75 * X @ X.T + 0.25, rtol=1e-14
    )


def test_blocks_of_units_change_nothing(monkeypatch):
    network = Network(SiLU(), 1, 0.1)
    layers = random_layers(network, 100, 5, np.random.default_rng(7))
    whole = tangent_gram(network, layers, X)
    monkeypatch.setattr("sphfield.learning.tangent.UNITS", 7)
    np.testing.assert_allclose(tangent_gram(network, layers, X), whole, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": 2 * X}, ValueError, r"unit_rows\(x\)"),
        ({"width": 0}, ValueError, "width = 0 is too small"),
        ({"width": (3, 3)}, ValueError, "for 2 hidden layers, the network has depth = 1"),
        ({"network": Network(Step(), 1)}, ValueError, "jumps"),
        ({"rng": 3}, TypeError, "rng = 3 is not a random generator"),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
def test_what_has_no_tangent_kernel_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        empirical_ntk(
            **{"network": Network(ReLU(), 1), "width": 4, "x": X, "rng": np.random.default_rng(0), **arguments}
        )
