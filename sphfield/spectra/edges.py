"""Contour for kernels with a kink (ReLU, step, ELU, ...), singular at u = 1 and -1: kernel in, C_ell out.

The path runs out along the real zeta axis, the upper side of the cut u > 1, where only Im k enters: a
discontinuity of one sign, so that nothing cancels at any ell. It must close at some Re zeta = height, below the
singularities that layers add off the axis: kappa maps a part of the upper half plane beyond -1. Where ell height is
large enough, from about 50 on, the closing part is negligible and left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import special

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
from sphfield.spectra.quadrature import legendre_by_quadrature
from sphfield.typing import Array

__all__ = ["along_edges"]

_FINER = 2.0**-0.25  # ratio of successive heights


def along_edges(kernel: Any, lmax: int, *, dim: int = 2) -> Multipoles | None:
    """C_ell of a kernel with ``branch`` = 0, for ell = 0 ... lmax; None if no path agrees with quadrature at small ell.

    Relative accuracy about 1e-14, as measured at depths 1 to 20 up to ell = 10^4, see docs/accuracy; less at small
    ell where off-axis singularities keep the path low (leaky ReLU near slope 1) or k falls fast (RePU of high order).
    """
    cri = float(getattr(kernel, "cri", 1.5))
    highest = _safe_height(kernel, _rule(cri, 2))
    if highest is None:
        return None
    return joined(_blocks(kernel, lmax, _rule(cri, dim), highest * _FINER, dim), lmax, dim)


class _Rule(NamedTuple):
    """For Im k ~ eta^(2 cri): step of the trapezoid rule in log(eta), and ell eta of its first and last node."""

    step: float
    begin: float
    end: float


def _blocks(kernel: Any, lmax: int, rule: _Rule, height: float, dim: int) -> Iterator[Block]:
    # from where on the path need not close; on S^d abs(q_ell) is larger there by as much as cosh^(m-1) : sinh^(m-1)
    first = int((rule.end - 0.5 * (dim - 2.0) * np.log(np.tanh(height))) / height) + 1
    if lmax >= first:
        # the same nodes half a step further: what they disagree by shows a kernel that bends too sharply
        edge, between = (_open_edge(kernel, rule, (first, lmax), shift, dim) for shift in (0.0, 0.5))
        hi = lmax
        while hi >= first:
            lo = max(first, hi // 8)  # Q_ell stays within the range of doubles
            yield block(edge, lo, hi, between)
            hi = lo - 1
    top = min(lmax, first - 1)
    path, other = (_closed_path(kernel, rule, at, top, dim) for at in (height, height * _FINER))
    # few steps of the recursion for the lowest, where the path cancels
    for lo, hi in ((0, min(16, top)), (17, min(40, top)), (41, top)):
        if lo <= hi:
            yield block(path, lo, hi, other)


def _rule(cri: float, dim: int) -> _Rule:
    # the integrand in log(eta) is that of the gamma function of s: its Fourier transform at 2 pi / step is the error
    low = min(2.0 * cri + 2.0, 100.0)  # towards 0; q_ell falls like eta^((d-3)/2) exp(-ell eta) farther out
    s = low + 0.5 * (dim - 2.0)
    step, end = 0.2, GONE
    while special.loggamma(s + 2j * np.pi / step).real - special.gammaln(s) > -37.0:
        step *= 0.9
    while end - s * np.log(end) + special.gammaln(s) < GONE:
        end += 2.0
    # what is left out before the first node: 1e-18 of C_ell, 1e-9 of the sum beyond lmax, which has eta^(2 cri) alone
    begin = np.exp(min((special.gammaln(low + 1.0) - GONE) / low, -10.0 / max(cri, 0.5)))
    return _Rule(step, float(begin), end)


def _open_edge(kernel: Any, rule: _Rule, ends: tuple[int, int], shift: float, dim: int) -> Integrand:
    lo, hi = ends
    x = np.arange(np.log(rule.begin / hi) - rule.step, np.log(rule.end / lo) + rule.step, rule.step)
    eta: Array = np.exp(x + shift * rule.step)
    path = complex_path(eta, rule.step * eta)
    return integrand(kernel, path, path, dim)


def _closed_path(kernel: Any, rule: _Rule, height: float, hi: int, dim: int = 2) -> Integrand:
    hi += dim - 2
    eta, d_eta = panels(doubling(min(rule.begin / max(hi, 1), 0.5 * height), height), hi, 14)
    north, south = (
        complex_path(np.concatenate([eta, height + 1j * phi]), np.concatenate([d_eta, 1j * d_phi]))
        for phi, d_phi in bottoms(kernel, height, 0.25 * height, hi, 24)
    )
    return integrand(kernel, north, south, dim)


def _safe_height(kernel: Any, rule: _Rule) -> float | None:
    """Greatest height of the path at which it agrees with quadrature for ell <= 64: no singularity lies below it.

    One enclosed by the path adds a term that falls off from ell = 0 on, and shows there. By bisection: what holds at a
    height holds below it.
    """
    known, bound = legendre_by_quadrature(kernel, 64)
    # kernels known by quadrature themselves state a hundred times what they were measured to be off by
    bound = bound + 0.03 * min(float(getattr(kernel, "rounding", 0.0)), 2e-12)
    highest = float(getattr(kernel, "height", 2.0))
    good, bad = 72, -1  # in steps of _FINER down from there
    while good - bad > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if _agrees(kernel, rule, highest * _FINER**middle, known, bound) else (good, middle)
    return None if good == 72 else highest * _FINER**good


def _agrees(kernel: Any, rule: _Rule, height: float, known: Array, bound: Array) -> bool:
    with np.errstate(all="ignore"):  # on a path that is too high deep kernels overflow
        part = block(_closed_path(kernel, rule, height, 64), 0, 64)
        scale = np.exp((np.arange(65) + 1.0) * part.log_fall)
        slack = 4.0 * bound + np.minimum(4.0 * part.error * scale, 1e-9 * np.abs(known))
        return bool((np.abs(part.value * scale - known) < slack).all())
