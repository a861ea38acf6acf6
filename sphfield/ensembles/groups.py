"""An ensemble, a statistic and the indices of a group in, a row for each out: map by map, or all maps side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sphfield.fields.batch_transforms import give_back
from sphfield.fields.batches import Batch, Engines, Precision, Way, at_once, way_for
from sphfield.typing import Array, Statistic

__all__ = ["chosen_way", "follows", "on_batch", "real", "rows_of"]


def chosen_way(ensemble: Any, engine: Engines, precision: Precision, worth: Callable[[int], bool]) -> Way | None:
    """How the maps of an ensemble are transformed; None if its sampler draws them by no transform of ours.

    `worth` says of an nside whether batches are.

    Raises
    ------
    ValueError
        If something else than the default is asked for of such a sampler.
    """
    sampler: Any = getattr(ensemble, "sampler", None)
    if follows(ensemble):
        return way_for(engine, precision, worth=worth(sampler.nside))
    Way("ducc0" if engine == "auto" else engine, precision)  # for its checks
    if engine == "auto" and precision == "double":
        return None
    raise ValueError(
        f"engine = {engine!r}, precision = {precision!r}: {type(sampler or ensemble).__name__} has no method many that "
        "could follow; leave both out"
    )


def rows_of(ensemble: Any, statistic: Statistic, indices: Sequence[int], way: Way | None, threads: int) -> list[Array]:
    """The values of a group of realisations, which must not be more than the way has lanes."""
    try:
        if way is None:
            return [real(statistic(ensemble[i]), "the statistic").copy() for i in indices]  # a view would keep the map
        batch = ensemble.many(indices, way, threads)
        try:
            rows = on_batch(statistic, replace(batch, own=True), threads)  # nobody else is going to see it
        finally:
            give_back(batch)
        if len(rows) != len(indices):
            raise ValueError(f"{type(statistic).__name__}.many gave {len(rows)} values of {len(indices)} maps")
        return [real(row, "the statistic").copy() for row in rows]
    except Exception as error:
        some = f"realisation {indices[0]}" if len(indices) == 1 else f"realisations {indices[0]} ... {indices[-1]}"
        error.add_note(f"in {some} of {ensemble!r}")
        raise


def on_batch(statistic: Statistic, batch: Batch, threads: int) -> Sequence[Array]:
    """A statistic of each map: by its method ``many`` if it has one, else map by map."""
    many = at_once(statistic, "many", ("__call__", "alm"))
    return [statistic(m) for m in batch] if many is None else many(batch, threads)


def real(values: Any, whose: str) -> Array:
    """Values as float64; complex ones are refused."""
    if np.iscomplexobj(values):
        raise TypeError(f"{whose} is complex: return real and imaginary part as two real arrays")
    return np.asarray(values, dtype=np.float64)


def follows(ensemble: Any) -> bool:
    """Whether an ensemble draws many maps at once, in the way that it is told."""
    sampler = getattr(ensemble, "sampler", None)
    return None not in (
        at_once(ensemble, "many", ("__getitem__", "rng")),
        at_once(sampler, "many", ("__call__", "alm")),
    )
