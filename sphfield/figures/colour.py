"""Names of colour maps in, colour maps out; and one colour bar for all panels that share it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap

__all__ = ["colour_bar", "colour_map"]

_PACKAGES = {"cmc": "cmcrameri", "cmr": "cmasher"}


def colour_map(name: str | Colormap) -> Colormap:
    """A colour map by name: matplotlib's, ``cmc.*`` of cmcrameri or ``cmr.*`` of cmasher where these are installed.

    Raises
    ------
    ModuleNotFoundError
        For ``cmc.*`` or ``cmr.*`` without their package, with the line that installs it.
    ValueError
        For a name that nobody knows, with the nearest ones.

    Examples
    --------
    >>> colour_map("RdBu_r").name
    'RdBu_r'
    """
    if isinstance(name, Colormap):
        return name
    package = _PACKAGES.get(name.partition(".")[0])
    if package is not None:
        try:
            import_module(f"{package}.cm")
        except ModuleNotFoundError as error:
            error.add_note(f"colour map {name!r} comes with {package}: pip install {package}")
            raise
    if name not in matplotlib.colormaps:
        near = get_close_matches(name, list(matplotlib.colormaps), n=3) or ["RdBu_r", "viridis"]
        raise ValueError(f"unknown colour map {name!r}: did you mean {' or '.join(near)}?")
    return matplotlib.colormaps[name]


def colour_bar(mappable: ScalarMappable, axes: Axes | Iterable[Axes], label: str) -> Colorbar:
    """One horizontal colour bar below all ``axes``, pointed where values lie beyond its ends.

    Parameters
    ----------
    mappable
        Any one of the panels' images, as ``mollweide`` returns it.
    axes
        The panel or panels that the bar belongs to; it takes its room from them.
    label
        What is coloured, with its unit if it has one.

    Raises
    ------
    ValueError
        If the panels' images do not share the bar's colour limits: then one bar cannot be right for all of them.
    """
    panels = [axes] if isinstance(axes, Axes) else list(np.ravel(np.asarray(axes, dtype=object)))
    limits = mappable.get_clim()
    images = [image for panel in panels for image in panel.images]
    for image in images:
        if image.get_clim() != limits:
            raise ValueError(
                f"a panel has colour limits {image.get_clim()}, the colour bar {limits}: "
                "draw all panels with the same vmin and vmax"
            )
    values: list[Any] = [image.get_array() for image in images]  # masked outside the ellipse
    low, high = any((v < limits[0]).any() for v in values), any((v > limits[1]).any() for v in values)
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[low, high]
    return panels[0].figure.colorbar(
        mappable, ax=panels, label=label, orientation="horizontal", extend=extend, fraction=0.05, pad=0.04, aspect=40
    )
