r"""Activation, depth, variances of weights and biases in; power series of the covariance and the tangent kernel out.

Theorem 3.1 of Murray, Jin, Bowman, Montufar (arXiv 2211.07844): with their layer l = L + 1,

.. math:: \Theta^{(l)} = \alpha_l + \Theta^{(l-1)} \upsilon_l, \qquad \alpha_l = \alpha_2 \circ \alpha_{l-1}, \quad
          \upsilon_l = \upsilon_2 \circ \alpha_{l-1},

where the coefficients of alpha_2 are sigma_w^2 mu_p(sigma)^2, plus sigma_b^2 at p = 0, and those of upsilon_2
sigma_w^2 mu_p(sigma')^2. The sums over k in it, of the coefficients of powers, have no end; here none is cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np

from sphfield.networks.deep_series import deep_series, left_out
from sphfield.networks.dual_series import dual_series
from sphfield.networks.hermite import MOST, HermiteDual, dual_of
from sphfield.networks.initialisation import Initialisation, at_scale, unit_variance
from sphfield.networks.network import Network
from sphfield.spectra.power_series import EPS, PowerSeries, missing_sum
from sphfield.typing import Activation, Array

__all__ = ["DeepKernel", "nngp_series", "ntk_series"]

Convention = Literal["exact", "paper"]
_MANY = 1 << 17  # terms of a layer with kinks and a constant, at most
_WORK = 1 << 26  # of these times coefficients asked for, or four times as many
_DOUBTFUL = 1e-3
_RIGHT = -30.0  # log of the share of a coefficient that may be missing from it


@dataclass(frozen=True)
class DeepKernel:
    """Kernel of an infinitely wide network with weights and biases drawn by an `Initialisation`.

    Parameters
    ----------
    activation, depth
        As for `Network`; depth counts hidden layers.
    initialisation
        The standard deviations.
    tangent
        The tangent kernel of all weights and biases, not the covariance.
    convention
        With biases in the first layer, where the others are evaluated; see `NTK`.

    Raises
    ------
    ValueError
        If the tangent kernel is infinite, or the convention unknown, or the paper's with a first layer of variance
        other than 1.
    """

    activation: Activation
    depth: int
    initialisation: Initialisation
    tangent: bool = True
    convention: Convention = "exact"

    def __post_init__(self) -> None:
        if self.tangent and self.depth > 0 and Network(self.activation, self.depth).slope == np.inf:
            raise ValueError(f"the NTK of {self.activation!r} is infinite: the activation jumps")
        if self.convention not in get_args(Convention):
            raise ValueError(f"convention = {self.convention!r} is not known: use 'exact' or 'paper'")
        if self.convention == "paper" and self.variances[0] != 1.0:
            raise ValueError(
                f"gamma_w^2 + gamma_b^2 = {self.variances[0]:.6g}: the paper's convention takes 1; use 'exact'"
            )

    @property
    def variances(self) -> tuple[float, ...]:
        """Those of all layers, from the first; see `Initialisation.variances`."""
        return self.initialisation.variances(self.activation, self.depth)

    @property
    def layers(self) -> tuple[Network, ...]:
        """Each hidden layer as a network of unit variance and depth 1, which maps correlations to correlations."""
        q = self.variances
        bias = self.initialisation.sigma_b**2
        return tuple(
            Network(at_scale(self.activation, float(np.sqrt(before))), 1, bias / after) for before, after in pairwise(q)
        )

    @property
    def at_one(self) -> float:
        """The value at u = 1."""
        q, total = self.variances, self.variances[0]
        if not self.tangent:
            return q[-1]
        for before, after, layer in zip(q, q[1:], self.layers, strict=False):
            total = after + total * after / before * layer.slope
        return total

    def series(self, n: int) -> PowerSeries:
        """Its first n coefficients; fewer where no more are right, see `ntk_series`.

        Raises
        ------
        ValueError
            If n is below 1, or no coefficient is right.
        """
        if n < 1:
            raise ValueError(f"n = {n} must be 1 or more coefficients")
        init, q = self.initialisation, self.variances
        with np.errstate(divide="ignore"):
            start = np.log(np.array([init.gamma_b, init.gamma_w]) ** 2 / q[0])
        first = np.array([-np.inf, 0.0]) if self.convention == "paper" else start
        logs, upper, wrong = self._known_layers(first, n)
        found = deep_series(logs, start, n, first)[self.tangent] + np.log(q[-1])
        n = self._right(found, wrong)
        if n == 0:
            raise ValueError(
                f"no coefficient of {self.activation!r} at depth {self.depth} is right: with biases and kinks each "
                "hangs on more of a layer's coefficients than are known; use fewer layers or smaller biases"
            )
        found = found[:n]
        size = np.where(np.isfinite(found), np.abs(found), 0.0)
        # of an inner series, each with its roundings; a Taylor shift works in blocks of 64
        powers = np.arange(n) / self._share + 16.0
        error = EPS * (4.0 * self.depth * powers + 2.0 * size + 8.0)
        if any((most > some).any() for most, some in zip(upper, logs, strict=True)):
            # all terms are positive: layers that are as large as they may be make the largest result
            most = deep_series(upper, start, n, first)[self.tangent] + np.log(q[-1])
            with np.errstate(invalid="ignore"):
                error += np.where(np.isfinite(found), np.expm1(most - found), 0.0)
        b = np.exp(found)
        rest = max(self.at_one - float(b[::-1].sum()), float(np.sum(b * error)), EPS * self.at_one)
        lost = self._lost
        if lost:
            error += 4.0 * powers * lost  # variances are too small by that share, and every layer raises it to powers
            rest += self._doubt(lost) * self.at_one
        return PowerSeries(found, 0.0 if max(self.degrees) < n else rest, error, self.degrees, self)

    @property
    def degrees(self) -> tuple[float, float]:
        """The largest even and the largest odd power of u, as `Network.degrees`."""
        init, (even, odd) = self.initialisation, dual_of(self.activation).degrees
        if self.depth == 0:
            return (0.0 if init.gamma_b else -1.0, 1.0)
        if self.depth == 1 and init.gamma_b == 0.0:
            return (max(even, 0.0) if init.sigma_b else even, odd)
        if init.gamma_b == 0.0 and odd < 0.0:  # even of even, whatever the biases above
            return (max(Network(self.activation, self.depth).degrees()[0], 0.0), -1.0)
        biased = init.gamma_b > 0.0 or init.sigma_b > 0.0
        return Network(self.activation, self.depth, 0.5 if biased else 0.0).degrees()

    @property
    def _share(self) -> float:
        # the smallest share of a variance that is not of biases
        first = 1.0 if self.convention == "paper" else self.initialisation.gamma_w**2 / self.variances[0]
        return min([first, *(1.0 - layer.bias_var for layer in self.layers)])

    @property
    def _lost(self) -> float:
        # what the known coefficients of opaque layers leave out of E[sigma^2], in all
        duals = [dual_of(layer.activation) for layer in self.layers]
        return float(sum(dual.error for dual in duals if isinstance(dual, HermiteDual)))

    def _doubt(self, lost: float) -> float:
        # relative error of the value at 1: slopes are sums of p mu_p^2, and what is left out lies at powers beyond MOST
        doubt = 10.0 * MOST * lost if self.tangent else lost
        if doubt > _DOUBTFUL:
            raise ValueError(
                f"{self.activation!r} varies too fast at these variances: {MOST} Hermite coefficients leave out "
                f"{lost:.1e} of E[sigma(Z)^2], and so too much of its slope; use smaller weights"
            )
        return doubt

    def _known_layers(self, first: Array, n: int) -> tuple[list[Array], list[Array], Array]:
        """Log coefficients of each layer, the same as large as they may be, and what is missing from the result."""
        layers = self.layers
        constant = self.depth > 1 or bool(np.isfinite(first[0]))
        terms = int(np.ceil(2.0 * n / self._share)) + 1 if constant else n + 1
        while True:
            both = [_layer_logs(layer, terms) for layer in layers]
            logs = [known for known, _ in both]
            wrong = np.full(n, -np.inf)
            for s, known in enumerate(logs):
                wrong = np.maximum(wrong, left_out(known.size, _missing(known), self._correlation(first, s), n))
            short = any(known.size < terms for known in logs)
            if short or terms >= max(4 * n, min(_MANY, _WORK // n)) or not wrong[-1] > -45.0:
                return logs, [upper for _, upper in both], wrong + np.log(self.at_one / self.variances[-1])
            terms *= 2

    def _correlation(self, first: Array, depth: int) -> Callable[[Array], Array]:
        """The function r -> log c(r) after so many hidden layers."""

        def log_c(r: Array) -> Array:
            # by complements, which keep what is close to 1
            t = np.exp(first[1]) * (1.0 - r)
            for layer in self.layers[:depth]:
                t = layer.layer_complement(t)
            with np.errstate(divide="ignore"):
                return np.asarray(
                    np.log(r) if depth == 0 and not np.isfinite(first[0]) else np.log1p(-np.minimum(t, 1.0))
                )

        return log_c

    def _right(self, found: Array, wrong: Array) -> int:
        """How many coefficients are right; where a parity ends before its degree its next one is not known."""
        finite = np.isfinite(found)
        bad = finite & (wrong > found + _RIGHT)
        n = int(np.argmax(bad)) if bad.any() else found.size
        for parity, degree in enumerate(self.degrees):
            own = np.flatnonzero(finite[parity::2])
            if degree == np.inf and n > 8:
                n = min(n, 2 * int(own[-1]) + parity + 2 if own.size else parity)
        return n


def nngp_series(
    activation: Activation,
    depth: int,
    n: int,
    initialisation: Initialisation | None = None,
    *,
    convention: Convention = "exact",
) -> PowerSeries:
    """The first n coefficients of the covariance; as `ntk_series`.

    Examples
    --------
    >>> from sphfield import CosSin
    >>> nngp_series(CosSin(1.0), 1, 3).coefficients.round(6).tolist()  # exp(u - 1)
    [0.367879, 0.367879, 0.18394]
    """
    return DeepKernel(activation, depth, initialisation or unit_variance(activation), False, convention).series(n)


def ntk_series(
    activation: Activation,
    depth: int,
    n: int,
    initialisation: Initialisation | None = None,
    *,
    convention: Convention = "exact",
) -> PowerSeries:
    """The first n coefficients of the tangent kernel of all weights and biases of an infinitely wide network.

    Parameters
    ----------
    activation, depth
        Any function, and the number of hidden layers; layer l of the paper is depth + 1.
    n
        How many. Fewer where the coefficients of the layers that are known do not make more right: with kinks and a
        constant term in the first kernel, every one of those coefficients, which fall slowly, counts for all powers;
        activations without a closed form are known by at most 2048; entire functions leave the range of doubles after
        some hundreds.
    initialisation
        Unit variance without biases if absent.
    convention
        With gamma_b > 0: ``"exact"``, layers are evaluated at the correlation gamma_w^2 u + gamma_b^2 of the first
        preactivations; ``"paper"``, at u, so that gamma_b is in Theta of depth 0 only, as in Theorem 3.1.

    Returns
    -------
    PowerSeries
        With Theta(1) known exactly, `PowerSeries.rest` is what the n coefficients leave out of it. Relative error of
        each: `PowerSeries.error`, about 4 eps p depth for closed forms.

    Raises
    ------
    ValueError
        If the tangent kernel is infinite, or no coefficient is right.

    Examples
    --------
    >>> from sphfield import ReLU
    >>> theta = ntk_series(ReLU(), 1, 5)
    >>> theta.coefficients.round(6).tolist(), theta.total
    ([0.31831, 1.0, 0.477465, 0.0, 0.066315], 2.0)
    """
    return DeepKernel(activation, depth, initialisation or unit_variance(activation), True, convention).series(n)


def _layer_logs(layer: Network, n: int) -> tuple[Array, Array]:
    known = dual_series(layer.activation, n)
    scale = np.log1p(-layer.bias_var) - known.log_variance
    both = known.logs + scale, known.upper + scale
    if layer.bias_var:
        for logs in both:
            logs[0] = np.logaddexp(logs[0], np.log(layer.bias_var))
    return both


def _missing(logs: Array) -> float:
    # log of what a layer leaves out; for its derivative, which counts too, the power is a factor
    return missing_sum(logs, max(EPS, 1.0 - float(np.exp(logs[::-1]).sum()))) + float(np.log(logs.size))
