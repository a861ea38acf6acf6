"""A network and a width in, the random function of a finite network out: as a HEALPix map or at any points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from sphfield.fields.gaussian import normals
from sphfield.fields.pixels import check_nside, pixel_centres, whole
from sphfield.typing import Array

if TYPE_CHECKING:
    from sphfield.networks.network import Network

__all__ = ["FiniteNetwork"]

BLOCK = 4096  # points evaluated at once: at width 512 the hidden layer takes 16 MB


@dataclass(frozen=True)
class FiniteNetwork:
    r"""Random fully connected network of finite width on the sphere, a sampler rng -> map.

    :math:`T_0 = W^{(0)} x + b^{(0)}`, :math:`T_s = W^{(s)} \sigma(T_{s-1}) + b^{(s)}` for s = 1 ... depth, with one
    output, :math:`W^{(0)} \sim N(0, 1 - \Gamma_b)`, :math:`W^{(s)} \sim N(0, \Gamma_W / n_s)` for :math:`n_s` units in
    hidden layer s, :math:`\Gamma_W = (1 - \Gamma_b) / E[\sigma(Z)^2]` and biases from :math:`N(0, \Gamma_b)`, where
    :math:`\Gamma_b` is ``network.bias_var`` (arXiv 2405.09541; see docs/theory.md). Up to depth 1 the covariance is the
    infinite network's at every width, although the field is not Gaussian; deeper, only as the width grows. What is
    known exactly of the power of such maps is in `sphfield.fields.finite_laws`.

    Parameters
    ----------
    network : Network
        Activation, depth and bias variance.
    width : int or sequence of int
        Units in every hidden layer, at least 1, or one number for each of them.
    nside : int
        Resolution of the maps, a power of two from 1 to 8192; it does not enter the weights.

    Raises
    ------
    ValueError
        If a width is below 1, their number is not the depth, or ``nside`` is no power of two from 1 to 8192.

    Examples
    --------
    >>> from sphfield import Network, ReLU
    >>> net = FiniteNetwork(Network(ReLU(), depth=2), width=8, nside=4)
    >>> m = net(np.random.default_rng(0))
    >>> m.shape, bool(np.allclose(m, net.at(pixel_centres(4), np.random.default_rng(0))))
    ((192,), True)
    """

    network: Network
    width: int | Sequence[int]
    nside: int

    def __post_init__(self) -> None:
        widths = layer_widths(self.width, self.network.depth)
        object.__setattr__(self, "width", widths if np.ndim(self.width) else int(self.width))  # type: ignore[arg-type]
        object.__setattr__(self, "nside", check_nside(self.nside))

    def __call__(self, rng: np.random.Generator) -> Array:
        """A map, shape (12 nside**2,), RING order."""
        return self.at(pixel_centres(self.nside), rng)

    def at(self, points: Any, rng: np.random.Generator) -> Array:
        """The same function at unit vectors: (n, 3) -> (n,).

        Raises
        ------
        ValueError
            If ``points`` has another shape or holds vectors off the unit sphere.
        """
        x = np.ascontiguousarray(points, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != 3:
            raise ValueError(f"points has shape {x.shape}: give unit vectors, of shape (n, 3)")
        if not np.allclose(np.sum(x * x, axis=1), 1.0, rtol=0.0, atol=1e-9):
            raise ValueError("points has vectors off the unit sphere: divide each by its norm")
        layers = self._layers(rng)
        out = np.empty(len(x))
        for start in range(0, len(x), BLOCK):
            out[start : start + BLOCK] = self._forward(x[start : start + BLOCK], layers)
        return out

    @property
    def widths(self) -> tuple[int, ...]:
        """Units in each hidden layer."""
        return layer_widths(self.width, self.network.depth)

    @cached_property
    def _gain(self) -> float:
        # Gamma_W; asked for once, since E[sigma(Z)^2] may be an integral
        return (1.0 - self.network.bias_var) / self.network.activation_variance

    def _layers(self, rng: np.random.Generator) -> list[tuple[Array, Array]]:
        # biases are drawn at variance 0 too, so that a seed has the same weights at every bias_var
        net, sizes = self.network, [3, *self.widths, 1]
        bias_std = np.sqrt(net.bias_var)
        layers = []
        for s, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            variance = self._gain / fan_in if s else 1.0 - net.bias_var
            weights = np.sqrt(variance) * normals((fan_in, fan_out), rng)
            layers.append((weights, bias_std * normals((fan_out,), rng)))
        return layers

    def _forward(self, x: Array, layers: list[tuple[Array, Array]]) -> Array:
        (weights, bias), *hidden = layers
        h: Array = x @ weights + bias
        for weights, bias in hidden:
            h = self.network.activation(h) @ weights + bias
        return h[:, 0]


def layer_widths(width: int | Sequence[int], depth: int) -> tuple[int, ...]:
    """Units in each of ``depth`` hidden layers, from one number for all or one for each.

    Raises
    ------
    TypeError, ValueError
        If a width is not an integer or below 1, or their number is not the depth.

    Examples
    --------
    >>> layer_widths(8, depth=2), layer_widths([8, 16], depth=2)
    ((8, 8), (8, 16))
    """
    if np.ndim(width) == 0:
        return depth * (whole("width", width, 1),)
    widths = tuple(whole(f"width[{s}]", units, 1) for s, units in enumerate(width))  # type: ignore[arg-type]
    if len(widths) != depth:
        raise ValueError(
            f"width = {widths} is for {len(widths)} hidden layers, the network has depth = {depth}: "
            "give one number for all layers, or one for each"
        )
    return widths
