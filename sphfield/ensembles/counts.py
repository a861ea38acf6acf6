"""Numbers of successes in, how likely they are out: exact, binomial or beta-binomial."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from sphfield.typing import Array

__all__ = ["accepted_counts", "count_error", "two_sided"]


def two_sided(count: Any, trials: Any, p: float, simulations: int | None = None) -> Array:
    """Exact two-sided p-value of a number of successes: twice its smaller tail, at most 1.

    Parameters
    ----------
    count, trials : array_like of int
    p : float
        The probability of a success; a known one if ``simulations`` is None. Else the mean of one that the trials
        share: it was set by an interval p (simulations + 1) ranks wide between that many values of the same law, and
        follows a beta law of parameters p (simulations + 1) and (1 - p)(simulations + 1).
    simulations : int, optional

    Examples
    --------
    >>> two_sided(0, 2, 0.5).round(6).tolist(), two_sided(0, 2, 0.5, simulations=3).round(6).tolist()
    (0.5, 0.6)
    """
    count, trials = np.broadcast_arrays(count, trials)
    if simulations is None:
        below, above = special.bdtr(count, trials, p), special.bdtrc(count - 1, trials, p)
    else:
        below, above = np.empty(count.shape), np.empty(count.shape)
        for n in np.unique(trials):
            at = trials == n
            law = _beta_binomial(int(n), p * (simulations + 1), (1 - p) * (simulations + 1))
            below[at], above[at] = np.cumsum(law)[count[at]], np.cumsum(law[::-1])[n - count[at]]
    return np.asarray(np.minimum(1.0, 2.0 * np.minimum(below, above)))


def count_error(trials: Any, p: Any, simulations: int | None = None) -> Array:
    """Standard deviation of the fraction of successes, for the laws of `two_sided`."""
    binomial = np.sqrt(p * (1.0 - p) / trials)
    if simulations is None:
        return np.asarray(binomial)
    return np.asarray(binomial * np.sqrt((simulations + 1 + trials) / (simulations + 2)))


def accepted_counts(trials: int, p: float, simulations: int | None, alpha: float) -> tuple[int, int]:
    """The smallest and the largest count with a two-sided p-value above alpha."""
    every = np.arange(trials + 1)
    fine = np.flatnonzero(two_sided(every, np.full_like(every, trials), p, simulations) > alpha)
    return int(fine[0]), int(fine[-1])


def _beta_binomial(n: int, a: float, b: float) -> Array:
    # what scipy.stats.betabinom has, without the time that its import takes
    x = np.arange(n + 1)
    ways = -special.betaln(x + 1, n - x + 1) - np.log(n + 1)
    return np.asarray(np.exp(ways + special.betaln(x + a, n - x + b) - special.betaln(a, b)))
