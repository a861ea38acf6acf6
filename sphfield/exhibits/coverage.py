"""Coverage as a product: a theory, maps and a statistic in; how often intervals hold the truth out, drawn and saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sphfield.ensembles.coverage import Coverage, coverage, interval_coverage
from sphfield.ensembles.ensemble import Ensemble, Maps, measure
from sphfield.ensembles.ranks import ranks_apart
from sphfield.exhibits.single import write_with_numbers
from sphfield.fields.gaussian import GaussianField
from sphfield.fields.pixels import nside_of
from sphfield.figures.axes import Figure, sheet
from sphfield.figures.validation import coverage_bars
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.intervals import chi2_interval, normal_interval
from sphfield.statistics.power import CoefficientPower
from sphfield.statistics.power import estimator as named_estimator
from sphfield.typing import Array, Statistic

__all__ = ["NamedStatistic", "power_coverage", "rank_coverage", "write_coverage"]

_LEVELS = (0.68, 0.95)
Progress = Callable[[str, int, int], object]


def rank_coverage(
    maps: Maps,
    theory: Spectrum,
    statistic: Statistic,
    size: int,
    simulations: int,
    seed: int,
    told: Progress | None,
) -> Coverage:
    """Any statistic of the first `size` maps, ranked among simulations of a theory; see `coverage`.

    The simulations have the indices from `size` on, so that the maps may be of the same ensemble. A statistic of
    whole numbers, or that is the same for two simulations, is discrete: ties are broken at random, by the same seed.

    Raises
    ------
    ValueError
        If there are too few simulations for the levels, or whatever `coverage` refuses.
    """
    ranks_apart(max(_LEVELS), simulations)  # refused before the work, not after it
    field = GaussianField(theory, nside_of(maps[0].size))
    tested = measure(maps, statistic, range(size), progress=_step(told, "maps"))
    drawn = range(size, size + simulations)
    reference = measure(Ensemble(field, seed), statistic, drawn, progress=_step(told, "simulations"))
    return coverage(
        tested, reference, levels=_LEVELS, rng=np.random.default_rng(seed) if _is_discrete(reference) else None
    )


def _is_discrete(values: Array) -> bool:
    in_order = np.sort(values, axis=0)
    return bool((values == np.floor(values)).all() or (in_order[1:] == in_order[:-1]).any())


@dataclass(frozen=True)
class NamedStatistic:
    """A user's function of a map by its name, which is in every complaint about it.

    Raises
    ------
    ValueError
        When called, if the function raises anything or returns no real numbers.
    """

    name: str
    function: Callable[[Array], Any]

    def __call__(self, m: Array) -> Array:
        """Its numbers."""
        try:
            found = np.asarray(self.function(m))
        except Exception as error:  # a user's code may raise anything
            raise ValueError(
                f"{self.name} raised {type(error).__name__}: {error}; it is called with a map, an array in RING order"
            ) from error
        if found.dtype.kind not in "buif" or not found.size:
            raise ValueError(f"{self.name} returned {found!r}: it must return real numbers, as many for each map")
        return found.astype(np.float64)


def power_coverage(
    maps: Maps, spectrum: Spectrum, estimator: str, size: int, told: Progress | None
) -> dict[str, Coverage]:
    """Intervals for C_ell from each map, the exact ones first, then the usual error bars; see `interval_coverage`.

    The estimator is called by its name and goes up to 1.5 nside, or as far as the spectrum.

    Raises
    ------
    ValueError
        If there is no estimator of that name.
    TypeError
        If it is one of coefficients, not of maps.
    """
    power = named_estimator(estimator, min(spectrum.lmax, 3 * nside_of(maps[0].size) // 2))
    if isinstance(power, CoefficientPower):
        raise TypeError("the estimator alm takes coefficients, and these are maps: use weighted or anafast")
    powers = measure(maps, power, range(size), progress=_step(told, "maps"))
    truth = spectrum.cl[: power.lmax + 1]
    kinds = {"chi-square": chi2_interval, "normal": normal_interval}
    return {name: interval_coverage(powers, truth, interval, levels=_LEVELS) for name, interval in kinds.items()}


def write_coverage(path: str | Path, found: Mapping[str, Coverage]) -> None:
    """Write a figure, a panel each, with the numbers as JSON beside it; or the JSON alone, for the suffix .json.

    Raises
    ------
    ValueError
        If the suffix is no format of figures, or the files cannot be written.
    """
    recipe = {"coverage": list(found), "maps": next(iter(found.values())).maps}
    write_with_numbers(path, {name: c.facts() for name, c in found.items()}, lambda: _figure(found), recipe)


def _figure(found: Mapping[str, Coverage]) -> Figure:
    figure = sheet(7.0, 0.4 + 3.4 * len(found))
    axes = figure.subplots(len(found), 1, squeeze=False, sharey=True)[:, 0]
    for ax, (name, c) in zip(axes, found.items(), strict=True):
        points = coverage_bars(c, ax)
        ax.set_title(f"{name}: {'passed' if c.passed else 'refused'}, {c.maps} map{'s' if c.maps > 1 else ''}")
    figure.legend(handles=points, frameon=False, loc="outside lower center", ncols=len(points))
    return figure


def _step(told: Progress | None, what: str) -> Callable[[int, int], object] | None:
    return None if told is None else lambda done, total: told(what, done, total)
