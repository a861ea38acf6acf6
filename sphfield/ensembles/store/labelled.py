"""A store in, an xarray.Dataset out: the same values with names for their axes, read when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from sphfield.ensembles.store.folder import Store
from sphfield.provenance import describe, version
from sphfield.statistics.power import Binned, CoefficientPower, PowerSpectrum

if TYPE_CHECKING:
    import xarray

__all__ = ["is_dimensionless", "labelled"]

Coords: TypeAlias = dict[str, tuple[tuple[str, ...], Any, dict[str, Any]]]

_POWERS = tuple(describe(power(0))["type"] for power in (PowerSpectrum, CoefficientPower))
_BANDS = describe(Binned(PowerSpectrum(0), (0, 1)))["type"]
_LABELS = {"ell": ("ell",), "band": ("band", "ell_first", "ell_last"), "cells": ("cells", "cell_ids", "crs")}


def labelled(store: Store) -> xarray.Dataset:
    """The statistics of a store as an `xarray.Dataset`: nothing is read before it is asked for, then in batches.

    Every variable has the dimension ``realisation``. A power spectrum has ``ell``; band powers have ``band``, with the
    first and last multipole of each; maps, of the nside of the ensemble, have ``cells``, described twice: for the CF
    conventions 1.13 by ``cells`` and ``crs``, for xdggs by ``cell_ids``. Where two statistics differ in these, or one
    has such a name, its own is put before: ``power_ell``. Other axes are ``name_0``, ``name_1``, as in the folder.

    What is missing reads as NaN here, and what is damaged is an error of Zarr; `Store.missing` finds both. Saving
    is ``to_zarr`` and ``to_netcdf`` of the result.

    Parameters
    ----------
    store : Store
        It may grow: the result has the size that it had.

    Returns
    -------
    xarray.Dataset
        Arrays of dask, a chunk a batch, if dask is installed. The attribute ``sphfield`` is the recipe, in JSON.

    Raises
    ------
    ValueError
        If xarray is not installed, or a statistic is called as an axis is.

    Examples
    --------
    >>> import tempfile
    >>> from sphfield import Ensemble, GaussianField, Spectrum
    >>> from sphfield.ensembles.store import collect
    >>> maps = Ensemble(GaussianField(Spectrum([1.0, 0.5]), nside=1), seed=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     data = labelled(collect(f"{folder}/run", maps, {"power": PowerSpectrum(1)}, 10))
    ...     dict(data.sizes), data.power.sel(ell=1).mean("realisation").dims
    ({'realisation': 10, 'ell': 2}, ())
    """
    try:
        import xarray
    except ModuleNotFoundError as error:
        raise ValueError('xarray is not installed: python3 -m pip install "sphfield[scale]"') from error
    if "realisation" in store.statistics:
        raise ValueError("a statistic is called 'realisation', as the axis is: collect it by another name")
    axes, size = _axes(store), store.size
    coords: Coords = {"realisation": (("realisation",), np.arange(size), {"long_name": "number of the realisation"})}
    variables = {}
    for name in store.statistics:
        others = [other for other in store.statistics if other != name]
        # one by one: while a store grows its arrays differ in length
        values = xarray.open_zarr(store.path, consolidated=False, drop_variables=others)[name]
        values = values.isel(realisation=slice(size)).drop_encoding()
        attributes = {
            "long_name": _type(_recipe(store, name)),
            **({"units": "1"} if is_dimensionless(store, name) else {}),
        }
        if axis := axes.get(name):
            values = values.rename({f"{name}_0": axis.dim})
            attributes |= axis.attributes
            coords |= axis.coords
        variables[name] = values.assign_attrs(attributes)
    if clash := sorted(variables.keys() & coords.keys()):
        raise ValueError(f"a statistic is called {clash[0]!r}, as an axis of another is: collect it by another name")
    return xarray.Dataset(variables, coords, _attributes(store))


def is_dimensionless(store: Store, name: str) -> bool:
    """Whether the values of a statistic are known to be: of maps that sphfield drew, by sphfield or numpy."""
    described = store.ensemble_description
    sampler = described.get("sampler") if isinstance(described, Mapping) else None
    return all(_type(made).startswith(("sphfield.", "numpy:")) for made in (sampler, _recipe(store, name)))


@dataclass(frozen=True)
class _Axis:
    """What is known of a statistic with one axis: its name, coordinates along it, attributes of the values."""

    dim: str
    coords: Coords
    attributes: dict[str, str]


def _axes(store: Store) -> dict[str, _Axis]:
    kinds = {name: kind for name in store.statistics if (kind := _kind(store, name))}
    axes = {}
    for name, (label, parameter) in kinds.items():
        differ = len({p for other, p in kinds.values() if other == label}) > 1
        prefix = f"{name}_" if differ or set(_LABELS[label]) & set(store.statistics) else ""
        axes[name] = _axis(label, parameter, prefix)
    return axes


def _kind(store: Store, name: str) -> tuple[str, Any] | None:
    """Which axis a statistic has, and what tells it from others of this name."""
    made = _recipe(store, name)
    if _type(made) in _POWERS:
        return "ell", made["lmax"]
    if _type(made) == _BANDS:
        return "band", tuple(made["edges"])
    described = store.ensemble_description
    sampler = described.get("sampler") if isinstance(described, Mapping) else None
    nside = sampler.get("nside") if isinstance(sampler, Mapping) else None
    return ("cells", nside) if nside and store.shape(name) == (12 * nside**2,) else None


def _axis(label: str, parameter: Any, prefix: str) -> _Axis:
    along = (f"{prefix}{label}",)
    if label == "ell":
        ell = {"long_name": "multipole", "units": "1"}
        coords: Coords = {along[0]: (along, np.arange(parameter + 1), ell)}
        return _Axis(along[0], coords, {"long_name": "estimated angular power spectrum"})
    if label == "band":
        edges = np.array(parameter)
        coords = {
            f"{prefix}ell_first": (along, edges[:-1], {"long_name": "first multipole of the band", "units": "1"}),
            f"{prefix}ell_last": (along, edges[1:] - 1, {"long_name": "last multipole of the band", "units": "1"}),
        }
        return _Axis(along[0], coords, {"long_name": "estimated band powers"})
    cells, level = np.arange(12 * parameter**2), parameter.bit_length() - 1
    grid = {"grid_mapping_name": "healpix", "refinement_level": level, "indexing_scheme": "ring"}
    coords = {
        along[0]: (along, cells, {"standard_name": "healpix_index", "units": "1"}),
        # apart from CF's, since xdggs takes all attributes for parameters of the grid
        f"{prefix}cell_ids": (along, cells, {"grid_name": "healpix", "level": level, "indexing_scheme": "ring"}),
        f"{prefix}crs": ((), np.int8(0), grid),
    }
    return _Axis(along[0], coords, {"grid_mapping": f"{prefix}crs"})


def _attributes(store: Store) -> dict[str, str]:
    made = store.recipe["version"]
    return {
        "Conventions": "CF-1.13",
        "title": f"{', '.join(store.statistics)} of {store.size} maps on the sphere",
        "source": f"sphfield {made}",
        "history": f"collected by sphfield {made}, labelled by sphfield {version()}",
        "sphfield": json.dumps(store.recipe, sort_keys=True, separators=(",", ":")),
    }


def _recipe(store: Store, name: str) -> Any:
    return store.recipe["statistics"][name]["recipe"]


def _type(described: Any) -> str:
    # functions are described by their name
    return str(described.get("type", "")) if isinstance(described, Mapping) else str(described)
