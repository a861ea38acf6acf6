"""Means over a spectral law by summation: the law up to lmax in, E[...] with what lies beyond out, or a refusal.

What lies beyond is the analytic tail of a network with kinks, improved by the last multipoles; for a smooth kernel it
is bounded by its exact moments (Markov's inequality); of any other kernel it is extrapolated and never added.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sphfield.networks.kernels import NNGP
from sphfield.spectra.moments import log_energy_moments
from sphfield.spectra.tails import Tail, tail_of
from sphfield.typing import Array

__all__ = ["Known", "weighted_mean"]

_MATCHED = (1e-3, 1e-6, 1e-9)  # relative errors up to which multipoles are summed and the tail is matched to them
_ORDERS = 8  # of the moments that bound a smooth tail: the best up to a share of 1e-7


class Known(NamedTuple):
    """A spectral law for ell = 0 ... lmax with its relative error, the share beyond, and what it is of."""

    law: Array
    error: Array
    tail: float
    kernel: Any
    dim: int


class _Rest(NamedTuple):
    """What multipoles beyond the last that is summed add, how far that may be off, and how far one would have to go."""

    last: int
    value: float
    unsure: float
    enough: float


def weighted_mean(known: Known, a: float, b: float, rtol: float) -> float:
    """E[X^a (X + d - 1)^b]; ``inf`` where a + b >= 2 cri.

    Raises
    ------
    ValueError
        If it is not known to `rtol`, naming an lmax that is enough; or if it is beyond 1e308.
    """
    cri = float(getattr(known.kernel, "cri", np.inf))
    if a + b >= 2.0 * cri:
        return np.inf
    tail = tail_of(known.kernel.network, dim=known.dim) if isinstance(known.kernel, NNGP) else None
    # with a tail fewer multipoles may do better; without one all that have a digit are summed
    ends = {_last(known.error, worst) for worst in (_MATCHED if tail is not None else (1.0,))}
    found = [_up_to(known, tail, last, (a, b), rtol) for last in sorted(ends)]
    total, noise, rest = min(found, key=lambda some: some[1] + some[2].unsure)
    if not noise + rest.unsure <= rtol * (total + rest.value):
        _refuse(known, noise, rest, rtol, f"ell^{a + b:g}")
    return total + rest.value


def _last(error: Array, worst: float) -> int:
    bad = error >= worst
    return int(np.argmax(bad)) - 1 if bad.any() else error.size - 1


def _up_to(
    known: Known, tail: Tail | None, last: int, powers: tuple[float, float], rtol: float
) -> tuple[float, float, _Rest]:
    """The sum up to `last`, its error, and the rest."""
    a, b = powers
    ell, law = np.arange(last + 1.0), known.law[: last + 1]
    with np.errstate(over="ignore", invalid="ignore"):
        terms = np.where(law > 0.0, ell**a * (ell + known.dim - 1.0) ** b * law, 0.0)
    total = float(terms.sum())
    if not np.isfinite(total):
        raise ValueError(f"the mean of ell^{a + b:g} is beyond 1e308: use log_energy_moments, which has its logarithm")
    if tail is not None and last >= 8:
        rest = _by_tail(known, tail, last, a, b, rtol * total)
    elif _complete(known, last):
        rest = _Rest(last, 0.0, 0.0, last)
    elif last >= 0 and tail is None and hasattr(known.kernel, "log_derivatives") and _smooth(known.kernel):
        rest = _by_moments(known, last, a, b, rtol * total)
    else:
        rest = _by_power_law(known, last, a, b, rtol * total)
    return total, float(np.sum(terms * known.error[: last + 1])), rest


def _smooth(kernel: Any) -> bool:
    return float(getattr(kernel, "cri", np.inf)) == np.inf


def _complete(known: Known, last: int) -> bool:
    """Nothing beyond: a bare array without a tail, or a polynomial."""
    if last < known.law.size - 1:
        return False
    if known.kernel is None:
        return known.tail == 0.0
    return hasattr(known.kernel, "vanishes") and bool(np.all(known.kernel.vanishes(last + np.array([1, 2]))))


def _by_tail(known: Known, tail: Tail, last: int, a: float, b: float, floor: float) -> _Rest:
    leading = tail.weighted_beyond(a, b, last)
    # the constants of the next term from the last multipoles; their error, and that of C_ell, from those half as far
    deep = tail.cri < 1.0 and known.kernel.network.depth > 1
    gain = 2.0 ** (2 - known.kernel.network.depth) if deep else 2.0
    next_cri = tail.cri + 0.5 * gain
    here, before = (_excess(known, tail, at, next_cri) for at in (last, last // 2))
    swing = 0.0
    if deep:
        # the singularity at the antipode adds a term that falls otherwise, but alternates
        swing = 0.5 * abs(here[0] - here[1]) * (last + 1.0) ** (a + b - 2.0 * next_cri - 1.0)
        here, before = (np.full(2, constants.mean()) for constants in (here, before))
    change = np.abs(here - before)
    value = leading + Tail(next_cri, here[0], here[1], tail.dim).weighted_beyond(a, b, last)
    unsure = swing + Tail(next_cri, change[0], change[1], tail.dim).weighted_beyond(a, b, last)
    return _Rest(last, value, unsure, _extrapolated(last, unsure, floor, 2.0 * tail.cri + 2.0 * gain - a - b))


def _excess(known: Known, tail: Tail, last: int, cri: float) -> Array:
    """The law less its tail, in units of x^(-2 cri - 1), at the last two multipoles up to `last`: even, odd."""
    ell = np.array([last - last % 2, last - 1 + last % 2])
    x = ell + 0.5 * (known.dim - 1.0)
    return np.asarray((known.law[ell] - tail.law(ell)) * x ** (2.0 * cri + 1.0))


def _by_moments(known: Known, last: int, a: float, b: float, floor: float) -> _Rest:
    """Bounds by E[lambda^n]: Markov's with w(ell) / lambda^n, and Hoelder's with the share of the variance beyond."""
    n = np.ceil(max(a, b)) + np.arange(1.0, _ORDERS + 1.0)
    logs = log_energy_moments(known.kernel, int(n[-1]), dim=known.dim)[n.astype(np.intp)]
    x, law = last + 1.0, known.law[: last + 1]
    markov = logs + (a - n) * np.log(x) + (b - n) * np.log(x + known.dim - 1.0)
    share = max(0.0, 1.0 - float(law.sum())) + float(np.sum(law * known.error[: last + 1])) + 1e-15
    power = 0.5 * (a + b) / n  # w <= lambda^((a + b) / 2), since a >= b
    hoelder = power * logs + (1.0 - power) * np.log(share)
    with np.errstate(divide="ignore", over="ignore"):
        enough = float(np.exp(np.min((logs - np.log(floor)) / (2.0 * n - a - b))))
        return _Rest(last, 0.0, float(np.exp(min(markov.min(), hoelder.min()))), enough)


def _by_power_law(known: Known, last: int, a: float, b: float, floor: float) -> _Rest:
    beyond = known.tail + float(known.law[last + 1 :].sum())
    if beyond == 0.0:
        return _Rest(last, 0.0, 0.0, last)
    steepness = 2.0 * float(getattr(known.kernel, "cri", np.inf))
    if np.isinf(steepness):  # from the last two octaves
        inner = beyond + float(known.law[last // 4 + 1 : last + 1].sum())
        steepness = float(np.log(inner / beyond) / np.log(4.0)) if last >= 4 else 0.0
    if steepness <= a + b:
        return _Rest(last, 0.0, np.inf, np.inf)
    x = last + 1.0
    unsure = beyond * x**a * (x + known.dim - 1.0) ** b * steepness / (steepness - a - b)
    return _Rest(last, 0.0, unsure, _extrapolated(last, unsure, floor, steepness - a - b))


def _extrapolated(last: int, unsure: float, floor: float, steepness: float) -> float:
    with np.errstate(divide="ignore", over="ignore"):
        return float((last + 1.0) * (np.float64(unsure) / floor) ** (1.0 / steepness))


def _refuse(known: Known, noise: float, rest: _Rest, rtol: float, what: str) -> None:
    lmax, last = known.law.size - 1, rest.last
    if rest.unsure <= noise:
        how = "the errors of C_ell: use a method of angular_spectrum with smaller ones"
    elif np.isfinite(rest.enough):
        how = f"multipoles beyond {last}: compute the spectrum to lmax = {int(np.ceil(rest.enough))}"
        how += " by a method with digits there" if last < lmax else ""
    else:
        how = f"multipoles beyond {last}, which fall too slowly to be extrapolated: compute the spectrum further"
    raise ValueError(f"the mean of {what} is not known to rtol = {rtol:g}, for {how}, or raise rtol")
