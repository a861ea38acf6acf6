"""C_ell of a map: one pass with pixel weights beside healpy's anafast with its default of three iterations.

Both get the same maps, the same lmax = 1.5 nside and one thread. The maps are made from known a_lm that end at that
lmax, so that the power which should come out is known to rounding; errors are the largest over ell >= 2 and over the
fields. Runs alternate; the ratio is that of the medians. Weights are read, or solved and kept, before the clock starts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # healpy's; one thread is what the analysis here takes, too

import healpy
import numpy as np

from sphfield.fields.gaussian import synalm
from sphfield.fields.transforms import alm2cl, synthesis
from sphfield.fields.weights import pixel_weights, weight_error
from sphfield.statistics.power import PowerSpectrum

NSIDES = (64, 128, 256, 512, 1024)
SPECTRA = {"white": 0.0, "(ell + 1)^-5": -5.0}
ERROR_GOALS = {"white": 1e-11, "(ell + 1)^-5": 1e-9}  # of one pass, nside 64 to 512


def theirs(m: Any, lmax: int) -> Any:
    return healpy.anafast(m, lmax=lmax, pol=False)


def ours(m: Any, lmax: int) -> Any:
    return PowerSpectrum(lmax)(m)


def compare(nside: int, runs: int, fields: int) -> dict[str, tuple[float, float, float, float]]:
    """Median times and largest errors of both, by spectrum."""
    lmax, ell = 3 * nside // 2, np.arange(3 * nside // 2 + 1)
    rows = {}
    for name, slope in SPECTRA.items():
        times: dict[Any, list[float]] = {ours: [], theirs: []}
        worst = {ours: 0.0, theirs: 0.0}
        for run in range(max(runs, fields)):
            alm = synalm((ell + 1.0) ** slope, np.random.default_rng(run % fields))
            m, exact = synthesis(alm, nside), alm2cl(alm)
            for estimate in (ours, theirs) if run % 2 else (theirs, ours):
                begin = time.perf_counter()
                cl = estimate(m, lmax)
                times[estimate].append(time.perf_counter() - begin)
                worst[estimate] = max(worst[estimate], float(np.abs(cl / exact - 1.0)[2:].max()))
        rows[name] = (*(statistics.median(times[e]) for e in (ours, theirs)), worst[ours], worst[theirs])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="runs of each (default: %(default)s)")
    parser.add_argument("--fields", type=int, default=3, help="different fields among them (default: %(default)s)")
    parser.add_argument("nsides", type=int, nargs="*", default=NSIDES, help="default: 64 ... 1024")
    options = parser.parse_args()
    print(f"One thread each, {options.runs} runs, {options.fields} fields; largest relative error of C_ell")
    print(
        f"{'nside':>5} {'lmax':>5}  {'spectrum':13}{'one pass, ms':>13}{'anafast, ms':>13}{'ratio':>7}"
        f"{'error':>9}{'anafast':>9}{'weights':>9}"
    )
    for nside in options.nsides:
        inexact = weight_error(pixel_weights(nside), 3 * nside)
        for name, (mine, other, error, their_error) in compare(nside, options.runs, options.fields).items():
            met = "" if not 64 <= nside <= 512 else "  met" if error <= ERROR_GOALS[name] else "  MISSED"
            print(
                f"{nside:5} {3 * nside // 2:5}  {name:13}{1e3 * mine:13.2f}{1e3 * other:13.1f}{other / mine:7.1f}"
                f"{error:9.0e}{their_error:9.0e}{inexact:9.0e}{met}",
                flush=True,
            )
    goals = ", ".join(f"{goal:.0e} ({name})" for name, goal in ERROR_GOALS.items())
    print(f"goal for the error of one pass at nside 64 to 512: {goals}; weights: largest error of sum w Y_lm")


if __name__ == "__main__":
    main()
