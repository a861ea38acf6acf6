"""C_ell of a user's own maps: maps and an estimator in; mean, error, measured bias and pulls out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphfield.ensembles.ensemble import measure
from sphfield.ensembles.stored import StoredPower
from sphfield.fields.accuracy import on_exact_power
from sphfield.fields.files import FitsMaps
from sphfield.provenance import describe, version
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import Binned, CoefficientPower, Estimator
from sphfield.typing import Array

__all__ = ["PowerEstimate", "estimate", "printed_estimate"]

_PROBES = 4  # maps on which the bias is measured
_ROUNDING = 1e-24  # of the largest C_ell: less is what is left of 0
_SHOWN = 5  # multipoles named in a remark


@dataclass(frozen=True, eq=False)
class PowerEstimate:
    r"""Estimated C_ell of some maps; the arrays have shape (n,), one value a band of multipoles.

    ``ell`` is the first multipole of each band and ``last`` its last; ``error`` is the standard error of the mean if
    the maps are Gaussian fields of the expected power, or else the estimated one; ``scatter`` the standard deviation
    between maps in units of what that predicts, NaN for a single map; ``bias`` the largest relative error of the
    analysis on maps of known power up to ell = ``band``, again the expected or the estimated one, NaN where that is 0;
    ``expected`` is the theory, NaN without one; ``slope`` is the n of ell**n that the upper half of the estimate
    follows, NaN if it is too short.
    """

    maps: FitsMaps | StoredPower
    estimator: Estimator
    ell: Array
    last: Array
    mean: Array
    error: Array
    scatter: Array
    bias: Array
    expected: Array
    slope: float
    band: int

    @property
    def title(self) -> str:
        """What was measured, and how."""
        n = len(self.maps)
        return f"{n} {'map' if n == 1 else 'maps'}, nside {self.maps.nside}, {self.estimator.label}"

    @property
    def pull(self) -> Array:
        """(mean - expected) / error, NaN without a theory."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.error > 0, (self.mean - self.expected) / self.error, np.nan)

    def facts(self) -> dict[str, Any]:
        """Everything as JSON-ready values; what is not known is None."""
        rows = {name: getattr(self, name) for name in ("mean", "error", "scatter", "bias", "expected", "pull")}
        return {
            "maps": describe(self.maps),
            "nside": self.maps.nside,
            "estimator": self.estimator.label,
            "slope": _number(self.slope),
            "band": self.band,
            "ell": self.ell.tolist(),
            "last": self.last.tolist(),
            **{name: [_number(v) for v in values] for name, values in rows.items()},
            "version": version(),
        }


def estimate(
    maps: FitsMaps | StoredPower,
    estimator: Estimator,
    *,
    theory: Spectrum | None = None,
    band: int | None = None,
    edges: tuple[int, ...] | None = None,
    progress: Callable[[str, int, int], object] | None = None,
) -> PowerEstimate:
    """Estimate the mean spectrum of maps, with its error, the bias of the analysis, and pulls from a theory.

    Parameters
    ----------
    maps : FitsMaps or StoredPower
    estimator : Estimator
        That of the store for what is stored.
    theory : Spectrum, optional
        To compare with, as far as the maps have power: the bias is then measured on maps of it, otherwise on maps of
        the estimate, which is taken to go on as the power law of its upper half.
    band : int, optional
        Last multipole of the maps: what they have beyond lmax is aliased. 2 nside, or lmax, if not given.
    edges : tuple of int, optional
        Bands, as `Binned` takes them; each multipole by itself if not given.

    Raises
    ------
    ValueError
        If a file is no full-sky HEALPix map, the maps differ in nside, the edges make no bands, or the theory or the
        band ends before the estimator.
    TypeError
        If the estimator is of coefficients, not of maps.
    """
    if isinstance(estimator, CoefficientPower):
        raise TypeError("the estimator alm takes coefficients, and these are maps: use weighted or anafast")
    band = max(estimator.lmax, 2 * maps.nside) if band is None else band
    ends = band if theory is None else min(band, theory.lmax)
    if ends < estimator.lmax:
        raise ValueError(
            f"the {'maps end' if ends == band else 'theory ends'} at ell = {ends}, the estimate at lmax = "
            f"{estimator.lmax}: lower lmax{', or raise band' if ends == band else ''}"
        )
    bands = Binned(estimator, tuple(range(estimator.lmax + 2)) if edges is None else edges)
    told = None if progress is None else lambda done, total: progress("maps", done, total)
    if isinstance(maps, StoredPower):
        powers = maps.values()
    else:
        powers = measure(maps, estimator, range(len(maps)), progress=told)
    return _estimated(maps, estimator, bands, powers, None if theory is None else theory.cl[: ends + 1], ends)


