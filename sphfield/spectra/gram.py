"""A kernel and unit rows in, the eigenvalues of its Gram matrix out, beside those of the data and their bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from sphfield.spectra.gram_bounds import Bound, coefficient_bounds, explicit_bound, powers_for
from sphfield.spectra.gram_matrix import EPS, gram, largest_by_lanczos, largest_of
from sphfield.spectra.power_series import PowerSeries
from sphfield.spectra.rows import check_unit_rows
from sphfield.typing import Array, Kernel

__all__ = ["GramSpectrum", "gram_spectrum", "rank_of", "spectrum_of_gram"]

DENSE = 1500  # rows up to which all eigenvalues take a second or so

Method = Literal["auto", "dense", "lanczos"]


@dataclass(frozen=True, eq=False)
class GramSpectrum:
    r"""Eigenvalues of :math:`K = k(X X^T) / n` for n unit rows, with what theory says about them.

    Divided by n as in Murray et al. (arXiv 2211.07844), so that all n of them sum to k(1), and tend for points spread
    evenly over a sphere to those of the integral operator, :math:`\mu_\ell = C_\ell / \omega_d`.

    Parameters
    ----------
    eigenvalues : array, shape (k,)
        The k largest, falling. Absolute error: a few roundings of k(1); below ``floor`` they mean nothing.
    size : int
        n.
    trace : float
        Sum of all n eigenvalues, k(1).
    data : array, shape (min(n, d),)
        Eigenvalues of :math:`X X^T / n`, falling; they sum to 1.
    coefficients : array, shape (P,)
        :math:`c_p \ge 0` of :math:`k(u) = \sum_p c_p u^p`, p < P; empty if not known.
    method
        How the eigenvalues were found.

    Examples
    --------
    >>> from sphfield import NTK, Network, ReLU
    >>> from sphfield.spectra.rows import unit_rows
    >>> x = unit_rows(np.random.default_rng(1).standard_normal((200, 20)))
    >>> s = gram_spectrum(NTK(Network(ReLU(), depth=1)), x)
    >>> print(f"{s.share:.3f} {s.effective_rank:.3f} {s.data_effective_rank:.2f} {s.outliers(0.1)}")
    0.176 5.686 12.30 1
    """

    eigenvalues: Array = field(repr=False)
    size: int
    trace: float
    data: Array = field(repr=False)
    coefficients: Array = field(repr=False)
    method: str = "dense"

    @property
    def share(self) -> float:
        """The largest eigenvalue as a share of their sum."""
        return float(self.eigenvalues[0] / self.trace)

    @property
    def effective_rank(self) -> float:
        """Sum of the eigenvalues over the largest, between 1 and n."""
        return 1.0 / self.share

    @property
    def data_effective_rank(self) -> float:
        """The same of the data's X X^T."""
        return float(self.data.sum() / self.data[0])

    @property
    def data_rank(self) -> int:
        """Rank of X X^T, its eigenvalues above n eps of the largest; what is left out changes no digit of K."""
        return rank_of(self.data, self.size)

    @property
    def floor(self) -> float:
        """Eigenvalues below this are rounding: n eps k(1)."""
        return self.size * EPS * self.trace

    def outliers(self, eps: float = 0.1) -> int:
        """Number of eigenvalues above eps times their sum; at most 1/eps (Observation 4.2).

        Raises
        ------
        ValueError
            If eps is not in (0, 1), or all of the k eigenvalues exceed it.
        """
        if not 0.0 < eps < 1.0:
            raise ValueError(f"eps = {eps} must lie in (0, 1): it is a share of the trace")
        above = int(np.count_nonzero(self.eigenvalues > eps * self.trace))
        if above == self.eigenvalues.size < self.size:
            raise ValueError(f"all {above} known eigenvalues exceed {eps} of the trace: ask for a larger k")
        return above

    @cached_property
    def lower(self) -> Array:
        """Rigorous lower bounds, shape (k,): c_1 times the eigenvalues of X X^T / n, and c_0 for the first.

        Theorems 4.3 and 4.1 for every eigenvalue: what else the series holds only adds (Weyl). Zero where the data
        have rank no more, or coefficients are not known.
        """
        bound = np.zeros(self.eigenvalues.size)
        c = np.append(self.coefficients, [0.0, 0.0])
        shared = min(bound.size, self.data.size)
        bound[:shared] = c[1] * self.data[:shared]
        bound[0] = max(bound[0], c[0])
        return bound

    @cached_property
    def upper(self) -> Array:
        """Rigorous upper bounds, shape (k,), of `gram_bounds.explicit_bound`; trace / j without coefficients."""
        return explicit_bound(self.coefficients, self.trace, self.data_rank, self.eigenvalues.size)

    def bounds(self, eps: float = 0.1) -> list[Bound]:
        """Inequalities of arXiv 2211.07844 beside what is measured, all rigorous with the constants shown.

        Theorems 4.1 and 4.3 (`gram_bounds.coefficient_bounds`), Observation 4.2 for `outliers`, and the largest ratio
        of an eigenvalue to its `upper` bound, at most 1.

        Examples
        --------
        >>> s = gram_spectrum([0.5, 0.3, 0.2], np.eye(3))
        >>> for bound in s.bounds():
        ...     print(bound)
        Theorem 4.1: effective rank 1.5 <= 2
        Theorem 4.3: effective rank 1.5 <= 10
        Observation 4.2: eigenvalues above 0.1 of the trace 3 <= 10
        Theorem 4.8, explicit: largest ratio of eigenvalue to bound 0.666667 <= 1
        """
        bounds = coefficient_bounds(self.coefficients, self.trace, self.effective_rank, self.data_effective_rank)
        above = f"eigenvalues above {eps:g} of the trace"
        if self.eigenvalues.size == self.size or self.eigenvalues[-1] <= eps * self.trace:  # else not all are known
            bounds.append(Bound("Observation 4.2", above, self.outliers(eps), np.floor(1.0 / eps)))
        ratio = np.max(self.eigenvalues / (self.upper + self.floor))
        return [*bounds, Bound("Theorem 4.8, explicit", "largest ratio of eigenvalue to bound", float(ratio), 1.0)]


