import mpmath as mp
import numpy as np
import pytest
from exact import dual, dual_by_quadrature
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import (
    GELU,
    Cosine,
    CosSin,
    Erf,
    Gaussian,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Sine,
    Step,
    Tanh,
)
from sphfield.networks.hermite import dual_of

CLOSED = [
    ReLU(),
    LeakyReLU(0.01),
    LeakyReLU(0.3),
    LeakyReLU(-1.0),
    Step(),
    Gaussian(2.0),
    Gaussian(1 + 2**0.5),
    Gaussian(0.1),
    Cosine(1.0),
    Cosine(2.5),
    Sine(1.0),
    Sine(0.3),
    CosSin(1.0),
    Erf(1.0),
    Erf(4.0),
    GELU(),
]
ALL = [*CLOSED, Tanh(), Sigmoid()]
some_t = st.one_of(st.floats(1e-300, 1.7), st.floats(-300, 0).map(lambda x: 10.0**x))


@pytest.mark.parametrize("sigma", [s for s in CLOSED if s not in (Erf(4.0), Cosine(2.5))], ids=repr)
@pytest.mark.parametrize("u", [-0.6, 0.35])
def test_closed_forms_agree_with_quadrature_in_arbitrary_precision(sigma, u):
    assert abs(sigma.dual(u) - float(dual_by_quadrature(sigma, u))) <= 1e-14 * sigma.dual(1.0)


@given(st.sampled_from(CLOSED), some_t)
def test_the_complement_keeps_its_digits_however_close_to_one(sigma, t):
    with mp.workdps(340):
        exact = dual(sigma, mp.mpf(1)) - dual(sigma, 1 - mp.mpf(t))
        if getattr(sigma, "slope", 0.0) < 0 and t > 1:
            return  # |z| is even: networks evaluate it at 2 - t there, see the test of NNGP
        if sigma.degrees[1] == -1 and t > 1:
            return
        # a dozen roundings, each amplified at most a few times
        assert abs(mp.mpf(float(sigma.dual_complement(t))) / exact - 1) < 5e-15


@given(st.sampled_from(ALL), st.floats(-1, 1))
def test_a_dual_kernel_is_bounded_by_its_value_at_one(sigma, u):
    kernel = dual_of(sigma)
    assert abs(kernel.dual(u)) <= kernel.dual(1.0) * (1 + 1e-15)


@pytest.mark.parametrize("sigma", ALL, ids=repr)
def test_hermite_coefficients_sum_to_the_dual_kernel(sigma):
    u = np.linspace(-0.9, 0.9, 37)
    squares = sigma.dual_coefficients(400)
    assert (squares >= 0).all()
    series = (squares * u[:, None] ** np.arange(400)).sum(axis=1)
    # |u|^400 = 5e-19: only rounding is left
    np.testing.assert_allclose(series, dual_of(sigma).dual(u), rtol=0, atol=2e-15 * dual_of(sigma).dual(1.0))


@pytest.mark.parametrize("sigma", ALL, ids=repr)
def test_the_slope_is_the_derivative_of_the_dual_kernel(sigma):
    u = np.linspace(-0.9, 0.9, 37)
    p = np.arange(400)
    series = (p[1:] * sigma.dual_coefficients(400)[1:] * u[:, None] ** p[:-1]).sum(axis=1)
    # sum_p p |u|^(p-1) of roundings, and 400 * 0.9^400 = 2e-16 left out
    np.testing.assert_allclose(dual_of(sigma).dual_slope(u), series, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("sigma", ALL, ids=repr)
def test_declared_degrees_are_where_the_hermite_coefficients_end(sigma):
    squares = sigma.dual_coefficients(60)
    even, odd = sigma.degrees
    p = np.arange(60)
    assert ((squares == 0) == np.where(p % 2 == 0, p > even, p > odd)).all()


@pytest.mark.parametrize("sigma", ALL, ids=repr)
def test_few_coefficients_are_the_first_of_many(sigma):
    for n in range(5):
        np.testing.assert_array_equal(sigma.dual_coefficients(n), sigma.dual_coefficients(300)[:n])


@pytest.mark.parametrize("sigma", ALL, ids=repr)
def test_an_activation_acts_on_each_element(sigma):
    z = np.linspace(-3, 3, 12).reshape(3, 4)
    np.testing.assert_array_equal(sigma(z)[1], sigma(z[1]))
    assert np.shape(sigma(0.5)) == ()
