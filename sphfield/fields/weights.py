"""Resolution in, quadrature weights out: sums over HEALPix pixels with them are integrals for all ell <= 3 nside."""

from __future__ import annotations

import threading
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sphfield.fields.pixels import check_nside, nside_of, whole
from sphfield.fields.transforms import adjoint
from sphfield.fields.weight_files import keep, kept, shipped
from sphfield.fields.weight_solver import Progress, corrections, expand
from sphfield.typing import Array

__all__ = ["keep_weights", "pixel_weights", "solve_weights", "weight_error"]

_SOLVING = threading.Lock()  # threads that want the same weights wait for the one that solves


@lru_cache(maxsize=2)
def pixel_weights(nside: int) -> Array:
    r"""Weights with :math:`\sum_p w_p f(x_p) = \int f(x)\, dx` for every f that ends at ell = 3 nside.

    They are HEALPix's full pixel weights: of all weights that do so, the nearest to equal ones. Shipped up to nside =
    64; larger ones are read from the cache folder, or solved in this thread and kept there, which takes 9 s at nside =
    512 and four times longer with every doubling. `keep_weights`, or ``sphfield weights`` on the command line, does it
    beforehand.

    Parameters
    ----------
    nside : int
        A power of two from 1 to 8192.

    Returns
    -------
    array, shape (12 nside**2,), read-only
        RING order, positive; their sum is 4 pi. At nside = 2 and 4 ell = 3 nside is left out, see
        `sphfield.fields.weight_solver.exact_ell`.

    Raises
    ------
    ValueError
        If ``nside`` is not a power of two from 1 to 8192.

    Warns
    -----
    UserWarning
        If the weights were solved because the file that is kept is not usable, or if they cannot be kept.

    Examples
    --------
    >>> from sphfield.fields.pixels import pixel_centres
    >>> z = pixel_centres(8)[:, 2]
    >>> f"{4 * np.pi * np.mean(z**4):.12f} {pixel_weights(8) @ z**4:.12f} {4 * np.pi / 5:.12f}"
    '2.504463951065 2.513274122872 2.513274122872'
    """
    nside = check_nside(nside)
    found = shipped(nside)
    if found is None:
        with _SOLVING:
            found = _kept_or_solved(nside)
    weights = expand(found, nside)
    weights.setflags(write=False)
    return weights


def _kept_or_solved(nside: int) -> Array:
    complaints = []
    try:
        found = kept(nside)
        if found is not None:
            return found
    except ValueError as error:
        complaints.append(f"{error}; the weights of nside = {nside} were solved anew")
    found = corrections(nside)
    try:
        keep(nside, found)
    except (ValueError, OSError) as error:
        complaints.append(
            f"the weights of nside = {nside} were solved and cannot be kept, so that every process will solve them "
            f"again: {error}; set SPHFIELD_CACHE to a folder that you may write to"
        )
    for complaint in complaints:  # at the end: if warnings are errors, what was solved is kept
        warnings.warn(complaint, stacklevel=3)
    return found


def solve_weights(nside: int, *, nthreads: int = 1, progress: Progress | None = None) -> Array:
    """`pixel_weights` solved here and now, neither read nor kept.

    Parameters
    ----------
    nside : int
        A power of two from 1 to 8192.
    nthreads : int
        Threads of ducc0; the bytes are the same for any number.
    progress : callable, optional
        Called after each step with the decimal digits gained so far, and those wanted.

    Returns
    -------
    array, shape (12 nside**2,)
        As those of `pixel_weights`.

    Raises
    ------
    ValueError
        If ``nside`` is not a power of two from 1 to 8192.

    Examples
    --------
    >>> (solve_weights(1) * 3 / np.pi).round(12).tolist()
    [1.125, 1.125, 1.125, 1.125, 0.75, 0.75, 0.75, 0.75, 1.125, 1.125, 1.125, 1.125]
    """
    nside = check_nside(nside)
    return expand(corrections(nside, whole("nthreads", nthreads, 1), progress), nside)


def keep_weights(nside: int, *, nthreads: int = 1, progress: Progress | None = None) -> Path:
    """Solve the weights of ``nside`` and write the file that `pixel_weights` reads; parameters as in `solve_weights`.

    Returns
    -------
    Path
        The file, in `sphfield.fields.weight_files.cache_folder`.

    Raises
    ------
    ValueError, OSError
        If ``nside`` is not a power of two from 1 to 8192, or the folder cannot be made or written to.
    """
    nside = check_nside(nside)
    return keep(nside, corrections(nside, whole("nthreads", nthreads, 1), progress))


def weight_error(weights: Any, lmax: int, *, nthreads: int = 1) -> float:
    r"""Largest :math:`|\sum_p w_p Y_{\ell m}(x_p) - \sqrt{4\pi}\, \delta_{\ell 0}|` for ell <= lmax and every m.

    Any weights of shape (12 nside**2,) and any lmax: neither symmetry nor a band limit is assumed.

    Examples
    --------
    >>> equal = np.full(768, 4 * np.pi / 768)
    >>> f"{weight_error(equal, 24):.3f}", weight_error(pixel_weights(8), 24) < 1e-12
    ('0.027', True)
    """
    weights = np.ascontiguousarray(weights, dtype=np.float64)
    sums = adjoint(weights, nside_of(weights.size), whole("lmax", lmax), whole("nthreads", nthreads, 1))
    sums[0] -= np.sqrt(4 * np.pi)
    return float(np.abs(sums).max())
