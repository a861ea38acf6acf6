import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.spectra.series import legendre_from_powers


@given(st.integers(0, 300), st.integers(0, 300))
def test_monomials_have_their_closed_form(p, ell):
    # int_{-1}^1 u^p P_ell du, theory C.3 doubled
    b = np.zeros(p + 1)
    b[p] = 1.0
    ours = legendre_from_powers(b, ell)[ell]
    if ell > p or (p - ell) % 2:
        assert ours == 0.0
        return
    with mp.workdps(30):
        exact = 2 * mp.pi * mp.gamma(p + 1) * mp.sqrt(mp.pi)
        exact /= mp.mpf(2) ** p * mp.gamma(mp.mpf(p - ell) / 2 + 1) * mp.gamma(mp.mpf(p + ell + 3) / 2)
    # one rounding a factor: p of them
    assert ours == pytest.approx(float(exact), rel=2.3e-16 * (p + ell + 10))


def test_the_exponential_kernel_has_bessel_functions_for_its_spectrum():
    # exp(u - 1) = sum (2 ell + 1) i_ell(1) P_ell / e
    p = np.arange(171.0)
    b = np.exp(-1.0) / np.cumprod(np.maximum(p, 1.0))
    ell = (0, 1, 2, 10, 50, 100)
    with mp.workdps(30):
        exact = [float(4 * mp.pi * mp.e**-1 * mp.sqrt(mp.pi / 2) * mp.besseli(d + mp.mpf(1) / 2, 1)) for d in ell]
    np.testing.assert_allclose(legendre_from_powers(b, 100)[list(ell)], exact, rtol=2e-14)


def test_the_route_says_where_it_ends():
    with pytest.raises(ValueError, match="lmax = 2001"):
        legendre_from_powers(np.ones(4), 2001)
