"""Networks of finite width: their covariance is theory's where it must be, and a seed is one function everywhere."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from sphfield.fields.finite import FiniteNetwork
from sphfield.fields.pixels import pixel_centres
from sphfield.networks.activations import ReLU, Tanh
from sphfield.networks.network import Network
from sphfield.provenance import describe
from sphfield.typing import Array

ANGLES = np.array([0.0, 0.3, 1.0, np.pi / 2, 2.5, np.pi])
POINTS = np.stack([np.sin(ANGLES), np.zeros(ANGLES.size), np.cos(ANGLES)], axis=1)  # the first is the north pole


def relu_layer(u: Array) -> Array:
    """(sin t + (pi - t) cos t) / pi, t = arccos u (Cho and Saul 2009)."""
    t = np.arccos(np.clip(u, -1.0, 1.0))
    return (np.sin(t) + (np.pi - t) * np.cos(t)) / np.pi


def pulls(field: FiniteNetwork, expected: Array, size: int, seed: int) -> Array:
    """Deviation of the mean of T(pole) T(x) over networks from `expected`, in standard errors."""
    rng = np.random.default_rng(seed)
    values = np.array([field.at(POINTS, rng) for _ in range(size)])
    products = values[:, :1] * values
    excess: Array = (products.mean(axis=0) - expected) / (products.std(axis=0, ddof=1) / np.sqrt(size))
    return excess


# Six pulls of standard normals beyond 4.5 happen once in 25,000 seeds.
@pytest.mark.parametrize("width", [2, 16])
def test_one_hidden_layer_has_the_covariance_of_an_infinite_one_at_any_width(width: int) -> None:
    field = FiniteNetwork(Network(ReLU(), depth=1), width, nside=1)
    assert np.abs(pulls(field, relu_layer(np.cos(ANGLES)), 5_000, seed=1)).max() < 4.5


def test_biases_enter_the_covariance_as_in_theory() -> None:
    b = 0.3
    field = FiniteNetwork(Network(ReLU(), depth=1, bias_var=b), 8, nside=1)
    expected = (1 - b) * relu_layer((1 - b) * np.cos(ANGLES) + b) + b
    assert np.abs(pulls(field, expected, 5_000, seed=2)).max() < 4.5


def test_depth_0_has_the_linear_kernel() -> None:
    field = FiniteNetwork(Network(Tanh(), depth=0, bias_var=0.25), 8, nside=1)
    assert np.abs(pulls(field, 0.75 * np.cos(ANGLES) + 0.25, 5_000, seed=3)).max() < 4.5


def test_a_homogeneous_activation_keeps_the_variance_at_any_depth_and_width() -> None:
    # E relu(sqrt(q) Z)^2 is linear in q, so each layer passes the mean of q on; only the pole: once in 150,000 seeds
    field = FiniteNetwork(Network(ReLU(), depth=3), 16, nside=1)
    assert abs(pulls(field, np.ones(6), 5_000, seed=4)[0]) < 4.5


def test_the_covariance_of_wide_deep_networks_approaches_the_composed_kernel() -> None:
    # 0.04: the correction is of order depth / width, a few times 2 / 128; and 4.5 standard errors
    expected = relu_layer(relu_layer(np.cos(ANGLES)))
    rng = np.random.default_rng(5)
    field = FiniteNetwork(Network(ReLU(), depth=2), 128, nside=1)
    values = np.array([field.at(POINTS, rng) for _ in range(4000)])
    products = values[:, :1] * values
    error = products.std(axis=0, ddof=1) / np.sqrt(len(values))
    assert (np.abs(products.mean(axis=0) - expected) < 0.04 + 4.5 * error).all()


def test_depth_0_without_biases_is_a_linear_function() -> None:
    net = FiniteNetwork(Network(Tanh(), depth=0), 8, nside=1)
    basis = net.at(np.eye(3), np.random.default_rng(6))
    assert np.allclose(net.at(pixel_centres(2), np.random.default_rng(6)), pixel_centres(2) @ basis, rtol=0, atol=1e-14)


@pytest.mark.parametrize("nside", [2, 8])
def test_a_seed_is_the_same_function_at_every_nside(nside: int) -> None:
    fine = FiniteNetwork(Network(Tanh(), depth=2, bias_var=0.1), 32, nside=16)
    coarse = FiniteNetwork(fine.network, 32, nside)
    values = fine.at(pixel_centres(nside), np.random.default_rng(7))
    # matrix products of other shapes round differently
    assert np.allclose(coarse(np.random.default_rng(7)), values, rtol=0.0, atol=1e-13)


def test_blocks_of_points_join_without_a_seam() -> None:
    net = FiniteNetwork(Network(Tanh(), depth=1), 16, nside=32)  # 12288 pixels are three blocks
    m, x = net(np.random.default_rng(8)), pixel_centres(32)
    some = np.arange(0, 12288, 97)
    assert np.allclose(m[some], net.at(x[some], np.random.default_rng(8)), rtol=0.0, atol=1e-13)


def test_a_seed_has_the_same_weights_at_every_bias_var() -> None:
    plain, biased = (FiniteNetwork(Network(Tanh(), 0, bias_var=b), 4, nside=1) for b in (0.0, 0.36))
    x = pixel_centres(1)
    odd = biased.at(x, np.random.default_rng(9)) - biased.at(-x, np.random.default_rng(9))
    assert np.allclose(odd / 2, 0.8 * plain.at(x, np.random.default_rng(9)), rtol=0.0, atol=1e-14)


def test_a_network_travels_to_another_process_and_can_be_named() -> None:
    net = FiniteNetwork(Network(ReLU(), depth=1), 4, nside=1)
    copy = pickle.loads(pickle.dumps(net))
    assert copy == net
    assert hash(copy) == hash(net)
    assert np.array_equal(copy(np.random.default_rng(0)), net(np.random.default_rng(0)))
    assert describe(net)["width"] == 4


def test_bad_arguments_are_named_with_their_remedy() -> None:
    network = Network(ReLU(), depth=1)
    with pytest.raises(ValueError, match="width = 0 is too small: give 1 or more"):
        FiniteNetwork(network, 0, nside=4)
    with pytest.raises(TypeError, match=r"width = 64\.0 is not an integer"):
        FiniteNetwork(network, 64.0, nside=4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nside = 5 is not a power of two"):
        FiniteNetwork(network, 8, nside=5)
    net = FiniteNetwork(network, 8, nside=1)
    with pytest.raises(TypeError, match="rng = 1 is not a random generator"):
        net(1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"points has shape \(3,\): give unit vectors"):
        net.at([0.0, 0.0, 1.0], np.random.default_rng(0))
    with pytest.raises(ValueError, match="vectors off the unit sphere: divide each by its norm"):
        net.at([[0.0, 0.0, 2.0]], np.random.default_rng(0))


def test_one_width_is_the_same_networks_as_that_width_in_every_layer() -> None:
    one, each = (FiniteNetwork(Network(Tanh(), depth=3), width, nside=2) for width in (8, (8, 8, 8)))
    assert np.array_equal(one(np.random.default_rng(1)), each(np.random.default_rng(1)))
    assert one.widths == each.widths == (8, 8, 8)


def test_weights_are_drawn_layer_by_layer_inputs_first() -> None:
    # a seed must stay the same network from one version to the next
    net = FiniteNetwork(Network(Tanh(), depth=2, bias_var=0.36), (5, 4), nside=1)
    z = np.random.default_rng(2).standard_normal(3 * 5 + 5 + 5 * 4 + 4 + 4 + 1)
    first, b0, second, b1, last, b2 = np.split(z, np.cumsum([15, 5, 20, 4, 4]))
    gain = 0.64 / net.network.activation_variance
    h = np.tanh(0.8 * pixel_centres(1) @ first.reshape(3, 5) + 0.6 * b0)
    h = np.tanh(np.sqrt(gain / 5) * h @ second.reshape(5, 4) + 0.6 * b1)
    expected = np.sqrt(gain / 4) * h @ last + 0.6 * b2
    assert np.allclose(net(np.random.default_rng(2)), expected, rtol=0.0, atol=1e-13)


def test_layers_of_different_widths_keep_the_variance_of_a_homogeneous_activation() -> None:
    # by chance: once in 150,000 seeds
    field = FiniteNetwork(Network(ReLU(), depth=3), (32, 4, 16), nside=1)
    assert abs(pulls(field, np.ones(6), 5_000, seed=11)[0]) < 4.5


def test_widths_of_every_kind_are_kept_as_whole_numbers() -> None:
    network = Network(ReLU(), depth=2)
    for width in ([4, 8], (4, 8), np.array([4, 8]), (np.int64(4), 8)):
        net = FiniteNetwork(network, width, nside=1)  # type: ignore[arg-type]
        assert net == FiniteNetwork(network, (4, 8), nside=1)
        assert hash(net) == hash(FiniteNetwork(network, (4, 8), nside=1))
        assert describe(net)["width"] == [4, 8]
        assert pickle.loads(pickle.dumps(net)) == net


def test_widths_that_do_not_fit_the_depth_are_refused_with_both() -> None:
    network = Network(ReLU(), depth=2)
    for width, count in (((8,), 1), ((8, 8, 8), 3), ((), 0)):
        with pytest.raises(ValueError, match=rf"for {count} hidden layers, the network has depth = 2: give one number"):
            FiniteNetwork(network, width, nside=1)
    with pytest.raises(ValueError, match=r"width\[1\] = 0 is too small: give 1 or more"):
        FiniteNetwork(network, (8, 0), nside=1)
    with pytest.raises(TypeError, match=r"width\[0\] = 8\.5 is not an integer"):
        FiniteNetwork(network, (8.5, 8), nside=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="width = 'wide' is not an integer"):
        FiniteNetwork(network, "wide", nside=1)  # type: ignore[arg-type]
