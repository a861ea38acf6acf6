import mpmath as mp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sphfield.spectra.monomials import log_moments

EPS = 2.3e-16


def exact_log_moment(p, ell):
    # int_{-1}^1 u^p P_ell du, theory C.3 doubled
    with mp.workdps(40):
        value = mp.loggamma(p + 1) + mp.log(mp.pi) / 2 - p * mp.log(2)
        return value - mp.loggamma(mp.mpf(p - ell) / 2 + 1) - mp.loggamma(mp.mpf(p + ell + 3) / 2)


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
