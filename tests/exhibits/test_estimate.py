"""What is printed of a user's maps is right: against coefficients that were drawn, known laws, and known biases."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import healpy as hp
import numpy as np
import pytest
from scipy import stats

from sphfield.ensembles.ensemble import Ensemble
from sphfield.exhibits.estimate import estimate, printed_estimate
from sphfield.fields.files import FitsMaps
from sphfield.fields.gaussian import ExactPowerField, GaussianField
from sphfield.io import write_map
from sphfield.networks.activations import ReLU
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import CoefficientPower, PowerSpectrum
from sphfield.typing import Array, Sampler

S = Spectrum(1.0 / np.arange(1.0, 14.0) ** 2)
EDGES = (0, 2, 5, 13)


def maps_of(folder: Path, sampler: Sampler, count: int, seed: int = 1) -> FitsMaps:
    paths = [folder / f"{seed}-{i}.fits" for i in range(count)]
    for i, path in enumerate(paths):
        write_map(path, Ensemble(sampler, seed)[i])
    return FitsMaps(paths)


def banded(cl: Array) -> Array:
    """The definition: each multipole counts as often as it has orders."""
    return np.array([np.average(cl[a:b], weights=2 * np.arange(a, b) + 1) for a, b in pairwise(EDGES)])


def test_the_estimate_is_the_power_of_the_coefficients_that_were_drawn(tmp_path: Path) -> None:
    field = GaussianField(S, 8)
    maps = maps_of(tmp_path, field, 3)
    drawn = np.mean([hp.alm2cl(field.alm(Ensemble(field, 1).rng(i))) for i in range(3)], axis=0)
    e = estimate(maps, PowerSpectrum(12))
    # 1e-12: rounding; lmax is 1.5 nside, where the weights are exact
    np.testing.assert_allclose(e.mean, drawn, rtol=1e-12)
    np.testing.assert_allclose(estimate(maps, PowerSpectrum(12), edges=EDGES).mean, banded(drawn), rtol=1e-12)


def test_the_error_is_the_gaussian_law_of_each_band(tmp_path: Path) -> None:
    maps = maps_of(tmp_path, GaussianField(S, 8), 4)
    e = estimate(maps, PowerSpectrum(12), theory=S)
    np.testing.assert_allclose(e.error, S.cl * np.sqrt(2 / (2 * S.ell + 1) / 4), rtol=1e-14)
    np.testing.assert_allclose(e.pull, (e.mean - S.cl) / e.error, rtol=1e-14)
    # of bands by simulation: the variance of weighted means of chi-square variables
    x = S.cl * stats.chi2.rvs(2 * S.ell + 1, size=(20_000, 13), random_state=2) / (2 * S.ell + 1)
    wide = estimate(maps, PowerSpectrum(12), theory=S, edges=EDGES)
    simulated = np.std([banded(row) for row in x], axis=0) / 2
    # 0.03: 4 standard errors of a standard deviation of 20,000, twice as wide where kurtosis is that of 3 orders
    np.testing.assert_allclose(wide.error, simulated, rtol=0.03)
    np.testing.assert_allclose(wide.expected, banded(S.cl), rtol=1e-14)
    assert (wide.ell.tolist(), wide.last.tolist()) == ([0, 2, 5], [1, 4, 12])


def test_without_a_theory_the_error_is_the_law_at_the_estimate(tmp_path: Path) -> None:
    e = estimate(maps_of(tmp_path, GaussianField(S, 8), 2), PowerSpectrum(12))
    np.testing.assert_allclose(e.error, e.mean * np.sqrt(1 / (2 * S.ell + 1)), rtol=1e-14)
    assert np.isnan(e.expected).all()
    assert np.isnan(e.pull).all()


def test_pulls_and_scatter_are_those_of_gaussian_fields(tmp_path: Path) -> None:
    e = estimate(maps_of(tmp_path, GaussianField(S, 8), 100), PowerSpectrum(12), theory=S)
    # each mean is chi-square / dof exactly; 13 p-values, false alarm 1e-3 by their smallest
    dof = 100 * (2 * S.ell + 1)
    p = stats.chi2.cdf(dof * (1 + e.pull * np.sqrt(2 / dof)), dof)
    assert min(p.min(), 1 - p.max()) > 1e-3 / 26
    # sample deviation of 100 chi-square variables: kurtosis 3 + 12 / dof of one, a relative error of its square of
    # sqrt((2 + 12 / (2 ell + 1)) / 99), half of that for the deviation; 4.5 of them: false alarm 1e-4
    assert (np.abs(e.scatter - 1) < 4.5 * np.sqrt((2 + 12 / (2 * S.ell + 1)) / 99) / 2).all()
    # maps all alike have none
    alike = maps_of(tmp_path, GaussianField(S, 8), 1, seed=2)
    assert (estimate(FitsMaps(alike.paths * 3), PowerSpectrum(12), theory=S).scatter < 1e-12).all()


def test_maps_in_nested_order_give_the_same_numbers(tmp_path: Path) -> None:
    maps = maps_of(tmp_path, GaussianField(S, 8), 2)
    nested = [tmp_path / f"nested-{i}.fits" for i in range(2)]
    for path, m in zip(nested, maps, strict=True):
        write_map(path, hp.reorder(m, r2n=True), nest=True)
    ring, other = (estimate(m, PowerSpectrum(12), theory=S).facts() for m in (maps, FitsMaps(nested)))
    assert {**ring, "maps": None} == {**other, "maps": None}


@pytest.mark.parametrize("with_theory", [True, False])
def test_the_bias_is_as_large_as_the_errors_of_maps_whose_power_is_known(tmp_path: Path, with_theory: bool) -> None:
    # equal weights, no iteration, up to 2 nside: wrong by far more than rounding, everywhere
    s = Spectrum(1.0 / np.arange(1.0, 18.0) ** 2)
    maps = maps_of(tmp_path, ExactPowerField(s, 8), 1, seed=5)
    power = PowerSpectrum(16, engine="healpy")
    e = estimate(maps, power, theory=s if with_theory else None)
    wrong = np.abs(hp.anafast(maps[0], lmax=16, iter=0, pol=False) / s.cl - 1)
    high = slice(8, None)
    assert wrong[high].max() > 1e-3
    # the largest of four maps with other phases, against one map: random, of one size
    ratio = e.bias[high].max() / wrong[high].max()
    assert 0.3 < ratio < 3
    # pixel weights are exact for the lower half, and it is said so
    exact = estimate(maps, PowerSpectrum(8), theory=s if with_theory else None)
    np.testing.assert_allclose(exact.mean, s.cl[:9], rtol=1e-12)
    assert (exact.bias < 1e-12).all()


def test_without_a_theory_the_bias_is_of_a_spectrum_that_goes_on(tmp_path: Path) -> None:
    # 1.5 nside of maps that go up to 2 nside: what is beyond the estimate is aliased into it, at ell > nside
    s = Spectrum(1.0 / np.arange(1.0, 34.0) ** 3)
    maps = maps_of(tmp_path, ExactPowerField(s, 16), 1)
    e = estimate(maps, PowerSpectrum(24))
    assert e.band == 32
    assert e.slope == pytest.approx(-3 * np.mean(np.arange(12, 25) / np.arange(13, 26)), rel=1e-2)
    assert (e.bias[:17] < 1e-11).all()
    wrong = np.abs(e.mean / s.cl[:25] - 1)
    assert 0.3 < e.bias.max() / wrong.max() < 3
    # and if the user knows better, nothing is
    assert (estimate(maps, PowerSpectrum(24), band=24).bias < 1e-11).all()


def test_a_bias_above_the_error_is_told(tmp_path: Path) -> None:
    maps = maps_of(tmp_path, GaussianField(Spectrum(np.ones(24)), 8), 2)
    power = PowerSpectrum(23)
    with pytest.warns(UserWarning, match="lmax = 23 is close to 3 nside"):
        e = estimate(FitsMaps(maps.paths * 50), power, theory=Spectrum(np.ones(24)))
    over = np.flatnonzero(e.bias > e.error)
    assert 23 in over
    assert f"the bias is larger than the error at ell = {over[0]}" in printed_estimate(e)
    assert f"({over.size} of 24): use a smaller lmax" in printed_estimate(e)
    quiet = estimate(maps, PowerSpectrum(8), theory=Spectrum(np.ones(24)))
    assert "larger" not in printed_estimate(quiet)


def test_what_rounding_leaves_of_zero_is_no_power(tmp_path: Path) -> None:
    s = angular_spectrum(NNGP(Network(ReLU(), 1)), 12)  # no odd multipoles from 3 on
    zeros = s.cl == 0
    assert zeros.sum() == 5
    maps = maps_of(tmp_path, GaussianField(s, 8), 2)
    for e in (estimate(maps, PowerSpectrum(12)), estimate(maps, PowerSpectrum(12), theory=s)):
        assert np.isnan(e.bias[zeros]).all()
        assert (e.error[zeros] == 0).all()
        assert (e.bias[~zeros] < 0.1).all()
        assert "0" not in printed_estimate(e).partition("there is power")[2]
    assert estimate(maps, PowerSpectrum(12)).slope == pytest.approx(-5, abs=2)
    # but what is there although the theory has none is told
    other = maps_of(tmp_path, GaussianField(S, 8), 2, seed=3)
    printed = printed_estimate(estimate(other, PowerSpectrum(12), theory=s))
    assert "there is power where the theory is 0, at ell = 3, 5, 7, 9, 11 (5 of 13)" in printed


def test_the_table_has_a_line_for_each_band_and_dashes_for_what_is_not_known(tmp_path: Path) -> None:
    one = estimate(maps_of(tmp_path, GaussianField(S, 8), 1), PowerSpectrum(12), edges=EDGES)
    lines = printed_estimate(one).splitlines()
    assert lines[0] == "1 map, nside 8, weighted:1 (pixel weights, one pass)"
    assert [line.split()[0] for line in lines[3:]] == ["0-1", "2-4", "5-12"]
    assert all(line.split()[3] == "-" for line in lines[3:])  # no scatter of one map
    assert "nan" not in printed_estimate(one)
    assert float(lines[3].split()[1]) == pytest.approx(one.mean[0], rel=1e-7)


def test_the_facts_are_complete_and_strict_json(tmp_path: Path) -> None:
    e = estimate(maps_of(tmp_path, GaussianField(S, 8), 1), PowerSpectrum(12))
    facts = json.loads(json.dumps(e.facts(), allow_nan=False))
    assert facts["mean"] == e.mean.tolist()
    assert facts["maps"]["paths"] == list(e.maps.paths)
    assert facts["scatter"] == facts["pull"] == facts["expected"] == [None] * 13
    assert (facts["nside"], facts["band"], facts["last"]) == (8, 16, list(range(13)))


def test_a_short_or_an_empty_spectrum_is_an_estimate_too(tmp_path: Path) -> None:
    maps = maps_of(tmp_path, GaussianField(S, 8), 2)
    assert estimate(maps, PowerSpectrum(0)).mean.shape == (1,)
    assert np.isnan(estimate(maps, PowerSpectrum(3)).slope)
    write_map(tmp_path / "zero.fits", np.zeros(768))
    nothing = estimate(FitsMaps(tmp_path / "zero.fits"), PowerSpectrum(12))
    assert nothing.mean.tolist() == nothing.error.tolist() == [0.0] * 13
    assert "nan" not in printed_estimate(nothing)


def test_what_cannot_be_estimated_is_refused_by_name(tmp_path: Path) -> None:
    maps = maps_of(tmp_path, GaussianField(S, 8), 1)
    with pytest.raises(TypeError, match="alm takes coefficients, and these are maps: use weighted"):
        estimate(maps, CoefficientPower(12))
    with pytest.raises(ValueError, match="the theory ends at ell = 8, the estimate at lmax = 12: lower lmax"):
        estimate(maps, PowerSpectrum(12), theory=S.truncated(8))
    with pytest.raises(ValueError, match="the maps end at ell = 8, the estimate at lmax = 12: lower lmax, or raise"):
        estimate(maps, PowerSpectrum(12), band=8)
    with pytest.raises(ValueError, match="the last band ends at ell = 13"):
        estimate(maps, PowerSpectrum(12), edges=(0, 14))
    with pytest.raises(ValueError, match="nside = 8 carries ell <= 23"):
        estimate(maps, PowerSpectrum(24))
    write_map(tmp_path / "coarse.fits", np.ones(48))
    with pytest.raises(ValueError, match="coarse.fits' has nside = 2, .* has nside = 8"):
        estimate(FitsMaps([*maps.paths, tmp_path / "coarse.fits"]), PowerSpectrum(12))
    hp.write_map(str(tmp_path / "holes.fits"), np.where(np.arange(768) < 3, hp.UNSEEN, 1.0), dtype=np.float64)
    with pytest.raises(ValueError, match="3 of 768 pixels of .*holes.fits' are UNSEEN.*NaMaster"):
        estimate(FitsMaps(tmp_path / "holes.fits"), PowerSpectrum(12))
