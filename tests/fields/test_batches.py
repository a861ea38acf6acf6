"""Maps of a batch are those that are drawn one by one, whoever transforms them, and in which lane they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sphfield.fields import batches
from sphfield.fields.batches import Batch, Way, pack, way_for, worthwhile
from sphfield.fields.gaussian import GaussianField
from sphfield.fields.transforms import alm2cl
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import Binned, PowerSpectrum
from sphfield.typing import Array

NSIDE, LMAX = 32, 64
STEEP = Spectrum((np.arange(LMAX + 1) + 1.0) ** -5)
FIELD = GaussianField(STEEP, NSIDE)
LOOPED = Way("ducc0")
WAYS = [Way("batched"), Way("batched", "single"), LOOPED, Way("ducc0", "single")]
# C_ell of single precision is right to 3e-6, as is said; maps to 2e-6 of their standard deviation, which is about 0.3
POWER_ERROR = {"double": 1e-12, "single": 3e-6}
MAP_ERROR = {"double": 1e-13, "single": 2e-6}


def rngs(*seeds: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in seeds]


def copied(batch: Batch) -> np.ndarray:
    return np.array([m.copy() for m in batch])


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_maps_are_those_drawn_one_by_one(way: Way) -> None:
    seeds = range(min(3, way.lanes(NSIDE)))
    maps = copied(FIELD.many(rngs(*seeds), way, 1))
    for m, rng in zip(maps, rngs(*seeds), strict=True):
        alone = FIELD(rng)
        assert np.sqrt(np.mean((m - alone) ** 2)) < MAP_ERROR[way.precision] * alone.std()


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("transforms", [1, 3])
def test_power_is_that_of_maps_one_by_one(way: Way, transforms: int) -> None:
    lmax = 3 * NSIDE // 2
    power = PowerSpectrum(lmax, transforms)
    batch = FIELD.many(rngs(*range(min(5, way.lanes(NSIDE)))), way, 1)
    found = power.many(batch, 1)
    alone = np.array([power(m) for m in batch])
    assert found.shape == alone.shape
    # rounding is relative to the largest multipoles, which leak into the smallest ones
    scale = alone.max(axis=1, keepdims=True) * 1e-3 + alone if way.precision == "single" else alone.max()
    assert np.abs(found - alone).max() < np.max(POWER_ERROR[way.precision] * scale)
    bands = Binned(power, (2, 10, 20))
    np.testing.assert_allclose(bands.many(batch, 1), [bands.of(row) for row in found], rtol=1e-15)


def test_in_single_precision_the_power_is_right_to_three_millionths() -> None:
    lmax = 3 * NSIDE // 2  # exact analysis but for rounding
    flat = GaussianField(Spectrum(np.ones(lmax + 1)), NSIDE)
    for way in (Way("batched", "single"), Way("ducc0", "single")):
        seeds = range(way.lanes(NSIDE))
        exact = np.array([alm2cl(flat.alm(rng)) for rng in rngs(*seeds)])
        found = PowerSpectrum(lmax).many(flat.many(rngs(*seeds), way, 1), 1)
        assert np.abs(found - exact).max() < 3e-6  # of C_ell = 1: an estimate may be close to 0 by chance


@pytest.mark.parametrize("way", WAYS[:2], ids=str)
def test_bytes_do_not_depend_on_lane_neighbours_or_threads(way: Way) -> None:
    power = PowerSpectrum(LMAX)

    def measured(seeds: list[int], threads: int) -> dict[int, bytes]:
        batch = FIELD.many(rngs(*seeds), way, threads)
        maps = copied(batch)
        rows = power.many(batch, threads)
        return {seed: maps[k].tobytes() + rows[k].tobytes() for k, seed in enumerate(seeds)}

    full = measured(list(range(way.lanes(NSIDE))), 1)
    assert measured([5, 2, 0], 1) == {seed: full[seed] for seed in (5, 2, 0)}
    assert measured([3], 1)[3] == full[3]
    assert measured(list(range(way.lanes(NSIDE))), 2) == full


def test_maps_of_another_engine_are_packed_as_they_are() -> None:
    field = GaussianField(STEEP, NSIDE, engine="healpy")
    batch = field.many(rngs(1, 2), Way("batched"), 1)
    for m, rng in zip(batch, rngs(1, 2), strict=True):
        np.testing.assert_array_equal(m, field(rng))
    anafast = PowerSpectrum(8, 7, "healpy")
    np.testing.assert_array_equal(anafast.many(batch, 1), [anafast(m) for m in batch])


def test_batches_are_for_many_maps_of_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not worthwhile(3, 1024)  # a batch costs as much as four maps, however few are in it
    assert not worthwhile(100, 16)
    assert worthwhile(100, 256)
    assert way_for("auto", "double", worth=False) == way_for("ducc0", "double", worth=True) == LOOPED
    assert way_for("auto", "double", worth=True) == Way("batched")
    assert way_for("batched", "single", worth=False).lanes(NSIDE) == 16
    assert Way("batched").lanes(2048) == 4  # of 400 MB a map
    monkeypatch.setattr(batches, "available", lambda: "numba is not installed")
    assert way_for("auto", "double", worth=True) == LOOPED
    with pytest.raises(ValueError, match="cannot run here: numba is not installed; use engine='ducc0'"):
        way_for("batched", "double", worth=True)


def test_bad_ways_are_refused() -> None:
    with pytest.raises(ValueError, match="engine = 'fast' does not exist"):
        way_for("fast", "double", worth=True)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="precision = 'half' does not exist: use 'double' or 'single'"):
        way_for("ducc0", "half", worth=True)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"2 maps: a batch has 1 ... 1"):
        pack([np.ones(12), np.ones(12)], LOOPED)
    with pytest.raises(ValueError, match=r"9 generators: a batch has 1 ... 8 maps"):
        FIELD.many(rngs(*range(9)), Way("batched"), 1)
    with pytest.raises(ValueError, match="carries ell <= 95"):
        PowerSpectrum(96).many(FIELD.many(rngs(1), LOOPED, 1), 1)


def test_amplitudes_beyond_single_precision_are_refused() -> None:
    faint = GaussianField(Spectrum(1e-40 * STEEP.cl), NSIDE)
    with pytest.raises(ValueError, match=r"C_ell is up to 1e-40: single precision holds 1e-31 to 1e29"):
        faint.many(rngs(1), Way("batched", "single"), 1)
    assert faint.many(rngs(1), Way("batched"), 1).values.any()


def test_a_batch_may_be_overwritten_only_by_who_owns_it() -> None:
    power = PowerSpectrum(LMAX)
    for way in WAYS:
        batch = FIELD.many(rngs(1), way, 1)
        before = batch.values.tobytes()
        lent = power.many(batch, 1)
        assert batch.values.tobytes() == before
        assert power.many(replace(batch, own=True), 1).tobytes() == lent.tobytes()
    thrice = PowerSpectrum(LMAX, 3)  # needs the map for its residual
    batch = FIELD.many(rngs(1), Way("batched"), 1)
    lent = thrice.many(batch, 1)
    assert thrice.many(replace(batch, own=True), 1).tobytes() == lent.tobytes()


def test_a_batch_of_foreign_maps_has_their_means() -> None:
    rng = np.random.default_rng(1)
    maps = [rng.standard_normal(12 * NSIDE**2) + level for level in (0.0, 1e3)]
    batch = pack(maps, Way("batched"))
    np.testing.assert_allclose(batch.levels[:2], [m.mean() for m in maps], rtol=1e-12)
    np.testing.assert_allclose(PowerSpectrum(24).many(batch, 1), [PowerSpectrum(24)(m) for m in maps], rtol=1e-9)


def test_a_large_mean_costs_no_digits_elsewhere() -> None:
    # pixels are rounded by 1e-8, coefficients by 1e-8 sqrt(4 pi / 12288) = 3e-10, and power by 2 a 3e-10, a = 0.2;
    # half of it, since rounding is by half a unit at most. Transforming the mean as well costs six times more
    cl = STEEP.cl.copy()
    power = PowerSpectrum(24)
    small = measure_power(cl, power)
    cl[0] = 1e16
    np.testing.assert_allclose(measure_power(cl, power)[:, 1:], small[:, 1:], atol=1e-10)


def measure_power(cl: Array, power: PowerSpectrum) -> Array:
    return power.many(GaussianField(Spectrum(cl), NSIDE).many(rngs(1, 2), Way("batched"), 1), 1)


def test_beyond_two_nside_a_batch_warns_as_a_map_does() -> None:
    batch = FIELD.many(rngs(1), LOOPED, 1)
    with pytest.warns(UserWarning, match="close to 3 nside"):
        PowerSpectrum(80).many(batch, 1)


@pytest.mark.parametrize("error", [1e-1, 1e-2, 1e-3])
def test_truncation_leaves_out_what_it_says(error: float) -> None:
    short = FIELD.truncated(error)
    assert short.spectrum.lmax < LMAX
    left, drawn = STEEP.law[short.spectrum.lmax + 1 :], STEEP.law
    assert left.sum() <= error**2 * drawn.sum() < STEEP.law[short.spectrum.lmax :].sum()  # not one multipole too many
    # the same sky: what differs has the power of what was left out, to 5 standard deviations of its chi-square
    maps = [(FIELD(a), short(b)) for a, b in zip(rngs(*range(8)), rngs(*range(8)), strict=True)]
    changed = np.mean([np.mean((a - b) ** 2) for a, b in maps])
    ell = np.arange(short.spectrum.lmax + 1, LMAX + 1)
    scatter = np.sqrt(2.0 * np.sum((2 * ell + 1) * STEEP.cl[ell] ** 2) / 8) / (4 * np.pi)
    assert abs(changed - left.sum() * STEEP.variance) < 5 * scatter


def test_truncation_refuses_what_is_no_share() -> None:
    with pytest.raises(ValueError, match=r"error = 1.0 must lie strictly between 0 and 1"):
        FIELD.truncated(1.0)
