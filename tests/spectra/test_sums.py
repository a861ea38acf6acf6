"""Sums over the law with what lies beyond lmax: right to what they claim, or refused."""

import numpy as np
import pytest
from catalogue import label

from sphfield.networks.activations import (
    ELU,
    GELU,
    SELU,
    CosSin,
    Gaussian,
    Hermite,
    LeakyReLU,
    ReLU,
    RePU,
    Sign,
    Step,
    Tanh,
)
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.spectrum import Spectrum
from sphfield.spectra.sums import Known, weighted_mean


def mean(s, a, b=0.0, rtol=1e-6):
    return weighted_mean(Known(s.law, s.error, s.tail, s.kernel, s.dim), a, b, rtol)


@pytest.mark.parametrize("sigma", [ReLU(), LeakyReLU(0.3), ELU(), SELU(), RePU(2)], ids=label)
@pytest.mark.parametrize(("depth", "bias"), [(1, 0.0), (3, 0.0), (3, 0.2)])
@pytest.mark.parametrize("dim", [2, 7])
def test_sum_and_tail_hold_the_energy_that_the_slope_demands(sigma, depth, bias, dim):
    # E[X (X + d - 1)] = d k'(1): for ReLU half a percent of it lies beyond lmax
    network = Network(sigma, depth, bias)
    s = angular_spectrum(NNGP(network), 200, dim=dim)
    exact = dim * network.derivatives(1)[1]
    short = float(np.sum(s.law * s.ell * (s.ell + dim - 1)))
    # the tail's next term is known to ell^-4, in d ell^-4
    assert mean(s, 1.0, 1.0) == pytest.approx(exact, rel=1e-10 * dim**2)
    assert mean(s, 2.0) + (dim - 1) * mean(s, 1.0) == pytest.approx(exact, rel=1e-10 * dim**2)
    assert isinstance(sigma, ELU | RePU | SELU) or 1 - short / exact > 1e-3


@pytest.mark.parametrize("method", ["auto", "quadrature"])
@pytest.mark.parametrize(
    ("sigma", "depth"),
    [(ReLU(), 1), (ReLU(), 50), (RePU(2), 20), (LeakyReLU(-0.5), 10), (Tanh(), 10), (GELU(), 10), (Gaussian(2.0), 20),
     (CosSin(1.0), 10)],
    ids=str,
)  # fmt: skip
def test_what_is_not_refused_is_right_to_rtol(sigma, depth, method):
    kernel = NNGP(Network(sigma, depth))
    far = angular_spectrum(kernel, 2500)
    exact = {r: mean(far, r, rtol=1e-2) for r in (0.3, 1.0, 2.0, 2.5, 4.0)}
    for lmax in (8, 31, 120, 500):
        s = angular_spectrum(kernel, lmax, method=method)
        for r, value in exact.items():
            for rtol in (1e-2, 1e-4, 1e-6, 1e-8):
                try:
                    found = mean(s, r, rtol=rtol)
                except ValueError:
                    continue
                assert found == pytest.approx(value, rel=rtol)


@pytest.mark.parametrize(("sigma", "depth"), [(Step(), 1), (Step(), 2), (Step(), 3), (Sign(), 2)], ids=str)
def test_fractional_moments_of_steps_need_no_long_spectrum(sigma, depth):
    kernel = NNGP(Network(sigma, depth))
    short, long = (angular_spectrum(kernel, lmax) for lmax in (1000, 30_000))
    for r in (0.05, 0.2):
        # a tenth of the variance lies beyond at L = 3
        assert mean(short, r, rtol=1e-4) == pytest.approx(mean(long, r, rtol=1e-4), rel=2e-5)
    if depth > 1:  # one layer has the next term at ell^-2, and 14 digits
        with pytest.raises(ValueError, match="beyond 1000: compute the spectrum to lmax = "):
            mean(short, 0.2, rtol=1e-13)


