"""xarray sees a store with names for its axes, reads nothing before it is asked, and saves what it sees."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import Noise, Pixels

from sphfield.ensembles.ensemble import Ensemble
from sphfield.ensembles.store import Store, collect
from sphfield.ensembles.store.labelled import is_dimensionless, labelled
from sphfield.ensembles.store.shards import array_document
from sphfield.fields.gaussian import GaussianField
from sphfield.provenance import version
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import Binned, PowerSpectrum
from sphfield.typing import Array

xarray = pytest.importorskip("xarray")
pytest.importorskip("dask.array")

MAPS = Ensemble(GaussianField(Spectrum(1.0 / np.arange(1.0, 10.0) ** 2), nside=4), seed=1)


def thirds(m: Array) -> Array:
    return m.reshape(3, -1)[:, :2]


STATISTICS: dict[str, Any] = {
    "power": PowerSpectrum(8),
    "bands": Binned(PowerSpectrum(8), (0, 2, 5, 9)),
    "variance": np.var,
    "sky": np.positive,
    "thirds": thirds,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return collect(tmp_path_factory.mktemp("labelled") / "run", MAPS, STATISTICS, 20, batch=8)


def test_the_values_are_those_of_the_store_on_named_axes(store: Store) -> None:
    data = labelled(store)
    assert {name: data[name].dims for name in STATISTICS} == {
        "power": ("realisation", "ell"),
        "bands": ("realisation", "band"),
        "variance": ("realisation",),
        "sky": ("realisation", "cells"),
        "thirds": ("realisation", "thirds_0", "thirds_1"),
    }
    for name in STATISTICS:
        assert np.array_equal(data[name], store.values(name))
        assert data[name].chunksizes["realisation"] == (8, 8, 4)  # a batch each
    assert data.realisation.values.tolist() == list(range(20))
    assert data.ell.values.tolist() == list(range(9))
    assert data.ell_first.values.tolist() == [0, 2, 5]
    assert data.ell_last.values.tolist() == [1, 4, 8]
    assert np.array_equal(data.power.sel(realisation=13, ell=slice(2, 4)), store.values("power")[13, 2:5])


def test_opening_reads_no_values(tmp_path: Path) -> None:
    store = collect(tmp_path / "run", MAPS, {"power": PowerSpectrum(8)}, 20, batch=8)
    for shard in (store.path / "power").glob("c.*"):
        shard.write_bytes(b"no shard")
    data = labelled(store)
    with pytest.raises(ValueError, match="checksum"):
        data.power.load()


def test_the_dataset_says_what_it_is(store: Store) -> None:
    data = labelled(store)
    assert data.attrs["Conventions"] == "CF-1.13"
    assert data.attrs["title"] == "power, bands, variance, sky, thirds of 20 maps on the sphere"
    assert data.attrs["source"] == f"sphfield {version()}"
    assert json.loads(data.attrs["sphfield"]) == store.recipe
    assert data.power.attrs == {"long_name": "estimated angular power spectrum", "units": "1"}
    assert data.variance.attrs == {"long_name": "numpy:var", "units": "1"}
    assert data.thirds.attrs == {"long_name": f"{__name__}:thirds"}  # of what is not ours we do not know the unit


def test_units_are_claimed_only_for_maps_that_were_drawn(tmp_path: Path) -> None:
    given = collect(tmp_path / "given", [MAPS[i] for i in range(3)], {"power": PowerSpectrum(8)}, 3)
    drawn = collect(tmp_path / "drawn", Ensemble(Noise(4), 1), {"power": PowerSpectrum(8)}, 3)
    assert not is_dimensionless(given, "power")
    assert not is_dimensionless(drawn, "power")  # by a sampler of another package
    assert "units" not in labelled(given).power.attrs


def test_maps_have_the_grid_of_cf_and_of_xdggs(store: Store) -> None:
    data = labelled(store)
    grid = data[data.sky.attrs["grid_mapping"]]
    assert grid.shape == ()
    assert grid.attrs == {"grid_mapping_name": "healpix", "refinement_level": 2, "indexing_scheme": "ring"}
    assert data.cells.attrs["standard_name"] == "healpix_index"
    # these and no more: xdggs hands all of them to its grid
    assert data.cell_ids.attrs == {"grid_name": "healpix", "level": 2, "indexing_scheme": "ring"}
    for ids in (data.cells, data.cell_ids):
        assert ids.dims == ("cells",)
        assert ids.values.tolist() == list(range(192))


def test_numbers_that_happen_to_fill_another_map_are_no_map(tmp_path: Path) -> None:
    store = collect(tmp_path / "run", MAPS, {"pixels": Pixels(48)}, 3)
    assert labelled(store).pixels.dims == ("realisation", "pixels_0")


def test_axes_that_differ_and_names_that_are_taken_get_the_name_of_the_statistic(tmp_path: Path) -> None:
    statistics: dict[str, Any] = {
        "fine": PowerSpectrum(8),
        "coarse": PowerSpectrum(3),
        "cells": np.var,
        "sky": np.positive,
    }
    data = labelled(collect(tmp_path / "run", MAPS, statistics, 3))
    assert data.fine.dims == ("realisation", "fine_ell")
    assert data.coarse_ell.values.tolist() == [0, 1, 2, 3]
    assert data.sky.dims == ("realisation", "sky_cells")
    assert data.sky.attrs["grid_mapping"] == "sky_crs"
    assert data.cells.dims == ("realisation",)


def test_what_is_missing_is_nan(tmp_path: Path) -> None:
    store = collect(tmp_path / "run", MAPS, {"power": PowerSpectrum(8)}, 20, batch=8, part=(1, 2))
    missing = np.isnan(labelled(store).power).all("ell")
    assert missing.values.tolist() == [False] * 8 + [True] * 8 + [False] * 4


def test_a_store_that_grows_at_this_moment_is_seen_as_it_was(tmp_path: Path) -> None:
    statistics = {"power": PowerSpectrum(8), "variance": np.var}
    store = collect(tmp_path / "run", MAPS, statistics, 20, batch=8)
    (store.path / "variance" / "zarr.json").write_bytes(array_document("variance", 50, 8, ()))
    assert dict(labelled(store).sizes) == {"realisation": 20, "ell": 9}


def test_netcdf_keeps_it(store: Store, tmp_path: Path) -> None:
    data = labelled(store)
    data.to_netcdf(tmp_path / "run.nc")
    with xarray.open_dataset(tmp_path / "run.nc", decode_coords="all") as read:
        xarray.testing.assert_equal(read, data)
        assert read.attrs == data.attrs
        assert "crs" in read.coords
        assert read.power.attrs == data.power.attrs


def test_zarr_keeps_it(store: Store, tmp_path: Path) -> None:
    data = labelled(store)
    data.to_zarr(tmp_path / "copy.zarr", consolidated=False)
    xarray.testing.assert_identical(xarray.open_zarr(tmp_path / "copy.zarr", consolidated=False), data)


def test_the_folder_itself_opens_without_a_warning(store: Store) -> None:
    import zarr

    bare = xarray.open_zarr(store.path, consolidated=False)
    assert np.array_equal(bare.power, store.values("power"))
    assert bare.power.dims == ("realisation", "power_0")
    assert sorted(zarr.open_group(store.path, mode="r").array_keys()) == sorted(STATISTICS)


def test_what_cannot_be_labelled_is_refused(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="a statistic is called 'realisation', as the axis is: collect it by another"):
        labelled(collect(tmp_path / "run", MAPS, {"realisation": np.var}, 3))
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ValueError, match=r'xarray is not installed: python3 -m pip install "sphfield\[scale\]"'):
        labelled(store)
