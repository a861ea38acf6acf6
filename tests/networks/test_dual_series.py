import numpy as np
import pytest
from catalogue import SMOOTH, label

from sphfield.networks.activations import ELU, GELU, Cosine, CosSin, Erf, Exp, Gaussian, ReLU, Sigmoid, SiLU, Sine, Tanh
from sphfield.networks.dual_series import dual_series
from sphfield.networks.hermite import dual_of, hermite_coefficients

EPS = 2.3e-16


@pytest.mark.parametrize(
    "sigma", [Gaussian(2.0), Erf(0.7), GELU(), Sine(1.3), Cosine(0.8), CosSin(1.0), Exp(0.5), Tanh(), ReLU()], ids=repr
)
def test_logarithms_are_those_of_the_coefficients_while_doubles_hold_them(sigma):
    known = dual_series(sigma, 300)
    b = dual_of(sigma).dual_coefficients(300)
    np.testing.assert_array_equal(np.isfinite(known.logs[:120]), b[:120] > 0)
    at = np.flatnonzero(b > 1e-290)
    assert at.size > 30
    # logarithms up to 700, products of up to 300 factors
    np.testing.assert_allclose(known.logs[at], np.log(b[at]), rtol=0, atol=EPS * (2 * 700 + 300))
    np.testing.assert_array_equal(known.upper, known.logs)


@pytest.mark.parametrize("sigma", [Gaussian(2.0), Erf(0.7), GELU()], ids=repr)
def test_beyond_the_range_of_doubles_the_ratios_go_on(sigma):
    logs = dual_series(sigma, 20_000).logs
    own = logs[np.isfinite(logs)][10:]
    assert own[-1] < -5000
    slope = np.diff(own)
    assert (np.diff(slope) < 1e-9).all() or (np.diff(slope) > -1e-9).all()


@pytest.mark.parametrize("sigma", SMOOTH, ids=label)
def test_the_series_of_smooth_activations_sum_to_their_variance(sigma):
    known = dual_series(sigma, 2048)
    assert np.exp(known.logs - known.log_variance).sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(("opaque", "closed"), [(np.tanh, Tanh()), (lambda z: z / (1 + np.exp(-z)), SiLU())])
def test_an_opaque_activation_has_its_coefficients_within_what_is_said(opaque, closed):
    ours = dual_series(opaque, 3000)
    exact = dual_series(closed, 3000).logs[: ours.logs.size]
    assert 100 < ours.logs.size < 800
    at = np.flatnonzero(np.isfinite(exact))
    assert (exact[at] <= ours.upper[at] + 1e-13).all()
    # as far below as above
    assert (exact[at] >= 2 * ours.logs[at] - ours.upper[at] - 1e-13 - 0.2).all()
    # the next one is lost
    noise = 16e-15 * np.exp(0.5 * ours.log_variance)
    assert 0.5 * dual_series(closed, 3000).logs[ours.logs.size + 2] < np.log(noise)


def test_quadrature_is_as_accurate_as_is_assumed():
    for sigma in (Tanh(), Sigmoid(), ReLU()):
        known = dual_series(sigma, 2000)
        at = np.arange(1, 2000)  # the mean of the sigmoid is a quadrature too
        by_quadrature = np.abs(hermite_coefficients(lambda z, sigma=sigma: sigma(z), 2000))[at]
        assert np.abs(by_quadrature - np.exp(0.5 * known.logs[at])).max() < 1e-15 * np.exp(0.5 * known.log_variance)


def test_kinked_opaque_activations_have_as_many_as_quadrature_gives():
    assert dual_series(ELU(), 5000).logs.size == 2048
    assert dual_series(ELU(), 100).logs.size == 100
