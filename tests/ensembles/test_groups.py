"""Many realisations are measured in batches, in the same bytes for any grouping; what cannot be is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sphfield.ensembles.ensemble import Ensemble, measure
from sphfield.ensembles.store import Store, collect
from sphfield.ensembles.validation import validate
from sphfield.fields import batches
from sphfield.fields.batches import Batch, Way, pack
from sphfield.fields.gaussian import GaussianField
from sphfield.fields.transforms import alm2cl
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Array

SPECTRUM = Spectrum((np.arange(25) + 1.0) ** -3)
MAPS = Ensemble(GaussianField(SPECTRUM, nside=16), seed=7)
FINER = Ensemble(GaussianField(SPECTRUM, nside=64), seed=7)
POWER = PowerSpectrum(24)
ENGINES = ["batched", "ducc0"]


def corner(m: Array) -> Array:
    return m[:5]


@dataclass(frozen=True)
class Holed:
    """Noise, with a hole in the third map."""

    nside: int = 4

    def __call__(self, rng: np.random.Generator) -> Array:
        m = rng.standard_normal(12 * self.nside**2)
        m[3] = np.nan if m[0] == HOLE else m[3]
        return m

    def many(self, generators: list[np.random.Generator], way: Way, threads: int) -> Batch:
        return pack([self(rng) for rng in generators], way)


HOLE = Ensemble(Holed(), 1).rng(2).standard_normal()


@pytest.mark.parametrize("statistic", [POWER, corner], ids=["power", "pixels"])
@pytest.mark.parametrize("engine", ENGINES)
def test_rows_do_not_depend_on_grouping_or_threads(engine: Any, statistic: Any) -> None:
    rows = measure(MAPS, statistic, range(20), threads=1, engine=engine)
    assert rows.tobytes() == measure(MAPS, statistic, range(20), threads=2, engine=engine).tobytes()
    assert rows[[11, 3]].tobytes() == measure(MAPS, statistic, [11, 3], engine=engine).tobytes()


@pytest.mark.parametrize("precision", ["double", "single"])
def test_engines_agree(precision: Any) -> None:
    exact = np.array([alm2cl(MAPS.sampler.alm(MAPS.rng(i))) for i in range(20)])
    for engine in ENGINES:
        rows = measure(MAPS, POWER, range(20), engine=engine, precision=precision)  # type: ignore[arg-type]
        error = np.abs(rows - exact).max() / exact.max()
        assert error < (1e-12 if precision == "double" else 3e-6)
        assert precision == "double" or error > 1e-12  # it was done in single precision


def test_a_few_small_maps_are_transformed_one_by_one() -> None:
    rows = measure(MAPS, POWER, range(3))
    np.testing.assert_array_equal(rows, [POWER(MAPS[i]) for i in range(3)])


def test_many_maps_are_batched() -> None:
    count = 10**7 // (12 * 64**2) + 1
    batched_rows = measure(FINER, np.max, range(count), engine="batched")
    np.testing.assert_array_equal(measure(FINER, np.max, range(count)), batched_rows)
    assert not np.array_equal(measure(FINER, np.max, range(count), engine="ducc0"), batched_rows)


def test_progress_counts_every_realisation_in_order() -> None:
    calls: list[tuple[int, int]] = []
    measure(MAPS, POWER, range(11), threads=2, engine="batched", progress=lambda *call: calls.append(call))
    assert calls == [(i + 1, 11) for i in range(11)]


def test_a_hole_in_a_map_of_a_batch_is_named() -> None:
    with pytest.raises(ValueError, match="realisation 2 of seed 1 has NaN or infinite pixels") as caught:
        measure(Ensemble(Holed(), 1), np.mean, range(7), engine="batched", threads=1)
    assert any("in realisations 0 ... 6" in note for note in caught.value.__notes__)


def test_what_a_sampler_cannot_do_is_refused() -> None:
    class Noise:
        def __call__(self, rng: np.random.Generator) -> Array:
            return rng.standard_normal(12)

    with pytest.raises(ValueError, match="precision = 'single': Noise has no method many"):
        measure(Ensemble(Noise(), 1), np.mean, range(7), precision="single")
    with pytest.raises(ValueError, match="engine = 'batched', .* Noise has no method many"):
        measure(Ensemble(Noise(), 1), np.mean, range(7), engine="batched")


def test_a_new_store_of_fine_maps_is_batched_whatever_its_size(tmp_path: Path) -> None:
    small = collect(tmp_path / "run", FINER, {"power": POWER, "corner": corner}, 2, batch=16)
    assert small.recipe["transforms"] == {"engine": "batched", "precision": "double"}
    grown = collect(tmp_path / "run", FINER, {"power": POWER, "corner": corner}, 20, batch=16)
    for name, statistic in (("power", POWER), ("corner", corner)):
        assert grown.values(name).tobytes() == measure(FINER, statistic, range(20), engine="batched").tobytes()
    coarse = collect(tmp_path / "coarse", MAPS, POWER, 2)
    assert coarse.recipe["transforms"]["engine"] == "ducc0"


def test_a_store_goes_on_as_it_was_begun(tmp_path: Path) -> None:
    collect(tmp_path / "run", MAPS, POWER, 3, engine="batched", precision="single")
    store = collect(tmp_path / "run", MAPS, POWER, 20)
    expected = measure(MAPS, POWER, range(20), engine="batched", precision="single")
    assert store.values("PowerSpectrum").tobytes() == expected.tobytes()
    for other in ({"engine": "ducc0"}, {"precision": "double"}):
        with pytest.raises(ValueError, match=r"holds another run: transforms\.\w+ is \"(batched|single)\" there and"):
            collect(tmp_path / "run", MAPS, POWER, 20, **other)  # type: ignore[arg-type]


def test_a_store_from_before_there_was_a_choice_goes_on_one_by_one(tmp_path: Path) -> None:
    store = collect(tmp_path / "run", FINER, POWER, 3, engine="ducc0")
    document = json.loads((store.path / "zarr.json").read_text())
    del document["attributes"]["sphfield"]["transforms"]
    (store.path / "zarr.json").write_text(json.dumps(document))
    grown = collect(tmp_path / "run", FINER, POWER, 10)
    assert grown.values("PowerSpectrum").tobytes() == measure(FINER, POWER, range(10), engine="ducc0").tobytes()


def test_a_batched_store_is_not_finished_in_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collect(tmp_path / "run", FINER, POWER, 2)
    monkeypatch.setattr(batches, "available", lambda: "numba is not installed")
    with pytest.raises(ValueError, match="cannot run here: numba is not installed"):
        collect(tmp_path / "run", FINER, POWER, 3)
    assert Store(tmp_path / "run").size == 2


def test_a_report_says_who_transformed() -> None:
    assert validate(MAPS, SPECTRUM, size=10).choices["transforms"] == "ducc0, double precision"
    many = validate(FINER, SPECTRUM, size=10**7 // (12 * 64**2) + 1)
    assert many.choices["transforms"] == "batched, double precision"
    assert many.passed
