r"""Sums of Legendre functions of the second kind: nodes zeta and weights in, sum_j w_j Q_ell(cosh zeta_j) out.

Q_ell(cosh zeta) falls like exp(-(ell + 1/2) zeta). It is the smallest solution of Legendre's recursion, so that runs
*down* in ell, written for Q and its difference d_ell = Q_{ell-1} - Q_ell,

    ell d_ell = (ell + 1) d_{ell+1} + (2 ell + 1) (cosh zeta - 1) Q_ell,      Q_{ell-1} = Q_ell + d_ell,

in which for real zeta everything is positive: no digit is lost at any zeta, however close to 0. It starts from

    Q_ell = exp(-nu zeta) int_0^inf exp(-nu v) dv / (2 sqrt(sinh(v/2) sinh(zeta + v/2))),   nu = ell + 1/2,

by the trapezoid rule in y, v = 2 abs(zeta) sinh(y/2)^2, which converges exponentially for abs(arg zeta) <= pi/2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sphfield.spectra._compiled import compiled
from sphfield.spectra._second_kind_compiled import recursion, start
from sphfield.typing import Array, ComplexArray

__all__ = ["Sums", "second_kind_sums"]


class Sums(NamedTuple):
    """Imaginary parts of the sums for ell = lo ... hi, how errors of their terms count, and the sum beyond hi."""

    value: Array
    size: Array
    noise: Array
    beyond: float


def second_kind_sums(
    zeta: ComplexArray, north: ComplexArray, south: ComplexArray, lo: int, hi: int, fall: float
) -> Sums:
    r"""Im sum_j (north_j + (-1)^ell south_j) Q_ell(cosh zeta_j), ell = lo ... hi, times ``fall**-(ell + 1)``.

    Parameters
    ----------
    zeta : complex array, shape (n,)
        Positive real part, imaginary part in [0, pi/2].
    north, south : complex array, shape (n,)
        Weights.
    lo, hi
        First and last ell.
    fall
        About exp(-min Re zeta): keeps the sums within the range of doubles.

    Returns
    -------
    Sums
        ``value``; ``size``, the sums of either sign, and ``noise``, the root of the sum of squared moduli, by which
        common and independent errors of the weights count; all of shape (hi - lo + 1,). ``beyond``, the sum of
        (2 ell + 1) times the sums over all ell > hi, by Christoffel's formula, times ``fall**-(hi + 1)``.
        Relative error of each Q about 3e-16 (2 + sqrt(hi - lo)) + 1e-16 hi abs(zeta).
    """
    zeta, north, south = (np.ascontiguousarray(x, dtype=np.complex128) for x in (zeta, north, south))
    q, d = np.empty_like(zeta), np.empty_like(zeta)
    compiled(start)(zeta, hi, fall, q, d)
    t = 2.0 * np.sinh(0.5 * zeta) ** 2
    sums, square = np.empty((2, hi - lo + 1)), np.empty(hi - lo + 1)
    compiled(recursion, reorder=True)(t, north, south, q, d, lo, hi, fall, sums, square)
    value = sums[0] + np.where(np.arange(lo, hi + 1) % 2 == 0, 1.0, -1.0) * sums[1]
    sign = 1.0 if hi % 2 == 0 else -1.0
    beyond = (hi + 1.0) * float(np.sum(north * (d / t) - sign * south * ((2.0 * q - d) / (t + 2.0))).imag)
    return Sums(value, np.abs(sums).sum(axis=0), np.sqrt(square), beyond)
