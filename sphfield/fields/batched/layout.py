"""Sizes in, aligned arrays of rows of lanes out: how the numbers of a batch lie in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ALIGNMENT",
    "CHUNK",
    "KINDS",
    "RINGS",
    "VECTORS",
    "aligned",
    "as_rows",
    "from_lanes",
    "row_dtype",
    "to_lanes",
]

ALIGNMENT = 64
"""Bytes of a cache line, and of the widest vectors."""

RINGS = 24
"""Pairs of rings in a block: what one coefficient, once in a register, is used for. 24 is a multiple of the 8 rings of
a vector of the recursion and of the 3 or 6 rings of a microkernel; the sums of a block are 6 kB with eight doubles a
lane, and stay in the first-level cache together with a chunk."""

VECTORS = RINGS // 8
"""Vectors of the recursion in a block."""

CHUNK = 48
"""Steps of the recursion that are written out before a microkernel uses them: the values of a chunk (9 kB) and its
coefficients (12 kB) fit the first-level cache of 32 kB beside the sums."""

KINDS = 4
"""Rows for each folded coefficient and for each pair of rings: real and imaginary part of the even sum, then of the odd
one."""


def row_dtype(scalar: Any, lanes: int) -> np.dtype[Any]:
    """The dtype of one row: ``lanes`` numbers side by side, one of each realisation."""
    return np.dtype([("lanes", scalar, (lanes,))])


def aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Zeros that begin at a cache line."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.zeros(size + ALIGNMENT, dtype=np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    part: NDArray[Any] = memory[start : start + size].view(dtype)
    return part.reshape(shape)


def as_rows(values: NDArray[Any]) -> NDArray[Any]:
    """The same memory of an array (..., lanes) as a one-dimensional array of rows."""
    return values.reshape(-1).view(row_dtype(values.dtype, values.shape[-1]))


def to_lanes(values: NDArray[Any], batch: NDArray[Any]) -> None:
    """Fill the lanes of a batch of maps (npix, lanes), or of coefficients (ncoef, 2, lanes), with the rows of an array.

    Real maps (n, npix), or complex coefficients (n, ncoef); lanes from n on become 0.
    """
    for part in _parts(len(batch)):
        batch[part, ..., : len(values)] = np.moveaxis(_real(values[:, part]), 0, -1)
    batch[..., len(values) :] = 0.0


def from_lanes(batch: NDArray[Any], values: NDArray[Any]) -> None:
    """Fill the rows of an array with the first lanes of a batch: the way back from `to_lanes`."""
    for part in _parts(len(batch)):
        _real(values[:, part])[...] = np.moveaxis(batch[part, ..., : len(values)], -1, 0)


def _parts(size: int) -> list[slice]:
    # a transposed copy of all at once would walk through all of the memory once for each lane
    return [slice(i, i + 4096) for i in range(0, size, 4096)]


def _real(values: NDArray[Any]) -> NDArray[Any]:
    # complex numbers as pairs along a last axis, in the same memory
    if not np.iscomplexobj(values):
        return values
    return values.view(values.real.dtype).reshape(*values.shape, 2)