def gram_spectrum(
    kernel: Kernel | Any, x: Any, k: int | None = None, *, coefficients: Any = None, method: Method = "auto"
) -> GramSpectrum:
    r"""The largest eigenvalues of :math:`k(X X^T) / n`.

    Parameters
    ----------
    kernel
        Any function u -> k(u) on [-1, 1], positive definite; or the coefficients :math:`c_p \ge 0` of a polynomial
        :math:`\sum_p c_p u^p`, shape (P,).
    x : array_like, shape (n, d)
        Unit rows: `sphfield.spectra.rows.unit_rows` makes them.
    k
        How many eigenvalues; all by default.
    coefficients : array_like, shape (P,), optional
        The first coefficients of the power series of the kernel, for the bounds. A kernel that knows them, as `NNGP`
        and `NTK` of catalogued activations, needs none.
    method
        ``"dense"``: `scipy.linalg.eigh`, memory 16 n^2 bytes. ``"lanczos"``: `scipy.sparse.linalg.eigsh` on products
        with blocks of the matrix, which is never formed; the start is fixed, and copies of multiple eigenvalues that
        it overlooks are asked for until there are none. ``"auto"``: dense up to 1500 rows or if k > n / 5.

    Raises
    ------
    ValueError
        If rows are not of norm 1, k is not in 1 ... n, coefficients are negative or sum to more than k(1), or the
        kernel is not finite or not positive definite on these rows.

    Examples
    --------
    >>> x = np.repeat(np.eye(3), 2, axis=0)  # three directions, each twice
    >>> gram_spectrum([1.0, 1.0], x).eigenvalues.round(12).tolist()
    [1.333333333333, 0.333333333333, 0.333333333333, 0.0, 0.0, 0.0]
    """
    x = check_unit_rows(x)
    n = len(x)
    k = n if k is None else k
    if not 1 <= k <= n:
        raise ValueError(f"k = {k} must lie in 1 ... {n}, the number of rows")
    if method not in get_args(Method):
        raise ValueError(f"method = {method!r} is not known: use one of {', '.join(map(repr, get_args(Method)))}")
    if not callable(kernel):
        kernel, coefficients = _polynomial(kernel)
    data = _data_eigenvalues(x)
    trace = float(np.asarray(kernel(np.ones(1)))[0])
    if not 0.0 < trace < np.inf:
        raise ValueError(f"k(1) = {trace}: the kernel of unit rows must be positive and finite there")
    c = _coefficients(kernel, coefficients, powers_for(rank_of(data, n), k), trace)
    dense = method == "dense" or (method == "auto" and (n <= DENSE or 5 * k > n)) or k == n
    values = largest_of(gram(kernel, x), k) if dense else largest_by_lanczos(kernel, x, k)
    return GramSpectrum(_checked(values, n, trace), n, trace, data, c, "dense" if dense else "lanczos")


