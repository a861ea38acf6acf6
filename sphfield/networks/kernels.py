"""NNGP(network): u -> k(u), the covariance of an infinitely wide random network, with all that is known of it.

A kernel is any function of u. One that knows more says so by optional members, which the spectra use:

* ``complement(t)``: k(1) - k(1 - t) for t in [0, 2], right to 1e-12 relative to itself
* ``continue_t(t)``: the same for complex t
* ``derivative``: the kernel k'(u)
* ``coefficients(n)``: power series: (b_p for p < n, bound on the sum of the rest)
* ``vanishes(ell)``: True where C_ell is exactly 0 by parity or degree
* ``error``: absolute error of k where it is more than rounding
* ``rounding``: relative rounding error of ``complement``
* ``slope_at_one``: k'(1)
* ``cri``: covariance regularity index: k(1 - t) = polynomial + c t**cri + ...
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sphfield.networks.hermite import dual_of
from sphfield.networks.network import Network
from sphfield.networks.series import composed
from sphfield.typing import Array

__all__ = ["NNGP", "NNGPSlope", "correlation", "distance", "layer_series", "padded"]


def correlation(u: Any) -> Array:
    """``u`` as floats in [-1, 1]; products of unit vectors may pass it by rounding."""
    values = np.asarray(u, dtype=np.float64)
    outside = ~(np.abs(values) <= 1.0 + 1e-14)
    if outside.any():
        raise ValueError(f"u = {values[outside].flat[0]} is not a cosine: kernels take u = <x, y> in [-1, 1]")
    return np.clip(values, -1.0, 1.0)


@dataclass(frozen=True)
class NNGP:
    """Covariance k(u) of the field of an infinitely wide network (neural network Gaussian process), k(1) = 1.

    Accuracy: absolute 1e-15 or better times depth; `complement` keeps that accuracy relative to itself, so that
    deep low-disorder networks, where k(u) rounds to 1, still have a spectrum.

    Examples
    --------
    >>> from sphfield import Network, ReLU
    >>> k = NNGP(Network(ReLU(), depth=1))
    >>> round(float(k(0.0)), 12)  # 1 / pi
    0.318309886184
    >>> float(k.complement(1e-30))
    1e-30
    """

    network: Network

    def __call__(self, u: Any) -> Any:
        u = correlation(u)
        even, odd = self.network.degrees()
        if even >= 0 and odd >= 0:
            return 1.0 - self.complement(1.0 - u)
        # 1 - u would round the distance from u = -1, on which a deep network varies
        mirrored = 1.0 - self.complement(1.0 - np.abs(u))
        return mirrored if odd < 0 else np.sign(u) * mirrored

    def complement(self, t: Any) -> Any:
        """1 - k(1 - t) for t in [0, 2]; relative error below 1e-12 for t <= 1.7, and at any t for odd and even kernels.

        Raises
        ------
        ValueError
            If t is outside [0, 2].
        """
        t = distance(t)
        even, odd = self.network.degrees()
        if even >= 0 and odd >= 0:
            return self._composed(t)
        # t -> 2 - t is exact in floating point for t >= 1, and what lies near t = 0 keeps its digits at any depth
        near = self._composed(np.minimum(t, 2.0 - t))
        return near if odd < 0 else np.where(t <= 1.0, near, 2.0 - near)[()]

    def continue_t(self, t: Any) -> Any:
        """`complement` for complex t = 1 - u: layer by layer, each on its principal branch.

        Raises
        ------
        ValueError
            If the activation has no closed form.

        Examples
        --------
        >>> from sphfield import CosSin, Network
        >>> k = NNGP(Network(CosSin(1.0), depth=1))
        >>> bool(np.isclose(k.continue_t(1.0 + 2.0j), 1.0 - np.exp(-1.0 - 2.0j)))
        True
        """
        t = (1.0 - self.network.bias_var) * np.asarray(t, dtype=np.complex128)
        for _ in range(self.network.depth):
            t = self.network.layer_continued(t)
        return t

    def _composed(self, t: Any) -> Any:
        t = (1.0 - self.network.bias_var) * t
        for _ in range(self.network.depth):
            t = self.network.layer_complement(t)
        return t

    @property
    def derivative(self) -> NNGPSlope:
        """The kernel k'(u)."""
        return NNGPSlope(self.network)

    @property
    def slope_at_one(self) -> float:
        """k'(1) = (1 - bias_var) kappa'(1)**depth, half the mean of ell (ell + 1) over the spectral law."""
        if self.network.depth == 0:
            return 1.0 - self.network.bias_var
        with np.errstate(over="ignore"):
            return float((1.0 - self.network.bias_var) * np.float64(self.network.slope) ** self.network.depth)

    @property
    def error(self) -> float:
        """Absolute error of k from an incomplete Hermite series, carried through the layers; 0 where it is rounding."""
        if self.network.error == 0.0 or self.network.depth == 0:
            return 0.0
        slopes = np.float64(self.network.slope) ** np.arange(self.network.depth)
        return float(min(1.0, self.network.error * slopes.sum()))

    @property
    def rounding(self) -> float:
        """Relative rounding error of `complement`: a few units in the last place for every layer."""
        layers = self.network.depth
        return 16.0 * float(np.finfo(np.float64).eps) * (layers + 1) + self.network.relative_error * layers

    @property
    def cri(self) -> float:
        """Covariance regularity index: k(1 - t) = polynomial + c t**cri + ...; ``inf`` for smooth activations."""
        return self.network.cri

    def vanishes(self, ell: Any) -> Any:
        """True where C_ell = 0 exactly: beyond the degree of the kernel, or at the parity it lacks."""
        ell = np.asarray(ell)
        even, odd = self.network.degrees()
        return np.where(ell % 2 == 0, ell > even, ell > odd)

    def coefficients(self, n: int) -> tuple[Array, float] | None:
        """Power series of k: b_p >= 0 for p < n with relative accuracy, and the sum of the rest.

        None where the Hermite coefficients of the activation are known to absolute accuracy only.

        Examples
        --------
        >>> from sphfield import CosSin, Network
        >>> NNGP(Network(CosSin(1.0), depth=1)).coefficients(3)[0].round(6).tolist()
        [0.367879, 0.367879, 0.18394]
        """
        layer = layer_series(self.network, n)
        if layer is None:
            return None
        bias = self.network.bias_var
        series = np.array([bias, 1.0 - bias])
        for depth in range(self.network.depth):
            series = layer if depth == 0 and bias == 0.0 else composed(layer, series, n)
        out = padded(series, n)
        return out, max(0.0, 1.0 - float(out.sum()))


