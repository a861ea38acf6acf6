"""A store that `collect` filled in, the estimated power in it out: in the place of the maps that it was measured on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sphfield.ensembles.store import Store
from sphfield.fields.batches import Way
from sphfield.provenance import describe
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Array

__all__ = ["StoredPower", "is_store"]


@dataclass(frozen=True)
class StoredPower:
    """Estimated power of the maps of a store, with the estimator that made it.

    Parameters
    ----------
    path : str
        The folder.
    name : str
        Of the statistic, a `PowerSpectrum`.

    Raises
    ------
    ValueError
        If there is no store, it has no statistic of that name, or that is no `PowerSpectrum`; if its ensemble does not
        say what nside it has.

    Examples
    --------
    >>> import tempfile
    >>> from sphfield import Ensemble, GaussianField, Spectrum
    >>> from sphfield.ensembles.store import collect
    >>> maps = Ensemble(GaussianField(Spectrum([1.0, 0.5]), nside=1), seed=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = collect(f"{folder}/run", maps, {"power": PowerSpectrum(1)}, 10)
    ...     stored = StoredPower(f"{folder}/run")
    ...     len(stored), stored.nside, stored.estimator, stored.values().shape
    (10, 1, PowerSpectrum(lmax=1, transforms=1, engine='ducc0'), (10, 2))
    """

    path: str
    name: str = "power"

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", os.fspath(self.path))
        _ = self.estimator, self.nside

    @cached_property
    def store(self) -> Store:
        """The store."""
        return Store(self.path)

    @cached_property
    def estimator(self) -> PowerSpectrum:
        """What measured the power."""
        self.store.shape(self.name)  # refuses a name that is not there
        recipe = self.store.recipe["statistics"][self.name]["recipe"]
        made = dict(recipe) if isinstance(recipe, dict) else {}  # functions are described by their name
        if made.pop("type", None) != describe(PowerSpectrum(0))["type"]:
            raise ValueError(f"{self.name!r} in {self.path!r} is no PowerSpectrum: its values have no known law")
        return PowerSpectrum(**made)

    @cached_property
    def nside(self) -> int:
        """Resolution of the maps."""
        described: Any = self.store.ensemble_description
        nside = described.get("sampler", {}).get("nside") if isinstance(described, dict) else None
        if nside is None:
            raise ValueError(f"{self.path!r} does not say which nside its maps had: estimate from the maps themselves")
        return int(nside)

    @property
    def transforms(self) -> str:
        """Who transformed the maps, and in which precision."""
        way = self.store.recipe.get("transforms", {"engine": "ducc0", "precision": "double"})
        return "one by one" if way is None else str(Way(**way))

    def __len__(self) -> int:
        return self.store.size

    def values(self) -> Array:
        """Estimated C_ell of every map, shape (size, lmax + 1)."""
        return self.store.values(self.name)


def is_store(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder, as stores are and FITS files are not."""
    return Path(path).is_dir()
