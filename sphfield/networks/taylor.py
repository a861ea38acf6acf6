"""Taylor series of a layer map at u = 1, and their composition: what depth makes of the derivatives of the kernel."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sphfield.networks.hermite import MOST, dual_of
from sphfield.typing import Activation, Array

__all__ = ["binomial_sum", "composed_logs", "composed_taylor", "factorials", "kinked_derivative"]


def kinked_derivative(activation: Activation, r: int) -> float:
    """E[sigma^(r)(Z)**2], the r-th derivative of the dual kernel at 1, where the power series converges too slowly."""
    if hasattr(activation, "dual_derivative"):
        return float(activation.dual_derivative(r))
    if r > 2:
        raise ValueError(f"derivative {r} of the kernel of {activation!r}, which has kinks, is not known: ask for 2")
    return float(dual_of(activation).second_derivative)


def factorials(order: int) -> Array:
    """0!, 1!, ..., order!."""
    return np.cumprod(np.concatenate([[1.0], np.arange(1.0, order + 1)]))


@lru_cache(maxsize=1024)
def binomial_sum(activation: Activation, r: int) -> float:
    """The r-th Taylor coefficient of the dual kernel at 1, sum_p binomial(p, r) mu_p**2."""
    n, most = 256, 8 * MOST if hasattr(activation, "dual_coefficients") else MOST
    while True:
        squares = dual_of(activation).dual_coefficients(n)
        p = np.arange(float(n))
        weights = np.prod([(p - j) / (j + 1.0) for j in range(r)], axis=0)
        terms = weights * squares
        if terms[-n // 4 :].sum() <= 1e-16 * terms.sum() or n >= most:
            return float(terms.sum())
        n *= 2


def composed_taylor(outer: Array, inner: Array) -> Array:
    """Taylor coefficients at 1 of outer(inner(u)); an infinite one makes itself and all higher ones infinite."""
    finite = int(np.argmin(np.isfinite(outer) & np.isfinite(inner)))
    size = outer.size if np.isfinite(outer).all() and np.isfinite(inner).all() else finite
    deviation = np.where(np.arange(size) == 0, 0.0, inner[:size])
    total = np.zeros(size)
    for c in outer[:size][::-1]:
        total = np.convolve(total, deviation)[:size]
        total[0] += c
    return np.concatenate([total, np.full(outer.size - size, np.inf)])


def composed_logs(outer: Array, inner: Array) -> Array:
    """`composed_taylor` with every number given by its logarithm."""
    size = outer.size
    infinite = np.isposinf(outer) | np.isposinf(inner)
    finite = int(np.argmax(infinite)) if infinite.any() else size
    deviation = np.where(np.arange(finite) == 0, -np.inf, inner[:finite])
    total = np.full(finite, -np.inf)
    for c in outer[:finite][::-1]:
        products = [np.logaddexp.reduce(total[: k + 1] + deviation[k::-1]) for k in range(finite)]
        total = np.array(products)
        total[0] = c  # the deviation has no constant term, so the product has none
    return np.concatenate([total, np.full(size - finite, np.inf)])
