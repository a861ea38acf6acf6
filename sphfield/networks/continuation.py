"""A layer for complex arguments: network and t = 1 - u off the real line in, 1 - kappa and its slope out.

kappa is singular on the real axis only, at u = 1 and -1 with a kink, further out for smooth activations, or nowhere;
numbers stay on the principal branch, off the cuts t < 0 and t > 2. Next to the cuts the imaginary part is the
discontinuity across them, and has its own relative accuracy.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from sphfield.networks.hermite import dual_of
from sphfield.networks.network import Network
from sphfield.typing import Array

__all__ = [
    "branch_of",
    "layer_apart",
    "layer_continued",
    "layer_slope_continued",
    "layer_slope_south",
    "layer_south",
]


def layer_continued(network: Network, t: Any) -> Any:
    """`Network.layer_complement` for complex t.

    Raises
    ------
    ValueError
        If the kernel of the activation is known on the real line only.
    """
    sigma = network.activation
    if hasattr(sigma, "dual_continue"):
        return network.gain * sigma.dual_continue(t)
    if not hasattr(sigma, "dual"):
        raise ValueError(f"the kernel of {sigma!r} has no known continuation to complex arguments")
    return network.gain * dual_of(sigma).dual_complement(np.asarray(t, dtype=np.complex128))


def layer_south(network: Network, t: Any) -> Any:
    """1 - kappa(-1 + t) for complex t, relative to the distance t from u = -1, where the kernel bends too."""
    sigma = network.activation
    if hasattr(sigma, "dual_south"):
        return network.gain * sigma.dual_south(t)
    even, odd = dual_of(sigma).degrees
    if odd < 0:
        return layer_continued(network, t)
    if even < 0:
        return 2.0 * (1.0 - network.bias_var) - layer_continued(network, t)
    return layer_continued(network, 2.0 - t)


def layer_apart(network: Network, centre: float, apart: Any, whole: Any) -> Any:
    """kappa(1 - centre) - kappa(1 - centre - apart) for complex `apart`, relative to itself.

    `whole` is that difference as computed from its two parts. Where `apart` is small, an integral of the slope
    replaces it: the parts are rounded to the size of kappa.
    """
    near = np.abs(apart) < min(0.02, 0.3 * abs(centre), 0.3 * abs(2.0 - centre))
    if not near.any() or not hasattr(network.activation, "dual_slope"):
        return whole
    x, weight = _unit_rule()
    small = apart[near]
    out = whole.copy()
    out[near] = small * np.sum(weight * network.layer_slope(1.0 - centre - small[:, None] * x), axis=-1)
    return out


@lru_cache(maxsize=1)
def _unit_rule() -> tuple[Array, Array]:
    x, weight = np.polynomial.legendre.leggauss(8)
    return 0.5 * (x + 1.0), 0.5 * weight


def layer_slope_continued(network: Network, t: Any) -> Any:
    """kappa'(1) - kappa'(1 - t) for complex t, for activations with `dual_slope_complement`."""
    return network.gain * dual_of(network.activation).dual_slope_complement(np.asarray(t, dtype=np.complex128))


def layer_slope_south(network: Network, t: Any) -> Any:
    """kappa'(1) - kappa'(-1 + t) for complex t."""
    sigma = network.activation
    if hasattr(sigma, "dual_slope_south"):
        return network.gain * sigma.dual_slope_south(t)
    even, odd = dual_of(sigma).degrees
    if even < 0:
        return layer_slope_continued(network, t)
    if odd < 0:  # the slope of an even kernel is odd
        return 2.0 * network.slope - layer_slope_continued(network, t)
    return layer_slope_continued(network, 2.0 - t)


@lru_cache(maxsize=256)
def branch_of(network: Network) -> float | None:
    """How far beyond 1 the kernel is first singular, as a function of (1 - bias_var) u + bias_var.

    0 with a kink, inf if it is entire, None if it is known on the real line only. Where a layer is singular
    at 1 + x, the network is where the first of its layers comes to that; by bisection.
    """
    if network.depth == 0:
        return np.inf
    reach: float | None = getattr(network.activation, "dual_branch", None)
    if reach is None or not 0.0 < reach < np.inf:
        return reach
    low, high = 0.0, reach
    while (middle := 0.5 * (low + high)) not in (low, high):
        low, high = (middle, high) if _regular(network, middle, reach) else (low, middle)
    return low


def _regular(network: Network, beyond: float, reach: float) -> bool:
    t = -np.full(1, beyond, dtype=np.complex128)
    with np.errstate(all="ignore"):  # at the singularity itself
        for _ in range(network.depth):
            if not (np.isfinite(t[0]) and -t[0].real < reach):
                return False
            t = layer_continued(network, t)
    return True
