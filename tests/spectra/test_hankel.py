import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from sphfield.spectra.hankel import Samples, ray, sampling_step, transformed, transformed_samples

DIMS = [2, 3, 7, 10, 14, 50, 1000, 10_000]


def of_one(z):
    # log A of W = 1: 1 - exp(-t) has the transform -Gamma(z)
    return special.loggamma(1.0 + z) - np.log(-z)


def sampled(transform, dim, angle, last, mass=1.0):
    step = sampling_step(dim, angle)
    x = np.arange(-40.0, last, step)
    t = np.exp(x + 1j * angle) if angle else np.exp(x)
    return transformed_samples(Samples(-40.0, step, angle, transform(t), mass), dim)


@pytest.mark.parametrize("dim", DIMS)
def test_a_constant_gives_the_chi_law_in_every_dimension(dim):
    k = np.sqrt(dim) * np.array([0.01, 0.3, 0.7, 0.97, 1.0, 1.03, 1.5, 3.0])
    exact = special.gammaincc(0.5 * dim, 0.5 * k**2)
    # as the docstrings say; gammaincc itself is right to 1e-12 at d = 10^4
    assert np.abs(transformed(of_one, dim).beyond(k) - exact).max() < (1e-12 if dim < 5000 else 1e-11)
    angle = ray(dim, complex_known=True)
    # 1 - exp(-t) is 1 to rounding where Re t > 40
    law = sampled(lambda t: -np.expm1(-t), dim, angle, np.log(40.0 / np.cos(angle)))
    assert np.abs(law.beyond(k) - exact).max() < (1e-11 if dim < 100 else 2e-9)


@pytest.mark.parametrize(("dim", "tolerance"), [(2, 1e-12), (10, 2e-10), (16, 1e-8)])
def test_samples_on_the_real_axis_are_enough_up_to_dimension_16(dim, tolerance):
    law = sampled(lambda t: -np.expm1(-t), dim, ray(dim, complex_known=False), 4.0)
    k = np.sqrt(dim) * np.linspace(0.01, 3.0, 50)
    assert np.abs(law.beyond(k) - special.gammaincc(0.5 * dim, 0.5 * k**2)).max() < tolerance


def test_beyond_dimension_16_the_real_axis_is_refused():
    with pytest.raises(ValueError, match="dim = 17.*known for complex arguments"):
        ray(17, complex_known=False)
    assert ray(6, complex_known=True) == ray(16, complex_known=False) == 0.0


@pytest.mark.parametrize("dim", [2, 5, 30])
@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_covariances_that_fall_slowly_are_no_worse(alpha, dim):
    # W ~ Gamma(alpha) / alpha, E exp(-W t) = (1 + t/alpha)^-alpha; k^2 / 2 is a product of two gamma variables,
    # whose density is a Bessel function K
    angle = ray(dim, complex_known=True)
    law = sampled(lambda t: -special.expm1(-alpha * special.log1p(t / alpha)), dim, angle, 150.0)
    k = np.array([0.1, 0.5, 1.0, 2.0, 4.0]) * np.sqrt(dim / 2.0)
    y, half = 0.5 * alpha * k**2, 0.5 * dim
    bessel = special.kv(alpha - half, 2.0 * np.sqrt(y))
    exact = alpha * k * 2.0 * y ** (0.5 * (alpha + half) - 1.0) * bessel / (special.gamma(alpha) * special.gamma(half))
    # the density is 2 z / k times as large a sum as P(K > k), with Im z up to 50
    assert np.abs(law.density(k) - exact).max() < 1e-10


def test_what_is_left_at_zero_is_the_atom():
    law = sampled(lambda t: -0.3 * np.expm1(-t), 2, 0.0, 4.0, mass=0.3)
    assert float(law.beyond(0.0)) == 0.3
    assert float(law.beyond(-1.0)) == 1.0
    assert law.support(0.5) == law.support(0.3) == 0.0
    assert abs(law.support(0.03) - np.sqrt(2.0 * np.log(10.0))) < 1e-11
    assert abs(float(law.thinned(0.6).beyond(1.0)) - 2.0 * float(law.beyond(1.0))) < 1e-15
    assert float(law.density(0.0)) == 0.0


@given(st.floats(1e-9, 0.999), st.integers(2, 20))
def test_support_inverts_beyond(eta, dim):
    law = transformed(of_one, dim)
    assert abs(float(law.beyond(law.support(eta))) - eta) < 1e-12


def test_the_density_is_the_slope_of_the_distribution():
    law = transformed(of_one, 3)
    k = np.linspace(0.2, 4.0, 20)
    difference = (law.beyond(k - 1e-4) - law.beyond(k + 1e-4)) / 2e-4
    # second differences: h^2 p'' / 6 < 1e-8; rounding 1e-14 / h
    assert np.abs(law.density(k) - difference).max() < 1e-8


def test_arrays_keep_their_shape():
    law = transformed(of_one, 2)
    k = np.linspace(0.0, 3.0, 600).reshape(2, 300)
    assert law.beyond(k).shape == law.density(k).shape == (2, 300)
    assert np.abs(law.beyond(k) - np.exp(-0.5 * k**2)).max() < 1e-12


@pytest.mark.parametrize(("eta", "message"), [(0.0, "strictly between"), (1.0, "strictly"), (1e-11, "1e-10 or more")])
def test_shares_that_are_none_are_refused(eta, message):
    with pytest.raises(ValueError, match=message):
        transformed(of_one, 2).support(eta)
