"""Who transforms many maps, and in which precision, in; their maps side by side out, and the choice made by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np

from sphfield.fields.batched import available
from sphfield.fields.batched.lane_loops import means
from sphfield.fields.pixels import nside_of
from sphfield.typing import Array

__all__ = ["INSIDE", "Batch", "Engines", "Precision", "Way", "at_once", "pack", "way_for", "worthwhile"]

Engines: TypeAlias = Literal["auto", "batched", "ducc0"]
"""Who transforms many maps: `sphfield.fields.batched`, all lanes at once, or ducc0, one after the other."""

Precision: TypeAlias = Literal["double", "single"]
"""Of maps and sums over them; positions, Legendre functions and statistics are always in double precision."""

_ENOUGH = 4  # maps: a batch costs as much as about so many one by one, however few of its lanes are filled
_PIXELS = 10**7  # in all: below, the looped transforms end before numba is loaded
_LARGE = 2048
INSIDE = 1024
"""The nside from which threads share one batch, and with it one workspace, instead of each having its own."""


@dataclass(frozen=True)
class Way:
    """Who transforms, and in which precision: with a realisation's recipe all that its bytes depend on.

    Raises
    ------
    ValueError
        If there is no such engine or precision.
    """

    engine: Literal["batched", "ducc0"]
    precision: Precision = "double"

    def __post_init__(self) -> None:
        if self.engine not in ("batched", "ducc0"):
            raise ValueError(f"engine = {self.engine!r} does not exist: use 'auto', 'batched' or 'ducc0'")
        if self.precision not in ("double", "single"):
            raise ValueError(f"precision = {self.precision!r} does not exist: use 'double' or 'single'")

    def __str__(self) -> str:
        return f"{self.engine}, {self.precision} precision"

    def lanes(self, nside: int) -> int:
        """How many maps of a resolution share one transform; from nside = 2048 on half as many, to bound memory."""
        if self.engine == "ducc0":
            return 1
        return (8 if self.precision == "double" else 16) // (1 if nside < _LARGE else 2)

    @property
    def dtype(self) -> Any:
        """Of the maps."""
        return np.float64 if self.precision == "double" else np.float32


def worthwhile(count: int, nside: int) -> bool:
    """Whether a batch is faster: for four maps or more, with ten million pixels in all."""
    return count >= _ENOUGH and count * 12 * nside**2 >= _PIXELS


def way_for(engine: Engines, precision: Precision, *, worth: bool) -> Way:
    """The way asked for; for the engine "auto" batched if that is worth it and numba can compile.

    Raises
    ------
    ValueError
        If "batched" is asked for and cannot run, with the reason.
    """
    if engine not in ("auto", "batched") or (engine == "auto" and not worth):
        return Way("ducc0" if engine == "auto" else engine, precision)
    reason = available()
    if reason is None:
        return Way("batched", precision)
    if engine == "batched":
        raise ValueError(f"the batched transform cannot run here: {reason}; use engine='ducc0'")
    return Way("ducc0", precision)


@dataclass(frozen=True, eq=False, repr=False)
class Batch:
    """Maps side by side: pixel by pixel, and in each the lanes.

    Parameters
    ----------
    values : array, shape (12 nside**2, lanes)
    count : int
        Lanes that are filled, from the first.
    way : Way
    own : bool
        Whether who is given it may write into it, which saves a copy.
    near : array, shape (lanes,), optional
        A number near the mean of each map, if it is known and all pixels are finite.
    memory : object, optional
        Whose memory the maps are in, see `sphfield.fields.batch_transforms.give_back`.
    """

    values: Any
    count: int
    way: Way
    own: bool = False
    near: Array | None = None
    memory: Any = None

    def __repr__(self) -> str:
        return f"Batch(count={self.count}, nside={self.nside}, way={self.way})"

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, lane: int) -> Array:
        """One map, shape (12 nside**2,); a copy, unless the batch is one map that may be written to."""
        if not 0 <= lane < self.count:
            raise IndexError(lane)
        column = self.values[:, lane]
        return np.ascontiguousarray(column, dtype=np.float64) if self.own else np.array(column, dtype=np.float64)

    def __iter__(self) -> Iterator[Array]:
        return (self[lane] for lane in range(self.count))

    @property
    def nside(self) -> int:
        """Of the maps."""
        return nside_of(len(self.values))

    @cached_property
    def levels(self) -> Array:
        """Of each map its mean, or a number near it; NaN or infinite where a pixel is. Analysis takes it out first."""
        if self.near is not None:
            return self.near
        if self.values.shape[1] > 1:
            return means(self.values)
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(self.values.mean(axis=0, dtype=np.float64))


def at_once(obj: Any, method: str, single: Sequence[str]) -> Any:
    """A method for many maps, unless a subclass has changed what it does to one map, or `obj` only passes it on.

    Parameters
    ----------
    obj
        A sampler, statistic or ensemble.
    method
        Its name.
    single
        The methods for one map that it must agree with.
    """
    order = type(obj).__mro__
    home = next((i for i, kind in enumerate(order) if method in vars(kind)), None)
    if home is None or any(name in vars(kind) for kind in order[:home] for name in single):
        return None
    return getattr(obj, method)


def pack(maps: Sequence[Array], way: Way) -> Batch:
    """Ordinary maps as a batch."""
    lanes = way.lanes(nside_of(maps[0].size))
    if not 1 <= len(maps) <= lanes:
        raise ValueError(f"{len(maps)} maps: a batch has 1 ... {lanes}")
    values = np.zeros((maps[0].size, lanes), dtype=way.dtype)
    for lane, m in enumerate(maps):
        values[:, lane] = m
    return Batch(values, len(maps), way)
