"""Rows of fields across depth in, a sheet of Mollweide maps with their amplitudes on a Figure out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from sphfield.figures.colour import colour_map
from sphfield.figures.mollweide import mollweide
from sphfield.typing import Array

__all__ = ["Panel", "Row", "Scale", "gallery"]

Scale = Literal["standardised", "shared", "panel"]
CAPTIONS = {
    "standardised": "each map minus its mean, divided by its standard deviation (below it, with the amplitude bar)",
    "shared": "all maps on one colour scale, in units of the standard deviation of the field at a point",
    "panel": "each map on a colour scale of its own, symmetric about its mean",
}
UNITS = {
    "standardised": r"$(T - \bar T) \,/\, \mathrm{std}(T)$",
    "shared": r"$T$",
    "panel": r"$(T - \bar T) \,/\, \max |T - \bar T|$",
}


@dataclass(frozen=True, eq=False)
class Panel:
    """One map: its raster (rows, columns) as drawn, and what its numbers are.

    ``mean`` and ``std`` are those of the map over the sphere, ``share`` the part of the variance of the field that
    the multipoles drawn hold.
    """

    depth: int
    raster: Array
    mean: float
    std: float
    share: float


@dataclass(frozen=True, eq=False)
class Row:
    """One network at several depths: a label of a few lines, its panels, and a sentence on what depth does to it."""

    label: str
    panels: Sequence[Panel]
    verdict: str


def gallery(
    rows: Sequence[Row], figure: Figure | None = None, *, scale: Scale = "standardised", title: str = ""
) -> Figure:
    """Draw one row of maps a network, one column a depth; under each map its amplitude on a logarithmic axis.

    Parameters
    ----------
    rows
        At least one; all with the same depths.
    figure
        Drawn on and resized; a new one if absent, which belongs to no pyplot window.
    scale
        ``"standardised"``: (T - mean) / std between -3 and 3. ``"shared"``: T between -3 and 3, so that amplitudes
        compare. ``"panel"``: each map between its own extremes about its mean.
    title
        Heading of the sheet.

    Raises
    ------
    ValueError
        If there is nothing to draw, or the scale is unknown.
    """
    if not rows or not all(row.panels for row in rows):
        raise ValueError("nothing to draw: give at least one activation and one depth")
    if scale not in CAPTIONS:
        raise ValueError(f"scale = {scale!r} is not known: use one of {', '.join(CAPTIONS)}")
    columns = max(len(row.panels) for row in rows)
    width, height = 3.0 * columns + 1.6, 2.35 * len(rows) + 1.35
    figure = figure or Figure()
    figure.set_size_inches(width, height)
    floor = min(p.std for row in rows for p in row.panels if p.std > 0)
    decades = (10.0 ** min(-2.0, np.floor(np.log10(floor))), 2.0)
    for i, row in enumerate(rows):
        top = height - 0.95 - 2.35 * i  # inches from the bottom
        figure.text(0.08 / width, (top - 0.75) / height, row.label, va="center", fontsize=11, linespacing=1.5)
        for j, panel in enumerate(row.panels):
            left = 1.6 + 3.0 * j
            ax = figure.add_axes((left / width, (top - 1.45) / height, 2.9 / width, 1.45 / height))
            _map(ax, panel, scale)
            if i == 0:
                ax.set_title(f"depth L = {panel.depth}", fontsize=11)
            bar = figure.add_axes(((left + 0.55) / width, (top - 1.67) / height, 1.8 / width, 0.07 / height))
            _amplitude(bar, panel, decades, last=i == len(rows) - 1)
        figure.text(1.65 / width, (top - 2.03) / height, row.verdict, fontsize=10, style="italic", va="center")
    _legend(figure, scale, title, (width, height))
    return figure


def _map(ax: Axes, panel: Panel, scale: Scale) -> None:
    about_mean = panel.raster - panel.mean
    if scale == "shared":
        shown, end = panel.raster, 3.0
    elif scale == "standardised":
        shown, end = about_mean / (panel.std or 1.0), 3.0
    else:
        end = float(np.nanmax(np.abs(about_mean))) or 1.0
        shown = about_mean
    mollweide(shown, ax, vmin=-end, vmax=end)


def _amplitude(ax: Axes, panel: Panel, decades: tuple[float, float], *, last: bool) -> None:
    ax.set(xscale="log", xlim=decades, ylim=(0.0, 1.0), yticks=[])
    ax.barh(0.5, panel.std - decades[0], left=decades[0], height=1.0, color="0.25")
    ax.set_facecolor("0.9")
    for side in ax.spines.values():
        side.set_visible(False)
    exponents = np.arange(round(np.log10(decades[0])), 1)
    ax.set_xticks(10.0**exponents, [f"$10^{{{e}}}$" if e in (exponents[0], 0) and last else "" for e in exponents])
    ax.tick_params(axis="x", which="major", length=2, labelsize=7, pad=1)
    ax.minorticks_off()
    share = f"{100 * panel.share:.3g} %" if panel.share < 0.9995 else "100 %"
    ax.text(
        0.5,
        1.5,
        f"mean {panel.mean:+.2f}   std {panel.std:.2g}   {share} drawn",
        transform=ax.transAxes,
        ha="center",
        fontsize=7.5,
    )


def _legend(figure: Figure, scale: Scale, title: str, size: tuple[float, float]) -> None:
    width, height = size
    figure.text(0.5, 1 - 0.22 / height, title, ha="center", va="center", fontsize=14, weight="bold")
    figure.text(0.5, 1 - 0.5 / height, CAPTIONS[scale], ha="center", va="center", fontsize=10)
    end = 1.0 if scale == "panel" else 3.0
    ax = figure.add_axes((0.35, 0.27 / height, 0.3, 0.1 / height))
    bar = figure.colorbar(ScalarMappable(Normalize(-end, end), colour_map("RdBu_r")), cax=ax, orientation="horizontal")
    bar.ax.tick_params(labelsize=8, pad=1, length=2)
    figure.text(0.66, 0.32 / height, UNITS[scale], va="center", fontsize=10)
    figure.text(1.6 / width, 0.32 / height, "grey bar: std on a logarithmic axis", va="center", fontsize=9, color="0.3")
