"""Half-complex rows of rings in, pixels out, and back, in place: ducc0's real FFT on all lanes of a few rings at once.

A ring and its mirror image are one call, since they have as many pixels; in the equatorial belt, where all rings have
the same number, a block of pairs is one call. Each call is made by one thread with one thread of ducc0's, and which
rings it has does not depend on the number of threads; so neither do the bytes. Threads share groups of such calls,
which end where the second-level cache does, since pixels are weighted just before their transform.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import ducc0
import numpy as np
from numpy.typing import NDArray

from sphfield.fields.batched.grid import Rings
from sphfield.fields.batched.layout import RINGS

__all__ = ["GROUP", "Group", "Piece", "groups_of", "pieces_of", "to_pixels", "to_rows"]


GROUP = 8192
"""Pixels, of 64 bytes."""


class Piece(NamedTuple):
    """Rings of one length, and their mirror images."""

    north: int  # first pixel
    south: int  # first pixel of the mirror images; equal to `north` for the equator, which has none
    rings: int
    length: int
    used: int  # rows of each ring that the Legendre stage writes

    def view(self, maps: NDArray[Any]) -> NDArray[Any]:
        """The pixels, shape (2, rings, length, lanes), or (1, ...) for the equator."""
        pixel, lane = maps.strides
        halves = 1 if self.south == self.north else 2
        strides = ((self.south - self.north) * pixel, self.length * pixel, pixel, lane)
        shape = (halves, self.rings, self.length, maps.shape[1])
        return np.ndarray(shape, maps.dtype, maps, self.north * pixel, strides)  # as_strided takes ten times longer


class Group(NamedTuple):
    """Neighbouring pieces: the pixels in two ranges, of which the second is empty at the equator."""

    pieces: tuple[Piece, ...]
    north: tuple[int, int]
    south: tuple[int, int]


def groups_of(rings: Rings) -> tuple[Group, ...]:
    """All rings in groups of about `GROUP` pixels."""
    found: list[list[Piece]] = []
    for piece in pieces_of(rings):
        full = not found or sum(2 * p.rings * p.length for p in found[-1]) >= GROUP
        if full or piece.south == piece.north:
            found.append([])
        found[-1].append(piece)
    return tuple(_group(pieces) for pieces in found)


def _group(pieces: list[Piece]) -> Group:
    first, last = pieces[0], pieces[-1]
    pixels = sum(piece.rings * piece.length for piece in pieces)
    south = (last.south, last.south + (pixels if last.south != last.north else 0))
    return Group(tuple(pieces), (first.north, first.north + pixels), south)


def pieces_of(rings: Rings) -> tuple[Piece, ...]:
    """All rings; each piece is in one block."""
    found: list[Piece] = []
    block = -1
    for r in range(rings.padding, rings.blocks * RINGS):
        length, north, south = int(rings.length[r]), int(rings.north[r]), int(rings.south[r])
        used = min(length, 2 * int(rings.limit[r // RINGS]) + 1)
        if south < 0:
            found.append(Piece(north, north, 1, length, used))
        elif found and block == r // RINGS and found[-1].length == length:
            last = found[-1]
            found[-1] = Piece(last.north, south, last.rings + 1, length, used)
        else:
            found.append(Piece(north, south, 1, length, used))
        block = r // RINGS
    return tuple(found)


def to_pixels(piece: Piece, maps: NDArray[Any]) -> None:
    """Real values from half-complex rows."""
    values = piece.view(maps)
    if piece.used < piece.length:
        values[:, :, piece.used :] = 0.0
    ducc0.fft.r2r_fftpack(values, axes=(2,), real2hermitian=False, forward=False, out=values, nthreads=1)


def to_rows(piece: Piece, maps: NDArray[Any]) -> None:
    """Half-complex rows from real values."""
    values = piece.view(maps)
    ducc0.fft.r2r_fftpack(values, axes=(2,), real2hermitian=True, forward=True, out=values, nthreads=1)
