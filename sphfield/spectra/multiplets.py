r"""A kernel and points on S^d in, the eigenvalues of its Gram matrix in multiplets out: n_ell of them near mu_ell.

On the whole sphere the eigenvalues are :math:`\mu_\ell = C_\ell / \omega_d`, each n_ell times (2 ell + 1 on S^2). On
n points a multiplet is shifted and spread, since the harmonics are no longer orthonormal; by how much is bounded here
from the points alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvalsh, lapack
from scipy.sparse.linalg import eigsh

from sphfield.spectra.gram_matrix import EPS, gram
from sphfield.spectra.rows import check_unit_rows
from sphfield.spectra.spectrum import Spectrum
from sphfield.spectra.sphere import dimension_up_to, log_area, log_multiplicity
from sphfield.typing import Array, Kernel

__all__ = ["Multiplets", "multiplets", "unevenness"]

_CLOSE = 1e-3  # relative, of a norm that only bounds


@dataclass(frozen=True, eq=False)
class Multiplets:
    r"""Eigenvalues of :math:`k(X X^T) / n` grouped by degree, for degrees with mu_ell > 0 up to lmax.

    Parameters
    ----------
    ell, mu : arrays, shape (m,)
        Degrees and the eigenvalues of the integral operator, C_ell / omega_d.
    eigenvalues : tuple of m arrays
        Those of the matrix, falling, n_ell in each, by their place in the order of size.
    lower, upper : arrays, shape (m,)
        Bounds of the eigenvalues of each multiplet, from `unevenness`, rigorous to rounding.
    uneven : array, shape (lmax + 1,)
        e_L of `unevenness`, for L = 0 ... lmax.
    resolved : array of bool, shape (m,)
        Where the interval lower ... upper meets no other one: exactly these n_ell eigenvalues lie in it. Elsewhere the
        bounds hold, but which eigenvalue belongs to which degree is a convention.
    """

    ell: NDArray[np.intp]
    mu: Array
    eigenvalues: tuple[Array, ...] = field(repr=False)
    lower: Array = field(repr=False)
    upper: Array = field(repr=False)
    uneven: Array = field(repr=False)
    resolved: NDArray[np.bool_] = field(repr=False)

    @property
    def mean(self) -> Array:
        """Mean of each multiplet, shape (m,)."""
        return np.array([values.mean() for values in self.eigenvalues])

    @property
    def shift(self) -> Array:
        """Mean over mu_ell, minus 1."""
        return self.mean / self.mu - 1.0

    @property
    def spread(self) -> Array:
        """Largest minus smallest of each multiplet, over mu_ell."""
        return np.array([values[0] - values[-1] for values in self.eigenvalues]) / self.mu


def multiplets(kernel: Kernel, points: Any, spectrum: Spectrum) -> Multiplets:
    r"""Group the eigenvalues of :math:`k(X X^T) / n` by degree, up to the lmax of the spectrum.

    With harmonics orthonormal for the mean over the sphere in the columns of :math:`\Phi_L` (degrees up to L) over
    :math:`\sqrt n`, the matrix is :math:`\Phi_L M \Phi_L^T + B_L`: M holds mu_ell, B_L the degrees beyond. By
    Ostrowski's theorem and Weyl's the j-th eigenvalue lies for every L between

    .. math:: (1 - e_L) \mu_{(j)} \quad \text{and} \quad (1 + e_L) \mu_{(j)} + \|B_L\|, \qquad
        e_L = \|\Phi_L^T \Phi_L - 1\|,

    the j-th of the mu_ell with ell <= L counted n_ell times. Here the best of these for each is taken (derived).

    Parameters
    ----------
    kernel
        Any function u -> k(u).
    points : array_like, shape (n, d + 1)
        On S^d, d >= 2: for example `sphfield.fields.pixels.pixel_centres(nside)`, with lmax up to 2 nside.
    spectrum
        `angular_spectrum(kernel, lmax, dim=d)`.

    Notes
    -----
    Dense: about six matrices of n x n numbers, and time as n^2 times the harmonics, times lmax; n up to a few thousand.

    Raises
    ------
    ValueError
        If the sphere of the points is not that of the spectrum, or they are fewer than the harmonics up to lmax.

    Examples
    --------
    >>> from sphfield import NTK, Network, ReLU, angular_spectrum
    >>> from sphfield.fields.pixels import pixel_centres
    >>> theta = NTK(Network(ReLU(), depth=1))
    >>> m = multiplets(theta, pixel_centres(8), angular_spectrum(theta, 4))
    >>> m.ell.tolist(), [values.size for values in m.eigenvalues]
    ([0, 1, 2, 4], [1, 3, 5, 9])
    >>> bool(np.all(m.lower <= m.mean)) and bool(np.all(m.mean <= m.upper))
    True
    """
    x = check_unit_rows(points)
    mu, count = _known(x, spectrum)
    n, matrix = len(x), gram(kernel, x) / len(x)
    values = eigvalsh(matrix)[::-1]
    uneven = unevenness(x, spectrum.lmax)
    # rounding, and what the errors of mu_ell leave in B_L
    errors = np.where(np.isfinite(spectrum.error), spectrum.error, 0.0)
    slack = n * EPS * float(np.trace(matrix)) + float(np.max(errors * mu))
    lower, upper = np.zeros(n), np.full(n, np.inf)
    for L, norm in _norms_beyond(matrix, x, mu):
        among = np.zeros(n)  # the matrix of rank at most sum n_ell, whose other eigenvalues are 0
        among[: count[: L + 1].sum()] = np.sort(np.repeat(mu[: L + 1], count[: L + 1]))[::-1]
        np.maximum(lower, (1.0 - uneven[L]) * among - slack, out=lower)
        np.minimum(upper, (1.0 + uneven[L]) * among + norm + slack, out=upper)
    ell = np.flatnonzero(mu > slack)
    ell = ell[np.argsort(-mu[ell], kind="stable")]
    ends = np.cumsum(count[ell])
    low, high = lower[ends - 1], upper[ends - count[ell]]
    below, above = np.append(high[1:], upper[ends[-1]] if ends[-1] < n else 0.0), np.append(np.inf, low[:-1])
    resolved = (low > below) & (high < above)
    back = np.argsort(ell)
    grouped = np.split(values[: ends[-1]], ends[:-1])
    return Multiplets(
        ell[back], mu[ell[back]], tuple(grouped[i] for i in back), low[back], high[back], uneven, resolved[back]
    )


def unevenness(points: Any, lmax: int) -> Array:
    r"""How far harmonics up to degree L are from orthonormal on these points, for L = 0 ... lmax; shape (lmax + 1,).

    :math:`e_L = \|\Phi_L^T \Phi_L - 1\|` for the harmonics orthonormal for the mean over the sphere, over
    :math:`\sqrt n`: the largest relative error of the mean of f^2 over the points, for any f of degree up to L. It is
    0 for a spherical design of strength 2L, and at least 1 for fewer points than harmonics.

    Examples
    --------
    >>> from sphfield.fields.pixels import pixel_centres
    >>> unevenness(pixel_centres(8), 4).round(4).tolist()
    [0.0, 0.0015, 0.0048, 0.0088, 0.0129]
    """
    x = check_unit_rows(points)
    total, found, ranks = np.zeros((len(x), len(x))), [], []
    for part in _projections(x, lmax):
        total += part
        # Phi Phi^T = C C^T, and C^T C, of the size of the rank, has the same eigenvalues
        lower, _, rank, _ = lapack.dpstrf(total, lower=1, tol=1e-10)
        factor = np.tril(lower)[:, :rank]
        values = eigvalsh(factor.T @ factor)
        found.append(max(values[-1] - 1.0, 1.0 - values[0]))
        ranks.append(rank)
    dimensions = np.array([dimension_up_to(L, x.shape[1] - 1) for L in range(lmax + 1)])
    return np.where(dimensions > np.array(ranks), np.maximum(found, 1.0), found)  # some f vanishes on all points


def _known(x: Array, spectrum: Spectrum) -> tuple[Array, NDArray[np.int64]]:
    """mu_ell and n_ell, if the spectrum belongs to the sphere of the points and they carry its degrees."""
    n, dim = x.shape[0], x.shape[1] - 1
    if dim != spectrum.dim:
        raise ValueError(
            f"points of {dim + 1} numbers lie on S^{dim}, the spectrum is of S^{spectrum.dim}: use dim={dim}"
        )
    harmonics = dimension_up_to(spectrum.lmax, dim)
    if harmonics > n:
        raise ValueError(
            f"{n} points are fewer than the {harmonics} harmonics up to lmax = {spectrum.lmax}: "
            "use more points or a smaller lmax"
        )
    count = np.rint(np.exp(log_multiplicity(np.arange(spectrum.lmax + 1), dim))).astype(np.int64)
    return spectrum.cl * np.exp(-log_area(dim)), count


def _projections(x: Array, lmax: int) -> Iterator[Array]:
    # n_ell G_ell(<x_i, x_j>) / n: by the addition theorem the harmonics of degree ell times themselves
    u, dim = np.clip(x @ x.T, -1.0, 1.0), x.shape[1] - 1
    before, now = np.zeros_like(u), np.ones_like(u)
    for ell in range(lmax + 1):
        yield np.exp(log_multiplicity(ell, dim)) / len(x) * now
        now, before = ((2.0 * ell + dim - 1.0) * u * now - ell * before) / (ell + dim - 1.0), now


def _norms_beyond(matrix: Array, x: Array, mu: Array) -> Iterator[tuple[int, float]]:
    """L and the largest eigenvalue of the matrix without the degrees up to L, where mu_L is not 0."""
    rest, noise = matrix.copy(), len(x) * EPS * float(np.trace(matrix))
    start = np.cos(np.arange(len(x)) ** 2.0)
    for L, part in enumerate(_projections(x, mu.size - 1)):
        if mu[L] <= noise:
            continue  # nothing is gained over L - 1
        rest -= mu[L] * part
        norm = float(np.linalg.norm(rest))
        if norm > noise:
            largest = eigsh(rest, 1, which="LA", v0=start, tol=_CLOSE, return_eigenvectors=False)[0]
            norm = max(0.0, (1.0 + _CLOSE) * float(largest))
        yield L, norm
