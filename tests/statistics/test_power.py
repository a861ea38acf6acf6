"""Estimators of C_ell: right where they say so, healpy's to the letter where it is asked for, and found by name."""

from __future__ import annotations

import pickle

import healpy
import numpy as np
import pytest

from sphfield.fields.gaussian import Coefficients, GaussianField, synalm
from sphfield.fields.transforms import alm2cl, synthesis
from sphfield.provenance import describe
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import Binned, CoefficientPower, PowerSpectrum, estimator

STEEP = np.power(1.0 + np.arange(49), -5.0)


@pytest.mark.parametrize(("monopole", "accuracy"), [(1.0, 1e-11), (1e6, 1e-9)])
def test_power_of_a_steep_field_is_as_accurate_as_promised(monopole: float, accuracy: float) -> None:
    # with C_0 = 1e6 the map itself holds C_48 to 2e-16 sqrt(1e6 / (npix C_48)), squared with its neighbours some 1e-10
    for seed in range(12):
        alm = synalm(STEEP, np.random.default_rng(seed))
        alm[0] *= np.sqrt(monopole)
        assert np.abs(PowerSpectrum(48)(synthesis(alm, 32)) / alm2cl(alm) - 1.0).max() < accuracy


def test_the_healpy_engine_is_anafast() -> None:
    m = GaussianField(Spectrum(STEEP), nside=32)(np.random.default_rng(0))
    theirs = healpy.anafast(m, lmax=40, iter=1, pol=False)
    # the same a_lm, summed in another order
    assert np.allclose(PowerSpectrum(40, transforms=3, engine="healpy")(m), theirs, rtol=1e-14, atol=0.0)


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


def test_coefficients_have_the_power_of_their_map() -> None:
    field = GaussianField(Spectrum(STEEP), nside=32)
    drawn = Coefficients(field)(np.random.default_rng(4))
    m = field(np.random.default_rng(4))
    assert np.allclose(CoefficientPower(30)(drawn), PowerSpectrum(30)(m), rtol=1e-11, atol=0.0)
    assert np.array_equal(CoefficientPower(48)(drawn), alm2cl(field.alm(np.random.default_rng(4))))


def test_a_band_is_the_mean_over_its_coefficients() -> None:
    alm = synalm(np.ones(17), np.random.default_rng(5))
    ell = np.arange(17)
    per_ell = alm2cl(alm)
    bands = Binned(PowerSpectrum(16), (0, 3, 4, 17))
    expected = [np.average(per_ell[a:b], weights=2 * ell[a:b] + 1) for a, b in ((0, 3), (3, 4), (4, 17))]
    assert bands(synthesis(alm, 16)) == pytest.approx(expected, rel=1e-11)
    assert bands.of(np.stack([np.ones(17), 2 * np.ones(17)])).tolist() == [[1, 1, 1], [2, 2, 2]]
    assert Binned(PowerSpectrum(16), (3, 5)).of(per_ell) == pytest.approx(np.average(per_ell[3:5], weights=[7, 9]))


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("weighted", PowerSpectrum(8)),
        ("weighted:5", PowerSpectrum(8, transforms=5)),
        ("anafast", PowerSpectrum(8, transforms=7, engine="healpy")),
        ("anafast:0", PowerSpectrum(8, transforms=1, engine="healpy")),
        ("alm", CoefficientPower(8)),
    ],
)
def test_estimators_have_names(name: str, made: object) -> None:
    found = estimator(name, 8)
    assert found == made
    assert found.label.startswith(name if ":" in name or name == "alm" else f"{name}:")


def test_the_estimator_of_coefficients_says_what_it_does_not_test() -> None:
    assert "pixelisation are not tested" in estimator("alm", 8).label


def test_a_statistic_travels_to_another_process_and_can_be_named() -> None:
    statistic = Binned(PowerSpectrum(8), (0, 2, 9))
    assert pickle.loads(pickle.dumps(statistic)) == statistic
    assert describe(statistic)["estimator"] == {
        "type": "sphfield.statistics.power:PowerSpectrum",
        "lmax": 8,
        "transforms": 1,
        "engine": "ducc0",
    }


def test_bad_arguments_are_named_with_their_remedy() -> None:
    with pytest.raises(ValueError, match="lmax = -1 is too small: give 0 or more"):
        PowerSpectrum(-1)
    with pytest.raises(TypeError, match=r"lmax = 1\.5 is not an integer"):
        PowerSpectrum(1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="transforms = 2 is even"):
        PowerSpectrum(4, transforms=2)
    with pytest.raises(ValueError, match="engine = 'camb' does not exist"):
        PowerSpectrum(4, engine="camb")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nside = 1 carries ell <= 2, the analysis has lmax = 3: use nside >= 2"):
        PowerSpectrum(3)(np.ones(12))
    with pytest.raises(ValueError, match="1 of 12 pixels are NaN"):
        PowerSpectrum(2)(np.r_[np.nan, np.ones(11)])
    for edges in ((), (3,), (3, 3), (5, 2)):
        with pytest.raises(ValueError, match="make no bands: give increasing multipoles"):
            Binned(PowerSpectrum(8), edges)
    with pytest.raises(ValueError, match="the last band ends at ell = 9, the estimator at lmax = 8"):
        Binned(PowerSpectrum(8), (2, 10))
    for name in ("anafest", "weighted:x", "alm:3", "weighted:-1"):
        with pytest.raises(ValueError, match=f"there is no estimator '{name}': use weighted"):
            estimator(name, 8)
    with pytest.raises(ValueError, match="the coefficients end at ell = 1, the estimate at lmax = 2"):
        CoefficientPower(2)(np.zeros(6))
    with pytest.raises(TypeError, match="function has no coefficients, only maps: it needs a method alm"):
        Coefficients(lambda rng: np.ones(12))
