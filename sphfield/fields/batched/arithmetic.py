"""Vectors in, vectors out: the arithmetic of `vectors`, each function one instruction or two."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from sphfield.fields.batched.vectors import RING_ROWS, Lanes, Rows, filled, fused, intrinsic, size, vector_of

__all__ = [
    "absolute", "add", "axpy", "fma", "largest", "multiply", "scaled", "select_greater", "smallest", "splat",
    "subtract", "zeros",
]  # fmt: skip


@intrinsic
def zeros(typing: Any, rows: Rows) -> Any:
    """A vector of zeros of the type of rows."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(vector_of(signature.return_type), None)

    return rows.lanes(rows), code


@intrinsic
def splat(typing: Any, number: Any) -> Any:
    """One double for each of the eight rings of a vector of the recursion."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return filled(builder, args[0], vector_of(signature.return_type))

    return RING_ROWS.lanes(types.float64), code


@intrinsic
def fma(typing: Any, x: Lanes, y: Lanes, z: Lanes) -> Any:
    """X * y + z."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return fused(builder, *args)

    return x(x, y, z), code


@intrinsic
def axpy(typing: Any, factor: Any, x: Lanes, y: Lanes) -> Any:
    """Factor * x + y, the factor a double."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return fused(builder, filled(builder, args[0], args[1].type), args[1], args[2])

    return x(types.float64, x, y), code


@intrinsic
def scaled(typing: Any, factor: Any, x: Lanes) -> Any:
    """Factor * x, the factor a double."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fmul(filled(builder, args[0], args[1].type), args[1])

    return x(types.float64, x), code


@intrinsic
def add(typing: Any, x: Lanes, y: Lanes) -> Any:
    """X + y."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fadd(*args)

    return x(x, y), code


@intrinsic
def multiply(typing: Any, x: Lanes, y: Lanes) -> Any:
    """X * y."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fmul(*args)

    return x(x, y), code


@intrinsic
def subtract(typing: Any, x: Lanes, y: Lanes) -> Any:
    """X - y."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fsub(*args)

    return x(x, y), code


@intrinsic
def select_greater(typing: Any, x: Lanes, y: Lanes, yes: Lanes, no: Lanes) -> Any:
    """Lane by lane ``yes`` where x > y, else ``no``."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[2], args[3])

    return x(x, y, yes, no), code


@intrinsic
def absolute(typing: Any, x: Lanes) -> Any:
    """Abs(x)."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return reduced(builder, "fabs", args[0], args[0].type)

    return x(x), code


@intrinsic
def smallest(typing: Any, x: Lanes) -> Any:
    """The smallest of the lanes."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return reduced(builder, "vector.reduce.fmin", args[0], args[0].type.element)

    return x.scalar(x), code


@intrinsic
def largest(typing: Any, x: Lanes) -> Any:
    """The largest of the lanes."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return reduced(builder, "vector.reduce.fmax", args[0], args[0].type.element)

    return x.scalar(x), code


def reduced(builder: Any, name: str, value: Any, result: Any) -> Any:
    """LLVM's function ``name`` of one vector."""
    full = f"llvm.{name}.v{value.type.count}f{8 * size(value.type)}"
    called = cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, [value.type]), full)
    return builder.call(called, [value])
