"""A store holds what `measure` gives, in the same bytes whoever wrote it, and refuses to mix."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import STATISTICS, FailsAt, Noise, Pixels

from sphfield.ensembles.ensemble import Ensemble, measure
from sphfield.ensembles.store import Store, collect
from sphfield.provenance import describe
from sphfield.typing import Array

MAPS = Ensemble(Noise(), seed=7)


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@dataclass(frozen=True)
class Odd:
    """Values that a store must keep to the bit: a NaN, infinities and the two zeros."""

    def __call__(self, m: Array) -> Array:
        return np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, m[0]])


@dataclass(frozen=True)
class Recorded:
    """Maps that know which of them were drawn."""

    drawn: list[int] = field(default_factory=list, compare=False)

    def __getitem__(self, i: int) -> Array:
        self.drawn.append(i)
        return MAPS[i]


@dataclass(frozen=True)
class Growing:
    def __call__(self, m: Array) -> Array:
        return m[: 1 + int(m[0] > 0.0)]


def test_a_store_holds_what_measure_gives(tmp_path: Path) -> None:
    store = collect(tmp_path / "run", MAPS, STATISTICS, 50, batch=16)
    for name, statistic in STATISTICS.items():
        expected = measure(MAPS, statistic, range(50))
        assert store.values(name).tobytes() == expected.tobytes()
        assert store.values(name, 10, 35).tobytes() == expected[10:35].tobytes()
        assert [len(rows) for rows in store.batches(name)] == [16, 16, 16, 2]
        assert np.concatenate(list(store.batches(name))).tobytes() == expected.tobytes()
    assert store.size == store.computed == 50
    assert store.missing == ()
    assert store.ensemble_description == describe(MAPS)
    assert store == Store(tmp_path / "run")
    assert "50 realisations of pixels, variance; complete" in str(store)


def test_zarr_reads_it_without_sphfield(tmp_path: Path) -> None:
    import zarr

    collect(tmp_path / "run", MAPS, STATISTICS, 50, batch=16)
    group = zarr.open_group(tmp_path / "run", mode="r")
    np.testing.assert_array_equal(group["pixels"][:], measure(MAPS, Pixels(), range(50)))
    assert group["pixels"].shards == (16, 5)
    assert group["variance"].metadata.dimension_names == ("realisation",)
    assert group.attrs["sphfield"]["ensemble"]["seed"] == 7


@contextmanager
def dask() -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client.get_executor()


def processes() -> Executor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: ThreadPoolExecutor(3), id="threads"),
        pytest.param(processes, id="processes"),
        pytest.param(dask, id="dask"),
    ],
)
def test_every_executor_writes_the_same_bytes(made: Any, tmp_path: Path) -> None:
    collect(tmp_path / "serial", MAPS, STATISTICS, 50, batch=8)
    with made() as executor:
        collect(tmp_path / "other", MAPS, STATISTICS, 50, batch=8, executor=executor)
    assert contents(tmp_path / "other") == contents(tmp_path / "serial")


def test_parts_make_the_whole_in_any_order(tmp_path: Path) -> None:
    whole = collect(tmp_path / "whole", MAPS, STATISTICS, 50, batch=8)
    parts = [collect(tmp_path / "parts", MAPS, STATISTICS, 50, batch=8, part=(i, 3)) for i in (2, 3, 1)]
    # of the batches 0 ... 6, the last of two realisations: 1 and 4, 2 and 5, 0 and 3 and 6
    assert [store.computed for store in parts] == [16, 16, 18]
    assert contents(parts[0].path) == contents(whole.path)


@pytest.mark.parametrize("sizes", [(3, 50), (8, 50), (10, 11, 33, 50)])
def test_a_store_grows_and_computes_only_what_is_missing(sizes: tuple[int, ...], tmp_path: Path) -> None:
    collect(tmp_path / "at once", MAPS, STATISTICS, 50, batch=8)
    before = 0
    for size in sizes:
        store = collect(tmp_path / "grown", MAPS, STATISTICS, size, batch=8)
        assert store.computed == size - before
        before = size
    assert contents(tmp_path / "grown") == contents(tmp_path / "at once")


def test_realisation_0_is_computed_once(tmp_path: Path) -> None:
    maps = Recorded()
    collect(tmp_path / "run", maps, STATISTICS, 20, batch=8)
    assert sorted(maps.drawn) == list(range(20))


@pytest.mark.parametrize("size", [50, 30, 1])
def test_an_equal_or_smaller_size_changes_nothing_and_says_so(size: int, tmp_path: Path) -> None:
    collect(tmp_path / "run", MAPS, STATISTICS, 50, batch=8)
    before = contents(tmp_path / "run")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    told: list[Any] = []
    store = collect(tmp_path / "run", MAPS, STATISTICS, size, progress=lambda *given: told.append(given))
    assert (store.computed, store.size, told) == (0, 50, [])
    assert "nothing to compute" in str(store)
    assert contents(tmp_path / "run") == before
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")} == times


def test_progress_counts_what_this_call_computes(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    collect(tmp_path / "run", MAPS, STATISTICS, 10, batch=8)
    collect(tmp_path / "run", MAPS, STATISTICS, 30, progress=lambda *given: told.append(given))
    assert told == [(0, 20), (6, 20), (14, 20), (20, 20)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ensemble": Ensemble(Noise(), 8)}, "ensemble.seed is 7 there and 8 here"),
        ({"ensemble": Ensemble(Noise(2), 7)}, "ensemble.sampler.nside is 1 there and 2 here"),
        ({"ensemble": [np.zeros(12)] * 20}, 'ensemble is {"type": "sphfield.ensembles.ensemble:Ensemble"'),
        ({"statistics": {**STATISTICS, "pixels": Pixels(6)}}, "statistics.pixels.recipe.count is 5 there and 6 here"),
        ({"statistics": {"pixels": Pixels()}}, 'statistics.variance is {"recipe": "numpy:var"} there and absent here'),
        (
            {"statistics": {**STATISTICS, "mean": np.mean}},
            'statistics.mean is absent there and {"recipe": "numpy:mean"}',
        ),
        ({"batch": 9}, "batch is 8 there and 9 here"),
    ],
)
def test_another_run_is_refused_naming_both(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    given: dict[str, Any] = {"ensemble": MAPS, "statistics": STATISTICS, "size": 10, "batch": 8}
    collect(tmp_path / "run", **given)
    before = contents(tmp_path / "run")
    with pytest.raises(ValueError, match="holds another run: ") as caught:
        collect(tmp_path / "run", **{**given, **change})
    assert says in str(caught.value)
    assert contents(tmp_path / "run") == before


def _altered(folder: Path, **changes: Any) -> None:
    document = json.loads((folder / "zarr.json").read_text())
    document["attributes"]["sphfield"].update(changes)
    (folder / "zarr.json").write_text(json.dumps(document))


def test_another_layout_is_refused_and_another_version_warned_of(tmp_path: Path) -> None:
    path = collect(tmp_path / "run", MAPS, STATISTICS, 10).path
    _altered(path, version="0.0.7")
    with pytest.warns(UserWarning, match="begun with sphfield 0.0.7, this is"):
        collect(path, MAPS, STATISTICS, 10)
    _altered(path, layout=99)
    with pytest.raises(ValueError, match="layout 99 of sphfield 0.0.7, this is sphfield .* with layout 1"):
        collect(path, MAPS, STATISTICS, 10)


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    import zarr

    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    zarr.create_group(tmp_path / "foreign", attributes={"of": "another"})
    for name in ("full", "file"):
        with pytest.raises(ValueError, match="neither a store nor an empty folder"):
            collect(tmp_path / name, MAPS, STATISTICS, 3)
    with pytest.raises(ValueError, match="no store that sphfield made"):
        collect(tmp_path / "foreign", MAPS, STATISTICS, 3)
    for name, says in [("nowhere", "there is no store"), ("full", "no zarr.json"), ("file", "there is no store")]:
        with pytest.raises(ValueError, match=says):
            Store(tmp_path / name)
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("statistics", "error", "says"),
    [
        (lambda m: m, TypeError, "cannot be found again by name"),
        ({"x": lambda m: m}, TypeError, "cannot be found again by name"),
        ({}, ValueError, "there are no statistics"),
        ({"a/b": np.var}, ValueError, "files are called by it"),
        ({"zarr.json": np.var}, ValueError, "files are called by it"),
        ({"a": 3}, TypeError, "not callable"),
        ({"a": np.var, "A": np.mean}, ValueError, "capital letters"),
        (Growing(), ValueError, "one fixed shape"),
        (np.fft.fft, TypeError, "complex"),
        (Pixels(0), ValueError, "nothing in it"),
    ],
)
def test_statistics_that_cannot_be_kept_are_refused(
    statistics: Any, error: type[Exception], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        collect(tmp_path / "run", MAPS, statistics, 30)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"size": 0}, "size = 0"),
        ({"batch": 0}, "batch = 0"),
        ({"part": (0, 3)}, "part = 0"),
        ({"part": (4, 3)}, r"part = \(4, 3\)"),
        ({"ensemble": [np.zeros(12)] * 2}, "size = 3: there are 2 maps"),
    ],
)
def test_arguments_out_of_range_are_named(given: dict[str, Any], says: str, tmp_path: Path) -> None:
    arguments = {"ensemble": MAPS, "statistics": STATISTICS, "size": 3, **given}
    with pytest.raises(ValueError, match=says):
        collect(tmp_path / "run", **arguments)
    assert not (tmp_path / "run").exists()


def test_one_statistic_is_called_as_its_function_or_class(tmp_path: Path) -> None:
    assert collect(tmp_path / "a", MAPS, np.var, 3).statistics == ("var",)
    assert collect(tmp_path / "b", MAPS, Pixels(), 3).statistics == ("Pixels",)
    with pytest.raises(ValueError, match=r"no statistic 'mean' .* it has \['var'\]"):
        Store(tmp_path / "a").values("mean")


def test_nan_infinity_and_both_zeros_are_kept_to_the_bit(tmp_path: Path) -> None:
    store = collect(tmp_path / "run", MAPS, {"odd": Odd(), "nan": _nan}, 20, batch=8)
    assert store.missing == ()
    assert store.values("odd").tobytes() == measure(MAPS, Odd(), range(20)).tobytes()
    assert np.isnan(store.values("nan")).all()
    assert collect(tmp_path / "run", MAPS, {"odd": Odd(), "nan": _nan}, 20).computed == 0


def _nan(m: Array) -> Any:
    return np.nan * m[0]


def test_shards_of_large_values_hold_fewer_realisations(tmp_path: Path) -> None:
    # 64 MiB: 12 * 512**2 doubles are 24 MiB, and two of them fit
    assert collect(tmp_path / "small", MAPS, Pixels(), 1).batch == 64
    store = collect(tmp_path / "large", Ensemble(Noise(512), 7), Pixels(12 * 512**2), 1)
    assert store.batch == 2


@pytest.mark.parametrize("pool", [None, 2])
def test_an_error_names_the_realisation_and_the_rest_goes_on_later(pool: int | None, tmp_path: Path) -> None:
    statistic = {"fails": FailsAt(float(MAPS[21][0]), str(tmp_path / "mended"))}
    executor = None if pool is None else ThreadPoolExecutor(pool)
    with pytest.raises(ArithmeticError) as caught:
        collect(tmp_path / "run", MAPS, statistic, 50, batch=8, executor=executor)
    assert any("in realisation 21 of" in note for note in caught.value.__notes__)
    assert any("the same call goes on from there" in note for note in caught.value.__notes__)
    store = Store(tmp_path / "run")
    assert 2 in store.missing
    assert 0 not in store.missing
    with pytest.raises(ValueError, match="realisation 16 is missing or damaged in .*call collect again"):
        store.values("fails")
    (tmp_path / "mended").touch()
    collect(tmp_path / "run", MAPS, statistic, 50)
    collect(tmp_path / "at once", MAPS, statistic, 50, batch=8)
    assert contents(tmp_path / "run") == contents(tmp_path / "at once")
