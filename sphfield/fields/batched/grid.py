"""nside, lmax, mmax in, tables of the rings out: the geometry of HEALPix in exact fractions, rounded once.

A pair of rings is one north of the equator and its mirror image south; the last is the equator alone. Pairs are
counted from the pole and lie in blocks of `layout.RINGS`, so that the last block ends at the equator; the first is
filled up with copies of the ring at the pole whose sums are not used.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sphfield.fields.batched.layout import RINGS
from sphfield.typing import Array

__all__ = ["Rings", "rings_of"]

PI = Decimal("3.141592653589793238462643383279502884197")
FINE = 64
"""Orders in the fine table of rotations: e^(i m phi) = coarse[m // 64] * fine[m % 64] needs no sine in the loops."""


class Rings(NamedTuple):
    """Tables by pair of rings, by block or by order; compiled functions take them in one piece."""

    lmax: int
    padding: int  # copies in front of the first pair
    blocks: int
    cosine: Array  # of the colatitude, by pair, as the next two
    sine_high: Array  # log2 of its sine, in two parts, see `split`
    sine_low: Array
    length: NDArray[np.int64]  # pixels of a ring
    north: NDArray[np.int64]  # first pixel
    south: NDArray[np.int64]  # first pixel of the mirror image; -1 if there is none
    sine: Array  # of the colatitude, and what rounding took away from it
    sine_rest: Array
    argument: Array  # of the recursion: x^2, or -sin^2 in polar blocks
    polar: NDArray[np.int64]  # whether the argument is -sin^2, by block
    limit: NDArray[np.int64]  # last order that counts, by block
    norm_high: Array  # log2 of P_mm / sin^m, by order, in two parts
    norm_low: Array
    coarse_cosine: Array  # of the longitude of a ring's first pixel times 0, 64, 128 ...; (orders, pairs)
    coarse_sine: Array
    fine_cosine: Array  # times 0 ... 63
    fine_sine: Array


def rings_of(nside: int, lmax: int, mmax: int) -> Rings:
    """The tables of all rings."""
    pairs = 2 * nside
    blocks = -(-pairs // RINGS)
    padding = blocks * RINGS - pairs
    number = np.maximum(np.arange(blocks * RINGS) - padding, 0) + 1
    heights = [height(i, nside) for i in number.tolist()]
    cosine = np.array([float(z) for z in heights])
    squared = np.array([float(1 - z * z) for z in heights])
    sine = np.sqrt(squared)
    rest = [float(1 - z * z - Fraction(s) ** 2) / (2.0 * s) for z, s in zip(heights, sine.tolist(), strict=True)]
    by_block = squared.reshape(blocks, RINGS)
    polar = (by_block < 0.5).all(axis=1)
    # a rounded x^2 next to 1 is a wrong angle next to the pole: there sin^2, which is as exact as it is small
    argument = np.where(np.repeat(polar, RINGS), -squared, np.array([float(z * z) for z in heights]))
    length, north, shifted = pixels(number, nside)
    south = 12 * nside**2 - north - length
    south[number == pairs] = -1
    # beyond, (sin theta)^m has made functions of all ell <= lmax small; the margin is that of ducc0
    limit: NDArray[np.int64] = (
        (lmax * np.sqrt(by_block.max(axis=1)) + max(100.0, 0.01 * lmax)).clip(max=mmax).astype(np.int64)
    )
    return Rings(
        lmax,
        padding,
        blocks,
        cosine,
        *logarithms([1 - z * z for z in heights]),
        length,
        north,
        south,
        sine,
        np.array(rest),
        argument,
        np.asarray(polar, dtype=np.int64),
        limit,
        *logarithms(norms(mmax)),
        *rotations(mmax, length, shifted),
    )


def height(ring: int, nside: int) -> Fraction:
    """cos(theta) of a ring from the pole to the equator, counted from 1."""
    if ring < nside:
        return 1 - Fraction(ring**2, 3 * nside**2)
    return Fraction(2 * (2 * nside - ring), 3 * nside)


def pixels(number: NDArray[Any], nside: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Pixels of rings, the first pixel of each, and whether that lies half a pixel off longitude 0."""
    number = number.astype(np.int64)
    cap = number < nside
    length = np.where(cap, 4 * number, 4 * nside)
    first = np.where(cap, 2 * number * (number - 1), 2 * nside * (nside - 1) + 4 * nside * (number - nside))
    return length, first, cap | ((number - nside) % 2 == 0)


def norms(mmax: int) -> list[Fraction | Decimal]:
    """(P_mm / sin^m)^2 = (2m + 1)/(4 pi) times the product of (2k - 1)/(2k), for k from 1 to m."""
    with localcontext() as context:
        context.prec = 40
        product, found = 1 / (4 * PI), []
        for m in range(mmax + 1):
            if m:
                product = product * (2 * m - 1) / (2 * m)
            found.append((2 * m + 1) * product)
        return list(found)


def logarithms(squares: list[Any]) -> tuple[Array, Array]:
    """Half of log2 of each as high + low: high is a multiple of 2^-32, low the rest to the accuracy of a double.

    The logarithm of sin(theta)^m is some thousands; as one double it would be wrong by 1e-13 where its power of two has
    to be right to 1e-16. High parts, multiplied by m and added, are exact.
    """
    high, low = np.empty(len(squares)), np.empty(len(squares))
    with localcontext() as context:
        context.prec = 40
        two = 2 * Decimal(2).ln()
        for i, square in enumerate(squares):
            value = Decimal(square.numerator) / square.denominator if isinstance(square, Fraction) else square
            log = value.ln() / two
            high[i] = round(log * 2**32) / 2.0**32
            low[i] = float(log - Decimal(high[i]))
    return high, low


def rotations(mmax: int, length: NDArray[np.int64], shifted: NDArray[np.bool_]) -> tuple[Array, Array, Array, Array]:
    """Cosine and sine of m phi for the first pixel's longitude phi, which is pi / length or 0; coarse and fine."""
    found = []
    for orders in (np.arange(mmax // FINE + 1) * FINE, np.arange(FINE)):
        angle = np.pi * (orders[:, None] % (2 * length) / length) * shifted
        found += [np.cos(angle), np.sin(angle)]
    return found[0], found[1], found[2], found[3]
