"""Sums of a pair of rings in, Fourier coefficients in the rings' own pixels out, and back: no second array of phases.

A ring of n pixels holds the Fourier coefficients of its real values in half-complex order, the one of FFTPACK:
Re F_0, Re F_1, Im F_1, Re F_2, Im F_2, ..., and Re F_{n/2} at the end. That is n rows, as many as the ring has pixels,
so a transform in place turns one into the other and no complex array is made. Orders m > n/2 appear on the ring as
m mod n, and its upper half as conjugates of the lower.
"""

from __future__ import annotations

from sphfield.fields.batched.arithmetic import add, axpy, scaled, subtract, zeros
from sphfield.fields.batched.grid import FINE, Rings
from sphfield.fields.batched.layout import KINDS, RINGS
from sphfield.fields.batched.vectors import Lanes, Rows, integer, jit, load, load_like, store, value, write

__all__ = ["collect", "rotation", "spread"]


@jit
def rotation(m: int, block: int, rings: Rings, cosine: int, sine: int) -> None:
    """Cos and sin of m phi, phi the longitude of the first pixel, for the rings of a block."""
    pairs = rings.blocks * RINGS
    coarse, fine = m // FINE * pairs, m % FINE * pairs
    for t in range(RINGS):
        r = block * RINGS + t
        a, b = value(rings.coarse_cosine, coarse + r), value(rings.coarse_sine, coarse + r)
        c, d = value(rings.fine_cosine, fine + r), value(rings.fine_sine, fine + r)
        write(cosine, t, a * c - b * d)
        write(sine, t, b * c + a * d)


@jit
def spread(m: int, block: int, rings: Rings, sums: Rows, cosine: int, sine: int, maps: Rows) -> None:
    """Even and odd sums of a block to the rows of its rings; m must come in ascending order."""
    for t in range(rings.padding if block == 0 else 0, RINGS):
        r, k = block * RINGS + t, KINDS * t
        n, x = integer(rings.length, r), value(rings.cosine, r)
        even_re, even_im = load(sums, k), load(sums, k + 1)
        odd_re, odd_im = scaled(x, load(sums, k + 2)), scaled(x, load(sums, k + 3))
        re, im = turned(value(cosine, t), value(sine, t), add(even_re, odd_re), add(even_im, odd_im))
        place(sums, maps, integer(rings.north, r), n, m, re, im)
        if integer(rings.south, r) >= 0:  # P(-x) = (-1)^(ell - m) P(x)
            re, im = turned(value(cosine, t), value(sine, t), subtract(even_re, odd_re), subtract(even_im, odd_im))
            place(sums, maps, integer(rings.south, r), n, m, re, im)


@jit
def collect(m: int, block: int, rings: Rings, sums: Rows, cosine: int, sine: int, maps: Rows) -> None:
    """From the rows of a block's rings their even and odd sums: the adjoint of `spread`."""
    zero = zeros(sums)
    for t in range(RINGS):
        r, k = block * RINGS + t, KINDS * t
        if block == 0 and t < rings.padding:
            for kind in range(KINDS):
                store(sums, k + kind, zero)
            continue
        n, x = integer(rings.length, r), value(rings.cosine, r)
        re, im = found(sums, maps, integer(rings.north, r), n, m)
        north_re, north_im = turned(value(cosine, t), -value(sine, t), re, im)
        south_re, south_im = zero, zero
        if integer(rings.south, r) >= 0:
            re, im = found(sums, maps, integer(rings.south, r), n, m)
            south_re, south_im = turned(value(cosine, t), -value(sine, t), re, im)
        store(sums, k, add(north_re, south_re))
        store(sums, k + 1, add(north_im, south_im))
        store(sums, k + 2, scaled(x, subtract(north_re, south_re)))
        store(sums, k + 3, scaled(x, subtract(north_im, south_im)))


@jit
def turned(cosine: float, sine: float, re: Lanes, im: Lanes) -> tuple[Lanes, Lanes]:
    """(re + i im)(cosine + i sine)."""
    return axpy(cosine, re, scaled(-sine, im)), axpy(sine, re, scaled(cosine, im))


@jit
def place(like: Rows, maps: Rows, first: int, n: int, m: int, re: Lanes, im: Lanes) -> None:
    """Write the coefficient of order m of a ring, or add it to the lower one that it is confused with."""
    if m == 0:
        store(maps, first, re)
        return
    if 2 * m < n:
        store(maps, first + 2 * m - 1, re)
        store(maps, first + 2 * m, im)
        return
    order = m % n
    if order == 0 or 2 * order == n:  # the transform counts these once, and both m and -m are there
        at = first if order == 0 else first + n - 1
        if 2 * m == n:
            store(maps, at, scaled(2.0, re))
        else:
            store(maps, at, axpy(2.0, re, load_like(like, maps, at)))
    elif 2 * order < n:
        at = first + 2 * order - 1
        store(maps, at, add(load_like(like, maps, at), re))
        store(maps, at + 1, add(load_like(like, maps, at + 1), im))
    else:
        at = first + 2 * (n - order) - 1
        store(maps, at, add(load_like(like, maps, at), re))
        store(maps, at + 1, subtract(load_like(like, maps, at + 1), im))


@jit
def found(like: Rows, maps: Rows, first: int, n: int, m: int) -> tuple[Lanes, Lanes]:
    """The coefficient of order m of a ring."""
    order = m % n
    if order == 0:
        return load_like(like, maps, first), zeros(like)
    if 2 * order == n:
        return load_like(like, maps, first + n - 1), zeros(like)
    if 2 * order < n:
        at = first + 2 * order - 1
        return load_like(like, maps, at), load_like(like, maps, at + 1)
    at = first + 2 * (n - order) - 1
    return load_like(like, maps, at), scaled(-1.0, load_like(like, maps, at + 1))
