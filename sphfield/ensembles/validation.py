"""Does an ensemble of maps carry this spectrum? Maps and C_ell in, a Report out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sphfield.ensembles.ensemble import Ensemble, measure
from sphfield.fields.gaussian import GaussianField
from sphfield.fields.pixels import nside_of
from sphfield.fields.transforms import alm2cl
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Array

__all__ = ["Report", "validate"]

_PROBES = 4  # maps with known a_lm on which the bias of the analysis is measured; it hardly varies between maps
_TOLERATED = 0.1  # of the standard error: shifts a pull by a tenth at most


@dataclass(frozen=True, eq=False)
class Report:
    r"""Mean estimated spectrum of an ensemble against the expected one; all arrays have shape (lmax + 1,).

    ``pulls`` are (mean - expected) in units of the standard error of a Gaussian field,
    :math:`C_\ell \sqrt{2 / ((2\ell + 1) N)}`; ``bias`` is the measured relative error of the analysis; ``tested``
    marks the multipoles where C_ell is known and both its error and that bias stay below a tenth of a standard error.
    """

    expected: Array
    mean: Array
    bias: Array
    tested: NDArray[np.bool_]
    size: int
    alpha: float

    @property
    def ell(self) -> Array:
        """0 ... lmax."""
        return np.arange(self.expected.size, dtype=np.float64)

    @property
    def pulls(self) -> Array:
        """Deviation of the mean in standard errors, NaN where C_ell = 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.expected > 0, (self.mean / self.expected - 1) / _scatter(self.ell, self.size), np.nan)

    @property
    def pvalue(self) -> float:
        r"""Chance of a multipole as far off as the worst one, among all tested.

        Each :math:`N (2\ell + 1) \hat C_\ell / C_\ell` is chi-square with :math:`N (2\ell + 1)` degrees of freedom;
        the smallest two-sided p-value is multiplied by the number of multipoles tested (Bonferroni).
        """
        tested = self.tested
        dof = self.size * (2 * self.ell[tested] + 1)
        statistic = dof * self.mean[tested] / self.expected[tested]
        both_tails = 2 * np.minimum(special.chdtr(dof, statistic), special.chdtrc(dof, statistic))
        return float(min(1.0, both_tails.min(initial=1.0) * tested.sum()))

    @property
    def passed(self) -> bool:
        """Whether the p-value is above alpha; a right sampler fails with probability alpha at most."""
        return self.pvalue > self.alpha

    def __str__(self) -> str:
        worst = int(np.nanargmax(np.where(self.tested, np.abs(self.pulls), -1.0)))
        return (
            f"{'passed' if self.passed else 'FAILED'}: {self.size} maps, {int(self.tested.sum())} of "
            f"{self.ell.size} multipoles tested, p = {self.pvalue:.2g} (alpha = {self.alpha}), "
            f"worst ell = {worst} at {self.pulls[worst]:+.2f} standard errors"
        )


def _scatter(ell: Array, size: int) -> Array:
    return np.sqrt(2.0 / ((2.0 * ell + 1.0) * size))


def validate(
    ensemble: Ensemble,
    spectrum: Spectrum,
    size: int,
    *,
    iterations: int = 3,
    alpha: float = 0.01,
    progress: Callable[[int, int], object] | None = None,
) -> Report:
    """Estimate the spectrum of the first `size` maps of an ensemble and compare it with the expected one.

    Parameters
    ----------
    ensemble, spectrum, size
        Maps of a Gaussian field, its C_ell, and how many maps to draw. Multipoles up to ell = 1.5 nside are compared:
        beyond, no analysis of a HEALPix map is accurate.
    iterations
        Jacobi iterations of the analysis. Its bias is measured on maps of the expected spectrum with known a_lm; with
        6, more multipoles of a steep spectrum can be tested.
    alpha
        Probability that a right sampler is refused.
    progress
        Called as ``progress(done, total)`` after each map.

    Raises
    ------
    ValueError
        If `size` is not positive, or no multipole can be tested.

    Examples
    --------
    >>> import numpy as np
    >>> s = Spectrum(1.0 / np.arange(1.0, 10.0) ** 2)
    >>> validate(Ensemble(GaussianField(s, nside=8), seed=1), s, size=50).passed
    True
    """
    nside = nside_of(ensemble[0].size)
    lmax = min(spectrum.lmax, 3 * nside // 2)
    power = PowerSpectrum(lmax, iterations)
    mean = measure(ensemble, power, range(size), progress=progress).mean(axis=0)
    bias = _bias(Ensemble(GaussianField(spectrum, nside), ensemble.seed), power)
    expected, error = spectrum.cl[: lmax + 1], spectrum.error[: lmax + 1]
    tolerated = _TOLERATED * _scatter(np.arange(lmax + 1.0), size)
    tested = (expected > 0) & (error < tolerated) & (np.abs(bias) < tolerated)
    if not tested.any():
        raise ValueError("no multipole can be tested: draw fewer maps, or use more iterations")
    return Report(expected, mean, bias, tested, size, alpha)


def _bias(known: Ensemble, power: PowerSpectrum) -> Array:
    field = known.sampler
    ratios = []
    for i in range(_PROBES):
        drawn = alm2cl(field.alm(known.rng(i)))[: power.lmax + 1]  # type: ignore[attr-defined]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios.append(np.where(drawn > 0, power(known[i]) / drawn - 1.0, 0.0))
    worst: Array = np.abs(ratios).max(axis=0)
    return worst
