"""Many maps or their coefficients in, the others out: batches of a `plan`, filled, transformed and emptied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphfield.fields.batched.layout import from_lanes, to_lanes
from sphfield.fields.batched.plans import Plan, Precision, plan
from sphfield.fields.pixels import lmax_of, nside_of

__all__ = ["adjoint", "synthesis"]


def synthesis(alms: Any, nside: int, *, precision: Precision = "double", nthreads: int = 1) -> NDArray[Any]:
    r"""The maps of many sets of coefficients, as those of `sphfield.fields.transforms.synthesis`.

    Parameters
    ----------
    alms : array_like, shape (n, (lmax + 1)(lmax + 2) / 2)
        Coefficients in healpy's order, a row for each map; imaginary parts at m = 0 are ignored.
    nside : int
        A power of two with lmax <= 3 nside - 1.
    precision : {"double", "single"}
        ``"single"`` has an error of about 1e-6 of a map's standard deviation and takes half the time.
    nthreads : int
        Threads in each batch; the bytes are the same for any number.

    Returns
    -------
    array, shape (n, 12 nside**2)
        RING order; float64, or float32 in single precision. A map's bytes do not depend on the others.

    Raises
    ------
    ValueError
        If the sizes fit no lmax, or nside does not carry it.

    Examples
    --------
    >>> alms = np.zeros((3, 6), dtype=complex)
    >>> alms[1, 0] = np.sqrt(4 * np.pi)
    >>> synthesis(alms, nside=1).mean(axis=1).round(12).tolist()
    [0.0, 1.0, 0.0]
    """
    alms = np.asarray(alms, dtype=np.complex128)
    if alms.ndim != 2:
        raise ValueError(f"alms have shape {alms.shape}: give a row for each map, shape (n, (lmax + 1)(lmax + 2) / 2)")
    p = plan(nside, lmax_of(alms.shape[1]), precision=precision)
    alm, maps, workspace = p.coefficients(), p.maps(), p.workspace(nthreads)
    found = np.empty((len(alms), p.npix), dtype=maps.dtype)
    for some in _batches(len(alms), p):
        to_lanes(alms[some], alm)
        p.synthesis(alm, maps, workspace)
        from_lanes(maps, found[some])
    return found


def adjoint(
    maps: Any, lmax: int, *, weights: Any = None, precision: Precision = "double", nthreads: int = 1
) -> NDArray[Any]:
    r"""The sums :math:`\sum_p w_p m_p Y^*_{\ell m}(x_p)` of many maps.

    Parameters
    ----------
    maps : array_like, shape (n, 12 nside**2)
        Full-sky maps in RING order, a row each.
    lmax : int
        At most 3 nside - 1.
    weights : array_like, shape (12 nside**2,), optional
        Without them all are 1, and this is the adjoint of `synthesis`. With those of
        `sphfield.fields.weights.pixel_weights` it is one pass of the analysis.
    precision, nthreads
        As in `synthesis`.

    Returns
    -------
    complex array, shape (n, (lmax + 1)(lmax + 2) / 2)
        healpy's order; complex128, or complex64 in single precision.

    Raises
    ------
    ValueError
        If the maps are no full HEALPix maps, the weights are not as many, or lmax > 3 nside - 1.

    Examples
    --------
    >>> adjoint(np.ones((2, 12)), lmax=1, weights=np.full(12, np.pi / 3)).real.round(12).tolist()
    [[3.544907701811, 0.0, 0.0], [3.544907701811, 0.0, 0.0]]
    """
    maps = np.asarray(maps)
    if maps.ndim != 2:
        raise ValueError(f"maps have shape {maps.shape}: give a row for each map, shape (n, 12 nside**2)")
    p = plan(nside_of(maps.shape[1]), lmax, precision=precision)
    weights = None if weights is None else np.ascontiguousarray(weights, dtype=np.float64)
    alm, batch, workspace = p.coefficients(), p.maps(), p.workspace(nthreads)
    found = np.empty((len(maps), p.ncoef), dtype=np.result_type(alm.dtype, np.complex64))
    for some in _batches(len(maps), p):
        to_lanes(maps[some], batch)
        p.adjoint(batch, alm, workspace, weights)
        from_lanes(alm, found[some])
    return found


def _batches(count: int, p: Plan) -> Iterator[slice]:
    return (slice(i, min(i + p.lanes, count)) for i in range(0, count, p.lanes))
