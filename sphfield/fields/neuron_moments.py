"""A network of one hidden layer in, moments of the harmonic coefficients of a random neuron of it out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sphfield.fields.neuron import check_one_hidden_layer, gauss, homogeneity, neuron_coefficients
from sphfield.networks.kinks import found_kinks
from sphfield.networks.network import Network
from sphfield.typing import Array

__all__ = ["NeuronMoments", "neuron_moments"]

_REACH = 14.0  # standard deviations; exp(6z) exp(-z^2 / 2), a sixth power of exp, has its mean at 6
_STEP = 2.0  # a panel; tanh(z) and its like are analytic to |Im z| = 1.57
_NODES = (10, 15, 22, 33, 50)  # a panel, and more where a kink is inside the sphere


class NeuronMoments(NamedTuple):
    r"""Moments of :math:`h_\ell = v \lambda_\ell(r, b) / \sqrt{4\pi}`, with v the output weight at width 1.

    ``second`` is :math:`E h_\ell^2`, shape (lmax + 1,): C_ell without the output bias. ``fourth`` is
    :math:`E h_\ell^2 h_{\ell'}^2`, shape (lmax + 1, lmax + 1), ``sixth`` :math:`E h_\ell^6`, shape (lmax + 1,).
    """

    second: Array
    fourth: Array
    sixth: Array


@lru_cache(maxsize=16)
def neuron_moments(network: Network, lmax: int) -> NeuronMoments:
    """Moments over random weights and bias, by quadrature that is refined until it settles; arrays are read-only.

    Relative accuracy 1e-9 where C_ell is above 1e-10 of its largest value; below, errors of 1e-14 in
    `neuron_coefficients` show. The first call with a bias takes seconds if lmax is large.

    Raises
    ------
    ValueError
        If the network is not one of one hidden layer, or its activation varies or grows too fast.

    Examples
    --------
    >>> from sphfield import Network, ReLU
    >>> moments = neuron_moments(Network(ReLU(), 1), lmax=2)
    >>> (moments.fourth / np.outer(moments.second, moments.second)).round(9).tolist()
    [[5.0, 5.0, 5.0], [5.0, 5.0, 5.0], [5.0, 5.0, 5.0]]
    """
    check_one_hidden_layer(network)
    before = None
    for nodes in _NODES:
        found = _means(network, lmax, nodes)
        # lambda itself: it is its error that is absolute
        sizes = np.sqrt(np.concatenate([found[0], np.sqrt(np.diag(found[1])), np.cbrt(found[2])]))
        if before is not None and (np.abs(sizes - before) <= 1e-9 * sizes + 1e-14 * sizes.max()).all():
            break
        before = sizes
    else:
        raise ValueError(
            f"the moments of {network.activation!r} have not settled with {nodes} nodes a panel: it varies too fast, "
            "rescale its argument"
        )
    scale = network.gain / (4.0 * np.pi)
    moments = NeuronMoments(scale * found[0], 3.0 * scale**2 * found[1], 15.0 * scale**3 * found[2])
    for array in moments:
        array.setflags(write=False)
    return moments


def _means(network: Network, lmax: int, nodes: int) -> tuple[Array, Array, Array]:
    # E lambda^2, E lambda^2 lambda'^2, E lambda^6
    second, fourth, sixth = np.zeros(lmax + 1), np.zeros((lmax + 1, lmax + 1)), np.zeros(lmax + 1)
    degree = homogeneity(network.activation)
    grid = _grid(network, lmax, nodes) if degree is None else _directions(network, lmax, nodes)
    outside = 0.0
    for r, b, weight, last in grid:
        square = neuron_coefficients(network, r, b, lmax) ** 2
        second += square @ weight
        weighted = square * np.sqrt(weight)
        fourth += weighted @ weighted.T  # symmetric to the last bit
        sixth += square**3 @ weight
        outside = max(outside, float(np.max(square[:, last] ** 3 @ weight[last])))
    if outside > 1e-9 * sixth.max():
        raise ValueError(
            f"{network.activation!r} grows too fast: the sixth moment of a neuron must exist, within {_REACH:.0f} "
            "standard deviations; rescale its argument"
        )
    if degree is not None:  # E R^(2 k), E R^(4 k), E R^(6 k) of a chi-distributed length in four dimensions
        radial = [2.0 ** (p * degree) * special.gamma(p * degree + 2.0) for p in (1, 2, 3)]
        return radial[0] * second, radial[1] * fourth, radial[2] * sixth
    return second, fourth, sixth


Nodes = Iterator[tuple[Array, Array, Array, NDArray[np.bool_]]]
"""r, b, their weights in a mean over neurons, and whether they are on the last panel."""


def _directions(network: Network, lmax: int, nodes: int) -> Nodes:
    # a homogeneous activation makes lambda a power of the length of the four normals (weights, bias) times a function
    # of their latitude psi, in which the kink at 0 is inside the sphere while |b| < r, at the cosine -b / r
    spread, shift = np.sqrt(1.0 - network.bias_var), np.sqrt(network.bias_var)
    inside = np.arctan2(spread * np.linspace(-1.0, 1.0, 9), shift) if shift else np.zeros(1)
    edges = np.unique(np.concatenate([inside, np.linspace(-np.pi / 2, np.pi / 2, 9)]))
    cosines = shift * np.sin(edges) / (spread * np.maximum(np.cos(edges), 1e-16))
    psi, weight = _panels(edges, 2 * nodes, lmax, cosines[None])
    density = 2.0 / np.pi * np.cos(psi) ** 2
    yield spread * np.cos(psi), shift * np.sin(psi), weight * density, np.zeros(psi.size, dtype=bool)


def _grid(network: Network, lmax: int, nodes: int) -> Nodes:
    """Where a kink at z enters the sphere, |z - b| = r, a coefficient is not analytic: there panels end.

    Inside it is about a polynomial of degree lmax + 1 in (z - b) / r, the cosine of the angle of the kink.
    """
    spread, shift = np.sqrt(1.0 - network.bias_var), np.sqrt(network.bias_var)
    kinks = np.array([place for place, _, _ in found_kinks(network.activation)])
    if shift == 0.0:
        # at cosines z / r of 1 / 8, 2 / 8 ... too: one dimension costs little
        edges = _edges(0.0, np.outer(np.abs(kinks), 8.0 / np.arange(1.0, 9.0)).ravel())
        rho, weight = _panels(edges, 2 * nodes, lmax, kinks[:, None] / np.maximum(edges, 1e-300))
        yield rho, np.zeros_like(rho), weight * _chi3(rho), rho > _REACH - _STEP
        return
    meetings = np.array([0.5 * abs(p - q) for p, q in combinations(kinks, 2)])  # two are inside beyond this r
    edges = _edges(0.0, meetings / spread)
    rhos, radial = _panels(edges, nodes, lmax, meetings[:, None] / np.maximum(spread * edges, 1e-300))
    for rho, share in zip(rhos, radial * _chi3(rhos), strict=True):
        r = spread * rho
        edges = _edges(-_REACH, np.concatenate([kinks - r, kinks + r]) / shift)
        beta, weight = _panels(edges, nodes, lmax, (kinks[:, None] - shift * edges) / r)
        density = share * np.exp(-0.5 * beta**2) / np.sqrt(2.0 * np.pi)
        yield np.full_like(beta, r), shift * beta, weight * density, np.maximum(rho, np.abs(beta)) > _REACH - _STEP


def _chi3(rho: Array) -> Array:
    density: Array = np.sqrt(2.0 / np.pi) * rho**2 * np.exp(-0.5 * rho**2)
    return density


def _edges(low: float, places: Any) -> Array:
    inside = places[(places > low) & (places < _REACH)]
    return np.unique(np.concatenate([np.arange(low, _REACH + 0.5 * _STEP, _STEP), inside]))


def _panels(edges: Array, nodes: int, lmax: int, cosines: Array) -> tuple[Array, Array]:
    # Gauss nodes and weights; where a kink moves by an angle, enough for the sixth power of a polynomial of degree
    # lmax + 1 in its cosine: 3 (lmax + 1), or less on a small part of the half circle
    angles = np.arccos(np.clip(cosines, -1.0, 1.0))
    moves = np.abs(np.diff(angles, axis=1)).max(axis=0) if angles.size else np.zeros(edges.size - 1)
    rules = [gauss(nodes + ceil((lmax + 1) * min(3.0, 2.0 * move))) for move in moves]
    width = np.diff(edges)
    x = [low + h * t for low, h, (t, _) in zip(edges[:-1], width, rules, strict=True)]
    return np.concatenate(x), np.concatenate([h * w for h, (_, w) in zip(width, rules, strict=True)])
