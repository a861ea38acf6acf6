"""A network, a width and unit rows in, the empirical tangent kernel of one random finite network out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from sphfield.fields.finite import layer_widths
from sphfield.fields.gaussian import normals
from sphfield.learning.derivatives import derivative
from sphfield.networks.network import Network
from sphfield.spectra.rows import check_unit_rows
from sphfield.typing import Array

__all__ = ["Scales", "empirical_ntk", "random_layers", "tangent_gram"]

UNITS = 2048  # of a hidden layer whose products are summed at once
Layers = Sequence[tuple[Array, Array]]


class Scales(NamedTuple):
    """What multiplies weights and biases of unit variance, as in Murray et al. (arXiv 2211.07844).

    Weights of the first layer by gamma_w and its biases by gamma_b; later weights by sigma_w over the root of the
    number of units that they sum over, and biases by sigma_b.
    """

    gamma_w: float
    gamma_b: float
    sigma_w: float
    sigma_b: float

    @classmethod
    def of(cls, network: Network) -> Scales:
        """Those that give unit variance in every layer, the share ``bias_var`` of it in biases.

        Examples
        --------
        >>> from sphfield import ReLU
        >>> Scales.of(Network(ReLU(), depth=1)).sigma_w ** 2
        2.0000000000000004
        """
        b = network.bias_var
        return cls(float(np.sqrt(1.0 - b)), float(np.sqrt(b)), float(np.sqrt(network.gain)), float(np.sqrt(b)))


def empirical_ntk(
    network: Network,
    width: int | Sequence[int],
    x: Any,
    rng: np.random.Generator,
    *,
    scales: Scales | None = None,
) -> Array:
    r"""Tangent kernel :math:`\langle \nabla f(x_i), \nabla f(x_j) \rangle` of one random network of finite width.

    .. math:: f^{(1)} = \gamma_w W^{(1)} x + \gamma_b b^{(1)}, \qquad
        f^{(l)} = \frac{\sigma_w}{\sqrt{m_{l-1}}} W^{(l)} \phi(f^{(l-1)}) + \sigma_b b^{(l)},

    all entries of W and b standard normal, the gradient taken in all of them, one output. As the widths grow it tends
    to ``NTK(network)``; at depth 1 that is its mean at any width.

    Parameters
    ----------
    network
        Activation, depth and bias variance.
    width
        Units in every hidden layer, or one number for each.
    x : array_like, shape (n, d)
        Unit rows.
    rng
        Source of the weights; on S^2 the same generator gives the network that `FiniteNetwork` draws.
    scales
        Other scales than those of unit variance.

    Returns
    -------
    array, shape (n, n)
        Exact to rounding, 1e-12 of its trace.

    Raises
    ------
    ValueError
        If rows are not of norm 1, a width is below 1, or the activation jumps.

    Examples
    --------
    >>> from sphfield import NTK, ReLU
    >>> x = np.eye(3)
    >>> empirical = empirical_ntk(Network(ReLU(), depth=2), 2000, x, np.random.default_rng(0))
    >>> empirical.round(2)[0].tolist(), NTK(Network(ReLU(), depth=2))(x[0]).round(2).tolist()
    ([2.62, 0.6, 0.62], [3.0, 0.69, 0.69])
    """
    x = check_unit_rows(x)
    layers = random_layers(network, width, x.shape[1], rng)
    return tangent_gram(network, layers, x, scales=scales)


def random_layers(
    network: Network, width: int | Sequence[int], inputs: int, rng: np.random.Generator
) -> list[tuple[Array, Array]]:
    """Standard normal weights (fan_in, fan_out) and biases (fan_out,) of every layer, drawn in this order."""
    sizes = [inputs, *layer_widths(width, network.depth), 1]
    return [(normals((fan_in, fan_out), rng), normals((fan_out,), rng)) for fan_in, fan_out in pairwise(sizes)]


def tangent_gram(network: Network, layers: Layers, x: Any, *, scales: Scales | None = None) -> Array:
    r"""Tangent kernel of a network with these weights, by products of matrices: no gradient is ever formed.

    With outputs :math:`h^{(l)}` of layer l and :math:`g^{(l)} = \partial f / \partial h^{(l)}`, row by row of x,

    .. math:: \Theta = \sum_l G_l \odot g^{(l)} g^{(l)T}, \qquad
        G_l = \frac{\sigma_w^2}{m_{l-1}} \phi(h^{(l-1)}) \phi(h^{(l-1)})^T + \sigma_b^2,

    and for the first layer :math:`\gamma_w^2 X X^T + \gamma_b^2`.

    Parameters
    ----------
    layers : sequence of (weights, biases)
        Unscaled, as from `random_layers`.
    """
    x, scales = check_unit_rows(x), scales or Scales.of(network)
    slope = derivative(network.activation)
    inputs = scales.gamma_w**2 * (x @ x.T) + scales.gamma_b**2
    if len(layers) == 1:
        return np.asarray(inputs)
    (weights, bias), *later = layers
    shares = [scales.sigma_w / np.sqrt(len(w)) for w, _ in later]
    if len(later) == 1:
        forward, backward = _one_hidden(network, layers, x, scales)
        return np.asarray(shares[0] ** 2 * (forward + inputs * backward) + scales.sigma_b**2)
    h = [scales.gamma_w * (x @ weights) + scales.gamma_b * bias]
    for share, (weights, bias) in zip(shares[:-1], later[:-1], strict=True):
        h.append(share * (network.activation(h[-1]) @ weights) + scales.sigma_b * bias)
    total, g = np.zeros_like(inputs), np.ones((len(x), 1))
    for share, (weights, _), at in zip(shares[::-1], later[::-1], h[::-1], strict=True):
        hidden = network.activation(at)
        total += (share**2 * (hidden @ hidden.T) + scales.sigma_b**2) * (g @ g.T)
        g = share * (g @ weights.T) * slope(at)
    return np.asarray(total + inputs * (g @ g.T))


def _one_hidden(network: Network, layers: Layers, x: Array, scales: Scales) -> tuple[Array, Array]:
    """Products of hidden values and of derivatives, summed over blocks of units: wide layers are never held whole."""
    (weights, bias), (out, _) = layers
    slope = derivative(network.activation)
    forward, backward = np.zeros((len(x), len(x))), np.zeros((len(x), len(x)))
    for start in range(0, bias.size, UNITS):
        units = slice(start, start + UNITS)
        h = scales.gamma_w * (x @ weights[:, units]) + scales.gamma_b * bias[units]
        hidden, g = network.activation(h), slope(h) * out[units, 0]
        forward += hidden @ hidden.T
        backward += g @ g.T
    return forward, backward
