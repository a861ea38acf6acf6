r"""Resolution in, corrections to equal pixel weights out, so that sums over pixels are integrals up to ell = 3 nside.

There are more pixels than harmonics with ell <= 3 nside. Of all weights that integrate these, the ones nearest to equal
weights are wanted: HEALPix's "full pixel weights". They are the same after quarter turns, phi -> -phi and z -> -z, so
that only even ell and m = 0, 4, 8 ... are left to ask for, of values on a quarter of the northern hemisphere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import ducc0
import numpy as np
from numpy.typing import NDArray

from sphfield.typing import Array, ComplexArray

__all__ = ["Progress", "corrections", "count", "exact_ell", "expand"]

Progress: TypeAlias = Callable[[float, float], object]
"""Told after each step: the decimal digits gained so far, and the digits wanted."""

# Equal weights err at order m on the rings that cannot tell it from 0, m/4 and m/8 ..., which lie the deeper in the
# region around the pole where Y_lm vanishes: by a factor of 3.5 less each time m grows by 8. At 160 the rest is 1e-15.
_LAST_M = 160
# The true residual stops falling at 5e-15 of the right-hand side, the recursion's own goes on; what it gains until
# 1e-18 makes orders beyond _LAST_M right that are not asked for, and costs 20 steps of 250.
_DIGITS = 18.0
_STEPS = 400


def exact_ell(nside: int) -> int:
    """Largest ell that the weights integrate: 3 nside, but 3 nside - 1 at nside = 2 and 4.

    There ell = 3 nside leaves no fewer equations than unknowns. At nside = 2 they contradict each other; at nside = 4
    their only solution is negative on some pixels, -38 times the mean.

    Examples
    --------
    >>> exact_ell(4), exact_ell(64)
    (11, 192)
    """
    return 3 * nside - (nside in {2, 4})


def count(nside: int) -> int:
    """How many weights the symmetries leave different.

    Examples
    --------
    >>> [count(nside) for nside in (1, 2, 32)]
    [2, 5, 800]
    """
    return (3 * nside + 1) * (nside + 1) // 4


def expand(corrections: Array, nside: int) -> Array:
    """Weights of all pixels, 4 pi / npix (1 + correction), shape (12 nside**2,), from those that differ, (count,).

    Examples
    --------
    >>> (expand(np.array([0.0, 0.5]), 1) * 3 / np.pi).round(12).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.5, 1.5, 1.5, 1.5, 1.0, 1.0, 1.0, 1.0]
    """
    pixels, orbits = _orbits(nside)
    quarters = np.split((4 * np.pi / (12 * nside**2)) * (1.0 + corrections)[orbits], np.cumsum(pixels)[:-1])
    rings = [np.tile(quarter, 4) for quarter in quarters]
    return np.concatenate([*rings, *rings[-2::-1]])


def _orbits(nside: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pixels on the quarter of each northern ring, and for each of them the number of its correction.

    Corrections are numbered as in HEALPix's own files of weights: ring by ring, by longitude up to the middle.
    """
    ring = np.arange(1, 2 * nside + 1)
    pixels = np.minimum(ring, nside)
    shifted = (ring <= nside) | ((ring + nside) % 2 == 0)  # half a pixel away from phi = 0
    last = pixels - shifted  # the mirror image of the first pixel
    different = last // 2 + 1
    position = np.arange(pixels.sum()) - np.repeat(np.cumsum(pixels) - pixels, pixels)
    folded = np.minimum(position, np.repeat(last, pixels) - position)
    return pixels, np.repeat(np.cumsum(different) - different, pixels) + folded


def corrections(nside: int, nthreads: int = 1, progress: Progress | None = None) -> Array:
    """Weight over mean weight, minus 1, of one pixel for each group that symmetry makes equal; shape (count,).

    The correction of smallest norm is a sum S x of the harmonics themselves, and S* S x is known: the equations have
    as many unknowns as there are constraints, and all but a few hundred of their eigenvalues are 1.

    Raises
    ------
    RuntimeError
        If the equations are not solved to 1e-13 of their terms.
    """
    harmonics, mean = _Harmonics(nside, nthreads), 4 * np.pi / (12 * nside**2)
    wanted = -mean * harmonics.adjoint(np.ones(harmonics.size))
    wanted[0] += np.sqrt(4 * np.pi)
    x = _minimal_residual(lambda x: mean * harmonics.gram(x), wanted, progress)
    values = harmonics.values(x)
    left, terms = _norm(wanted - mean * harmonics.adjoint(values)), _norm(wanted) + _norm(x)
    if not left <= 1e-13 * terms:  # 5e-15 is usual
        raise RuntimeError(
            f"no weights were found for nside = {nside}: the residual is {left / terms:.0e} of the terms"
        )
    return values[np.unique(_orbits(nside)[1], return_index=True)[1]]


