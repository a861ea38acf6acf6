import mpmath as mp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sphfield.spectra.monomials import log_moments

EPS = 2.3e-16


def exact_log_moment(p, ell, dim=2):
    # int_{-1}^1 u^p G_ell (1 - u^2)^((d-2)/2) du, Azevedo and Menegatto 2014 with the duplication formula
    with mp.workdps(40):
        value = mp.loggamma(p + 1) + mp.log(mp.pi) / 2 - p * mp.log(2) + mp.loggamma(mp.mpf(dim) / 2)
        return value - mp.loggamma(mp.mpf(p - ell) / 2 + 1) - mp.loggamma(mp.mpf(p + ell + dim + 1) / 2)


@given(st.integers(0, 200_000), st.floats(0, 1))
def test_moments_keep_their_accuracy_at_any_power(p, share):
    ell = int(p * share**3)
    if (p - ell) % 2:
        assert log_moments(p, ell) == -np.inf
        return
    exact = exact_log_moment(p, ell)
    assert abs(float(log_moments(p, ell) - exact)) < EPS * 6.0 * (1.0 + abs(float(exact)))


def test_moments_sum_to_the_power():
    # u^p = sum (2 ell + 1) / 2 m_{p ell} P_ell, at u = 1
    ell = np.arange(2001)
    for p in (0, 1, 7, 2000):
        assert abs(np.sum((ell + 0.5) * np.exp(log_moments(p, ell))) - 1.0) < 1e-13  # 1000 terms of error 10 eps


@given(st.integers(0, 200_000), st.floats(0, 1), st.sampled_from([3, 4, 7, 50, 1001, 10_000]))
def test_so_they_do_in_any_dimension(p, share, dim):
    ell = int(p * share**3)
    if (p - ell) % 2:
        assert log_moments(p, ell, dim) == -np.inf
        return
    exact = exact_log_moment(p, ell, dim)
    # logarithms of numbers near 1 + ell / p and 1 + p / d, times ell and d
    assert abs(float(log_moments(p, ell, dim) - exact)) < EPS * 6.0 * (1.0 + abs(float(exact)) + ell + dim)


def test_the_moments_are_those_of_the_gegenbauer_polynomials():
    # u^4 on S^9: its component of degree 2 by Gauss quadrature in arbitrary precision
    with mp.workdps(30):
        weight = lambda u: (1 - u * u) ** mp.mpf(3.5)  # noqa: E731
        second = mp.quad(lambda u: u**4 * (10 * u * u - 1) / 9 * weight(u), [-1, 1])
    assert abs(float(mp.exp(mp.mpf(float(log_moments(4, 2, 9)))) / second) - 1.0) < 1e-14
