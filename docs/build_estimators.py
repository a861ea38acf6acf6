"""Measure the bias of every estimator against lmax / nside and write the table and figure of docs/estimators."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np

from sphfield.exhibits.single import save_figure
from sphfield.fields.accuracy import relative_bias
from sphfield.figures.axes import sheet
from sphfield.figures.validation import bias_curves
from sphfield.statistics.power import estimator
from sphfield.typing import Array

HERE = Path(__file__).parent
NSIDE = 64
NAMES = ("weighted", "weighted:3", "weighted:5", "anafast:0", "anafast:3", "anafast:6")
SLOPES = (0, 3, 5)
TITLES = (r"white", r"$\ell^{-3}$", r"$\ell^{-5}$, a ReLU field")
LIMITS = {"1.5 nside": 96, "2 nside": 128, "2.5 nside": 160, "3 nside - 1": 191}


def measured(name: str, slope: float, lmax: int, draws: int = 3) -> Array:
    """Largest relative error at each ell, over maps of exact power that end at lmax."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that is what is measured here
        power = estimator(name, lmax)
        worst: Array = np.abs(
            relative_bias(power, np.power(1.0 + np.arange(lmax + 1), -slope), NSIDE, draws=draws)
        ).max(axis=0)
    return worst


def table() -> str:
    head = ["estimator", "transforms", "spectrum", *(f"lmax = {name}" for name in LIMITS)]
    lines = ["| " + " | ".join(head) + " |", "|---|--:|---|" + "--:|" * len(LIMITS)]
    for name in NAMES:
        transforms = getattr(estimator(name, 2), "transforms")  # noqa: B009
        for slope, title in zip(SLOPES, TITLES, strict=True):
            errors = [f"{measured(name, slope, lmax).max():.0e}" for lmax in LIMITS.values()]
            lines.append("| " + " | ".join([f"`{name}`", str(transforms), title, *errors]) + " |")
    return "\n".join(lines) + "\n"


def figure(path: Path) -> None:
    shown = {"weighted": "one pass", "weighted:5": "5 transforms", "anafast:3": "anafast, 7 transforms"}
    fig = sheet(11.0, 4.4)
    axes = fig.subplots(1, 3, sharey=True)
    lmax = np.unique(np.r_[np.arange(8, 92, 12), np.arange(92, 102, 2), np.arange(104, 3 * NSIDE, 8), 3 * NSIDE - 1])
    for ax, slope, title in zip(axes, SLOPES, TITLES, strict=True):
        curves = {label: [measured(name, slope, k, 2).max() for k in lmax] for name, label in shown.items()}
        bias_curves(lmax / NSIDE, curves, ax)
        ax.set(title=title, xlabel=r"lmax / nside", ylabel="")
    axes[0].set_ylabel(r"largest relative error of $\hat C_\ell$, $\ell \leq$ lmax")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    save_figure(path, fig, {"nside": NSIDE, "estimators": list(shown), "slopes": SLOPES})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table and the figure into docs/")
    text = table()
    print(text)
    if parser.parse_args().write:
        (HERE / "_estimators_table.md").write_text(text, encoding="utf-8")
        figure(HERE / "pictures" / "estimators.png")
