import mpmath as mp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sphfield.spectra.second_kind import second_kind_sums
from sphfield.spectra.sphere import log_multiplicity


def exact(ell, zeta):
    """Q_ell(cosh zeta) by its hypergeometric series (DLMF 14.3.7 with mu = 0), 40 digits."""
    with mp.workdps(40):
        z = mp.mpc(zeta)
        first = mp.sqrt(mp.pi) * mp.gamma(ell + 1) / mp.gamma(ell + mp.mpf(3) / 2) * mp.exp(-(ell + 1) * z)
        return first * mp.hyp2f1(mp.mpf(1) / 2, ell + 1, ell + mp.mpf(3) / 2, mp.exp(-2 * z))


def one(zeta, lo, hi, fall=None):
    """Q_ell / fall**(ell + 1), as complex numbers, from two sums of imaginary parts."""
    fall = float(np.exp(-zeta.real)) if fall is None else fall
    node, weight, none = np.array([zeta]), np.ones(1, dtype=complex), np.zeros(1, dtype=complex)
    real = second_kind_sums(node, 1j * weight, none, lo, hi, fall).value
    return real + 1j * second_kind_sums(node, weight, none, lo, hi, fall).value


@settings(max_examples=60, deadline=None)
@given(st.floats(-13, 0.7), st.floats(0, np.pi / 2), st.sampled_from([0, 1, 10, 60, 300]))
def test_functions_of_the_second_kind_are_right_to_rounding(log_eta, phi, ell):
    zeta = complex(np.exp(log_eta), phi)
    found = one(zeta, ell, ell)[0]
    with mp.workdps(40):
        known = exact(ell, zeta) / mp.mpf(float(np.exp(-zeta.real))) ** (ell + 1)
        # a relative rounding error of zeta itself changes Q by (ell + 1/2) abs(zeta) of it
        assert abs(found / known - 1) < 2e-16 * (20 + (ell + 1) * abs(zeta))


@pytest.mark.parametrize("zeta", [1e-9 + 0j, 1e-3 + 0j, 0.3 + 0j, 1e-3 + 1e-2j, 1e-3 + 1.5j, 0.05 + 0.7j])
def test_the_recursion_down_loses_no_digits(zeta):
    lo, hi = 250, 500
    fall = float(np.exp(-zeta.real))
    # three roundings a step, mostly independent, and those of the exponents nu zeta at either end
    assert abs(one(zeta, lo, hi)[0] / one(zeta, lo, lo, fall)[0] - 1) < 2e-16 * (
        3 * np.sqrt(hi - lo) + 2 * hi * abs(zeta)
    )


def test_weights_of_the_south_change_sign_with_ell():
    zeta, weight = np.array([0.2 + 0.3j]), np.array([1.0 - 2.0j])
    both = second_kind_sums(zeta, weight, weight, 0, 9, 0.8).value
    alone = second_kind_sums(zeta, weight, 0 * weight, 0, 9, 0.8).value
    np.testing.assert_allclose(both, np.where(np.arange(10) % 2 == 0, 2 * alone, 0.0), atol=1e-300)


@pytest.mark.parametrize("side", ["north", "south"])
def test_what_lies_beyond_is_the_sum_of_what_comes(side):
    zeta, weight, none = np.array([0.1 + 0.2j, 0.3 + 0j]), np.array([1.0 + 1j, 2.0 - 1j]), np.zeros(2, dtype=complex)
    weights = (weight, none) if side == "north" else (none, weight)
    fall = 0.9
    beyond = second_kind_sums(zeta, *weights, 0, 7, fall).beyond * fall**8
    ell = np.arange(8, 700)
    value = second_kind_sums(zeta, *weights, 8, 699, fall).value * fall ** (ell + 1.0)
    assert beyond == pytest.approx(np.sum((2 * ell + 1) * value), rel=1e-12)


def exact_in_dimension(ell, zeta, dim):
    # int_0^1 y^ell ((1 - y) (1 - y exp(-2 zeta)))^(m-1) dy times exp(-(ell+1) zeta), by Euler's integral of 2F1
    with mp.workdps(60):
        z, m = mp.mpc(zeta), mp.mpf(dim - 1) / 2
        series = mp.hyp2f1(1 - m, ell + 1, ell + m + 1, mp.exp(-2 * z))
        return mp.exp(-(ell + 1) * z) * mp.beta(ell + 1, m) * series


def cancellation(ell, zeta, dim):
    """The integral of `exact_in_dimension`'s modulus over the modulus of it, on the path that is summed."""
    v = np.exp(np.linspace(-40.0, 8.0, 6001))
    factors = np.log(-np.expm1(-v)) + np.log(-np.expm1(-2.0 * zeta - v))
    terms = v * np.exp(0.5 * (dim - 3.0) * factors - (ell + 1.0) * v)
    return np.abs(terms).sum() / abs(terms.sum())


@settings(max_examples=60, deadline=None)
@example(-4.0, 0.5, 60, 99)
@example(-5.129526294180996, 0.35621603860939133, 60, 99)  # cancels by a factor 153
@given(
    st.floats(-13, 0.7),
    st.floats(0, np.pi / 2),
    st.sampled_from([0, 1, 10, 60, 300]),
    st.sampled_from([3, 4, 5, 8, 9, 20, 50, 99]),
)
def test_those_of_another_sphere_are_right_to_rounding(log_eta, phi, ell, dim):
    zeta = complex(np.exp(log_eta), phi)
    fall, none = float(np.exp(-zeta.real)), np.zeros(1, dtype=complex)
    node, weight = np.array([zeta]), np.ones(1, dtype=complex)
    sums = [second_kind_sums(node, w, none, ell, ell, fall, dim).value[0] for w in (1j * weight, weight)]
    with mp.workdps(40):
        known = exact_in_dimension(ell, zeta, dim) / mp.mpf(fall) ** (ell + 1)
        # as on S^2; beside it the phase of the (m-1)-th power, which the terms of the integral share only in part, so
        # that they cancel: rounding is relative to their moduli
        rounding = 2e-16 * (20 + dim + (ell + dim) * abs(zeta))
        assert abs(mp.mpc(*sums) / known - 1) < rounding * cancellation(ell, zeta, dim)


@pytest.mark.parametrize("dim", [3, 4, 9, 50])
def test_the_recursion_and_the_sum_beyond_hold_on_another_sphere(dim):
    node, weight, none = np.array([0.1 + 0.2j, 0.3 + 0j]), np.array([1.0 + 1j, 2.0 - 1j]), np.zeros(2, dtype=complex)
    fall, number = 0.9, np.exp(log_multiplicity(np.arange(8, 1200), dim))
    for weights in (weight, none), (none, weight):
        beyond = second_kind_sums(node, *weights, 0, 7, fall, dim).beyond * fall**8
        value = second_kind_sums(node, *weights, 8, 1199, fall, dim).value * fall ** np.arange(9.0, 1201.0)
        terms = number * value
        assert abs(beyond - terms.sum()) < 1e-12 * np.abs(terms).sum()


def test_nodes_that_are_not_numbers_do_not_hang():
    node = np.array([complex(np.nan, 0.0)])
    with np.errstate(invalid="ignore"):
        assert np.isnan(second_kind_sums(node, node, node, 1, 2, 0.9).value).all()
