"""Drawn maps against their theory, and the colour bars of arXiv 2405.09541 against simulated ones; Checks out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np

from sphfield.ensembles.ensemble import Ensemble, measure
from sphfield.exhibits.checks import Check
from sphfield.exhibits.exhibition import DEPTHS, Exhibition, moments
from sphfield.fields.gaussian import GaussianField
from sphfield.networks.activations import Gaussian, LeakyReLU, ReLU, Sigmoid, Tanh
from sphfield.networks.network import Regime
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Activation, Array

__all__ = ["COLOUR_BARS", "colour_bar_checks", "log_tail", "scatter_checks"]

FALSE_ALARMS = 1e-3  # of all panels together
DRAWS = 200  # a further one lies outside their range with probability 2 / 201
_LOST = 0.01  # of the variance about the mean: what a map for a comparison may lack

# ends of the colour bars at L = 1, 20, 40, 60, 80, as printed
COLOUR_BARS: dict[Activation, str] = {
    Gaussian(2.0): "-2.294|-0.359 -1.697|-1.541 -1.583|-1.566 -1.592|-1.590 -1.5729|-1.5725",
    Sigmoid(): "-1.16|0.37 -2.110|-1.951 -0.840|-0.826 -0.468|-0.466 -1.3385|-1.3382",
    ReLU(): "-2.07|0.099 -1.945|-0.863 -1.873|-1.070 -1.859|-1.182 -1.815|-1.208",
    LeakyReLU(0.01): "-1.44|2.09 -0.22|0.89 0.03|0.72 -0.60|-0.09 -0.25|0.54",
    Tanh(): "-0.825|0.825 -2.314|2.314 -3.39|3.38 -4.75|4.38 -4.79|4.25",
}
# these are Gaussian fields drawn from spectra averaged over networks, the others single networks
_AVERAGED = (Gaussian(2.0), ReLU(), Tanh())


def scatter_checks(show: Exhibition) -> list[Check]:
    """The standard deviation of every drawn map against its law; one line a row, for its least likely panel.

    The variance of a map about its mean is a sum over ell >= 1 of law times chi-square over its 2 ell + 1 degrees of
    freedom. Chernoff's bound on its tails and Bonferroni's over the panels keep false alarms below `FALSE_ALARMS`.
    """
    smallest = FALSE_ALARMS / (2.0 * len(show.activations) * len(show.depths))
    checks = []
    for row in range(len(show.activations)):
        tails = []
        for column, depth in enumerate(show.depths):
            s = show.spectrum(row, column)
            std = moments(show.alm(row, column), show.lmax)[1]
            tails.append((log_tail(s.law[1:], std**2), depth, float(np.sqrt(s.law[1:].sum())), std))
        log_p, depth, expected, std = min(tails)
        what = f"std of the maps, {show.title(row)}, least likely: L = {depth}"
        tolerance, why = f"p >= {smallest:.0e}", f"Chernoff: p <= {np.exp(log_p):.2g}; {FALSE_ALARMS:g} over all panels"
        passed = bool(log_p >= np.log(smallest))
        checks.append(Check(what, f"{expected:.4g}", f"{std:.4g}", tolerance, why, passed))
    return checks


def log_tail(law: Array, total: float) -> float:
    """Chernoff's bound on log P(S >= total), or <= total below the mean; S = sum_ell law chi^2_(2 ell + 1)/(2 ell + 1).

    Parameters
    ----------
    law : array, shape (n,)
        Shares for ell = 1 ... n; their sum is the mean of S.
    total
        Positive.

    Examples
    --------
    >>> round(log_tail(np.array([1.0]), 1.0), 12) == 0.0  # no bound at the mean
    True
    """
    dof = 2.0 * np.arange(1.0, law.size + 1.0) + 1.0
    dof, law = dof[law > 0.0], law[law > 0.0]
    weight = law / dof
    unit = float(weight.max())  # t in units of the largest weight, whose pole is at 1/2
    low, high = (0.0, 0.5) if total > law.sum() else (-1.0, 0.0)
    while low < 0.0 and _mean(low, law, weight / unit) > total:
        low *= 4.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _mean(middle, law, weight / unit) < total else (low, middle)
    generating = -0.5 * np.sum(dof * np.log1p(-2.0 * low * weight / unit))
    return min(0.0, float(generating - low * total / unit))


def _mean(t: float, law: Array, weight: Array) -> float:
    # derivative of the cumulant generating function
    return float(np.sum(law / (1.0 - 2.0 * t * weight)))


def colour_bar_checks(show: Exhibition) -> list[Check]:
    """The published difference of each colour bar's ends against the range of `DRAWS` of our Gaussian fields.

    It counts at depth 1, where the mean spectrum of networks of any width is that of infinitely wide ones, for maps
    drawn from mean spectra. The rest informs: the width of the networks, by which deeper spectra shift like L / n, and
    in a single network the overall scale too, is not known.
    """
    checks = []
    for row, activation in enumerate(show.activations):
        bars = dict(zip(DEPTHS, COLOUR_BARS.get(activation, "").split(), strict=False))
        known = [(column, bars[depth]) for column, depth in enumerate(show.depths) if depth in bars]
        checks += [_colour_bar(show, row, column, bar) for column, bar in known]
        if bars and show.network(row, 0).regime() == Regime.LOW:
            checks.append(_decay(show.title(row), show.network(row, 0).slope, bars))
    return checks


def _colour_bar(show: Exhibition, row: int, column: int, bar: str) -> Check:
    activation, depth = show.activations[row], show.depths[column]
    found, slack, shown = _length(bar)
    what = f"colour bar of {show.title(row)}, L = {depth}"
    s = show.spectrum(row, column)
    nside = _carrying(s, show.nside)
    if nside is None:
        return Check(what, "", shown, "", f"nside = {show.nside}, lmax = {s.lmax} do not carry this field", None)
    cl = np.array(s.cl[: 2 * nside + 1])
    cl[0] = 0.0  # beside the constant of a deep low-disorder network nothing else would have a digit
    field = GaussianField(Spectrum(cl), nside)
    drawn = measure(Ensemble(field, show.seed), _spread, range(DRAWS))
    first, last = float(drawn.min()), float(drawn.max())
    inside = first - slack <= found <= last + slack
    expected, tolerance = f"{first:.3g} ... {last:.3g}", f"{DRAWS} draws"
    if activation in _AVERAGED and depth == 1:
        return Check(what, expected, shown, tolerance, "outside by chance: 1 %", inside)
    source = "mean spectrum" if activation in _AVERAGED else "one network"
    verdict = "inside" if inside else "outside"
    return Check(what, expected, shown, tolerance, f"{verdict}; {source}, finite width unknown", None)


def _decay(title: str, slope: float, bars: Mapping[int, str]) -> Check:
    """Power lost per layer between L = 20 and 80: with the same normals the maps are one field, times slope^(L/2)."""
    (first, a, _), (last, b, _) = (_length(bars[depth]) for depth in (20, 80))
    ends = [(y / x) ** (2.0 / 60.0) for x, y in ((first + a, last - b), (first - a, last + b))]
    what = f"power kept per layer by colour bars, {title}"
    found = f"{ends[0]:.3f} ... {ends[1]:.3f}"
    return Check(what, f"{slope:.3f}", found, "", "L = 20 to 80, printed digits; finite width unknown", None)


def _length(bar: str) -> tuple[float, float, str]:
    """Difference of the ends of a colour bar, how far it is rounded, and as printed."""
    low, high = (Decimal(end) for end in bar.split("|"))
    slack = 0.5 * sum(10.0 ** int(end.as_tuple().exponent) for end in (low, high))
    return float(high - low), slack, str(high - low)


def _spread(m: Array) -> Array:
    return np.array([np.ptp(m)])


def _carrying(s: Spectrum, largest: int) -> int | None:
    """The coarsest map, of nside 32 or more if `largest` allows, that nearly all of the field's variation fits on."""
    scatter = s.tail + float(s.law[1:].sum())
    nside = min(32, largest)
    while nside <= largest:
        if s.tail + float(s.law[2 * nside + 1 :].sum()) <= _LOST * scatter:
            return nside
        nside *= 2
    return None
