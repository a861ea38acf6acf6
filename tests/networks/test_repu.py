import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks import repu
from sphfield.networks.activations import ReLU, Step


@given(st.floats(-1, 1))
def test_orders_zero_and_one_are_step_and_relu(u):
    assert repu.dual(0, u) == pytest.approx(float(Step().dual(u)), abs=2e-16)
    assert repu.dual(1, u) == pytest.approx(float(ReLU().dual(u)), abs=2e-16)


@given(st.integers(1, 12), st.floats(-0.9, 0.9))
def test_the_derivative_lowers_the_order(k, u):
    h = 1e-5
    slope = (repu.dual(k, u + h) - repu.dual(k, u - h)) / (2 * h)
    scale = repu.dual(k, 1.0)
    # central difference: h^2 k^6 / 6 of the value at 1 away from the ends, rounding 1e-16 / h
    assert slope == pytest.approx(k**2 * float(repu.dual(k - 1, u)), abs=1e-9 * k**6 * scale)


@pytest.mark.parametrize("k", range(1, 13))
def test_the_variance_is_a_double_factorial(k):
    assert repu.dual(k, 1.0) == pytest.approx(float(np.prod(np.arange(1.0, 2 * k, 2))) / 2, rel=1e-15)


@pytest.mark.parametrize("k", range(1, 13))
def test_opposite_points_are_never_both_active(k):
    # dual(-1) = E[max(Z, 0)^k max(-Z, 0)^k] = 0, a cancellation of polynomials of degree k
    assert abs(repu.dual(k, -1.0)) < 1e-14 * 2.0**k * repu.dual(k, 1.0)
