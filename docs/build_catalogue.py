"""Write docs/catalogue.md and its thumbnails: a row for every activation, all numbers computed here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sphfield.exhibits.exhibition import Exhibition, moments
from sphfield.exhibits.inspect import inspect
from sphfield.figures import mollweide, raster_alm
from sphfield.figures.axes import sheet
from sphfield.networks import activations
from sphfield.networks.hermite import dual_of
from sphfield.networks.names import activation
from sphfield.networks.polar import PolarDual

HERE = Path(__file__).parent
FOLDER = HERE / "_catalogue"
DEPTHS = (1, 5, 20)
LMAX = 128

INTRODUCTION = """# Catalogue

Every activation by the name that the command line knows, with default parameters. `sphfield inspect NAME` shows one of
them in full.

| name | variance | κ′(1) | regime | CRI | critical bias | u* | kernel by |
|---|---|---|---|---|---|---|---|
"""
PICTURES = """
## Maps

The activation on -4 ... 4, and maps at depths 1, 5 and 20 with the same normals, each minus its mean and divided by its
standard deviation.

| name | depths 1, 5, 20 |
|---|---|
"""


def thumbnails(name: str) -> str:
    sigma = activation(name)
    figure = sheet(6.4, 1.0)
    axes = figure.subplots(1, 4, width_ratios=[0.8, 2, 2, 2])
    z = np.linspace(-4.0, 4.0, 401)
    axes[0].plot(z, sigma(z), color="black", lw=1.2)
    axes[0].set(xticks=[], yticks=[])
    show = Exhibition((sigma,), DEPTHS, lmax=LMAX)
    for column, ax in enumerate(axes[1:]):
        alm = show.alm(0, column)
        mean, std = moments(alm, LMAX)
        mollweide((raster_alm(alm, 200) - mean) / (std or 1.0), ax, vmin=-3.0, vmax=3.0)
    path = FOLDER / f"{name.lower()}.png"
    figure.savefig(path, dpi=100)
    return f"![{name}: the activation, and maps at depths 1, 5, 20](_catalogue/{path.name})"


def number(value: float | None, none: str) -> str:
    return none if value is None else f"{value:.6g}"


def row(name: str) -> str:
    sigma = activation(name)
    facts = inspect(sigma, (1,), lmax=8)
    dual = dual_of(sigma)
    route = "closed form" if dual is sigma else "polar quadrature" if isinstance(dual, PolarDual) else "Hermite series"
    cells = [
        f"[`{name}`](#sphfield.networks.activations.{name})",
        number(facts["variance"], ""),
        number(facts["slope"], "∞"),
        facts["regime"],
        number(facts["cri"], "∞"),
        number(facts["critical_bias"], "none"),
        number(facts["fixed_point"], ""),
        route,
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    names = sorted(activations.__all__, key=str.lower)
    numbers = "\n".join(map(row, names)) + "\n"
    pictures = "\n".join(f"| `{name}` | {thumbnails(name)} |" for name in names) + "\n"
    (HERE / "catalogue.md").write_text(INTRODUCTION + numbers + PICTURES + pictures, encoding="utf-8")


if __name__ == "__main__":
    main()