class _Harmonics:
    """Harmonics that share the weights' symmetry, on a quarter of the northern rings: their sums, and the adjoint.

    A quarter of a ring is a ring of its own to ducc0, with longitudes four times and orders a quarter as large. The
    coefficients are those of Y_l0, and of sqrt(2) Re Y_lm for m > 0.
    """

    def __init__(self, nside: int, nthreads: int) -> None:
        lmax, rings = exact_ell(nside), slice(2 * nside)
        info = ducc0.healpix.Healpix_Base(nside, "RING").sht_info()
        m = np.arange(0, min(lmax, _LAST_M) + 1, 4)
        sizes = lmax + 1 - m
        ell = np.concatenate([np.arange(first, lmax + 1) for first in m])
        self._even = ell % 2 == 0
        self._scale = np.sqrt(np.where(np.repeat(m, sizes) > 0, 0.5, 1.0))[self._even]
        self._pixels = info["nphi"][rings] // 4
        self._phi, self._first = 4 * info["phi0"][rings], info["ringstart"][rings] // 4
        self._copies = np.where(np.arange(2 * nside) < 2 * nside - 1, 8.0, 4.0)  # the equator is its own mirror image
        self._orders, self._aliased = m.size, int(np.count_nonzero(self._pixels <= 2 * (m.size - 1)))
        self._legendre: dict[str, Any] = {
            "lmax": lmax,
            "theta": info["theta"][rings].copy(),
            "mval": m.astype(np.uint64),
            "mstart": (np.cumsum(sizes) - sizes - m).astype(np.uint64),  # where ell = 0 would be; wraps around
            "nthreads": nthreads,
        }
        self.size = int(self._pixels.sum())

    def values(self, x: Array) -> Array:
        """The sum of the harmonics, on the quarter rings one after the other, shape (size,)."""
        return self._synthesis(self._to_rings(x))

    def adjoint(self, values: Array) -> Array:
        """Sums over all pixels of the sphere of values, shape (size,), times each harmonic."""
        return self._from_rings(self._analysis(values, len(self._pixels)))

    def gram(self, x: Array) -> Array:
        """``adjoint(values(x))``; the Fourier transforms cancel on rings whose pixels tell all orders apart."""
        leg, near = self._to_rings(x), self._aliased
        if near:
            leg[:, :near] = self._analysis(self._synthesis(leg[:, :near].copy()), near)
        leg[:, near:] *= self._pixels[near:, None]
        return self._from_rings(leg)

    def _to_rings(self, x: Array) -> ComplexArray:
        alm = np.zeros((1, self._even.size), dtype=np.complex128)
        alm[0, self._even] = x * self._scale
        leg: ComplexArray = ducc0.sht.alm2leg(alm=alm, **self._legendre)
        return leg

    def _from_rings(self, leg: ComplexArray) -> Array:
        alm = ducc0.sht.leg2alm(leg=leg * self._copies[:, None], **self._legendre)
        x: Array = alm[0, self._even].real / self._scale
        return x

    def _synthesis(self, leg: ComplexArray) -> Array:
        values: Array = ducc0.sht.leg2map(leg=leg, **self._quarters(leg.shape[1]))[0]
        return values

    def _analysis(self, values: Array, rings: int) -> ComplexArray:
        leg: ComplexArray = ducc0.sht.map2leg(map=values[None], mmax=self._orders - 1, **self._quarters(rings))
        return leg

    def _quarters(self, rings: int) -> dict[str, Any]:
        return {"nphi": self._pixels[:rings], "phi0": self._phi[:rings], "ringstart": self._first[:rings]}


def _minimal_residual(apply: Callable[[Array], Array], b: Array, progress: Progress | None) -> Array:
    """The x with apply(x) = b, for a symmetric matrix without negative eigenvalues, by Lanczos' recursion.

    Conjugate gradients need thousands of steps: some harmonics nearly vanish on all pixels, eigenvalues go down to
    1e-13, and rounding makes the iteration find the large ones again and again. Here each new vector is made orthogonal
    to all before it, and 250 steps are enough at any nside. Step by step x has the smallest residual there is (Paige
    and Saunders, SIAM J. Numer. Anal. 12 (1975) 617).
    """
    size = _norm(b)
    basis = np.zeros((min(_STEPS, b.size) + 1, b.size))
    basis[0] = b / size
    triangle: list[tuple[float, float, float]] = []  # what rotations make of the tridiagonal matrix, row by row
    right, beta, (c1, s1), (c2, s2) = [size], 0.0, (1.0, 0.0), (1.0, 0.0)
    for k in range(len(basis) - 1):
        v = apply(basis[k])
        alpha = _dot(basis[k], v)
        v -= alpha * basis[k] + beta * basis[k - 1]
        v -= _combine(np.einsum("kn,n->k", basis[: k + 1], v), basis)
        above, second = c2 * c1 * beta + s2 * alpha, s1 * beta
        middle, beta = c2 * alpha - s2 * c1 * beta, _norm(v)
        diagonal = math.hypot(middle, beta)
        triangle.append((diagonal, above, second))
        (c1, s1), (c2, s2) = (c2, s2), (middle / diagonal, beta / diagonal)
        right[k:] = [c2 * right[k], -s2 * right[k]]
        digits = -math.log10(max(abs(right[-1]) / size, 10.0**-_DIGITS))
        if progress:
            progress(digits, _DIGITS)
        if digits >= _DIGITS:
            break
        basis[k + 1] = v / beta
    return _combine(_back_substituted(triangle, right), basis)


def _back_substituted(triangle: list[tuple[float, float, float]], right: list[float]) -> Array:
    y = np.zeros(len(triangle) + 2)
    rows = [*triangle, (1.0, 0.0, 0.0), (1.0, 0.0, 0.0)]  # column k holds rows k, k - 1 and k - 2
    for k in reversed(range(len(triangle))):
        y[k] = (right[k] - rows[k + 1][1] * y[k + 1] - rows[k + 2][2] * y[k + 2]) / rows[k][0]
    return y[:-2]


# einsum and not BLAS, whose sums depend on its number of threads
def _combine(factors: Array, vectors: Array) -> Array:
    combined: Array = np.einsum("k,kn->n", factors, vectors[: factors.size])
    return combined


def _dot(a: Array, b: Array) -> float:
    return float(np.einsum("n,n", a, b))


def _norm(a: Array) -> float:
    return math.sqrt(_dot(a, a))
