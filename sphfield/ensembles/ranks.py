"""Values of a statistic on test maps and on simulations in, the rank of each test value out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphfield.typing import Array

__all__ = ["check_numbers", "ranks", "ranks_apart"]


def ranks(values: Any, reference: Any, rng: np.random.Generator | None = None) -> NDArray[np.int64]:
    """How many of the reference values lie below each value, component by component.

    For continuous values that all follow one law every rank 0 ... M has the same probability, whatever the law is.

    Parameters
    ----------
    values : array_like, shape (n, ...)
    reference : array_like, shape (M, ...)
    rng : numpy.random.Generator, optional
        Orders equal values at random, so that the same holds for a discrete statistic.

    Returns
    -------
    array of int, shape (n, ...)
        0 ... M.

    Raises
    ------
    ValueError
        If the arrays do not hold the same statistic or a value is NaN; without ``rng``, if two values are equal.

    Examples
    --------
    >>> ranks([0.5, 7.0], [1.0, 2.0, 3.0]).tolist()
    [0, 3]
    """
    tests, theory = (np.asarray(x, dtype=np.float64) for x in (values, reference))
    if 0 in (tests.ndim, theory.ndim, tests.size, theory.size) or tests.shape[1:] != theory.shape[1:]:
        raise ValueError(
            f"values have shape {tests.shape} and the reference has {theory.shape}: "
            "give the same statistic of n and of M maps, (n, ...) and (M, ...)"
        )
    check_numbers(tests, "values")
    check_numbers(theory, "the reference")
    pooled = np.concatenate([theory, tests])
    if rng is None:
        _refuse_ties(pooled, len(theory))
        order = np.argsort(pooled, axis=0)
    else:
        order = np.lexsort((rng.random(pooled.shape), pooled), axis=0)
    below = np.empty(pooled.shape, dtype=np.int64)
    np.put_along_axis(below, order, np.cumsum(order < len(theory), axis=0), axis=0)
    return below[len(theory) :]


def ranks_apart(level: float, m: int) -> int:
    """The k for which k / (m + 1), the coverage between ranks k apart of m values, is nearest to ``level``."""
    if level > (m - 1) / (m + 1) + 1e-12:  # between the smallest and the largest value; 0.95 is not quite 38 / 40
        needed = int(np.ceil((1 + level) / (1 - level) - 1e-9))
        raise ValueError(f"{m} simulations have no {level:g} interval: draw {needed} or more")
    return max(1, min(m - 1, round(level * (m + 1))))


def check_numbers(values: Array, whose: str) -> None:
    """Refuse NaN, naming the row: with ``measure(maps, statistic, range(n))`` row i is realisation i."""
    if np.isnan(values).any():
        row, *component = np.argwhere(np.isnan(values))[0].tolist()
        where = f" in component {', '.join(map(str, component))}" if component else ""
        raise ValueError(
            f"row {row} of {whose} is NaN{where}: see what the statistic makes of that realisation, or leave it out"
        )


def _refuse_ties(pooled: Array, m: int) -> None:
    in_order = np.sort(pooled, axis=0)
    tied = in_order[1:] == in_order[:-1]
    if not tied.any():
        return
    component = tuple(np.argwhere(tied)[0].tolist()[1:])
    column = pooled[(slice(None), *component)]
    value = in_order[(np.argmax(tied[(slice(None), *component)]), *component)]
    one, other = np.flatnonzero(column == value)[:2].tolist()
    rows = " and ".join(f"row {i} of the reference" if i < m else f"row {i - m} of the values" for i in (one, other))
    if np.array_equal(pooled[one], pooled[other]) and pooled[0].size > 1:
        raise ValueError(f"{rows} are equal: the same map twice? Take other realisations for each")
    where = f" in component {', '.join(map(str, component))}" if component else ""
    raise ValueError(
        f"{rows} are both {value:g}{where}: is it the same map twice? If the statistic is discrete, "
        "give rng= to break ties at random, which keeps the ranks exact"
    )
