"""Transforms of a batch: synthesis and weighted adjoint of K maps at once, beside bare ducc0 for one after the other.

lmax = 2 nside. With several threads both sides run one thread in a transform, and each thread has batches, or maps, of
its own; ducc0 works in double and gets no weights. Rounds alternate in one process; a ratio is that of the medians over
the rounds of the time for each map. Machine code is compiled or read before the clock starts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # threads are over batches, none inside a transform

import ducc0
import numpy as np

from sphfield.fields.batched import Precision, plan

NSIDES = (64, 256, 512, 1024)
GOALS = {"double": {64: 1.2}, "single": {64: 2.5}}  # and from 256 on
GOALS_BEYOND = {"double": 1.8, "single": 3.3}
REPEATS = {64: 16, 256: 2}  # batches of each thread in a round; 1 above
BARE = 4  # maps of each thread in a round of ducc0's, times the repeats

Run = Callable[[], None]


def batched(nside: int, precision: Precision, threads: int) -> tuple[Run, Run, int]:
    """Rounds of synthesis and of adjoint, and how many maps each has."""
    p, rng = plan(nside, 2 * nside, precision=precision), np.random.default_rng(0)
    weights = 4.0 * np.pi / p.npix * (1.0 + 0.01 * rng.standard_normal(p.npix))
    memory = []
    for _ in range(threads):
        alm, maps = p.coefficients(), p.maps()
        alm[...] = rng.standard_normal(alm.shape)
        memory.append((alm, maps, p.workspace()))
    repeats, pool = REPEATS.get(nside, 1), ThreadPoolExecutor(threads)

    def draw(mine: Any) -> None:
        alm, maps, workspace = mine
        for _ in range(repeats):
            p.synthesis(alm, maps, workspace)

    def analyse(mine: Any) -> None:
        alm, maps, workspace = mine
        for _ in range(repeats):
            p.adjoint(maps, alm, workspace, weights)

    def synthesis() -> None:
        list(pool.map(draw, memory))

    def adjoint() -> None:
        list(pool.map(analyse, memory))

    return synthesis, adjoint, threads * repeats * p.lanes


def bare(nside: int, threads: int) -> tuple[Run, Run, int]:
    """The same of ducc0."""
    lmax, rng = 2 * nside, np.random.default_rng(0)
    rings = ducc0.healpix.Healpix_Base(nside, "RING").sht_info()
    options: Any = {"lmax": lmax, "spin": 0, "nthreads": 1, **rings}
    alm = rng.standard_normal((1, (lmax + 1) * (lmax + 2) // 2)) + 0j
    memory = [(alm.copy(), rng.standard_normal((1, 12 * nside**2))) for _ in range(threads)]
    repeats, pool = BARE * REPEATS.get(nside, 1), ThreadPoolExecutor(threads)

    def draw(mine: Any) -> None:
        for _ in range(repeats):
            ducc0.sht.synthesis(alm=mine[0], map=mine[1], **options)

    def analyse(mine: Any) -> None:
        for _ in range(repeats):
            ducc0.sht.adjoint_synthesis(map=mine[1], alm=mine[0], **options)

    def synthesis() -> None:
        list(pool.map(draw, memory))

    def adjoint() -> None:
        list(pool.map(analyse, memory))

    return synthesis, adjoint, threads * repeats


def compare(nside: int, threads: int, rounds: int) -> None:
    """One line: ms a map of each, ratios and whether they reach the goals."""
    sides = {"ducc0": bare(nside, threads)}
    precisions: tuple[Precision, ...] = ("double", "single")
    sides |= {precision: batched(nside, precision, threads) for precision in precisions}
    times: dict[tuple[str, int], list[float]] = {(name, way): [] for name in sides for way in (0, 1)}
    for turn in range(rounds + 1):
        for name, side in list(sides.items())[:: 1 if turn % 2 else -1]:
            for way in (0, 1):
                begin = time.perf_counter()
                side[way]()
                if turn:  # the first round allocates and compiles
                    times[name, way].append(1e3 * (time.perf_counter() - begin) / side[2])
    each = {key: statistics.median(values) for key, values in times.items()}
    cells = []
    for way in (0, 1):
        cells.append(f"{each['ducc0', way]:8.2f}")
        for precision in precisions:
            ratio = each["ducc0", way] / each[precision, way]
            met = "" if ratio >= GOALS[precision].get(nside, GOALS_BEYOND[precision]) else " MISSED"
            cells.append(f"{each[precision, way]:8.2f} ({ratio:.2f}{met})")
    print(f"{nside:5} {threads:7} " + " ".join(cells), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="default: %(default)s")
    parser.add_argument("--threads", type=int, nargs="*", default=(1, 2), help="default: 1 2")
    parser.add_argument("nsides", type=int, nargs="*", default=NSIDES, help="default: 64 256 512 1024")
    options = parser.parse_args()
    print(f"ms a map, medians of {options.rounds} rounds; in brackets the ratio over ducc0")
    print(f"{'nside':>5} {'threads':>7} {'synthesis: ducc0, batched double, single':>42} {'adjoint: the same':>30}")
    for nside in options.nsides:
        for threads in options.threads:
            compare(nside, threads, options.rounds)
    goals = ", ".join(f"{GOALS_BEYOND[p]} (nside 64: {GOALS[p][64]}) in {p}" for p in GOALS)
    print(f"goals for the ratios: {goals}")


if __name__ == "__main__":
    main()
