"""Ensembles on disk: what `collect` gains from two workers, and what its bookkeeping and its memory cost.

* threads, processes: two of them in `collect` against none at nside 256; Dask: two workers of one thread each against
  one, on batches of a second and more. Every contender is a process of its own that answers requests, so that rounds
  alternate; pools and workers are there before the clock starts, and a new store with realisation 0. Ratios of medians.
* malloc: Dask takes freed memory from its workers at once; with MALLOC, which undoes that, maps find theirs again.
* bookkeeping: CPU time of `collect` less that of `measure` of the same realisations, the least of alternating rounds
  in one process; beside it the time of `collect` where maps and statistics take none, which is less noisy.
* memory: largest resident set of a new process that collects N realisations at nside 512, and then of the same with
  `Store.summary`. What is in memory is a map with its workspaces, and the values of one batch (64), not the maps.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

NSIDE, SECONDS = 256, 1.2  # of the maps; a batch "of a second and more"
GOALS = {"threads": 1.8, "processes": 1.8, "dask": 1.7}
SHARE_GOAL, MEMORY_GOAL = 0.03, 1.1
MALLOC = {"MALLOC_TRIM_THRESHOLD_": 1 << 30, "MALLOC_MMAP_THRESHOLD_": 1 << 25, "MALLOC_TOP_PAD_": 1 << 26}
SPAWN = multiprocessing.get_context("spawn")


def fields(nside: int) -> tuple[Any, dict[str, Any]]:
    """An ensemble of ReLU fields to 1.5 nside, and its power."""
    import sphfield as sf

    s = sf.angular_spectrum(sf.NNGP(sf.Network(sf.ReLU(), depth=3)), lmax=3 * nside // 2)
    return sf.Ensemble(sf.GaussianField(s, nside), seed=1), {"power": sf.PowerSpectrum(s.lmax)}


@contextmanager
def executors(kind: str) -> Iterator[dict[int, Any]]:
    """Who computes, by the number of workers."""
    if kind == "serial":
        yield {1: None}
    elif kind == "threads":
        with ThreadPoolExecutor(2) as executor:
            yield {2: executor}
    elif kind == "processes":
        with ProcessPoolExecutor(2, mp_context=SPAWN) as executor:
            yield {2: executor}
    else:
        from dask.distributed import Client, LocalCluster

        if kind == "dask":
            os.environ.update({name: str(value) for name, value in MALLOC.items()})  # workers inherit it
        # one cluster for both: of two, the idle one would take a tenth of a core
        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            first = sorted(client.scheduler_info()["workers"])[:1]
            yield {1: client.get_executor(workers=first), 2: client.get_executor()}


def serve(kind: str, size: int, batch: int, pipe: Connection) -> None:
    from sphfield.ensembles.store import collect

    maps, power = fields(NSIDE)
    with tempfile.TemporaryDirectory() as folder, executors(kind) as chosen:

        def run(workers: int) -> float:
            collect(f"{folder}/run", maps, power, 1, batch=batch)
            begin = time.perf_counter()
            collect(f"{folder}/run", maps, power, size, executor=chosen[workers])
            seconds = time.perf_counter() - begin
            shutil.rmtree(f"{folder}/run")
            return seconds

        for workers in chosen:
            run(workers)  # imports, compilation, weights, workspaces
        pipe.send("ready")
        while workers := pipe.recv():
            pipe.send(run(workers))


class Contender:
    """A process that runs the same ensemble whenever it is asked."""

    def __init__(self, kind: str, size: int, batch: int) -> None:
        self.pipe, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=serve, args=(kind, size, batch, theirs))
        self.process.start()
        theirs.close()  # if it fails, recv says so
        self.pipe.recv()

    def __call__(self, workers: int) -> float:
        self.pipe.send(workers)
        return float(self.pipe.recv())

    def stop(self) -> None:
        self.pipe.send(0)
        self.process.join()


def medians(turns: list[tuple[str, int]], size: int, batch: int, rounds: int) -> dict[tuple[str, int], float]:
    """Seconds of each kind with each number of workers."""
    contenders = {kind: Contender(kind, size, batch) for kind in dict(turns)}
    times: dict[tuple[str, int], list[float]] = {turn: [] for turn in turns}
    for count in range(rounds):
        for turn in turns if count % 2 else reversed(turns):
            times[turn].append(contenders[turn[0]](turn[1]))
    for contender in contenders.values():
        contender.stop()
    return {turn: statistics.median(values) for turn, values in times.items()}


def line(what: str, cells: str, found: float, goal: float, least: bool) -> None:
    met = found >= goal if least else found <= goal
    sign = ">=" if least else "<="
    unit = "%" if goal < 1 else "x"
    scale = 100 if goal < 1 else 1
    goal_text = f"goal {sign} {scale * goal:g} {unit}: {'met' if met else 'MISSED'}"
    print(f"{what:40} {cells:36} {scale * found:6.2f} {unit}  {goal_text}", flush=True)


def speed_up(rounds: int, size: int) -> None:
    # as many batches for each worker
    found = medians([("serial", 1), ("threads", 2), ("processes", 2)], size, size // 4, rounds)
    alone = found["serial", 1]
    for kind in ("threads", "processes"):
        cells = f"{alone:.2f} s -> {found[kind, 2]:.2f} s, {size} maps"
        line(f"2 {kind}, nside {NSIDE}", cells, alone / found[kind, 2], GOALS[kind], True)


@cache
def a_second() -> int:
    """Realisations that take SECONDS on one core, a multiple of eight: that many may be drawn at once."""
    few = 16
    alone = Contender("serial", few, few)
    each = min(alone(1) for _ in range(4)) / few
    alone.stop()
    return 8 * max(1, round(SECONDS / each / 8))


def dask(rounds: int, batches: int) -> None:
    batch = a_second()
    found = medians([("dask", 1), ("dask", 2)], batches * batch, batch, rounds)
    one, two = found["dask", 1], found["dask", 2]
    cells = f"{one:.2f} s -> {two:.2f} s, {batches} batches of {batch}"
    line(f"2 Dask workers, nside {NSIDE}", cells, one / two, GOALS["dask"], True)


def malloc(rounds: int) -> None:
    batch = a_second()
    found = medians([("dask as it is", 1), ("dask", 1)], 2 * batch, batch, rounds)
    before, after = found["dask as it is", 1], found["dask", 1]
    cells = f"{before:.2f} s -> {after:.2f} s, 2 batches of {batch}"
    print(f"{'1 Dask worker, without and with MALLOC':40} {cells:36} {before / after:6.2f} x", flush=True)


@dataclass(frozen=True)
class Nothing:
    """A sampler whose map takes no time."""

    def __call__(self, rng: Any) -> Any:
        import numpy as np

        return np.zeros(1)


@dataclass(frozen=True)
class Row:
    """A statistic of that size which takes none."""

    size: int

    def __call__(self, m: Any) -> Any:
        import numpy as np

        return np.zeros(self.size)


def cpu(run: Callable[[], Any]) -> float:
    begin = time.process_time()
    run()
    return time.process_time() - begin


def bookkeeping_of(batch: int, batches: int, rounds: int, pipe: Connection) -> None:
    import sphfield as sf
    from sphfield.ensembles.store import collect

    (maps, power), size = fields(NSIDE), batch * batches
    empty, row = sf.Ensemble(Nothing(), seed=1), {"power": Row(power["power"].lmax + 1)}
    found: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:

        def collected(ensemble: Any, what: Any) -> float:
            collect(f"{folder}/run", ensemble, what, 1, batch=batch)
            seconds = cpu(lambda: collect(f"{folder}/run", ensemble, what, size))
            shutil.rmtree(f"{folder}/run")
            return seconds

        collected(maps, power)
        for turn in range(rounds):
            jobs: list[Callable[[], float]] = [
                lambda: collected(maps, power),
                lambda: cpu(lambda: sf.measure(maps, power["power"], range(1, size), threads=1)),
                lambda: collected(empty, row),
            ]
            order = range(3) if turn % 2 else range(2, -1, -1)
            times = {i: jobs[i]() for i in order}
            found.append((times[0], times[1], times[2]))
    pipe.send(tuple(min(column) for column in zip(*found, strict=True)))


def apart(what: Callable[..., None], *arguments: Any) -> Any:
    """What a new process sends."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=what, args=(*arguments, theirs))
    process.start()
    theirs.close()
    found = ours.recv()
    process.join()
    return found