def _estimated(
    maps: FitsMaps | StoredPower, estimator: Estimator, bands: Binned, powers: Array, theory: Array | None, band: int
) -> PowerEstimate:
    mean = powers.mean(axis=0)
    slope, known = _continued(mean, band)
    known = known if theory is None else theory
    one_map, banded, truth = _scatter(bands, known), bands.of(powers), bands.of(known)
    spread = banded.std(axis=0, ddof=1) if len(maps) > 1 else np.full(truth.size, np.nan)
    seen = bands.of(on_exact_power(estimator, known, maps.nside, draws=_PROBES))
    unknown = np.full(seen.shape, np.nan)
    return PowerEstimate(
        maps=maps,
        estimator=estimator,
        ell=np.array(bands.edges[:-1]),
        last=np.array(bands.edges[1:]) - 1,
        mean=bands.of(mean),
        error=one_map / np.sqrt(len(maps)),
        scatter=np.divide(spread, one_map, out=unknown[0].copy(), where=one_map > 0),
        bias=np.abs(np.divide(seen, truth, out=unknown, where=truth > 0) - 1.0).max(axis=0),
        expected=np.full(truth.size, np.nan) if theory is None else truth,
        slope=slope,
        band=known.size - 1,
    )


def _continued(mean: Array, band: int) -> tuple[float, Array]:
    """The slope of the upper half of a spectrum, and the spectrum without rounding noise, continued so to the band."""
    cl = np.where(mean > _ROUNDING * mean.max(), mean, 0.0)
    ell, lmax = np.arange(band + 1.0), cl.size - 1
    used = np.flatnonzero(cl > 0)
    used = used[used >= max(2, cl.size // 2)]
    if used.size < 3:
        return float("nan"), cl
    slope, level = np.polyfit(np.log(ell[used]), np.log(cl[used]), 1)
    # a rise is noise, which does not grow for ever
    beyond = np.exp(level) * lmax**slope * (ell[lmax + 1 :] / lmax) ** min(slope, 0.0)
    return float(slope), np.concatenate([cl, beyond])


def _scatter(bands: Binned, cl: Array) -> Array:
    # Var of a band: sum of 2 (2 ell + 1) C^2 over (sum of 2 ell + 1)^2
    width = np.array(bands.edges[1:], dtype=np.float64) ** 2 - np.array(bands.edges[:-1], dtype=np.float64) ** 2
    scatter: Array = np.sqrt(2.0 * bands.of(cl**2) / width)
    return scatter


def printed_estimate(e: PowerEstimate) -> str:
    """A table for a screen: one line a band, a dash for what is not known, and remarks on what deserves one."""
    with_theory = bool(np.isfinite(e.expected).any())
    law = f"C_ell goes like ell**{e.slope:.1f} at its upper end; " if np.isfinite(e.slope) else ""
    lines = [
        e.title,
        f"{law}bias: measured on maps of the {'theory' if with_theory else 'estimate'} up to ell = {e.band}",
        f"{'ell':>9} {'C_ell':>14} {'error':>11} {'scatter':>7} {'bias':>9}"
        + (f" {'theory':>14} {'pull':>7}" if with_theory else ""),
    ]
    rows = zip(_names(e), e.mean, e.error, e.scatter, e.bias, e.expected, e.pull, strict=True)
    for name, mean, error, scatter, bias, expected, pull in rows:
        line = f"{name:>9} {mean:14.7e} {error:11.2e} {_cell(scatter, '7.3f')} {_cell(bias, '9.1e')}"
        lines.append(line + (f" {expected:14.7e} {_cell(pull, '+7.2f')}" if with_theory else ""))
    return "\n".join([*lines, *_remarks(e)])


def _remarks(e: PowerEstimate) -> list[str]:
    power = np.where(np.isfinite(e.expected), e.expected, e.mean)
    over = e.bias * power > e.error
    leaks = (e.expected == 0) & (e.mean > _ROUNDING * e.mean.max())
    remarks = []
    if leaks.any():
        remarks.append(f"there is power where the theory is 0, {_places(e, leaks)}")
    if over.any():
        remarks.append(
            f"the bias is larger than the error {_places(e, over)}: use a smaller lmax; more transforms help if lmax "
            "reaches as far as the power of the maps"
        )
    return remarks


def _places(e: PowerEstimate, which: NDArray[np.bool_]) -> str:
    names = [name for name, found in zip(_names(e), which, strict=True) if found]
    return f"at ell = {', '.join(names[:_SHOWN])}{' ...' if len(names) > _SHOWN else ''} ({len(names)} of {e.ell.size})"


def _names(e: PowerEstimate) -> list[str]:
    return [f"{a}" if a == b else f"{a}-{b}" for a, b in zip(e.ell, e.last, strict=True)]


def _cell(value: float, form: str) -> str:
    return f"{value:{form}}" if np.isfinite(value) else "-".rjust(int(form.lstrip("+").partition(".")[0]))


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
