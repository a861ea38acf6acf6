import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.spectra.sphere import check_dim, dimension_up_to, eigenvalue, log_area, log_multiplicity


def multiplicity(ell, dim):
    """Harmonic polynomials of degree ell in d + 1 variables: all, less r^2 times those of degree ell - 2."""
    return math.comb(ell + dim, dim) - (math.comb(ell + dim - 2, dim) if ell >= 2 else 0)


@given(st.integers(0, 100_000), st.integers(2, 10_000))
def test_multiplicities_are_those_of_harmonic_polynomials(ell, dim):
    # math.log of an integer is right to rounding at any size
    exact = math.log(multiplicity(ell, dim))
    assert abs(float(log_multiplicity(ell, dim)) - exact) <= 4e-15 * (1.0 + exact)


@pytest.mark.parametrize("dim", [2, 3, 4, 7, 50, 9999, 10_000])
def test_low_multiplicities(dim):
    ell = np.arange(12)
    exact = [math.log(multiplicity(int(n), dim)) for n in ell]
    np.testing.assert_allclose(log_multiplicity(ell, dim), exact, rtol=4e-15, atol=4e-15)
    assert log_multiplicity(ell.reshape(3, 4), dim).shape == (3, 4)


@given(st.integers(0, 300), st.integers(2, 10_000))
def test_the_dimension_is_the_sum_of_the_multiplicities(ell, dim):
    assert dimension_up_to(ell, dim) == sum(multiplicity(n, dim) for n in range(ell + 1))


def test_polynomials_on_the_sphere_have_one_more_root_each():
    assert [dimension_up_to(n, 2) for n in range(5)] == [1, 4, 9, 16, 25]


@pytest.mark.parametrize("dim", [0, 1, 2, 3, 50, 10_000])
def test_areas(dim):
    with mp.workdps(40):
        exact = mp.log(2) + mp.mpf(dim + 1) / 2 * mp.log(mp.pi) - mp.loggamma(mp.mpf(dim + 1) / 2)
        assert log_area(dim) == pytest.approx(float(exact), rel=1e-15, abs=1e-15)
    assert [round(math.exp(log_area(d)), 12) for d in (0, 1, 2)] == pytest.approx([2, 2 * math.pi, 4 * math.pi])


@pytest.mark.parametrize("dim", [1, 2, 3, 8])
def test_a_sphere_is_made_of_spheres_of_latitude(dim):
    # omega_d = omega_{d-1} int_0^pi sin^{d-1}
    ring = float(mp.quad(lambda theta: mp.sin(theta) ** (dim - 1), [0, mp.pi / 2, mp.pi]))
    assert math.exp(log_area(dim) - log_area(dim - 1)) == pytest.approx(ring, rel=1e-13)


@given(st.integers(0, 1000), st.integers(2, 10_000))
def test_eigenvalues_of_the_laplacian(ell, dim):
    assert float(eigenvalue(ell, dim)) == ell * (ell + dim - 1)


@pytest.mark.parametrize(
    ("dim", "error", "message"),
    [
        (1, ValueError, r"dim = 1 must lie in 2 \.\.\. 10000"),
        (10_001, ValueError, "dim = 10001"),
        (-2, ValueError, "dim = -2"),
        (2.0, TypeError, "dim = 2.0 must be an integer"),
        (True, TypeError, "dim = True"),
        ("3", TypeError, "dim = '3'"),
    ],
)
def test_what_is_no_dimension_is_refused(dim, error, message):
    with pytest.raises(error, match=message):
        check_dim(dim)


def test_dimensions_are_plain_integers():
    assert type(check_dim(np.int64(7))) is int
    assert (check_dim(2), check_dim(10_000)) == (2, 10_000)
