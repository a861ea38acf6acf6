"""Whatever a user calls a map, a_lm or nside in, the same checked out: sizes, limits and centres of HEALPix pixels."""

from __future__ import annotations

import operator
from functools import lru_cache
from math import ceil, isqrt, log2
from typing import Any

import ducc0
import numpy as np

from sphfield.typing import Array, ComplexArray

__all__ = ["UNSEEN", "as_alm", "as_map", "check_lmax", "check_nside", "lmax_of", "nside_of", "pixel_centres", "whole"]

UNSEEN = -1.6375e30
"""What HEALPix files hold where a pixel was not observed."""


def whole(name: str, value: Any, least: int = 0) -> int:
    """``value`` as an int that is at least ``least``; a ValueError or TypeError that names it otherwise."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} = {value!r} is not an integer: give a whole number, {least} or more") from None
    if number < least:
        raise ValueError(f"{name} = {number} is too small: give {least} or more")
    return number


def check_nside(nside: Any) -> int:
    """``nside`` as an int if it is a power of two from 1 to 8192."""
    n = whole("nside", nside, 1)
    if n & (n - 1) or n > 8192:
        near = min(8192, 1 << round(log2(n)))
        raise ValueError(f"nside = {n} is not a power of two from 1 to 8192: use nside = {near}")
    return n


def check_lmax(lmax: Any, nside: int, whose: str = "the transform has") -> int:
    """``lmax`` as an int if a map of that ``nside`` carries it, that is, if lmax <= 3 nside - 1."""
    ell = whole("lmax", lmax)
    if ell > 3 * nside - 1:
        raise ValueError(
            f"nside = {nside} carries ell <= {3 * nside - 1}, {whose} lmax = {ell}: "
            f"use nside >= {1 << ceil(log2((ell + 1) / 3))} or a smaller lmax"
        )
    return ell


def nside_of(size: int) -> int:
    """The nside of a map of ``size`` pixels.

    Examples
    --------
    >>> nside_of(768)
    8
    """
    nside = isqrt(size // 12)
    if size != 12 * nside**2 or nside & (nside - 1) or not 1 <= nside <= 8192:
        near = 1 << max(0, min(13, round(log2(max(size, 1) / 12) / 2)))
        raise ValueError(
            f"{size} pixels are no full HEALPix map: it has 12 nside**2, nside a power of two from 1 to 8192, "
            f"for example {12 * near**2} at nside = {near}"
        )
    return nside


def lmax_of(size: int) -> int:
    """The lmax of ``size`` coefficients in healpy's order, which holds (lmax + 1)(lmax + 2) / 2 of them.

    Examples
    --------
    >>> lmax_of(6)
    2
    """
    lmax = (isqrt(8 * size + 1) - 3) // 2
    if size < 1 or (lmax + 1) * (lmax + 2) // 2 != size:
        raise ValueError(
            f"{size} coefficients fit no lmax: healpy's order with mmax = lmax has (lmax + 1)(lmax + 2) / 2, "
            f"for example {(lmax + 2) * (lmax + 3) // 2} at lmax = {lmax + 1}"
        )
    return lmax


def as_map(m: Any) -> Array:
    """A full-sky map in native float64, checked; float32 and big-endian maps are converted, nothing is modified.

    Raises
    ------
    TypeError
        If the map is complex.
    ValueError
        If its shape is not (12 nside**2,), or pixels are unobserved (UNSEEN or masked), infinite or NaN; the message
        counts them.
    """
    if np.iscomplexobj(m):
        raise TypeError("the map is complex: transform its real and imaginary part one by one")
    values = np.ascontiguousarray(m, dtype=np.float64)  # ducc0 refuses big-endian and strided arrays
    if values.ndim != 1:
        raise ValueError(f"the map has shape {values.shape}: give one map, of shape (12 nside**2,)")
    nside_of(values.size)
    with np.errstate(invalid="ignore", over="ignore"):
        total = values.sum()
    if abs(total) < abs(UNSEEN) / 10 and not np.ma.isMA(m):  # one pass: nothing is NaN, infinite or UNSEEN
        return values
    # 1e-5 as in healpy: a float32 file does not hold UNSEEN exactly
    unseen = np.abs(values - UNSEEN) <= 1e-5 * abs(UNSEEN) if values.min() < 0.9 * UNSEEN else np.zeros(1, dtype=bool)
    blank = np.count_nonzero(unseen | np.ma.getmaskarray(m)) if np.ma.isMA(m) else np.count_nonzero(unseen)
    if blank:
        raise ValueError(
            f"{blank} of {values.size} pixels are UNSEEN or masked: "
            "fill them first, for example with the mean of the others"
        )
    if not np.isfinite(values).all():
        bad = np.count_nonzero(~np.isfinite(values))
        raise ValueError(
            f"{bad} of {values.size} pixels are NaN or infinite: find out where they come from, or fill them"
        )
    return values


def as_alm(alm: Any) -> ComplexArray:
    """Coefficients in healpy's order as native complex128, checked; nothing is modified.

    Raises
    ------
    ValueError
        If the shape is not ((lmax + 1)(lmax + 2) / 2,), a value is not finite, or some a_l0 has an imaginary part
        beyond rounding, which no real field has.
    """
    values = np.ascontiguousarray(alm, dtype=np.complex128)
    if values.ndim != 1:
        raise ValueError(f"a_lm has shape {values.shape}: give one field, of shape ((lmax + 1)(lmax + 2) / 2,)")
    lmax = lmax_of(values.size)
    if not np.isfinite(values).all():
        raise ValueError(
            f"{np.count_nonzero(~np.isfinite(values))} of {values.size} a_lm are NaN or infinite: see what made them"
        )
    imaginary = np.abs(values[: lmax + 1].imag)
    # 1e-10: what rotations and other people's transforms leave; the transforms here ignore it
    if imaginary.any() and imaginary.max() > 1e-10 * np.abs(values).max():
        ell = int(imaginary.argmax())
        raise ValueError(
            f"a_lm at ell = {ell}, m = 0 is {values[ell]}: a real field has real a_l0; "
            "is the order healpy's, m(2 lmax + 1 - m)/2 + ell?"
        )
    return values


@lru_cache(maxsize=2)
def pixel_centres(nside: int) -> Array:
    """Unit vectors to the pixel centres in RING order, shape (12 nside**2, 3), read-only.

    Examples
    --------
    >>> pixel_centres(1).shape, bool(np.allclose(np.sum(pixel_centres(1) ** 2, axis=1), 1.0))
    ((12, 3), True)
    """
    nside = check_nside(nside)
    centres: Array = ducc0.healpix.Healpix_Base(nside, "RING").pix2vec(np.arange(12 * nside**2))
    centres.setflags(write=False)
    return centres
