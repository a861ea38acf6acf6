"""The measured bias of an estimator is the one that was put in, and maps of exact power have it exactly."""

from __future__ import annotations

import numpy as np
import pytest

from sphfield.fields.accuracy import on_exact_power, relative_bias
from sphfield.fields.gaussian import ExactPowerField, exact_power_alm
from sphfield.fields.transforms import alm2cl
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum


def test_every_realisation_has_exactly_the_power_asked_for() -> None:
    cl = np.power(1.0 + np.arange(25), -3.0)
    cl[7] = 0.0
    first, second = (exact_power_alm(cl, np.random.default_rng(seed)) for seed in (0, 1))
    assert not np.array_equal(first, second)
    for alm in (first, second):
        # sums of at most 49 squares
        assert np.allclose(alm2cl(alm), cl, rtol=1e-14, atol=0.0)
    field = ExactPowerField(Spectrum(cl), 16)
    # the mean of the squares of the map is not used: it is no exact quadrature; the power is
    assert np.allclose(PowerSpectrum(24)(field(np.random.default_rng(2))), cl, rtol=1e-11, atol=1e-25)


def test_the_bias_is_what_was_put_in() -> None:
    right = PowerSpectrum(12)
    bias = relative_bias(lambda m: right(m) * np.linspace(0.9, 1.2, 13), np.ones(13), 8, draws=3)
    assert bias.shape == (3, 13)
    assert np.allclose(bias, np.linspace(0.9, 1.2, 13) - 1.0, rtol=0.0, atol=1e-12)


def test_power_that_pixels_do_not_carry_is_aliased() -> None:
    # all power at ell = 4 nside, one beat of the pixel grid: what an analysis finds at low ell is alias
    cl = np.zeros(33)
    cl[32] = 1.0
    seen = on_exact_power(PowerSpectrum(12), cl, 8, draws=2)
    assert seen.shape == (2, 13)
    assert (seen.max(axis=1) > 1e-3).all()


def test_where_there_is_no_power_the_bias_is_nought_or_infinite() -> None:
    bias = relative_bias(lambda m: np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]), 1)
    assert bias.tolist() == [[0.0, 0.0, np.inf]]


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="nside = 3 is not a power of two"):
        relative_bias(PowerSpectrum(2), np.ones(3), 3)
    with pytest.raises(ValueError, match="draws = 0 is too small"):
        relative_bias(PowerSpectrum(2), np.ones(3), 1, draws=0)
    with pytest.raises(ValueError, match="nside = 8 carries ell <= 23, the spectrum has lmax = 39"):
        ExactPowerField(Spectrum(np.ones(40)), 8)
