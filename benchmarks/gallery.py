"""The gallery's 15 Mollweide maps: ours against healpy's alm2map(nside=256) and mollview, as ratios of one run.

Two products: the bare rasters (arrays), and one labelled sheet written to PNG with equal figure size, dpi, raster
width, titles and compression. The a_lm, up to ell = 767, are those of the default gallery and made before the clock
starts. Runs are interleaved in random order, so that a busy machine slows both alike; medians are compared. First both
rasters are held against the exact field at their own pixel centres: the faster one must not be the coarser one.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # healpy's transform is the only part here that uses more
os.environ["MPLBACKEND"] = "Agg"

import ducc0
import healpy as hp
import numpy as np
from healpy.projector import MollweideProj
from matplotlib import image as files
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from sphfield.exhibits.exhibition import Exhibition
from sphfield.figures import mollweide, raster_alm

WIDTH = 430  # columns of a raster: the pixels of a panel on the sheet
NSIDE = 256
SIZE, DPI = (15.0, 5.6), 150
ROWS, COLUMNS = 3, 5
RAW_GOAL, PNG_GOAL = 25.0, 6.0

Panel = tuple[str, Any]  # title, a_lm


def panels() -> list[Panel]:
    show = Exhibition()
    return [(f"{show.title(row)}, L = {show.depths[column]}", show.alm(row, column)) for row, column in show.panels()]


def our_raster(alm: Any) -> Any:
    return raster_alm(alm, WIDTH)


def their_raster(alm: Any) -> Any:
    raster = hp.mollview(hp.alm2map(alm, NSIDE), xsize=WIDTH, return_projected_map=True)
    plt.close()
    return raster


def bare_projection(alm: Any) -> Any:
    """The projection that mollview uses, without its figure."""
    m = hp.alm2map(alm, NSIDE)
    return MollweideProj(xsize=WIDTH).projmap(m, lambda x, y, z: hp.vec2pix(NSIDE, x, y, z))


def our_sheet(shown: list[Panel], path: Path, level: int) -> None:
    figure = Figure(figsize=SIZE, dpi=DPI)
    for i, (title, alm) in enumerate(shown):
        row, column = divmod(i, COLUMNS)
        ax = figure.add_axes(((column + 0.01) / COLUMNS, 1 - (row + 0.98) / ROWS, 0.98 / COLUMNS, 0.84 / ROWS))
        pixels = raster_alm(alm, WIDTH)
        inside = pixels[~np.isnan(pixels)]
        mollweide((pixels - inside.mean()) / inside.std(), ax, vmin=-3, vmax=3)
        ax.set_title(title, y=1.0)  # where it is anyway: matplotlib then does not search for a place, 2 ms
    figure.savefig(path, pil_kwargs={"compress_level": level})


def their_sheet(shown: list[Panel], path: Path, level: int) -> None:
    figure = plt.figure(figsize=SIZE, dpi=DPI)
    look = {"min": -3, "max": 3, "cmap": "RdBu_r", "cbar": False, "notext": True, "xsize": WIDTH}
    for i, (title, alm) in enumerate(shown):
        m = hp.alm2map(alm, NSIDE)
        hp.mollview((m - m.mean()) / m.std(), fig=figure.number, sub=(ROWS, COLUMNS, i + 1), title=title, **look)
    figure.savefig(path, pil_kwargs={"compress_level": level})
    plt.close(figure)


def likeness(raster: Any, x: Any, y: Any, alm: Any) -> float:
    """Correlation of a raster with the exact field at its pixel centres (x, y), by healpy's inverse projection."""
    xx, yy = np.meshgrid(x, y)
    inside = np.isfinite(np.ma.filled(raster, np.nan)) & (xx**2 / 4 + yy**2 < 1)
    theta, phi = MollweideProj().xy2ang(xx[inside], yy[inside])
    where = np.stack([theta, phi % (2 * np.pi)], axis=-1)
    exact = ducc0.sht.synthesis_general(alm=alm[None], loc=where, spin=0, lmax=Exhibition().lmax, epsilon=1e-8)[0]
    return float(np.corrcoef(np.ma.getdata(raster)[inside], exact)[0, 1])


def check(shown: list[Panel], folder: Path) -> None:
    middle = (np.arange(WIDTH) + 0.5) / WIDTH  # ours: centres of WIDTH equal cells
    ends = np.linspace(0.0, 1.0, WIDTH)  # mollview's: the outermost centres lie on the ellipse's box
    down, up = 1 - 2 * (np.arange(WIDTH // 2) + 0.5) / (WIDTH // 2), 2 * np.linspace(0.0, 1.0, WIDTH // 2) - 1
    ours = [likeness(our_raster(alm), 4 * middle - 2, down, alm) for _, alm in shown]
    theirs = [likeness(their_raster(alm), 4 * ends - 2, up, alm) for _, alm in shown]
    for name, values in (("ours", ours), ("healpy's", theirs)):
        resolved = sum(v > 0.999 for v in values)
        print(f"correlation with the exact field, {name:9} > 0.999 in {resolved} of 15 panels, worst {min(values):.3f}")
    if any(mine < other - 0.001 for mine, other in zip(ours, theirs, strict=True)):
        raise SystemExit("a raster of ours is coarser than healpy's: no ratio is worth printing")
    shapes = []
    for sheet in (our_sheet, their_sheet):
        sheet(shown, folder / "sheet.png", 1)
        shapes.append(files.imread(folder / "sheet.png").shape[:2])
    if shapes[0] != shapes[1]:
        raise SystemExit(f"the sheets differ in size: {shapes}")
    print(f"both sheets: {shapes[0][1]} x {shapes[0][0]} pixels")


def medians(jobs: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    names = list(jobs) * runs
    random.Random(0).shuffle(names)
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for name in names:
        begin = time.perf_counter()
        jobs[name]()
        times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="runs of each job (default: %(default)s)")
    runs = parser.parse_args().runs
    shown = panels()
    print(f"OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']}, {len(shown)} panels of {WIDTH} columns, {runs} runs")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        check(shown, folder)
        jobs: dict[str, Callable[[], object]] = {
            "raster": lambda: [our_raster(alm) for _, alm in shown],
            "alm2map + mollview": lambda: [their_raster(alm) for _, alm in shown],
            "alm2map + bare projection": lambda: [bare_projection(alm) for _, alm in shown],
            "alm2map alone": lambda: [hp.alm2map(alm, NSIDE) for _, alm in shown],
        }
        for level in (1, 6):
            jobs[f"PNG, compression {level}"] = partial(our_sheet, shown, folder / "ours.png", level)
            jobs[f"healpy PNG, compression {level}"] = partial(their_sheet, shown, folder / "healpy.png", level)
        median = medians(jobs, runs)
    report(median)


def report(median: dict[str, float]) -> None:
    for name, value in median.items():
        print(f"{name:28} {1e3 * value:7.0f} ms")
    for what, ours, theirs, goal in (
        ("raw rasters", "raster", "alm2map + mollview", RAW_GOAL),
        ("raw rasters, no figure in healpy's", "raster", "alm2map + bare projection", None),
        ("labelled PNG, compression 1", "PNG, compression 1", "healpy PNG, compression 1", PNG_GOAL),
        ("labelled PNG, compression 6 (default)", "PNG, compression 6", "healpy PNG, compression 6", PNG_GOAL),
    ):
        ratio = median[theirs] / median[ours]
        verdict = "" if goal is None else f"  goal >= {goal:g}: {'met' if ratio >= goal else 'missed'}"
        print(f"{what:38} {ratio:6.1f} x{verdict}")


if __name__ == "__main__":
    main()
