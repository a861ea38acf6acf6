r"""Weights and bias of a neuron in, its harmonic coefficients out, for any activation.

A neuron :math:`\sigma(w \cdot x + b)` with :math:`w = r \omega` depends on x through the angle to :math:`\omega` only,
so that its harmonic coefficients are :math:`\lambda_\ell(r, b) Y_{\ell m}(\omega)` (formula of Funk and Hecke) with

.. math:: \lambda_\ell(r, b) = 2\pi \int_{-1}^1 \sigma(rt + b) P_\ell(t) dt.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ducc0
import numpy as np

from sphfield.networks.kinks import checked_values, found_kinks, panels
from sphfield.networks.network import Network
from sphfield.typing import Activation, Array

__all__ = ["homogeneity", "neuron_coefficients"]

_BLOCK = 1 << 15  # values of the activation at once: they stay in the cache


def neuron_coefficients(network: Network, r: Any, b: Any, lmax: int) -> Array:
    r""":math:`\lambda_\ell` of neurons whose weights have length r, with biases b, both of shape (n,): (lmax + 1, n).

    Exactly 0 where parity forbids a multipole. Gauss-Legendre between the kinks, with as many nodes as it takes on
    :math:`|rt + b| \le 11`: the absolute error is 1e-13 of the largest value of the activation there.

    Raises
    ------
    ValueError
        If the activation varies too fast for 500 nodes.

    Examples
    --------
    >>> from sphfield import Network, ReLU
    >>> coefficients = neuron_coefficients(Network(ReLU(), 1), [1.0, 2.0], [0.0, 0.0], lmax=3)
    >>> (coefficients / np.pi).round(12).tolist()
    [[1.0, 2.0], [0.666666666667, 1.333333333333], [0.25, 0.5], [0.0, 0.0]]
    """
    sigma, r, b = network.activation, np.asarray(r, dtype=np.float64), np.asarray(b, dtype=np.float64)
    nodes, degree = _resolution(sigma, lmax), homogeneity(sigma)
    if degree is not None and not b.any():
        out = integrals(sigma, np.ones(1), np.zeros(1), lmax, nodes) * r**degree
    else:
        out = np.empty((lmax + 1, r.size))
        block = max(1, _BLOCK // (nodes * (len(found_kinks(sigma)) + 1)))
        for start in range(0, r.size, block):
            part = slice(start, start + block)
            out[:, part] = integrals(sigma, r[part], b[part], lmax, nodes)
    ell, (even, odd) = np.arange(lmax + 1), network.degrees()
    out[np.where(ell % 2 == 0, ell > even, ell > odd)] = 0.0  # quadrature leaves rounding there
    return np.asarray(out)


def check_one_hidden_layer(network: Network) -> None:
    """A ValueError for networks of another depth, which are no sum of random neurons."""
    if network.depth != 1:
        raise ValueError(
            f"depth = {network.depth}: the law of the power is known for one hidden layer; give "
            "Network(activation, 1), or draw maps of FiniteNetwork"
        )


@lru_cache(maxsize=64)
def homogeneity(activation: Activation) -> int | None:
    """The k of an activation with sigma(cz) = c**k sigma(z) for all c > 0; None for others.

    Examples
    --------
    >>> from sphfield import RePU, Step, Tanh
    >>> homogeneity(RePU(3)), homogeneity(Step()), homogeneity(Tanh())
    (3, 0, None)
    """
    values, (z, _) = checked_values(activation), panels()
    below, above, further_below, further_above = np.asarray(activation(np.array([-1.0, 1.0, -2.0, 2.0])))
    first, second = max(abs(below), abs(above)), max(abs(further_below), abs(further_above))
    if not 0.0 < first <= second:
        return None
    degree = round(np.log2(second / first))
    power = np.where(z > 0, above, below) * np.abs(z) ** degree
    return degree if np.allclose(values, power, rtol=1e-13, atol=0.0) else None


@lru_cache(maxsize=64)
def _resolution(sigma: Activation, lmax: int) -> int:
    # nodes between kinks with which the integrals of some neurons settle
    r, b = (x.ravel() for x in np.meshgrid([0.5, 2.0, 5.0, 8.0], [-3.0, 0.0, 3.0]))
    tolerance = 1e-14 * 4.0 * np.pi * float(np.max(np.abs(sigma(np.linspace(-11.0, 11.0, 2001)))))
    before = None
    for nodes in (n + lmax // 2 for n in (12, 18, 27, 41, 62, 93, 140, 210, 315, 473)):
        found = integrals(sigma, r, b, lmax, nodes)
        if before is not None and np.max(np.abs(found - before)) <= tolerance:
            return nodes
        before = found
    raise ValueError(f"{sigma!r} varies too fast: {nodes} nodes do not resolve it on |z| <= 11; rescale its argument")


def integrals(sigma: Activation, r: Array, b: Array, lmax: int, nodes: int) -> Array:
    """`neuron_coefficients` with this number of nodes between kinks."""
    t, weight = _nodes(sigma, r, b, nodes)
    values = 2.0 * np.pi * weight * np.asarray(sigma(r[:, None] * t + b[:, None]))
    out = np.empty((lmax + 1, r.size))
    last, now = np.zeros_like(t), np.ones_like(t)
    for ell in range(lmax + 1):
        out[ell] = np.einsum("nt,nt->n", values, np.broadcast_to(now, values.shape))
        last *= -ell / (ell + 1)
        last += (2 * ell + 1) / (ell + 1) * t * now
        last, now = now, last
    return out


def _nodes(sigma: Activation, r: Array, b: Array, nodes: int) -> tuple[Array, Array]:
    # t and weights in [-1, 1], panels ending at the kinks, of shape (1, ...) if they are the same for all neurons
    kinks = np.array([place for place, _, _ in found_kinks(sigma)])
    with np.errstate(divide="ignore", invalid="ignore"):
        places = np.nan_to_num(np.clip((kinks - b[:, None]) / r[:, None], -1.0, 1.0))
    if (places == places[:1]).all():
        places = places[:1]
    ends = np.ones((len(places), 1))
    edges = np.concatenate([-ends, places, ends], axis=1)
    x, w = gauss(nodes)
    width = np.diff(edges, axis=1)[..., None]
    t = edges[:, :-1, None] + width * x
    return t.reshape(len(edges), -1), (width * w).reshape(len(edges), -1)


@lru_cache(maxsize=512)
def gauss(nodes: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    x = 0.5 - 0.5 * np.cos(ducc0.misc.GL_thetas(nodes))
    return x, ducc0.misc.GL_weights(nodes, 1) / (4.0 * np.pi)
