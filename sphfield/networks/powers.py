"""Networks in; the power series of a layer out, and how many of its terms make those of a deep kernel right."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sphfield.networks.hermite import dual_of
from sphfield.networks.network import Network
from sphfield.typing import Array

__all__ = ["layer_series", "only_power", "outer_terms", "right_terms"]

_MANY = 8192  # coefficients of kappa, which cost little beside those of its iterates


def layer_series(network: Network, n: int) -> Array | None:
    """Logarithms of the coefficients of kappa, right to a few roundings times their size, or None."""
    activation = network.activation
    n = max(n, 2)
    if hasattr(activation, "dual_log_coefficients"):
        logs = activation.dual_log_coefficients(n)
    elif hasattr(activation, "dual_coefficients"):
        with np.errstate(divide="ignore"):
            logs = np.log(dual_of(activation).dual_coefficients(n))
    else:
        return None
    layer: Array = logs + np.log(network.gain)
    if network.bias_var:
        layer[0] = np.logaddexp(layer[0], np.log(network.bias_var))
    return layer


@lru_cache(maxsize=64)
def only_power(network: Network) -> int | None:
    """The p of a layer that is u**p, as that of a Hermite polynomial; then the kernel is u**(p**depth)."""
    even, odd = dual_of(network.activation).degrees
    highest = max(even, odd)
    if network.bias_var > 0.0 or min(even, odd) >= 0.0 or highest > 1000.0:
        return None
    layer = layer_series(network, int(highest) + 1)
    return int(highest) if layer is not None and np.isfinite(layer).sum() == 1 else None


def outer_terms(network: Network, n: int) -> int:
    """How many coefficients of kappa make n of those of its iterates right."""
    # with a constant term every power of kappa reaches every coefficient, those around p / (1 - b) the most
    constant = network.degrees()[0] >= 0 and (network.depth > 1 or network.bias_var > 0.0)
    terms = int(np.ceil(2.0 * n / (1.0 - network.bias_var))) if constant else n
    while terms < _MANY and right_terms(network, n, terms) < n:
        terms *= 2
    return terms


def right_terms(network: Network, n: int, outer: int) -> int:
    """How many of n coefficients of its iterates the first `outer` of kappa make right, to exp(-40) absolutely.

    Left out is sum_{k >= outer} b_k g(u)^k, with g the kernel of any of the layers below: its coefficient of u^p is at
    most g(r)^outer r^-p, for any r < 1. Without kinks the b_k themselves are nothing by then.
    """
    constant = network.degrees()[0] >= 0 and (network.depth > 1 or network.bias_var > 0.0)
    if not constant or Network(network.activation, 1).cri == np.inf:
        return n
    fall = np.geomspace(1e-8, 30.0, 400)  # -log(r)
    t = -(1.0 - network.bias_var) * np.expm1(-fall)
    least = t if network.bias_var > 0.0 else np.full(t.size, np.inf)
    for _ in range(network.depth - 1):
        t = network.layer_complement(t)
        least = np.minimum(least, t)
    least = np.minimum(least, 1.0 - 1e-16)
    return int(np.clip(np.max((-np.log1p(-least) * outer - 40.0) / fall), 0, n))
