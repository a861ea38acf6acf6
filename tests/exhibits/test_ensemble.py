"""A store is exported whole, in the format of the suffix, or not at all."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table

from sphfield.ensembles.ensemble import Ensemble
from sphfield.ensembles.store import Store, collect
from sphfield.exhibits.ensemble import exported
from sphfield.fields.gaussian import GaussianField
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Array

MAPS = Ensemble(GaussianField(Spectrum(1.0 / np.arange(1.0, 10.0) ** 2), nside=4), seed=1)


def block(m: Array) -> Array:
    return m[:6].reshape(2, 3)


STATISTICS: dict[str, Any] = {"power": PowerSpectrum(8), "variance": np.var, "block": block}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return collect(tmp_path_factory.mktemp("exported") / "run", MAPS, STATISTICS, 20, batch=8)


def test_a_csv_file_has_every_component_to_the_last_digit(store: Store, tmp_path: Path) -> None:
    exported(str(store.path), str(tmp_path / "run.csv"))
    first, *lines = (tmp_path / "run.csv").read_text().splitlines()
    made = json.loads(first.removeprefix("# "))
    assert (made["store"], made["size"]) == (store.recipe, 20)
    rows = {(row["statistic"], row["component"]): row for row in csv.DictReader(lines)}
    assert len(rows) == 9 + 1 + 6
    for name, component, place in [("power", "3", 3), ("variance", "", ()), ("block", "1 2", (1, 2))]:
        found, row = store.summary(name), rows[name, component]
        numbers = [found.mean, found.std, found.error, *found.quantiles]
        assert [float(text) for text in list(row.values())[2:]] == [float(number[place]) for number in numbers]
    assert list(row) == ["statistic", "component", "mean", "std", "error", *(f"quantile_{q}" for q in found.levels)]


@pytest.mark.parametrize("suffix", ["fits", "FITS", "fits.gz"])
def test_a_fits_file_has_every_value(store: Store, tmp_path: Path, suffix: str) -> None:
    exported(str(store.path), str(tmp_path / f"run.{suffix}"))
    for name in STATISTICS:
        assert np.array_equal(Table.read(tmp_path / f"run.{suffix}", hdu=name, format="fits")[name], store.values(name))


def test_a_netcdf_file_has_every_value_and_its_axes(store: Store, tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    exported(str(store.path), str(tmp_path / "run.nc"))
    with xarray.open_dataset(tmp_path / "run.nc") as data:
        assert data.power.dims == ("realisation", "ell")
        for name in STATISTICS:
            assert np.array_equal(data[name], store.values(name))


@pytest.mark.parametrize("suffix", ["fits", "nc", "csv"])
def test_a_store_with_a_gap_leaves_no_file(tmp_path: Path, suffix: str) -> None:
    if suffix == "nc":
        pytest.importorskip("xarray")
    some = collect(tmp_path / "run", MAPS, STATISTICS, 20, batch=8, part=(1, 2))
    with pytest.raises(ValueError, match="realisation 8 is missing or damaged"):
        exported(str(some.path), str(tmp_path / f"run.{suffix}"))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_the_suffix_chooses_and_others_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"run\.h5': the suffix chooses the format; use one of .fits, .fits.gz, .nc, .csv"
    ):
        exported(str(store.path), str(tmp_path / "run.h5"))
    with pytest.raises(ValueError, match="there is no store"):
        exported(str(tmp_path / "nowhere"), str(tmp_path / "run.fits"))
