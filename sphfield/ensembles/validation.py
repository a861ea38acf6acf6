"""Do these maps carry this spectrum? Maps and C_ell in, a Report out."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import ducc0
import numpy as np
from numpy.typing import NDArray

from sphfield.ensembles import gaussian_laws, width_laws
from sphfield.ensembles.ensemble import Ensemble, Maps, cores, measured
from sphfield.ensembles.groups import chosen_way
from sphfield.ensembles.report import Report
from sphfield.ensembles.stored import StoredPower
from sphfield.fields.accuracy import on_exact_power
from sphfield.fields.batches import Batch, at_once, worthwhile
from sphfield.fields.gaussian import Coefficients
from sphfield.fields.pixels import nside_of, whole
from sphfield.fields.transforms import alm2cl, power_per_order
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import CoefficientPower, Estimator
from sphfield.statistics.power import estimator as named_estimator
from sphfield.typing import Array, ComplexArray

__all__ = ["validate"]

_PROBES = 16  # maps of known power on which the bias of the analysis is measured
_TOLERATED = 0.1  # of a standard error: shifts a pull by a tenth, and the scatter by a hundredth
_LEAKY = 3.0  # times the largest leak that was measured on maps that have no power there
_ROUNDING = 1e-24  # squared: an amplitude of 1e-12; float32 maps leave 1e-20 and more up to nside 2048


def validate(
    ensemble: Maps | StoredPower,
    spectrum: Spectrum,
    size: int | None = None,
    *,
    estimator: Estimator | str = "weighted",
    width: int | None = None,
    alpha: float = 0.01,
    progress: Callable[[int, int], object] | None = None,
) -> Report:
    r"""Test the first `size` maps of an ensemble against the exact laws of a Gaussian field with a spectrum.

    Tested are the mean, the scatter and the correlation with the next ell of the estimated :math:`\hat C_\ell`, the
    power of each order m, the total power, and that no two maps are alike; `sphfield.ensembles.gaussian_laws.families`
    has the laws. All tests together refuse a right sampler with probability `alpha` (Holm's procedure; most
    of it is for the mean). Where C_ell = 0 the maps must have no power beyond rounding.

    Parameters
    ----------
    ensemble : Ensemble, FitsMaps, or anything with ``[i]``; or StoredPower
        The maps, RING order; or what was measured on them, by the estimator that is stored with it. Then the orders
        are not tested.
    spectrum : Spectrum
        What they should carry, as far as they have power: what is beyond is aliased, and its effect is measured on
        maps of this spectrum. Multipoles where that effect or the error of C_ell is above a tenth of a standard error
        are only tested for a mean within bounds that allow for it.
    size : int, optional
        Number of maps; ``len(ensemble)`` if not given. Scatter needs two, the correlation four.
    estimator : Estimator or str
        An estimator, or a name for `sphfield.statistics.power.estimator`, then with lmax = 1.5 nside or that of the
        spectrum if that is less. ``"alm"`` tests coefficients, not maps.
    width : int, optional
        The maps are of networks with one hidden layer of this width, whose kernel the spectrum has: their power
        scatters more and is correlated, see `sphfield.ensembles.width_laws.families` for what is tested then.
    alpha : float
        Probability that a right sampler is refused, in (0, 1).
    progress : callable, optional
        Called as ``progress(done, total)`` after each map.

    Returns
    -------
    Report
        ``passed``, which test failed where and by how much; it prints as a table.

    Raises
    ------
    ValueError
        If `size` is not positive or not known, `alpha` is not in (0, 1), no multipole can be tested, or the law at that
        width is not known.
    TypeError
        If coefficients are asked for of something that has only maps.

    Examples
    --------
    >>> import numpy as np
    >>> from sphfield import GaussianField
    >>> s = Spectrum(1.0 / np.arange(1.0, 10.0) ** 2)
    >>> validate(Ensemble(GaussianField(s, nside=8), seed=1), s, size=50).passed
    True
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha = {alpha} is no probability: give a false-alarm rate between 0 and 1, such as 0.01")
    if spectrum.dim != 2:
        raise ValueError(f"the spectrum is one on S^{spectrum.dim}: maps are on S^2, give one with dim = 2")
    if width is not None:
        width_laws.hidden_layer(spectrum)  # refused before the maps are measured
    size = _size(ensemble, size)
    ensemble, power, nside = _estimation(ensemble, spectrum, estimator)
    cl, error = spectrum.cl[: power.lmax + 1], spectrum.error[: power.lmax + 1]
    bias, spread, leak = _bias(power, spectrum, nside)
    ell = np.arange(power.lmax + 1)
    scatter = np.sqrt(2.0 / (2.0 * ell + 1.0))
    tolerated = _TOLERATED * scatter / np.sqrt(size)
    tested = (cl > 0) & (error < tolerated) & (bias < tolerated) & (spread < _TOLERATED * scatter)
    if not tested.any():
        raise ValueError(_hopeless(size, tolerated.max(), bias[cl > 0].min(initial=np.inf), error.min()))
    weights = np.divide(1.0, cl, out=np.zeros_like(cl), where=tested)
    statistic = _Powers(power, weights, tested, width is None)
    powers, orders, transforms = _measured(ensemble, statistic, size, progress)
    mean = powers.mean(axis=0)
    chosen = (powers[:, tested], orders, cl[tested], ell[tested], alpha)
    if width is not None:
        families = width_laws.families(*chosen, spectrum, width)
    else:
        families = gaussian_laws.families(*chosen)
        loose = (cl > 0) & (error < 1.0) & ~tested
        if loose.any():
            limits = (bias[loose] + error[loose], spread[loose])
            families = (*families, gaussian_laws.bounds(mean[loose], cl[loose], ell[loose], size, *limits))
    zeros = ell[cl == 0]
    relative, allowed = mean / (4 * np.pi * _variance(spectrum)), np.maximum(_ROUNDING, _LEAKY * leak)
    return Report(
        expected=cl,
        mean=mean,
        pulls=_pulls(families[0].index, families[0].value, ell.size),
        bias=bias,
        tested=tested,
        families=families,
        zeros=zeros,
        leaks={int(k): float(relative[k]) for k in zeros if relative[k] > allowed[k]},
        size=size,
        alpha=alpha,
        choices=_choices(power, nside, width, transforms),
    )


