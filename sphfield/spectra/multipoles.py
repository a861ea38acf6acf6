"""Multipoles: what every route to a spectrum returns, log C_ell with its relative error and the variance beyond."""

from __future__ import annotations

from typing import NamedTuple

from sphfield.typing import Array

__all__ = ["Multipoles"]


class Multipoles(NamedTuple):
    """log C_ell and its error for ell = 0 ... lmax, two arrays of shape (lmax + 1,), and what lies beyond lmax.

    ``log_cl`` is -inf where C_ell is zero or no digit is known; ``error`` bounds the relative error of exp(log_cl),
    ``inf`` where there is no digit; ``beyond`` is the sum of (2 ell + 1) C_ell / 4 pi over all ell > lmax, NaN where
    the route does not give it.
    """

    log_cl: Array
    error: Array
    beyond: float
