"""Normals of several realisations in, their maps as a batch out; such a batch in, coefficients and their power out."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sphfield.fields.batched import plan
from sphfield.fields.batched.lane_loops import fill, power
from sphfield.fields.batches import Batch, Way
from sphfield.fields.pixels import lmax_of
from sphfield.fields.transforms import alm2cl, evaluate
from sphfield.fields.weights import pixel_weights
from sphfield.typing import Array, ComplexArray

__all__ = ["BatchCoefficients", "analyse_lanes", "draw", "give_back", "synthesise"]

_KEPT = threading.local()


@dataclass(frozen=True, eq=False, repr=False)
class BatchCoefficients:
    """Coefficients a_lm of the maps of a batch, as the engine has them.

    Their memory is used again by the next analysis in the same thread.

    Parameters
    ----------
    values : array
        complex, shape (number of a_lm, 1), of ducc0; (number of a_lm, 2, lanes), real and imaginary parts, if batched.
    count : int
        Lanes that are filled.
    way : Way
    """

    values: Any
    count: int
    way: Way

    def __iter__(self) -> Iterator[ComplexArray]:
        """The coefficients of each map in healpy's order, complex128."""
        return (self._lane(lane) for lane in range(self.count))

    def power(self) -> Array:
        """Estimated C_ell of each map, shape (count, lmax + 1)."""
        if self.way.engine == "ducc0":
            return np.array([alm2cl(alm) for alm in self])
        return power(self.values, lmax_of(len(self.values)))[: self.count]

    def _lane(self, lane: int) -> ComplexArray:
        if self.way.engine == "ducc0":
            return np.array(self.values[:, lane], dtype=np.complex128)
        alm = np.empty(len(self.values), dtype=np.complex128)
        alm.real, alm.imag = self.values[:, 0, lane], self.values[:, 1, lane]
        return alm


def synthesise(alm: ComplexArray, nside: int, lmax: int, way: Way, threads: int) -> Batch:
    """One map of checked coefficients by ducc0, as a batch."""
    m = evaluate(alm if way.precision == "double" else alm.astype(np.complex64), nside, lmax, threads)
    return Batch(m[:, None], 1, way)


def draw(
    amplitudes: tuple[Array, Array], rngs: Sequence[np.random.Generator], nside: int, way: Way, threads: int
) -> Batch:
    """The maps whose coefficients `sphfield.synalm` draws from each of the generators, batched."""
    if not 1 <= len(rngs) <= way.lanes(nside):
        raise ValueError(f"{len(rngs)} generators: a batch has 1 ... {way.lanes(nside)} maps")
    lmax = amplitudes[0].size - 1
    kept = _kept("draw", nside, lmax, way, threads)
    normals = kept.normals[: len(rngs)]

    def some(i: int) -> None:
        for row, rng in zip(normals[i::threads], rngs[i::threads], strict=True):
            rng.standard_normal(out=row)

    kept.workspace.run(some)
    fill(normals, *amplitudes, kept.alm)
    kept.plan.synthesis(kept.alm, kept.maps, kept.workspace)
    _KEPT.draw = None  # nobody else may draw into this memory before it is given back
    return Batch(kept.maps, len(rngs), way, near=kept.alm[0, 0] / np.sqrt(4 * np.pi), memory=kept)


def give_back(batch: Batch) -> None:
    """Lets the thread draw its next batch where this one was: fresh memory costs as much as work in it."""
    if batch.memory is not None:
        _KEPT.draw = batch.memory


def analyse_lanes(batch: Batch, lmax: int, transforms: int, threads: int) -> BatchCoefficients:
    """The coefficients of the maps of a batch, batched; see `sphfield.fields.analysis.analysis`."""
    weights = pixel_weights(batch.nside)
    levels = batch.levels.astype(batch.way.dtype)  # what is taken out here is put back there, to the bit
    kept = _kept("analyse", batch.nside, lmax, batch.way, threads)
    alm, left = kept.alm, batch.values
    if not batch.own or transforms > 1:
        left = kept.maps
        np.copyto(left, batch.values)
    kept.plan.adjoint(left, alm, kept.workspace, weights, levels)
    for _ in range(transforms // 2):
        kept.plan.synthesis(alm, left, kept.workspace)
        np.subtract(batch.values, left, out=left)
        kept.plan.adjoint(left, kept.more, kept.workspace, weights, levels)
        alm += kept.more
    alm[0, 0] += np.sqrt(4 * np.pi) * levels.astype(np.float64)
    return BatchCoefficients(alm, batch.count, batch.way)


class _Kept:
    # what a thread needs for one kind of transform, kept from call to call

    def __init__(self, key: tuple[Any, ...]) -> None:
        nside, lmax, way, threads, _ = self.key = key
        self.plan = plan(nside, lmax, precision=way.precision, lanes=way.lanes(nside))
        self.workspace = self.plan.workspace(threads)

    @cached_property
    def alm(self) -> Any:
        return self.plan.coefficients()

    @cached_property
    def more(self) -> Any:
        return self.plan.coefficients()

    @cached_property
    def maps(self) -> Any:
        return self.plan.maps()

    @cached_property
    def normals(self) -> Array:
        return np.empty((self.plan.lanes, (self.plan.lmax + 1) ** 2))


def _kept(use: str, nside: int, lmax: int, way: Way, threads: int) -> _Kept:
    key = (nside, lmax, way, threads, os.getpid())  # threads inside do not survive a fork
    found: _Kept | None = getattr(_KEPT, use, None)
    if found is None or found.key != key:
        setattr(_KEPT, use, None)  # the memory goes before the new comes
        found = _Kept(key)
        setattr(_KEPT, use, found)
    return found
