"""A HEALPix map, a_lm or a raster in, a Mollweide picture on an Axes out."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap
from matplotlib.image import AxesImage
from matplotlib.patches import Ellipse
from matplotlib.text import Text
from numpy.typing import ArrayLike

from sphfield.figures.axes import current
from sphfield.figures.colour import colour_map
from sphfield.figures.projection import project, raster, raster_alm
from sphfield.typing import Array

__all__ = ["label_graticule", "mollweide"]


def mollweide(
    sky: ArrayLike,
    ax: Axes | None = None,
    *,
    vmin: float | None = None,
    vmax: float | None = None,
    cmap: str | Colormap = "RdBu_r",
    graticule: float | None = None,
    width: int = 800,
) -> AxesImage:
    """Draw the whole sphere: longitude 0 in the centre and growing to the left, north up, as ``healpy.mollview``.

    Parameters
    ----------
    sky : array_like
        A HEALPix map (real, one-dimensional, RING order), a_lm (complex, one-dimensional, healpy's order), or a
        raster (real, two-dimensional) of `raster` or `raster_alm`. Pixels without a finite value are grey.
    ax : Axes, optional
        Where to draw, otherwise pyplot's current axes. Its ticks and frame are switched off.
    vmin, vmax : float, optional
        Ends of the colour scale; each that is absent lies at the largest absolute value, so that 0 is the middle.
    cmap : str or Colormap
        See `colour_map`.
    graticule : float, optional
        Degrees between meridians and between parallels; no lines if absent.
    width : int
        Columns of the raster. Sharpest, and fastest, with as many as the panel has pixels.

    Returns
    -------
    AxesImage
        For `colour_bar`, or for new data in an animation.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> image = mollweide(np.arange(12.0) - 4.0, ax, graticule=30)
    >>> image.get_clim()
    (-7.0, 7.0)
    """
    ax = current(ax)
    pixels = _pixels(sky, width)
    if vmin is None or vmax is None:
        extreme = float(np.max(np.abs(pixels), where=np.isfinite(pixels), initial=0.0)) or 1.0
        vmin, vmax = -extreme if vmin is None else vmin, extreme if vmax is None else vmax
    image = ax.imshow(
        pixels,
        cmap=colour_map(cmap),
        vmin=vmin,
        vmax=vmax,
        extent=(-2.0, 2.0, -1.0, 1.0),
        origin="upper",
        interpolation="nearest",
        interpolation_stage="data",  # colours after resampling: a third of the time, and no mixed colours
    )
    outline = Ellipse((0.0, 0.0), 4.0, 2.0, facecolor="none", edgecolor="black", linewidth=0.7, zorder=2.0)
    ax.add_artist(outline)
    image.set_clip_path(outline)
    ax.add_artist(Ellipse((0.0, 0.0), 4.0, 2.0, facecolor="0.75", edgecolor="none", zorder=-1.0))
    if graticule is not None:
        lines = LineCollection(_graticule(graticule), colors="black", linewidths=0.4, alpha=0.45, zorder=1.5)
        ax.add_collection(lines, autolim=False)
    ax.set(xlim=(-2.02, 2.02), ylim=(-1.02, 1.02))
    ax.set_axis_off()
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_visible(False)  # else every title asks all invisible tick labels for their size: 15 ms a panel
    return image


def _pixels(sky: ArrayLike, width: int) -> Array:
    if np.iscomplexobj(sky):
        return raster_alm(sky, width)
    if np.ndim(sky) == 2:
        return np.asarray(sky, dtype=np.float64)
    return raster(sky, width)


@lru_cache(maxsize=8)
def _graticule(step: float) -> tuple[Array, ...]:
    if not 0.0 < step <= 90.0:
        raise ValueError(f"graticule = {step} degrees: give a step in (0, 90], or None for no lines")
    latitude = np.linspace(-90.0, 90.0, 61)
    meridians = [np.stack(project(lon, latitude), axis=-1) for lon in _multiples(step, 180.0)]
    parallels = [np.array([(x, y), (-x, y)]) for x, y in map(_left_limb, _multiples(step, 90.0))]
    return (*meridians, *parallels)


def _left_limb(lat: float) -> tuple[float, float]:
    x, y = project(90.0, lat)  # a parallel is straight and evenly divided, and 180 degrees would lie at both limbs
    return 2.0 * float(x), float(y)


def _multiples(step: float, end: float) -> Array:
    """Multiples of ``step`` strictly between -end and end."""
    n = int(np.ceil(end / step)) - 1
    return step * np.arange(-n, n + 1, dtype=np.float64)


def label_graticule(ax: Axes | None = None, step: float = 30.0) -> list[Text]:
    """Write longitudes (0 to 360 degrees) along the equator and latitudes beside the left limb.

    ``step`` is that of the graticule, in degrees. Draw the picture first: it sets the limits of ``ax``.
    """
    ax = current(ax)
    _graticule(step)  # refuses a step that cannot be drawn
    texts = []
    for lon in _multiples(step, 180.0):
        texts.append(
            ax.text(float(project(lon, 0.0)[0]), -0.02, f"{lon % 360:g}°", ha="center", va="top", fontsize="x-small")
        )
    for lat in _multiples(step, 90.0):
        left, y = _left_limb(lat)
        texts.append(
            ax.text(left - 0.03, y, f"{lat:+g}°" if lat else "0°", ha="right", va="center", fontsize="x-small")
        )
    return texts
