"""A HEALPix map or its a_lm in, the pixels of a Mollweide projection out: plain arrays, nothing drawn.

The projection is the one of ``healpy.mollview``: longitude 0 in the centre and growing to the left (the sky as seen
from inside), north up, the ellipse x**2 / 4 + y**2 <= 1. A raster has twice as many columns as rows, its first row is
the northernmost, and pixels whose centre lies outside the ellipse are NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isqrt
from typing import TypeAlias, TypeVar

import ducc0
import numpy as np
from numpy.typing import ArrayLike, NDArray

from sphfield.typing import Array, ComplexArray

__all__ = ["project", "raster", "raster_alm"]

_Index: TypeAlias = NDArray[np.int64]
_Geometry = TypeVar("_Geometry")
_UNSEEN = -1.6375e30  # healpy's mark for a pixel without a value
_OVERSAMPLING = 3  # ring samples per pixel: the nearest one is at most 1/6 pixel away
_NEGLIGIBLE = 1e-5  # share of the variance: rms 0.003 standard deviations, where 256 colours over +-3 step by 0.023


def project(lon: ArrayLike, lat: ArrayLike) -> tuple[Array, Array]:
    """Mollweide coordinates (x, y) of points on the sphere, in [-2, 2] and [-1, 1].

    Parameters
    ----------
    lon, lat : array_like
        Longitude (any real number) and latitude (within +-90) in degrees, broadcast together.

    Raises
    ------
    ValueError
        If a latitude is outside [-90, 90] or not a number.

    Notes
    -----
    Newton's method for 2A + sin 2A = pi sin(lat), started from the expansion at the pole; right to 1e-12.

    Examples
    --------
    >>> x, y = project([0, 90, -90], 0)
    >>> [round(float(v), 12) for v in x], y.tolist()
    ([0.0, -1.0, 1.0], [0.0, 0.0, 0.0])
    """
    longitude, latitude = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    outside = ~(np.abs(latitude) <= 90.0)
    if outside.any():
        raise ValueError(f"latitude {latitude[outside][0]} is outside [-90, 90]: give degrees")
    polar = np.radians(90.0 - np.abs(latitude))
    target = 2.0 * np.pi * np.sin(polar / 2.0) ** 2
    w = np.cbrt(3.0 * np.pi * polar**2 / 8.0)  # pi/2 - A; one expansion serves, the equator is 9 % off
    for _ in range(8):
        w = w - (2.0 * w - np.sin(2.0 * w) - target) / np.maximum(4.0 * np.sin(w) ** 2, 1e-300)
    x = -((longitude + 180.0) % 360.0 - 180.0) / 90.0 * np.sin(w)
    return x, np.copysign(np.cos(w), latitude) * (latitude != 0)


@dataclass(frozen=True, eq=False)
class _Grid:
    """Pixel centres of a raster: each row is a ring of constant colatitude."""

    theta: Array  # (rows,)
    circle: Array  # (rows,) pixels that 360 degrees of the row would take, not a whole number
    inside: NDArray[np.bool_]  # (rows, columns)
    row: _Index  # (inside.sum(),) row of each pixel inside
    phi: Array  # (inside.sum(),) its longitude in [-pi, pi]


@lru_cache(maxsize=4)
def _grid(width: int) -> _Grid:
    if width < 2 or width % 2:
        raise ValueError(f"width = {width} pixels: a Mollweide raster is twice as wide as high, give an even number")
    y = 1.0 - (2.0 * np.arange(width // 2) + 1.0) / (width // 2)
    x = (4.0 * np.arange(width) + 2.0) / width - 2.0
    half = np.sqrt((1.0 - y) * (1.0 + y))  # half the width of a row, in units of the ellipse's 2
    theta = np.arccos(2.0 / np.pi * (np.arcsin(y) + y * half))
    inside = np.abs(x) <= 2.0 * half[:, None]
    row, column = np.nonzero(inside)
    phi = -0.5 * np.pi * x[column] / half[row]
    return _frozen(_Grid(theta, width * half, inside, row, phi))


@lru_cache(maxsize=4)
def _healpix_index(nside: int, width: int) -> _Index:
    grid = _grid(width)
    angles = np.stack([grid.theta[grid.row], grid.phi % (2.0 * np.pi)], axis=-1)
    index: _Index = ducc0.healpix.Healpix_Base(nside, "RING").ang2pix(angles)
    index.setflags(write=False)
    return index


@dataclass(frozen=True, eq=False)
class _Rings:
    """Where ducc0 puts its samples, and which of them is nearest to each pixel."""

    nphi: NDArray[np.uint64]
    start: NDArray[np.uint64]
    nearest: _Index


@lru_cache(maxsize=4)
def _rings(width: int) -> _Rings:
    # a row is 360 degrees wide but not a whole number of pixels: its ring gets a fast length instead
    grid = _grid(width)
    nphi = np.array([ducc0.fft.good_size(int(np.ceil(_OVERSAMPLING * c)), True) for c in grid.circle], dtype=np.int64)
    start = np.concatenate([[0], np.cumsum(nphi)[:-1]])
    n = nphi[grid.row]
    nearest = start[grid.row] + np.rint(grid.phi / (2.0 * np.pi) * n).astype(np.int64) % n
    return _frozen(_Rings(nphi.astype(np.uint64), start.astype(np.uint64), nearest))


def _frozen(geometry: _Geometry) -> _Geometry:
    for array in vars(geometry).values():
        array.setflags(write=False)  # shared by every caller of the cache
    return geometry


def raster(m: ArrayLike, width: int = 800) -> Array:
    """The Mollweide raster of a HEALPix map: each pixel takes the map's value at its centre.

    Parameters
    ----------
    m : array_like, shape (12 nside**2,)
        RING order. UNSEEN (-1.6375e30), NaN and masked pixels become NaN.
    width : int
        Columns, an even number.

    Returns
    -------
    array, shape (width / 2, width)
        Northernmost row first, NaN outside the ellipse.

    Raises
    ------
    ValueError, TypeError
        If ``m`` is not one real HEALPix map, or ``width`` is odd.

    Examples
    --------
    >>> raster(range(12), 8)[0].tolist()
    [nan, 1.0, 1.0, 0.0, 3.0, 2.0, 2.0, nan]
    """
    if np.iscomplexobj(m):
        raise TypeError("a map is real, this array is complex: give a_lm to raster_alm")
    values = np.ma.filled(np.ma.asarray(m, dtype=np.float64), np.nan)
    nside = isqrt(values.size // 12)
    if values.ndim != 1 or values.size == 0 or 12 * nside**2 != values.size:
        raise ValueError(f"a map of shape {values.shape} is not HEALPix: give a one-dimensional map of 12 nside**2")
    grid = _grid(width)
    out = np.full(grid.inside.shape, np.nan)
    out[grid.inside] = values[_healpix_index(nside, width)]
    out[np.abs(out - _UNSEEN) <= 1e25] = np.nan  # healpy's own tolerance, so that float32 files are recognised
    return out


def raster_alm(alm: ArrayLike, width: int = 800) -> Array:
    """The Mollweide raster of a field given by its a_lm, with no map in between.

    Rows are rings of constant latitude, so the synthesis runs straight onto them.

    Parameters
    ----------
    alm : array_like, complex, shape ((lmax + 1) * (lmax + 2) / 2,)
        healpy's order with mmax = lmax.
    width : int
        Columns, an even number.

    Returns
    -------
    array, shape (width / 2, width)
        Northernmost row first, NaN outside the ellipse.

    Raises
    ------
    ValueError
        If the size of ``alm`` belongs to no lmax, a value is not finite, or ``width`` is odd.

    Notes
    -----
    For pictures: a value is the field's at most 1/6 pixel along the row from the pixel's centre (at nside 256 and 800
    columns the nearest HEALPix centre is up to 1/3 pixel away), and the highest multipoles are left out as long as
    together they hold less than 1e-5 of the variance about the mean. That changes values by 0.003 standard deviations
    (rms), an eighth of the step from one of 256 colours over +-3 to the next.

    Examples
    --------
    >>> r = raster_alm([0, np.sqrt(4 * np.pi / 3), 0], 64)  # a10 alone: the field is cos(theta)
    >>> r.shape, bool(np.nanmax(r) == r[0, 32] > 0.98), bool(np.isnan(r[0, 0]))
    ((32, 64), True, True)
    """
    values = np.ascontiguousarray(alm, dtype=np.complex128)
    lmax = (isqrt(8 * values.size + 1) - 3) // 2
    if values.ndim != 1 or values.size == 0 or (lmax + 1) * (lmax + 2) // 2 != values.size:
        raise ValueError(
            f"a_lm of shape {values.shape} belong to no lmax: give (lmax + 1) (lmax + 2) / 2 coefficients, mmax = lmax"
        )
    grid, rings = _grid(width), _rings(width)
    cut = _visible_lmax(values, lmax)
    m = np.arange(cut + 1)
    samples = ducc0.sht.synthesis(
        alm=values[None],
        theta=grid.theta,
        lmax=cut,
        mstart=(m * (2 * lmax + 1 - m) // 2).astype(np.uint64),  # the layout stays that of the full lmax
        nphi=rings.nphi,
        phi0=np.zeros(grid.theta.size),
        ringstart=rings.start,
        spin=0,
        nthreads=1,
    )[0]
    out = np.full(grid.inside.shape, np.nan)
    out[grid.inside] = samples[rings.nearest]
    return out


@lru_cache(maxsize=2)
def _ell_of(lmax: int) -> _Index:
    ell = np.concatenate([np.arange(m, lmax + 1) for m in range(lmax + 1)])
    ell.setflags(write=False)
    return ell


def _visible_lmax(alm: ComplexArray, lmax: int) -> int:
    """Smallest lmax that keeps all but _NEGLIGIBLE of the variance about the mean."""
    power = _power(alm, lmax)
    if not np.isfinite(power).all():
        bad = int(np.flatnonzero(~np.isfinite(power))[0])
        raise ValueError(f"a_lm at ell = {bad} are not finite: a field without a value there cannot be drawn")
    power[0] = 0.0  # a large mean must not hide the rest
    beyond = np.append(np.cumsum(power[::-1])[::-1], 0.0)[1:]  # summed from the small end
    return int(np.argmax(beyond <= _NEGLIGIBLE * power.sum()))


def _power(alm: ComplexArray, lmax: int) -> Array:
    """Sum of |a_lm|**2 over m = -ell ... ell, for each ell."""
    ell = _ell_of(lmax)
    power = -(np.abs(alm[: lmax + 1]) ** 2)  # m = 0 counts once, every other m for -m too
    for start in range(0, alm.size, 8192):  # in cache: fresh memory for large arrays takes longer than the sums
        part = alm[start : start + 8192]
        square = part.real**2 + part.imag**2
        power += 2.0 * np.bincount(ell[start : start + 8192], weights=square, minlength=lmax + 1)
    return power.clip(min=0.0)
