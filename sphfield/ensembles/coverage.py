"""Do intervals hold what they claim to? Values of a statistic in, observed against nominal coverage out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphfield.ensembles.counts import accepted_counts, count_error, two_sided
from sphfield.ensembles.ranks import check_numbers, ranks, ranks_apart
from sphfield.ensembles.report import holm
from sphfield.provenance import version
from sphfield.statistics.intervals import check_level
from sphfield.typing import Array

__all__ = ["Coverage", "coverage", "interval_coverage"]

_EDGES = (0, 2, 6, 16, 51, 151, 501, 1501, 5001)  # bands of multipoles, each about three times the one before
_FEW = 12  # components that are printed one by one
_RANKED, _FROM_THEORY = "ranked among {} simulations", "with the intervals of each"


@dataclass(frozen=True, eq=False)
class Coverage:
    """How often intervals hold a value, against how often they should; made by `coverage` or `interval_coverage`.

    Parameters
    ----------
    levels : array, shape (k,)
        The levels asked for.
    nominal : array, shape (k,)
        The coverage that is expected exactly; between ranks it is a multiple of 1 / (simulations + 1).
    inside : array of int, shape (k, ...)
        How many values lie inside, the dots standing for the shape of the statistic.
    trials : array of int, shape (...)
        Out of how many.
    labels : tuple of str
        A name for each component of the statistic.
    maps : int
        Test maps.
    simulations : int or None
        Reference maps that the intervals were made of; None for intervals from theory.
    alpha : float
        Probability that right intervals are refused.
    """

    levels: Array
    nominal: Array
    inside: NDArray[np.int64]
    trials: NDArray[np.int64]
    labels: tuple[str, ...]
    maps: int
    simulations: int | None
    alpha: float

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha < 1.0:
            raise ValueError(f"alpha = {self.alpha} is no probability: give a false-alarm rate such as 0.01")

    @property
    def observed(self) -> Array:
        """Fraction of the values inside, shape (k, ...)."""
        return self.inside / self.trials

    @property
    def error(self) -> Array:
        """Standard deviation of `observed`, shape (k, ...): binomial, and wider where values share simulations."""
        return np.stack([count_error(self.trials, p, self.simulations) for p in self.nominal])

    @property
    def pvalues(self) -> Array:
        """Two-sided p-value of each count, shape (k, ...): exact, from the binomial or beta-binomial law."""
        rows = zip(self.inside, self.nominal, strict=True)
        return np.stack([two_sided(inside, self.trials, p, self.simulations) for inside, p in rows])

    @property
    def pvalue(self) -> float:
        """The smallest of `pvalues` times their number (Bonferroni), at most 1; valid however they depend."""
        return float(min(1.0, self.pvalues.min() * self.inside.size))

    @property
    def passed(self) -> bool:
        """Whether `pvalue` is above alpha; right intervals fail with probability alpha at most."""
        return self.pvalue > self.alpha

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Which levels and components are refused, shape (k, ...): Holm's method, never more than alpha in all."""
        adjusted = holm(self.pvalues.ravel(), np.ones(self.inside.size))
        return (adjusted <= self.alpha).reshape(self.inside.shape)

    @property
    def accepted(self) -> Array:
        """Smallest and largest `observed` that passes for each level and component alone, shape (k, ..., 2)."""
        alone = self.alpha / self.inside.size
        counts = np.unique(self.trials).tolist()
        ranges = [[np.divide(accepted_counts(n, p, self.simulations, alone), n) for n in counts] for p in self.nominal]
        return np.array(ranges)[:, np.searchsorted(counts, self.trials)]

    def __str__(self) -> str:
        verdict = "passed" if self.passed else f"FAILED in {int(self.failed.sum())}"
        how = _FROM_THEORY if self.simulations is None else _RANKED.format(self.simulations)
        head = f"{verdict}: {self.maps} maps {how}, {self.inside.size} tests, p = {self.pvalue:.2g}"
        rows = [["", *(f"level {level:g}" for level in self.levels)], ["nominal", *(f"{p:.4f}" for p in self.nominal)]]
        rows += self._each() if len(self.labels) <= _FEW else self._extremes()
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([f"{head} (alpha = {self.alpha:g})", *lines])

    def _each(self) -> list[list[str]]:
        columns = []
        for o, e, failed in zip(self.observed, self.error, self.failed, strict=True):
            flat = zip(o.ravel(), e.ravel(), failed.ravel(), strict=True)
            columns.append([f"{x:.4f} +- {dx:.4f}{' FAILED' if bad else ''}" for x, dx, bad in flat])
        return [list(row) for row in zip(self.labels, *columns, strict=True)]

    def _extremes(self) -> list[list[str]]:
        rows = [["mean of all"], ["lowest"], ["highest"], ["accepted"]]
        for observed, accepted in zip(self.observed, self.accepted, strict=True):
            flat = observed.ravel()
            rows[0].append(f"{flat.mean():.4f}")
            rows[1].append(f"{flat.min():.4f} {self.labels[int(flat.argmin())]}")
            rows[2].append(f"{flat.max():.4f} {self.labels[int(flat.argmax())]}")
            rows[3].append(f"{accepted[..., 0].min():.4f} ... {accepted[..., 1].max():.4f}")
        return rows

    def facts(self) -> dict[str, Any]:
        """The same as JSON-ready data; arrays over components are nested lists."""
        arrays = ("levels", "nominal", "trials", "observed", "error", "pvalues", "failed", "accepted")
        head = {"passed": self.passed, "pvalue": self.pvalue, "alpha": self.alpha}
        counts = {"maps": self.maps, "simulations": self.simulations, "labels": list(self.labels)}
        return {**head, **counts, **{name: getattr(self, name).tolist() for name in arrays}, "version": version()}


