"""Network(activation, depth, bias_var): the layer map kappa of an infinitely wide network, its slope and its regime."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import factorial
from typing import Any

import numpy as np

from sphfield.networks.hermite import dual_of
from sphfield.networks.taylor import binomial_sum, composed_logs, composed_taylor, factorials, kinked_derivative
from sphfield.typing import Activation, Array

__all__ = ["Network", "Regime"]


class Regime(StrEnum):
    """What depth does to the field, decided by the slope kappa'(1) of the layer map."""

    LOW = "low-disorder"
    SPARSE = "sparse"
    HIGH = "high-disorder"
    FRACTAL = "fractal"
    LINEAR = "linear"


@dataclass(frozen=True)
class Network:
    r"""An infinitely wide random network of `depth` hidden layers on the sphere, variance 1 at every layer.

    One layer maps the correlation u of two inputs to

    .. math:: \kappa(u) = (1 - b) \frac{E[\sigma(Z)\sigma(Z')]}{E[\sigma(Z)^2]} + b,

    with b = `bias_var` and standard normal Z, Z' of correlation u. Depth 0 is the linear kernel (1 - b) u + b.

    Parameters
    ----------
    activation
        Any elementwise function; see `sphfield.networks.activations`.
    depth
        Number of hidden layers, 0 or more.
    bias_var
        Share of the variance that biases carry at every layer, in [0, 1).

    Raises
    ------
    TypeError, ValueError
        If one of these is not so; and, when first evaluated, if the activation returns NaN or another shape.

    Examples
    --------
    >>> from sphfield import ReLU
    >>> net = Network(ReLU(), depth=3)
    >>> net.regime()
    <Regime.SPARSE: 'sparse'>
    >>> net.derivatives(2)
    (1.0, 1.0, inf)
    """

    activation: Activation
    depth: int
    bias_var: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.activation, str):
            raise TypeError(f"activation = {self.activation!r} is a name: pass activation({self.activation!r})")
        if isinstance(self.activation, type) or not callable(self.activation):
            raise TypeError(
                f"activation = {self.activation!r} is not a function of an array: pass ReLU(), np.tanh, ..."
            )
        if isinstance(self.depth, bool) or not isinstance(self.depth, int | np.integer):
            raise TypeError(f"depth = {self.depth!r} must be an integer, the number of hidden layers")
        if self.depth < 0:
            raise ValueError(f"depth = {self.depth} must be 0 (linear) or more hidden layers")
        if not isinstance(self.bias_var, float | int | np.floating | np.integer):
            raise TypeError(f"bias_var = {self.bias_var!r} must be a number, a share of the variance in [0, 1)")
        if not 0.0 <= self.bias_var < 1.0:
            raise ValueError(f"bias_var = {self.bias_var} must lie in [0, 1): it is a share of the variance")
        object.__setattr__(self, "depth", int(self.depth))
        object.__setattr__(self, "bias_var", float(self.bias_var))

    @property
    def activation_variance(self) -> float:
        """E[sigma(Z)**2] for standard normal Z."""
        return _variance(self.activation)

    def layer(self, u: Any) -> Any:
        """kappa(u), u in [-1, 1]."""
        return self.bias_var + self.gain * dual_of(self.activation).dual(u)

    def layer_complement(self, t: Any) -> Any:
        """1 - kappa(1 - t) for t in [0, 2], right to rounding relative to itself."""
        return self.gain * dual_of(self.activation).dual_complement(t)

    def layer_slope_complement(self, t: Any) -> Any:
        """kappa'(1) - kappa'(1 - t), relative to itself; to 1e-13 of kappa'(1) for activations known by `PolarDual`."""
        dual = dual_of(self.activation)
        if hasattr(dual, "dual_slope_complement"):
            return self.gain * dual.dual_slope_complement(t)
        return self.gain * (dual.dual_slope(1.0) - dual.dual_slope(1.0 - t))

    def layer_slope(self, u: Any) -> Any:
        """kappa'(u), infinite at u = 1 for activations that jump."""
        return self.gain * dual_of(self.activation).dual_slope(u)

    @property
    def slope(self) -> float:
        """kappa'(1), which decides the regime."""
        kinks = dual_of(self.activation).kinks
        return np.inf if any(order == 0 for _, order, _ in kinks) else float(self.layer_slope(1.0))

    @property
    def error(self) -> float:
        """Absolute error of one layer: what an opaque activation's Hermite series misses; 0 where it is rounding."""
        return float(getattr(dual_of(self.activation), "error", 0.0))

    @property
    def relative_error(self) -> float:
        """Relative error of `layer_complement` beyond rounding; 0 for closed forms and power series."""
        return float(getattr(dual_of(self.activation), "relative_error", 0.0))

    @property
    def gain(self) -> float:
        """(1 - b) / E[sigma(Z)**2]: what a layer multiplies the dual kernel of its activation by."""
        return (1.0 - self.bias_var) / self.activation_variance

    @property
    def cri(self) -> float:
        """Covariance regularity index: r + 1/2 for a jump in the r-th derivative; each layer of steps halves it.

        Di Lillo, Marinucci, Salvi, Vigogna, arXiv 2504.06250.
        """
        layer = min((order + 0.5 for _, order, _ in dual_of(self.activation).kinks), default=np.inf)
        if self.depth == 0:
            return np.inf
        return float(layer**self.depth if layer < 1.0 else layer)

    def degrees(self) -> tuple[float, float]:
        """Largest even and largest odd power of u in the kernel of this network, -1 where there is none."""
        if self.depth == 0:
            return (0.0 if self.bias_var else -1.0, 1.0)
        even, odd = dual_of(self.activation).degrees
        with np.errstate(over="ignore"):
            highest = float(np.float64(max(even, odd)) ** self.depth)
        if highest > 2.0**50:  # parity is lost in a double
            highest = np.inf
        if self.bias_var > 0.0:
            return _both(highest)
        if odd < 0:
            return (highest, -1.0)
        if even < 0:
            return (-1.0, highest)
        return (even, odd) if self.depth == 1 else _both(highest)

    @property
    def margin(self) -> float:
        """kappa'(1) - 1: its sign is the regime, its size the distance from the critical line."""
        return self.slope - 1.0

    def regime(self) -> Regime:
        """Sparse within max(1e-9, its error) of kappa'(1) = 1.

        Raises
        ------
        ValueError
            If the slope of an opaque activation is not known well enough to tell.
        """
        slope = self.slope
        if slope == np.inf:
            return Regime.FRACTAL
        if max(dual_of(self.activation).degrees) <= 1 and abs(slope - 1.0) < 1e-12:
            return Regime.LINEAR
        if self.error > 0.0:
            raise ValueError(
                f"kappa'(1) = {slope:.3g} of {self.activation!r} is not accurate: its Hermite series leaves "
                f"{self.error:.1g} of the variance; it varies too fast, rescale its argument"
            )
        if abs(slope - 1.0) <= max(1e-9, 10.0 * self.relative_error):
            return Regime.SPARSE
        return Regime.LOW if slope < 1.0 else Regime.HIGH

    @property
    def critical_bias(self) -> float:
        """Share of the variance in biases at which kappa'(1) = 1, for this activation: 1 - 1 / kappa'(1) without bias.

        NaN for low-disorder activations, whose slope no bias can raise; 1 for those that jump.
        """
        slope = Network(self.activation, 1).slope
        return 1.0 - 1.0 / slope if slope >= 1.0 else np.nan

    def fixed_point(self) -> float:
        """u*, the correlation that depth drives any two different inputs to: 1 unless the regime is high-disorder.

        In the high-disorder regime the only solution of kappa(u) = u below 1; 0 for odd activations without bias.
        """
        if self.slope <= 1.0 or abs(self.margin) <= 1e-9:
            return 1.0
        if float(self.layer(0.0)) <= 0.0:
            return 0.0
        # kappa is convex on [0, 1]: Newton's method for kappa(u) - u from 0 rises to the root without passing it
        u = 0.0
        for _ in range(200):
            step = float((self.layer(u) - u) / (1.0 - self.layer_slope(u)))
            u += step
            if abs(step) < 1e-16:
                break
        return u

    def derivatives(self, order: int) -> tuple[float, ...]:
        """Derivatives of the kernel of this network at u = 1, of orders 0 ... `order`; ``inf`` where it has none.

        The Taylor series of one layer is composed with itself depth times; all its terms are positive, so the
        relative error stays near rounding (times depth), 1e-8 at order 2 for activations known by `PolarDual`.

        Raises
        ------
        ValueError
            If `order` is negative, or above 2 for an opaque activation with kinks that has that many derivatives.
        """
        if order < 0:
            raise ValueError(f"order = {order} must be 0 or more")
        with np.errstate(over="ignore", divide="ignore"):
            logs = np.array(self.log_derivatives(order))
            if logs[np.isfinite(logs)].max() < 500.0:  # no overflow on the way: composed as they are
                return tuple(float(x) for x in self._taylor(order) * factorials(order))
            return tuple(float(x) for x in np.exp(logs))

    def log_derivatives(self, order: int) -> tuple[float, ...]:
        """Natural logarithms of `derivatives`, for depths at which those overflow; absolute error about 1e-13 depth.

        Examples
        --------
        >>> from sphfield import Hermite
        >>> deep = Network(Hermite(2), depth=1000)  # k'(1) = 2^1000
        >>> round(float(deep.log_derivatives(1)[1] / np.log(2.0)), 9)
        1000.0
        """
        with np.errstate(divide="ignore"):
            layer = np.log(self._layer_taylor(order))
            total = np.full(order + 1, -np.inf)
            total[: order + 1][:2] = np.log([1.0, 1.0 - self.bias_var])[: order + 1]
            for _ in range(self.depth):
                total = composed_logs(layer, total)
            return tuple(float(x) for x in total + np.log(factorials(order)))

    def _taylor(self, order: int) -> Array:
        layer = np.array(self._layer_taylor(order))
        total = np.zeros(order + 1)
        total[: 2 if order else 1] = [1.0, 1.0 - self.bias_var][: order + 1]
        for _ in range(self.depth):
            total = composed_taylor(layer, total)
        return total

    def _layer_taylor(self, order: int) -> list[float]:
        # kappa^(r)(1) / r!, infinite from the order of the first singular term on
        smooth = Network(self.activation, 1).cri
        taylor = [1.0, self.slope]
        for r in range(2, order + 1):
            if r >= smooth:
                taylor.append(np.inf)
            elif np.isfinite(smooth):
                taylor.append(kinked_derivative(self.activation, r) * self.gain / factorial(r))
            else:
                taylor.append(binomial_sum(self.activation, r) * self.gain)
        return taylor[: order + 1]


@lru_cache(maxsize=256)
def _variance(activation: Activation) -> float:
    return float(dual_of(activation).dual(1.0))


def _both(highest: float) -> tuple[float, float]:
    if np.isinf(highest):
        return highest, highest
    return (highest, highest - 1.0) if highest % 2 == 0 else (highest - 1.0, highest)
