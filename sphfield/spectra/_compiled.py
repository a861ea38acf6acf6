"""The door of numba: a loop over numbers in, the same compiled out."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

__all__ = ["compiled"]


@cache
def compiled(loop: Callable[..., None], reorder: bool = False) -> Any:
    """`loop` as machine code; a second at the first call ever, then from numba's cache on disk.

    Where no folder can be written, as in a read-only installation without a home, it is compiled in every process.
    `reorder` lets sums be taken in another order, which vectors need.
    """
    import numba

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if reorder:
        options["fastmath"] = {"reassoc", "contract"}
    try:
        return numba.njit(cache=True, **options)(loop)
    except RuntimeError:  # numba: no locator available
        return numba.njit(**options)(loop)