def coverage(
    values: Any,
    reference: Any,
    *,
    levels: Sequence[float] = (0.68, 0.95),
    alpha: float = 0.01,
    rng: np.random.Generator | None = None,
) -> Coverage:
    """Do test maps have any statistic of simulations of a theory? Its values are ranked, component by component.

    The central interval of a level lies between two order statistics of the M reference values: k ranks apart it
    holds one more value of the same law with probability k / (M + 1) exactly, whatever that law is. All n test values
    meet the same reference, so the number inside is beta-binomial; p-values and errors follow from that law.

    Parameters
    ----------
    values : array_like, shape (n, ...)
        The statistic of the test maps, what `measure` returns.
    reference : array_like, shape (M, ...)
        The same of simulations: of other realisations than the test maps.
    levels : sequence of float
        For each, k is chosen so that k / (M + 1) is as near as it can be; with M simulations at most
        (M - 1) / (M + 1) can be had.
    alpha : float
        Probability that a right theory is refused, over all levels and components (Holm).
    rng : numpy.random.Generator, optional
        Breaks the ties of a discrete statistic at random, which keeps the ranks exact. Without it, ties are refused:
        those of a continuous statistic are one map used twice.

    Raises
    ------
    ValueError
        If shapes differ, values are NaN or tied, a level is no probability or needs more simulations.

    Warns
    -----
    UserWarning
        If there are so few maps that no count at all would be refused.

    Examples
    --------
    The maximum of 200 maps, among 1,000 simulations of the same spectrum:

    >>> from sphfield import Ensemble, GaussianField, Spectrum, measure
    >>> maps = Ensemble(GaussianField(Spectrum([1.0, 0.5, 0.2]), nside=2), seed=1)
    >>> print(coverage(measure(maps, np.max, range(200)), measure(maps, np.max, range(200, 1200))))
    passed: 200 maps ranked among 1000 simulations, 2 tests, p = 1 (alpha = 0.01)
               level 0.68        level 0.95
    nominal    0.6803            0.9500
    statistic  0.6950 +- 0.0361  0.9550 +- 0.0169
    """
    below = ranks(values, reference, rng)
    n, m, shape = len(below), len(reference), below.shape[1:]
    asked = np.array([check_level(level) for level in levels])
    widths = np.array([ranks_apart(level, m) for level in asked])
    first = (m + 1 - widths) // 2
    inside = np.stack([((a <= below) & (below < a + k)).sum(axis=0) for a, k in zip(first, widths, strict=True)])
    labels = tuple("component " + ", ".join(map(str, at)) for at in np.ndindex(shape)) if shape else ("statistic",)
    return _told(Coverage(asked, widths / (m + 1.0), inside, np.full(shape, n), labels, n, m, alpha))


