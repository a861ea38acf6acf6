"""Power series with non-negative coefficients in, C_ell out: all terms positive, relative accuracy kept."""

from __future__ import annotations

from math import log
from typing import Any, NamedTuple

import numpy as np

from sphfield.spectra._compiled import compiled
from sphfield.spectra._series_compiled import BLOCK, LANES, summed
from sphfield.spectra.monomials import log_moments
from sphfield.spectra.multipoles import Multipoles
from sphfield.spectra.sphere import log_area, log_multiplicity
from sphfield.typing import Array, Kernel

__all__ = ["by_series", "from_powers", "legendre_from_powers", "log_legendre_from_powers"]

EPS = float(np.finfo(np.float64).eps)
_LN2 = log(2.0)
_COARSE = 512  # powers between those at which it is decided where a sum begins
_MOST = 1 << 18  # powers
_SAFETY = 4.0  # of the error from powers left out, measured to be right to a few per cent


def by_series(kernel: Kernel, lmax: int, *, dim: int = 2, rtol: float = 1e-10, work: float = 2e10) -> Multipoles | None:
    """Spectrum of a kernel with ``log_coefficients(n)``: log b_p for p < n, a bound on the sum of the rest; or None.

    As many powers are taken as `rtol` needs at lmax: about p + 7 p**(3/4) with p = (ell**2 / rate)**(2/3) where b_p
    falls like exp(-rate sqrt(p)); the rate is pi / kappa'(1)**((depth - 1) / 2) for tanh, twice that for sigmoid, SiLU
    and softplus. If they cost more than `work` by the kernel's ``series_cost(n)``, it takes what an eighth of it buys;
    then ``error`` is infinite from the ell on that these powers do not reach. 2e10 take about a second.

    The error adds to rounding what is left out: at most `rest` times the largest moment where `rest` is more than
    rounding, and else four times what coefficients would bring that go on falling as those known do. Rounding counts
    ``series_rounding``, the kernel's relative error of b_p as a multiple of p.
    """
    if not hasattr(kernel, "log_coefficients"):
        return None
    cost: Any = getattr(kernel, "series_cost", lambda n: 0.0)
    n, ends = 1024, np.arange(max(0, lmax - 1), lmax + 1)
    while True:
        offered = kernel.log_coefficients(n)
        if offered is None:
            return None
        logs, rest = offered
        needed = min(_MOST, _powers_needed(logs, rest, ends, rtol, dim))
        limit = work if cost(needed) <= work else work / 8.0
        while cost(needed) > limit:
            needed = int(needed * min(0.99, (limit / cost(needed)) ** 0.4))
        if needed <= 1.02 * n:
            break
        n = needed
    rounding = getattr(kernel, "series_rounding", 0.0) * np.arange(float(logs.size))
    return from_powers(logs, rest, lmax, dim=dim, rounding=rounding)


def from_powers(
    logs: Array, rest: float, lmax: int, *, dim: int = 2, rounding: Any = 0.0, certain: bool = False
) -> Multipoles:
    """Spectrum of a series known by log b_p, p < n, a bound on the sum of the rest, and relative errors of b_p.

    The error at each ell is that of `by_series`, or, where `rest` is a `certain` bound however small, not more than
    that makes.
    """
    ell = np.arange(lmax + 1)
    log_cl = log_legendre_from_powers(logs, ell, dim)
    with np.errstate(over="ignore", invalid="ignore"):
        left = _log_left_out(logs, rest, ell, dim)
        if certain:
            left = np.minimum(left, _log_bound(logs, rest, ell, dim) if rest > 0.0 else -np.inf)
        error = np.exp(left - log_cl)
        # one rounding a step of the sum, at random; and a few of logarithms as large as log C_ell
        error += EPS * (32.0 + 0.5 * logs.size**0.5 + 4.0 * np.abs(log_cl) + (0.0 if dim == 2 else 2.0 * (ell + dim)))
    if np.any(rounding):
        error += _mean(logs, rounding, lmax, dim)
    known = np.isfinite(log_cl) & (error < 0.5)
    log_cl, error = np.where(known, log_cl, -np.inf), np.where(known, error, np.inf)
    beyond = _beyond(logs, rest, known) if dim == 2 else _further(logs, rest, lmax, dim)
    return Multipoles(log_cl, error, beyond)


