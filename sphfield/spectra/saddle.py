"""Contour for smooth kernels (Gaussian, erf, GELU, cos, ...), first singular beyond u = 1 or nowhere: C_ell out.

The power series of the kernel is positive, so on a vertical line in the zeta plane, an ellipse around [-1, 1] in the u
plane, k is largest on the real axis; through the saddle point of k(cosh xi) exp(-(ell + 1/2) xi) the integrand is
hardly larger than the result (Bornemann 2011, for the radius of Cauchy integrals). An algebraic singularity of k comes
close to that point, and the rest of the line would cancel to it: from some ell on the path turns right at the saddle
and passes around the singularity. Multipoles share a path as long as their saddle points are close.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from sphfield.spectra.contour import (
    GONE,
    Block,
    Integrand,
    block,
    bottoms,
    complex_path,
    doubling,
    integrand,
    joined,
    panels,
)
from sphfield.spectra.multipoles import Multipoles
from sphfield.typing import Array

__all__ = ["through_saddles"]


class _Profile(NamedTuple):
    """log(k - k(0)) on a grid of 0 < xi < end, cosh(xi) being (1 - bias) u + bias, and the zeta of u, cosh(zeta) = u.

    The ``gap`` is that of zeta to the end, where k is singular.
    """

    xi: Array
    zeta: Array
    gap: Array
    log_k: Array
    end: float
    entire: bool
    dim: int

    def log_size(self, ell: int, at: Any) -> Any:
        """Log of the largest abs(k q_ell) on the vertical lines through these points of the grid, about."""
        zeta, m = self.zeta[at], 0.5 * (self.dim - 1.0)
        size = self.log_k[at] - (ell + m) * zeta
        return size if self.dim == 2 else size + (m - 1.0) * np.log(np.cosh(zeta))


def through_saddles(kernel: Any, lmax: int, *, dim: int = 2) -> Multipoles:
    """C_ell of a kernel with ``branch`` > 0 and a non-negative power series, for ell = 0 ... lmax.

    Relative accuracy about 1e-12, as measured at depths 1 to 20, see docs/accuracy. No digit is given where an
    entire kernel overflows at its saddle point, which is far below C_ell = 1e-300.
    """
    return joined(_blocks(kernel, lmax, dim), lmax, dim)


def _blocks(kernel: Any, lmax: int, dim: int) -> Iterator[Block]:
    profile = _profile(kernel, dim)
    turn = lmax + 1 if profile.entire else _turn_from(kernel, profile, lmax)
    hi = min(lmax, _reach(profile, lmax))
    while hi >= 0:
        lo = _first(profile, hi)
        if lo >= turn:
            yield block(_turning(kernel, profile, lo, hi, 20), lo, hi)
        else:
            coarse, fine = (_straight(kernel, profile, hi, spare) for spare in (20, 28))
            yield block(fine, lo, hi, coarse)
        hi = lo - 1


def _profile(kernel: Any, dim: int) -> _Profile:
    def rise(xi: Array) -> Array:
        with np.errstate(all="ignore"):
            values: Array = kernel.rise(-2.0 * np.sinh(0.5 * xi) ** 2).real
        return values

    entire = not kernel.branch < np.inf
    low, end = 0.0, 40.0 if entire else 2.0 * float(np.arcsinh(np.sqrt(0.5 * kernel.branch)))
    while entire and end - low > 1e-12 * end:  # an entire kernel ends where doubles overflow
        middle = 0.5 * (low + end)
        low, end = (middle, end) if rise(np.array([middle]))[0] < 1e300 else (low, middle)
    x = np.linspace(-25.0, 25.0, 4001 if entire else 801)  # an entire kernel has sharper saddles
    xi, gap = end / (1.0 + np.exp(-x)), end / (1.0 + np.exp(x))
    k = rise(xi)
    good = np.isfinite(k) & (k > 0.0)
    linear = 1.0 - float(getattr(kernel, "bias", 0.0))
    zeta = 2.0 * np.arcsinh(np.sinh(0.5 * xi) / np.sqrt(linear))
    gap *= np.sinh(xi) / (linear * np.sinh(zeta))  # d zeta / d xi
    return _Profile(xi[good], zeta[good], gap[good], np.log(k[good]), end, entire, dim)


def _saddle(profile: _Profile, ell: int) -> tuple[int, float]:
    """Index of the least k(cosh xi) exp(-(ell + 1/2) xi) on the grid, and how far it stays within e^(1/2) of it."""
    f = profile.log_size(ell, slice(None))
    if not profile.entire:  # a finite singularity attracts the saddle point closer than Q_ell can resolve
        f = np.where(profile.gap > min(0.7 / (ell + 1.0), 0.5 * profile.end), f, np.inf)
    best = int(np.argmin(f))
    near = np.flatnonzero(f < f[best] + 0.5)
    first, last = max(near[0] - 1, 0), min(near[-1] + 1, f.size - 1)
    return best, 0.5 * float(profile.xi[last] - profile.xi[first])


def _reach(profile: _Profile, lmax: int) -> int:
    # the saddle point of an entire kernel moves out with ell until k itself overflows
    log_k, zeta = profile.log_k, profile.zeta
    return int((log_k[-1] - log_k[-40]) / (zeta[-1] - zeta[-40])) if profile.entire else lmax


def _first(profile: _Profile, hi: int) -> int:
    """First ell whose integrand at the saddle point of `hi` is at most e times what it is at its own."""
    at, _ = _saddle(profile, hi)
    span = (hi + 1) // 2
    while span > 0:
        lo = hi - span
        own, _ = _saddle(profile, lo)
        if profile.log_size(lo, at) < profile.log_size(lo, own) + 1.0:
            return lo
        span //= 2
    return hi


def _straight(kernel: Any, profile: _Profile, hi: int, spare: int) -> Integrand:
    at, scale = _scale(profile, hi)
    tip = float(profile.xi[at])
    ends = bottoms(kernel, tip, 0.5 * scale, hi + profile.dim - 2, spare)
    north, south = (complex_path(tip + 1j * phi, 1j * weight) for phi, weight in ends)
    return integrand(kernel, north, south, profile.dim)


def _turning(kernel: Any, profile: _Profile, lo: int, hi: int, spare: int) -> Integrand:
    at, scale = _scale(profile, hi)
    end = np.sqrt(2.0 * (1.0 - float(getattr(kernel, "bias", 0.0)))) * GONE / lo
    r, weight = panels(doubling(min(0.5 * scale, end), end), hi + profile.dim - 2, spare)
    right = complex(np.exp(0.25j * np.pi))
    path = complex_path(profile.xi[at] + right * r, right * weight)
    return integrand(kernel, path, path, profile.dim)


def _scale(profile: _Profile, hi: int) -> tuple[int, float]:
    # what the first panel must resolve: the saddle, the singularity behind it, the logarithm of Q_ell before it
    at, width = _saddle(profile, hi)
    return at, min(width, float(profile.xi[at]), np.inf if profile.entire else float(profile.gap[at]))


def _turn_from(kernel: Any, profile: _Profile, lmax: int) -> int:
    """From where on the path that turns agrees with the straight one: nothing singular lies between them.

    A singularity at a distance s behind the first adds a share exp(-s ell), so what is not seen at one ell is even less
    at all larger ones.
    """
    lo = 40
    while lo <= lmax:
        turning, straight = _turning(kernel, profile, lo, lo + 1, 20), _straight(kernel, profile, lo + 1, 28)
        both = block(turning, lo, lo + 1, straight)
        if (both.error <= 1e-11 * np.abs(both.value)).any():
            return lo
        lo *= 2
    return lmax + 1
