import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import ELU, CosSin, Hermite
from sphfield.networks.taylor import binomial_sum, composed_logs, composed_taylor, factorials, kinked_derivative

series = st.lists(st.floats(0.01, 3), min_size=4, max_size=4).map(lambda tail: np.array([1.0, *tail]))


@given(series, series)
def test_composition_is_that_of_polynomials_to_their_order(outer, inner):
    # both are 1 at u = 1, as layer maps are: outer(1 + d) with d = inner - 1
    d = np.polynomial.Polynomial([0.0, *inner[1:]])
    whole = sum(c * d**k for k, c in enumerate(outer))
    np.testing.assert_allclose(composed_taylor(outer, inner), whole.coef[:5], rtol=1e-13)
    np.testing.assert_allclose(np.exp(composed_logs(np.log(outer), np.log(inner))), whole.coef[:5], rtol=1e-12)


def test_an_infinite_coefficient_spreads_upwards_only():
    rough, smooth = np.array([1.0, 1.0, np.inf, np.inf]), np.array([1.0, 2.0, 3.0, 4.0])
    assert composed_taylor(rough, smooth).tolist() == [1.0, 2.0, np.inf, np.inf]
    assert np.exp(composed_logs(np.log(rough), np.log(smooth))).tolist() == pytest.approx([1.0, 2.0, np.inf, np.inf])


def test_known_sums():
    # e^(u-1): 1 / r!;  u^5: binomial(5, r)
    assert [binomial_sum(CosSin(1.0), r) for r in range(5)] == pytest.approx(1 / factorials(4), rel=1e-14)
    assert [binomial_sum(Hermite(5), r) for r in range(7)] == [math.comb(5, r) for r in range(7)]


def test_kinked_activations_have_derivatives_from_sigma_itself():
    assert kinked_derivative(ELU(), 2) == pytest.approx(math.exp(2) * 0.022750131948179207, rel=1e-14)

    def opaque(z):
        return ELU()(z)

    assert kinked_derivative(opaque, 2) == pytest.approx(kinked_derivative(ELU(), 2), rel=1e-7)
    with pytest.raises(ValueError, match="derivative 3 of the kernel"):
        kinked_derivative(opaque, 3)
