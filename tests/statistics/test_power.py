"""PowerSpectrum: the power of a known field, whatever its monopole and however it is turned."""

from __future__ import annotations

import pickle

import healpy
import numpy as np
import pytest

from sphfield.fields.gaussian import GaussianField, synalm
from sphfield.fields.transforms import alm2cl, synthesis
from sphfield.provenance import describe
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum

STEEP = np.power(1.0 + np.arange(49), -5.0)


# the accuracy that the docstring promises, for 12 skies each
@pytest.mark.parametrize(("iterations", "accuracy"), [(3, 1e-4), (6, 1e-7)])
@pytest.mark.parametrize("monopole", [1.0, 1e6])
def test_power_of_a_steep_field_is_as_accurate_as_promised(iterations: int, accuracy: float, monopole: float) -> None:
    statistic = PowerSpectrum(48, iterations=iterations)
    for seed in range(12):
        alm = synalm(STEEP, np.random.default_rng(seed))
        alm[0] *= np.sqrt(monopole)
        assert np.abs(statistic(synthesis(alm, 32)) / alm2cl(alm) - 1.0).max() < accuracy


def test_the_healpy_engine_is_anafast() -> None:
    m = GaussianField(Spectrum(STEEP), nside=32)(np.random.default_rng(0))
    theirs = healpy.anafast(m, lmax=40, iter=1, pol=False)
    # the same a_lm, summed in another order
    assert np.allclose(PowerSpectrum(40, iterations=1, engine="healpy")(m), theirs, rtol=1e-14, atol=0.0)


def test_engines_agree_on_a_map_of_mean_zero() -> None:
    m = GaussianField(Spectrum(np.ones(33)), nside=32)(np.random.default_rng(1))
    m -= m.mean()
    ours, theirs = PowerSpectrum(32)(m), PowerSpectrum(32, engine="healpy")(m)
    assert np.allclose(ours[1:], theirs[1:], rtol=1e-10, atol=0.0)


def test_a_quarter_turn_about_the_poles_changes_nothing() -> None:
    # every HEALPix ring maps onto itself, so that the two analyses differ by rounding alone
    m = GaussianField(Spectrum(np.ones(25)), nside=16)(np.random.default_rng(2))
    vectors = np.array(healpy.pix2vec(16, np.arange(m.size)))
    turned = m[healpy.vec2pix(16, vectors[1], -vectors[0], vectors[2])]
    assert not np.array_equal(turned, m)
    assert np.allclose(PowerSpectrum(24)(turned), PowerSpectrum(24)(m), rtol=1e-11, atol=0.0)


def test_power_scales_with_the_square_of_the_map() -> None:
    m = GaussianField(Spectrum(np.ones(25)), nside=16)(np.random.default_rng(3))
    assert np.allclose(PowerSpectrum(24)(8.0 * m), 64.0 * PowerSpectrum(24)(m), rtol=1e-13, atol=0.0)


def test_the_map_is_left_alone() -> None:
    m = GaussianField(Spectrum(np.array([1.0, 1.0])), nside=4)(np.random.default_rng(4))
    kept = m.copy()
    PowerSpectrum(1)(m)
    assert np.array_equal(m, kept)


def test_a_statistic_travels_to_another_process_and_can_be_named() -> None:
    statistic = PowerSpectrum(8)
    assert pickle.loads(pickle.dumps(statistic)) == statistic
    assert describe(statistic) == {
        "type": "sphfield.statistics.power:PowerSpectrum",
        "lmax": 8,
        "iterations": 3,
        "engine": "ducc0",
    }


def test_bad_arguments_are_named_with_their_remedy() -> None:
    with pytest.raises(ValueError, match="lmax = -1 is too small: give 0 or more"):
        PowerSpectrum(-1)
    with pytest.raises(TypeError, match=r"lmax = 1\.5 is not an integer"):
        PowerSpectrum(1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="iterations = -3 is too small"):
        PowerSpectrum(4, iterations=-3)
    with pytest.raises(ValueError, match="engine = 'camb' does not exist"):
        PowerSpectrum(4, engine="camb")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nside = 1 carries ell <= 2, the analysis has lmax = 3: use nside >= 2"):
        PowerSpectrum(3)(np.ones(12))
    with pytest.raises(ValueError, match="1 of 12 pixels are NaN"):
        PowerSpectrum(2)(np.r_[np.nan, np.ones(11)])
