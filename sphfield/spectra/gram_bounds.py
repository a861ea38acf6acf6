r"""Coefficients c_p >= 0 of a kernel and the rank of the data in, bounds of the eigenvalues of its Gram matrix out.

With unit rows X and :math:`n K = \sum_p c_p (X X^T)^{\odot p}` every term is positive semi-definite, which gives
rigorous bounds with their constants (`explicit_bound`, `theorems`). What arXiv 2211.07844 states up to a constant, for
coefficients of three laws, is in `eigenvalue_order` and `multipole_order`: shapes, to be multiplied by any number.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Any, Literal

import numpy as np

from sphfield.typing import Array

__all__ = ["Bound", "coefficient_bounds", "eigenvalue_order", "explicit_bound", "multipole_order", "powers_for"]

Law = Literal["power", "root", "geometric"]
_LAWS = {"power": "p**-rate", "root": "exp(-rate sqrt(p))", "geometric": "exp(-rate p)"}
_MOST = 1024  # coefficients asked of a kernel
_ROUNDING = 1e-11  # relative, of an effective rank: theorems that hold with equality must not fail by it


@dataclass(frozen=True)
class Bound:
    """One inequality: ``quantity`` is measured, and at most ``limit``, by ``theorem``, with its constant.

    Examples
    --------
    >>> print(Bound("Theorem 4.1", "effective rank", 1.5, 2.0))
    Theorem 4.1: effective rank 1.5 <= 2
    """

    theorem: str
    quantity: str
    measured: float
    limit: float

    @property
    def holds(self) -> bool:
        """True up to rounding."""
        return self.measured <= self.limit * (1.0 + _ROUNDING)

    def __str__(self) -> str:
        return f"{self.theorem}: {self.quantity} {self.measured:.6g} {'<=' if self.holds else '>'} {self.limit:.6g}"


def coefficient_bounds(coefficients: Array, trace: float, effective_rank: float, of_data: float) -> list[Bound]:
    r"""Theorems 4.1 and 4.3 of arXiv 2211.07844, both rigorous with these constants.

    From :math:`n K \succeq c_0 1 1^T` follows :math:`\lambda_1 \ge c_0`, from :math:`n K \succeq c_1 X X^T` follows
    :math:`\lambda_1 \ge c_1 \lambda_1(X X^T) / n`, and Tr K = sum c_p = k(1). So the effective rank is at most
    k(1) / c_0 and at most k(1) / c_1 times that of :math:`X X^T`. Where a coefficient is zero a theorem says nothing
    and is left out.

    Examples
    --------
    >>> for bound in coefficient_bounds(np.array([0.5, 0.25]), 1.0, 1.9, 3.0):
    ...     print(bound)
    Theorem 4.1: effective rank 1.9 <= 2
    Theorem 4.3: effective rank 1.9 <= 12
    """
    limits = zip(("Theorem 4.1", "Theorem 4.3"), coefficients[:2], (1.0, of_data), strict=False)
    return [Bound(name, "effective rank", effective_rank, times * trace / float(c)) for name, c, times in limits if c]


def explicit_bound(coefficients: Array, trace: float, rank: int, k: int) -> Array:
    r"""Upper bounds of the k largest eigenvalues, falling: Theorem 4.8 with its constants (derived here, rigorous).

    The first T terms of the series are polynomials of degree below T on the sphere of the span of the rows, of
    dimension ``rank`` = r: even powers up to q span at most :math:`\binom{q+r-1}{r-1}` dimensions, odd ones likewise.
    If these add up to D, the eigenvalues from the (D + 1)-th on sum to at most the trace of the remaining terms
    (Ky Fan), so that

    .. math:: \lambda_j \le \min_{D(T) < j} \frac{1}{j - D(T)} \Bigl(k(1) - \sum_{p<T} c_p\Bigr),

    for T = 0 k(1) / j, Observation 4.2.

    Parameters
    ----------
    coefficients : array, shape (P,)
        c_p, p < P; what they lack of ``trace`` = k(1) counts as lying beyond.

    Returns
    -------
    array, shape (k,)
        The bounds of eigenvalues of K, that is of the Gram matrix over its size.

    Examples
    --------
    >>> explicit_bound(np.array([0.5, 0.25]), 1.0, rank=2, k=5).round(4).tolist()
    [1.0, 0.5, 0.25, 0.1667, 0.125]
    """
    beyond = max(0.0, trace - float(coefficients.sum()))
    rests = beyond + np.append(np.cumsum(coefficients[::-1])[::-1], 0.0)
    rests[0] = trace
    bound = np.full(k, np.inf)
    dimension, last = 0, [-1, -1]
    for T, rest in enumerate(rests):
        if T > 0 and coefficients[T - 1] > 0.0:
            last[(T - 1) % 2] = T - 1
            dimension = sum(comb(q + rank - 1, rank - 1) for q in last if q >= 0)
        if dimension >= k:
            break
        np.minimum(bound[dimension:], rest / np.arange(1.0, k - dimension + 1.0), out=bound[dimension:])
    return bound


def powers_for(rank: int, k: int) -> int:
    """Coefficients of which `explicit_bound` can make use for k eigenvalues, at least 64 and at most 1024."""
    T = 64
    while T < _MOST and comb(T + rank - 1, rank - 1) < k:
        T *= 2
    return T


def eigenvalue_order(j: Any, law: Law, rate: float, rank: int) -> Array:
    r"""Theorem 4.8 of arXiv 2211.07844: how the j-th eigenvalue falls at most; an order, its constant is not known.

    Parameters
    ----------
    j : array_like
        Index of the eigenvalue, from 1.
    law, rate
        How the coefficients fall at most: ``"power"`` :math:`p^{-\alpha}` with :math:`\alpha > r + 1`, ``"root"``
        :math:`e^{-\alpha \sqrt p}`, ``"geometric"`` :math:`e^{-\alpha p}`; rate is :math:`\alpha`.
    rank
        r, of the data.

    Returns
    -------
    array, shape of ``j``
        :math:`j^{-(\alpha-1)/r}`, :math:`j^{1/2r} e^{-\alpha' j^{1/2r}}` or :math:`e^{-\alpha' j^{1/r}}`. The theorem
        holds for every :math:`\alpha' < 2^{-1/2r} \alpha`, here its end.

    Examples
    --------
    >>> eigenvalue_order([1, 8], "power", 7.0, rank=3).tolist()
    [1.0, 0.015625]
    """
    _check(law, rate)
    j = np.asarray(j, dtype=np.float64)
    if law == "power":
        if rate <= rank + 1:
            raise ValueError(f"rate = {rate} must exceed rank + 1 = {rank + 1}: Theorem 4.8 says nothing below")
        return np.asarray(j ** (-(rate - 1.0) / rank))
    slower = rate * 2.0 ** (-0.5 / rank)
    if law == "root":
        return np.asarray(j ** (0.5 / rank) * np.exp(-slower * j ** (0.5 / rank)))
    return np.asarray(np.exp(-slower * j ** (1.0 / rank)))


def multipole_order(ell: Any, law: Law, rate: float, dim: int = 2) -> tuple[Array, Array]:
    r"""Corollary 4.7 of arXiv 2211.07844: how C_ell falls on S^d, at least and at most; orders, without constants.

    Parameters
    ----------
    ell : array_like
        Degrees, from 1.
    law, rate
        How the coefficients fall: ``"power"`` :math:`p^{-a}`, ``"root"`` :math:`e^{-a \sqrt p}`, ``"geometric"``
        :math:`p^{1/2} e^{-a p}`; rate is a. (Of one parity if the series has one.)
    dim
        d.

    Returns
    -------
    lower, upper : arrays, shape of ``ell``
        Both :math:`\ell^{-d-2a+2}`; 0 and :math:`\ell^{-d+1/2} e^{-a \sqrt\ell}`;
        :math:`\ell^{-d/2+1} 2^{-\ell} e^{-a \ell}` and :math:`\ell^{-d+1} e^{-a \ell}`.

    Examples
    --------
    >>> low, high = multipole_order([10, 20], "power", 1.5)  # ReLU: ell^-3 on S^2
    >>> round(float(low[0] / low[1]), 9), round(float(high[0] / high[1]), 9)
    (8.0, 8.0)
    """
    _check(law, rate)
    ell = np.asarray(ell, dtype=np.float64)
    if law == "power":
        both = np.asarray(ell ** (2.0 - dim - 2.0 * rate))
        return both, both
    if law == "root":
        return np.zeros_like(ell), np.asarray(ell ** (0.5 - dim) * np.exp(-rate * np.sqrt(ell)))
    fall = np.exp(-rate * ell)
    return np.asarray(ell ** (1.0 - 0.5 * dim) * 0.5**ell * fall), np.asarray(ell ** (1.0 - dim) * fall)


def _check(law: str, rate: float) -> None:
    if law not in _LAWS:
        laws = ", ".join(f"{name!r} ({form})" for name, form in _LAWS.items())
        raise ValueError(f"law = {law!r} is not known: coefficients may fall as {laws}")
    if not (np.isfinite(rate) and rate > 0.0):
        raise ValueError(f"rate = {rate} must be positive and finite: how fast the coefficients fall")
