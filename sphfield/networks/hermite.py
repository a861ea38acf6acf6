"""Hermite coefficients and dual kernel of any activation: sigma in, E[sigma(Z) sigma(Z')] as a power series out.

With normalised probabilists' Hermite polynomials h_p and mu_p = E[sigma(Z) h_p(Z)], Mehler's formula gives
E[sigma(Z) sigma(Z')] = sum_p mu_p**2 u**p for standard normal Z, Z' with correlation u.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from scipy import special

from sphfield.networks.kinks import Kinks, checked_values, found_kinks, panels, parity_degrees
from sphfield.networks.polar import PolarDual
from sphfield.typing import Activation, Array

__all__ = ["HermiteDual", "cosech_coefficients", "dual_of", "hermite_coefficients", "silu_coefficients"]

MOST = 2048  # coefficients of an opaque callable; a smooth one needs a few hundred


def cosech_coefficients(n: int, rate: float) -> Array:
    r"""mu_p**2 of tanh (``rate`` = pi/2) and, for p > 0, of the sigmoid (``rate`` = pi); p < n, zero for even p.

    Both are Fourier integrals, :math:`|\mu_p| = (p!)^{-1/2} \int_0^\infty t^p e^{-t^2/2} / \sinh(\text{rate}\, t) dt`
    for odd p, with a positive integrand: no cancellation at any p. Relative error of mu_p**2 below 2e-13 for
    p <= 5000. Derived, see docs/theory, "Hermite coefficients".
    """
    return _positive_integrals(n, 1, lambda t: -_log_sinh(rate * t))


def silu_coefficients(n: int) -> Array:
    r"""mu_p**2 of z / (1 + exp(-z)) for even p from 2 to n - 1, zero elsewhere; see `cosech_coefficients`.

    The weight is :math:`\pi \cosh(\pi t) / \sinh^2(\pi t)` in place of :math:`1 / \sinh`.
    """
    return _positive_integrals(n, 2, lambda t: np.log(np.pi) + _log_cosh(np.pi * t) - 2.0 * _log_sinh(np.pi * t))


def _positive_integrals(n: int, first: int, log_weight: Callable[[Array], Array]) -> Array:
    # p = first, first + 2, ...: the trapezoid rule on x = t - sqrt(p) converges exponentially, and large powers cancel
    # Stirling's series analytically, so that nothing large is exponentiated
    out = np.zeros(n)
    p = np.arange(float(first), n, 2.0)[:, None]
    if p.size == 0:
        return out
    step = 1.0 / 16.0
    x = np.arange(-10.0, 10.0, step)[None, :]
    small = p[:, 0] < 144.0
    mu = np.empty(p.shape[0])
    # even integrand on the whole line: half of it is the wanted integral, and the rule has no end to err at
    line = np.arange(0.5, 400.0) * step
    integrand = special.xlogy(p[small], line) - 0.5 * line**2 + log_weight(line)
    mu[small] = step * np.exp(integrand - 0.5 * special.gammaln(p[small] + 1.0)).sum(axis=1)
    big = p[~small]
    integrand = big * _log1p_minus(x / np.sqrt(big)) - 0.5 * x**2 + log_weight(np.sqrt(big) + x)
    mu[~small] = step * np.exp(integrand).sum(axis=1) * np.exp(_half_stirling(big[:, 0]))
    out[first::2] = mu**2
    return out


def _log_cosh(x: Array) -> Array:
    return x + np.log(0.5 + 0.5 * np.exp(-2.0 * x))


def _log_sinh(x: Array) -> Array:
    return x + np.log(-0.5 * np.expm1(-2.0 * x))


def _log1p_minus(y: Array) -> Array:
    # log(1 + y) - y, by its series where the difference would cancel
    series = np.zeros_like(y)
    for k in range(40, 1, -1):
        series = y * series + (-1.0) ** (k + 1) / k
    return np.where(np.abs(y) < 0.3, series * y * y, np.log1p(y) - y)


def _half_stirling(p: Array) -> Array:
    # log of p^(p/2) e^(-p/2) / sqrt(p!)
    return -0.25 * np.log(2.0 * np.pi * p) - 0.5 * (1.0 / (12.0 * p) - 1.0 / (360.0 * p**3) + 1.0 / (1260.0 * p**5))


def hermite_coefficients(activation: Activation, n: int) -> Array:
    """mu_p = E[sigma(Z) h_p(Z)] for p < n by composite Gauss quadrature.

    Absolute error about 1e-15 sqrt(E[sigma**2]); panels end at the kinks of sigma, see `found_kinks`.

    Raises
    ------
    ValueError, TypeError
        If the activation changes the shape, returns complex or non-finite numbers, or is not square integrable.

    Examples
    --------
    >>> hermite_coefficients(np.square, 4).round(12).tolist()  # z**2 = h_0 + sqrt(2) h_2
    [1.0, 0.0, 1.414213562373, 0.0]
    """
    checked_values(activation)
    z, w = panels(tuple(place for place, _, _ in found_kinks(activation)))
    root = np.exp(-0.25 * z**2) / (2.0 * np.pi) ** 0.25
    weighted = np.reshape(activation(z.ravel()), z.shape) * w * root
    before, now = np.zeros_like(z), root
    mu = np.empty(n)
    for p in range(n):
        mu[p] = np.sum(weighted * now)
        before, now = now, (z * now - np.sqrt(p) * before) / np.sqrt(p + 1.0)
    return mu


@dataclass(frozen=True)
class HermiteDual:
    """Dual kernel of an activation without a closed form, summed from its Hermite coefficients.

    It offers the members that an activation with a closed form has; see `sphfield.networks.activations`. `error` is
    the share of E[sigma**2] that the coefficients used do not reach: rounding for smooth activations, of order
    1e-5 for one with a kink.
    """

    activation: Activation

    @cached_property
    def degrees(self) -> tuple[float, float]:
        return parity_degrees(self.activation)

    @property
    def kinks(self) -> Kinks:
        return ()

    def dual_coefficients(self, n: int) -> Array:
        if hasattr(self.activation, "dual_coefficients"):
            return self.activation.dual_coefficients(n)  # type: ignore[no-any-return]
        if n > MOST:
            raise ValueError(f"{n} Hermite coefficients of an opaque callable: at most {MOST} are known")
        squares = hermite_coefficients(self.activation, n) ** 2
        even, odd = self.degrees
        p = np.arange(n)
        return np.where(np.where(p % 2 == 0, p <= even, p <= odd), squares, 0.0)

    @cached_property
    def _series(self) -> tuple[Array, float]:
        # enough coefficients that the rest is rounding in kappa and in kappa'
        known = hasattr(self.activation, "dual_coefficients")
        z, w = panels()
        density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
        total = float(np.sum(w * density * checked_values(self.activation) ** 2))
        for n in (128, 256, 512, 1024, MOST):
            squares = self.dual_coefficients(n)
            rest = np.cumsum((np.arange(n) * squares)[::-1])[::-1]
            if rest[-n // 8] < 1e-17 * total and (known or abs(squares.sum() - total) < 1e-13 * total):
                break
        missing = 0.0 if known else max(0.0, 1.0 - float(squares.sum()) / total)
        if missing > 0.5:
            raise ValueError(
                f"the activation varies too fast: {MOST} Hermite coefficients hold {100 * (1 - missing):.2g} % of "
                "E[sigma(Z)**2]; rescale its argument"
            )
        rest[0] = np.inf  # a constant activation has nothing else
        return squares[rest > 1e-17 * total], missing if missing > 1e-14 else 0.0

    @property
    def error(self) -> float:
        return self._series[1]

    @cached_property
    def _halves(self) -> tuple[Array, Array]:
        # even and odd powers, as polynomials in v = u^2
        squares = self._series[0]
        return np.append(squares[::2], 0.0), np.append(squares[1::2], 0.0)

    @cached_property
    def _quotients(self) -> tuple[Array, Array]:
        # (H(1) - H(v)) / (1 - v) = sum_j (sum_{k>j} h_k) v^j: positive coefficients, no cancellation at v = 1
        even, odd = self._halves
        return np.cumsum(even[::-1])[::-1][1:], np.cumsum(odd[::-1])[::-1][1:]

    def dual(self, u: Any) -> Any:
        even, odd = self._halves
        v = np.square(u)
        return _horner(even, v) + u * _horner(odd, v)

    def dual_slope(self, u: Any) -> Any:
        even, odd = self._halves
        v, k = np.square(u), np.arange(float(max(even.size, odd.size)))
        slope = _horner((2.0 * k[: odd.size] + 1.0) * odd, v)
        return slope + u * _horner(2.0 * k[1 : even.size] * even[1:], v)

    @cached_property
    def _slope_quotients(self) -> tuple[Array, Array]:
        # as `_quotients`, of the derivative: odd powers of u in it come from even ones of the dual kernel
        even, odd = self._halves
        k = np.arange(float(max(even.size, odd.size)))
        from_even, from_odd = 2.0 * k[1 : even.size] * even[1:], (2.0 * k[: odd.size] + 1.0) * odd
        return np.cumsum(from_even[::-1])[::-1], np.cumsum(from_odd[::-1])[::-1]

    def dual_slope_complement(self, t: Any) -> Any:
        u, s = 1.0 - t, t * (2.0 - t)
        v = np.square(u)
        odd, even = self._slope_quotients
        return s * _horner(even[1:], v) + t * float(odd[0]) + u * s * _horner(odd[1:], v)

    def dual_complement(self, t: Any) -> Any:
        u, s = 1.0 - t, t * (2.0 - t)  # s = 1 - u^2
        v = np.square(u)
        even, odd = self._quotients
        return s * _horner(even, v) + t * float(self._halves[1].sum()) + u * s * _horner(odd, v)


def _horner(coefficients: Array, u: Any) -> Any:
    u = np.asarray(u)
    if coefficients.size == 0 or not coefficients.any():
        return np.zeros(u.shape)[()]
    total = np.full(u.shape, coefficients[-1], dtype=np.result_type(u, np.float64))
    for c in coefficients[-2::-1]:
        total *= u
        total += c
    return total[()]


@lru_cache(maxsize=256)
def dual_of(activation: Activation) -> Any:
    """What knows the dual kernel: the activation itself, or else a `PolarDual` (with kinks) or `HermiteDual`."""
    if hasattr(activation, "dual"):
        return activation
    return PolarDual(activation) if found_kinks(activation) else HermiteDual(activation)
