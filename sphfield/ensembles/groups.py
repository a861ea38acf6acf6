"""An ensemble, a statistic and the indices of a group in, a row for each out: map by map, or all maps side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sphfield.fields.batches import Batch, Engines, Precision, Way, way_for
from sphfield.typing import Array, Statistic

__all__ = ["chosen_way", "on_batch", "real", "rows_of"]


def chosen_way(ensemble: Any, engine: Engines, precision: Precision, worth: Callable[[int], bool]) -> Way | None:
    """How the maps of an ensemble are transformed; None if its sampler draws them by no transform of ours.

    `worth` says of an nside whether batches are.

    Raises
    ------
    ValueError
        If something else than the default is asked for of such a sampler.
    """
    sampler: Any = getattr(ensemble, "sampler", None)
    if callable(getattr(sampler, "many", None)):
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
        drawn = ensemble.sampler.many([ensemble.rng(i) for i in indices], way, threads)
        batch = replace(drawn, own=True)  # nobody else is going to see it
        _check(batch, indices, ensemble.seed)
        return [real(row, "the statistic").copy() for row in on_batch(statistic, batch, threads)]
    except Exception as error:
        some = f"realisation {indices[0]}" if len(indices) == 1 else f"realisations {indices[0]} ... {indices[-1]}"
        error.add_note(f"in {some} of {ensemble!r}")
        raise


def on_batch(statistic: Statistic, batch: Batch, threads: int) -> Sequence[Array]:
    """A statistic of each map: by its method ``many`` if it has one, else map by map."""
    many = getattr(statistic, "many", None)
    return [statistic(m) for m in batch] if many is None else many(batch, threads)


def real(values: Any, whose: str) -> Array:
    """Values as float64; complex ones are refused."""
    if np.iscomplexobj(values):
        raise TypeError(f"{whose} is complex: return real and imaginary part as two real arrays")
    return np.asarray(values, dtype=np.float64)


def _check(batch: Batch, indices: Sequence[int], seed: int) -> None:
    bad = np.flatnonzero(~np.isfinite(batch.levels[: batch.count]))
    if bad.size:
        raise ValueError(
            f"realisation {indices[bad[0]]} of seed {seed} has NaN or infinite pixels: the sampler must return finite "
            "maps"
        )