def _mean(logs: Array, errors: Array, lmax: int, dim: int) -> Array:
    # sum e_p b_p m_{p ell} / sum b_p m_{p ell}, a smooth function of ell
    some = np.unique(np.linspace(0, lmax, min(lmax + 1, 64)).astype(np.int64))
    with np.errstate(divide="ignore", invalid="ignore"):
        weighted = logs + np.log(errors)
        mean = np.exp(log_legendre_from_powers(weighted, some, dim) - log_legendre_from_powers(logs, some, dim))
    good = np.isfinite(mean)
    return np.interp(np.arange(lmax + 1.0), some[good], mean[good]) if good.any() else np.zeros(lmax + 1)


def _beyond(logs: Array, rest: float, known: Any) -> float:
    # sum_{ell > M} (2 ell + 1) C_ell = C_M + C_{M+1} of the derivative: no difference from k(1)
    slope = logs[1:] + np.log(np.arange(1.0, logs.size))

    def after(last: int) -> tuple[float, float]:
        ell = np.array([last, last + 1])
        left = float(np.exp(_log_left_out(slope, 0.0, ell, 2)).sum()) / (4.0 * np.pi)
        left = rest if _incomplete(logs, rest) else left
        return float(np.exp(log_legendre_from_powers(slope, ell)).sum()) / (4.0 * np.pi) + left, left

    total, left = after(known.size - 1)
    if np.isinf(left) or left > 0.1 * total:
        # what lies beyond the last multipole that the powers reach is a bound
        total = after(int(np.flatnonzero(known)[-1]))[0] if known.any() else np.inf
        return total if total < EPS else np.nan
    return total


