"""Coefficients in, Fourier coefficients of every ring out, and the adjoint: the Legendre stage of a batch.

Orders are taken in slabs whose folded coefficients fit the second-level cache; in a slab each block of rings meets all
orders, in an order the recursion runs a chunk ahead and a microkernel uses what it wrote. Folding is what the recursion
in pairs asks for, see `recursion`: with f_l the coefficients of one m and l = m + 2j,

    even_j = alpha_j (epsilon_{l+1} f_l + epsilon_{l+2} f_{l+2}),    odd_j = alpha_j f_{l+1},

the sum over l of f_l P_l(x) is that over j of lambda_j(x) (even_j + x odd_j), and on the mirror image the one with
-x. Even and odd, real and imaginary parts are the four rows, `layout.KINDS`, that every lambda is multiplied with.

Near the equator the lambda are large, as 1/x, and cancel in the even sum. In single precision the last block is
therefore summed in double: all sums have the precision of ``buffers``, not that of the caller's arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sphfield.fields.batched.arithmetic import add, axpy, scaled, zeros
from sphfield.fields.batched.grid import Rings
from sphfield.fields.batched.layout import CHUNK, KINDS, RINGS
from sphfield.fields.batched.machine_code import kept
from sphfield.fields.batched.microkernels import TILE, add_to_folded, add_to_sums
from sphfield.fields.batched.phases import collect, rotation, spread
from sphfield.fields.batched.recursion import (
    STEPS,
    Run,
    advance,
    advance_scaled,
    begin,
    coefficients,
    next_order,
    seed,
)
from sphfield.fields.batched.vectors import Rows, integer, jit, load, load_like, rings_at, rows_of, store, value
from sphfield.fields.batched.workspace import Buffers, Scratch, Stage
from sphfield.typing import Array

__all__ = ["analyse", "synthesise"]

TILE_ROWS = TILE.rows  # a global of its own: numba compiles those in as constants
ZERO: int = np.int64(0)  # type: ignore[assignment]  # for a literal numba compiles the callee once more
ALL: int = np.int64(RINGS)  # type: ignore[assignment]


@kept
def synthesise(alm: Any, maps: Any, stage: Stage, rings: Rings, blocks: Any, orders: Any) -> None:
    """Half-complex rows of the rings of blocks in range(*blocks), for m in range(*orders)."""
    alm, maps, scratch, lmax = rows_of(alm), rows_of(maps), stage.scratch, rings.lmax
    work = Buffers(rows_of(stage.buffers.folded), rows_of(stage.buffers.basis), rows_of(stage.buffers.sums))
    for low in range(orders[0], orders[1], scratch.slab):
        high = min(low + scratch.slab, orders[1])
        for m in range(low, high):
            coefficients(m, lmax, m - low, scratch.coefficients)
            fold(m, m - low, lmax, alm, work.folded, scratch)
        for block in range(blocks[0], blocks[1], blocks[2]):
            for m in range(low, min(high, integer(rings.limit, block) + 1)):
                first_function(m, m == low, block, rings, scratch)
                ring_sums((lmax - m) // 2 + 1, m - low, block, rings, work, scratch)
                rotation(m, block, rings, scratch.cosine, scratch.sine)
                spread(m, block, rings, work.sums, scratch.cosine, scratch.sine, maps)


@kept
def analyse(alm: Any, maps: Any, stage: Stage, rings: Rings, blocks: Any, orders: Any, more: bool) -> None:
    """Coefficients for m in range(*orders) from half-complex rows; added to what is there if there is ``more``."""
    alm, maps, scratch, lmax = rows_of(alm), rows_of(maps), stage.scratch, rings.lmax
    work = Buffers(rows_of(stage.buffers.folded), rows_of(stage.buffers.basis), rows_of(stage.buffers.sums))
    for low in range(orders[0], orders[1], scratch.slab):
        high = min(low + scratch.slab, orders[1])
        clear(work.folded, (high - low) * scratch.groups)
        for m in range(low, high):
            coefficients(m, lmax, m - low, scratch.coefficients)
        for block in range(blocks[0], blocks[1], blocks[2]):
            for m in range(low, min(high, integer(rings.limit, block) + 1)):
                first_function(m, m == low, block, rings, scratch)
                rotation(m, block, rings, scratch.cosine, scratch.sine)
                collect(m, block, rings, work.sums, scratch.cosine, scratch.sine, maps)
                folded_sums((lmax - m) // 2 + 1, m - low, block, rings, work, scratch)
        for m in range(low, high):
            unfold(m, m - low, lmax, alm, work.folded, scratch, more)


@kept
def weigh(maps: Any, levels: Any, weights: Array, first: int, last: int) -> None:
    """Take the level of each lane from the pixels from ``first`` to before ``last``, and multiply them."""
    maps, level = rows_of(maps), load(rows_of(levels), 0)
    for p in range(first, last):
        store(maps, p, scaled(weights[p], axpy(-1.0, level, load(maps, p))))


@jit
def first_function(m: int, anew: bool, block: int, rings: Rings, scratch: Scratch) -> None:
    """P_mm to ``scratch.start``, from a logarithm or from the order before."""
    if anew:
        seed(m, block, rings, scratch.half, scratch.start)
    else:
        next_order(m, block, rings, scratch.half, rings_at(scratch.start))


@jit
def ring_sums(steps: int, i: int, block: int, rings: Rings, work: Buffers, scratch: Scratch) -> None:
    """Even and odd sums over all ell for the rings of a block, of the order that is number ``i`` of its slab."""
    clear(work.sums, ALL)
    run, unused = run_for(i, block, rings, scratch), rings.padding // TILE_ROWS if block == 0 else 0
    j, small = skip(run, rings_at(scratch.start), steps, work.basis)
    while j < steps:
        stop, small = chunk(run, j, small, steps, work.basis)
        for tile in range(unused, RINGS // TILE_ROWS):
            t = tile * TILE_ROWS
            add_to_sums(work.sums, t, work.basis, t, work.folded, scratch.groups * i + j, stop - j)
        j = stop


@jit
def folded_sums(steps: int, i: int, block: int, rings: Rings, work: Buffers, scratch: Scratch) -> None:
    """The adjoint of `ring_sums`: sums over the rings of a block, added to the folded coefficients."""
    run, group = run_for(i, block, rings, scratch), scratch.groups * i
    j, small = skip(run, rings_at(scratch.start), steps, work.basis)
    while j < steps:
        stop, small = chunk(run, j, small, steps, work.basis)
        for step in range(0, stop - j, TILE_ROWS):  # the last tile may reach into rows of nobody
            add_to_folded(work.folded, group + j + step, work.basis, step * RINGS, work.sums, 0, RINGS)
        j = stop


@jit
def run_for(i: int, block: int, rings: Rings, scratch: Scratch) -> Run:
    """The recursion for a block and the order that is number ``i`` of its slab."""
    c = scratch.coefficients
    offset = c.polar_offset if integer(rings.polar, block) else c.offset
    order, first = 8 * i * c.steps, 8 * block * RINGS  # in bytes
    return Run(rings_at(scratch.state), rings_at(rings.argument + first), c.slope + order, offset + order, scratch.half)


@jit
def skip(run: Run, start: Rows, steps: int, basis: Rows) -> tuple[int, bool]:
    """From the start of the recursion to the first step where a ring counts; the step, and whether some do not yet."""
    none, small = begin(run, start)
    j = stop = ZERO
    while none and j < steps:
        stop = min(j + STEPS, steps)
        none, small = advance_scaled(run, j, stop, basis, ZERO)
        j = stop
    return j, small


@jit
def chunk(run: Run, j: int, small: bool, steps: int, basis: Rows) -> tuple[int, bool]:
    """Write the steps from j on to ``basis``; the step after them, and whether some rings do not count yet."""
    row, stop = ZERO, min(j + CHUNK, steps)
    while small and j < stop:
        until = min(j + STEPS, stop)
        _, small = advance_scaled(run, j, until, basis, row)
        row, j = row + until - j, until
    if j < stop:
        advance(run, j, stop, basis, row)
    return stop, small


@jit
def clear(rows: Rows, groups: int) -> None:
    """Zero groups of four rows."""
    zero = zeros(rows)
    for k in range(KINDS * groups):
        store(rows, k, zero)


@jit
def first_row(m: int, lmax: int) -> int:
    """Where in an array of coefficients the real part of ell = m is."""
    return 2 * (m * (2 * lmax + 1 - m) // 2 + m)


@jit
def fold(m: int, i: int, lmax: int, alm: Rows, folded: Rows, scratch: Scratch) -> None:
    """Coefficients of order m, number ``i`` of its slab, to even and odd ones for each step of the recursion."""
    c, group = scratch.coefficients, scratch.groups * i
    for j in range((lmax - m) // 2 + 1):
        ell, alpha, row = m + 2 * j, value(c.alpha, i * c.steps + j), KINDS * (group + j)
        at, epsilon = first_row(m, lmax) + 2 * (ell - m), c.epsilon + 8 * (i * c.ells + ell)
        for part in range(2):
            factor = alpha if part == 0 or m > 0 else 0.0  # a real field has real a_l0
            even = scaled(factor * value(epsilon, 1), load_like(folded, alm, at + part))
            if ell + 2 <= lmax:
                even = axpy(factor * value(epsilon, 2), load_like(folded, alm, at + 4 + part), even)
            odd = zeros(folded)
            if ell + 1 <= lmax:
                odd = scaled(factor, load_like(folded, alm, at + 2 + part))
            store(folded, row + part, even)
            store(folded, row + 2 + part, odd)


@jit
def unfold(m: int, i: int, lmax: int, alm: Rows, folded: Rows, scratch: Scratch, more: bool) -> None:
    """The adjoint of `fold`."""
    c, group = scratch.coefficients, scratch.groups * i
    before = 0.0  # alpha of the step before
    for j in range((lmax - m) // 2 + 1):
        ell, alpha, row = m + 2 * j, value(c.alpha, i * c.steps + j), KINDS * (group + j)
        at, epsilon = first_row(m, lmax) + 2 * (ell - m), c.epsilon + 8 * (i * c.ells + ell)
        for part in range(2):
            keep = 1.0 if part == 0 or m > 0 else 0.0
            even = scaled(keep * alpha * value(epsilon, 1), load_like(folded, folded, row + part))
            if j > 0:
                even = axpy(keep * before * value(epsilon, 0), load_like(folded, folded, row - KINDS + part), even)
            odd = scaled(keep * alpha, load_like(folded, folded, row + 2 + part))
            if more:
                even = add(even, load_like(folded, alm, at + part))
            store(alm, at + part, even)
            if ell + 1 <= lmax:
                if more:
                    odd = add(odd, load_like(folded, alm, at + 2 + part))
                store(alm, at + 2 + part, odd)
        before = alpha
