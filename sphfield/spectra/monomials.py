"""Powers p and multipoles ell in, the integrals of u**p P_ell(u) over [-1, 1] out, as logarithms."""

from __future__ import annotations

from math import exp, gamma, log
from typing import Any

import numpy as np

from sphfield.typing import Array

__all__ = ["log_moments"]


def log_moments(p: Any, ell: Any) -> Array:
    r"""Log of :math:`m_{p\ell} = \int_{-1}^1 u^p P_\ell(u) du`, -inf where it is 0; error a few eps (1 + its size).

    .. math:: m_{p\ell} = \sqrt\pi \, \frac{p!}{2^p \, \Gamma(\frac{p-\ell}{2} + 1) \, \Gamma(\frac{p+\ell+3}{2})}

    unless p - ell is odd or negative (Azevedo and Menegatto 2014). The large parts of the factorials cancel
    analytically.

    Examples
    --------
    >>> float(np.exp(log_moments(4, 2)))  # int u^4 (3 u^2 - 1) / 2 du = 3/7 - 1/5
    0.22857142857142856
    """
    p, ell = np.broadcast_arrays(np.asarray(p, dtype=np.float64), np.asarray(ell, dtype=np.float64))
    zero = (ell > p) | ((p - ell) % 2.0 != 0.0)
    d, q = np.where(zero, 0.0, ell), np.maximum(p, 1.0)
    j, k = np.where(zero, 0.0, 0.5 * (p - ell)), 0.5 * (p + d + 1.0)
    entropy = 0.5 * q * (_entropy(-d / q) + _entropy((d + 1.0) / q))
    value = 0.5 * np.log(2.0 * np.pi / q) + _remainder(q) - _remainder(j) - _remainder(k) - entropy
    logs: Array = np.where(zero, -np.inf, np.where(p == 0.0, log(2.0), value))
    return logs


def _entropy(z: Array) -> Array:
    # (1 + z) log(1 + z) - z, where the difference cancels from log(1 + z) = 2 artanh(r), r = z / (2 + z)
    r = z / (2.0 + z)
    square = r * r
    series = np.zeros_like(z)
    for k in range(27, 1, -2):
        series = square * series + 1.0 / k
    near: Array = 2.0 * square * (1.0 + (1.0 + r) * r * series) / (1.0 - r)
    safe = np.maximum(z, -1.0 + 2.0**-52)
    far: Array = np.where(z <= -1.0, 1.0, (1.0 + z) * np.log1p(safe) - z)
    return np.where(np.abs(z) < 0.4, near, far)


def _remainder(x: Array) -> Array:
    # log(x!) - x log(x) + x at multiples of 1/2
    y = np.maximum(x, 16.0)
    s = 1.0 / (y * y)
    stirling = (1.0 / 12.0 - s * (1.0 / 360.0 - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s / 1188.0)))) / y
    near = _REMAINDERS[np.minimum(2.0 * x, 32.0).astype(np.intp)]
    return np.where(x < 16.0, near, 0.5 * np.log(2.0 * np.pi * y) + stirling)


_REMAINDERS = np.array([log(gamma(0.5 * k + 1.0) * exp(0.5 * k) / (0.5 * k) ** (0.5 * k)) for k in range(33)])
