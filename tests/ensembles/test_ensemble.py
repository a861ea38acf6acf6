"""Realisations depend on (sampler, seed, index) alone; measuring them takes threads and memory, not meaning."""

from __future__ import annotations

import itertools
import pickle
import time
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sphfield.ensembles.ensemble import Ensemble, Estimate, measure
from sphfield.fields.finite import FiniteNetwork
from sphfield.fields.gaussian import GaussianField
from sphfield.networks.activations import Tanh
from sphfield.networks.network import Network
from sphfield.provenance import describe
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Array, Sampler, Statistic

CL = np.power(1.0 + np.arange(25), -3.0)
FIELD = GaussianField(Spectrum(CL), nside=16)
NETWORK = FiniteNetwork(Network(Tanh(), depth=2, bias_var=0.1), width=32, nside=8)


def noise(rng: np.random.Generator) -> Array:
    return rng.standard_normal(48)


@dataclass(frozen=True)
class FailsAt:
    """A statistic that meets a map it cannot take."""

    value: float
    seen: Any = None

    def __call__(self, m: Array) -> Array:
        if self.seen is not None:
            self.seen.append(m[0])
        if m[0] == self.value:
            raise RuntimeError("no critical point found")
        return m[:3]


@given(st.integers(0, 2**64), st.integers(0, 2**40))
def test_the_stream_of_a_realisation_is_the_spawned_child_of_the_seed(seed: int, i: int) -> None:
    child = np.random.SeedSequence(seed, spawn_key=(i,))
    expected = np.random.Generator(np.random.PCG64DXSM(child)).standard_normal(4)
    assert np.array_equal(Ensemble(noise, seed).rng(i).standard_normal(4), expected)


def test_numpys_own_spawning_leads_to_the_same_streams() -> None:
    children = np.random.SeedSequence(11).spawn(4)
    for i, child in enumerate(children):
        assert Ensemble(noise, 11).rng(i).bit_generator.state == np.random.PCG64DXSM(child).state


def test_a_realisation_does_not_depend_on_what_was_drawn_before() -> None:
    maps = Ensemble(FIELD, seed=2)
    backwards = [maps[i] for i in (5, 3, 0)]
    assert np.array_equal(backwards[0], Ensemble(FIELD, seed=2)[5])
    assert np.array_equal(backwards[0], FIELD(maps.rng(5)))
    assert not np.array_equal(backwards[0], backwards[1])
    assert not np.array_equal(backwards[0], Ensemble(FIELD, seed=3)[5])


@pytest.mark.parametrize("sampler", [FIELD, NETWORK, noise])
def test_threads_do_not_change_a_byte(sampler: Sampler) -> None:
    maps, statistic = Ensemble(sampler, seed=1), PowerSpectrum(4)
    one = measure(maps, statistic, range(24), threads=1)
    assert one.tobytes() == measure(maps, statistic, range(24), threads=2).tobytes()
    assert one.tobytes() == measure(maps, statistic, range(24)).tobytes()
    assert one.tobytes() == np.array([statistic(maps[i]) for i in range(24)]).tobytes()


def test_an_ensemble_grows_without_recomputing() -> None:
    maps, statistic = Ensemble(FIELD, seed=1), PowerSpectrum(4)
    parts = [measure(maps, statistic, r) for r in (range(3), range(3, 8))]
    assert np.array_equal(np.concatenate(parts), measure(maps, statistic, range(8)))


def test_rows_come_in_the_order_of_the_indices() -> None:
    maps = Ensemble(noise, seed=1)
    rows = measure(maps, np.sort, iter([7, 2, 7]))
    assert np.array_equal(rows, [np.sort(maps[i]) for i in (7, 2, 7)])


@pytest.mark.parametrize(("statistic", "shape"), [(np.var, ()), (lambda m: m.reshape(2, 3, 8), (2, 3, 8)), (sum, ())])
def test_a_statistic_may_have_any_fixed_shape(statistic: Statistic, shape: tuple[int, ...]) -> None:
    rows = measure(Ensemble(noise, 0), statistic, range(3))
    assert rows.shape == (3, *shape)
    assert rows.dtype == np.float64


def test_maps_are_dropped_once_they_are_measured() -> None:
    drawn: list[weakref.ref[Array]] = []
    alive: list[int] = []

    def sampler(rng: np.random.Generator) -> Array:
        m = rng.standard_normal(48)
        drawn.append(weakref.ref(m))
        return m

    def corner(m: Array) -> Array:
        alive.append(sum(ref() is not None for ref in list(drawn)))
        return m[:4]  # a view, which must not keep its map

    measure(Ensemble(sampler, 0), corner, range(60), threads=2)
    assert len(drawn) == 60
    assert max(alive) <= 4  # one or two in each of two threads


def test_progress_counts_every_realisation_in_order() -> None:
    calls: list[tuple[int, int]] = []
    measure(Ensemble(noise, 0), np.var, range(5), threads=2, progress=lambda *call: calls.append(call))
    assert calls == [(n, 5) for n in range(1, 6)]


def test_mean_power_of_gaussian_maps_is_the_spectrum() -> None:
    # (2 ell + 1) C_hat / C summed over ell and 200 maps is chi-square with 200 * 25^2 degrees of freedom, and so it
    # is at each ell alone: 26 two-sided tests at 1e-6 fail by chance once in 38,000 seeds. Analysis adds rounding.
    rows = measure(Ensemble(FIELD, seed=5), PowerSpectrum(24), range(200))
    ell = np.arange(25)
    chi2 = (2 * ell + 1) * rows.sum(axis=0) / CL
    values, freedom = np.append(chi2, chi2.sum()), 200 * np.append(2.0 * ell + 1, 25**2)
    share = stats.chi2.cdf(values, freedom)
    assert np.all((share > 5e-7) & (share < 1 - 5e-7))


