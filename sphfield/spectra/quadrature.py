"""Gauss-Legendre in theta, graded towards both poles: any kernel in, C_ell and the absolute error of each out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import ducc0
import numpy as np

from sphfield.spectra.multipoles import Multipoles
from sphfield.spectra.sphere import log_area, log_multiplicity
from sphfield.typing import Array, Kernel

__all__ = ["by_quadrature", "complement_of", "legendre_by_quadrature", "means_by_quadrature"]

EPS = float(np.finfo(np.float64).eps)
_PANELS = 28  # the first ends at theta = pi/2 / 2^28 = 6e-9: kernels may bend within 1/lmax for any lmax <= 1e5


@lru_cache(maxsize=8)
def _nodes(lmax: int, spare: int) -> tuple[Array, Array]:
    # theta on (0, pi/2]: panels halve towards the pole, each with enough nodes for cos(ell theta) and `spare` more
    # for the kernel. scipy's nodes take seconds at this size, and numpy's weights are wrong in the 14th digit.
    edges = np.concatenate([[0.0], np.pi / 2 * np.exp2(-np.arange(_PANELS, -1.0, -1.0))])
    theta, weight = [], []
    for a, half in zip(edges[:-1], 0.5 * np.diff(edges), strict=True):
        n = spare + int(np.ceil(0.53 * lmax * half))
        theta.append(a + half * (1.0 + np.cos(ducc0.misc.GL_thetas(n))))
        weight.append(half * ducc0.misc.GL_weights(n, 1) / (2.0 * np.pi))
    return np.concatenate(theta), np.concatenate(weight)


def _transformed(theta: Array, weighted: Array, lmax: int) -> Array:
    # sum_i weighted_i P_ell(cos theta_i) for every ell
    zero = np.zeros(1, dtype=np.uint64)
    leg = np.ascontiguousarray(weighted, dtype=np.complex128)[None, :, None]
    alm = ducc0.sht.leg2alm(leg=leg, lmax=lmax, theta=theta, spin=0, mval=zero, mstart=zero)
    cl: Array = alm[0].real / np.sqrt((2.0 * np.arange(lmax + 1.0) + 1.0) / (4.0 * np.pi))
    return cl


def complement_of(kernel: Kernel) -> Any:
    """k(1) - k(1 - t) as a function of t: the kernel's own, right relative to itself, or else the difference."""
    if hasattr(kernel, "complement"):
        return kernel.complement
    at_one = _values(kernel, np.ones(1))[0]
    return lambda t: at_one - _values(kernel, 1.0 - t)


def _values(kernel: Kernel, u: Array) -> Array:
    k = np.asarray(kernel(u))
    if np.iscomplexobj(k):
        raise TypeError("the kernel returned complex numbers: a covariance is real")
    if k.shape != u.shape:
        raise ValueError(f"the kernel turned shape {u.shape} into {k.shape}: it must act on each element of an array")
    if not np.isfinite(k).all():
        bad = np.flatnonzero(~np.isfinite(k))[0]
        raise ValueError(f"the kernel is {k[bad]} at u = {u[bad]:.17g}: it must be finite on [-1, 1]")
    return k.astype(np.float64)


def by_quadrature(kernel: Kernel, lmax: int, *, dim: int = 2) -> Multipoles:
    """C_ell of any kernel on S^dim for ell = 0 ... lmax, with the digits that an absolute error of about 1e-15 leaves.

    Raises
    ------
    ValueError
        If the kernel is not finite, or has a negative C_ell: then it is no covariance.
    TypeError
        If the kernel is complex.
    """
    if dim == 2:
        (cl, bound), log_unit = legendre_by_quadrature(kernel, lmax), 0.0
    else:
        (cl, bound), log_unit = means_by_quadrature(kernel, lmax, dim), log_area(dim)
    worst = int(np.argmin(cl + 10.0 * bound))
    if cl[worst] < -10.0 * bound[worst]:
        raise ValueError(
            f"the kernel is not positive definite: C_ell = {cl[worst] * np.exp(log_unit):.3g} at ell = {worst}; "
            f"a covariance on {'the sphere' if dim == 2 else f'S^{dim}'} has no negative C_ell"
        )
    positive = np.where(cl > 0.0, cl, 1.0)
    error = np.where(cl > 0.0, bound / positive + float(getattr(kernel, "rounding", 4.0 * EPS)), np.inf)
    lost = error > 0.5
    with np.errstate(divide="ignore"):
        log_cl = np.where(lost, -np.inf, np.log(positive) + log_unit)
    if dim > 2:
        return Multipoles(log_cl, np.where(lost, np.inf, error), np.nan)
    smooth = getattr(kernel, "cri", np.inf) == np.inf
    # a smooth kernel that has left no digit at lmax leaves none beyond it, in its derivative neither
    beyond = 0.0 if smooth and lmax > 0 and lost[-2:].all() else _beyond(kernel, lmax)
    return Multipoles(log_cl, np.where(lost, np.inf, error), beyond)


def _beyond(kernel: Kernel, lmax: int) -> float:
    # sum_{ell > M} (2 ell + 1) C_ell = C_M[k'] + C_{M+1}[k']: no difference from k(1), hence no noise times ell^2
    if not hasattr(kernel, "derivative") or getattr(kernel, "cri", np.inf) <= 1.0:
        return np.nan
    slope, bound = legendre_by_quadrature(kernel.derivative, lmax + 1)
    total, noise = float(slope[-2:].sum()), float(bound[-2:].sum())
    # k' of a very deep high-disorder network is larger than its integral by all the digits there are
    return total / (4.0 * np.pi) if total > noise else np.nan if noise > 1e-12 else 0.0


