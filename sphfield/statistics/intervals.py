"""Estimated power and a level in, the confidence interval of every C_ell out."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from sphfield.fields.pixels import whole
from sphfield.typing import Array

__all__ = ["check_level", "chi2_interval", "normal_interval"]


def chi2_interval(cl: Any, level: float, maps: int = 1) -> tuple[Array, Array]:
    r"""Interval that holds the C_ell of a Gaussian field with this probability, exactly and at every ell.

    :math:`\nu \hat C_\ell / C_\ell` is chi-square with :math:`\nu = (2\ell + 1)\,\mathtt{maps}` degrees of freedom;
    the interval leaves out the same probability on either side.

    Parameters
    ----------
    cl : array_like, shape (..., lmax + 1)
        Estimated power, as `PowerSpectrum` returns it; not negative.
    level : float
        Strictly between 0 and 1.
    maps : int
        How many independent maps each estimate is the mean of.

    Returns
    -------
    low, high : arrays, shape (..., lmax + 1)
        The field must be Gaussian and the bias of the estimator small beside the scatter; networks of finite width
        scatter more, and are covered less often.

    Raises
    ------
    ValueError
        If the power is negative or NaN, the level is no probability or ``maps`` is not positive.

    Examples
    --------
    The monopole of one map says little of C_0:

    >>> low, high = chi2_interval([1.0], 0.95)
    >>> low.round(3).tolist(), high.round(1).tolist()
    ([0.199], [1018.3])
    """
    power, freedom = _checked(cl, maps)
    outside = 0.5 * (1.0 - check_level(level))
    # chi-square of nu degrees of freedom is twice a gamma variable of shape nu / 2
    half = 0.5 * freedom
    return power * half / special.gammainccinv(half, outside), power * half / special.gammaincinv(half, outside)


def normal_interval(cl: Any, level: float, maps: int = 1) -> tuple[Array, Array]:
    r"""The interval :math:`\hat C_\ell\,(1 \mp z \sqrt{2 / \nu})`, :math:`\nu = (2\ell + 1)\,\mathtt{maps}`.

    What is drawn as an error bar most often. It takes the estimate for normal and its scatter for known, so it holds
    C_ell less often than it claims, at low multipoles much less, and may reach below zero there; `chi2_interval` is
    the exact one. Parameters, results and errors are the same.

    Examples
    --------
    >>> low, high = normal_interval([1.0, 1.0], 0.95)
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([-1.77, -0.6], [3.77, 2.6])
    """
    power, freedom = _checked(cl, maps)
    half_width: Array = float(special.ndtri(0.5 * (1.0 + check_level(level)))) * np.sqrt(2.0 / freedom)
    return power * (1.0 - half_width), power * (1.0 + half_width)


def check_level(level: Any) -> float:
    """``level`` as a float if it is a probability strictly between 0 and 1; 95 is refused, not taken for 0.95."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level = {level} is not a probability strictly between 0 and 1: give for example 0.95")
    return float(level)


def _checked(cl: Any, maps: int) -> tuple[Array, Array]:
    power = np.asarray(cl, dtype=np.float64)
    if power.ndim == 0 or not power.shape[-1]:
        raise ValueError(f"cl has shape {power.shape}: give the estimated power at ell = 0 ... lmax")
    if not (power >= 0.0).all():
        at = tuple(np.argwhere(~(power >= 0.0))[0].tolist())
        raise ValueError(f"cl is {power[at]} at ell = {at[-1]}: estimated power is a number, 0 or more")
    freedom = np.arange(1, 2 * power.shape[-1], 2, dtype=np.float64) * whole("maps", maps, 1)
    return power, freedom
