"""Resolution in, corrections to equal pixel weights out: those that are shipped, and those kept in the cache folder."""

from __future__ import annotations

import hashlib
import os
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np

from sphfield.fields.pixels import check_nside
from sphfield.fields.weight_solver import count
from sphfield.provenance import atomic_write
from sphfield.typing import Array

__all__ = ["LARGEST_SHIPPED", "SHIPPED", "cache_folder", "keep", "kept", "shipped", "weights_file"]

SHIPPED = Path(__file__).with_name("pixel_weights.npy")
"""Corrections of nside = 1, 2, 4 ... `LARGEST_SHIPPED`, one after the other; docs/build_weights.py makes it."""
LARGEST_SHIPPED = 64
_METHOD = 1  # another number when the solver gives other digits: files of another method are not looked at


def cache_folder() -> Path:
    """Where solved weights are kept: ``SPHFIELD_CACHE`` if it is set, else ``sphfield`` in the user's cache folder.

    That is ``$XDG_CACHE_HOME`` or ``~/.cache``, on macOS ``~/Library/Caches``, on Windows ``%LOCALAPPDATA%``. The
    folder need not exist.

    Raises
    ------
    ValueError
        If there is no home folder, and no other is named.
    """
    if named := os.environ.get("SPHFIELD_CACHE"):
        return Path(named).expanduser()
    usual = {"darwin": "", "win32": "LOCALAPPDATA"}.get(sys.platform, "XDG_CACHE_HOME")
    folder = Path(os.environ.get(usual, ""))
    if folder.is_absolute():  # another one is to be ignored, says the specification of XDG_CACHE_HOME
        return folder / "sphfield"
    try:
        home = Path.home()
    except RuntimeError as error:
        raise ValueError("there is no home folder to keep weights in: set SPHFIELD_CACHE to a folder") from error
    return home / {"darwin": "Library/Caches", "win32": "AppData/Local"}.get(sys.platform, ".cache") / "sphfield"


def weights_file(nside: int) -> Path:
    """The file in `cache_folder` that holds the weights of ``nside``, or will."""
    return cache_folder() / f"pixel-weights-{_METHOD}-nside-{check_nside(nside):04d}.bin"


def shipped(nside: int) -> Array | None:
    """The corrections that came with the package; None above nside = 64."""
    if nside > LARGEST_SHIPPED:
        return None
    start = sum(count(1 << k) for k in range(nside.bit_length() - 1))
    return _all_shipped()[start : start + count(nside)]


@lru_cache(maxsize=1)
def _all_shipped() -> Array:
    values: Array = np.load(SHIPPED, allow_pickle=False)
    return values.astype(np.float64)


def kept(nside: int) -> Array | None:
    """The corrections in the cache folder; None if there are none.

    Raises
    ------
    ValueError
        If there is a file of the right name that cannot be read, or is not what was written.
    """
    try:
        path = weights_file(nside)
    except ValueError:
        return None  # no folder, no file; `keep` tells what to do
    try:
        written = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ValueError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    values = written[len(_heading(nside, b"")) :]
    if written != _heading(nside, values) + values:
        raise ValueError(f"{str(path)!r} is damaged, or no file of weights: its checksum is not that of its content")
    return np.frombuffer(values, dtype="<f8").astype(np.float64)


def keep(nside: int, corrections: Array) -> Path:
    """Write corrections to the cache folder, which is made if need be; whole or not at all, so readers need no lock.

    Raises
    ------
    ValueError, OSError
        If the folder cannot be made or written to.
    """
    path = weights_file(nside)
    path.parent.mkdir(parents=True, exist_ok=True)
    values = corrections.astype("<f8").tobytes()
    with atomic_write(path) as part:
        part.write_bytes(_heading(nside, values) + values)
    return path


def _heading(nside: int, values: bytes) -> bytes:
    # in front of the values, so that one comparison finds whatever can be wrong
    checksum = hashlib.sha256(values).hexdigest()
    return f"sphfield pixel weights, method {_METHOD}, nside {nside:04d}, sha256 {checksum}\n".encode()
