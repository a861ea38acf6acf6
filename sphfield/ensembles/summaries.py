"""Batches of values in, their mean, variance and exact quantiles out, in memory that their number does not change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphfield.typing import Array

__all__ = ["Summary", "summarise"]

_COUNTERS = 1 << 21  # 16 MiB, whatever the size of a statistic
_FEWEST, _MOST = 16, 256  # bins of a component
_SIGN = np.uint64(1 << 63)

Keys = NDArray[np.uint64]
Batches = Callable[[], Iterable[Array]]


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """What `summarise` found, component by component.

    Parameters
    ----------
    count : int
        How many values, at least 2.
    mean, std : array, shape (...)
        That of the statistic; std has count - 1 in the denominator.
    levels : tuple of float
        The probabilities of the quantiles.
    quantiles : array, shape (len(levels), ...)
        As `numpy.quantile` defines them by default: linear between neighbouring values.
    """

    count: int
    mean: Array
    std: Array
    levels: tuple[float, ...]
    quantiles: Array

    def __repr__(self) -> str:
        return f"Summary(count={self.count}, shape={self.mean.shape}, levels={self.levels})"

    @property
    def error(self) -> Array:
        """Standard error of the mean, std / sqrt(count)."""
        return np.asarray(self.std / np.sqrt(self.count))


def summarise(batches: Batches, quantiles: Sequence[float] = (0.16, 0.5, 0.84)) -> Summary:
    """Mean, standard deviation and quantiles of values that come in batches, one batch in memory at a time.

    Mean and variance are merged from batch to batch (Chan, Golub, LeVeque 1979) and do not cancel. Quantiles are
    exact: the values are counted in up to 256 bins per component, then in as many of the bin that holds the rank, and
    so on, in the order of the bits of a double. That takes at most eight passes for up to a thousand components, and
    at most sixteen for every twenty thousand of more.

    Parameters
    ----------
    batches : callable
        () -> iterable of arrays of shape (k, ...); called once a pass, each time with the same values.
    quantiles : sequence of float
        Probabilities from 0 to 1; may be empty.

    Returns
    -------
    Summary
        A component with a NaN has NaN everywhere, as in numpy.

    Raises
    ------
    ValueError
        For fewer than two values, and for probabilities outside 0 ... 1.

    Examples
    --------
    >>> s = summarise(lambda: iter([np.array([1.0, 2.0]), np.array([6.0])]), quantiles=(0.5,))
    >>> s.count, float(s.mean), s.quantiles.tolist()
    (3, 3.0, [2.0])
    """
    levels = tuple(float(q) for q in quantiles)
    if bad := [q for q in levels if not 0.0 <= q <= 1.0]:
        raise ValueError(f"quantiles = {bad}: give probabilities from 0 to 1")
    count, mean, squares = _moments(batches)
    if count < 2:
        raise ValueError(f"there are {count} values: a standard error needs two or more")
    std = np.asarray(np.sqrt(squares / (count - 1)))
    found = np.empty((0, *mean.shape)) if not levels else _quantiles(batches, levels, count, mean.shape)
    return Summary(count, mean, std, levels, found)


def _moments(batches: Batches) -> tuple[int, Array, Array]:
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    with np.errstate(invalid="ignore", over="ignore"):  # of infinite or huge values: NaN or inf is the answer
        for values in batches():
            if not len(values):
                continue
            k, centre = len(values), values.mean(axis=0)
            step = centre - mean
            mean = mean + step * (k / (count + k)) if count else centre
            squares = squares + np.sum((values - centre) ** 2, axis=0) + step**2 * (count * k / (count + k))
            count += k
    return count, np.asarray(mean), np.asarray(squares)


def _quantiles(batches: Batches, levels: tuple[float, ...], count: int, shape: tuple[int, ...]) -> Array:
    place = np.array(levels) * (count - 1)
    below = np.minimum(np.floor(place), count - 2).astype(np.int64)
    ranks, inverse = np.unique(np.concatenate([below, below + 1]), return_inverse=True)
    values, spoilt = _ranked(batches, ranks, int(np.prod(shape, dtype=int)))
    low, high = values[inverse[: len(levels)]], values[inverse[len(levels) :]]
    t = (place - below)[:, None]
    with np.errstate(invalid="ignore", over="ignore"):
        # from the nearer end, so that both ends are met exactly
        between = np.where(t < 0.5, low + (high - low) * t, high - (high - low) * (1.0 - t))
        between = np.where((t == 0.0) | (low == high), low, np.where(t == 1.0, high, between))
    return np.where(spoilt, np.nan, between).reshape(len(levels), *shape)


def _ranked(batches: Batches, ranks: NDArray[np.int64], size: int) -> tuple[Array, NDArray[np.bool_]]:
    """The values of these ranks, shape (len(ranks), size), and which components have a NaN."""
    block = _COUNTERS // (_FEWEST * len(ranks))  # components at a time

    def columns(start: int) -> Iterator[Array]:
        return (v.reshape(len(v), size)[:, start : start + block] for v in batches() if len(v))

    found = [_descend(partial(columns, start), ranks) for start in range(0, size, block)]
    return np.concatenate([values for values, _ in found], axis=1), np.concatenate([spoilt for _, spoilt in found])


def _descend(batches: Batches, ranks: NDArray[np.int64]) -> tuple[Array, NDArray[np.bool_]]:
    first, last, spoilt = _ends(batches)
    start, end = (np.tile(edge, (len(ranks), 1)) for edge in (first, last))
    left = np.tile(ranks[:, None], (1, first.size))  # rank among those in the bin
    bins = int(np.clip(_COUNTERS // left.size, _FEWEST, _MOST))
    while np.any(start != end):
        width = (end - start) // np.uint64(bins) + np.uint64(1)
        counts = np.zeros((*start.shape, bins), dtype=np.int64)
        for values in batches():
            keys = _keys(values)
            for k in range(len(ranks)):
                row, component = np.nonzero((keys >= start[k]) & (keys <= end[k]))
                bin_ = (keys[row, component] - start[k, component]) // width[k, component]
                np.add.at(counts[k], (component, bin_.astype(np.int64)), 1)
        above = np.cumsum(counts, axis=2)
        chosen = np.argmax(above > left[..., None], axis=2)
        left -= np.take_along_axis(above - counts, chosen[..., None], axis=2)[..., 0]
        start = start + chosen.astype(np.uint64) * width
        end = np.minimum(end, start + (width - np.uint64(1)))
    return _values(start), spoilt


def _ends(batches: Batches) -> tuple[Keys, Keys, NDArray[np.bool_]]:
    # the smallest and the largest of each component, and which of them have a NaN
    first, last, spoilt = np.full(1, ~np.uint64(0)), np.zeros(1, dtype=np.uint64), np.zeros(1, dtype=bool)
    for values in batches():
        keys = _keys(values)
        first, last = np.minimum(first, keys.min(axis=0)), np.maximum(last, keys.max(axis=0))
        spoilt = spoilt | np.isnan(values).any(axis=0)
    return first, last, spoilt


def _keys(values: Array) -> Keys:
    # unsigned integers in the order of the doubles: negative ones inverted, the others above them
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
    return np.asarray(np.where(bits & _SIGN, ~bits, bits | _SIGN))


def _values(keys: Keys) -> Any:
    return np.where(keys & _SIGN, keys ^ _SIGN, ~keys).view(np.float64)
