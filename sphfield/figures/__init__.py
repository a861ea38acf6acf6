"""Everything that draws, always on `ax`; nothing here saves or shows."""

from sphfield.figures.colour import colour_bar, colour_map
from sphfield.figures.mollweide import label_graticule, mollweide
from sphfield.figures.projection import project, raster, raster_alm
from sphfield.figures.spectra import estimate_on_theory, pulls, spectrum, untested

__all__ = [
    "colour_bar",
    "colour_map",
    "estimate_on_theory",
    "label_graticule",
    "mollweide",
    "project",
    "pulls",
    "raster",
    "raster_alm",
    "spectrum",
    "untested",
]
