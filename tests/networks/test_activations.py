import mpmath as mp
import numpy as np
import pytest
from catalogue import CATALOGUE, CLOSED, SERIES, label
from exact import dual, dual_by_quadrature
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import RePU
from sphfield.networks.hermite import dual_of
from sphfield.networks.network import Network

# orders above 3 have no printed closed form, and their reference integral is slow
PRINTED = [s for s in CLOSED if not (isinstance(s, RePU) and s.k > 3)]
some_t = st.one_of(st.floats(1e-300, 1.7), st.floats(-300, 0).map(lambda x: 10.0**x))


@pytest.mark.parametrize("sigma", PRINTED, ids=label)
@pytest.mark.parametrize("u", [-0.6, 0.35])
def test_closed_forms_agree_with_quadrature_in_arbitrary_precision(sigma, u):
    # 25 digits and 56 x 26 Gauss nodes a panel resolve arguments up to a z = 30; the faster ones need more
    if getattr(sigma, "a", 0.0) > 3:
        pytest.skip("oscillates or rises too fast for the reference rule; its formula is tested at smaller a")
    assert abs(sigma.dual(u) - float(dual_by_quadrature(sigma, u))) <= 1e-14 * sigma.dual(1.0)


@given(st.sampled_from(PRINTED), some_t)
def test_the_complement_keeps_its_digits_however_close_to_one(sigma, t):
    if -1 in sigma.degrees and t > 1:
        t = 2 - t  # even and odd kernels are evaluated there, see the test of NNGP
    if not 0 < t < 2:
        return
    with mp.workdps(340):
        exact = dual(sigma, mp.mpf(1)) - dual(sigma, 1 - mp.mpf(t))
        # a few dozen roundings; slopes of leaky ReLUs below 0 cancel up to three quarters
        assert abs(mp.mpf(float(sigma.dual_complement(t))) / exact - 1) < 2e-14


@given(st.sampled_from(PRINTED), st.floats(1e-200, 1.0))
def test_the_fall_of_the_slope_keeps_its_digits(sigma, t):
    if not hasattr(sigma, "dual_slope_complement") or Network(sigma, 1).slope == np.inf:
        return
    with mp.workdps(500):
        step = mp.mpf(10) ** -250  # one-sided at 1, where kernels with a kink end: error sqrt(step) relative
        name = type(sigma).__name__
        slope_one = (dual(sigma, mp.mpf(1)) - dual(sigma, 1 - step)) / step
        u = 1 - mp.mpf(t)
        slope = (dual(sigma, u + step) - dual(sigma, u - step)) / (2 * step)
        exact = slope_one - slope
        ours = mp.mpf(float(sigma.dual_slope_complement(t)))
        if name in ("Identity",) or (name == "Hermite" and sigma.p == 1):
            assert ours == 0
            return
        assert abs(ours / exact - 1) < 2e-14


@given(st.sampled_from(CATALOGUE), st.floats(-1, 1))
def test_a_dual_kernel_is_bounded_by_its_value_at_one(sigma, u):
    kernel = dual_of(sigma)
    assert abs(kernel.dual(u)) <= kernel.dual(1.0) * (1 + 1e-14)


@pytest.mark.parametrize("sigma", SERIES, ids=label)
def test_hermite_coefficients_sum_to_the_dual_kernel(sigma):
    u = np.linspace(-0.9, 0.9, 37)
    squares = dual_of(sigma).dual_coefficients(400)
    assert (squares >= 0).all()
    series = (squares * u[:, None] ** np.arange(400)).sum(axis=1)
    # |u|^400 = 5e-19: only rounding is left
    np.testing.assert_allclose(series, dual_of(sigma).dual(u), rtol=0, atol=2e-15 * dual_of(sigma).dual(1.0))


@pytest.mark.parametrize("sigma", SERIES, ids=label)
def test_the_slope_is_the_derivative_of_the_dual_kernel(sigma):
    u = np.linspace(-0.9, 0.9, 37)
    p = np.arange(400)
    series = (p[1:] * dual_of(sigma).dual_coefficients(400)[1:] * u[:, None] ** p[:-1]).sum(axis=1)
    # sum_p p |u|^(p-1) of roundings, and 400 * 0.9^400 = 2e-16 left out
    scale = np.abs(series).max()
    np.testing.assert_allclose(dual_of(sigma).dual_slope(u), series, rtol=1e-13, atol=1e-13 * scale)


@pytest.mark.parametrize("sigma", [s for s in SERIES if hasattr(s, "dual_coefficients")], ids=label)
def test_declared_degrees_are_where_the_hermite_coefficients_end(sigma):
    squares = sigma.dual_coefficients(60)
    even, odd = sigma.degrees
    p = np.arange(60)
    possible = np.where(p % 2 == 0, p <= even, p <= odd)
    assert (squares[~possible] == 0).all()
    if max(sigma.degrees) == np.inf:
        assert (squares[possible] > 0).all()


@pytest.mark.parametrize("sigma", SERIES, ids=label)
def test_few_coefficients_are_the_first_of_many(sigma):
    for n in range(5):
        np.testing.assert_array_equal(dual_of(sigma).dual_coefficients(n), dual_of(sigma).dual_coefficients(300)[:n])


@pytest.mark.parametrize("sigma", CATALOGUE, ids=label)
def test_an_activation_acts_on_each_element(sigma):
    z = np.linspace(-3, 3, 12).reshape(3, 4)
    np.testing.assert_array_equal(sigma(z)[1], sigma(z[1]))
    assert np.shape(sigma(0.5)) == ()
