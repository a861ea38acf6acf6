"""A Monte Carlo unit, normals + map + estimated C_ell: sphfield beside loops around healpy, and beside bare transforms.

Fields of (ell + 1)^-5 to lmax = 2 nside. healpy draws with synalm and analyses with anafast, 3 iterations, in two ways:
with OpenMP on all cores, and one single-thread process a core. sphfield is measured in three: batched in double and in
single precision, and looped, with ducc0 one realisation after the other. "bare" is ducc0's synthesis and adjoint
synthesis alone, looped on as many threads. Every contender is a process of its own that answers requests, so that
rounds can alternate; a ratio is that of the medians over the rounds. Errors are the largest and the median relative
error of C_ell over ell >= 2, on maps of known a_lm.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

NSIDES = (64, 256, 512, 1024)
GOALS = {
    "batched": {64: 4.5, 256: 12.0, 512: 12.0, 1024: 12.0},
    "single": {64: 4.5, 256: 20.0, 512: 20.0, 1024: 20.0},
    "looped": {64: 4.5, 256: 6.0, 512: 7.5, 1024: 9.0},
}
BARE_GOALS = {64: 1.25, 256: 1.10, 512: 1.10, 1024: 1.10}
COUNTS = {64: 400, 256: 64, 512: 24, 1024: 8}  # realisations a round for each core, batched: whole batches
FEWER = {64: 8, 256: 16, 512: 12, 1024: 8}  # times fewer of what is looped
SLOPE = -5.0


def sphfield_unit(engine: str, precision: str, nside: int, count: int, cores: int) -> Callable[[], None]:
    import numpy as np

    from sphfield import Ensemble, GaussianField, PowerSpectrum, Spectrum, measure

    lmax = 2 * nside
    maps = Ensemble(GaussianField(Spectrum((np.arange(lmax + 1) + 1.0) ** SLOPE), nside), seed=1)
    power = PowerSpectrum(lmax)
    how: Any = {"threads": cores, "engine": engine, "precision": precision}
    return lambda: _drop(measure(maps, power, range(count * cores), **how))


def _drop(_: Any) -> None:
    return None


def bare_unit(nside: int, count: int, cores: int) -> Callable[[], None]:
    import ducc0
    import numpy as np

    lmax = 2 * nside
    rings = ducc0.healpix.Healpix_Base(nside, "RING").sht_info()
    rng = np.random.default_rng(0)
    alm = rng.standard_normal((1, (lmax + 1) * (lmax + 2) // 2)) + 0j

    def one(_: int) -> None:
        m = ducc0.sht.synthesis(alm=alm, lmax=lmax, spin=0, nthreads=1, **rings)
        ducc0.sht.adjoint_synthesis(map=m, lmax=lmax, spin=0, nthreads=1, **rings)

    pool = ThreadPoolExecutor(cores)
    return lambda: _drop(list(pool.map(one, range(count * cores))))


def healpy_unit(nside: int, count: int, cores: int) -> Callable[[], None]:
    import healpy
    import numpy as np

    lmax = 2 * nside
    cl = (np.arange(lmax + 1) + 1.0) ** SLOPE

    def loop() -> None:
        for _ in range(count * cores):  # cores is 1 where there is a process for each
            healpy.anafast(
                healpy.alm2map(healpy.synalm(cl, lmax=lmax), nside, lmax=lmax, pol=False), lmax=lmax, pol=False
            )

    return loop


def serve(
    make: Callable[[int, int, int], Callable[[], None]], nside: int, count: int, cores: int, pipe: Connection
) -> None:
    run = make(nside, count, cores)
    run()  # compile, allocate, read weights
    pipe.send("ready")
    while pipe.recv():
        begin = time.perf_counter()
        run()
        pipe.send(time.perf_counter() - begin)


class Contender:
    """Processes that run the same loop at the same time."""

    def __init__(self, make: Any, nside: int, count: int, processes: int, cores: int, openmp: int) -> None:
        os.environ["OMP_NUM_THREADS"] = str(openmp)  # inherited, and read when healpy is imported
        context = multiprocessing.get_context("spawn")
        self.pipes, self.workers = [], []
        for _ in range(processes):
            ours, theirs = context.Pipe()
            worker = context.Process(target=serve, args=(make, nside, count, cores, theirs), daemon=True)
            worker.start()
            self.pipes.append(ours)
            self.workers.append(worker)
        for pipe in self.pipes:
            pipe.recv()

    def __call__(self) -> float:
        for pipe in self.pipes:
            pipe.send(True)
        return max(pipe.recv() for pipe in self.pipes)

    def stop(self) -> None:
        for pipe in self.pipes:
            pipe.send(False)
        for worker in self.workers:
            worker.join()


def errors(nside: int, fields: int) -> dict[str, tuple[float, float]]:
    """Largest and median relative error on the same maps: batched in both precisions, looped, and anafast."""
    import healpy
    import numpy as np

    from sphfield import Ensemble, GaussianField, PowerSpectrum, Spectrum, measure
    from sphfield.fields.transforms import alm2cl

    lmax = 2 * nside
    maps = Ensemble(GaussianField(Spectrum((np.arange(lmax + 1) + 1.0) ** SLOPE), nside), seed=1)
    exact = np.array([alm2cl(maps.sampler.alm(maps.rng(i))) for i in range(fields)])
    ways: dict[str, Any] = {
        "batched": {"engine": "batched"},
        "single": {"engine": "batched", "precision": "single"},
        "looped": {"engine": "ducc0"},
    }
    found = {name: measure(maps, PowerSpectrum(lmax), range(fields), **way) for name, way in ways.items()}
    found["healpy"] = np.array([healpy.anafast(maps[i], lmax=lmax, pol=False) for i in range(fields)])
    relative = {name: np.abs(powers / exact - 1.0)[:, 2:] for name, powers in found.items()}
    return {name: (float(np.max(rows)), float(np.median(rows))) for name, rows in relative.items()}


def compare(nside: int, rounds: int, cores: int) -> None:
    """Four lines of the table."""
    many, few = COUNTS[nside], max(1, COUNTS[nside] // FEWER[nside])
    ours = {"batched": ("batched", "double"), "single": ("batched", "single"), "looped": ("ducc0", "double")}
    counts = {"batched": many, "single": 2 * many, "looped": few, "bare": few, "OpenMP": few, "processes": few}
    contenders = {
        name: Contender(functools.partial(sphfield_unit, *way), nside, counts[name], 1, cores, 1)
        for name, way in ours.items()
    }
    contenders["bare"] = Contender(bare_unit, nside, few, 1, cores, 1)
    contenders["OpenMP"] = Contender(healpy_unit, nside, few, 1, cores, cores)
    contenders["processes"] = Contender(healpy_unit, nside, few, cores, 1, 1)
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds):
        for name in list(contenders) if turn % 2 else reversed(list(contenders)):
            times[name].append(1e3 * contenders[name]() / (counts[name] * cores))
    for contender in contenders.values():
        contender.stop()
    each = {name: statistics.median(values) for name, values in times.items()}
    best, worst = min(each["OpenMP"], each["processes"]), errors(nside, 4)
    for name in ("batched", "single", "looped"):
        met = best / each[name] >= GOALS[name][nside] and each[name] / each["bare"] <= BARE_GOALS[nside]
        print(
            f"{nside:5} {name:>8} {each[name]:9.2f} {best / each[name]:9.1f} {GOALS[name][nside]:6.1f} "
            f"{each[name] / each['bare']:7.2f} {BARE_GOALS[nside]:6.2f} {worst[name][0]:9.0e} {worst[name][1]:8.0e}"
            f"{'' if met else '  MISSED'}"
        )
    print(
        f"{nside:5} {'healpy':>8} {best:9.2f} {1.0:9.1f} {'':6} {best / each['bare']:7.2f} {'':6} "
        f"{worst['healpy'][0]:9.0e} {worst['healpy'][1]:8.0e}\n"
        f"      healpy with OpenMP {each['OpenMP']:.1f} ms, in processes {each['processes']:.1f} ms; "
        f"bare transforms {each['bare']:.2f} ms",
        flush=True,
    )


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="default: all, %(default)s")
    parser.add_argument("nsides", type=int, nargs="*", default=NSIDES, help="default: 64 256 512 1024")
    options = parser.parse_args()
    print(f"{options.cores} cores, {options.rounds} rounds; errors: largest and median of C_ell, ell >= 2")
    print(
        f"{'nside':>5} {'way':>8} {'ms a map':>9} {'x healpy':>9} {'goal':>6} {'/ bare':>7} {'goal':>6} "
        f"{'largest':>9} {'median':>8}"
    )
    for nside in options.nsides:
        compare(nside, options.rounds, options.cores)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
