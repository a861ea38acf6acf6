r"""Power series as logarithms in; products, compositions, and the series of deep covariances and tangent kernels out.

With c the correlation of the preactivations of two inputs, one layer is c -> L(c), of non-negative coefficients that
sum to 1, and

.. math:: c_{s+1} = L_s(c_s), \qquad \Theta_{s+1} = c_{s+1} + \Theta_s \, L_s'(c_s).

Coefficients that span more than the range of doubles are kept in it by evaluating all series at r u in place of u, with
r near the radius of convergence of the last: every series is then divided by what it sums to, R = c(r), so that its
powers stay below 1 in sum. r and R are powers of 2^(2^-20), whose logarithms lose no digit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sphfield.networks.series import composed, padded, product
from sphfield.typing import Array

__all__ = ["composition", "deep_series", "left_out", "multiplication"]

_LN2 = float(np.log(2.0))
_PEAK = 300.0  # log2 of what a series may sum to at r: the range of doubles is there for what lies below
_LOWEST = (
    -540.0
)  # log2 of what has all its digits then: powers of an inner series lose what is below 2**-930 of their sum
_STEPS = 2.0**20
# log2 per term by which a long outer series is made smaller: a Taylor shift by nearly 1 needs coefficients well below 1
_ROOM = 0.003


def deep_series(layers: Sequence[Array], start: Array, n: int, argument: Array | None = None) -> tuple[Array, Array]:
    """Logarithms of the first n coefficients of the last c and of Theta, each of shape (n,).

    Parameters
    ----------
    layers
        Log coefficients of each L; with a constant term give them more than n, see `left_out`.
    start
        Log coefficients of Theta_0.
    n
        How many. What has lost digits below the range of doubles is -inf, as are exact zeros.
    argument
        Log coefficients of c_0, those of `start` if absent.

    Notes
    -----
    Relative accuracy: about 4 eps p for every layer, and eps times the size of the logarithm.

    Examples
    --------
    >>> square = np.log([1e-300, 1e-300, 1.0])
    >>> c, theta = deep_series([square], np.log([1e-300, 1.0]), 3)
    >>> np.exp(theta).round(12).tolist()  # u^2 + u (2 u)
    [0.0, 0.0, 3.0]
    """
    first = start if argument is None else argument
    both = [(logs, _derivative(logs)) for logs in layers]
    rate = _largest(lambda t: _sums(both, start, first, t)[1], n) if layers else 0.0
    scales, _ = _sums(both, start, first, rate)
    c, theta = padded(_values(first, rate, -scales[0]), n), padded(_values(start, rate), n)
    for (logs, bend), scale, after in zip(both, scales, scales[1:], strict=False):
        room = _rounded(_ROOM * logs.size)
        largest = _rounded(_log_sum(bend, scale))
        slope = np.append(_values(bend, scale, -largest - room), 0.0)
        c, bent = composed(np.stack([_values(logs, scale, -after - room), slope]), c, n) * 2.0**room
        theta = product(theta, bent, n) * 2.0**largest
        theta += c * 2.0**after
    lowest = _LOWEST + _ROOM * max((logs.size for logs in layers), default=0)
    return _logs(c, rate, scales[-1], lowest), _logs(theta, rate, 0.0, lowest)


def composition(outer: Array, inner: Array, n: int) -> Array:
    """Log coefficients of outer(inner(u)), shape (n,); every power of the outer series that is given is used."""
    rate = _largest(lambda t: _log_sum(outer, _rounded(_log_sum(inner, t))), n)
    scale = _rounded(_log_sum(inner, rate))
    after = _rounded(_log_sum(outer, scale) + _ROOM * outer.size)
    series = composed(_values(outer, scale, -after), _values(inner, rate, -scale), n)
    return _logs(series, rate, after, _LOWEST + _ROOM * outer.size)


def multiplication(a: Array, b: Array, n: int) -> Array:
    """Log coefficients of a(u) b(u), shape (n,)."""
    rate = _largest(lambda t: _log_sum(a, t) + _log_sum(b, t), n)
    return _logs(product(padded(_values(a, rate), n), padded(_values(b, rate), n), n), rate)


def _values(logs: Array, rate: float, scale: float = 0.0) -> Array:
    # b_p 2^(rate p + scale); whole powers of two are exact outside of the exponential
    whole = int(np.floor(scale))
    return np.asarray(np.ldexp(np.exp2(logs / _LN2 + (np.arange(logs.size) * rate + (scale - whole))), whole))


def _logs(series: Array, rate: float, scale: float = 0.0, lowest: float = _LOWEST) -> Array:
    mantissa, exponents = np.frexp(series)
    with np.errstate(divide="ignore"):
        # multiples of 2^-20, whose sum is exact
        logs = np.log2(mantissa) + (exponents + scale - np.arange(series.size) * rate)
    return np.where((mantissa > 0.0) & (exponents + scale > lowest), logs * _LN2, -np.inf)


def _derivative(logs: Array) -> Array:
    return np.asarray(logs[1:] + np.log(np.arange(1.0, logs.size)))


def _log_sum(logs: Array, rate: float) -> float:
    # log2 of the sum of b_p 2^(rate p)
    exponents = logs / _LN2 + np.arange(logs.size) * rate
    largest = float(np.max(exponents))
    return largest + float(np.log2(np.exp2(exponents - largest).sum())) if np.isfinite(largest) else largest


def _sums(layers: Sequence[tuple[Array, Array]], start: Array, first: Array, rate: float) -> tuple[list[float], float]:
    """log2 of each c_s(r) and of Theta(r), r = 2**rate, up to the first beyond range."""
    theta, scales = _log_sum(start, rate), [_rounded(_log_sum(first, rate))]
    for logs, bend in layers:
        c = _log_sum(logs, scales[-1])
        theta = float(np.logaddexp2(c, theta + _log_sum(bend, scales[-1])))
        if not theta < 2.0 * _PEAK:
            return scales, np.inf
        scales.append(_rounded(c))
    return scales, theta


def _rounded(exponent: float) -> float:
    return float(np.round(exponent * _STEPS) / _STEPS) if exponent > -np.inf else 0.0


def _largest(log_sum: Callable[[float], float], n: int) -> float:
    # about the largest rate at which the sum stays below the peak, by bisection of the steps; few terms need little
    peak = min(_PEAK, float(n))
    low, high = 0, int(_STEPS * peak)
    while high - low > 1 + low // 64:
        middle = (low + high) // 2
        low, high = (middle, high) if log_sum(middle / _STEPS) < peak else (low, middle)
    return low / _STEPS


def left_out(terms: int, missing: float, inner: Callable[[Array], Array], n: int) -> Array:
    """Log of what the coefficients that an outer series leaves out add to the first n of a composition, at most.

    That is sum_{k >= terms} b_k c(u)^k, whose coefficient of u^p is at most (sum_{k >= terms} b_k) c(r)^terms r^-p,
    for any r <= 1.

    Parameters
    ----------
    terms
        How many coefficients of the outer series are known.
    missing
        Log of the sum of the others.
    inner
        The function r -> log c(r) for r in (0, 1], increasing to 0.
    n
        How many.

    Examples
    --------
    >>> left_out(10, 0.0, np.log, 12)[8:].round(6).tolist()  # u^10 and more are missing
    [-120.0, -60.0, 0.0, 0.0]
    """
    fall = np.concatenate([[0.0], np.geomspace(1e-8, 60.0, 160)])  # -log(r)
    bounds = missing + terms * np.minimum(inner(np.exp(-fall)), 0.0)
    return np.array([np.min(bounds + fall * p) for p in range(n)])
