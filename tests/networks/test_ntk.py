import numpy as np
import pytest
from catalogue import SERIES, label

from sphfield.networks.activations import (
    ELU,
    GELU,
    SELU,
    Abs,
    Gaussian,
    LeakyReLU,
    ReLU,
    RePU,
    Sigmoid,
    Sine,
    Softsign,
    Step,
    Tanh,
)
from sphfield.networks.hermite import dual_of
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.quadrature import legendre_by_quadrature


@pytest.mark.parametrize(
    ("u", "depth", "value"),
    [(-1.0, 2, 0.31830988618379067), (0.0, 3, 1.060388106802583), (0.5, 5, 2.4628931324580213), (1.0, 10, 11.0)],
)
def test_deep_relu_tangent_kernels_agree_with_published_recursions(u, depth, value):
    assert NTK(Network(ReLU(), depth))(u) == pytest.approx(value, abs=2e-15)


def test_reference_angles(reference):
    for u, depths in reference("angles")["deep_relu"].items():
        for depth, values in depths.items():
            network = Network(ReLU(), int(depth))
            assert NTK(network)(float(u)) == pytest.approx(float(values["ntk"]), abs=2e-15)
            assert NTK(network, normalised=True)(float(u)) == pytest.approx(float(values["ntk_norm"]), abs=1e-15)


def test_reference_spectra(reference):
    for depth in (1, 3):
        s = angular_spectrum(NTK(Network(ReLU(), depth)), 501)
        for ell, text in reference("spectra")["kernels"][f"ntk_relu_L{depth}"]["C_l"].items():
            n = int(ell)
            if n > 501:
                continue
            if text == "0":
                assert s.cl[n] == s.error[n] == 0.0
            else:
                assert abs(s.cl[n] / float(text) - 1) <= 3 * s.error[n]


@pytest.mark.parametrize("sigma", [s for s in SERIES if hasattr(s, "dual_coefficients")], ids=label)
@pytest.mark.parametrize("convention", ["exact", "paper"])
def test_the_power_series_sums_to_the_tangent_kernel(sigma, convention):
    if Network(sigma, 1).slope == np.inf:
        pytest.skip("no tangent kernel")
    kernel = NTK(Network(sigma, 3, 0.15), convention=convention)
    b, rest = kernel.coefficients(500)
    assert (b >= 0).all()
    u = np.linspace(-0.6, 0.6, 13)
    left_out = rest if dual_of(sigma).kinks else 2e-14 * kernel.at_one
    series = (b * u[:, None] ** np.arange(b.size)).sum(axis=1)
    np.testing.assert_allclose(series, kernel(u), rtol=0, atol=2 * left_out + 1e-13 * kernel.at_one)


def test_the_two_conventions_for_biases_differ_in_the_first_layer_only():
    u = np.linspace(-1, 1, 9)
    plain = Network(Tanh(), 4)
    np.testing.assert_array_equal(NTK(plain)(u), NTK(plain, convention="paper")(u))
    biased = Network(Tanh(), 1, 0.3)
    np.testing.assert_allclose(
        NTK(biased, convention="paper")(u),
        biased.layer(u) + (0.7 * u + 0.3) * biased.layer_slope(u),
        rtol=1e-13,
        atol=1e-15,
    )
    at = 0.7 * u + 0.3
    np.testing.assert_allclose(NTK(biased)(u), biased.layer(at) + at * biased.layer_slope(at), rtol=1e-13, atol=1e-15)


def test_deep_low_disorder_tangent_kernels_keep_their_digits():
    # Theta_L - Theta_L(1) ~ q^(L-1) is far below the resolution of Theta itself at depth 200
    deep, deeper = (NTK(Network(Sigmoid(), depth)).complement(0.5) for depth in (60, 61))
    slope = Network(Sigmoid(), 1).slope
    # the factor L of the leading term: q (L + 1 + c) / (L + c)
    assert deeper / deep == pytest.approx(slope, rel=0.03)
    assert deep < 1e-40


def test_what_has_no_tangent_kernel_is_refused():
    with pytest.raises(ValueError, match="is infinite: the activation jumps"):
        NTK(Network(Step(), 2))
    with pytest.raises(ValueError, match="convention = 'mine'"):
        NTK(Network(GELU(), 2), convention="mine")


@pytest.mark.parametrize("convention", ["exact", "paper"])
@pytest.mark.parametrize(("depth", "bias"), [(0, 0.2), (1, 0.0), (3, 0.0), (3, 0.3)])
def test_the_slope_at_one_is_the_derivative(depth, bias, convention):
    kernel = NTK(Network(GELU(), depth, bias), convention=convention)
    h = 1e-5
    # one-sided differences of third order: h^3 times the fourth derivative, below 1e4, is left
    t = h * np.arange(1.0, 4.0)
    slope = (18 * kernel.complement(t[0]) - 9 * kernel.complement(t[1]) + 2 * kernel.complement(t[2])) / (6 * h)
    assert kernel.slope_at_one == pytest.approx(float(slope), rel=1e-8)
    assert NTK(Network(ReLU(), 2)).slope_at_one == np.inf


@pytest.mark.parametrize("sigma", [GELU(), ReLU(), RePU(2), Gaussian(2.0), LeakyReLU(0.3), Abs(), Sine(1.0)], ids=repr)
@pytest.mark.parametrize("convention", ["exact", "paper"])
@pytest.mark.parametrize(("depth", "bias"), [(1, 0.3), (3, 0.3)])
def test_tangent_kernels_with_biases_are_continued(sigma, convention, depth, bias):
    kernel = NTK(Network(sigma, depth, bias), convention=convention)
    contour = angular_spectrum(kernel, 60, method="contour")
    known, bound = legendre_by_quadrature(kernel, 60)
    error = np.where(np.isfinite(contour.error), contour.error, 0.0)
    assert (np.abs(contour.cl - known) <= 2 * bound + (3 * error + kernel.rounding) * contour.cl).all()
    assert contour.error[:30].max() < 1e-10


@pytest.mark.parametrize("sigma", [ELU(), SELU(), Softsign()], ids=repr)
def test_tangent_kernels_without_closed_form_do_not_jump_at_the_south_pole(sigma):
    theta = NTK(Network(sigma, 3))
    assert theta(-1.0) == pytest.approx(theta(-1.0 + 1e-12), rel=1e-9)
