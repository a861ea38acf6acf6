"""NNGP(network): u -> k(u), the covariance of an infinitely wide random network, with all that is known of it.

A kernel is any function of u. One that knows more says so by optional members, which the spectra use:

* ``complement(t)``: k(1) - k(1 - t) for t in [0, 2], right to 1e-12 relative to itself
* ``continue_t(t)``: the same for complex t
* ``height``: Re zeta, u = cosh(zeta), to which these have all their digits; 2 if absent
* ``bias``: k is a function of v = (1 - bias) u + bias, by which the next two members are meant
* ``rise(t)`` and ``rise_south(t)``: k at v = 1 - t and v = -1 + t, less k at u = 0, for complex t, relative to
  themselves
* ``branch``: v - 1 at the first singularity of k beyond v = 1: 0 with a kink, inf if entire, None if not known
* ``derivative``: the kernel k'(u)
* ``coefficients(n)``: power series: (b_p for p < n, bound on the sum of the rest), and ``log_coefficients(n)``: the
  same with log b_p, to full relative accuracy below 1e-308 too
* ``series_cost(n)``: operations that takes; ``series_rounding``: relative error of b_p, over p
* ``vanishes(ell)``: True where C_ell is exactly 0 by parity or degree
* ``error``: absolute error of k where it is more than rounding
* ``rounding``: relative rounding error of ``complement``
* ``slope_at_one``: k'(1); ``log_derivatives(r)``: logarithms of the derivatives at u = 1 of orders 0 ... r
* ``cri``: covariance regularity index: k(1 - t) = polynomial + c t**cri + ...
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sphfield.networks.continuation import branch_of, layer_apart, layer_continued, layer_south
from sphfield.networks.network import Network
from sphfield.networks.powers import layer_series, only_power, outer_terms, right_terms
from sphfield.networks.series import composition_cost, iterated, tilt, tilted, untilted
from sphfield.typing import Array

__all__ = ["NNGP", "NNGPSlope", "correlation", "distance"]


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
            t = layer_continued(self.network, t)
        return t

    def rise(self, t: Any) -> Any:
        """Kernel at v = 1 - t, the argument of the first layer, less that at u = 0; without biases k(1 - t) - k(0).

        As `continue_t`, but relative to itself where depth has levelled k out.
        """
        t = np.asarray(t, dtype=np.complex128)
        return -self._apart(t, 1.0 - self.network.bias_var, self.network.depth)

    def rise_south(self, t: Any) -> Any:
        """`rise` where the first layer's argument is -1 + t, to full accuracy in t."""
        t = np.asarray(t, dtype=np.complex128)
        network = self.network
        even, odd = network.degrees()
        if even < 0 or odd < 0:
            return -self.rise(t) if even < 0 else self.rise(t)
        if network.depth == 0:
            return self.rise(2.0 - t)
        centre = float(network.layer_complement(1.0 - network.bias_var))
        return -self._apart(layer_south(network, t), centre, network.depth - 1)

    def _apart(self, t: Any, centre: float, layers: int) -> Any:
        # `continue_t` of a point less that of u = 0; depth makes it small in the high-disorder regime
        apart = t - centre
        for _ in range(layers):
            t, image = layer_continued(self.network, t), float(self.network.layer_complement(centre))
            apart, centre = layer_apart(self.network, centre, apart, t - image), image
        return apart

    @property
    def branch(self) -> float | None:
        """How far beyond 1 k is first singular in (1 - bias) u + bias: 0 with a kink, inf if k is entire.

        None if k is not continued.
        """
        return branch_of(self.network)

    @property
    def height(self) -> float:
        """Re zeta, u = cosh(zeta), to which k is known off the real line with all its digits."""
        return float(getattr(self.network.activation, "dual_height", 2.0))

    @property
    def bias(self) -> float:
        """Share of the variance in biases: k is a function of (1 - bias) u + bias."""
        return self.network.bias_var

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

    def log_derivatives(self, order: int) -> tuple[float, ...]:
        """Logarithms of the derivatives of k at u = 1, see `Network.log_derivatives`."""
        return self.network.log_derivatives(order)

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

        Fewer for deep or biased networks with kinks, see `log_coefficients`. None where the Hermite coefficients of the
        activation are known to absolute accuracy only.

        Examples
        --------
        >>> from sphfield import CosSin, Network
        >>> NNGP(Network(CosSin(1.0), depth=1)).coefficients(3)[0].round(6).tolist()
        [0.367879, 0.367879, 0.18394]
        """
        found = self.log_coefficients(n)
        return None if found is None else (np.exp(found[0]), found[1])

    def log_coefficients(self, n: int) -> tuple[Array, float] | None:
        """Logarithms of `coefficients`, right to a few roundings times their size, and the sum of the rest.

        Fewer than n where kappa has kinks and a constant term, since every one of its coefficients, which fall slowly,
        then counts for all powers; None if none is right.
        """
        network = self.network
        power = only_power(network)
        if power is not None:
            logs = np.where(np.arange(n) == power**network.depth, 0.0, -np.inf)
            return logs, float(power**network.depth >= n)
        layer = layer_series(network, outer_terms(network, n))
        if layer is None:
            return None
        with np.errstate(divide="ignore"):
            start = np.log(np.array([network.bias_var, 1.0 - network.bias_var]))
        if network.depth == 0:
            logs = np.concatenate([start, np.full(max(n, 2), -np.inf)])[:n]
        elif network.depth == 1 and network.bias_var == 0.0:
            logs = layer[:n]
        else:
            rate = tilt(layer)
            logs = untilted(iterated(tilted(layer, rate), tilted(start, rate), network.depth, n), rate)
            logs = logs[: right_terms(network, n, layer.size)]
            if logs.size == 0:
                return None
        return logs, max(0.0, 1.0 - float(np.exp(logs).sum()))

    def series_cost(self, n: int) -> float:
        """Operations that n coefficients take."""
        if only_power(self.network) is not None:
            return 0.0
        even, odd = self.network.degrees()
        return composition_cost(n, self.network.depth, constant=even >= 0, parity=odd < 0 or even < 0)

    @property
    def series_rounding(self) -> float:
        """Relative rounding error of the coefficient of u**p, over p."""
        if only_power(self.network) is not None:
            return 0.0
        layers = self.network.depth - 1 + (self.network.bias_var > 0.0)
        return 2.0 * float(np.finfo(np.float64).eps) * max(0, layers)


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


def distance(t: Any) -> Array:
    """``t`` as floats, each 1 minus a cosine."""
    values = np.asarray(t, dtype=np.float64)
    outside = ~((values >= 0.0) & (values <= 2.0))
    if outside.any():
        raise ValueError(f"t = {values[outside].flat[0]} must lie in [0, 2]: it is 1 - <x, y>")
    return values