@pytest.mark.parametrize("depth", [2, 3])
def test_what_is_claimed_of_deep_steps_is_right(depth):
    # their antipode adds a term that alternates and falls by another power
    kernel = NNGP(Network(Step(), depth))
    far = angular_spectrum(kernel, 60_000)
    for lmax in (100, 501, 2000):
        s = angular_spectrum(kernel, lmax)
        for r in (0.03, 0.1, 0.2):
            exact = mean(far, r, rtol=1e-3)
            for rtol in 10.0 ** -np.arange(1.0, 9.0, 0.25):
                try:
                    found = mean(s, r, rtol=rtol)
                except ValueError:
                    break
                assert found == pytest.approx(exact, rel=rtol)


@pytest.mark.parametrize("sigma", [Tanh(), GELU(), CosSin(1.0), ReLU(), LeakyReLU(0.3)], ids=label)
def test_a_refusal_names_an_lmax_that_is_enough(sigma):
    kernel = NNGP(Network(sigma, 12))
    with pytest.raises(ValueError, match="compute the spectrum to lmax = ") as refusal:
        mean(angular_spectrum(kernel, 20), 1.5)
    enough = int(str(refusal.value).split("lmax = ")[1].split(",")[0])
    # the tail of a kinked network is extrapolated, right to a factor
    longer = angular_spectrum(kernel, 2 * enough)
    assert 0.0 < mean(longer, 1.5) < 12.0


def test_digits_that_are_missing_are_not_blamed_on_lmax():
    s = angular_spectrum(NNGP(Network(Tanh(), 20)), 400, method="quadrature")
    with pytest.raises(ValueError, match="by a method with digits there"):
        mean(s, 6.0, rtol=1e-8)
    noisy = Spectrum([1.0, 1.0], [1e-3, 1e-3])
    with pytest.raises(ValueError, match="the errors of C_ell: use a method"):
        mean(noisy, 1.0)
    assert mean(noisy, 1.0, rtol=1e-2) == pytest.approx(0.75)


def test_unknown_kernels_are_extrapolated_but_nothing_is_added():
    def relu(u):
        return NNGP(Network(ReLU(), 2))(u)

    s = angular_spectrum(relu, 400)
    assert mean(s, 0.1) == pytest.approx(mean(angular_spectrum(NNGP(Network(ReLU(), 2)), 400), 0.1), rel=1e-6)
    with pytest.raises(ValueError, match="compute the spectrum to lmax = "):
        mean(s, 2.0)
    with pytest.raises(ValueError, match="fall too slowly to be extrapolated"):
        mean(s, 3.5)
    # entire: nothing is left beyond
    entire = angular_spectrum(lambda u: np.exp(u - 1.0), 64)
    assert mean(entire, 1.0, 1.0) == pytest.approx(2.0, rel=1e-10)


def test_tangent_kernels_with_kinks_are_refused_or_infinite():
    s = angular_spectrum(NTK(Network(ReLU(), 2)), 400)
    assert mean(s, 1.0) == np.inf
    with pytest.raises(ValueError, match="compute the spectrum to lmax = "):
        mean(s, 0.5)
    smooth = NTK(Network(Tanh(), 2))
    exact = 2 * smooth.slope_at_one / smooth.at_one
    assert mean(angular_spectrum(smooth, 200), 1.0, 1.0) == pytest.approx(exact, rel=1e-10)


def test_polynomials_and_bare_arrays_end_where_they_end():
    s = angular_spectrum(NNGP(Network(Hermite(2), 3)), 8)  # u^8
    assert mean(s, 1.0, 1.0) == pytest.approx(16.0, rel=1e-12)
    with pytest.raises(ValueError, match="multipoles beyond 7"):
        mean(angular_spectrum(NNGP(Network(Hermite(2), 3)), 7), 1.0)
    assert mean(Spectrum([1.0, 1.0]), 3.0) == pytest.approx(0.75)
    with pytest.raises(ValueError, match="fall too slowly"):
        mean(Spectrum([1.0, 1.0], tail=0.1), 3.0)


def test_what_leaves_the_range_of_doubles_is_refused():
    with pytest.raises(ValueError, match="beyond 1e308: use log_energy_moments"):
        mean(angular_spectrum(NNGP(Network(CosSin(1.0), 10)), 200), 400.0)
