"""An ensemble, statistics and a size in, a Zarr folder of their values out: it grows, resumes, takes many writers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sphfield.ensembles.ensemble import Maps, measured
from sphfield.ensembles.store.folder import DOCUMENT, LAYOUT, Store
from sphfield.ensembles.store.pieces import create, make_folder, strange
from sphfield.ensembles.store.recipe import Joined, difference, json_ready, named_statistics, way_of
from sphfield.ensembles.store.shards import group_document
from sphfield.fields.batches import Engines, Precision, Way
from sphfield.fields.pixels import whole
from sphfield.provenance import describe, version
from sphfield.typing import Array, Statistic

__all__ = ["Store", "collect"]

_BATCH, _LARGEST = 64, 1 << 26  # realisations a shard, unless it has more bytes then; never a matter of the machine


def collect(  # noqa: PLR0913 what is computed, how, and who is told
    path: str | os.PathLike[str],
    ensemble: Maps,
    statistics: Statistic | Mapping[str, Statistic],
    size: int,
    *,
    executor: Executor | None = None,
    batch: int | None = None,
    part: tuple[int, int] | None = None,
    threads: int = 1,
    engine: Engines = "auto",
    precision: Precision | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Store:
    """Statistics of realisations 0 ... size - 1 in a folder; what is there already is kept and not computed again.

    Each batch of realisations is a task and writes its own files, each of which is there whole or not at all. So a
    run that was killed is resumed, and a store grown, by the same call; any number of calls may work on one folder at
    once; and the bytes are the same for every executor, number of workers and history.

    Parameters
    ----------
    path : path
        The folder, made if it is missing; every worker must reach it under this name.
    ensemble : Maps
        An `Ensemble`, `FitsMaps`, or what else gives map i for [i] and `sphfield.describe` can describe.
    statistics : callable or mapping of names to callables
        map -> real array of a fixed shape: frozen dataclasses, or functions defined at module level. One alone is
        called as its class or function.
    size : int
    executor : concurrent.futures.Executor, optional
        Runs the batches: a pool of threads or processes, or ``Client.get_executor()`` of Dask. None: one by one, here.
    batch : int, optional
        Realisations a shard. If not given, that of the store; for a new one 64, less where a shard would have more
        than 64 MiB.
    part : (int, int), optional
        (i, n) with i = 1 ... n: every n-th batch only, for n jobs that do not know of each other.
    threads : int
        Within each batch, as in `measure`.
    engine : {"auto", "batched", "ducc0"}
        Who transforms the maps of a new store; a store says who did, and goes on with that one. "auto" is batched for
        fields of nside = 64 or more if numba can compile, whatever the size, so that a store may grow.
    precision : {"double", "single"}, optional
        Of the maps of a new store, see `measure`; double if not given.
    progress : callable, optional
        Called as ``progress(done, total)`` before the first batch and after each, counting the realisations that this
        call computes.

    Returns
    -------
    Store
        Its `computed` is 0 if there was nothing to do.

    Raises
    ------
    ValueError, TypeError
        If the folder holds a store of something else, naming what differs and both values, or other files; for
        statistics that cannot be described, or change their shape. Exceptions of sampler and statistic pass through
        with a note that names the realisation.

    Warns
    -----
    UserWarning
        For each damaged file, which is made again, and for a store begun with another version of sphfield.

    Examples
    --------
    >>> import tempfile
    >>> from sphfield import Ensemble, GaussianField, PowerSpectrum, Spectrum
    >>> maps = Ensemble(GaussianField(Spectrum([1.0, 0.5]), nside=1), seed=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = collect(f"{folder}/run", maps, {"power": PowerSpectrum(1)}, 10)
    ...     again = collect(f"{folder}/run", maps, {"power": PowerSpectrum(1)}, 30)
    ...     first.computed, again.computed, again.values("power").shape
    (10, 20, (30, 2))
    """
    size, share, threads = whole("size", size, 1), _share(part), whole("threads", threads, 1)
    end = getattr(ensemble, "__len__", None)
    if end is not None and end() < size:
        raise ValueError(f"size = {size}: there are {end()} maps, ask for no more than these")
    named = named_statistics(statistics)
    place = Path(path).absolute()
    way = way_of(ensemble, engine, precision, Store(place).recipe if (place / DOCUMENT).exists() else None)
    store, first = _begun(place, ensemble, named, way, batch)
    store.clean()
    store.grow(size)
    todo = _todo(store, range(-(-size // store.batch))[share], size)
    task = _Task(store.path, ensemble, named, size, way, threads)
    with ThreadPoolExecutor(threads) as pool:  # begins no thread before there is work
        here = replace(task, pool=pool) if executor is None else task
        computed = _run(here, todo, first, executor, progress)
    store.clean()
    store.grow(size)  # once more, if another call, begun with a smaller size, wrote this last
    return Store(store.path, computed)


@dataclass(frozen=True)
class _Task:
    path: Path
    ensemble: Maps
    statistics: dict[str, Statistic]
    size: int
    way: Way | None
    threads: int
    pool: Executor | None = None  # of these threads; other processes have none

    def __call__(self, i: int, first: Array | None) -> None:
        """Computes what batch i misses; `first` are the values of realisation 0 if they are known already."""
        store = Store(self.path)
        indices, _ = store.gaps(i, self.size)
        if not indices.size:
            return  # another call was faster
        joined = Joined(self.statistics, {name: store.shape(name) for name in self.statistics})
        fresh = indices if first is None else indices[indices > 0]
        rows = [] if fresh.size == indices.size or first is None else [first[None]]
        if fresh.size:
            rows.append(measured(self.ensemble, joined, fresh.tolist(), self.way, self.threads, None, self.pool))
        for name, values in joined.split(np.concatenate(rows)).items():
            store.add(name, indices, values)


def _run(
    task: _Task,
    todo: dict[int, int],
    first: Array | None,
    executor: Executor | None,
    progress: Callable[[int, int], object] | None,
) -> int:
    known = [first if i == 0 else None for i in todo]
    done, total = 0, sum(todo.values())
    if progress is not None and todo:
        progress(0, total)  # so that a rate counts from here
    results = map(task, todo, known) if executor is None else executor.map(task, list(todo), known)
    try:
        for _, count in zip(results, todo.values(), strict=True):
            done += count
            if progress is not None:
                progress(done, total)
    except Exception as error:
        error.add_note(f"{str(task.path)!r} keeps the batches that were finished: the same call goes on from there")
        raise
    return done


def _share(part: tuple[int, int] | None) -> slice:
    if part is None:
        return slice(None)
    i, n = part
    if whole("part", i, 1) > whole("part", n, 1):
        raise ValueError(f"part = ({i}, {n}): the first number counts from 1 to the second, the number of jobs")
    return slice(i - 1, None, n)


def _todo(store: Store, batches: range, size: int) -> dict[int, int]:
    # batch -> how many of its realisations are missing
    todo = {}
    for i in batches:
        indices, damages = store.gaps(i, size)
        for damage in damages:
            warnings.warn(f"{damage}: it is made again", stacklevel=3)
        if indices.size:
            todo[i] = indices.size
    return todo


def _begun(
    path: Path, ensemble: Maps, named: dict[str, Statistic], way: Way | None, batch: int | None
) -> tuple[Store, Array | None]:
    ours: dict[str, Any] = {
        "layout": LAYOUT,
        "version": version(),
        "ensemble": describe(ensemble),
        "statistics": {name: {"recipe": describe(statistic)} for name, statistic in named.items()},
        "transforms": None if way is None else {"engine": way.engine, "precision": way.precision},
    }
    first = None
    if not (path / DOCUMENT).exists():
        taken = path.exists() and (not path.is_dir() or strange(path))
        if taken and not (path / DOCUMENT).exists():  # asked again: another call may have made it just now
            raise ValueError(f"{str(path)!r} is neither a store nor an empty folder: choose another")
        joined = Joined(named, {})
        first = measured(ensemble, joined, [0], way, 1)[0]
        recipe = {**ours, "batch": _batch(batch, joined.shapes)}
        for name, shape in joined.shapes.items():
            recipe["statistics"][name] = {**recipe["statistics"][name], "shape": list(shape)}
        make_folder(path)
        create(path / DOCUMENT, group_document({"sphfield": recipe}))
    store = Store(path)
    _refuse_another(store, ours if batch is None else {**ours, "batch": whole("batch", batch, 1)})
    return store, first


def _refuse_another(store: Store, ours: dict[str, Any]) -> None:
    theirs = {"transforms": ours["transforms"], **{key: value for key, value in store.recipe.items() if key in ours}}
    theirs["statistics"] = {name: {"recipe": s["recipe"]} for name, s in theirs["statistics"].items()}
    ours = json_ready({**ours, "statistics": {n: {"recipe": s["recipe"]} for n, s in ours["statistics"].items()}})
    if theirs.pop("version") != ours.pop("version"):
        warnings.warn(
            f"{str(store.path)!r} was begun with sphfield {store.recipe['version']}, this is {version()}: "
            "realisations of both may differ by more than rounding",
            stacklevel=4,
        )
    found = difference(theirs, ours)
    if found is not None:
        raise ValueError(
            f"{str(store.path)!r} holds another run: {found}; choose another folder, or go on with what it has"
        )


def _batch(batch: int | None, shapes: dict[str, tuple[int, ...]]) -> int:
    if batch is not None:
        return whole("batch", batch, 1)
    row = 8 * max(int(np.prod(shape, dtype=int)) for shape in shapes.values())
    return max(1, min(_BATCH, _LARGEST // row))
