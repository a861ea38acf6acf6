"""A spectrum that is no network's: the cosmic microwave background, through sampler and validation."""

import numpy as np
import pytest

from sphfield.ensembles.coverage import coverage, interval_coverage
from sphfield.ensembles.ensemble import Ensemble, measure
from sphfield.ensembles.validation import validate
from sphfield.fields.gaussian import GaussianField
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.intervals import chi2_interval
from sphfield.statistics.power import PowerSpectrum

LMAX, NSIDE = 96, 64


@pytest.fixture(scope="module")
def cmb():
    """Lensed temperature C_ell in square microkelvins; CAMB leaves monopole and dipole 0."""
    camb = pytest.importorskip("camb")
    params = camb.set_params(H0=67.5, ombh2=0.022, omch2=0.122, tau=0.06, As=2e-9, ns=0.965)
    cls = camb.get_results(params).get_lensed_scalar_cls(LMAX, CMB_unit="muK", raw_cl=True)
    return Spectrum(cls[:, 0])


@pytest.fixture(scope="module")
def maps(cmb):
    return Ensemble(GaussianField(cmb, NSIDE), seed=1)


def test_the_spectrum_comes_in_the_normalisation_of_this_package(cmb):
    # the plateau of Sachs and Wolfe: ell (ell + 1) C_ell / 2 pi is about 1000 muK^2 at large scales. As raw C_ell it is
    # steep, so a factor ell (ell + 1) / 2 pi too many would show
    assert cmb.lmax == LMAX
    plateau = (cmb.ell * (cmb.ell + 1) * cmb.cl / (2 * np.pi))[2:31]
    assert (plateau > 700).all()
    assert (plateau < 1300).all()


def test_maps_of_the_microwave_background_pass(cmb, maps):
    # false alarm: 1e-2, with a fixed seed
    report = validate(maps, cmb, 30)
    assert report.passed
    assert report.tested[2:].all()
    assert not report.tested[:2].any()  # neither monopole nor dipole


def test_an_amplitude_off_by_five_percent_is_refused(cmb, maps):
    # the total power of 30 maps is known to sqrt(2 / (30 * 97**2)) = 0.3 %
    assert not validate(maps, Spectrum(1.05 * cmb.cl), 30).passed


def test_its_chi_square_intervals_hold_the_truth(cmb, maps):
    # false alarm: 1e-2, with a fixed seed
    powers = measure(maps, PowerSpectrum(LMAX), range(30))
    assert interval_coverage(powers, cmb.cl, chi2_interval).passed


def test_its_extremes_are_those_of_simulations_with_the_right_amplitude(cmb, maps):
    # false alarm: 1e-2, with a fixed seed. The louder maximum is up by a fifth, more than twice its scatter
    reference = measure(maps, np.max, range(100, 299))
    louder = Ensemble(GaussianField(Spectrum(1.5 * cmb.cl), NSIDE), seed=1)
    assert coverage(measure(maps, np.max, range(60)), reference).passed
    assert not coverage(measure(louder, np.max, range(60)), reference).passed
