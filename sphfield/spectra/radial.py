r"""C_ell of a network of one layer by the radial formula: any activation in, C_ell out, without its dual kernel.

A neuron sigma(<w, x>) depends on x through the angle to w only. By the Funk-Hecke formula its power at ell is the
square of one integral, and w has a chi-distributed length:

.. math::

    C_\ell = \frac{\pi}{E[\sigma(Z)^2]}
    E_{r \sim \chi_3}\Bigl[\Bigl(\int_{-1}^1 \sigma(rt) P_\ell(t) dt\Bigr)^2\Bigr].

Every term is positive, and an absolute error of 1e-16 in the inner integral is one of 1e-32 in C_ell at most: this
reaches twice as many decades as quadrature of the kernel, and shares nothing with the other routes. Derived, see
docs/theory.
"""

from __future__ import annotations

from typing import Any

import ducc0
import numpy as np

from sphfield.networks.hermite import dual_of
from sphfield.networks.kernels import NNGP
from sphfield.spectra.multipoles import Multipoles
from sphfield.typing import Activation, Array

__all__ = ["by_radius"]

EPS = float(np.finfo(np.float64).eps)
_FARTHEST = 13.0  # r^2 exp(-r^2 / 2) < 1e-34


def by_radius(kernel: Any, lmax: int, *, dim: int = 2) -> Multipoles | None:
    """C_ell of `NNGP` of one layer without bias for ell = 0 ... lmax; None for any other kernel, and off S^2.

    The error is what two sets of nodes disagree by, and rounding of the inner integrals.
    """
    if dim != 2 or not isinstance(kernel, NNGP) or kernel.network.depth != 1 or kernel.network.bias_var > 0.0:
        return None
    sigma, variance = kernel.network.activation, kernel.network.activation_variance
    fine, rounding = _mean_square(sigma, lmax, 48)
    coarse, _ = _mean_square(sigma, lmax, 36)
    cl = np.pi / variance * fine
    bound = np.pi / variance * (4.0 * np.abs(fine - coarse) + rounding)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(cl > 2.0 * bound, bound / cl, np.inf)
        log_cl = np.where(np.isfinite(error), np.log(cl), -np.inf)
    return Multipoles(log_cl, error, np.nan)


def _mean_square(sigma: Activation, lmax: int, spare: int) -> tuple[Array, Array]:
    """E over r of the squared inner integrals, and what rounding adds to it, each of shape (lmax + 1,)."""
    places = [abs(place) for place, _, _ in dual_of(sigma).kinks]
    edges = np.unique([0.0, *(p for p in places if 0.0 < p < _FARTHEST), *np.arange(1.0, _FARTHEST + 1.0)])
    total, rounding = np.zeros(lmax + 1), np.zeros(lmax + 1)
    # a kink at z passes the angle arccos(z / r) as r grows, so that the inner integral oscillates
    nodes = spare + lmax // 8 if any(places) else spare // 2
    for r, weight in zip(*_gauss(edges, nodes), strict=True):
        inner, size = _inner(sigma, r, lmax, spare)
        share = weight * np.sqrt(2.0 / np.pi) * r * r * np.exp(-0.5 * r * r)
        total += share * inner**2
        rounding += share * 4.0 * EPS * size * (2.0 * np.abs(inner) + 4.0 * EPS * size)
    return total, rounding


def _inner(sigma: Activation, r: float, lmax: int, spare: int) -> tuple[Array, float]:
    # int_{-1}^1 sigma(r t) P_ell(t) dt, and the integral of its modulus; in theta, panels ending at the kinks
    places = [place / r for place, _, _ in dual_of(sigma).kinks]
    edges = np.unique([0.0, *np.arccos([p for p in places if abs(p) < 1.0]), *np.linspace(0.0, np.pi, 9)])
    theta, weight = _gauss(edges, spare + lmax // 8)
    values = weight * np.sin(theta) * sigma(r * np.cos(theta))
    zero = np.zeros(1, dtype=np.uint64)
    alm = ducc0.sht.leg2alm(
        leg=np.ascontiguousarray(values, dtype=np.complex128)[None, :, None],
        lmax=lmax,
        theta=theta,
        spin=0,
        mval=zero,
        mstart=zero,
    )
    return alm[0].real / np.sqrt((2.0 * np.arange(lmax + 1.0) + 1.0) / (4.0 * np.pi)), float(np.abs(values).sum())


def _gauss(edges: Array, n: int) -> tuple[Array, Array]:
    x, w = np.cos(ducc0.misc.GL_thetas(n))[::-1], ducc0.misc.GL_weights(n, 1)[::-1] / (2.0 * np.pi)
    half = 0.5 * np.diff(edges)[:, None]
    return (edges[:-1, None] + half * (1.0 + x)).ravel(), (half * w).ravel()