def legendre_by_quadrature(kernel: Kernel, lmax: int) -> tuple[Array, Array]:
    r"""C_ell = 2 pi int k(u) P_ell(u) du for ell = 0 ... lmax, and a bound on its absolute error; two (lmax + 1,).

    For ell >= 1 the integrand is -(k(1) - k(u)), so that a deep low-disorder network, whose k(u) rounds to k(1),
    keeps its digits. The bound adds rounding, 3 eps times the integral of abs(k(1) - k) over the sphere, below which
    the true error was measured to stay up to ell = 10^4; what a second, coarser grid disagrees by; and the error of
    the kernel itself.
    Kernels that are analytic in theta on [0, pi], as those of ReLU networks are, need no more; one that bends
    somewhere inside (-1, 1) shows in the second grid.
    """
    fine, size = _integral(kernel, lmax, 40)
    coarse, _ = _integral(kernel, lmax, 28)
    own = 4.0 * np.pi * float(getattr(kernel, "error", 0.0))
    return fine, _bound(fine, coarse, np.full(lmax + 1, 3.0 * EPS * size), own)


def means_by_quadrature(kernel: Kernel, lmax: int, dim: int) -> tuple[Array, Array]:
    """C_ell / omega_d, the mean of k(u) G_ell(u) over S^dim, and a bound on its absolute error; two (lmax + 1,).

    As `legendre_by_quadrature`, with the integral of abs((k(1) - k) G_ell) for the size of rounding: it falls with ell.
    """
    fine, size = _means(kernel, lmax, 40, dim)
    coarse, _ = _means(kernel, lmax, 28, dim)
    # abs(G_ell) is about the root of its mean square; both leave the range of doubles
    own = float(getattr(kernel, "error", 0.0)) * np.exp(-0.5 * log_multiplicity(np.arange(lmax + 1.0), dim))
    # measured: below 10 eps size up to ell = 30, growing like 0.15 ell eps as roundings of the recursion add up, and
    # like 0.2 sqrt(d) eps as the nodes crowd within 1/sqrt(d) of the equator
    return fine, _bound(fine, coarse, EPS * (10.0 + 0.3 * np.arange(lmax + 1.0) + dim**0.5) * size + 1e-290, own)


def _bound(fine: Array, coarse: Array, floor: Array, own: Any) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.where(floor > 0.0, np.abs(fine - coarse) / floor, 0.0)
    # the largest disagreement nearby: at a single ell the two grids may agree by chance
    apart = np.max(np.lib.stride_tricks.sliding_window_view(np.pad(apart, 16, mode="edge"), 33), axis=1)
    bound: Array = floor + own + np.where(apart > 3.0, 4.0 * apart * floor, 0.0)
    bound[0] += 2.0 * EPS * abs(fine[0])
    return bound


def _hemispheres(kernel: Kernel, theta: Array) -> tuple[Array, Array]:
    t = 2.0 * np.sin(0.5 * theta) ** 2
    complement = complement_of(kernel)
    return complement(t), complement(2.0 - t)


def _integral(kernel: Kernel, lmax: int, spare: int) -> tuple[Array, float]:
    theta, weight = _nodes(lmax, spare)
    north, south = _hemispheres(kernel, theta)
    area = 2.0 * np.pi * weight * np.sin(theta)
    ell = np.arange(lmax + 1)
    # P_ell(-u) = (-1)^ell P_ell(u): both hemispheres on the nodes of one
    even = _transformed(theta, -area * (north + south), lmax)
    odd = _transformed(theta, -area * (north - south), lmax)
    cl = np.where(ell % 2 == 0, even, odd)
    cl[0] += 4.0 * np.pi * float(np.asarray(kernel(np.ones(1)))[0])
    return cl, float(np.sum(area * (np.abs(north) + np.abs(south))))


def _means(kernel: Kernel, lmax: int, spare: int, dim: int) -> tuple[Array, Array]:
    theta, weight = _nodes(lmax + dim, spare)
    north, south = _hemispheres(kernel, theta)
    u = np.cos(theta)
    # sin^(d-1), to full accuracy where it is large
    log_sine = np.where(u < 0.7, 0.5 * np.log1p(-(np.minimum(u, 0.7) ** 2)), np.log(np.sin(theta)))
    area = weight * np.exp((dim - 1.0) * log_sine)
    area *= 0.5 / area.sum()  # of a hemisphere: exact to rounding, as logarithms of areas are not in high dimension
    even, odd, modulus = -area * (north + south), -area * (north - south), area * (np.abs(north) + np.abs(south))
    mean, size = np.empty(lmax + 1), np.empty(lmax + 1)
    for ell, g in enumerate(_gegenbauer(theta, lmax, dim)):
        mean[ell], size[ell] = g @ (even if ell % 2 == 0 else odd), np.abs(g) @ modulus
    mean[0] += float(np.asarray(kernel(np.ones(1)))[0])
    return mean, size


def _gegenbauer(theta: Array, lmax: int, dim: int) -> Iterator[Array]:
    """G_ell(cos theta) for ell = 0 ... lmax, theta increasing from 0 to pi/2."""
    split = int(np.searchsorted(theta, 0.8))
    t, u = 2.0 * np.sin(0.5 * theta[:split]) ** 2, np.cos(theta[split:])
    # near the pole the steps G_{ell+1} - G_ell keep the digits of t, elsewhere G_ell those of u^ell, in high dimension
    near, step = np.ones(split), -t
    far, before = np.ones(u.size), np.zeros(u.size)
    for ell in range(lmax + 1):
        yield np.concatenate([near, far])
        near = near + step
        step = ((ell + 1.0) * step - (2.0 * ell + dim + 1.0) * t * near) / (ell + dim)
        far, before = ((2.0 * ell + dim - 1.0) * u * far - ell * before) / (ell + dim - 1.0), far
