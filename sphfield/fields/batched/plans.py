"""nside, lmax, mmax and precision in, transforms of K maps at once out."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache, partial
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sphfield.fields.batched.fourier import Group, groups_of, to_pixels, to_rows
from sphfield.fields.batched.grid import Rings, rings_of
from sphfield.fields.batched.layout import ALIGNMENT, aligned, as_rows
from sphfield.fields.batched.workspace import SLAB_BYTES, Scratch, Stage, addresses, buffers_for, scratch_for, slab_for
from sphfield.fields.pixels import check_lmax, check_nside, whole

__all__ = ["Plan", "Precision", "Workspace", "available", "check_precision", "plan"]

Precision: TypeAlias = Literal["double", "single"]
"""Of maps, coefficients and sums; the Legendre functions are always computed in double."""

LANES = {"double": 8, "single": 16}
"""Maps in a batch: a cache line of each pixel."""

SCALARS: dict[str, Any] = {"double": np.float64, "single": np.float32}

HALF = {"double": 150.0, "single": 60.0}
"""Legendre functions below 2^-HALF count as 0. Single precision ends at 2^-126, and what comes near it is slow."""


class Share(NamedTuple):
    """Blocks of rings that are summed in one precision, and the memory of one thread for it."""

    blocks: tuple[int, int]
    stage: Stage  # with addresses in place of the tables
    tables: Scratch  # which have to be kept


class Workspace:
    """What a transform writes to besides its result; of one transform at a time. Made by `Plan.workspace`."""

    def __init__(self, threads: list[list[Share]]) -> None:
        self.threads = threads
        self.pool = ThreadPoolExecutor(len(threads)) if len(threads) > 1 else None

    def run(self, work: Callable[[int], None]) -> None:
        """Call ``work`` with the number of each thread, and wait for all."""
        if self.pool is None:
            work(0)
        else:
            list(self.pool.map(work, range(len(self.threads))))


@lru_cache(maxsize=4)
def plan(
    nside: int, lmax: int, mmax: int | None = None, precision: Precision = "double", lanes: int | None = None
) -> Plan:
    """A `Plan`, one of the last few if it was asked for before.

    Parameters
    ----------
    nside, lmax : int
        A power of two, and at most 3 nside - 1.
    mmax : int, optional
        At most lmax, which it is if not given.
    precision : {"double", "single"}
        Of maps, coefficients and sums. In single precision maps of white spectra have errors below 1e-6 of their
        standard deviation; the block of rings at the equator, where sums cancel, is summed in double.
    lanes : int, optional
        Maps in a batch: 8 in double and 16 in single precision, or a half or a quarter and so on, which costs speed and
        saves memory, see `Plan.nbytes`.

    Raises
    ------
    ValueError
        If nside does not carry lmax, or there is no such precision or number of lanes.

    Examples
    --------
    >>> p = plan(nside=2, lmax=4)
    >>> alm, maps, workspace = p.coefficients(), p.maps(), p.workspace()
    >>> alm[0, 0, 3] = np.sqrt(4 * np.pi)  # the mean of the fourth map
    >>> p.synthesis(alm, maps, workspace)
    >>> maps.mean(axis=0).round(12).tolist()
    [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    """
    return Plan(nside, lmax, lmax if mmax is None else mmax, precision, lanes or LANES[check_precision(precision)])


def check_precision(precision: Any) -> Precision:
    """``precision`` if there is one of that name."""
    if precision not in ("double", "single"):
        raise ValueError(f"precision = {precision!r} does not exist: use 'double' or 'single'")
    return precision  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Plan:
    """Tables for the transforms of one grid; nothing of it is written to, so threads share it."""

    nside: int
    lmax: int
    mmax: int
    precision: Precision
    lanes: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "nside", check_nside(self.nside))
        object.__setattr__(self, "lmax", check_lmax(self.lmax, self.nside))
        object.__setattr__(self, "mmax", whole("mmax", self.mmax))
        if self.mmax > self.lmax:
            raise ValueError(f"mmax = {self.mmax} is larger than lmax = {self.lmax}: use at most lmax")
        full = LANES[check_precision(self.precision)]
        if self.lanes not in {full >> k for k in range(full.bit_length() - 1)}:
            raise ValueError(
                f"lanes = {self.lanes} do not fit {self.precision} precision: use {full}, or half or a quarter"
            )

    @property
    def ncoef(self) -> int:
        """Coefficients of a map."""
        return (self.mmax + 1) * (2 * self.lmax + 2 - self.mmax) // 2

    @property
    def npix(self) -> int:
        """Pixels of a map."""
        return 12 * self.nside**2

    @cached_property
    def rings(self) -> Rings:
        return rings_of(self.nside, self.lmax, self.mmax)

    @cached_property
    def _addresses(self) -> Rings:
        found: Rings = addresses(self.rings)
        return found

    @cached_property
    def _groups(self) -> tuple[Group, ...]:
        return groups_of(self.rings)

    @property
    def nbytes(self) -> int:
        """Memory of one thread with a batch of its own: coefficients, maps and about 2 MB of workspace."""
        rows = 2 * self.ncoef + self.npix + 2 * SLAB_BYTES // ALIGNMENT
        return rows * self.lanes * int(np.dtype(SCALARS[self.precision]).itemsize)

    def coefficients(self) -> NDArray[Any]:
        """Zeros of shape (ncoef, 2, lanes): healpy's order, real and imaginary part, map."""
        return aligned((self.ncoef, 2, self.lanes), SCALARS[self.precision])

    def maps(self) -> NDArray[Any]:
        """Zeros of shape (12 nside**2, lanes), RING order."""
        return aligned((self.npix, self.lanes), SCALARS[self.precision])

    def workspace(self, nthreads: int = 1) -> Workspace:
        """What one transform at a time needs, with so many threads inside; the bytes are the same for any number."""
        return Workspace([self._shares() for _ in range(whole("nthreads", nthreads, 1))])

    def _shares(self) -> list[Share]:
        blocks = self.rings.blocks
        if self.precision == "double":
            return [self._share((0, blocks), np.float64)]
        return [self._share((0, blocks - 1), np.float32), self._share((blocks - 1, blocks), np.float64)]

    def _share(self, blocks: tuple[int, int], scalar: Any) -> Share:
        slab = slab_for(self.lmax, self.lanes * np.dtype(scalar).itemsize)
        tables = scratch_for(self.lmax, slab, HALF[self.precision])
        return Share(blocks, Stage(buffers_for(self.lmax, slab, scalar, self.lanes), addresses(tables)), tables)

    def synthesis(self, alm: NDArray[Any], maps: NDArray[Any], workspace: Workspace) -> None:
        """Write the maps of coefficients; imaginary parts at m = 0 are ignored."""
        rows, n = self._checked(alm, maps), len(workspace.threads)

        def legendre(i: int) -> None:
            for number, share in enumerate(workspace.threads[i]):
                first, last = share.blocks
                # the block at the equator, alone in its share, goes to the last thread, which has fewest of the others
                blocks = (first + (n - 1 - i if number else i), last, n)
                if blocks[0] < last:
                    _kernels().synthesise(*rows, share.stage, self._addresses, blocks, (0, self.mmax + 1))

        def fourier(i: int) -> None:
            for group in self._groups[i::n]:
                for piece in group.pieces:
                    to_pixels(piece, maps)

        workspace.run(legendre)
        workspace.run(fourier)

    def adjoint(
        self,
        maps: NDArray[Any],
        alm: NDArray[Any],
        workspace: Workspace,
        weights: NDArray[Any] | None = None,
        levels: NDArray[Any] | None = None,
    ) -> None:
        """Write the sums over the pixels of w (m - level) conj(Y_lm).

        Weights w are float64 (12 nside**2,), 1 if not given; levels, one a lane and only with weights, are 0 if not
        given. The maps are destroyed: their memory is where the Fourier transform works.
        """
        rows, n = self._checked(alm, maps), len(workspace.threads)
        if weights is not None and (weights.shape != (self.npix,) or weights.dtype != np.float64):
            raise ValueError(
                f"weights are {weights.dtype} of shape {weights.shape}: give one for each pixel, "
                f"float64 of shape ({self.npix},)"
            )

        level = aligned((1, self.lanes), SCALARS[self.precision])
        level[...] = 0.0 if levels is None else levels
        one = as_rows(level)

        def fourier(i: int) -> None:
            for group in self._groups[i::n]:
                if weights is not None:
                    _kernels().weigh(rows[1], one, weights, *group.north)
                    _kernels().weigh(rows[1], one, weights, *group.south)
                for piece in group.pieces:
                    to_rows(piece, maps)

        def legendre(number: int, i: int) -> None:
            share = workspace.threads[i][number]
            slab, blocks = share.stage.scratch.slab, (*share.blocks, 1)
            for low in range(i * slab, self.mmax + 1, n * slab):
                orders = (low, min(low + slab, self.mmax + 1))
                _kernels().analyse(*rows, share.stage, self._addresses, blocks, orders, number > 0)

        workspace.run(fourier)
        for number in range(len(workspace.threads[0])):
            workspace.run(partial(legendre, number))

    def _checked(self, alm: NDArray[Any], maps: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        for name, array, shape in (
            ("alm", alm, (self.ncoef, 2, self.lanes)),
            ("maps", maps, (self.npix, self.lanes)),
        ):
            scalar = np.dtype(SCALARS[self.precision])
            if array.shape != shape or array.dtype != scalar or not array.flags.c_contiguous:
                raise ValueError(
                    f"{name} is {array.dtype} of shape {array.shape}: give contiguous {scalar} of shape {shape}, "
                    f"as plan.{'maps' if name == 'maps' else 'coefficients'}() makes it"
                )
        return as_rows(alm), as_rows(maps)


@cache
def _kernels() -> Any:
    # by name, so that numba, which takes longer to import than all the rest, is loaded by the first transform
    return importlib.import_module("sphfield.fields.batched.legendre")


@cache
def available(precision: Precision = "double") -> str | None:
    """Why batches cannot be transformed here, in words; None if they can."""
    try:
        small = plan(1, 2, precision=precision)
        alm, maps, workspace = small.coefficients(), small.maps(), small.workspace()
        alm[0, 0] = np.sqrt(4.0 * np.pi)
        small.synthesis(alm, maps, workspace)
        small.adjoint(maps, alm, workspace)
    except ImportError as error:
        return f"numba is not installed ({error})"
    except Exception as error:  # numba raises of its own and LLVM's
        return f"numba cannot compile the batched transform here ({type(error).__name__}: {error})"
    return None
