"""What is stored of maps is estimated and tested as the maps themselves would be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sphfield.ensembles.ensemble import Ensemble, measure
from sphfield.ensembles.store import collect
from sphfield.ensembles.stored import StoredPower, is_store
from sphfield.ensembles.validation import validate
from sphfield.fields.gaussian import GaussianField
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Array

S = Spectrum(1.0 / np.arange(1.0, 14.0) ** 2)
MAPS = Ensemble(GaussianField(S, nside=8), seed=1)


def loudest(m: Array) -> Array:
    return np.asarray(m.max())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("stored") / "run"
    collect(path, MAPS, {"power": PowerSpectrum(12), "loudest": loudest}, 60)
    return str(path)


def test_what_is_stored_is_what_was_measured(folder: str) -> None:
    stored = StoredPower(folder)
    assert is_store(folder)
    assert (len(stored), stored.nside, stored.estimator) == (60, 8, PowerSpectrum(12))
    assert np.array_equal(stored.values(), measure(MAPS, PowerSpectrum(12), range(60)))


def test_a_store_is_validated_as_its_maps_are_but_for_the_orders(folder: str) -> None:
    from_store, from_maps = validate(StoredPower(folder), S), validate(MAPS, S, 60)
    names = [f.name for f in from_store.families]
    assert [f.name for f in from_maps.families if f.name != "orders"] == names
    for name in names:
        assert np.array_equal(from_store.family(name).pvalue, from_maps.family(name).pvalue)
    assert not validate(StoredPower(folder), Spectrum(1.2 * S.cl)).passed


def test_what_is_no_stored_power_is_refused_by_name(folder: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no statistic 'energy'"):
        StoredPower(folder, "energy")
    with pytest.raises(ValueError, match="'loudest' in .* is no PowerSpectrum"):
        StoredPower(folder, "loudest")
    with pytest.raises(ValueError, match="there is no store"):
        StoredPower(str(tmp_path / "nothing"))
    with pytest.raises(ValueError, match="size = 61 is more than there are maps, 60"):
        validate(StoredPower(folder), S, 61)
