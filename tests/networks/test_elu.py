import numpy as np
import pytest

from sphfield.networks.activations import ELU, SELU, ReLU, Tanh
from sphfield.networks.elu import continued
from sphfield.networks.hermite import dual_of
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network


@pytest.mark.parametrize("sigma", [ELU(1.0), ELU(0.5), ELU(2.0), SELU()], ids=repr)
def test_two_independent_ways_to_the_kernel_agree(sigma):
    # one integrates the second derivative, the other the definition in polar coordinates
    t = np.array([1e-12, 1e-6, 1e-3, 0.1, 0.5, 1.0, 1.5, 1.9])
    kernel = dual_of(sigma)
    np.testing.assert_allclose(sigma.dual_continue(t).real, kernel.dual_complement(t), rtol=2 * kernel.relative_error)
    assert np.abs(sigma.dual_continue(t).imag).max() < 1e-15


def test_alpha_zero_is_the_relu():
    t = np.array([0.2 + 0.5j, 1.0 - 1.0j, -0.3 + 0.1j, 1e-5])
    np.testing.assert_allclose(continued(0.0, t), ReLU().dual_complement(t), rtol=1e-13)


@pytest.mark.parametrize("depth", [1, 3])
def test_the_continuation_is_analytic(depth):
    # Cauchy-Riemann: differences along and across the real axis agree to the h^2 of the difference
    kernel = NNGP(Network(ELU(), depth))
    t, h = np.array([0.3 + 0.4j, 1.0 + 0.8j, 1.7 - 0.3j]), 1e-4
    along = (kernel.continue_t(t + h) - kernel.continue_t(t - h)) / (2 * h)
    across = (kernel.continue_t(t + 1j * h) - kernel.continue_t(t - 1j * h)) / (2j * h)
    np.testing.assert_allclose(along, across, rtol=1e-6)


def test_a_series_has_no_continuation():
    with pytest.raises(ValueError, match="no known continuation"):
        NNGP(Network(Tanh(), 1)).continue_t(1j)


@pytest.mark.parametrize("alpha", [1.0, 0.5, 1.6732632423543772])
def test_the_kernel_is_continued_to_rounding_all_along_the_line(alpha):
    kernel = NNGP(Network(ELU(alpha), 1))
    t = np.concatenate([np.geomspace(1e-12, 1.0, 30), 2.0 - np.geomspace(1e-12, 1.0, 30)])
    # the kernel on the real line is right to 1e-12 of itself
    np.testing.assert_allclose(kernel.continue_t(t), kernel.complement(t), rtol=3e-12)


def test_the_discontinuity_over_both_cuts_keeps_its_digits():
    # the first singular term is c t^(5/2) with c (3/2) (5/2) = -sqrt(2) / 2 pi E[sigma^2], see docs/theory
    kernel = NNGP(Network(ELU(), 1))
    size = np.sqrt(2.0) / (2.0 * np.pi) * (4.0 / 15.0) / kernel.network.activation_variance
    for eta in (1e-3, 1e-5):
        t = np.array([-2.0 * np.sinh(0.5 * eta) ** 2 - 1e-300j])
        leading = size * (0.5 * eta * eta) ** 2.5
        for value in (kernel.rise(t)[0].imag, kernel.rise_south(t)[0].imag):
            assert abs(value) == pytest.approx(leading, rel=3 * eta)
