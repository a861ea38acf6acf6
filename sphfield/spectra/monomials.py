"""Powers p and multipoles ell in, the integrals of u**p P_ell(u) over [-1, 1] out, as logarithms."""

from __future__ import annotations

from math import lgamma, log, pi
from typing import Any

import numpy as np

from sphfield.spectra.factorials import stirling_rest
from sphfield.typing import Array

__all__ = ["log_moments"]


def log_moments(p: Any, ell: Any, dim: int = 2) -> Array:
    r"""Log of :math:`m_{p\ell} = \int_{-1}^1 u^p G_\ell(u) (1-u^2)^{(d-2)/2} du` on S^d, -inf where it is 0.

    .. math:: m_{p\ell} = \sqrt\pi \, \Gamma(\tfrac d2) \,
              \frac{p!}{2^p \, \Gamma(\frac{p-\ell}{2} + 1) \, \Gamma(\frac{p+\ell+d+1}{2})}

    unless p - ell is odd or negative (Azevedo and Menegatto 2014); on S^2 G_ell is the Legendre polynomial. The large
    parts of the factorials cancel analytically. Error a few eps (1 + its size) on S^2, eps (1 + its size + ell + d)
    elsewhere.

    Examples
    --------
    >>> float(np.exp(log_moments(4, 2)))  # int u^4 (3 u^2 - 1) / 2 du = 3/7 - 1/5
    0.22857142857142856
    """
    p, ell = np.broadcast_arrays(np.asarray(p, dtype=np.float64), np.asarray(ell, dtype=np.float64))
    zero = (ell > p) | ((p - ell) % 2.0 != 0.0)
    d, q = np.where(zero, 0.0, ell), np.maximum(p, 1.0)
    value = _on_the_sphere(d, q) if dim == 2 else _in_dimension(d, q, dim)
    logs: Array = np.where(zero, -np.inf, np.where(p == 0.0, _total(dim), value))
    return logs


def _total(dim: int) -> float:
    # the integral of the weight
    return log(2.0) if dim == 2 else 0.5 * log(pi) + lgamma(0.5 * dim) - lgamma(0.5 * (dim + 1.0))


def _on_the_sphere(ell: Array, p: Array) -> Array:
    j, k = 0.5 * (p - ell), 0.5 * (p + ell + 1.0)
    entropy = 0.5 * p * (_entropy(-ell / p) + _entropy((ell + 1.0) / p))
    return np.asarray(0.5 * np.log(2.0 * np.pi / p) + stirling_rest(p) - stirling_rest(j) - stirling_rest(k) - entropy)


def _in_dimension(ell: Array, p: Array, dim: int) -> Array:
    # with j! h = (p + ell)/2 and k = h + D + 1/2, D! = Gamma(d/2)
    j, h, large = 0.5 * (p - ell), 0.5 * (p + ell), 0.5 * dim - 1.0
    k = h + large + 0.5
    main = -j * np.log1p(-ell / np.where(j > 0.0, p, np.inf)) - h * np.log1p((ell + dim - 1.0) / p)
    main -= large * np.log1p((h + 0.5) / large) + 0.5 * np.log(k / np.pi) - 0.5
    return np.asarray(main + stirling_rest(p) + stirling_rest(large) - stirling_rest(j) - stirling_rest(k))


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
