"""How wrong is an estimated spectrum? Anything map -> C_ell in, its relative error on maps of known power out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sphfield.fields.gaussian import exact_power_alm
from sphfield.fields.pixels import check_nside, whole
from sphfield.fields.transforms import evaluate
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Array

__all__ = ["on_exact_power", "relative_bias"]


def on_exact_power(
    power: Callable[[Array], Array], cl: Any, nside: int, *, draws: int = 1, rng: np.random.Generator | None = None
) -> Array:
    r"""What an estimator makes of maps whose power is exactly C_ell, so that no cosmic variance is in it.

    Parameters
    ----------
    power : callable
        Map -> estimated C_ell, shape (n,).
    cl : array_like, shape (lmax + 1,)
        Spectrum of the maps. It may go beyond the 3 nside - 1 that pixels carry: power there is aliased, as it is
        in maps of a field that has no band limit.
    nside : int
        Resolution of the maps.
    draws : int
        Number of maps, each with other phases.
    rng : numpy.random.Generator, optional
        Source of the phases; a generator with seed 0 if not given.

    Returns
    -------
    array, shape (draws, n)
        One estimate for each map.

    Raises
    ------
    ValueError
        If ``cl`` is not a power spectrum, or ``nside`` no power of two.
    """
    cl, nside = Spectrum(cl).cl, check_nside(nside)
    rng = np.random.default_rng(0) if rng is None else rng
    maps = (evaluate(exact_power_alm(cl, rng), nside, cl.size - 1) for _ in range(whole("draws", draws, 1)))
    return np.array([power(m) for m in maps])


def relative_bias(
    power: Callable[[Array], Array], cl: Any, nside: int, *, draws: int = 1, rng: np.random.Generator | None = None
) -> Array:
    r"""Relative error :math:`\hat C_\ell / C_\ell - 1` of an estimator; parameters and errors of `on_exact_power`.

    Returns
    -------
    array, shape (draws, k)
        For the first k = min(n, lmax + 1) multipoles; 0 where C_ell and its estimate are 0, infinite where only C_ell
        is.

    Examples
    --------
    >>> from sphfield import PowerSpectrum
    >>> bool(np.abs(relative_bias(PowerSpectrum(lmax=12), np.ones(13), nside=8)).max() < 1e-12)
    True
    """
    cl = np.asarray(cl, dtype=np.float64)
    estimates = on_exact_power(power, cl, nside, draws=draws, rng=rng)[:, : cl.size]
    known = cl[: estimates.shape[1]]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(estimates == known, 0.0, estimates / known - 1.0)
