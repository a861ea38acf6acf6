import numpy as np
import pytest

from sphfield.networks.activations import CosSin, ReLU
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.contour import Block, block, bottoms, complex_path, doubling, integrand, joined, panels


def test_a_value_below_its_own_error_is_no_digit():
    part = Block(0, 2, np.array([2.0, 1e-9, -1e-3]), np.array([1e-9, 1e-8, 1e-9]), 0.5, np.log(0.5))
    found = joined([part], 2)
    assert found.error[0] == pytest.approx(5e-10)
    assert found.log_cl[0] == pytest.approx(np.log(2.0) + np.log(0.5))
    assert np.isinf(found.error[1:]).all()
    assert (found.log_cl[1:] == -np.inf).all()
    assert found.beyond == pytest.approx(0.5 * 0.5**3 / (4 * np.pi))


def test_panels_integrate_what_turns_as_often_as_asked():
    x, w = panels(doubling(1e-6, 2.0), 400, 16)
    assert np.sum(w) == pytest.approx(2.0, rel=1e-14)
    assert np.sum(w * np.cos(400 * x)) == pytest.approx(np.sin(800.0) / 400, abs=1e-12)
    assert np.sum(w * x**-0.5) == pytest.approx(2 * np.sqrt(2.0), rel=1e-4)  # the first panel resolves 1e-6 only


@pytest.mark.parametrize("bias", [0.0, 1e-4, 0.3, 0.99])
def test_the_half_paths_meet_where_u_is_imaginary(bias):
    kernel = NNGP(Network(ReLU(), 1, bias))
    (north, w_north), (south, w_south) = bottoms(kernel, 0.3, 0.1, 20, 16)
    for phi, weight, sign in ((north, w_north, 1), (south, w_south, -1)):
        end = weight.sum()
        assert phi.max() < end
        # u = (sign cosh(height + i phi) - bias) / (1 - bias)
        assert sign * (np.cosh(0.3) * np.cos(end)) == pytest.approx(bias, abs=1e-12)


@pytest.mark.parametrize("bias", [0.0, 0.25])
@pytest.mark.parametrize("height", [0.2, 0.7, 1.5])
def test_the_path_does_not_matter(bias, height):
    # an entire kernel: any vertical line will do
    kernel = NNGP(Network(CosSin(1.0), 2, bias))
    paths = [complex_path(height + 1j * phi, 1j * w) for phi, w in bottoms(kernel, height, 0.1, 10, 24)]
    part = block(integrand(kernel, *paths), 0, 8)
    cl = part.value * np.exp((np.arange(9) + 1.0) * part.log_fall)
    u, w = np.polynomial.legendre.leggauss(60)
    exact = [2 * np.pi * np.sum(w * kernel(u) * np.polynomial.legendre.Legendre.basis(ell)(u)) for ell in range(9)]
    np.testing.assert_allclose(cl, exact, atol=3e-14)
