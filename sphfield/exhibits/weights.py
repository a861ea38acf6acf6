"""Resolutions in, their pixel weights made ready and checked: where they are, how exact, how far from equal ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from sphfield.fields.pixels import check_nside
from sphfield.fields.weight_files import LARGEST_SHIPPED, cache_folder, kept, weights_file
from sphfield.fields.weight_solver import exact_ell
from sphfield.fields.weights import keep_weights, pixel_weights, weight_error

__all__ = ["prepared_weights", "printed_weights"]


def prepared_weights(
    nside: int, *, anew: bool = False, progress: Callable[[str, int, int], object] | None = None
) -> dict[str, Any]:
    """Solve the weights of ``nside`` and keep them, unless they are there; facts about them, JSON-ready.

    Parameters
    ----------
    nside : int
        A power of two from 1 to 8192.
    anew : bool
        Solve again what is kept already, for example because its file is damaged.
    progress : callable, optional
        Called as ``progress(what, done, total)``, in digits of the residual.

    Raises
    ------
    ValueError
        If ``nside`` is none, a kept file is damaged, or the cache folder cannot be written to.
    """
    nside = check_nside(nside)
    told = None if progress is None else lambda digits, wanted: progress(f"nside {nside}", round(digits), round(wanted))
    if nside > LARGEST_SHIPPED and (anew or not _have(nside)):
        _keepable()
        keep_weights(nside, progress=told)
        pixel_weights.cache_clear()
    weights = pixel_weights(nside)
    relative = weights * weights.size / (4 * np.pi)
    return {
        "nside": nside,
        "exact_to": exact_ell(nside),
        "error": weight_error(weights, exact_ell(nside)),
        "smallest": float(relative.min()),
        "largest": float(relative.max()),
        "file": "shipped with sphfield" if nside <= LARGEST_SHIPPED else str(weights_file(nside)),
    }


def _have(nside: int) -> bool:
    try:
        return kept(nside) is not None
    except ValueError as error:
        raise ValueError(f"{error}; remove it, or solve the weights anew (--anew)") from error


def _keepable() -> None:
    # refused before the work, not after it
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"cannot make the folder {str(folder)!r}: {error.strerror}; set SPHFIELD_CACHE to another"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"cannot write to {str(folder)!r}: set SPHFIELD_CACHE to a folder that you may write to")


def printed_weights(rows: list[dict[str, Any]]) -> str:
    """A table for a screen."""
    lines = [f"{'nside':>6} {'exact to ell':>12} {'error':>8} {'smallest':>9} {'largest':>8}  file"]
    for row in rows:
        numbers = f"{row['error']:8.0e} {row['smallest']:9.4f} {row['largest']:8.4f}"
        lines.append(f"{row['nside']:6d} {row['exact_to']:12d} {numbers}  {row['file']}")
    return "\n".join([*lines, "smallest and largest in units of 4 pi / npix"])
