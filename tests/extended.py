"""Synthesis and its adjoint in 80-bit numbers, by the textbook recursion for each m: what the fast ones are held to."""

from __future__ import annotations

from typing import Any

import ducc0
import numpy as np

from sphfield.typing import Array, ComplexArray

EXTENDED = np.finfo(np.longdouble).eps < 1e-18
"""Whether this machine has such numbers: on others long double is double."""

L = np.longdouble


def rings(nside: int) -> tuple[Any, Any, list[tuple[int, int, bool]]]:
    """cos and sin of the colatitude of every ring; first pixel, number of pixels, and whether that is shifted."""
    z, where, start = [], [], 0
    for i in range(1, 4 * nside):
        k = min(i, 4 * nside - i)
        length = 4 * min(k, nside)
        height = 1 - L(k * k) / (3 * nside**2) if k < nside else L(2 * (2 * nside - k)) / (3 * nside)
        z.append(height if i <= 2 * nside else -height)
        where.append((start, length, k < nside or (k - nside) % 2 == 0))
        start += length
    k = np.minimum(np.arange(1, 4 * nside), np.arange(4 * nside - 1, 0, -1)).astype(L)
    q = k * k / (3 * nside**2)
    x = np.array(z)
    # 1 - x^2 loses digits next to the poles
    sine = np.sqrt(np.where(k < nside, q * (2 - q), 1 - x * x))
    return x, sine, where


def by_ring(values: Any, nside: int) -> Array:
    """Sums of the pixels of each ring."""
    return np.add.reduceat(values, [first for first, *_ in rings(nside)[2]]).astype(np.float64)


def legendre(m: int, lmax: int, x: Any, sine: Any) -> Any:
    """Normalised P_lm for ell = m ... lmax, shape (lmax + 1 - m, rings)."""
    ks = np.arange(1, m + 1).astype(L)
    pi = L("3.14159265358979323846264338327950288")
    norm = np.sqrt((2 * m + 1) / (4 * pi) * np.prod((2 * ks - 1) / (2 * ks)))
    found = np.zeros((lmax + 1 - m, x.size), dtype=L)
    found[0] = (-1) ** m * norm * sine**m
    ell = np.arange(m, lmax + 2).astype(L)
    epsilon = np.sqrt((ell**2 - m**2) / (4 * ell**2 - 1))
    for i in range(lmax - m):
        found[i + 1] = (x * found[i] - (epsilon[i] * found[i - 1] if i else 0)) / epsilon[i + 1]
    return found


def turns(m: int, length: int, shifted: bool) -> Any:
    """e^(i m phi) of a ring's first pixel."""
    pi = L("3.14159265358979323846264338327950288")
    angle = pi * L(m % (2 * length)) / length if shifted else L(0)
    return np.cos(angle) + 1j * np.sin(angle)


def synthesis(alm: ComplexArray, nside: int, lmax: int) -> Any:
    """The map in long double."""
    x, sine, where = rings(nside)
    sums = np.zeros((lmax + 1, x.size), dtype=np.clongdouble)
    start = 0
    for m in range(lmax + 1):
        sums[m] = alm[start : start + lmax + 1 - m].astype(np.clongdouble) @ legendre(m, lmax, x, sine)
        start += lmax + 1 - m
    found = np.zeros(12 * nside**2, dtype=L)
    for r, (first, n, shifted) in enumerate(where):
        spectrum = np.zeros(n, dtype=np.clongdouble)
        for m in range(lmax + 1):
            f = sums[m, r] * turns(m, n, shifted)
            spectrum[m % n] += f if m else f.real
            if m:
                spectrum[-m % n] += np.conj(f)
        found[first : first + n] = ducc0.fft.c2c(spectrum, forward=False).real
    return found


def adjoint(m_: Any, nside: int, lmax: int) -> Any:
    """Sum over the pixels of a map times conj(Y_lm), in long double."""
    x, sine, where = rings(nside)
    sums = np.zeros((lmax + 1, x.size), dtype=np.clongdouble)
    for r, (first, n, shifted) in enumerate(where):
        spectrum = ducc0.fft.c2c(m_[first : first + n].astype(np.clongdouble), forward=True)
        for m in range(lmax + 1):
            sums[m, r] = spectrum[m % n] * np.conj(turns(m, n, shifted))
    return np.concatenate([legendre(m, lmax, x, sine) @ sums[m] for m in range(lmax + 1)])
