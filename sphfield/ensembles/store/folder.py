"""A folder that `collect` wrote in, the values of its statistics out, whole or named as missing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphfield.ensembles.store.pieces import make_folder, remove_strays, write
from sphfield.ensembles.store.shards import array_document, blank, decode, encode, key, there
from sphfield.ensembles.summaries import Summary, summarise
from sphfield.fields.pixels import whole
from sphfield.provenance import version
from sphfield.typing import Array

__all__ = ["DOCUMENT", "LAYOUT", "Store"]

LAYOUT = 1
DOCUMENT = "zarr.json"


@dataclass(frozen=True, init=False)
class Store:
    """Values of statistics of numbered realisations, as `collect` wrote them; opened for reading.

    A Zarr group, format 3, that other software reads, too: one array a statistic, of shape (size, ...), one shard a
    batch of realisations, each with a checksum (CRC-32C). What has not been computed yet reads as NaN there.

    Parameters
    ----------
    path : path
        Its folder.
    computed : int
        How many realisations the call of `collect` computed that returned this; 0 if there was nothing to do.

    Raises
    ------
    ValueError
        If there is no such folder, no Zarr group in it, or one that `collect` did not make.
    """

    path: Path
    computed: int = field(default=0, compare=False)

    def __init__(self, path: str | os.PathLike[str], computed: int = 0) -> None:
        object.__setattr__(self, "path", Path(path).absolute())
        object.__setattr__(self, "computed", computed)
        _ = self.recipe  # what is no store is refused now

    def __str__(self) -> str:
        left = len(self.missing)
        state = f"{left} of {self._count} batches missing" if left else "complete"
        done = f"{self.computed} realisations computed" if self.computed else "nothing to compute"
        return f"{self.path}: {self.size} realisations of {', '.join(self.statistics)}; {state}; {done}"

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """What it was made with: ensemble, statistics, batch, version."""
        text = repr(str(self.path))
        if not self.path.is_dir():
            raise ValueError(f"there is no store {text}: a store is a folder, which collect makes")
        document = _read_json(self.path / DOCUMENT)
        if document is None:
            raise ValueError(f"{text} is no store: it has no {DOCUMENT} that can be read")
        attributes = document.get("attributes")
        recipe = attributes.get("sphfield") if isinstance(attributes, dict) else None
        if not isinstance(recipe, dict) or not {"layout", "ensemble", "statistics", "batch"} <= recipe.keys():
            raise ValueError(f"{text} is no store that sphfield made: choose another folder")
        if recipe["layout"] != LAYOUT:
            raise ValueError(
                f"{text} has layout {recipe['layout']} of sphfield {recipe.get('version')}, this is sphfield "
                f"{version()} with layout {LAYOUT}: read it with the other version, or collect anew elsewhere"
            )
        return recipe

    @property
    def ensemble_description(self) -> Any:
        """What `sphfield.describe` says of the ensemble."""
        return self.recipe["ensemble"]

    @property
    def statistics(self) -> tuple[str, ...]:
        """The names of the statistics."""
        return tuple(self.recipe["statistics"])

    @property
    def batch(self) -> int:
        """Realisations a shard."""
        return int(self.recipe["batch"])

    @property
    def size(self) -> int:
        """How many realisations were asked for; whether all are there, `missing` says."""
        return min(self._length(name) for name in self.statistics)

    @property
    def missing(self) -> tuple[int, ...]:
        """Batches of which anything is missing or damaged, found by reading them all."""
        size = self.size
        return tuple(i for i in range(self._count) if self.gaps(i, size)[0].size)

    @property
    def unwritten(self) -> int:
        """Batches that have no file yet, counted without reading any: for jobs that do a part."""
        return sum(any(not self._shard(name, i).exists() for name in self.statistics) for i in range(self._count))

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a statistic."""
        if name not in self.statistics:
            raise ValueError(f"there is no statistic {name!r} in {str(self.path)!r}: it has {list(self.statistics)}")
        return tuple(self.recipe["statistics"][name]["shape"])

    def values(self, name: str, start: int = 0, stop: int | None = None) -> Array:
        """The values of realisations start ... stop - 1, shape (stop - start, ...).

        Raises
        ------
        ValueError
            If a realisation among them is missing or damaged, naming it.
        """
        shape, size = self.shape(name), self.size
        start, stop = whole("start", start), size if stop is None else whole("stop", stop)
        if not start <= stop <= size:
            raise ValueError(
                f"start = {start}, stop = {stop}: give 0 <= start <= stop <= {size}, the size of the store"
            )
        found = np.empty((stop - start, *shape))
        for i in range(start // self.batch, -(-stop // self.batch)):
            first = i * self.batch
            low, high = max(start, first), min(stop, first + self.batch)
            rows, _ = self._read(name, i)
            if not (whole_rows := there(rows)[low - first : high - first]).all():
                raise ValueError(
                    f"realisation {low + int(np.argmin(whole_rows))} is missing or damaged in "
                    f"{str(self._shard(name, i))!r}: call collect again, it computes what is missing"
                )
            found[low - start : high - start] = rows[low - first : high - first]
        return found

    def batches(self, name: str) -> Iterator[Array]:
        """The values batch by batch, in order, each of shape (at most `batch`, ...)."""
        size = self.size
        for start in range(0, size, self.batch):
            yield self.values(name, start, min(start + self.batch, size))

    def check_filled(self) -> None:
        """Refuse a store without realisations."""
        if self.size == 0:
            raise ValueError(
                f"{str(self.path)!r} holds no realisation, or a {DOCUMENT} in it is lost: call collect again, it makes "
                "what is missing"
            )

    def summary(self, name: str, quantiles: Sequence[float] = (0.16, 0.5, 0.84)) -> Summary:
        """Count, mean, std, error and exact quantiles, in memory for a batch: see `summarise`."""
        return summarise(lambda: self.batches(name), quantiles)

    def gaps(self, i: int, size: int) -> tuple[NDArray[np.int64], list[str]]:
        """Realisations of batch i below `size` that a statistic misses, and what is wrong with files of it."""
        start = i * self.batch
        done, damages = np.ones(min(self.batch, size - start), dtype=bool), []
        for name in self.statistics:
            rows, damage = self._read(name, i)
            done &= there(rows)[: done.size]
            damages += [damage] if damage else []
        return start + np.flatnonzero(~done), damages

    def add(self, name: str, indices: NDArray[np.int64], values: Array) -> None:
        """Writes the values of realisations of one batch beside those that are there."""
        i = int(indices[0]) // self.batch
        rows, _ = self._read(name, i)  # as it is now: another writer may have added to it
        rows[indices - i * self.batch] = values
        write(self._shard(name, i), encode(rows))

    def grow(self, size: int) -> None:
        """Makes every array that is shorter as long as this."""
        for name in self.statistics:
            if self._length(name) < size:
                make_folder(self.path / name)
                document = array_document(name, size, self.batch, self.shape(name))
                write(self.path / name / DOCUMENT, document, safe=True)

    def clean(self) -> None:
        """Removes the temporary files of killed writers."""
        for folder in (self.path, *(self.path / name for name in self.statistics)):
            remove_strays(folder)

    @property
    def _count(self) -> int:
        return -(-self.size // self.batch)

    def _length(self, name: str) -> int:
        document = _read_json(self.path / name / DOCUMENT)
        return 0 if document is None else int(document["shape"][0])

    def _shard(self, name: str, i: int) -> Path:
        return self.path / name / key(i, len(self.shape(name)))

    def _read(self, name: str, i: int) -> tuple[Array, str | None]:
        shape, path = self.shape(name), self._shard(name, i)
        try:
            return decode(path.read_bytes(), self.batch, shape), None
        except FileNotFoundError:
            return blank(self.batch, shape), None
        except ValueError as error:
            return blank(self.batch, shape), f"{str(path)!r} is damaged, {error}"


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return document if isinstance(document, dict) else None