def interval_coverage(
    estimates: Any,
    expected: Any,
    interval: Callable[[Array, float], tuple[Array, Array]],
    *,
    levels: Sequence[float] = (0.68, 0.95),
    edges: Sequence[int] | None = None,
    alpha: float = 0.01,
) -> Coverage:
    """Do confidence intervals hold the true C_ell as often as they claim? Counted over maps, in bands of multipoles.

    Parameters
    ----------
    estimates : array_like, shape (n, lmax + 1)
        Estimated power of n maps: `measure` with `PowerSpectrum` or any other estimator.
    expected : array_like, shape (lmax + 1,)
        The true C_ell; where it is 0 nothing is counted.
    interval : callable
        (power of shape (n, lmax + 1), level) -> (low, high), as `chi2_interval` and `normal_interval`.
    levels : sequence of float
    edges : sequence of int, optional
        First multipole of every band, and the one after the last; if absent, 0, 2, 6, 16, 51, ... up to lmax.
    alpha : float
        Probability that right intervals are refused, over all levels and bands (Holm). The estimates of a map are
        taken for independent, as they are for a Gaussian field: the counts are then binomial.

    Raises
    ------
    ValueError
        If shapes differ, an estimate is NaN, a level is no probability, or the bands hold no multipole to count.

    Warns
    -----
    UserWarning
        If there are so few maps that no count at all would be refused.

    Examples
    --------
    >>> from sphfield import Ensemble, GaussianField, PowerSpectrum, Spectrum, measure
    >>> from sphfield.statistics.intervals import chi2_interval
    >>> s = Spectrum(np.ones(13))
    >>> powers = measure(Ensemble(GaussianField(s, nside=8), seed=1), PowerSpectrum(s.lmax), range(200))
    >>> print(interval_coverage(powers, s.cl, chi2_interval, levels=[0.95]))
    passed: 200 maps with the intervals of each, 3 tests, p = 0.89 (alpha = 0.01)
              level 0.95
    nominal   0.9500
    ell 0-1   0.9475 +- 0.0109
    ell 2-5   0.9537 +- 0.0077
    ell 6-12  0.9564 +- 0.0058
    """
    power, truth = (np.asarray(x, dtype=np.float64) for x in (estimates, expected))
    if power.ndim != 2 or not len(power) or power.shape[1:] != truth.shape:
        raise ValueError(
            f"estimates have shape {power.shape} and expected has {truth.shape}: give (n, lmax + 1) and (lmax + 1,)"
        )
    check_numbers(power, "the estimates")
    bands = _bands(truth, edges)
    asked, held = np.array([check_level(level) for level in levels]), []
    for level in asked:
        low, high = interval(power, level)
        held.append(((low <= truth) & (truth <= high)).sum(axis=0))
    inside = np.array([[row[counted].sum() for _, counted in bands] for row in held])
    trials = len(power) * np.array([counted.size for _, counted in bands])
    labels = tuple(f"ell {name}" for name, _ in bands)
    return _told(Coverage(asked, asked, inside, trials, labels, len(power), None, alpha))


def _bands(truth: Array, edges: Sequence[int] | None) -> list[tuple[str, NDArray[np.intp]]]:
    """Name and multipoles of every band that has any with C_ell > 0."""
    end = truth.size
    limits = [*(e for e in _EDGES if e < end), end] if edges is None else list(edges)
    if len(limits) < 2 or limits[0] < 0 or limits[-1] > end or any(b <= a for a, b in pairwise(limits)):
        raise ValueError(f"edges = {limits}: give increasing multipoles from 0 to lmax + 1 = {end}")
    names = [f"{a}-{b - 1}" if b > a + 1 else f"{a}" for a, b in pairwise(limits)]
    counted = [a + np.flatnonzero(truth[a:b] > 0) for a, b in pairwise(limits)]
    bands = [(name, ell) for name, ell in zip(names, counted, strict=True) if ell.size]
    if not bands:
        raise ValueError(f"the expected C_ell is 0 at every ell = {limits[0]} ... {limits[-1] - 1}: nothing to count")
    return bands


def _told(result: Coverage) -> Coverage:
    if (result.accepted == [0.0, 1.0]).all():
        warnings.warn(
            f"{result.maps} maps cannot fail: no count among {result.inside.size} tests has a p-value below "
            f"{result.alpha:g}; measure more maps or fewer components",
            stacklevel=3,
        )
    return result
