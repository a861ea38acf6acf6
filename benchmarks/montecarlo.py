"""A Monte Carlo unit, normals + map + estimated C_ell: sphfield beside loops around healpy, and beside bare transforms.

Fields of (ell + 1)^-5 to lmax = 2 nside. healpy draws with synalm and analyses with anafast, 3 iterations, in two ways:
with OpenMP on all cores, and one single-thread process a core. sphfield runs threads over realisations. Every contender
is a process of its own that answers requests, so that rounds can alternate; a ratio is that of the medians over the
rounds. Errors are the largest and the median relative error of C_ell over ell >= 2, on maps of known a_lm. "bare" is
ducc0's synthesis and adjoint synthesis of one realisation after the other, on as many threads, with nothing else.
"""

from __future__ import annotations

import argparse
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
GOALS = {64: 4.5, 256: 6.0, 512: 7.5, 1024: 9.0}
BARE_GOALS = {64: 1.25, 256: 1.10, 512: 1.10, 1024: 1.10}
COUNTS = {64: 200, 256: 16, 512: 6, 1024: 2}  # realisations a round for each core
SLOPE = -5.0


def sphfield_unit(nside: int, count: int, cores: int) -> Callable[[], None]:
    import numpy as np

    from sphfield import Ensemble, GaussianField, PowerSpectrum, Spectrum, measure

    lmax = 2 * nside
    maps = Ensemble(GaussianField(Spectrum((np.arange(lmax + 1) + 1.0) ** SLOPE), nside), seed=1)
    power = PowerSpectrum(lmax)
    return lambda: _drop(measure(maps, power, range(count * cores), threads=cores))


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
    """Largest and median relative error of one pass and of anafast on the same maps."""
    import healpy
    import numpy as np

    from sphfield import PowerSpectrum, synalm, synthesis
    from sphfield.fields.transforms import alm2cl

    lmax = 2 * nside
    found: dict[str, list[Any]] = {"sphfield": [], "healpy": []}
    for i in range(fields):
        alm = synalm((np.arange(lmax + 1) + 1.0) ** SLOPE, np.random.default_rng(i))
        m, exact = synthesis(alm, nside), alm2cl(alm)
        found["sphfield"].append(np.abs(PowerSpectrum(lmax)(m) / exact - 1.0)[2:])
        found["healpy"].append(np.abs(healpy.anafast(m, lmax=lmax, pol=False) / exact - 1.0)[2:])
    return {name: (float(np.max(rows)), float(np.median(rows))) for name, rows in found.items()}


def compare(nside: int, rounds: int, cores: int) -> None:
    count = COUNTS[nside]
    contenders = {
        "sphfield": Contender(sphfield_unit, nside, count, 1, cores, 1),
        "bare": Contender(bare_unit, nside, count, 1, cores, 1),
        "OpenMP": Contender(healpy_unit, nside, max(1, count // 4), 1, cores, cores),
        "processes": Contender(healpy_unit, nside, max(1, count // 4), cores, 1, 1),
    }
    few = max(1, count // 4)
    realisations = {name: (count if name in {"sphfield", "bare"} else few) * cores for name in contenders}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds):
        for name in list(contenders) if turn % 2 else reversed(list(contenders)):
            times[name].append(1e3 * contenders[name]() / realisations[name])
    for contender in contenders.values():
        contender.stop()
    each = {name: statistics.median(values) for name, values in times.items()}
    best = min(each["OpenMP"], each["processes"])
    ratio, over = best / each["sphfield"], each["sphfield"] / each["bare"]
    worst = errors(nside, 4)
    cells = " ".join(f"{each[name]:10.2f}" for name in ("sphfield", "bare", "OpenMP", "processes"))
    told = " ".join(f"{worst[name][0]:8.0e} {worst[name][1]:8.0e}" for name in ("sphfield", "healpy"))
    print(
        f"{nside:5} {cells} {ratio:7.1f} (goal {GOALS[nside]:.1f}) {over:6.2f} (goal {BARE_GOALS[nside]:.2f})  {told}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="default: all, %(default)s")
    parser.add_argument("nsides", type=int, nargs="*", default=NSIDES, help="default: 64 256 512 1024")
    options = parser.parse_args()
    print(
        f"{options.cores} cores, {options.rounds} rounds, ms a realisation; "
        "errors: largest and median of C_ell, ell >= 2"
    )
    print(
        f"{'nside':>5} {'sphfield':>10} {'bare':>10} {'OpenMP':>10} {'processes':>10} {'healpy / sphfield':>18} "
        f"{'sphfield / bare':>17}  {'sphfield':>17} {'healpy':>17}"
    )
    for nside in options.nsides:
        compare(nside, options.rounds, options.cores)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
