"""The dual kernel of ELU for complex arguments: alpha and t = 1 - u in, dual(1) - dual(1 - t) out.

Its second derivative E[sigma'' sigma''] is elementary but for one function: with sigma'' = alpha exp(z) 1(z < 0) +
(1 - alpha) delta(z), h = 1 + u and w = 1 - u**2,

    alpha^2 e^h Phi2(-h, -h; u) + 2 alpha (1 - alpha) e^(w/2) Phi(-sqrt(w)) / sqrt(2 pi) + (1 - alpha)^2 / 2 pi sqrt(w)

where Phi2 is the distribution function of a normal pair of correlation u. Owen's T gives it as a series in powers of h
that converges everywhere, see `_pair`. Two integrations in t give the kernel. Derived, see docs/theory.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from sphfield.typing import Array

__all__ = ["continued", "continued_south"]


@lru_cache(maxsize=1)
def _rule() -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(48)
    return 0.5 * (x + 1.0), 0.5 * w


def _normal_cdf(z: Any) -> Any:
    return 0.5 * special.erfc(-np.asarray(z, dtype=np.complex128) / np.sqrt(2.0))


def _pair(t: Any, side: float) -> Any:
    """Phi2(-h, -h; u) at u = side (1 - t), to rounding relative to its imaginary part where t -> 0 on the cut too.

    Phi2 = Phi(-h) - 2 T(h, a) with a^2 = (1 - u) / (1 + u), and T = (arctan(a) + S) / 2 pi,
    S = sum_k (-h^2/2)^k / k! int_0^a (1 + x^2)^(k-1) dx (Owen 1956), whose terms fall like h^k / k!.
    """
    north = side > 0.0
    h = 2.0 - t if north else t
    half_angle = np.arcsin(np.sqrt(0.5 * t))  # arctan(a), or pi/2 - arctan(a)
    lead = 0.5 * h * np.sqrt(t) * np.sqrt(2.0 - t)  # a h^2 / 2
    term = lead.copy()
    total = -term
    power = lead
    terms = 24 + int(3.0 * min(40.0, np.nan_to_num(np.abs(h)).max(initial=0.0)))  # beyond, no digit is left anyway
    for k in range(2, terms):
        power = power * (h / k)
        term = (power + (k - 1.0) / k * (h * h) * term) / (2.0 * k - 1.0)
        total = total + term if k % 2 == 0 else total - term
    if north:
        return _normal_cdf(-h) - (half_angle + total) / np.pi
    return _normal_cdf(-h) - 0.5 + (half_angle - total) / np.pi


def _curvature(alpha: float, t: Any, side: float) -> Any:
    # E[sigma'' sigma''] sqrt(t) at u = side (1 - t), finite at t = 0
    root = np.sqrt(t)
    sine = root * np.sqrt(2.0 - t)
    h = 2.0 - t if side > 0.0 else t
    one = np.exp(0.5 * sine**2) * _normal_cdf(-sine) / np.sqrt(2.0 * np.pi)
    smooth = alpha**2 * np.exp(h) * _pair(t, side) + 2.0 * alpha * (1.0 - alpha) * one
    return root * smooth + (1.0 - alpha) ** 2 / (2.0 * np.pi * np.sqrt(2.0 - t))


def _twice_integrated(alpha: float, t: Any, side: float) -> Any:
    # int_0^t (t - s) dual''(side (1 - s)) ds, in the variable sqrt(s / t), which removes the branch point
    x, weight = _rule()
    s = t[..., None] * x**2
    moments = 2.0 * np.sqrt(t)[..., None] * (1.0 - x**2) * _curvature(alpha, s, side)
    return t * np.sum(weight * moments, axis=-1)


def continued(alpha: float, t: Any) -> Any:
    """dual(1) - dual(1 - t) of ELU for complex t off the cuts t < 0 and t > 2.

    Relative accuracy about 1e-14 within 2 of t = 0 or t = 2, growing like exp(2 distance) beyond.
    """
    t = np.asarray(t, dtype=np.complex128)
    out = np.empty_like(t)
    near = np.abs(t) <= np.abs(2.0 - t)
    # E[sigma'^2] = 1/2 + alpha^2 e^2 Phi(-2)
    slope = 0.5 + alpha**2 * np.exp(2.0) * special.ndtr(-2.0)
    out[near] = slope * t[near] - _twice_integrated(alpha, t[near], 1.0)
    out[~near] = continued_south(alpha, 2.0 - t[~near])
    return out


def continued_south(alpha: float, t: Any) -> Any:
    """dual(1) - dual(-1 + t) of ELU for complex t off the cuts t < 0 and t > 2.

    E[sigma(Z) sigma(-Z)] = -E[sigma'(Z) sigma'(-Z)] = -2 alpha e^(1/2) Phi(-1).
    """
    t = np.asarray(t, dtype=np.complex128)
    opposite = 2.0 * np.exp(0.5) * special.ndtr(-1.0)
    variance = 0.5 + alpha**2 * (np.exp(2.0) * special.ndtr(-2.0) - opposite + 0.5)
    return variance + alpha * opposite * (1.0 - t) - _twice_integrated(alpha, t, -1.0)
