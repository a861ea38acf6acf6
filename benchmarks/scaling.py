"""What a realisation costs, from nside 64 up, and from that the plan of 10^6 realisations at nside 2048.

Fields of (ell + 1)^-5 to lmax = 1.5 nside and their power. For every nside one new single-thread process on every core
at the same time, as in a large run: medians of the time of the normals (a_lm), of synthesis, analysis and the power one
by one; time of `collect`, all of it, per realisation, the least of three; largest resident set of a worker. Bytes are
those of the files of one batch. The law is fitted to `collect` below the largest nside and held against it there; then
the plan, which says what is measured and what is not. Weights are solved and kept before anything is measured.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

NSIDES = (64, 128, 256, 512, 1024)
LARGEST, SIZE = 2048, 1_000_000  # of the plan
SECONDS = 3.0  # about as long each step is repeated
BATCH = 64
WALL = 12  # hours a job of an array
SPAWN = multiprocessing.get_context("spawn")


class Cost(NamedTuple):
    """Seconds a realisation, step by step and by `collect`; bytes a realisation in a store; peak memory in MB."""

    alm: float
    synthesis: float
    analysis: float
    power: float
    collect: float
    stored: float
    peak: float


def repeated(run: Any, at_least: int = 2) -> float:
    """Median seconds."""
    run()
    times: list[float] = []
    while len(times) < at_least or (sum(times) < SECONDS / 4 and len(times) < 200):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def work(nside: int, start: Any, pipe: Connection) -> None:
    import numpy as np

    import sphfield as sf
    from sphfield.ensembles.store import collect
    from sphfield.fields.transforms import alm2cl

    lmax = 3 * nside // 2
    field = sf.GaussianField(sf.Spectrum((np.arange(lmax + 1) + 1.0) ** -5.0), nside)
    maps, power, rng = sf.Ensemble(field, seed=1), {"power": sf.PowerSpectrum(lmax)}, np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        few = collect(path, maps, power, 2, batch=BATCH)  # compile, allocate, read weights
        stored = sum(file.stat().st_size for file in (path / "power").glob("c.*")) / few.batch
        each = repeated(lambda: field(rng)) * 2
        count = max(8, min(BATCH, 8 * round(SECONDS / each / 8)))  # maps may be drawn eight at a time
        whole = math.inf
        for turn in range(1 if nside > 1024 else 3):
            start.wait()
            begin = time.perf_counter()
            collect(path, maps, power, 2 + count * (turn + 1))
            whole = min(whole, (time.perf_counter() - begin) / count)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start.wait()
    alm = field.alm(rng)
    m = sf.synthesis(alm, nside)
    steps = (
        repeated(lambda: field.alm(rng)),
        repeated(lambda: sf.synthesis(alm, nside)),
        repeated(lambda: sf.analysis(m, lmax)),
        repeated(lambda: alm2cl(alm)),
    )
    pipe.send(Cost(*steps, whole, stored, peak))


def measured(nside: int, cores: int) -> Cost:
    """Medians over processes that run at the same time, one a core; the largest of their memories."""
    start, found = SPAWN.Barrier(cores), []
    pairs = [SPAWN.Pipe() for _ in range(cores)]
    workers = [SPAWN.Process(target=work, args=(nside, start, theirs), daemon=True) for _, theirs in pairs]
    for worker in workers:
        worker.start()
    for ours, theirs in pairs:
        theirs.close()  # if one fails, recv says so
        found.append(ours.recv())
    for worker in workers:
        worker.join()
    middle = [statistics.median(column) for column in zip(*found, strict=True)]
    return Cost(*middle)._replace(peak=max(cost.peak for cost in found))


def law(costs: dict[int, Cost]) -> tuple[float, float, float]:
    """Coefficients of seconds = a nside^3 + b nside^2 + c, none negative, least squares of relative deviations."""
    import numpy as np
    from scipy.optimize import nnls

    nside = np.array(list(costs), dtype=float)
    seconds = np.array([cost.collect for cost in costs.values()])
    terms = np.stack([nside**3, nside**2, np.ones_like(nside)], axis=1) / seconds[:, None]
    scale = terms.max(axis=0)
    a, b, c = nnls(terms / scale, np.ones_like(seconds))[0] / scale
    return float(a), float(b), float(c)


def predicted(coefficients: tuple[float, float, float], nside: int) -> float:
    a, b, c = coefficients
    return a * nside**3 + b * nside**2 + c


def table(costs: dict[int, Cost]) -> None:
    names = ("a_lm", "synthesis", "analysis", "power", "collect")
    print(f"{'nside':>5} {'lmax':>5}" + "".join(f"{name:>11}" for name in names) + f"{'bytes':>9}{'peak, MB':>10}")
    for nside, cost in costs.items():
        steps = "".join(f"{1e3 * seconds:11.2f}" for seconds in cost[:5])
        print(f"{nside:5} {3 * nside // 2:5}{steps}{cost.stored:9.0f}{cost.peak:10.0f}")


def plan(seconds: float, memory: float | None, stored: float, origin: str) -> None:
    counted = "counted" if memory is None else "measured"
    hours, shards = SIZE * seconds / 3600, math.ceil(SIZE / BATCH)
    shard = BATCH * stored
    print(f"\n{SIZE:,} realisations at nside {LARGEST}, lmax {3 * LARGEST // 2}".replace(",", " "))
    print(f"  a realisation        {seconds:10.2f} s a core  ({origin})")
    print(f"  computing            {hours:10.0f} core-hours  (extrapolated: time x number)")
    for cores in (10, 100, 1000):
        days = hours / cores / 24
        print(f"  on {cores:4} cores        {24 * days:10.1f} h = {days:.2f} days  (extrapolated: as many busy cores)")
    print(
        f"  storage              {SIZE * stored / 1e9:10.1f} GB of C_ell  ({stored:.0f} bytes a realisation, {counted})"
    )
    print(f"  the maps would be    {8e-12 * SIZE * 12 * LARGEST**2:10.0f} TB  (counted; they are not stored)")
    print(f"  shards               {shards:10} files of {shard / 1e6:.2f} MB, {BATCH} realisations each  (counted)")
    print(f"  a batch              {BATCH * seconds / 60:10.1f} minutes: what a killed worker loses at most")
    if memory is not None:
        print(f"  memory               {memory / 1e3:10.2f} GB a worker  (measured)")
    jobs = math.ceil(1.25 * hours / WALL)  # a quarter to spare, for slower nodes
    print(f"  job array            {jobs:10} jobs of {WALL} h: --part 1/{jobs} ... {jobs}/{jobs}, one core each")
    print(f"  Dask                 {shards:10} tasks, one a batch; workers of one thread, as many as there are cores")


def free() -> int:
    """Bytes of memory that nobody uses."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")