def test_pulls_of_a_true_model_are_students_t() -> None:
    # 2000 pulls of 8 samples each against t with 7 degrees of freedom, Kolmogorov-Smirnov at 1e-4
    samples = np.random.default_rng(1).normal(3.0, 2.0, size=(8, 2000))
    assert stats.kstest(Estimate(samples).pull(3.0), stats.t(7).cdf).pvalue > 1e-4


@given(st.lists(st.integers(-100, 100), min_size=2, max_size=40))
def test_an_estimate_is_the_textbooks(values: list[int]) -> None:
    e, n = Estimate(np.array(values)), len(values)
    mean = sum(values) / n
    assert e.count == n
    assert e.mean == pytest.approx(mean, abs=1e-12)
    assert e.std**2 == pytest.approx(sum((v - mean) ** 2 for v in values) / (n - 1), abs=1e-10)
    assert e.error * np.sqrt(n) == pytest.approx(e.std, rel=1e-14)


def test_a_pull_without_scatter_is_zero_or_infinite() -> None:
    # multipoles that parity forbids are 0 in every sample, and expected to be
    e = Estimate(np.zeros((5, 3)))
    assert e.pull([0.0, 1.0, -1.0]).tolist() == [0.0, -np.inf, np.inf]


def test_an_estimate_keeps_its_samples_to_itself() -> None:
    samples = np.ones((3, 2))
    e = Estimate(samples)
    samples[0] = 5.0
    assert e.mean.tolist() == [1.0, 1.0]
    assert repr(e) == "Estimate(count=3, shape=(2,))"
    with pytest.raises(ValueError, match="read-only"):
        e.samples[0] = 5.0


def test_fewer_than_two_samples_have_no_error() -> None:
    with pytest.raises(ValueError, match=r"samples has shape \(1, 3\): a standard error needs two samples or more"):
        Estimate(np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"samples has shape \(\)"):
        Estimate(3.0)  # type: ignore[arg-type]


def test_an_ensemble_travels_to_another_process_and_can_be_named() -> None:
    maps = Ensemble(FIELD, seed=np.int64(9))  # type: ignore[arg-type]
    copy = pickle.loads(pickle.dumps(maps))
    assert copy == maps
    assert hash(copy) == hash(maps)
    assert np.array_equal(copy[4], maps[4])
    assert describe(maps)["seed"] == 9
    assert describe(maps)["sampler"]["type"] == "sphfield.fields.gaussian:GaussianField"


def test_an_exception_names_its_realisation_and_stops_the_rest() -> None:
    maps, seen = Ensemble(noise, seed=4), []  # type: ignore[var-annotated]
    with pytest.raises(RuntimeError, match="no critical point found") as caught:
        measure(maps, FailsAt(maps[3][0], seen), range(5000), threads=2)
    (note,) = caught.value.__notes__
    assert note.startswith("in realisation 3 of Ensemble(")
    assert "seed=4" in note
    assert len(seen) < 5000


def test_an_interrupt_stops_the_rest() -> None:
    seen = []

    def slow(m: Array) -> Array:
        seen.append(m[0])
        time.sleep(1e-3)
        return m[:1]

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(Ensemble(noise, 0), slow, range(400), threads=2, progress=interrupt)
    assert len(seen) < 200


def test_maps_that_are_not_finite_are_refused_by_index_and_seed() -> None:
    def sampler(rng: np.random.Generator) -> Array:
        m = rng.standard_normal(48)
        m[7:9] = np.nan
        return m

    with pytest.raises(ValueError, match="realisation 6 of seed 1 has 2 NaN or infinite pixels of 48"):
        Ensemble(sampler, 1)[6]


def test_samplers_return_one_real_map() -> None:
    with pytest.raises(ValueError, match=r"realisation 0 of seed 1 has shape \(2, 12\): a map has shape"):
        Ensemble(lambda rng: rng.standard_normal((2, 12)), 1)[0]
    with pytest.raises(TypeError, match="the map of the sampler is complex"):
        Ensemble(lambda rng: 1j * rng.standard_normal(12), 1)[0]  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="the statistic is complex: return real and imaginary part"):
        measure(Ensemble(noise, 1), lambda m: 1j * m, range(2))  # type: ignore[arg-type, return-value]


def test_a_statistic_that_changes_shape_is_refused() -> None:
    counter = itertools.count(2)
    with pytest.raises(
        ValueError, match=r"shape \(2,\) in realisation 5 and \(3,\) in realisation 6: .* one fixed shape"
    ):
        measure(Ensemble(noise, 0), lambda m: m[: next(counter)], [5, 6, 7], threads=1)


def test_bad_arguments_are_named_with_their_remedy() -> None:
    maps = Ensemble(noise, 0)
    with pytest.raises(TypeError, match="sampler = 3 is not callable: give a function rng -> map"):
        Ensemble(3, 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed = -1 is too small: give 0 or more"):
        Ensemble(noise, -1)
    with pytest.raises(TypeError, match=r"seed = 1\.5 is not an integer"):
        Ensemble(noise, 1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="index = -1 is too small"):
        maps[-1]
    with pytest.raises(TypeError, match=r"index = slice\(0, 3, None\) is not an integer"):
        maps[0:3]  # type: ignore[index]
    with pytest.raises(ValueError, match=r"no indices: give at least one realisation, for example range\(100\)"):
        measure(maps, np.var, [])
    with pytest.raises(ValueError, match="index = -2 is too small"):
        measure(maps, np.var, [1, -2])
    with pytest.raises(ValueError, match="threads = 0 is too small: give 1 or more"):
        measure(maps, np.var, range(2), threads=0)