def _further(logs: Array, rest: float, lmax: int, dim: int) -> float:
    # the variance at as many multipoles again, where little is left beyond them
    ell = np.arange(lmax + 1, 2 * lmax + 66)
    power = np.exp(log_legendre_from_powers(logs, ell, dim) + log_multiplicity(ell, dim) - log_area(dim))
    total = float(power[::-1].sum())
    missing = rest if _incomplete(logs, rest) else 0.0
    return total if missing + float(power[3 * ell.size // 4 :].sum()) <= 1e-3 * total else np.nan


class _Fall(NamedTuple):
    """log b_p = level - drop ((p / start)**bend - 1) / (1 - 2**-bend)."""

    start: float
    level: float
    drop: float
    bend: float

    def __call__(self, p: Any) -> Any:
        octaves = np.log2(p / self.start)
        if abs(self.bend) < 1e-6:
            return self.level - self.drop * octaves
        return self.level + self.drop * np.expm1(_LN2 * self.bend * octaves) / np.expm1(-_LN2 * self.bend)


def _incomplete(logs: Array, rest: float) -> bool:
    # a smaller rest may be the rounding of k(1) - sum
    return rest > 1e-11 * float(np.exp(logs).sum())


def _known(logs: Array, parity: int) -> Array:
    # the coefficients of one parity up to the last that is not zero
    own = logs[parity::2]
    positive = np.flatnonzero(np.isfinite(own))
    return own[: positive[-1] + 1 if positive.size else 0]


def _complete(logs: Array, parity: int) -> bool:
    # a polynomial, not a series whose last coefficients have left the range of doubles
    own = _known(logs, parity)
    return own.size == 0 or (2 * own.size < 0.9 * logs.size and own[-1] > -500.0)


def _fall(logs: Array, parity: int) -> _Fall | None:
    """How the coefficients of one parity fall, from the largest of every 8 at a quarter, half and all of them."""
    own = _known(logs, parity)
    blocks = own.size // 8
    largest = own[: 8 * blocks].reshape(blocks, 8).max(axis=1)
    if blocks < 8 or not np.isfinite(largest[blocks // 5 :]).all():
        return None
    p = parity + 16.0 * np.arange(blocks)
    first, middle, last = np.interp([0.25 * p[-1], 0.5 * p[-1], p[-1]], p, largest)
    if not first > middle > last:
        return None
    bend = log((middle - last) / (first - middle)) / _LN2
    return _Fall(float(p[-1]), float(last), float(middle - last), bend) if bend > -0.5 else None


def _log_left_out(logs: Array, rest: float, ell: Any, dim: int) -> Array:
    """Log of more than powers beyond those known add to C_ell, inf where it is not known."""
    ell = np.asarray(ell, dtype=np.float64)
    out = np.full(ell.shape, np.inf)
    if _incomplete(logs, rest):
        return _log_bound(logs, rest, ell, dim)
    for parity in (0, 1):
        these, fall = np.flatnonzero(ell % 2.0 == parity), _fall(logs, parity)
        if _complete(logs, parity):
            out[these] = -np.inf
        elif fall is not None:
            d = ell[these]
            p = np.maximum(2.0 * _known(logs, parity).size + parity, d)
            # a geometric series with the ratio of the first two terms
            moment = (p + 2.0) * (p + 1.0 + dim) - d * (d + dim - 1.0)
            ratio = fall(p + 2.0) - fall(p) + np.log((p + 1.0) * (p + 2.0) / moment)
            with np.errstate(divide="ignore", invalid="ignore"):
                series = np.where(ratio < 0.0, -np.log(-np.expm1(ratio)), np.inf)
            out[these] = log(_SAFETY) + log_area(dim - 1) + fall(p) + log_moments(p, d, dim) + series
    return out


def _log_bound(logs: Array, rest: float, ell: Any, dim: int) -> Array:
    # all of the rest at the first power left out, or at that with the largest moment if it is higher
    ell = np.asarray(ell, dtype=np.float64)
    peak = np.maximum(_peak(ell, dim), 2.0 * np.ceil(0.5 * (logs.size - ell % 2.0)) + ell % 2.0)
    bound: Array = log_area(dim - 1) + log(rest) + log_moments(peak, ell, dim)
    return bound


def _powers_needed(logs: Array, rest: float, ell: Any, rtol: float, dim: int) -> int:
    """How many powers leave out less than `rtol` at these ell, if the coefficients go on as they fall."""
    needed = logs.size
    if _incomplete(logs, rest):
        left = _log_left_out(logs, rest, ell, dim) - log_legendre_from_powers(logs, ell, dim)
        return needed if (left < log(rtol)).all() else 4 * needed
    p = needed * np.exp2(np.arange(0.0, 10.0, 1.0 / 16.0))
    for d, known in zip(ell, log_legendre_from_powers(logs, ell, dim), strict=True):
        fall = _fall(logs, d % 2)
        if 2 * _known(logs, d % 2).size < 0.9 * logs.size:  # there are no more
            continue
        if fall is None:
            return 4 * logs.size
        q = 2.0 * np.floor(0.5 * p) + d % 2
        terms = log_area(dim - 1) + np.log(q * _LN2 / 32.0) + fall(q) + log_moments(q, float(d), dim)
        left = np.logaddexp.accumulate(terms[::-1])[::-1] - np.logaddexp(known, np.logaddexp.reduce(terms))
        if left[0] > log(rtol):
            needed = max(needed, int(1.02 * p[np.argmax(left < log(rtol / 30.0)) or -1]))
    return needed


def _peak(ell: Array, dim: int) -> Array:
    # the power with the largest moment, ell (ell + d - 1) / d
    return np.asarray(np.maximum(ell, np.floor(0.5 * ell * (ell + dim - 1.0) / dim) * 2.0 + ell % 2.0))


def legendre_from_powers(b: Array, lmax: int) -> Array:
    r"""C_ell of k(u) = sum_p b_p u**p for ell = 0 ... lmax, shape (lmax + 1,).

    :math:`C_\ell = 2\pi \sum_p b_p m_{p\ell}` with :math:`m_{p\ell} = \int_{-1}^1 u^p P_\ell(u) du`, see
    `~sphfield.spectra.monomials.log_moments`. Relative error below 1e-13 for C_ell > 1e-300.

    Examples
    --------
    >>> legendre_from_powers(np.array([0.0, 0.0, 1.0]), 2) / (4 * np.pi)  # u^2 = 1/3 P_0 + 2/3 P_2
    array([0.33333333, 0.        , 0.13333333])
    """
    with np.errstate(divide="ignore"):
        unit = _units(np.log2(b))
        scaled = np.ldexp(b, -256 * np.repeat(unit, BLOCK)[: b.size])
        total, total_unit = _sums(np.log(b), scaled, unit, np.arange(lmax + 1), 2)
    return np.asarray(np.ldexp(2.0 * np.pi * total, 256 * total_unit), dtype=np.float64)


def log_legendre_from_powers(logs: Array, ell: Any, dim: int = 2) -> Array:
    """Log C_ell on S^dim at increasing multipoles from log b_p, -inf where it is 0; see `legendre_from_powers`.

    Examples
    --------
    >>> log_legendre_from_powers(np.array([-np.inf, -5000.0]), [0, 1]) + 5000.0  # log(4 pi / 3) = 1.4324
    array([  -inf, 1.4324])
    """
    exponents = logs / _LN2
    unit = _units(exponents)
    scaled = np.exp2(exponents - 256.0 * np.repeat(unit, BLOCK)[: logs.size])
    total, total_unit = _sums(logs, scaled, unit, np.asarray(ell), dim)
    with np.errstate(divide="ignore"):
        log_cl: Array = log_area(dim - 1) + np.log(total) + 256.0 * _LN2 * total_unit
    return log_cl


def _units(exponents: Array) -> Any:
    # the power of 2**256 that brings the largest of every BLOCK numbers near 1
    largest = np.maximum.reduceat(exponents, np.arange(0, exponents.size, BLOCK))
    return np.round(np.where(np.isfinite(largest), largest, 0.0) / 256.0).astype(np.int64)


def _sums(logs: Array, b: Array, b_unit: Any, ell: Any, dim: int) -> tuple[Array, Any]:
    # C_ell / omega_{d-1} as doubles times powers of 2**256, from log b_p and the same as doubles times powers of 2**256
    b = np.where(b < 2.0**-700, 0.0, b)  # of no account beside the largest of its block, at any ell < 1e5
    total, total_unit = np.zeros(ell.shape), np.zeros(ell.shape, dtype=np.int64)
    # more than the sum of all coefficients up to the end of each block
    below = np.logaddexp.accumulate(np.maximum.reduceat(logs, np.arange(0, logs.size, BLOCK)) + log(BLOCK)) / _LN2
    below_unit = np.ceil(np.where(np.isfinite(below), below, 0.0) / 256.0)
    below = np.exp2(below - 256.0 * below_unit)
    for parity in (0, 1):
        these = np.flatnonzero((ell % 2 == parity) & (ell < logs.size))
        if these.size == 0 or not np.isfinite(logs[parity::2]).any():
            continue
        d = ell[these].astype(np.float64)
        top = _tops(logs, d[np.minimum(np.arange(LANES - 1, d.size + LANES - 1, LANES), d.size - 1)], dim)
        moment = log_moments(np.repeat(top, LANES)[: d.size], d, dim) / _LN2
        unit = np.where(np.isfinite(moment), np.ceil(moment / 256.0), 0.0)
        start = np.exp2(moment - 256.0 * unit), unit.astype(np.int64)
        result, result_unit = np.zeros(d.size), np.zeros(d.size, dtype=np.int64)
        compiled(summed)(float(dim), d, top, *start, b, b_unit, below, below_unit.astype(np.int64), result, result_unit)
        total[these], total_unit[these] = result, result_unit
    return total, total_unit


def _tops(logs: Array, ell: Array, dim: int) -> Any:
    # the power below which all but 1e-20 of C_ell lies; m_{p,ell+2} / m_{p,ell} grows with p: the last ell decides
    parity = int(ell[0]) % 2
    own = logs[parity::2]
    starts = np.arange(0, own.size, _COARSE)
    largest = np.array([start + np.argmax(own[start : start + _COARSE]) for start in starts])
    behind, d = np.logaddexp.accumulate(own[largest][::-1] + log(_COARSE))[::-1], ell[:, None]  # more than what follows
    known = np.max(own[largest] + log_moments(2.0 * largest + parity, d, dim), axis=1)
    steepest = np.maximum(2.0 * starts + parity, _peak(d, dim))
    enough = behind + log_moments(steepest, d, dim) <= known[:, None] - 46.0
    first = np.where(enough.any(axis=1), np.argmax(enough, axis=1) * _COARSE, own.size) - 1
    return np.maximum(2 * first + parity, ell.astype(np.int64))
