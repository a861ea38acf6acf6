"""Harmonic coefficients in, HEALPix map out, and the adjoint: healpy's order, RING maps, one engine or the other."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, TypeAlias

import ducc0
import numpy as np
from numpy.typing import NDArray

from sphfield.fields.pixels import as_alm, check_lmax, check_nside, lmax_of, whole
from sphfield.typing import Array, ComplexArray

__all__ = ["Engine", "adjoint", "alm2cl", "check_engine", "evaluate", "multipoles", "power_per_order", "synthesis"]

Engine: TypeAlias = Literal["ducc0", "healpy"]
"""Who computes the transforms: both agree to 1e-10."""


def synthesis(alm: Any, nside: int, *, engine: Engine = "ducc0", nthreads: int = 1) -> Array:
    r"""The map :math:`T(x) = \sum_{\ell m} a_{\ell m} Y_{\ell m}(x)` at the pixel centres.

    Parameters
    ----------
    alm : array_like, shape ((lmax + 1)(lmax + 2) / 2,)
        Coefficients for m >= 0 in healpy's order, index m(2 lmax + 1 - m)/2 + ell.
    nside : int
        A power of two from 1 to 8192, with lmax <= 3 nside - 1.
    engine : {"ducc0", "healpy"}
        ``"healpy"`` is ``healpy.alm2map(alm, nside, pol=False)``.
    nthreads : int
        Threads of ducc0; the bytes are the same for any number. healpy takes ``OMP_NUM_THREADS`` instead.

    Returns
    -------
    array, shape (12 nside**2,)
        RING order. The engines differ by less than 1e-10 of the standard deviation.

    Raises
    ------
    ValueError
        If the size of ``alm`` fits no lmax, nside does not carry lmax, or a value is not finite.

    Examples
    --------
    A monopole of sqrt(4 pi) is the constant 1:

    >>> bool(np.allclose(synthesis([np.sqrt(4 * np.pi)], nside=1), 1.0))
    True
    """
    alm, nside = as_alm(alm), check_nside(nside)
    lmax = check_lmax(lmax_of(alm.size), nside, "a_lm has")
    if check_engine(engine) == "healpy":
        import healpy

        return np.asarray(healpy.alm2map(alm, nside, lmax=lmax, pol=False), dtype=np.float64)
    return evaluate(alm, nside, lmax, whole("nthreads", nthreads, 1))


def alm2cl(alm: Any) -> Array:
    r"""Estimated power :math:`\hat C_\ell = \sum_m |a_{\ell m}|^2 / (2\ell + 1)`, shape (lmax + 1,).

    Examples
    --------
    >>> alm2cl([1.0, 2.0, 3.0j]).round(12).tolist()  # a_00, a_10, a_11 = -conj(a_1-1)
    [1.0, 7.333333333333]
    """
    alm = as_alm(alm)
    lmax = lmax_of(alm.size)
    squares: Array = np.square(alm.real)
    squares += np.square(alm.imag)
    power: Array = np.bincount(multipoles(lmax), squares, lmax + 1).astype(np.float64, copy=False)
    power *= 2.0
    power -= squares[: lmax + 1]
    power /= 2.0 * np.arange(lmax + 1) + 1.0
    return power


def power_per_order(alm: Any, weights: Array) -> Array:
    r"""Power by order, :math:`\sum_\ell w_\ell |a_{\ell m}|^2` for m = 0, twice that for m > 0; shape (lmax + 1,).

    With weights 1 / C_ell a Gaussian field has a chi-square variable in each, with one degree of freedom for every ell
    at m = 0, and two at m > 0; so an anisotropy about the poles shows.

    Examples
    --------
    >>> power_per_order([1.0, 2.0, 3.0j], np.ones(2)).tolist()
    [5.0, 18.0]
    """
    alm = as_alm(alm)
    lmax = lmax_of(alm.size)
    m = np.arange(lmax + 1)
    squares = (alm.real**2 + alm.imag**2) * np.asarray(weights)[multipoles(lmax)]
    power: Array = np.add.reduceat(squares, m * (2 * lmax + 3 - m) // 2)
    power[1:] *= 2.0
    return power


@lru_cache(maxsize=4)
def multipoles(lmax: int) -> NDArray[np.intp]:
    """The ell of every coefficient in healpy's order, read-only."""
    ell = np.concatenate([np.arange(m, lmax + 1) for m in range(lmax + 1)])
    ell.setflags(write=False)
    return ell


def check_engine(engine: Any) -> Engine:
    """``engine`` if there is one of that name."""
    if engine not in ("ducc0", "healpy"):
        raise ValueError(f"engine = {engine!r} does not exist: use 'ducc0' or 'healpy'")
    return engine  # type: ignore[no-any-return]


@lru_cache(maxsize=8)
def _rings(nside: int) -> dict[str, Any]:
    # colatitude, pixel count, first longitude and first index of every ring, as ducc0's transforms take them
    rings: dict[str, Any] = ducc0.healpix.Healpix_Base(nside, "RING").sht_info()
    return rings


def evaluate(alm: ComplexArray, nside: int, lmax: int, nthreads: int = 1) -> Array:
    """`synthesis` of checked coefficients, at any lmax: what pixel centres see of a field finer than the pixels."""
    maps = ducc0.sht.synthesis(alm=alm[None], lmax=lmax, spin=0, nthreads=nthreads, **_rings(nside))
    m: Array = maps[0]
    return m


def adjoint(m: Array, nside: int, lmax: int, nthreads: int = 1) -> ComplexArray:
    """Sum over the pixels of a map times conj(Y_lm): the adjoint of `synthesis`, no weights."""
    sets = ducc0.sht.adjoint_synthesis(map=m[None], lmax=lmax, spin=0, nthreads=nthreads, **_rings(nside))
    alm: ComplexArray = sets[0]
    return alm
