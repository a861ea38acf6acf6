import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import Exp, Gaussian, ReLU, Tanh
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.gram_bounds import (
    Bound,
    coefficient_bounds,
    eigenvalue_order,
    explicit_bound,
    multipole_order,
    powers_for,
)
from sphfield.spectra.sphere import dimension_up_to

coefficients = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12).filter(lambda c: sum(c) > 0.1).map(np.array)


@given(coefficients, st.integers(1, 9), st.integers(1, 200), st.floats(0.0, 1.0))
def test_the_explicit_bound_falls_and_is_never_worse_than_the_trace_over_the_index(c, rank, k, rest):
    trace = c.sum() + rest
    bound = explicit_bound(c, trace, rank, k)
    assert (np.diff(bound) <= 0).all()
    assert (bound <= trace / np.arange(1, k + 1) * (1 + 1e-14)).all()
    # more coefficients known, a better bound; 1e-15 is the rounding of their sum
    assert (bound <= explicit_bound(c[:-1], trace, rank, k) + 1e-15 * c.size * trace).all()


@pytest.mark.parametrize("dim", [2, 3, 6])
@pytest.mark.parametrize("degree", [0, 1, 4, 5])
def test_a_polynomial_has_no_eigenvalue_beyond_the_polynomials_of_its_degree(dim, degree):
    # harmonics of degree 0 ... p span them; of one parity, if the series has one
    size = dimension_up_to(degree, dim)
    bound = explicit_bound(np.ones(degree + 1), degree + 1.0, dim + 1, size + 1)
    assert bound[size] == 0.0 < bound[size - 1]
    one = np.eye(degree + 1)[degree]
    same_parity = size - (dimension_up_to(degree - 1, dim) - (same(degree - 2, dim)) if degree else 0)
    bound = explicit_bound(one, 1.0, dim + 1, size + 1)
    assert np.count_nonzero(bound) == same_parity


def same(degree, dim):
    return 0 if degree < 0 else dimension_up_to(degree, dim) - same(degree - 1, dim)


@pytest.mark.parametrize("sigma", [ReLU(), Tanh()], ids=repr)
def test_on_the_whole_sphere_the_eigenvalues_stay_below_the_explicit_bound(sigma):
    kernel = NTK(Network(sigma, 1))
    s = angular_spectrum(kernel, 24)
    exact = np.sort(np.repeat(s.cl / (4 * np.pi), 2 * np.arange(25) + 1))[::-1]
    bound = explicit_bound(kernel.coefficients(powers_for(3, exact.size))[0], kernel.at_one, 3, exact.size)
    assert (exact <= bound).all()


def test_the_explicit_bound_of_relu_falls_nearly_as_its_eigenvalues_do():
    # the p^-3/2 from T on sum to T^-1/2, over T^2 dimensions: j^-5/4, where the truth is j^-3/2; steps of T, of
    # relative size 1/T, blur the slope over a decade by 0.05
    kernel, j = NTK(Network(ReLU(), 1)), np.array([2000, 20_000])
    bound = explicit_bound(kernel.coefficients(powers_for(3, j[1]))[0], kernel.at_one, 3, j[1])
    assert np.log10(bound[j[1] - 1] / bound[j[0] - 1]) == pytest.approx(-1.25, abs=0.05)


def test_theorems_need_the_coefficient_they_are_about():
    assert coefficient_bounds(np.array([0.0, 0.0, 1.0]), 1.0, 2.0, 3.0) == []
    assert [b.theorem for b in coefficient_bounds(np.array([0.0, 0.5]), 1.0, 2.0, 3.0)] == ["Theorem 4.3"]
    assert [b.limit for b in coefficient_bounds(np.array([0.5]), 1.0, 2.0, 3.0)] == [2.0]


