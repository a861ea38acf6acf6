r"""The sphere S^d in R^(d+1) in numbers: a dimension and multipoles in; area, multiplicities, eigenvalues out.

The harmonics of degree ell span a space of dimension

.. math:: n_{\ell,d} = \frac{2\ell+d-1}{\ell} \binom{\ell+d-2}{\ell-1}, \qquad n_{0,d} = 1,

2 ell + 1 on S^2, on which the Laplacian is -ell (ell + d - 1). Both the area and the multiplicities leave the range of
doubles as d grows, so they are given by their logarithms. Atkinson and Han, Spherical Harmonics (2012), chapter 2.
"""

from __future__ import annotations

from math import comb, lgamma, log, pi
from typing import Any

import numpy as np

from sphfield.spectra.factorials import stirling_rest
from sphfield.typing import Array

__all__ = ["check_dim", "dimension_up_to", "eigenvalue", "log_area", "log_multiplicity"]

MOST = 10_000


def check_dim(dim: Any) -> int:
    """`dim` as an integer from 2 to 10 000, the dimension d of the sphere S^d in R^(d+1).

    Raises
    ------
    TypeError, ValueError
        If it is not one.
    """
    if isinstance(dim, bool) or not isinstance(dim, int | np.integer):
        raise TypeError(f"dim = {dim!r} must be an integer: the sphere S^dim lies in R^(dim + 1)")
    if not 2 <= dim <= MOST:
        raise ValueError(f"dim = {dim} must lie in 2 ... {MOST}: the sphere S^dim lies in R^(dim + 1)")
    return int(dim)


def log_area(dim: int) -> float:
    """Log of the area of S^dim, 2 pi^((d+1)/2) / Gamma((d+1)/2), for dim = 0 (two points), 1 (the circle), 2, ...

    Examples
    --------
    >>> round(float(np.exp(log_area(2))), 9)  # 4 pi
    12.566370614
    """
    return log(2.0) + 0.5 * (dim + 1) * log(pi) - lgamma(0.5 * (dim + 1))


def log_multiplicity(ell: Any, dim: int) -> Array:
    """Log of the number of harmonics of degree `ell` on S^dim, shape of `ell`; error about 1e-15 (1 + its size).

    Examples
    --------
    >>> np.exp(log_multiplicity([0, 1, 2, 3], 9)).round(9).tolist()  # on S^9
    [1.0, 10.0, 54.0, 210.0]
    """
    ell = np.asarray(ell, dtype=np.float64)
    if dim == 2:
        return np.asarray(np.log(2.0 * ell + 1.0))
    # (2 ell + d - 1) (ell + d - 2)! / (ell! (d - 1)!), the large parts of the factorials cancelled
    n = dim - 1.0
    top, positive = ell + n - 1.0, np.maximum(ell, 1.0)
    large = ell * np.log1p((n - 1.0) / positive) + (n - 1.0) * np.log1p((ell - 1.0) / n) - np.log(n) + 1.0
    return np.asarray(np.log(2.0 * ell + n) + large + stirling_rest(top) - stirling_rest(ell) - stirling_rest(n))


def eigenvalue(ell: Any, dim: int) -> Array:
    """Eigenvalue of minus the Laplacian of S^dim, ell (ell + d - 1)."""
    ell = np.asarray(ell, dtype=np.float64)
    return np.asarray(ell * (ell + dim - 1.0))


def dimension_up_to(ell: int, dim: int) -> int:
    """Number of harmonics of degree 0 ... `ell`, the dimension of the polynomials of that degree on S^dim.

    Examples
    --------
    >>> dimension_up_to(3, 2), dimension_up_to(2, 9)
    (16, 65)
    """
    return comb(ell + dim, dim) + comb(ell + dim - 1, dim)
