import mpmath as mp
import numpy as np
import pytest

from sphfield.networks.activations import (
    ELU,
    GELU,
    SELU,
    Abs,
    Cosine,
    CosSin,
    Erf,
    Gaussian,
    LeakyReLU,
    ReLU,
    RePU,
    Sign,
    Sine,
    Step,
    Tanh,
)
from sphfield.networks.continuation import (
    branch_of,
    layer_continued,
    layer_slope_continued,
    layer_slope_south,
    layer_south,
)
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network

CONTINUED = [
    ReLU(),
    LeakyReLU(0.3),
    Abs(),
    Step(),
    Sign(),
    RePU(2),
    RePU(3),
    ELU(),
    ELU(0.5),
    SELU(),
    Gaussian(2.0),
    GELU(),
    Erf(1.0),
    CosSin(1.5),
    Cosine(1.0),
    Sine(1.0),
]


@pytest.mark.parametrize("sigma", CONTINUED, ids=repr)
@pytest.mark.parametrize("bias", [0.0, 0.2])
def test_north_and_south_are_one_function(sigma, bias):
    network = Network(sigma, 1, bias)
    t = np.array([0.3 - 0.2j, 1.2 - 0.7j, 0.9 - 0.01j, 1.9 - 0.4j])
    np.testing.assert_allclose(layer_south(network, t), layer_continued(network, 2.0 - t), rtol=1e-13)


@pytest.mark.parametrize("sigma", [s for s in CONTINUED if not isinstance(s, ELU | SELU | Step | Sign)], ids=repr)
def test_slopes_are_derivatives_in_the_plane(sigma):
    network = Network(sigma, 1)
    h = 1e-4
    t = np.array([0.4 - 0.3j, 1.5 - 0.2j])
    along = (layer_continued(network, t + h) - layer_continued(network, t - h)) / (2 * h)
    # kappa'(1 - t) = d/dt of 1 - kappa(1 - t); h^2 / 6 times the third derivative, of order 10, is left
    np.testing.assert_allclose(network.slope - layer_slope_continued(network, t), along, rtol=1e-6)
    np.testing.assert_allclose(layer_slope_south(network, t), layer_slope_continued(network, 2.0 - t), rtol=1e-12)


@pytest.mark.parametrize(
    ("sigma", "reach"),
    [
        (ReLU(), 0.0),
        (SELU(), 0.0),
        (Gaussian(2.0), 0.5),  # (1 + a) / a - 1
        (Erf(1.0), 0.5),  # 1 / c - 1, c = 2/3
        (GELU(), 1.0),
        (CosSin(1.0), np.inf),
        (Tanh(), None),
        (np.tanh, None),
    ],
)
def test_the_first_singularity_of_one_layer(sigma, reach):
    found = branch_of(Network(sigma, 1))
    assert found == reach if reach in (None, 0.0, np.inf) else found == pytest.approx(reach, rel=1e-15)
    assert branch_of(Network(sigma, 0)) == np.inf


@pytest.mark.parametrize("sigma", [Gaussian(2.0), Erf(1.0), GELU()], ids=repr)
def test_a_network_is_singular_where_its_first_layers_reach_the_singularity_of_the_last(sigma):
    network = Network(sigma, 3, 0.1)
    reach, t = branch_of(network), None
    t = np.array([-reach + 0j])  # in (1 - bias) u + bias
    for _ in range(2):
        t = layer_continued(network, t)
    assert -t[0].real == pytest.approx(sigma.dual_branch, rel=1e-12)


def test_what_depth_has_levelled_out_keeps_its_digits():
    # sin(z) at 60 layers: k_L(0.5) ~ 0.85^60 = 6e-5, and for odd kernels k(1 - t) itself is rise(t)
    network = Network(Sine(1.0), 60)
    found = NNGP(network).rise(np.array([0.5 + 0j]))[0].real
    with mp.workdps(40):
        u = mp.mpf("0.5")
        for _ in range(60):
            u = mp.sinh(u) / mp.sinh(1)
        assert abs(found / u - 1) < 60 * 1e-15
    # GELU levels out at u* > 0: differences of 1e-17 there
    deep = Network(GELU(), 200)
    with mp.workdps(60):
        e = mp.mpf(1) / 3 + mp.sqrt(3) / (6 * mp.pi)
        u, centre = mp.mpf("0.5"), mp.mpf(0)
        for _ in range(200):
            u, centre = (
                (x / 4 + x * mp.asin(x / 2) / (2 * mp.pi) + 1 / (2 * mp.pi * mp.sqrt(4 - x * x))) / e
                for x in (u, centre)
            )
        found = NNGP(deep).rise(np.array([0.5 + 0j]))[0].real
        assert abs(found / (u - centre) - 1) < 200 * 2e-14


def test_kernels_on_the_real_line_only_say_so():
    with pytest.raises(ValueError, match="no known continuation"):
        layer_continued(Network(Tanh(), 1), np.array([1j]))
