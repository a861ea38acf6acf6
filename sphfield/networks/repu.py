"""Dual kernel of max(z, 0)**k in closed form: k and u in, E[sigma(Z) sigma(Z')] out.

With theta = arccos(u) it is (pi B_k(u) - F_k(theta)) / 2 pi, where B_k is a polynomial, F_0 = theta and
F_k(theta) = theta B_k(cos theta) - sin(theta) P_k(cos theta); d/du takes k to k - 1 with a factor k**2.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial

from sphfield.typing import Array

__all__ = ["complement", "dual", "south"]

_TERMS = 40


@lru_cache(maxsize=32)
def _parts(k: int) -> tuple[Polynomial, Polynomial, Array]:
    """B_k, P_k, and the Taylor coefficients of F_k in theta."""
    if k == 0:
        series = np.zeros(_TERMS)
        series[1] = 1.0
        return Polynomial([1.0]), Polynomial([0.0]), series
    b_before, p_before, f_before = _parts(k - 1)
    b = k * k * b_before.integ()
    b += float(np.prod(np.arange(1.0, 2 * k, 2))) - b(1.0)  # B_k(1) = (2k - 1)!!
    # F_k' = -k^2 sin(theta) F_{k-1} ties P_k to B_k and P_{k-1}: B - u P + (1 - u^2) P' = k^2 (1 - u^2) P_{k-1}
    one_minus = Polynomial([1.0, 0.0, -1.0])
    right = b - k * k * one_minus * p_before
    p = np.zeros(k)
    remainder = right.coef.copy()
    for degree in range(k - 1, -1, -1):  # u P - (1 - u^2) P' = right, from the highest power down
        p[degree] = remainder[degree + 1] / (degree + 1.0)
        remainder[degree + 1] -= p[degree] * (degree + 1.0)
        if degree > 0:
            remainder[degree - 1] += degree * p[degree]
    n = np.arange(_TERMS)
    factorial = np.cumprod(np.maximum(n, 1.0))
    sine = np.where(n % 2 == 1, (-1.0) ** (n // 2) / factorial, 0.0)
    f = np.concatenate([[0.0], -k * k * np.convolve(sine, f_before)[: _TERMS - 1] / n[1:]])
    return b, Polynomial(p), f


def _f(k: int, theta: Any) -> Any:
    b, p, series = _parts(k)
    u = np.cos(theta)
    # theta B - sin(theta) P cancels to order theta^(2k+1)
    small = np.abs(theta) < 1.0
    low = np.polynomial.polynomial.polyval(np.where(small, theta, 0.0), series)
    return np.where(small, low, theta * b(u) - np.sin(theta) * p(u))


def _angle(t: Any) -> Any:
    return 2.0 * np.arcsin(np.sqrt(0.5 * np.asarray(t)))


def dual(k: int, u: Any) -> Any:
    """E[max(Z, 0)^k max(Z', 0)^k]; k = 0 is the step."""
    b, _, _ = _parts(k)
    return 0.5 * b(np.asarray(u)) - _f(k, _angle(1.0 - np.asarray(u))) / (2.0 * np.pi)


def complement(k: int, t: Any) -> Any:
    """dual(k, 1) - dual(k, 1 - t), relative to itself."""
    b, _, _ = _parts(k)
    quotient = np.cumsum(b.coef[::-1])[::-1][1:]  # (B(1) - B(u)) / (1 - u), all coefficients positive
    t = np.asarray(t)
    falls = t * np.polynomial.polynomial.polyval(1.0 - t, quotient) if quotient.size else 0.0 * t
    return 0.5 * falls + _f(k, _angle(t)) / (2.0 * np.pi)


def south(k: int, t: Any) -> Any:
    """dual(k, 1) - dual(k, -1 + t): F_k alone is left at u = -1, where theta is pi minus the angle of t."""
    b, _, _ = _parts(k)
    return 0.5 * b(1.0) - (-1.0) ** k * _f(k, _angle(t)) / (2.0 * np.pi)
