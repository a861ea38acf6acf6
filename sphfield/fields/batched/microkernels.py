"""Values of the recursion times rows of lanes, added up in registers: where nine tenths of the time are spent.

Both directions are products of small matrices, sums[ring] += basis[step, ring] * folded[step] for synthesis and
folded[step] += basis[step, ring] * sums[ring] for the adjoint. They differ in the strides only. A microkernel holds a
tile of the result in registers: `Tile.rows` rings (or steps) times `Tile.vectors` vectors. Each turn of its loop loads
``rows`` scalars and ``vectors`` vectors for ``rows * vectors`` fused multiply-adds; for two of these in a cycle there
must be fewer loads than them, and at least eight sums in flight.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import types
from numba.core.registry import cpu_target

from sphfield.fields.batched.layout import KINDS, RINGS
from sphfield.fields.batched.vectors import Rows, filled, fused, intrinsic, size, vector_of

__all__ = ["TILE", "Tile", "add_to_folded", "add_to_sums", "tile_for"]

INDEX = ir.IntType(64)


class Tile(NamedTuple):
    """What a microkernel holds in registers."""

    rows: int
    vectors: int
    bytes: int  # of a register


def tile_for(features: str) -> Tile:
    """The tile for a CPU by LLVM's names of its features; the measured best of those that fit its registers.

    With 32 registers 6 x 4 sums leave 8 for what is multiplied, with 16 of AVX and SSE 3 x 4 leave 4: three scalars and
    one vector after the other.
    """
    has = set(features.split(","))
    if "+avx512f" in has:
        return Tile(6, 4, 64)
    if "+avx2" in has or "+avx" in has:
        return Tile(3, 4, 32)
    if "+neon" in has:
        return Tile(6, 4, 16)
    return Tile(3, 4, 16)


TILE = tile_for(cpu_target.target_context.codegen().magic_tuple()[2])
"""For the CPU that numba compiles for: this one, or NUMBA_CPU_NAME and NUMBA_CPU_FEATURES."""


class Strides(NamedTuple):
    """Of the basis, in numbers: from one term of a sum to the next, and from one row of a tile to the next."""

    term: int
    row: int


def product(strides: Strides) -> Callable[..., None]:
    """Result[row + i] += sum over k < terms of basis[start + k, i] * factors[first + k], for i < TILE.rows.

    Rows of result and factors are groups of four vectors of lanes, see `layout.KINDS`.
    """

    def accumulate(  # noqa: PLR0913, PLR0917
        typing: Any, result: Rows, row: Any, basis: Rows, start: Any, factors: Rows, first: Any, terms: Any
    ) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            scalar = vector_of(signature.args[0].lanes).element
            width = KINDS * signature.args[0].lanes.count
            registers = Registers(builder, scalar, width, strides)
            results = registers.offset(registers.at(args[0]), builder.mul(args[1], ir.Constant(INDEX, width)))
            values = registers.offset(registers.at(args[2]), args[3])
            vectors = registers.offset(registers.at(args[4]), builder.mul(args[5], ir.Constant(INDEX, width)))
            for column in registers.columns():
                registers.tile(results, values, vectors, column, args[6])
            return context.get_dummy_value()

        n = types.int64
        return types.void(result, n, basis, n, factors, n, n), code

    return intrinsic(accumulate)


class Registers:
    """Writes the LLVM code of one tile after the other."""

    def __init__(self, builder: Any, scalar: Any, width: int, strides: Strides) -> None:
        self.builder, self.scalar, self.width, self.strides = builder, scalar, width, strides
        lanes = TILE.bytes // (8 if scalar == ir.DoubleType() else 4)
        self.vector = ir.VectorType(scalar, min(lanes, width))

    def at(self, address: Any) -> Any:
        return self.builder.inttoptr(address, self.scalar.as_pointer())

    def columns(self) -> list[list[int]]:
        """Where the vectors of each tile begin, in numbers from the beginning of a group of rows."""
        starts = list(range(0, self.width, self.vector.count))
        return [starts[i : i + TILE.vectors] for i in range(0, len(starts), TILE.vectors)]

    def tile(self, results: Any, basis: Any, factors: Any, column: list[int], terms: Any) -> None:
        """One tile: sums into registers, a loop over the terms, and back."""
        builder = self.builder
        places = [self.offset(results, i * self.width + c) for i in range(TILE.rows) for c in column]
        begin = [self.load(place) for place in places]
        before = builder.block
        loop, after = builder.append_basic_block("terms"), builder.append_basic_block("stored")
        builder.branch(loop)
        builder.position_at_end(loop)
        k = builder.phi(INDEX)
        sums = [builder.phi(self.vector) for _ in places]
        added = self.term(k, sums, basis, factors, column)
        following = builder.add(k, ir.Constant(INDEX, 1))
        for phi, first, then in zip([k, *sums], [ir.Constant(INDEX, 0), *begin], [following, *added], strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(then, loop)
        builder.cbranch(builder.icmp_signed("<", following, terms), loop, after)
        builder.position_at_end(after)
        for place, value in zip(places, added, strict=True):
            builder.store(value, builder.bitcast(place, self.vector.as_pointer()), align=size(self.vector))

    def term(self, k: Any, sums: list[Any], basis: Any, factors: Any, column: list[int]) -> list[Any]:
        """The sums with one term more."""
        builder = self.builder
        scalars = self.offset(basis, builder.mul(k, ir.Constant(INDEX, self.strides.term)))
        vectors = self.offset(factors, builder.mul(k, ir.Constant(INDEX, self.width)))
        splats = [
            filled(builder, builder.load(self.offset(scalars, i * self.strides.row)), self.vector)
            for i in range(TILE.rows)
        ]
        added = list(sums)
        for c, start in enumerate(column):
            value = self.load(self.offset(vectors, start))
            for i, splat in enumerate(splats):
                added[i * len(column) + c] = fused(builder, splat, value, sums[i * len(column) + c])
        return added

    def offset(self, place: Any, numbers: Any) -> Any:
        return self.builder.gep(place, [ir.Constant(INDEX, numbers) if isinstance(numbers, int) else numbers])

    def load(self, place: Any) -> Any:
        at = self.builder.bitcast(place, self.vector.as_pointer())
        return self.builder.load(at, align=size(self.vector))


add_to_sums = product(Strides(term=RINGS, row=1))
"""Synthesis: rows are rings, terms are steps of the recursion, at least one."""

add_to_folded = product(Strides(term=1, row=RINGS))
"""Adjoint: rows are steps of the recursion, terms are rings, at least one."""
