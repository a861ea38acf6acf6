"""Power series with non-negative coefficients in, C_ell out: all terms positive, relative accuracy kept."""

from __future__ import annotations

import numpy as np

from sphfield.typing import Array

__all__ = ["legendre_from_powers"]

REACH = 2000  # beyond, the scaling by 2^(-ell/2) below no longer keeps every step inside the range of doubles


def legendre_from_powers(b: Array, lmax: int) -> Array:
    r"""C_ell of k(u) = sum_p b_p u**p for ell = 0 ... lmax <= 2000, shape (lmax + 1,).

    :math:`C_\ell = 2\pi \sum_p b_p m_{p\ell}` with :math:`m_{p\ell} = \int_{-1}^1 u^p P_\ell(u) du`, zero unless
    p - ell is even and not negative, :math:`m_{p+2,\ell} / m_{p\ell} = (p+1)(p+2) / ((p-\ell+2)(p+\ell+3))`
    (Azevedo and Menegatto 2014). Summed by Horner's rule from the smallest terms.

    Examples
    --------
    >>> legendre_from_powers(np.array([0.0, 0.0, 1.0]), 2) / (4 * np.pi)  # u^2 = 1/3 P_0 + 2/3 P_2
    array([0.33333333, 0.        , 0.13333333])
    """
    if lmax > REACH:
        raise ValueError(f"lmax = {lmax}: the power series route reaches ell = {REACH}; use method='quadrature'")
    ell = np.arange(lmax + 1.0)
    scale = np.exp2(-0.5 * ell)
    total = np.zeros(lmax + 1)
    for p in range(b.size - 1, -1, -1):
        these = slice(p % 2, min(p, lmax) + 1, 2)
        d = ell[these]
        total[these] *= (p + 1.0) * (p + 2.0) / ((p - d + 2.0) * (p + d + 3.0))
        total[these] += b[p] * scale[these]
    # m_{ell,ell} = 2 prod_{j=1}^{ell} j / (2j + 1), about 2^-ell: its half power of 2 undoes the scale
    diagonal = np.cumprod(np.concatenate([[2.0], 2.0**0.5 * ell[1:] / (2.0 * ell[1:] + 1.0)]))
    return 2.0 * np.pi * total * diagonal
