"""A kernel and unit rows in; their Gram matrix out, or its largest eigenvalues without forming it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, eigsh

from sphfield.spectra.rows import check_unit_rows
from sphfield.typing import Array, Kernel

__all__ = ["gram", "largest_by_lanczos", "largest_of"]

EPS = float(np.finfo(np.float64).eps)
SAME = 8.0 * EPS  # rows at an angle below 6e-8 count as equal
BLOCK = 1024  # rows and columns evaluated at once: 8 MB
HELD = 1 << 30  # bytes of blocks kept between products, which 16 000 rows take; beyond, each product evaluates anew


def gram(kernel: Kernel, x: Any) -> Array:
    """The matrix k(<x_i, x_j>) of unit rows, shape (n, n), symmetric to the bit; not divided by n.

    Rows at an angle below 6e-8, or as close to opposite, count as equal or opposite.

    Examples
    --------
    >>> gram(np.exp, np.eye(2)).round(6).tolist()
    [[2.718282, 1.0], [1.0, 2.718282]]
    """
    x = check_unit_rows(x)
    out = np.empty((len(x), len(x)))
    for rows, columns, block in _blocks(kernel, x):
        out[rows, columns] = block
        out[columns, rows] = block.T
    return out


def _blocks(kernel: Kernel, x: Array) -> Iterator[tuple[slice, slice, Array]]:
    # those on and above the diagonal
    for first in range(0, len(x), BLOCK):
        rows = slice(first, min(first + BLOCK, len(x)))
        for second in range(first, len(x), BLOCK):
            columns = slice(second, min(second + BLOCK, len(x)))
            u = x[rows] @ x[columns].T
            if first == second:
                u = 0.5 * (u + u.T)
            # equal and opposite rows, whose product is 1 to rounding only, of which kinked kernels keep the root
            u = np.where(np.abs(u) > 1.0 - SAME, np.sign(u), u)
            block = np.asarray(kernel(u), dtype=np.float64)
            if not np.isfinite(block).all():
                bad = u[~np.isfinite(block)][0]
                raise ValueError(f"the kernel is not finite at u = {bad:.6g}: no Gram matrix of these rows")
            yield rows, columns, block


class _Products:
    """v -> k(X X^T) v / n, by blocks that are kept where memory allows."""

    def __init__(self, kernel: Kernel, x: Array) -> None:
        self.kernel, self.x = kernel, x
        self.kept = list(_blocks(kernel, x)) if 4 * len(x) ** 2 <= HELD else None

    def __call__(self, v: Array) -> Array:
        v = v.reshape(-1)
        out = np.zeros(v.size)
        for rows, columns, block in self.kept or _blocks(self.kernel, self.x):
            out[rows] += block @ v[columns]
            if rows != columns:
                out[columns] += block.T @ v[rows]
        return out / v.size


def largest_of(matrix: Array, k: int) -> Array:
    """The k largest eigenvalues of a symmetric matrix over its size, falling."""
    n = len(matrix)
    values: Array = eigh(matrix / n, eigvals_only=True, subset_by_index=None if k == n else (n - k, n - 1))
    return values[::-1]


def largest_by_lanczos(kernel: Kernel, x: Array, k: int) -> Array:
    """The k < n largest eigenvalues of k(X X^T) / n, falling, from products with blocks of the matrix.

    One start sees one vector of each eigenspace, and the others by rounding only. So the matrix without what was found
    is asked for more, until nothing in it exceeds the k-th.
    """
    n, product = len(x), _Products(kernel, x)
    start = np.cos(np.arange(n) ** 2.0)  # no symmetry of any data; not random, so that results repeat
    values, vectors = eigsh(_operator(product, n), k, which="LA", v0=start)
    while values.size < n - 1:
        rest = _operator(partial(_deflated, product, vectors, values), n)
        more, added = eigsh(rest, min(8, n - 1 - values.size), which="LA", v0=np.sin(np.arange(n) ** 2.0))
        new = more > np.sort(values)[-k] + n * EPS * values.max()
        if not new.any():
            break
        values, vectors = np.append(values, more[new]), np.hstack([vectors, added[:, new]])
    return np.asarray(np.sort(values)[::-1][:k])


def _operator(product: Callable[[Array], Array], n: int) -> Any:
    return LinearOperator((n, n), matvec=product, dtype=np.float64)


def _deflated(product: Callable[[Array], Array], vectors: Array, values: Array, v: Array) -> Array:
    return np.asarray(product(v) - vectors @ (values * (vectors.T @ v.reshape(-1))))
