"""NTK(network): u -> Theta(u), the neural tangent kernel of an infinitely wide network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import gammaln

from sphfield.networks.continuation import layer_continued, layer_slope_continued, layer_slope_south, layer_south
from sphfield.networks.deep_series import deep_series
from sphfield.networks.kernels import NNGP, correlation, distance
from sphfield.networks.network import Network
from sphfield.networks.powers import layer_series, outer_terms, right_terms
from sphfield.networks.taylor import composed_logs
from sphfield.typing import Array

__all__ = ["NTK"]


@dataclass(frozen=True)
class NTK:
    r"""Neural tangent kernel :math:`\Theta_L` of an infinitely wide network with all weights and biases trained.

    .. math:: \Theta_0 = k_0, \qquad \Theta_{l+1}(u) = k_{l+1}(u) + \Theta_l(u)\, \kappa'(k_l(u)),

    so that :math:`\Theta_L(1) = \sum_{s=0}^{L} \kappa'(1)^{L-s}`, L + 1 for ReLU (Jacot, Gabriel, Hongler 2018).

    Parameters
    ----------
    network
        Its kappa' (1) must be finite.
    normalised
        Divide by L + 1.
    convention
        With biases, where the first hidden layer is evaluated. ``"exact"``: at the correlation of its inputs,
        k_0(u) = (1 - b) u + b. ``"paper"``: at u, with the bias of the inputs in Theta_0 only, as in Theorem 3.1 of
        Murray et al. (arXiv 2211.07844) and its code. Without biases they agree.

    Raises
    ------
    ValueError
        If kappa'(1) is infinite or an option is unknown.

    Examples
    --------
    >>> from sphfield import Network, ReLU
    >>> theta = NTK(Network(ReLU(), depth=3))
    >>> float(theta(1.0)), round(float(theta(0.0)), 12)
    (4.0, 1.060388106803)
    """

    network: Network
    normalised: bool = False
    convention: Literal["exact", "paper"] = "exact"

    def __post_init__(self) -> None:
        if self.network.slope == np.inf and self.network.depth > 0:
            raise ValueError(f"the NTK of {self.network.activation!r} is infinite: the activation jumps")
        if self.convention not in ("exact", "paper"):
            raise ValueError(f"convention = {self.convention!r} is not known: use 'exact' or 'paper'")

    @property
    def _share(self) -> float:
        return 1.0 / (self.network.depth + 1.0) if self.normalised else 1.0

    @property
    def at_one(self) -> float:
        """Theta_L(1)."""
        total = 1.0
        for _ in range(self.network.depth):
            total = 1.0 + total * self.network.slope
        return self._share * total

    def __call__(self, u: Any) -> Any:
        u = correlation(u)
        even, odd = self.network.degrees()
        if even >= 0 and odd >= 0:
            return self.at_one - self.complement(1.0 - u)
        mirrored = self.at_one - self.complement(1.0 - np.abs(u))
        return mirrored if odd < 0 else np.sign(u) * mirrored

    def complement(self, t: Any) -> Any:
        """Theta(1) - Theta(1 - t) for t in [0, 2]; a sum of positive terms, hence relative to itself as for `NNGP`."""
        t = distance(t)
        even, odd = self.network.degrees()
        if even >= 0 and odd >= 0:
            return self._share * self._composed(t)
        near = self._share * self._composed(np.minimum(t, 2.0 - t))
        return near if odd < 0 else np.where(t <= 1.0, near, 2.0 * self.at_one - near)[()]

    def _composed(self, t: Any) -> Any:
        network = self.network
        rest = (1.0 - network.bias_var) * t  # Theta_0(1) - Theta_0
        layer = t if self.convention == "paper" else rest  # where the next layer is evaluated
        at_one = 1.0
        for _ in range(network.depth):
            # k(1) - k + Theta(1) kappa'(1) - Theta kappa', the product's difference split into positive parts
            bend = network.layer_slope_complement(layer)
            layer = network.layer_complement(layer)
            rest = layer + rest * network.slope + (at_one - rest) * bend
            at_one = 1.0 + at_one * network.slope
        return rest

    @property
    def branch(self) -> float | None:
        """As `NNGP.branch`; None where kappa' is not known for complex arguments, as for ELU."""
        known = hasattr(self.network.activation, "dual_slope_complement")
        return NNGP(self.network).branch if known else None

    def rise(self, t: Any) -> Any:
        """Theta where the first layer's argument is 1 - t, less Theta at u = 0, for complex t, as `NNGP.rise`."""
        return self._at_zero - self._share * self._continued(np.asarray(t, dtype=np.complex128))

    @property
    def bias(self) -> float:
        """Theta is a function of (1 - bias) u + bias; in the paper's convention the first layer is evaluated at u."""
        return 0.0 if self.convention == "paper" else self.network.bias_var

    def rise_south(self, t: Any) -> Any:
        """`rise` where the first layer's argument is -1 + t, to full accuracy in t."""
        t = np.asarray(t, dtype=np.complex128)
        network = self.network
        even, odd = network.degrees()
        if even < 0 or odd < 0:
            return -self.rise(t) if even < 0 else self.rise(t)
        if network.depth == 0:
            return self.rise(2.0 - t)
        first = self._linear * (2.0 - t), layer_south(network, t), layer_slope_south(network, t)
        return self._at_zero - self._share * self._continued(t, first)

    @property
    def _linear(self) -> float:
        # slope of Theta_0 in the argument of the first layer
        return 1.0 - self.network.bias_var if self.convention == "paper" else 1.0

    @property
    def _at_zero(self) -> float:
        # Theta(1) - Theta(0)
        return float(self.complement(1.0))

    def _continued(self, t: Any, first: tuple[Any, Any, Any] | None = None) -> Any:
        # `_composed` for complex t; `first` is what the first layer makes of u = -1 + t: Theta_0(1) - Theta_0,
        # 1 - kappa and kappa'(1) - kappa'
        network = self.network
        rest, layer = self._linear * t, t
        at_one = 1.0
        for s in range(network.depth):
            if s == 0 and first is not None:
                rest, layer, bend = first
            else:
                bend = layer_slope_continued(network, layer)
                layer = layer_continued(network, layer)
            rest = layer + rest * network.slope + (at_one - rest) * bend
            at_one = 1.0 + at_one * network.slope
        return rest

    @property
    def slope_at_one(self) -> float:
        """Theta'(1); infinite with a kink. Theta_{l+1}' = k_{l+1}' + Theta_l' kappa' + Theta_l kappa'' k_l'."""
        network = self.network
        if network.depth == 0:
            return self._share * (1.0 - network.bias_var)
        one = Network(network.activation, 1, network.bias_var)
        bend = one.derivatives(2)[2] / (1.0 - network.bias_var) ** 2
        slope = k = 1.0 - network.bias_var
        if self.convention == "paper":
            k = 1.0
        at_one = 1.0
        with np.errstate(over="ignore"):
            for _ in range(network.depth):
                slope = float(np.float64(k) * network.slope + slope * network.slope + at_one * bend * k)
                k *= network.slope
                at_one = 1.0 + at_one * network.slope
        return self._share * slope

    def log_derivatives(self, order: int) -> tuple[float, ...]:
        """Logarithms of the derivatives at u = 1 of orders 0 ... `order`, ``inf`` from the first infinite one on.

        The recursion of Theta in Taylor series, all of whose terms are positive: absolute error about 1e-13 depth.

        Raises
        ------
        ValueError
            As `Network.derivatives` at one order more, since kappa' enters.

        Examples
        --------
        >>> from sphfield import Hermite, Network
        >>> np.exp(NTK(Network(Hermite(2), 1)).log_derivatives(3)).round(12).tolist()  # u^2 + u (2 u)
        [3.0, 6.0, 6.0, 0.0]
        """
        network, r = self.network, np.arange(order + 1.0)
        if order < 0:
            raise ValueError(f"order = {order} must be 0 or more")
        rest, log_factorials = np.log1p(-network.bias_var), gammaln(np.arange(order + 2.0) + 1.0)
        theta = np.where(r == 0.0, 0.0, np.where(r == 1.0, rest, -np.inf))
        if network.depth > 0:
            one = Network(network.activation, 1, network.bias_var)
            layer = np.array(one.log_derivatives(order + 1)) - np.arange(order + 2.0) * rest - log_factorials
            slope = layer[1:] + np.log(r + 1.0)
            k = np.where(r == 1.0, 0.0, theta) if self.convention == "paper" else theta
            for _ in range(network.depth):
                bent, k = composed_logs(slope, k), composed_logs(layer[:-1], k)
                theta = np.logaddexp(k, _product_of_logs(theta, bent))
        return tuple(float(x) for x in theta + log_factorials[:-1] + np.log(self._share))

    @property
    def rounding(self) -> float:
        """Relative rounding error of `complement`."""
        return 2.0 * NNGP(self.network).rounding

    @property
    def error(self) -> float:
        """Absolute error from an incomplete Hermite series; 0 where it is rounding."""
        return NNGP(self.network).error * self.at_one * (self.network.depth + 1.0)

    @property
    def cri(self) -> float:
        """Covariance regularity index: one less than that of the covariance, since kappa' enters."""
        return self.network.cri - 1.0

    def vanishes(self, ell: Any) -> Any:
        """True where C_ell = 0 exactly: Theta has the parity of k."""
        return NNGP(self.network).vanishes(ell)

    def coefficients(self, n: int) -> tuple[Array, float] | None:
        """Power series of Theta, as `NNGP.coefficients`: b_p >= 0 for p < n and the sum of the rest."""
        found = self.log_coefficients(n)
        return None if found is None else (np.exp(found[0]), found[1])

    def log_coefficients(self, n: int) -> tuple[Array, float] | None:
        """Logarithms of `coefficients`, right to a few roundings times their size, and the sum of the rest.

        Fewer than n, or None, as for `NNGP.log_coefficients`.
        """
        network = self.network
        layer = layer_series(network, outer_terms(network, n) + 1)
        if layer is None:
            return None
        with np.errstate(divide="ignore"):
            start = np.log(np.array([network.bias_var, 1.0 - network.bias_var]))
        first = np.array([-np.inf, 0.0]) if self.convention == "paper" else start
        logs = deep_series([layer] * network.depth, start, n, first)[1] + np.log(self._share)
        logs = logs[: right_terms(network, n, layer.size)]
        if logs.size == 0:
            return None
        return logs, max(0.0, self.at_one - float(np.exp(logs).sum()))

    def series_cost(self, n: int) -> float:
        """Operations that n coefficients take."""
        even, odd = self.network.degrees()
        size = 0.5 * n if even < 0 or odd < 0 else float(n)
        return float(2.5 * size**2.5 * max(0, self.network.depth - 1))

    @property
    def series_rounding(self) -> float:
        """Relative rounding error of the coefficient of u**p, over p."""
        return 4.0 * float(np.finfo(np.float64).eps) * self.network.depth


def _product_of_logs(a: Array, b: Array) -> Array:
    """Logarithms of the coefficients of the product of two series; from the first infinite one on all are."""
    infinite = np.isposinf(a) | np.isposinf(b)
    finite = int(np.argmax(infinite)) if infinite.any() else a.size
    products = [np.logaddexp.reduce(a[: k + 1] + b[k::-1]) for k in range(finite)]
    return np.array(products + [np.inf] * (a.size - finite))
