import numpy as np
import pytest

from sphfield.exhibits.tangent_kernels import KernelValues, initialisation, values_of
from sphfield.learning.tangent import Scales, empirical_ntk
from sphfield.networks.activations import GELU, Erf, Gaussian, ReLU, Sine, Tanh
from sphfield.networks.initialisation import Initialisation
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.kernel_series import DeepKernel

GIVEN = [
    Initialisation(0.8, 0.6, 1.1, 0.3),
    Initialisation(3**-0.5, 3**-0.5, 1.0, 0.0),
    Initialisation(1.0, 0.0, 1.2, 0.5),
]


@pytest.mark.parametrize("init", GIVEN)
@pytest.mark.parametrize("sigma", [Tanh(), GELU(), Gaussian(2.0), Erf(1.0), ReLU()])
@pytest.mark.parametrize("tangent", [True, False])
def test_values_are_those_of_the_power_series(init, sigma, tangent):
    kernel = DeepKernel(sigma, 2, init, tangent)
    values, series = KernelValues(kernel), kernel.series(400)
    u = np.linspace(-0.8, 0.8, 9)
    # what is left out of the series, and of an activation known by its values
    bound = series.bound(0.8) + values.error + 1e-13
    np.testing.assert_allclose(values(u), series(u), rtol=0.0, atol=float(bound))
    assert float(values(1.0)) == pytest.approx(kernel.at_one, rel=1e-14)


def test_the_papers_convention_is_that_of_the_series():
    kernel = DeepKernel(Gaussian(1.0), 2, initialisation(Gaussian(1.0), gamma_b=0.6, sigma_w=1.0), True, "paper")
    u = np.linspace(-1.0, 1.0, 9)
    np.testing.assert_allclose(KernelValues(kernel)(u), kernel.series(400)(u), rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("kernel", [NTK, NNGP])
def test_kernels_of_unit_variance_keep_all_that_is_known_of_them(kernel):
    sigma, tangent = Tanh(), kernel is NTK
    init = initialisation(sigma, gamma_b=0.5, sigma_b=0.5)
    assert values_of(DeepKernel(sigma, 3, init, tangent)) == kernel(Network(sigma, 3, 0.25))
    assert isinstance(values_of(DeepKernel(sigma, 3, initialisation(sigma, sigma_b=0.5), tangent)), KernelValues)


def test_random_networks_tend_to_the_kernel():
    init = Initialisation(0.7, 0.4, 1.1, 0.3)
    x = np.eye(3)
    drawn = empirical_ntk(Network(Tanh(), 1), 40_000, x, np.random.default_rng(0), scales=Scales(0.7, 0.4, 1.1, 0.3))
    values = values_of(DeepKernel(Tanh(), 1, init))(x)
    # a mean over 40 000 units whose standard deviation is below 1: six standard errors
    np.testing.assert_allclose(drawn, values, atol=6.0 / 200.0)


def test_the_spectrum_of_an_odd_kernel_has_exact_zeros():
    s = angular_spectrum(KernelValues(DeepKernel(Sine(1.0), 1, Initialisation(0.9, 0.0, 1.0, 0.0))), 9)
    assert (s.cl[::2] == 0.0).all()
    assert (s.error[::2] == 0.0).all()
    assert (s.cl[1::2] > 0.0).all()


def test_what_is_not_given_keeps_the_variance():
    for init in (initialisation(ReLU(), gamma_b=0.6, sigma_w=1.0), initialisation(ReLU(), sigma_b=0.4)):
        assert init.variances(ReLU(), 3) == (1.0, 1.0, 1.0, 1.0)
    critical = initialisation(Tanh(), gamma_b=0.3, critical=True)
    network = DeepKernel(Tanh(), 1, critical).layers[0]
    assert network.slope == pytest.approx(1.0, rel=1e-12)
    assert initialisation(ReLU(), gamma_w=2.0, gamma_b=3.0, sigma_w=0.1, sigma_b=5.0) == Initialisation(2, 3, 0.1, 5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"critical": True, "sigma_b": 0.1}, "edge of chaos fixes sigma_w and sigma_b"),
        ({"sigma_b": 1.5}, "sigma_b = 1.5 leaves no variance"),
        ({"gamma_b": 1.0}, "gamma_b = 1.0 leaves no variance"),
        ({"sigma_w": 9.0}, "use sigma_w <= 1.41"),
    ],
)
def test_what_leaves_no_variance_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        initialisation(ReLU(), **given)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("tangent", [True, False])
def test_values_and_series_follow_the_same_convention(depth, tangent):
    kernel = DeepKernel(ReLU(), depth, Initialisation(0.75**0.5, 0.5, 1.5**0.5, 0.5), tangent, "paper")
    series = kernel.series(400)
    assert abs(values_of(kernel)(0.3) - series(0.3)) <= series.bound(0.3) + 1e-12
