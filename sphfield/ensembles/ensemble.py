"""A sampler and a seed in, numbered realisations out; with a statistic, its values and their mean and error."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np

from sphfield.ensembles.groups import chosen_way, real, rows_of
from sphfield.fields.batches import INSIDE, Batch, Engines, Precision, Way, worthwhile
from sphfield.fields.pixels import whole
from sphfield.typing import Array, Sampler, Statistic

__all__ = ["Ensemble", "Estimate", "Maps", "cores", "measure", "measured"]


class Maps(Protocol):
    """Maps by number: an `Ensemble`, `sphfield.fields.files.FitsMaps`, a list of arrays."""

    def __getitem__(self, i: int, /) -> Array: ...


@dataclass(frozen=True)
class Ensemble:
    """Realisations of a sampler, each a function of (sampler, seed, index) and of nothing else.

    So any of them can be drawn again, in any order, thread or process, and an ensemble grows without recomputing.
    It has no end: ``len`` is not defined, and iterating over it does not stop.

    Parameters
    ----------
    sampler : callable
        rng -> map, shape (12 nside**2,), all values finite.
    seed : int
        Not negative.

    Raises
    ------
    TypeError, ValueError
        If the sampler is not callable, or if seed or index is negative or not an integer; for an index whose map is
        not finite, naming it.

    Examples
    --------
    >>> from sphfield import GaussianField, Spectrum
    >>> maps = Ensemble(GaussianField(Spectrum([1.0, 0.5]), nside=1), seed=3)
    >>> bool(np.array_equal(maps[7], maps.sampler(maps.rng(7))))
    True
    """

    sampler: Sampler
    seed: int

    def __post_init__(self) -> None:
        if not callable(self.sampler):
            raise TypeError(f"sampler = {self.sampler!r} is not callable: give a function rng -> map")
        object.__setattr__(self, "seed", whole("seed", self.seed))

    def rng(self, i: int) -> np.random.Generator:
        """The generator of realisation ``i``."""
        key = (whole("index", i),)
        return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(self.seed, spawn_key=key)))

    def many(self, indices: Sequence[int], way: Way, threads: int) -> Batch:
        """Realisations side by side, of a sampler that has a method ``many``."""
        sampler: Any = self.sampler
        batch: Batch = sampler.many([self.rng(i) for i in indices], way, threads)
        bad = np.flatnonzero(~np.isfinite(batch.levels[: batch.count]))
        if bad.size:
            raise ValueError(
                f"realisation {indices[bad[0]]} of seed {self.seed} has NaN or infinite pixels: the sampler must "
                "return finite maps"
            )
        return batch

    def __getitem__(self, i: int) -> Array:
        m = real(self.sampler(self.rng(i)), "the map of the sampler")
        if m.ndim != 1:
            raise ValueError(f"realisation {i} of seed {self.seed} has shape {m.shape}: a map has shape (12 nside**2,)")
        with np.errstate(invalid="ignore", over="ignore"):
            total = m.sum()  # one pass; if it is finite, so is the map
        if not np.isfinite(total) and not np.isfinite(m).all():
            bad = np.count_nonzero(~np.isfinite(m))
            raise ValueError(
                f"realisation {i} of seed {self.seed} has {bad} NaN or infinite pixels of {m.size}: "
                "the sampler must return finite maps"
            )
        return m


def measure(
    ensemble: Maps,
    statistic: Statistic,
    indices: Iterable[int],
    *,
    threads: int | None = None,
    engine: Engines = "auto",
    precision: Precision = "double",
    progress: Callable[[int, int], object] | None = None,
) -> Array:
    """The statistic of the realisations with these indices, one row each; maps are dropped once they are measured.

    Many maps of one field share their transforms, see `sphfield.fields.batches.way_for`; of few, and of maps that come
    from elsewhere, each is transformed alone. Estimated powers of both ways differ by rounding: by less than 1e-12 of
    the largest C_ell.

    Parameters
    ----------
    ensemble : Maps
        Where the maps come from: anything that gives map ``i`` for ``[i]``.
    statistic : callable
        map -> array of a fixed shape.
    indices : iterable of int
        Which realisations, for example ``range(400)``.
    threads : int, optional
        As many as the process may use cores, if not given; over realisations, or from nside = 1024 on inside batched
        transforms. The bytes are the same for any number.
    engine : {"auto", "batched", "ducc0"}
        Who transforms. The bytes are the same for any group of indices measured by the same engine.
    precision : {"double", "single"}
        In single precision maps have an error of up to 2e-6 of their standard deviation. It is noise without scale, so
        to 4e-4 for ell**-5 at nside = 256. A map takes half the memory; a batch has two times as many.
        to 4e-4 for ell**-5 at nside = 256. A map takes half the memory; a batch has twice as many.
    progress : callable, optional
        Called as ``progress(done, total)`` after each realisation, in order and in the calling thread.

    Returns
    -------
    array, shape (n, ...), the dots standing for the shape of one value
        In the order of ``indices``.

    Raises
    ------
    ValueError
        If there are no indices, or if the shape of the statistic changes from map to map; for an engine that does not
        exist or cannot run. Exceptions of sampler and statistic pass through with a note that names the realisation;
        what was not begun is cancelled.

    Examples
    --------
    >>> from sphfield import GaussianField, Spectrum
    >>> maps = Ensemble(GaussianField(Spectrum([1.0, 0.5]), nside=1), seed=3)
    >>> measure(maps, np.var, range(5)).shape
    (5,)
    """
    todo = [whole("index", i) for i in indices]
    if not todo:
        raise ValueError("no indices: give at least one realisation, for example range(100)")
    threads = cores() if threads is None else whole("threads", threads, 1)
    way = chosen_way(ensemble, engine, precision, partial(worthwhile, len(todo)))
    return measured(ensemble, statistic, todo, way, threads, progress)


def measured(
    ensemble: Any,
    statistic: Statistic,
    todo: list[int],
    way: Way | None,
    threads: int,
    progress: Callable[[int, int], object] | None = None,
    pool: Executor | None = None,
) -> Array:
    """`measure` in a way that is chosen already; by the threads of a pool if there is one, which keep workspaces."""
    nside = 0 if way is None else ensemble.sampler.nside
    lanes, inside = (1, False) if way is None else (way.lanes(nside), nside >= INSIDE and way.engine == "batched")
    groups = [todo[k : k + lanes] for k in range(0, len(todo), lanes)]
    workers, within = (1, threads) if inside else (min(threads, len(groups)), 1)

    def values(group: list[int]) -> list[Array]:
        return rows_of(ensemble, statistic, group, way, within)

    rows, done = np.empty(0), 0
    with _mapped(values, groups, workers, pool) as found:
        for row in itertools.chain.from_iterable(found):
            if done == 0:
                rows = np.empty((len(todo), *row.shape))
            if row.shape != rows.shape[1:]:
                raise ValueError(
                    f"the statistic has shape {rows.shape[1:]} in realisation {todo[0]} and {row.shape} in realisation "
                    f"{todo[done]}: it must return one fixed shape"
                )
            rows[done] = row
            done += 1
            if progress is not None:
                progress(done, len(todo))
    return rows


@contextmanager
def _mapped(
    function: Callable[[Any], Any], items: list[Any], threads: int, pool: Executor | None
) -> Iterator[Iterable[Any]]:
    if threads == 1:
        yield map(function, items)
    elif pool is not None:
        yield pool.map(function, items)
    else:
        own = ThreadPoolExecutor(threads)
        try:
            yield own.map(function, items)
        finally:
            own.shutdown(cancel_futures=True)


def cores() -> int:
    """How many the process may use."""
    # a container or a batch system may grant fewer than the machine has
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, eq=False, repr=False)
class Estimate:
    """Mean of independent samples with its standard error, elementwise.

    Parameters
    ----------
    samples : array_like, shape (n, ...), n >= 2
        What `measure` returns.

    Raises
    ------
    ValueError
        If there are fewer than two samples.

    Examples
    --------
    >>> e = Estimate([1.0, 2.0, 3.0])
    >>> e, float(e.mean), float(e.std), float(e.pull(2.0))
    (Estimate(count=3, shape=()), 2.0, 1.0, 0.0)
    """

    samples: Array

    def __post_init__(self) -> None:
        samples = np.array(self.samples, dtype=np.float64)
        if samples.ndim == 0 or len(samples) < 2:
            raise ValueError(f"samples has shape {samples.shape}: a standard error needs two samples or more")
        samples.setflags(write=False)
        object.__setattr__(self, "samples", samples)

    def __repr__(self) -> str:
        return f"Estimate(count={self.count}, shape={self.samples.shape[1:]})"

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.samples)

    @cached_property
    def mean(self) -> Any:
        """Mean over the samples."""
        return self.samples.mean(axis=0)

    @cached_property
    def std(self) -> Any:
        """Standard deviation of one sample, with n - 1 in the denominator."""
        return self.samples.std(axis=0, ddof=1)

    @property
    def error(self) -> Any:
        """Standard error of the mean, std / sqrt(n)."""
        return self.std / np.sqrt(self.count)

    def pull(self, expected: Any) -> Any:
        """(mean - expected) / error; where the error is 0: 0 if the mean is exactly as expected, else infinite."""
        excess = self.mean - np.asarray(expected, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(excess == 0.0, 0.0, excess / self.error)[()]
