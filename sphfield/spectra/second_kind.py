r"""Sums of Legendre functions of the second kind: nodes zeta and weights in, sum_j w_j Q_ell(cosh zeta_j) out.

Q_ell(cosh zeta) falls like exp(-(ell + 1/2) zeta). It is the smallest solution of Legendre's recursion, so that runs
*down* in ell, written for Q and its difference d_ell = Q_{ell-1} - Q_ell,

    ell d_ell = (ell + 1) d_{ell+1} + (2 ell + 1) (cosh zeta - 1) Q_ell,      Q_{ell-1} = Q_ell + d_ell,

in which for real zeta everything is positive: no digit is lost at any zeta, however close to 0. It starts from

    Q_ell = exp(-nu zeta) int_0^inf exp(-nu v) dv / (2 sqrt(sinh(v/2) sinh(zeta + v/2))),   nu = ell + 1/2,

by the trapezoid rule in y, v = 2 abs(zeta) sinh(y/2)^2, which converges exponentially for abs(arg zeta) <= pi/2.

On S^d there stands in its place, up to a constant, the integral of G_ell(t) (1-t^2)^((d-2)/2) / (cosh(zeta) - t),

    q_ell = exp(-nu zeta) int_0^inf exp(-nu v) (4 sinh(v/2) sinh(zeta + v/2))^(m-1) dv,   m = (d-1)/2, nu = ell + m,

which satisfies ell d_ell = (ell + d - 1) d_{ell+1} + (2 ell + d - 1) (cosh zeta - 1) q_ell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

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
    zeta: ComplexArray, north: ComplexArray, south: ComplexArray, lo: int, hi: int, fall: float, dim: int = 2
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
    dim
        d of S^d: elsewhere than on S^2 q_ell takes the place of Q_ell.

    Returns
    -------
    Sums
        ``value``; ``size``, the sums of either sign, and ``noise``, the root of the sum of squared moduli, by which
        common and independent errors of the weights count; all of shape (hi - lo + 1,). ``beyond``, the sum of
        n_ell times the sums over all ell > hi, by Christoffel's formula, times ``fall**-(hi + 1)``.
        Relative error of each Q about 3e-16 (2 + sqrt(hi - lo)) + 1e-16 hi abs(zeta); for d > 2 times what the
        terms of its integral cancel by, which grows with d: 1 for most zeta, up to some hundred at d = 99.
    """
    zeta, north, south = (np.ascontiguousarray(x, dtype=np.complex128) for x in (zeta, north, south))
    q, d = np.empty_like(zeta), np.empty_like(zeta)
    if dim == 2:
        compiled(start)(zeta, hi, fall, q, d)
    else:
        q, d = _start_in_dimension(zeta, hi, fall, dim)
    t = 2.0 * np.sinh(0.5 * zeta) ** 2
    sums, square = np.empty((2, hi - lo + 1)), np.empty(hi - lo + 1)
    compiled(recursion, reorder=True)(float(dim), t, north, south, q, d, lo, hi, fall, sums, square)
    value = sums[0] + np.where(np.arange(lo, hi + 1) % 2 == 0, 1.0, -1.0) * sums[1]
    sign = 1.0 if hi % 2 == 0 else -1.0
    # (M + d - 1)! / (M! (d - 1)!) of Christoffel's formula; its root twice, to stay within the range of doubles
    root = np.exp(0.5 * (special.gammaln(hi + dim) - special.gammaln(hi + 1.0) - special.gammaln(dim)))
    both = np.sum(north * (d / t) - sign * south * ((2.0 * q - d) / (t + 2.0))).imag
    beyond = root * float(both) * root if dim > 2 else (hi + 1.0) * float(both)
    return Sums(value, np.abs(sums).sum(axis=0), np.sqrt(square), beyond)


def _start_in_dimension(zeta: ComplexArray, ell: int, fall: float, dim: int) -> tuple[ComplexArray, ComplexArray]:
    """q_ell and q_ell - q_{ell+1} for d > 2, times ``fall**-(ell + 1)``, by the trapezoid rule in x, v = e^(x - e^-x).

    It turns the power law at v = 0 into a double exponential. The integrand is, with r = exp(-zeta - v),
    r^(ell + 1) ((1 - e^-v) (1 - e^(-2 zeta - v)))^(m - 1).
    """
    m, r = 0.5 * (dim - 1.0), np.minimum(np.abs(zeta), 1.0 / (ell + 1.0))[:, None]
    step = min(0.15, 0.3 / np.sqrt(m))
    # v^(2m - 1) exp(-nu v) has fallen by e^-45
    end = np.log((45.0 + 3.0 * dim) / (ell + 1.0) / float(r.min()) + 2.0)
    x = np.arange(-3.8, end + step, step)
    v = r * np.exp(x - np.exp(-x))
    z = zeta[:, None]
    # logarithms of the two factors, whose powers may leave the range of doubles
    rest = np.log(-np.expm1(-v)) + np.log(-np.expm1(-2.0 * z - v))
    weight = step * v * (1.0 + np.exp(-x)) * np.exp((m - 1.0) * rest - (ell + 1.0) * (z + v + np.log(fall)))
    return weight.sum(axis=1), (weight * -np.expm1(-z - v)).sum(axis=1)
