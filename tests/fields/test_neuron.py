"""Harmonic coefficients of one neuron: closed forms, Parseval, parity."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special

from sphfield.fields.neuron import homogeneity, neuron_coefficients
from sphfield.networks.activations import (
    ELU,
    GELU,
    Abs,
    CosSin,
    Exp,
    Identity,
    LeakyReLU,
    ReLU,
    RePU,
    Sigmoid,
    Sign,
    Step,
    Tanh,
)
from sphfield.networks.network import Network
from sphfield.typing import Activation, Array

ELL = np.arange(41)


def clipped(z: Array) -> Array:
    return np.clip(z, -1.0, 0.5)


@given(st.floats(0.05, 8.0), st.floats(-3.0, 3.0))
def test_exponentials_have_modified_spherical_bessel_functions(r: float, b: float) -> None:
    found = neuron_coefficients(Network(Exp(1.0), 1, 0.1), [r], [b], 40)[:, 0]
    exact = 4.0 * np.pi * np.exp(b) * special.spherical_in(ELL, r)
    assert np.abs(found - exact).max() < 1e-13 * np.exp(11.0)


@given(st.floats(0.05, 8.0), st.floats(-3.0, 3.0))
def test_waves_have_spherical_bessel_functions(r: float, b: float) -> None:
    # cos z + sin z = Re (1 - i) e^(iz), and e^(irt) has 4 pi i^ell j_ell(r)
    a = 2.0
    found = neuron_coefficients(Network(CosSin(a), 1, 0.1), [r], [b], 40)[:, 0]
    exact = 4.0 * np.pi * special.spherical_jn(ELL, a * r) * ((1.0 - 1.0j) * 1.0j**ELL * np.exp(1j * a * b)).real
    assert np.abs(found - exact).max() < 1e-13 * np.sqrt(2.0) * 4.0 * np.pi


@given(st.floats(0.1, 5.0), st.floats(-6.0, 6.0))
def test_a_step_has_differences_of_legendre_polynomials_at_its_edge(r: float, b: float) -> None:
    edge = np.clip(-b / r, -1.0, 1.0)
    p = special.eval_legendre(np.arange(42), edge)
    exact = 2.0 * np.pi * np.concatenate([[1.0 - edge], (p[:-2] - p[2:]) / (2.0 * ELL[1:] + 1.0)])
    found = neuron_coefficients(Network(Step(), 1, 0.1), [r], [b], 40)[:, 0]
    assert np.abs(found - exact).max() < 1e-13 * 4.0 * np.pi


@pytest.mark.parametrize("activation", [ReLU(), Tanh(), ELU(), GELU(), clipped])
@pytest.mark.parametrize(("r", "b"), [(0.3, 0.0), (1.7, 0.4), (2.5, -2.0), (4.0, 6.0)])
def test_low_multipoles_are_integrals_against_legendre_polynomials(activation: Activation, r: float, b: float) -> None:
    found = neuron_coefficients(Network(activation, 1, 0.1), [r], [b], 3)[:, 0]
    edges = [t for t in ((z - b) / r for z in (-1.0, 0.0, 0.5)) if -1.0 < t < 1.0]
    for ell in range(4):
        exact, error = integrate.quad(
            lambda t, ell=ell: 2.0 * np.pi * float(activation(np.array(r * t + b))) * special.eval_legendre(ell, t),
            *(-1.0, 1.0),
            points=edges or None,
            epsabs=1e-12,
        )
        assert abs(found[ell] - exact) < 1e-12 + 2.0 * error


@pytest.mark.parametrize("activation", [Tanh(), Sigmoid(), GELU()])
def test_the_power_of_a_neuron_is_the_integral_of_its_square(activation: Activation) -> None:
    r, b = np.array([0.5, 1.5, 3.0]), np.array([0.2, -1.0, 0.5])
    found = neuron_coefficients(Network(activation, 1, 0.1), r, b, 120)
    power = np.sum((2 * np.arange(121) + 1) * found.T**2, axis=1) / (4.0 * np.pi)
    for j in range(3):
        exact = integrate.quad(lambda t, j=j: 2.0 * np.pi * activation(np.array(r[j] * t + b[j])) ** 2, -1.0, 1.0)[0]
        # of tanh(3 t), with poles at 0.52 i, multipoles beyond 120 carry e^(-120) of it
        assert power[j] == pytest.approx(exact, rel=1e-12)


def test_many_neurons_are_computed_as_one_is() -> None:
    rng = np.random.default_rng(0)
    r, b = rng.chisquare(3.0, 2000) ** 0.5, rng.standard_normal(2000)
    together = neuron_coefficients(Network(ELU(), 1, 0.3), r, b, 6)
    assert together.shape == (7, 2000)
    for j in (0, 700, 1999):
        alone = neuron_coefficients(Network(ELU(), 1, 0.3), r[j : j + 1], b[j : j + 1], 6)[:, 0]
        assert np.allclose(together[:, j], alone, rtol=0.0, atol=1e-14)


@pytest.mark.parametrize(
    ("activation", "forbidden"),
    [
        (Tanh(), lambda ell: ell % 2 == 0),
        (Abs(), lambda ell: ell % 2 == 1),
        (ReLU(), lambda ell: (ell % 2 == 1) & (ell > 1)),
        (Sigmoid(), lambda ell: (ell % 2 == 0) & (ell > 0)),
        (Identity(), lambda ell: ell != 1),
    ],
)
def test_parity_forbids_multipoles_exactly(activation: Activation, forbidden: Callable[[Array], Array]) -> None:
    found = neuron_coefficients(Network(activation, 1), [0.7, 2.0], [0.0, 0.0], 40)
    zero = forbidden(ELL)
    assert (found[zero] == 0.0).all()
    assert (found[~zero] != 0.0).all()


def test_homogeneity_is_recognised_by_values() -> None:
    degrees = {ReLU(): 1, LeakyReLU(0.1): 1, Abs(): 1, Identity(): 1, RePU(2): 2, RePU(3): 3, Step(): 0, Sign(): 0}
    for activation, degree in degrees.items():
        assert homogeneity(activation) == degree
    for activation in (Tanh(), ELU(), GELU(), Exp(1.0), clipped, np.cos):
        assert homogeneity(activation) is None
    assert homogeneity(lambda z: np.where(z > 0.0, 3.0 * z, 0.5 * z)) == 1


def test_activations_that_vary_too_fast_are_refused() -> None:
    with pytest.raises(ValueError, match="varies too fast: 473 nodes do not resolve it .*; rescale its argument"):
        neuron_coefficients(Network(CosSin(200.0), 1), [1.0], [0.0], 0)
