"""Addresses in, vectors in registers out: the SIMD instructions that numba has no name for.

Plain loops leave it to LLVM to find vectors, and in loops as tight as a Legendre sum it finds few. Here a value of type
`Lanes` is one LLVM vector, and each function below is one or two instructions. `Rows` are a pointer whose type knows
precision and number of lanes, so that one source serves all: what is loaded from rows of 16 float32 is a vector of 16
float32. LLVM cuts vectors longer than a register by itself. Tables of plain numbers are bare addresses: an array of
numba's is seven values and a reference count, and forty of them make compilation several times longer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

import numba
import numba.extending
from llvmlite import ir
from numba.core import cgutils, types

__all__ = [
    "RING_ROWS", "Lanes", "Rows", "filled", "fused", "integer", "intrinsic", "jit", "load", "load_like", "rings_at",
    "rows_of", "size", "store", "value", "vector_of", "write",
]  # fmt: skip

Lanes: TypeAlias = Any
"""A vector of numbers; exists in compiled code only."""

Rows: TypeAlias = Any
"""Where vectors lie one after the other; exists in compiled code only."""

Function = TypeVar("Function", bound=Callable[..., Any])
Arguments = ParamSpec("Arguments")
INDEX = ir.IntType(64)


def jit(function: Function) -> Function:
    """`function` as machine code inside another compiled function; Python cannot call it, which saves wrappers."""
    options = {"nogil": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    compiled: Function = numba.njit(**options)(function)
    return compiled


def intrinsic(function: Callable[Concatenate[Any, Arguments], Any]) -> Callable[Arguments, Any]:
    """`function` as an instruction: it gets types and returns a signature and what writes the LLVM code."""
    wrapped: Callable[Arguments, Any] = numba.extending.intrinsic(function)
    return wrapped


class LanesType(types.Type):
    """numba's type of a vector of ``count`` numbers."""

    def __init__(self, scalar: Any, count: int) -> None:
        self.scalar, self.count = scalar, count
        super().__init__(name=f"Lanes({scalar} x {count})")


class RowsType(types.Type):
    """numba's type of a pointer to vectors."""

    def __init__(self, lanes: LanesType) -> None:
        self.lanes = lanes
        super().__init__(name=f"Rows({lanes.name})")


def vector_of(lanes: LanesType) -> Any:
    """The LLVM type of a vector."""
    return ir.VectorType(ir.DoubleType() if lanes.scalar == types.float64 else ir.FloatType(), lanes.count)


@numba.extending.register_model(LanesType)
class LanesModel(numba.extending.models.PrimitiveModel):  # type: ignore[misc]
    """A `LanesType` is one LLVM vector."""

    def __init__(self, manager: Any, lanes: LanesType) -> None:
        super().__init__(manager, lanes, vector_of(lanes))


@numba.extending.register_model(RowsType)
class RowsModel(numba.extending.models.PrimitiveModel):  # type: ignore[misc]
    """A `RowsType` is one address."""

    def __init__(self, manager: Any, rows: RowsType) -> None:
        super().__init__(manager, rows, INDEX)


RING_ROWS = RowsType(LanesType(types.float64, 8))
"""Vectors of the recursion: eight rings each."""


def size(vector: Any) -> int:
    """Bytes of one number: the alignment that loads and stores ask for; more would change no instruction."""
    return 8 if vector.element == ir.DoubleType() else 4


def pointer(builder: Any, address: Any, row: Any, vector: Any) -> Any:
    """Where the vector ``row`` is."""
    stride = ir.Constant(INDEX, vector.count * size(vector))
    return builder.inttoptr(builder.add(address, builder.mul(row, stride)), vector.as_pointer())


def converted(builder: Any, value: Any, vector: Any) -> Any:
    """``value`` in the precision of ``vector``."""
    if value.type.element == vector.element:
        return value
    narrower = vector.element == ir.FloatType()
    return builder.fptrunc(value, vector) if narrower else builder.fpext(value, vector)


def filled(builder: Any, scalar: Any, vector: Any) -> Any:
    """A number in all lanes of ``vector``."""
    if scalar.type != vector.element:
        scalar = builder.fptrunc(scalar, vector.element)
    none = ir.Constant(vector, ir.Undefined)
    index = ir.IntType(32)
    one = builder.insert_element(none, scalar, ir.Constant(index, 0))
    return builder.shuffle_vector(one, none, ir.Constant(ir.VectorType(index, vector.count), None))


def fused(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """X * y + z; in one rounding where the CPU can, else in two, which is much faster than emulating one."""
    vector = x.type
    name = f"llvm.fmuladd.v{vector.count}f{8 * size(vector)}"
    called = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, 3 * [vector]), name)
    return builder.call(called, [x, y, z])


@intrinsic
def rows_of(typing: Any, array: Any) -> Any:
    """The rows of an array of `layout.row_dtype`."""
    nested = array.dtype.fields["lanes"].type

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(data, INDEX)

    return RowsType(LanesType(nested.dtype, nested.shape[0]))(array), code


@intrinsic
def rings_at(typing: Any, table: Any) -> Any:
    """A table of doubles as rows of eight rings."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return args[0]

    return RING_ROWS(types.int64), code


def element(builder: Any, address: Any, index: Any, kind: Any) -> Any:
    """Where a number of eight bytes in a table is."""
    return builder.inttoptr(builder.add(address, builder.mul(index, ir.Constant(INDEX, 8))), kind.as_pointer())


@intrinsic
def value(typing: Any, table: Any, index: Any) -> Any:
    """A double of a table."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(element(builder, args[0], args[1], ir.DoubleType()))

    return types.float64(types.int64, types.int64), code


@intrinsic
def integer(typing: Any, table: Any, index: Any) -> Any:
    """An integer of a table."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(element(builder, args[0], args[1], INDEX))

    return types.int64(types.int64, types.int64), code


@intrinsic
def write(typing: Any, table: Any, index: Any, number: Any) -> Any:
    """Put a double into a table."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], element(builder, args[0], args[1], ir.DoubleType()))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.float64), code


@intrinsic
def load(typing: Any, rows: Rows, row: Any) -> Any:
    """The vector in a row."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = vector_of(signature.return_type)
        return builder.load(pointer(builder, args[0], args[1], vector), align=size(vector))

    return rows.lanes(rows, types.int64), code


@intrinsic
def load_like(typing: Any, like: Rows, rows: Rows, row: Any) -> Any:
    """The vector in a row of ``rows``, in the precision of ``like``."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = vector_of(signature.args[1].lanes)
        found = builder.load(pointer(builder, args[1], args[2], vector), align=size(vector))
        return converted(builder, found, vector_of(signature.return_type))

    return like.lanes(like, rows, types.int64), code


@intrinsic
def store(typing: Any, rows: Rows, row: Any, vector: Lanes) -> Any:
    """Write a vector to a row, in the row's precision."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = vector_of(signature.args[0].lanes)
        builder.store(converted(builder, args[2], kind), pointer(builder, args[0], args[1], kind), align=size(kind))
        return context.get_dummy_value()

    return types.void(rows, types.int64, vector), code
