import numpy as np
import pytest

from sphfield.networks.activations import (
    ELU,
    GELU,
    Erf,
    Gaussian,
    Hermite,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Sine,
    Softplus,
    Tanh,
)
from sphfield.networks.initialisation import unit_variance
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.decay import decay, expected_decay, spectrum_decay
from sphfield.spectra.kernel_series import DeepKernel, nngp_series, ntk_series
from sphfield.spectra.power_series import PowerSeries


def biased(sigma):
    return unit_variance(sigma, 0.9 * unit_variance(sigma).sigma_w, 0.6)


@pytest.mark.parametrize(
    ("power", "rate", "bend", "family"),
    [(1.5, 0.0, 0.0, "power"), (-0.5, 2.0, 0.5, "root"), (0.5, 0.3, 1.0, "geometric")],
)
@pytest.mark.parametrize("parity", [None, 0, 1])
def test_a_law_that_is_put_in_comes_out(power, rate, bend, family, parity):
    p = np.arange(1.0, 3001.0)
    logs = np.append(0.0, -power * np.log(p) - rate * p**bend)
    if parity is not None:
        logs[1 - parity :: 2] = -np.inf
    found = decay(PowerSeries(logs - 2.0, 1e-3))
    assert (found.family, found.parity) == (family, parity)
    # fits of logarithms up to 900 with columns that are nearly dependent
    assert found.rate == pytest.approx(rate, abs=1e-6)
    assert found.power == pytest.approx(power, abs=1e-4)
    assert 350 <= found.first <= 400
    assert found.last >= 2999


@pytest.mark.parametrize("sigma", [ReLU(), LeakyReLU(0.3), ELU()], ids=repr)
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("series", [nngp_series, ntk_series])
def test_kinks_make_power_laws_at_every_depth(sigma, depth, series):
    found = decay(series(sigma, depth, 2000))
    # first jump in derivative r: p^-(r + 3/2) for the covariance, one power less for the tangent kernel
    r = 2 if isinstance(sigma, ELU) else 1
    wanted = r + 1.5 - (series is ntk_series)
    assert found.family == "power"
    assert found.expected[0].power == wanted
    assert found.power == pytest.approx(wanted, abs=1e-3)
    assert found.parity == (None if depth == 3 else 0 if r == 1 else 1)


def test_the_lemma_of_the_paper_holds_and_biases_bring_back_the_odd_powers():
    relu, biased_relu = decay(ntk_series(ReLU(), 1, 2000)), decay(ntk_series(ReLU(), 1, 2000, biased(ReLU())))
    assert (relu.parity, biased_relu.parity) == (0, None)
    for found in (relu, biased_relu):
        assert found.power == pytest.approx(1.5, abs=1e-4)
        assert found.expected[0].source == "Lemma 3.2"
    # density of a normal with variance s^2: p^(1/2) (s^2 + 1)^-p; s enters as a = 1 / s^2
    for variance in (0.5, 1.0, 2.0):
        found = decay(ntk_series(Gaussian(1 / variance), 1, 1000))
        assert (found.family, found.parity) == ("geometric", 0)
        assert found.rate == pytest.approx(np.log(variance + 1), abs=1e-6)
        assert found.power == pytest.approx(-0.5, abs=1e-3)
        assert found.expected[0].rate == pytest.approx(np.log(variance + 1), rel=1e-12)
    # for tanh it is a bound only: the rate is twice as large
    sharp, paper = decay(ntk_series(Tanh(), 1, 2000)).expected
    assert sharp.rate == pytest.approx(2 * paper.rate) == pytest.approx(np.pi)
    assert paper.kind == "bound"


@pytest.mark.parametrize("sigma", [Tanh(), Sigmoid(), SiLU(), Softplus(), np.arctan], ids=str)
@pytest.mark.parametrize("init", [unit_variance, biased])
def test_singularities_off_the_real_axis_make_the_rate(sigma, init):
    found = decay(ntk_series(sigma, 1, 2000, init(sigma)))
    assert found.family == "root"
    assert found.rate == pytest.approx(found.expected[0].rate, rel=2e-4)


@pytest.mark.parametrize(("sigma", "depth"), [(Tanh(), 3), (SiLU(), 3), (Sigmoid(), 3), (Tanh(), 6)], ids=str)
def test_the_rate_of_a_deep_kernel_is_that_of_its_widest_layer(sigma, depth):
    found = decay(ntk_series(sigma, depth, 4000))
    slope = max(1.0, Network(sigma, 1).slope)
    rate = np.pi * (1 if isinstance(sigma, Tanh) else 2) / slope ** ((depth - 1) / 2)
    assert found.expected[0].rate == pytest.approx(rate, rel=1e-9)
    assert found.rate == pytest.approx(rate, rel=2e-3)


@pytest.mark.parametrize("sigma", [GELU(), Erf(1.0), Gaussian(1.0)], ids=repr)
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("init", [unit_variance, biased])
def test_singularities_beyond_one_make_geometric_laws(sigma, depth, init):
    found = decay(ntk_series(sigma, depth, 1500, init(sigma)))
    assert found.family == "geometric"
    assert found.rate == pytest.approx(found.expected[0].rate, rel=1e-4)
    assert found.power == pytest.approx(found.expected[0].power, abs=0.1)


@pytest.mark.parametrize("sigma", [Tanh(), SiLU(), GELU(), Erf(1.0), Gaussian(1.0)], ids=repr)
def test_spectra_of_smooth_kernels_fall_by_the_sharp_law_and_below_the_paper_s_bound(sigma):
    found = spectrum_decay(ntk_series(sigma, 1, 4000).spectrum(300))
    sharp, paper = found.expected[:2]
    assert found.family == sharp.family
    assert found.rate == pytest.approx(sharp.rate, rel=1e-3)
    assert paper.kind == "bound"
    assert paper.source == "Corollary 4.7"


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("dim", [2, 4])
def test_kinked_spectra_fall_by_the_corollary_of_the_paper(depth, dim):
    found = spectrum_decay(angular_spectrum(NTK(Network(ReLU(), depth)), 300, dim=dim))
    # a = 3/2: ell^-(d + 2a - 2)
    assert found.expected[0].power == dim + 1
    assert found.power == pytest.approx(dim + 1, abs=0.01)
    assert found.parity == (0 if depth == 1 else None)


def test_polynomials_end_and_entire_kernels_have_no_rate():
    assert decay(ntk_series(Hermite(3), 2, 100)).family == "polynomial"
    assert decay(ntk_series(Hermite(3), 2, 100)).last == 9
    assert decay(ntk_series(Sine(1.0), 2, 400)).family == "entire"
    p = np.arange(1, 200.0)
    assert decay(PowerSeries(np.append(0, -np.cumsum(np.log(p))), 1e-9)).family == "entire"
    assert expected_decay(DeepKernel(Sine(1.0), 2, unit_variance(Sine(1.0)))) == ()


def test_too_few_coefficients_are_refused():
    with pytest.raises(ValueError, match="too few for a law: give more than 100"):
        decay(ntk_series(ReLU(), 1, 20))


def test_what_follows_no_law_is_refused():
    rng = np.random.default_rng(0)
    noise = PowerSeries.from_coefficients(np.exp(rng.standard_normal(400)), rest=1.0)
    with pytest.raises(ValueError, match="follow no law"):
        decay(noise)
