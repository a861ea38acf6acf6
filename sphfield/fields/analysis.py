"""HEALPix map in, harmonic coefficients out: one pass with exact weights, or more where that is not enough."""

from __future__ import annotations

import threading
import warnings
from functools import lru_cache
from typing import Any

import numpy as np

from sphfield.fields.accuracy import relative_bias
from sphfield.fields.batch_transforms import BatchCoefficients, analyse_lanes
from sphfield.fields.batches import Batch
from sphfield.fields.pixels import as_map, check_lmax, nside_of, whole
from sphfield.fields.transforms import Engine, adjoint, alm2cl, check_engine, evaluate
from sphfield.fields.weights import pixel_weights
from sphfield.typing import Array, ComplexArray

__all__ = ["analyse", "analysis", "check_transforms"]

_KEPT = threading.local()
_LARGEST = 128  # nside at which the errors in the warning are measured
SLOPES = (0, 3, 5)  # of the spectra that the warning names; a ReLU field has the last


def analysis(m: Any, lmax: int, *, transforms: int = 1, engine: Engine = "ducc0", nthreads: int = 1) -> ComplexArray:
    r"""The coefficients a_lm of a map, for ell <= lmax.

    One pass is the sum :math:`a_{\ell m} = \sum_p w_p T(x_p) Y^*_{\ell m}(x_p)` with the weights of
    `sphfield.fields.weights.pixel_weights`, which are exact for products of two functions whose multipoles add up to
    at most 3 nside. So the coefficients up to lmax of a map that ends at ell = 3 nside - lmax are exact to rounding:
    both may be 1.5 nside. Beyond, each iteration :math:`a \leftarrow a + A(T - S a)` costs two transforms more and
    takes part of the error away. The mean of the map is taken out first and put back as :math:`a_{00}`, so that a large
    monopole does not cost digits elsewhere.

    Parameters
    ----------
    m : array_like, shape (12 nside**2,)
        Full-sky map in RING order.
    lmax : int
        At most 3 nside - 1; up to 1.5 nside is exact, up to 2 nside good for most.
    transforms : int
        1, or 3, 5, ... for (transforms - 1) / 2 iterations.
    engine : {"ducc0", "healpy"}
        ``"healpy"`` is ``healpy.map2alm(m, lmax, iter=(transforms - 1) // 2, pol=False)`` to the letter, with equal
        weights; healpy's default is ``transforms=7``.
    nthreads : int
        Threads of ducc0; the bytes are the same for any number.

    Returns
    -------
    complex array, shape ((lmax + 1)(lmax + 2) / 2,)
        healpy's order; a_l0 is real. docs/estimators lists the measured accuracy.

    Raises
    ------
    ValueError
        If the map is not a full HEALPix map of finite, observed pixels, nside does not carry lmax, or ``transforms`` is
        even.

    Warns
    -----
    UserWarning
        If lmax > 2 nside, with the error of C_ell there, measured for spectra of three slopes.

    Examples
    --------
    >>> analysis(np.ones(12), lmax=1).real.round(12).tolist()
    [3.544907701811, 0.0, 0.0]
    """
    m = as_map(m)
    nside = nside_of(m.size)
    lmax, transforms = check_lmax(lmax, nside, "the analysis has"), check_transforms(transforms)
    check_engine(engine)
    if lmax > 2 * nside:
        _warn(nside, lmax, transforms, engine)
    return _alm(m, lmax, transforms, engine, whole("nthreads", nthreads, 1))


def analyse(batch: Batch, lmax: int, *, transforms: int = 1, nthreads: int = 1) -> BatchCoefficients:
    """`analysis` of every map of a batch, by the engine and in the precision of the batch."""
    lmax, transforms = check_lmax(lmax, batch.nside, "the analysis has"), check_transforms(transforms)
    if lmax > 2 * batch.nside:
        _warn(batch.nside, lmax, transforms, "ducc0")
    if batch.way.engine == "batched":
        return analyse_lanes(batch, lmax, transforms, nthreads)
    alm = _alm(batch.values[:, 0], lmax, transforms, "ducc0", nthreads)
    return BatchCoefficients(alm[:, None], 1, batch.way)


def check_transforms(transforms: Any) -> int:
    """``transforms`` as an int if it is odd: one pass, and two transforms for each iteration."""
    n = whole("transforms", transforms, 1)
    if n % 2 == 0:
        raise ValueError(f"transforms = {n} is even: one pass is 1, each iteration adds 2; use {n - 1} or {n + 1}")
    return n


def _alm(m: Array, lmax: int, transforms: int, engine: Engine, nthreads: int) -> ComplexArray:
    if engine == "healpy":
        import healpy

        return np.asarray(healpy.map2alm(m, lmax=lmax, iter=transforms // 2, pol=False), dtype=np.complex128)
    nside = nside_of(m.size)
    weights, mean = pixel_weights(nside), m.mean(dtype=np.float64)
    left = _workspace(m)
    np.subtract(m, mean, out=left)
    left *= weights
    alm = adjoint(left, nside, lmax, nthreads)
    for _ in range(transforms // 2):
        np.subtract(m, mean, out=left)
        left -= evaluate(alm, nside, lmax, nthreads)
        left *= weights
        alm += adjoint(left, nside, lmax, nthreads)
    alm[0] += np.sqrt(4 * np.pi) * mean
    return alm


def _workspace(m: Array) -> Array:
    # one map a thread, kept from call to call: fresh memory costs as much as the arithmetic in it
    kept: Array | None = getattr(_KEPT, "map", None)
    if kept is None or kept.shape != m.shape or kept.dtype != m.dtype:
        kept = _KEPT.map = np.empty_like(m)
    return kept


def _warn(nside: int, lmax: int, transforms: int, engine: Engine) -> None:
    # at the nside itself as long as that does not take longer than the analysis
    small = min(nside, _LARGEST)
    errors = _errors(small, min(round(lmax * small / nside), 3 * small - 1), transforms, engine)
    listed = ", ".join(f"{e:.1%}" if e >= 1e-3 else f"{e:.0e}" for e in errors)
    warnings.warn(
        f"lmax = {lmax} is close to 3 nside = {3 * nside}, where quadrature on HEALPix fails: of white, ell**-3 and "
        f"ell**-5 spectra that end there C_ell is wrong by up to {listed} (measured at nside = {small}"
        f"{', more here' if small < nside else ''}); "
        f"use lmax <= {3 * nside // 2}, or a finer map",
        stacklevel=3,
    )


@lru_cache(maxsize=64)
def _errors(nside: int, lmax: int, transforms: int, engine: Engine) -> list[float]:
    def power(m: Array) -> Array:
        return alm2cl(_alm(m, lmax, transforms, engine, 1))

    spectra = [np.power(1.0 + np.arange(lmax + 1), -slope) for slope in SLOPES]
    return [float(np.abs(relative_bias(power, cl, nside, draws=3)).max()) for cl in spectra]
