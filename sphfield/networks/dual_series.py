"""Any activation in; logarithms of the squares of its Hermite coefficients out, and how well they are known.

E[sigma(Z) sigma(Z')] = sum_p mu_p**2 u**p: these are the coefficients of a layer. In logarithms they keep relative
accuracy below 1e-308, where those of smooth activations soon are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sphfield.networks.activations import GELU, Cosine, CosSin, Erf, Exp, Gaussian, Sine
from sphfield.networks.hermite import MOST, dual_of, hermite_coefficients
from sphfield.typing import Activation, Array

__all__ = ["DualSeries", "dual_series"]

_NOISE = 1e-15  # of sqrt(E[sigma**2]), of a Hermite coefficient by quadrature


class DualSeries(NamedTuple):
    """Log mu_p**2, the logarithm of what it is at most, the same for closed forms, and log E[sigma**2].

    As many coefficients as are known, or as were asked for.
    """

    logs: Array
    upper: Array
    log_variance: float


def dual_series(activation: Activation, n: int) -> DualSeries:
    """The first n coefficients of the dual kernel, fewer where no more are known.

    Closed forms are right to a few roundings times the size of the logarithm. An activation that is known by its
    values only has at most 2048 coefficients, each with an error of 1e-15 (E[sigma(Z)**2])**(1/2) in mu_p; the list
    ends where they are lost in it.

    Examples
    --------
    >>> from sphfield import Erf
    >>> np.exp(dual_series(Erf(1.0), 4).logs).round(9).tolist()  # (2/pi) arcsin(2u/3)
    [0.0, 0.424413182, 0.0, 0.031438014]
    >>> dual_series(np.arctan, 4000).logs.size < 1300
    True
    """
    n = max(n, 2)
    log_variance = float(np.log(dual_of(activation).dual(1.0)))
    logs = _closed_form(activation, n)
    if logs is not None:
        return DualSeries(logs, logs, log_variance)
    noise = _NOISE * np.exp(0.5 * log_variance)
    n = min(n, MOST)
    even, odd = dual_of(activation).degrees
    p = np.arange(n)
    present = np.where(p % 2 == 0, p <= even, p <= odd)
    mu = np.where(present, np.abs(hermite_coefficients(activation, n)), 0.0)
    if max(even, odd) > n:
        known = np.flatnonzero(mu > 16.0 * noise)
        n = int(known[-1]) + 1 if known.size else 2
    with np.errstate(divide="ignore"):
        upper = np.where(present, 2.0 * np.log(mu + noise), -np.inf)
        return DualSeries(2.0 * np.log(mu)[:n], upper[:n], log_variance)


def _closed_form(activation: Activation, n: int) -> Array | None:
    if isinstance(activation, Gaussian):
        a = activation.a
        halves = _central_binomials(n // 2 + 1) - np.log1p(a)
        return _spread(halves + np.arange(halves.size) * 2.0 * np.log(a / (1.0 + a)), n, 0)
    if isinstance(activation, Erf):
        halves, c = _central_binomials(n // 2 + 1), 2.0 * activation.a**2 / (1.0 + 2.0 * activation.a**2)
        odd = 2.0 * np.arange(halves.size) + 1.0
        return _spread(np.log(2.0 / np.pi) + halves - np.log(odd) + odd * np.log(c), n, 1)
    if isinstance(activation, GELU):
        halves = _central_binomials(n // 2 + 1)
        k = np.arange(float(halves.size))
        even = halves - k * np.log(4.0) + np.log1p(8.0 * k / (2.0 * k - 1.0) ** 2) - np.log(4.0 * np.pi)
        out = _spread(even, n, 0)
        out[1] = np.log(0.25)
        return out
    if isinstance(activation, Cosine | CosSin | Exp | Sine):
        w, p = activation.a**2, np.arange(float(n))
        logs = p * np.log(w) - w - np.concatenate([[0.0], np.cumsum(np.log(p[1:]))])
        if isinstance(activation, Exp):
            return np.asarray(logs + 2.0 * w)
        absent = 1 if isinstance(activation, Cosine) else 0 if isinstance(activation, Sine) else 2
        return np.where(p % 2 == absent, -np.inf, logs)
    if hasattr(activation, "dual_log_coefficients"):
        return np.array(activation.dual_log_coefficients(n))
    if hasattr(activation, "dual_coefficients"):
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(dual_of(activation).dual_coefficients(n)))
    return None


def _central_binomials(n: int) -> Array:
    # log of (2k)! / (4^k k!^2), what 1 / sqrt(1 - v) is made of
    k = np.arange(1.0, n)
    return np.concatenate([[0.0], np.cumsum(np.log1p(-0.5 / k))])


def _spread(logs: Array, n: int, start: int) -> Array:
    # p = start, start + 2, ...; none elsewhere
    out = np.full(n, -np.inf)
    out[start::2] = logs[: out[start::2].size]
    return out