@dataclass(frozen=True)
class NNGPSlope:
    """k'(u) of `NNGP`, itself a kernel with non-negative coefficients: (1 - b) prod_j kappa'(kappa_j(u))."""

    network: Network

    def __call__(self, u: Any) -> Any:
        return self._at(1.0 - correlation(u))

    def complement(self, t: Any) -> Any:
        """k'(1) - k'(1 - t); infinite for activations that jump."""
        return self._at(np.zeros(1))[0] - self._at(np.asarray(t, dtype=np.float64))

    def _at(self, t: Any) -> Any:
        # in t = 1 - u, since 1 - t would round the distance from u = 1 on which a deep network varies
        t = (1.0 - self.network.bias_var) * t
        total = np.full(np.shape(t), 1.0 - self.network.bias_var)
        for _ in range(self.network.depth):
            total *= self.network.layer_slope(1.0 - t)
            t = self.network.layer_complement(t)
        return total[()]


def padded(series: Array, n: int) -> Array:
    """The first n coefficients, zeros where there are fewer."""
    out = np.zeros(n)
    out[: min(n, series.size)] = series[:n]
    return out


def layer_series(network: Network, n: int) -> Array | None:
    """Kappa as a power series with relative accuracy, or None."""
    if not hasattr(network.activation, "dual_coefficients"):
        return None
    squares = dual_of(network.activation).dual_coefficients(max(n, 2))
    layer: Array = (1.0 - network.bias_var) / network.activation_variance * squares
    layer[0] += network.bias_var
    return layer


def distance(t: Any) -> Array:
    """``t`` as floats, each 1 minus a cosine."""
    values = np.asarray(t, dtype=np.float64)
    outside = ~((values >= 0.0) & (values <= 2.0))
    if outside.any():
        raise ValueError(f"t = {values[outside].flat[0]} must lie in [0, 2]: it is 1 - <x, y>")
    return values