def main() -> None:
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="to nside 512 only: the plan is the law's, then")
    parser.add_argument("--cores", type=int, default=cores, help="busy at the same time; default: all, %(default)s")
    options = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    from sphfield.fields.weights import pixel_weights

    costs: dict[int, Cost] = {}
    for nside in NSIDES[:4] if options.quick else (*NSIDES, LARGEST):
        if nside == LARGEST and options.cores * 4e6 * costs[nside // 2].peak > free():
            print(f"nside {nside} is left out: there is not enough memory for a worker on every core")
            break
        pixel_weights(nside)
        costs[nside] = measured(nside, options.cores)
    nsides = list(costs)
    print(f"{options.cores} cores busy, one process a core; ms a realisation, bytes in the store, peak of a worker")
    table(costs)
    below = {nside: cost for nside, cost in costs.items() if nside < max(nsides)}
    fit = law(below)
    a, b, c = fit
    print(f"collect, fitted below nside {max(nsides)}: {a:.2e} nside^3 + {b:.2e} nside^2 + {c:.1e} s")
    ratio = predicted(fit, max(nsides)) / costs[max(nsides)].collect
    print(f"at nside {max(nsides)} it says {ratio:.2f} of what was measured there")
    if LARGEST in costs:
        there = costs[LARGEST]
        plan(there.collect, there.peak, there.stored, "measured, all cores busy")
    else:
        plan(predicted(law(costs), LARGEST), None, 8.0 * (3 * LARGEST // 2 + 1), "extrapolated by the law")


if __name__ == "__main__":
    main()
