import numpy as np
import pytest
from catalogue import FINITE, label

from sphfield.learning.derivatives import derivative, differences
from sphfield.networks.activations import Sign, Softsign, Step, Tanh
from sphfield.networks.hermite import dual_of
from sphfield.networks.initialisation import Scaled
from sphfield.networks.kinks import panels
from sphfield.networks.network import Network

Z = np.linspace(-4.0, 4.0, 1000) + 1e-4  # 0, where most kinks are, lies between two of them


@pytest.mark.parametrize("sigma", FINITE, ids=label)
def test_derivatives_are_the_limits_of_differences(sigma):
    # h^8 / 630 of the ninth derivative, in the middle, or h^8 / 9 at a kink, with h = 0.02; and rounding over h
    rate = 4.0 if repr(sigma) == "Erf(a=4)" else max(1.0, getattr(sigma, "a", 1.0))
    scale = np.abs(sigma(Z)).max() + np.abs(derivative(sigma)(Z)).max()
    # ninth derivative: of tanh(z) 8e3, of exp(-z^2 / 2) 2e4; of |z| / (1 + |z|) 9!, and its kink is of order 2
    ninth = 70 * 4e5 if sigma == Softsign() else 3e4 * rate**9
    np.testing.assert_allclose(
        derivative(sigma)(Z), differences(sigma, Z), rtol=0, atol=0.02**8 / 630 * ninth + 1e-12 * scale
    )


@pytest.mark.parametrize("sigma", FINITE, ids=label)
def test_the_mean_square_of_the_derivative_is_the_slope_of_the_dual_kernel(sigma):
    # E[sigma'(Z)^2]: the quadrature of `panels` is exact to 1e-14 beside kinks, which lie at their ends
    z, w = panels(tuple(place for place, _, _ in dual_of(sigma).kinks))
    with np.errstate(over="ignore"):
        squares = derivative(sigma)(z.ravel()).reshape(z.shape) ** 2
    mean = np.sum(w * np.exp(-0.5 * z * z) * squares) / np.sqrt(2 * np.pi)
    known = Network(sigma, 1).slope * Network(sigma, 1).activation_variance
    assert mean == pytest.approx(known, rel=1e-9)


def test_a_function_of_the_users_is_differentiated_on_the_right_side_of_its_kinks():
    def hinge(z):
        return np.where(z > 0.3, (z - 0.3) * np.exp(-z), 0.1 * np.minimum(z + 1.0, 0.0) ** 2)

    z = np.array([-3.0, -1.0 - 1e-9, -1.0 + 1e-9, 0.29, 0.3 - 1e-9, 0.3 + 1e-9, 0.35, 2.0])
    exact = np.where(z > 0.3, (1.3 - z) * np.exp(-z), 0.2 * np.minimum(z + 1.0, 0.0))
    np.testing.assert_allclose(differences(hinge, z), exact, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(derivative(hinge)(z), differences(hinge, z))


def test_an_activation_may_know_its_derivative():
    class Square:
        def __call__(self, z):
            return z * z

        def derivative(self, z):
            return 2 * z

    assert derivative(Square())(3.0) == 6.0
    np.testing.assert_allclose(derivative(Scaled(Tanh(), 2.0))(Z), 2 / np.cosh(2 * Z) ** 2, rtol=0, atol=1e-15)


@pytest.mark.parametrize("sigma", [Step(), Sign()], ids=label)
def test_activations_that_jump_have_no_gradient(sigma):
    with pytest.raises(ValueError, match="jumps: its derivative does not say where"):
        derivative(sigma)(Z)