def spectrum_of_gram(matrix: Any, x: Any) -> GramSpectrum:
    """The same of any Gram matrix on unit rows, as the empirical tangent kernel of a network; not divided by n yet.

    Without coefficients, so that `bounds` has Observation 4.2 only in its two forms.

    Examples
    --------
    >>> spectrum_of_gram(np.diag([3.0, 1.0]), np.eye(2)).effective_rank.__round__(9)
    1.333333333
    """
    x, matrix = check_unit_rows(x), np.asarray(matrix, dtype=np.float64)
    n = len(x)
    if matrix.shape != (n, n):
        raise ValueError(f"the matrix has shape {matrix.shape}, x has {n} rows: give shape ({n}, {n})")
    trace = float(np.trace(matrix)) / n
    return GramSpectrum(_checked(largest_of(matrix, n), n, trace), n, trace, _data_eigenvalues(x), np.empty(0))


def rank_of(data: Array, size: int) -> int:
    """Number of eigenvalues (falling) above size * eps of the first."""
    return int(np.count_nonzero(data > size * EPS * data[0]))


def _data_eigenvalues(x: Array) -> Array:
    small = x.T @ x if x.shape[0] > x.shape[1] else x @ x.T
    return np.clip(np.linalg.eigvalsh(small)[::-1] / len(x), 0.0, None)


def _polynomial(coefficients: Any) -> tuple[Kernel, Array]:
    c = np.asarray(coefficients, dtype=np.float64)
    if c.ndim != 1 or c.size == 0:
        raise ValueError(f"the kernel is neither a function nor coefficients of shape (P,), it has shape {c.shape}")
    return lambda u: np.polynomial.polynomial.polyval(u, c), c


def _coefficients(kernel: Kernel, given: Any, count: int, trace: float) -> Array:
    if given is None and isinstance(kernel, PowerSeries):
        given = kernel.coefficients
    elif given is None:
        offered = kernel.coefficients(count) if hasattr(kernel, "coefficients") else None
        given = np.empty(0) if offered is None else offered[0]
    c = np.asarray(given, dtype=np.float64)
    if c.ndim != 1:
        raise ValueError(f"coefficients have shape {c.shape}: give c_p for p = 0, 1, ..., of shape (P,)")
    if not (c >= 0.0).all():
        p = int(np.flatnonzero(~(c >= 0.0))[0])
        raise ValueError(f"coefficient {p} is {c[p]}: bounds need c_p >= 0, as every network's kernel has them")
    if c.sum() > trace * (1.0 + 1e-9):
        raise ValueError(
            f"the coefficients sum to {c.sum():.9g}, the kernel is k(1) = {trace:.9g}: they are not its own"
        )
    return c


def _checked(values: Array, n: int, trace: float) -> Array:
    # 1e-9: below the error of kernels of opaque activations
    if values[-1] < -max(1e-9, n * EPS) * trace:
        raise ValueError(f"an eigenvalue is {values[-1]:.3g}: the kernel is not positive definite on these rows")
    return values.clip(min=0.0)  # rounding leaves -1e-16 where the exact value is 0
