"""Power series with non-negative coefficients: two series in, their composition out.

All terms are positive, so every coefficient keeps its *relative* accuracy, however small it is: products are direct
convolutions, never FFTs, whose error is relative to the largest coefficient.
"""

from __future__ import annotations

import numpy as np

from sphfield.typing import Array

__all__ = ["composed", "product"]


def composed(outer: Array, inner: Array, n: int) -> Array:
    """Coefficients of outer(inner(u)) for powers below n; shape (n,).

    The constant term of `inner` may be positive: then every power of `outer` reaches every coefficient, and what
    `outer` leaves out is missing in all of them. Cost: about 2 sqrt(outer.size) products of n**2 (Paterson and
    Stockmeyer 1973).

    Examples
    --------
    >>> composed(np.array([0.0, 0.0, 1.0]), np.array([1.0, 1.0]), 4).tolist()  # (1 + u)^2
    [1.0, 2.0, 1.0, 0.0]
    """
    outer, inner = np.trim_zeros(outer, "b"), np.trim_zeros(inner[:n], "b")
    if outer.size == 0:
        return np.zeros(n)
    block = max(1, int(np.sqrt(outer.size)))
    powers = np.zeros((block, n))
    powers[0, 0] = 1.0
    for k in range(1, block):
        powers[k] = product(powers[k - 1], inner, n)
    giant = product(powers[-1], inner, n)
    rows = np.zeros(-(-outer.size // block) * block)
    rows[: outer.size] = outer
    blocks = rows.reshape(-1, block) @ powers
    total: Array = blocks[-1]
    for row in blocks[-2::-1]:
        total = product(total, giant, n) + row
    return total


def product(a: Array, b: Array, n: int) -> Array:
    """Coefficients of a(u) b(u) for powers below n; shape (n,)."""
    a, b = np.trim_zeros(a, "b"), np.trim_zeros(b, "b")
    out = np.zeros(n)
    if a.size and b.size:
        product = np.convolve(a, b)[:n]
        out[: product.size] = np.where(product < 1e-300, 0.0, product)  # subnormal numbers have lost their digits
    return out
