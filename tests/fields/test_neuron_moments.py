"""Moments of a random neuron: the spectrum, sum rules by dual kernels, closed forms in one dimension."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special, stats

from sphfield.fields.neuron_moments import neuron_moments
from sphfield.networks.activations import ELU, GELU, Exp, LeakyReLU, ReLU, RePU, Sigmoid, Sine, Step, Tanh
from sphfield.networks.hermite import dual_of
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.typing import Activation, Array

LMAX = 24
ELL = np.arange(LMAX + 1)


def clipped(z: Array) -> Array:
    return np.clip(z, -1.0, 0.5)


def shifted_step(z: Array) -> Array:
    return np.where(np.asarray(z) > 0.3, 1.0, 0.0)


@pytest.mark.parametrize("bias_var", [0.0, 0.3])
@pytest.mark.parametrize("activation", [ReLU(), LeakyReLU(0.3), Step(), RePU(2), Tanh(), Sigmoid(), GELU(), ELU()])
def test_the_second_moment_is_the_spectrum(activation: Activation, bias_var: float) -> None:
    network = Network(activation, 1, bias_var)
    spectrum = angular_spectrum(NNGP(network), LMAX)
    expected = spectrum.cl.copy()
    expected[0] -= 4.0 * np.pi * bias_var
    found = neuron_moments(network, LMAX).second
    rounding = 1e-15 * 4.0 * np.pi / np.maximum(expected, 1e-300)  # of the subtraction, at ell = 0
    tolerated = 1e-9 + spectrum.error + np.where(ELL == 0, rounding, 0.0)
    known = expected > 1e-10 * expected.max()
    assert np.abs(found / np.where(known, expected, 1.0) - 1.0)[known].max() < tolerated[known].max()
    assert np.array_equal(found == 0.0, spectrum.cl == 0.0)


@pytest.mark.parametrize(
    ("activation", "bias_var", "rtol"),
    # what lies beyond ell = 24: 1e-10 of the power of tanh, of order 1 / ell^3 with a kink
    [
        (Tanh(), 0.0, 1e-9),
        (Tanh(), 0.3, 1e-9),
        (ELU(), 0.3, 1e-6),
        (ReLU(), 0.2, 1e-4),
        pytest.param(clipped, 0.2, 5e-4, marks=pytest.mark.slow),
    ],
)
def test_fourth_moments_sum_to_the_dual_kernel_of_the_square(
    activation: Activation, bias_var: float, rtol: float
) -> None:
    # sum over ell, ell' of (2 ell + 1)(2 ell' + 1) E h^2 h'^2 = 3 Gamma_W^2 E[(int sigma^2)^2], whose integrand is the
    # dual kernel of sigma^2
    network = Network(activation, 1, bias_var)
    fourth = neuron_moments(network, LMAX).fourth
    assert np.array_equal(fourth, fourth.T)
    square = dual_of(lambda z: activation(z) ** 2)
    total = integrate.quad(lambda u: float(square.dual(bias_var + (1.0 - bias_var) * u)), -1.0, 1.0, epsrel=1e-10)[0]
    expected = 3.0 * network.gain**2 * 8.0 * np.pi**2 * total
    found = (2 * ELL + 1) @ fourth @ (2 * ELL + 1)
    assert found <= expected * (1.0 + 1e-9)
    assert found == pytest.approx(expected, rel=rtol)


def chi3(mean: object, *edges: float) -> float:
    """Mean of a function of a chi-distributed length in three dimensions."""
    pieces = [0.0, *edges, 14.0]
    return sum(
        integrate.quad(
            lambda r: mean(r) * np.sqrt(2.0 / np.pi) * r * r * np.exp(-0.5 * r * r),  # type: ignore[operator]
            *piece,
            epsrel=1e-11,
            limit=400,
        )[0]
        for piece in pairwise(pieces)
    )


@pytest.mark.parametrize("bias_var", [0.0, 0.25])
def test_moments_of_a_sine_factorise(bias_var: float) -> None:
    # lambda_ell = 4 pi j_ell(a r) times sin(ab) or cos(ab) but for signs
    a, scale = 1.5, np.sqrt(1.0 - bias_var)
    network = Network(Sine(a), 1, bias_var)
    moments = neuron_moments(network, 6)
    gain = 4.0 * np.pi * network.gain

    def radial(*ells: int) -> float:
        return chi3(lambda r: np.prod([special.spherical_jn(ell, a * scale * r) for ell in ells]))

    def phase(even: int, odd: int) -> float:
        w = a * np.sqrt(bias_var)
        return float(stats.norm.expect(lambda z: np.sin(w * z) ** even * np.cos(w * z) ** odd, lb=-12, ub=12))

    for i in range(3):
        powers = (6, 0) if i % 2 == 0 else (0, 6)
        assert moments.sixth[i] == pytest.approx(15.0 * gain**3 * radial(*(6 * [i])) * phase(*powers), rel=1e-8)
        for j in range(3):
            even = 2 * ((i % 2 == 0) + (j % 2 == 0))
            expected = 3.0 * gain**2 * radial(i, i, j, j) * phase(even, 4 - even)
            assert moments.fourth[i, j] == pytest.approx(expected, rel=1e-8)


def step_coefficient(ell: int, edge: float) -> float:
    """Integral of a step at `edge` against P_ell."""
    if ell == 0:
        return 2.0 * np.pi * (1.0 - edge)
    p = special.eval_legendre([ell - 1, ell + 1], edge)
    return float(2.0 * np.pi * (p[0] - p[1]) / (2 * ell + 1))


def test_moments_of_a_step_with_bias_are_means_over_a_students_t() -> None:
    # the edge is at -b / r, and b / r is a multiple of Student's t with 3 degrees of freedom
    b = 0.2
    network = Network(Step(), 1, b)
    moments = neuron_moments(network, 8)
    unit = np.sqrt(b / (3.0 * (1.0 - b)))
    for ell in (1, 4, 8):
        inside = integrate.quad(
            lambda t, ell=ell: step_coefficient(ell, -unit * t) ** 6 * stats.t(3).pdf(t),
            -1.0 / unit,
            1.0 / unit,
            epsrel=1e-10,
        )[0]
        assert moments.sixth[ell] == pytest.approx(15.0 * (network.gain / (4 * np.pi)) ** 3 * inside, rel=1e-8)


def test_moments_of_a_kink_away_from_zero_are_integrals_over_the_length() -> None:
    network = Network(shifted_step, 1)
    moments = neuron_moments(network, LMAX)
    scale = network.gain / (4.0 * np.pi)
    for i, j in ((1, 1), (2, 5), (24, 24)):
        fourth = chi3(
            lambda r, i=i, j=j: (
                step_coefficient(i, min(0.3 / r, 1.0)) ** 2 * step_coefficient(j, min(0.3 / r, 1.0)) ** 2
                if r > 0
                else 0.0
            ),
            *(0.3, 0.4, 1.0),
        )
        assert moments.fourth[i, j] == pytest.approx(3.0 * scale**2 * fourth, rel=1e-8)


def test_moments_of_a_kink_away_from_zero_with_bias_are_integrals_over_its_angle() -> None:
    # in place of the bias the cosine of the edge, c = (0.3 - b) / r with db = r dc: smooth inside the sphere
    b, lmax = 0.2, 6
    network = Network(shifted_step, 1, b)
    moments = neuron_moments(network, lmax)
    c, w = np.polynomial.legendre.leggauss(40)
    r, v = (np.concatenate([4.0 * k + 2.0 * (1.0 + c) for k in range(3)]), 2.0 * np.tile(w, 3))
    radial = v * np.sqrt(2.0 / np.pi) * r**2 * np.exp(-0.5 * r**2 / (1.0 - b)) / (1.0 - b) ** 1.5
    density = w * (stats.norm(0.3, np.sqrt(b)).pdf(np.outer(c, r)) @ (radial * r))
    scale = network.gain / (4.0 * np.pi)
    for i in range(1, lmax + 1):
        edge = np.array([step_coefficient(i, float(x)) for x in c])
        assert moments.sixth[i] == pytest.approx(15.0 * scale**3 * (density @ edge**6), rel=1e-8)
        other = np.array([step_coefficient(1, float(x)) for x in c])
        assert moments.fourth[1, i] == pytest.approx(3.0 * scale**2 * (density @ (edge * other) ** 2), rel=1e-8)


def test_moments_are_computed_once_and_cannot_be_changed() -> None:
    moments = neuron_moments(Network(Tanh(), 1), 4)
    assert neuron_moments(Network(Tanh(), 1), 4) is moments
    for array in moments:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_networks_without_known_moments_are_refused() -> None:
    for depth in (0, 2):
        with pytest.raises(ValueError, match=f"depth = {depth}: .* one hidden layer; give Network.activation, 1., or"):
            neuron_moments(Network(ReLU(), depth), 4)
    with pytest.raises(ValueError, match=r"grows too fast: the sixth moment of a neuron must exist.*rescale"):
        neuron_moments(Network(Exp(2.2), 1), 2)
