import numpy as np
import pytest
from scipy import stats

from sphfield.ensembles.ensemble import Ensemble, measure
from sphfield.ensembles.validation import Report, validate
from sphfield.fields.finite import FiniteNetwork
from sphfield.fields.gaussian import GaussianField
from sphfield.networks.activations import Gaussian, ReLU, Tanh
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum


def neural(sigma, depth, lmax=48):
    return angular_spectrum(NNGP(Network(sigma, depth)), lmax)


def hotelling(samples, expected):
    """p-value of the mean of vectors against an expected one, with the scatter of the vectors themselves."""
    n, p = samples.shape
    off = samples.mean(axis=0) - expected
    t2 = n * off @ np.linalg.solve(np.cov(samples.T), off)
    return stats.f.sf((n - p) / (p * (n - 1)) * t2, p, n - p)


@pytest.mark.parametrize("sigma", [ReLU(), Tanh()], ids=repr)
def test_finite_networks_have_the_spectrum_of_the_infinite_one_at_depth_one(sigma):
    # E C_ell of one hidden layer is exact at any width; networks know nothing of kernels, so this closes the circle.
    # False alarm: 1e-3 each, with a fixed seed.
    powers = measure(
        Ensemble(FiniteNetwork(Network(sigma, 1), width=64, nside=16), seed=1), PowerSpectrum(24, 6), range(2000)
    )
    right, wrong = neural(sigma, 1, 24).cl, neural(sigma, 2, 24).cl
    seen = right > 1e-6 * right.max()
    assert seen.sum() >= 5
    assert hotelling(powers[:, seen], right[seen]) > 1e-3
    assert hotelling(powers[:, seen], wrong[seen]) < 1e-10


@pytest.mark.parametrize("sigma", [Gaussian(2.0), ReLU(), Tanh()], ids=repr)
def test_a_right_sampler_passes(sigma):
    # false alarm: 1e-2 each, with a fixed seed
    s = neural(sigma, 3)
    report = validate(Ensemble(GaussianField(s, 32), seed=3), s, 60)
    assert report.passed
    assert report.tested.sum() >= 10
    assert str(report).startswith("passed: 60 maps")


def test_the_p_value_of_right_samplers_is_not_too_small_too_often():
    # Bonferroni: P(p < 0.2) <= 0.2; 60 seeds give more than 24 with probability 1e-4
    s = Spectrum(1.0 / np.arange(1.0, 14.0) ** 2)
    small = sum(validate(Ensemble(GaussianField(s, 8), seed), s, 20).pvalue < 0.2 for seed in range(60))
    assert 2 <= small <= 24  # and fewer than 2 with probability 1e-3: the multipoles are independent


def test_a_spectrum_off_at_one_multipole_is_refused():
    s = Spectrum(1.0 / np.arange(1.0, 25.0) ** 3)
    size, ell = 200, 7
    cl = s.cl.copy()
    cl[ell] *= 1 + 6 * np.sqrt(2 / ((2 * ell + 1) * size))
    report = validate(Ensemble(GaussianField(s, 16), seed=5), Spectrum(cl), size)
    assert not report.passed
    assert np.nanargmax(np.abs(report.pulls)) == ell
    assert "FAILED" in str(report)


def test_multipoles_that_the_analysis_cannot_resolve_are_not_tested():
    s = neural(Tanh(), 1)
    report = validate(Ensemble(GaussianField(s, 32), seed=1), s, 30)
    assert report.tested[[1, 3, 5]].all()
    assert not report.tested[-1]  # C_47 / C_1 = 1e-18
    assert not report.tested[s.cl == 0].any()


def test_a_pull_is_one_where_the_mean_is_off_by_its_standard_error():
    cl, size = 1.0 / np.arange(1.0, 9.0), 50
    off = 1 + np.sqrt(2 / ((2 * np.arange(8) + 1) * size))
    report = Report(cl, cl * off, np.zeros(8), np.ones(8, dtype=bool), size, 0.01)
    np.testing.assert_allclose(report.pulls, 1.0, rtol=1e-12)


def test_progress_is_told():
    s = Spectrum([1.0, 1.0, 1.0])
    seen = []
    validate(Ensemble(GaussianField(s, 2), seed=1), s, 5, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 5) for i in range(1, 6)]
