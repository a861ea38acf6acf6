import math

import numpy as np
import pytest
from catalogue import SMOOTH, label
from scipy import special

from sphfield.networks.activations import (
    ELU,
    GELU,
    SELU,
    Erf,
    Gaussian,
    Hermite,
    ReLU,
    RePU,
    SiLU,
    Sine,
    Softsign,
    Tanh,
)
from sphfield.networks.network import Network
from sphfield.spectra.poincare import known_off_axis, poincare

HIGH = [sigma for sigma in SMOOTH if Network(sigma, 1).slope > 1.0 + 1e-9]


def points(samples):
    return np.exp(samples.first + samples.step * np.arange(len(samples.values)) + 1j * samples.angle)


@pytest.mark.parametrize("angle", [0.0, 0.7, 1.4])
@pytest.mark.parametrize("a", [2.6, 4.0, 50.0])
def test_gaussian_activations_have_a_closed_form(a, angle):
    # kappa(u)^-2 is linear in u^2: P(t) = 1 - ((1 + 2t/(q-1)) / (1 + 2qt/(q-1)))^(1/2)
    samples = poincare(Network(Gaussian(a), 1), 0.1, angle)
    q, t = a * a / (1.0 + 2.0 * a), points(samples)
    drop = 2.0 * t / (1.0 + 2.0 * q * t / (q - 1.0))
    exact = drop / (1.0 + np.sqrt(1.0 - drop))
    # a rounding a layer, of which there are 80 / log(q)
    assert np.abs(samples.values / exact - 1.0).max() < 1e-15 * (20.0 + 80.0 / np.log(q))
    assert abs(samples.mass - (1.0 - q**-0.5)) < 1e-13


@pytest.mark.parametrize("angle", [0.0, 1.2])
@pytest.mark.parametrize("p", [2, 3, 20])
def test_powers_have_an_exponential(p, angle):
    samples = poincare(Network(Hermite(p), 1), 0.2, angle)
    exact = -special.expm1(-points(samples))
    assert np.abs(samples.values / exact - 1.0).max() < 3e-14
    assert samples.step <= 0.2
    assert samples.mass == 1.0


@pytest.mark.parametrize("sigma", HIGH, ids=label)
def test_it_starts_as_the_identity_with_the_curvature_of_a_layer(sigma):
    network = Network(sigma, 1)
    samples, (_, q, bend) = poincare(network, 0.1), network.derivatives(2)
    t, values = points(samples).real, samples.values
    # P(t) = t - kappa''(1) t^2 / 2 q (q - 1) + ...; the coefficient of t^3 is at most a few hundred here
    curved = bend / (2.0 * q * (q - 1.0))
    near = (t * curved > 1e-6) & (t * curved < 1e-5)
    assert np.abs((1.0 - values[near] / t[near]) / (t[near] * curved) - 1.0).max() < 1e-4
    assert abs(float(np.real(values[0])) / t[0] - 1.0) < 1e-15
    assert (np.diff(values) >= -1e-15).all()


def test_a_kink_of_order_one_bends_it_like_a_square_root():
    network = Network(SELU(), 1)
    samples, q = poincare(network, 0.1), network.slope
    t = points(samples).real
    # kappa(1 - t) = 1 - q t + c t^(3/2) + O(t^2): P(t) = t - c t^(3/2) / (q^(3/2) - q) + O(t^2)
    c = math.sqrt(2.0) / (3.0 * math.pi) * network.gain * SELU.kinks[0][2] ** 2
    near = (t > 1e-14) & (t < 1e-11)
    bent = (1.0 - samples.values[near] / t[near]) / np.sqrt(t[near])
    # the next term is t^(1/2) times about 1.5, 5e-6
    assert np.abs(bent / (c / (q**1.5 - q)) - 1.0).max() < 2e-5


@pytest.mark.parametrize(
    "network",
    [Network(Tanh(), 1), Network(SiLU(), 1, 0.01), Network(ELU(), 1), Network(Softsign(), 1), Network(RePU(2), 1, 0.1)],
    ids=str,
)
def test_it_ends_at_the_fixed_point_and_satisfies_its_equation(network):
    samples = poincare(network, 0.05)
    assert abs(samples.values[-1] - samples.mass) < 1e-12
    # rows of the orbit are q apart
    rows = round(np.log(network.slope) / samples.step)
    image = network.layer_complement(samples.values[:-rows])
    assert np.abs(samples.values[rows:] - image).max() < 1e-12
    assert abs(rows * samples.step - np.log(network.slope)) < 1e-9


@pytest.mark.parametrize("sigma", [Erf(1.0), GELU()], ids=label)
def test_small_complex_arguments_keep_their_digits(sigma):
    # as difference of arcsines they would have none at t = exp(-40)
    samples = poincare(Network(sigma, 1), 0.1, 1.3)
    t = points(samples)
    near = np.abs(t) < 1e-12
    assert np.abs(samples.values[near] / t[near] - 1.0).max() < 1e-11


def test_kinks_without_a_closed_form_are_known_on_the_axis_only():
    assert not known_off_axis(Network(Softsign(), 1))
    assert known_off_axis(Network(ELU(), 1))
    assert known_off_axis(Network(Tanh(), 1))
    assert known_off_axis(Network(RePU(2), 1))


def test_other_regimes_and_the_critical_line_are_refused():
    with pytest.raises(ValueError, match="not high-disorder but sparse"):
        poincare(Network(ReLU(), 1), 0.1)
    with pytest.raises(ValueError, match="so close to 1"):
        poincare(Network(Sine(0.1), 1), 0.1)
