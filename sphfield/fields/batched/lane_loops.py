"""Loops over arrays whose last axis are lanes, compiled: coefficients from normals, power, means of maps."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from sphfield.typing import Array

__all__ = ["fill", "means", "power"]

_ORDERS = 8  # m at once: what they read lies side by side, what they write are as many streams
_ROWS = 4096  # of a partial sum


def fill(normals: Array, zonal: Array, others: Array, alm: Any) -> None:
    """Coefficients (number of a_lm, 2, lanes) from normals (n, (lmax + 1)**2), in the order of `sphfield.synalm`.

    `zonal`, `others`: the amplitudes of m = 0 and of m > 0, in healpy's order. Lanes from n on are set to 0.
    """
    alm[:, :, len(normals) :] = 0.0
    _compiled(_fill)(normals, zonal, others, alm)


def power(alm: Any, lmax: int) -> Array:
    """Estimated C_ell of coefficients (number of a_lm, 2, lanes), shape (lanes, lmax + 1), summed in double."""
    found = np.zeros((lmax + 1, alm.shape[2]))
    _compiled(_power)(alm, found)
    return np.ascontiguousarray(found.T)


def means(values: Any) -> Array:
    """Of each column, shape (lanes,), summed in double."""
    found = np.zeros(values.shape[1])
    _compiled(_sums)(values, np.zeros(values.shape[1]), found)
    return found / len(values)


@cache
def _compiled(loop: Callable[..., None]) -> Any:
    # by name, as in `plans`: numba is loaded when there is work for it
    return importlib.import_module("sphfield.fields.batched.machine_code").kept(loop)


def _fill(normals: Any, zonal: Any, others: Any, alm: Any) -> None:
    lanes, lmax = normals.shape[0], zonal.shape[0] - 1
    for ell in range(lmax + 1):
        for k in range(lanes):
            alm[ell, 0, k] = zonal[ell] * normals[k, ell * ell]
            alm[ell, 1, k] = 0.0
    for first in range(1, lmax + 1, _ORDERS):
        last = min(first + _ORDERS, lmax + 1)
        for ell in range(first, lmax + 1):
            for m in range(first, min(last, ell + 1)):
                i = m * (2 * lmax + 1 - m) // 2 + ell
                amplitude, at = others[i - lmax - 1], ell * ell + 2 * m - 1
                for k in range(lanes):
                    alm[i, 0, k] = amplitude * normals[k, at]
                    alm[i, 1, k] = amplitude * normals[k, at + 1]


def _power(alm: Any, found: Any) -> None:
    lmax, lanes = found.shape[0] - 1, found.shape[1]
    i = 0
    for m in range(lmax + 1):
        factor = 1.0 if m == 0 else 2.0
        for ell in range(m, lmax + 1):
            for k in range(lanes):
                real, imaginary = np.float64(alm[i, 0, k]), np.float64(alm[i, 1, k])
                found[ell, k] += factor * (real * real + imaginary * imaginary)
            i += 1
    for ell in range(lmax + 1):
        for k in range(lanes):
            found[ell, k] /= 2.0 * ell + 1.0


def _sums(values: Any, partial: Any, found: Any) -> None:
    rows, lanes = values.shape
    for first in range(0, rows, _ROWS):
        partial[:] = 0.0
        for row in range(first, min(first + _ROWS, rows)):
            for k in range(lanes):
                partial[k] += values[row, k]
        for k in range(lanes):
            found[k] += partial[k]