def test_a_bound_that_fails_says_so():
    bound = Bound("Theorem 4.1", "effective rank", 3.0, 2.0)
    assert not bound.holds
    assert str(bound) == "Theorem 4.1: effective rank 3 > 2"
    assert Bound("", "", 2.0 * (1 + 1e-13), 2.0).holds


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_multipoles_of_relu_fall_by_the_order_of_its_coefficients(dim):
    # NNGP of one layer: c_p ~ p^-5/2 for even p, hence C_ell ~ ell^(-d-3) at even ell; corrections are of order 1/ell
    s = angular_spectrum(NNGP(Network(ReLU(), 1)), 400, dim=dim)
    ell = np.array([200, 400])
    for order in multipole_order(ell, "power", 2.5, dim):
        np.testing.assert_allclose(s.cl[400] / s.cl[200], order[1] / order[0], rtol=0.02 * dim)


@pytest.mark.parametrize(
    ("sigma", "law", "rate"),
    # Gaussian: c_p ~ p^-1/2 (a / (1 + a))^p in the NNGP, p^1/2 in the NTK; tanh: e^(-pi sqrt p)
    [(Gaussian(1.0), "geometric", np.log(2.0)), (Tanh(), "root", np.pi)],
    ids=repr,
)
def test_multipoles_of_smooth_networks_stay_between_the_orders(sigma, law, rate):
    s = angular_spectrum(NTK(Network(sigma, 1)), 60)
    ell = s.ell[s.log_cl > -np.inf][4:]
    low, high = multipole_order(ell, law, rate)
    log_cl = s.log_cl[ell.astype(int)]
    # against an order a ratio must not grow (fall) for ever: it is monotonic here
    assert (np.diff(log_cl - np.log(high)) < 0).all()
    if low.any():
        assert (np.diff(log_cl - np.log(low)) > 0).all()


def test_orders_of_multipoles():
    for order in multipole_order(4, "power", 1.5, 3):
        assert order == pytest.approx(4.0**-4, rel=1e-14)
    assert multipole_order(4, "root", 0.5, 3) == (0.0, pytest.approx(4.0**-2.5 * np.exp(-1.0), rel=1e-14))
    low, high = multipole_order(4, "geometric", np.log(2.0), 4)
    assert low == pytest.approx(4.0**-1 * 2.0**-8, rel=1e-14)
    assert high == pytest.approx(4.0**-3 * 2.0**-4, rel=1e-14)


def test_orders_of_eigenvalues():
    np.testing.assert_allclose(eigenvalue_order([1, 16], "power", 9.0, 4), [1.0, 2.0**-8], rtol=1e-14)
    np.testing.assert_allclose(eigenvalue_order(16, "root", 3.0, 2), 2 * np.exp(-6 * 2**-0.25), rtol=1e-14)
    np.testing.assert_allclose(eigenvalue_order(16, "geometric", 3.0, 2), np.exp(-12 * 2**-0.25), rtol=1e-14)


def test_eigenvalues_of_an_exponential_kernel_fall_at_least_as_the_order_says():
    # u^p / p! falls faster than any geometric law: on S^2, rank 3, the j-th eigenvalue over the order must go to 0
    s = angular_spectrum(NNGP(Network(Exp(1.0), 1)), 20)
    exact = np.repeat(s.cl, 2 * np.arange(21) + 1)
    j = np.arange(1, exact.size + 1)
    ratio = exact / eigenvalue_order(j, "geometric", 2.0, 3)
    assert ratio[-1] < 1e-6 * ratio[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: eigenvalue_order(1, "power", 3.0, 2), r"rate = 3.0 must exceed rank \+ 1 = 3"),
        (lambda: eigenvalue_order(1, "exponential", 3.0, 2), r"law = 'exponential' .* 'geometric' \(exp\(-rate p\)\)"),
        (lambda: multipole_order(1, "power", -1.0), "rate = -1.0 must be positive"),
        (lambda: multipole_order(1, "linear", 1.0), "law = 'linear'"),
    ],
)
def test_unknown_laws_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