def bookkeeping(rounds: int, batches: int) -> None:
    batch = a_second()
    collected, measured, empty = apart(bookkeeping_of, batch, batches, rounds)
    cells = f"{collected:.2f} s - {measured:.2f} s, {batches} batches of {batch}"
    line("bookkeeping, CPU time", cells, (collected - measured) / collected, SHARE_GOAL, False)
    cells = f"{1e3 * empty / batches:.1f} ms of {collected / batches:.2f} s, a batch"
    line("the same, of maps that take no time", cells, empty / collected, SHARE_GOAL, False)


def peak() -> float:
    """Largest resident set of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory_of(nside: int, size: int, pipe: Connection) -> None:
    from sphfield.ensembles.store import collect

    maps, power = fields(nside)
    with tempfile.TemporaryDirectory() as folder:
        store = collect(Path(folder) / "run", maps, power, size)
        after = peak()
        store.summary("power")
    pipe.send((after, peak()))


def memory(nside: int, many: int) -> None:
    few = 10
    first, last = (apart(memory_of, nside, size) for size in (few, many))
    for what, a, b in zip(("collect", "collect and summary"), first, last, strict=True):
        cells = f"{a:.0f} MB -> {b:.0f} MB, {few} -> {many} maps"
        line(f"memory of {what}, nside {nside}", cells, b / a, MEMORY_GOAL, False)
    print(f"all these maps would take {8e-9 * 12 * nside**2 * many:.1f} GB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no malloc, memory at nside 256 to N = 100")
    parser.add_argument(
        "parts", nargs="*", default=[], help="threads (and processes), dask, malloc, bookkeeping, memory; default: all"
    )
    options = parser.parse_args()
    rounds, size = (3, 64) if options.quick else (5, 128)
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # inherited by all that are started
    parts: dict[str, Callable[[], None]] = {
        "threads": lambda: speed_up(rounds, size),
        "dask": lambda: dask(rounds, 4),
        "malloc": lambda: malloc(rounds),
        "bookkeeping": lambda: bookkeeping(2 * rounds, 1 if options.quick else 2),
        "memory": lambda: memory(256, 100) if options.quick else memory(512, 1000),
    }
    if unknown := set(options.parts) - set(parts):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: choose of {', '.join(parts)}")
    print(f"{rounds} rounds, ReLU fields of depth 3 and their power to lmax = 1.5 nside")
    for name in options.parts or [name for name in parts if name != "malloc" or not options.quick]:
        parts[name]()


if __name__ == "__main__":
    main()
