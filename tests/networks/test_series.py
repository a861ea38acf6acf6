import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from sphfield.networks.series import composed

polynomials = st.lists(st.floats(0, 2), min_size=1, max_size=6).map(np.array)


@given(polynomials, polynomials)
def test_composition_of_polynomials_is_pointwise_composition(outer, inner):
    n = (outer.size - 1) * (inner.size - 1) + 1
    x = 0.7
    exact = np.polynomial.polynomial.polyval(np.polynomial.polynomial.polyval(x, inner), outer)
    # positive terms: relative rounding of a few hundred operations
    assert np.polynomial.polynomial.polyval(x, composed(outer, inner, n)) == pytest.approx(exact, rel=1e-13, abs=1e-280)


def test_tiny_coefficients_keep_their_relative_accuracy():
    # exp(exp(u) - 1) = sum of Bell numbers / p!: the 150th is 1e-109 of the largest
    p = np.arange(151)
    exponential = 1.0 / special.factorial(p)
    shifted = exponential.copy()
    shifted[0] = 0.0
    ours = composed(exponential, shifted, 151)
    bell = [1]
    row = [1]
    for _ in range(150):
        row = [row[-1], *np.cumsum(np.array([row[-1], *row], dtype=object))[1:]]
        bell.append(row[0])
    exact = np.array([float(b) for b in bell]) / special.factorial(p)
    np.testing.assert_allclose(ours, exact, rtol=1e-13)
