"""Everything that draws, always on `ax`; nothing here saves or shows."""

from sphfield.figures.colour import colour_bar, colour_map
from sphfield.figures.law import law_map, moment_growth, regime_strip, ridgelines
from sphfield.figures.mollweide import label_graticule, mollweide
from sphfield.figures.projection import project, raster, raster_alm
from sphfield.figures.spectra import estimate_on_theory, pulls, spectrum, untested
from sphfield.figures.validation import acceptance, bias_curves, coverage_bars, report_panel, report_panels

__all__ = [
    "acceptance",
    "bias_curves",
    "colour_bar",
    "colour_map",
    "coverage_bars",
    "estimate_on_theory",
    "label_graticule",
    "law_map",
    "mollweide",
    "moment_growth",
    "project",
    "pulls",
    "raster",
    "raster_alm",
    "regime_strip",
    "report_panel",
    "report_panels",
    "ridgelines",
    "spectrum",
    "untested",
]
