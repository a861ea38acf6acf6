"""Estimated power of many Gaussian maps in, families of tests with exact laws out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sphfield.ensembles.report import Family
from sphfield.typing import Array

__all__ = ["bounds", "families"]

# of alpha: most for the mean, where errors of one multipole are small; samplers that are wrong otherwise are so by much
SHARES = {"mean": 0.68, "scatter": 0.1, "correlation": 0.1, "orders": 0.06, "total": 0.02, "maps": 0.02, "bounds": 0.02}
_BLOCK = 1024  # maps compared with all others at once


def families(
    powers: Array, orders: Array | None, cl: Array, ell: NDArray[np.int64], alpha: float
) -> tuple[Family, ...]:
    r"""Tests of maps against a Gaussian field, at some multipoles; every p-value is uniform if the field is right.

    The law of :math:`x = (2\ell + 1) \hat C_\ell / C_\ell` is chi-square with 2 ell + 1 degrees of freedom,
    independently for every ell and map, so that :math:`z = \Phi^{-1}(F(x))` is standard normal. Sums of x over maps,
    multipoles or orders m are chi-square (tests of the mean, of the total and of the orders); the sample variance of z
    over N maps times N - 1 is chi-square with N - 1 degrees of freedom (scatter); with the correlation coefficient r of
    z at neighbouring multipoles, or between two maps, :math:`r \sqrt{(n - 2) / (1 - r^2)}` has Student's law with n - 2
    degrees of freedom.

    Parameters
    ----------
    powers : array, shape (size, n)
        Estimated C_ell of each map at the multipoles ``ell``.
    orders : array, shape (size, lmax + 1), or None
        Not tested if not known. Sum over those multipoles of :math:`|a_{\ell m}|^2 / C_\ell`, twice for m > 0.
    cl, ell : array, shape (n,)
        Expected C_ell, not 0, and the multipoles, increasing.
    alpha : float
        Total false-alarm rate, for the bands of acceptance.
    """
    size = len(powers)
    many: Array = 2.0 * ell.astype(np.float64) + 1.0
    x = many * powers / cl
    z = _scores(x, many)
    made = [
        _chi_square("mean", "ell", ell, x.sum(axis=0), size * many, alpha),
        _chi_square("total", "sum", np.zeros(1, dtype=np.int64), x.sum()[None], size * many.sum()[None], alpha),
    ]
    if orders is not None:
        m = np.arange(orders.shape[1])
        dof = np.array([np.count_nonzero(ell >= k) for k in m]) * np.where(m == 0, 1.0, 2.0)
        used = m[dof > 0]
        made.append(_chi_square("orders", "m", used, orders.sum(axis=0)[used], size * dof[used], alpha))
    if size > 1:
        made += [_scatter(z, ell, alpha), _copies(z)]
    if size > 3:
        made.append(_correlation(z, ell, alpha))
    return tuple(made)


def bounds(mean: Array, cl: Array, ell: NDArray[np.int64], size: int, bias: Array, spread: Array) -> Family:
    """Test that the mean of maps is within what bias and scatter of the analysis explain, where these are large.

    Parameters
    ----------
    mean, cl : array, shape (n,)
        Mean estimate and expected C_ell, not 0.
    ell : array, shape (n,)
    size : int
        Number of maps.
    bias, spread : array, shape (n,)
        Largest relative bias of the mean, and relative scatter that the analysis adds to that of the field. The mean
        is compared with the nearest value within the bias, with as many degrees of freedom as both scatters leave.
    """
    dof = 2.0 * size / (2.0 / (2.0 * ell + 1.0) + spread**2)
    ratio = mean / cl
    upper = special.chdtrc(dof, dof * ratio / (1.0 + bias))
    lower = np.where(bias < 1.0, special.chdtr(dof, dof * ratio / np.maximum(1.0 - bias, 1e-300)), 1.0)
    unknown = np.full(ell.size, np.nan)
    pvalue = np.minimum(2.0 * np.minimum(upper, lower), 1.0)
    return Family("bounds", "ell", ell, ratio, unknown, unknown, pvalue, SHARES["bounds"], "of the expected C_ell")


def _scores(x: Array, dof: Array) -> Array:
    # by the nearer tail, so that both ends keep their digits
    below, above = special.chdtr(dof, x), special.chdtrc(dof, x)
    z = np.where(below < above, special.ndtri(below), -special.ndtri(above))
    return np.clip(z, -38.0, 38.0)  # where the probability underflows


def _chi_square(name: str, index_name: str, index: NDArray[np.int64], x: Array, dof: Array, alpha: float) -> Family:
    share = SHARES[name]
    level = alpha * share / index.size / 2.0
    low, high = special.chdtri(dof, 1.0 - level), special.chdtri(dof, level)
    pull, low, high = ((value - dof) / np.sqrt(2.0 * dof) for value in (x, low, high))
    return Family(name, index_name, index, pull, low, high, _two_sided(dof, x), share, "standard errors off")


def _two_sided(dof: Array, x: Array) -> Array:
    p: Array = 2.0 * np.minimum(special.chdtr(dof, x), special.chdtrc(dof, x))
    return np.minimum(p, 1.0)


def _scatter(z: Array, ell: NDArray[np.int64], alpha: float) -> Family:
    share, dof = SHARES["scatter"], np.full(ell.size, len(z) - 1.0)
    squares = z.var(axis=0, ddof=1) * dof
    level = alpha * share / ell.size / 2.0
    ratio, low, high = (
        np.sqrt(value / dof) for value in (squares, special.chdtri(dof, 1.0 - level), special.chdtri(dof, level))
    )
    return Family("scatter", "ell", ell, ratio, low, high, _two_sided(dof, squares), share, "of the expected scatter")


def _correlation(z: Array, ell: NDArray[np.int64], alpha: float) -> Family:
    share, dof = SHARES["correlation"], len(z) - 2.0
    unit = _unit(z, axis=0)
    r: Array = np.sum(unit[:, 1:] * unit[:, :-1], axis=0)
    t = -special.stdtrit(dof, alpha * share / max(r.size, 1) / 2.0)
    limit = np.full(r.size, t / np.sqrt(dof + t * t))
    return Family(
        "correlation", "ell", ell[:-1], r, -limit, limit, 2.0 * _tail(r, dof), share, "with the next ell tested"
    )


def _copies(z: Array) -> Family:
    # the pair of maps most alike; sign and orientation do not matter, since only powers are compared
    size, n = z.shape
    best, where, pvalue = 0.0, 0, 1.0
    if n > 2:
        unit = _unit(z, axis=1)
        for start in range(0, size, _BLOCK):
            r = unit[start : start + _BLOCK] @ unit[start:].T
            r[np.tril_indices(len(r), 0, r.shape[1])] = -1.0
            if r.max() > best:
                best, where = float(r.max()), start + int(np.unravel_index(r.argmax(), r.shape)[0])
        pairs = 0.5 * size * (size - 1)
        pvalue = min(1.0, pairs * float(_tail(np.array(best), n - 2.0)))
    unknown = np.array([np.nan])
    return Family(
        name="maps",
        index_name="map",
        index=np.array([where]),
        value=np.array([best]),
        low=unknown,
        high=unknown,
        pvalue=np.array([pvalue]),
        share=SHARES["maps"],
        meaning="correlation of its powers with another map's",
    )


def _unit(z: Array, axis: int) -> Array:
    off = z - z.mean(axis=axis, keepdims=True)
    unit: Array = off / np.maximum(np.sqrt(np.sum(off * off, axis=axis, keepdims=True)), 1e-300)
    return unit


def _tail(r: Array, dof: float) -> Array:
    # probability of a correlation above |r|; 1 - r**2 by factors, for r near 1
    with np.errstate(divide="ignore"):
        t = np.abs(r) * np.sqrt(dof / np.maximum((1.0 - np.abs(r)) * (1.0 + np.abs(r)), 0.0))
    tail: Array = special.stdtr(dof, -t).astype(np.float64)
    return tail
