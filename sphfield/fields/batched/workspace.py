"""lmax and precision in, the memory that one thread works in out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sphfield.fields.batched.layout import CHUNK, KINDS, RINGS, VECTORS, aligned, as_rows

__all__ = [
    "Buffers",
    "Coefficients",
    "SLAB_BYTES",
    "Scratch",
    "Stage",
    "addresses",
    "buffers_for",
    "scratch_for",
    "slab_for",
]

SLAB_BYTES = 1 << 20
"""Folded coefficients of a slab of orders: they stay in the second-level cache, or nearly, while the blocks pass by."""

SLAB = 32
"""Orders in a slab at the most: after so many steps from one order to the next, the start is computed anew."""

SPARE = 8
"""Steps more than there are: the last tile of a microkernel reaches into them."""


class Coefficients(NamedTuple):
    """Of the recursion, for each order of a slab; tables of doubles, in compiled code their addresses."""

    ells: int  # doubles for an order
    epsilon: Any
    steps: int  # doubles for an order in the tables below
    alpha: Any
    slope: Any  # a_j
    offset: Any  # -a_j s_j, to go with x^2
    polar_offset: Any  # a_j (1 - s_j), to go with -sin(theta)^2


class Scratch(NamedTuple):
    """What is double in either precision: tables, in compiled code their addresses."""

    slab: int  # orders
    groups: int  # of four rows of `Buffers.folded`, for an order
    half: float  # what is below 2^-half counts as 0
    start: Any  # P_mm of a block: mantissas, then scales
    state: Any  # of the recursion: lambda_j, lambda_{j-1}, scales
    cosine: Any  # of m phi
    sine: Any
    coefficients: Coefficients


class Buffers(NamedTuple):
    """What is in the precision of the sums: arrays of rows."""

    folded: Any  # (orders of a slab, steps, 4)
    basis: Any  # (steps of a chunk, rings of a block), eight rings a row
    sums: Any  # (rings of a block, 4)


class Stage(NamedTuple):
    """What one thread writes to while it sums in one precision."""

    buffers: Buffers
    scratch: Scratch


def groups_for(lmax: int) -> int:
    """Steps of the recursion for m = 0, and some to spare."""
    return lmax // 2 + 1 + SPARE


def slab_for(lmax: int, row_bytes: int) -> int:
    """Orders in a slab."""
    return max(1, min(SLAB, SLAB_BYTES // (groups_for(lmax) * KINDS * row_bytes)))


def scratch_for(lmax: int, slab: int, half: float) -> Scratch:
    """Tables for slabs of so many orders."""
    ells, steps = lmax + 8, groups_for(lmax)
    tables = [aligned((slab, steps), np.float64) for _ in range(4)]
    start, state = aligned((2 * VECTORS, 8), np.float64), aligned((3 * VECTORS, 8), np.float64)
    cosine, sine = aligned((RINGS,), np.float64), aligned((RINGS,), np.float64)
    coefficients = Coefficients(ells, aligned((slab, ells), np.float64), steps, *tables)
    return Scratch(slab, steps, half, start, state, cosine, sine, coefficients)


def buffers_for(lmax: int, slab: int, scalar: Any, lanes: int) -> Buffers:
    """Arrays for slabs of so many orders."""
    return Buffers(
        as_rows(aligned((slab * groups_for(lmax) * KINDS, lanes), scalar)),
        as_rows(aligned(((CHUNK + SPARE) * VECTORS, 8), scalar)),
        as_rows(aligned((RINGS * KINDS, lanes), scalar)),
    )


def addresses(tables: Any) -> Any:
    """A named tuple of tables with their addresses in place of the arrays, which somebody has to keep."""
    return type(tables)(*(_address(table) for table in tables))


def _address(table: Any) -> Any:
    if isinstance(table, np.ndarray):
        return table.ctypes.data
    return addresses(table) if isinstance(table, tuple) else table