def _size(ensemble: Any, size: int | None) -> int:
    if size is not None:
        if hasattr(ensemble, "__len__") and size > len(ensemble):
            raise ValueError(f"size = {size} is more than there are maps, {len(ensemble)}: lower it, or leave it out")
        return whole("size", size, 1)
    if not hasattr(ensemble, "__len__"):
        raise ValueError(f"{type(ensemble).__name__} has no end: give size, the number of maps to test")
    return len(ensemble)


def _hopeless(size: int, asked: float, bias: float, error: float) -> str:
    return (
        f"no multipole can be tested: {size} maps ask for an accuracy of {asked:.1e}, the analysis has {bias:.1e} at "
        f"best, C_ell {error:.1e}; take fewer maps, a smaller lmax or more transforms"
    )


def _estimation(ensemble: Any, spectrum: Spectrum, chosen: Estimator | str) -> tuple[Any, Estimator, int | None]:
    if isinstance(ensemble, StoredPower):
        return ensemble, ensemble.estimator, ensemble.nside
    if chosen == "alm" or isinstance(chosen, CoefficientPower):
        power: Estimator = CoefficientPower(spectrum.lmax) if isinstance(chosen, str) else chosen
        if not hasattr(ensemble, "sampler"):
            raise TypeError(f"{type(ensemble).__name__} has no coefficients, only maps: use another estimator than alm")
        ensemble, nside = Ensemble(Coefficients(ensemble.sampler), ensemble.seed), None
    else:
        nside = nside_of(ensemble[0].size)
        lmax = min(spectrum.lmax, 3 * nside // 2)
        power = named_estimator(chosen, lmax) if isinstance(chosen, str) else chosen
    if power.lmax > spectrum.lmax:
        raise ValueError(
            f"the estimator has lmax = {power.lmax}, the spectrum ends at {spectrum.lmax}: "
            "lower the one or extend the other"
        )
    return ensemble, power, nside


def _bias(power: Estimator, spectrum: Spectrum, nside: int | None) -> tuple[Array, Array, Array]:
    # of the mean over many maps, and its upper limit; the scatter between maps; what leaks to where C_ell = 0
    cl = spectrum.cl[: power.lmax + 1]
    if nside is None:
        return np.zeros(cl.size), np.zeros(cl.size), np.zeros(cl.size)
    estimates = on_exact_power(power, spectrum.cl, nside, draws=_PROBES)
    ratio = np.divide(estimates, cl, out=np.ones_like(estimates), where=cl > 0) - 1.0
    spread = ratio.std(axis=0, ddof=1)
    return (
        np.abs(ratio.mean(axis=0)) + 2.0 * spread / np.sqrt(_PROBES),
        spread,
        estimates.max(axis=0) / (4 * np.pi * _variance(spectrum)),
    )


def _measured(
    ensemble: Any, statistic: _Powers, size: int, progress: Callable[[int, int], object] | None
) -> tuple[Array, Array | None, str]:
    # estimated power; by order, with weights 1 / C_ell, or in excess of that of the same map turned; who transformed
    if isinstance(ensemble, StoredPower):
        return ensemble.values()[:size], None, ensemble.transforms
    way = chosen_way(ensemble, "auto", "double", partial(worthwhile, size))
    rows = measured(ensemble, statistic, list(range(size)), way, cores(), progress)
    orders = rows[:, 1] if statistic.gaussian else rows[:, 1] - rows[:, 2]
    return rows[:, 0], orders, "one by one" if way is None else str(way)


@dataclass(frozen=True, eq=False)
class _Powers:
    """Estimated power by multipole and by order, shape (2 or 3, lmax + 1)."""

    estimator: Estimator
    weights: Array
    tested: NDArray[np.bool_]
    gaussian: bool

    def __call__(self, m: Array) -> Array:
        return self._of(self.estimator.alm(m))

    def many(self, batch: Batch, threads: int) -> list[Array]:
        alms = at_once(self.estimator, "alms", ("alm",))
        return [self(m) for m in batch] if alms is None else [self._of(alm) for alm in alms(batch, threads)]

    def _of(self, alm: ComplexArray) -> Array:
        found = alm2cl(alm)
        if self.gaussian:
            return np.array([found, power_per_order(alm, self.weights)])
        # where the field is not Gaussian, the share of each order in the power of its ell is what isotropy tells of
        shared = np.divide(1.0, found, out=np.zeros_like(found), where=self.tested & (found > 0))
        turned = _turned(alm, found.size - 1)
        return np.array([found, power_per_order(alm, shared), power_per_order(turned, shared)])


def _turned(alm: ComplexArray, lmax: int) -> ComplexArray:
    # by a rotation that is a function of the map, so that any thread turns it alike, and is uniform all the same
    psi, z, phi = np.random.default_rng(zlib.crc32(alm.tobytes())).random(3)
    turned: ComplexArray = ducc0.sht.rotate_alm(alm, lmax, 2 * np.pi * psi, np.arccos(2 * z - 1), 2 * np.pi * phi)
    turned[: lmax + 1].imag = 0.0  # rounding
    return turned


def _variance(spectrum: Spectrum) -> float:
    return float(np.sum((2 * spectrum.ell + 1) * spectrum.cl) / (4 * np.pi))


def _pulls(ell: NDArray[np.int64], pulls: Array, size: int) -> Array:
    everywhere = np.full(size, np.nan)
    everywhere[ell] = pulls
    return everywhere


def _choices(power: Estimator, nside: int | None, width: int | None, transforms: str) -> dict[str, Any]:
    return {
        "estimator": power.label,
        "lmax": power.lmax,
        "nside": "none" if nside is None else nside,
        "transforms": transforms,
        "law": "Gaussian field" if width is None else f"one hidden layer of width {width}",
    }
