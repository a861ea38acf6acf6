"""Opaque callables: what is stated about them is held against the closed forms that they hide."""

import numpy as np
import pytest
from catalogue import CLOSED
from scipy import special

from sphfield.networks.activations import RePU
from sphfield.networks.hermite import HermiteDual, dual_of
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.networks.polar import PolarDual
from sphfield.spectra.angular import angular_spectrum

HIDDEN = [s for s in CLOSED if not (isinstance(s, RePU) and s.k > 3)]
U = np.linspace(-0.999, 0.999, 101)
T = np.concatenate([10.0 ** np.arange(-300, -1, 11.0), np.linspace(0.02, 2, 60)])


def hide(sigma):
    def opaque(z):
        return sigma(z)

    return opaque


def test_there_are_twenty_of_them():
    assert len(HIDDEN) >= 20


@pytest.mark.parametrize("sigma", HIDDEN, ids=repr)
def test_an_opaque_callable_comes_out_with_a_true_statement_of_accuracy(sigma):
    opaque = dual_of(hide(sigma))
    stated = max(getattr(opaque, "relative_error", 0.0), 4e-15)
    assert getattr(opaque, "error", 0.0) == 0.0
    assert stated < 1e-11
    scale = sigma.dual(1.0)
    np.testing.assert_allclose(opaque.dual(U), sigma.dual(U), rtol=0, atol=stated * scale)
    t = T[T <= 1.0] if -1 in sigma.degrees else T  # even and odd ones are evaluated there
    np.testing.assert_allclose(opaque.dual_complement(t), sigma.dual_complement(t), rtol=2 * stated)
    slopes = sigma.dual_slope(U)
    np.testing.assert_allclose(opaque.dual_slope(U), slopes, rtol=0, atol=2e-12 * max(np.abs(slopes).max(), scale))


@pytest.mark.parametrize("sigma", [s for s in HIDDEN if dual_of(s).kinks][:6], ids=repr)
@pytest.mark.parametrize("depth", [1, 3])
def test_spectra_of_opaque_callables_hold_their_stated_error(sigma, depth):
    ours = angular_spectrum(NNGP(Network(hide(sigma), depth)), 60)
    exact = angular_spectrum(NNGP(Network(sigma, depth)), 60)
    both = np.isfinite(ours.error) & np.isfinite(exact.error) & (exact.cl > 0)
    assert both.sum() >= 20
    off = np.abs(ours.cl / np.where(both, exact.cl, 1.0) - 1)[both]
    assert (off <= 3 * (ours.error + exact.error)[both]).all()


def by_definition(sigma, kinks, u):
    # E[sigma(Z) sigma(Z')] by nested Gauss rules: the inner one ends at its kinks, the outer one is graded to them
    x, w = np.polynomial.legendre.leggauss(24)

    def rule(bends):
        ends = np.unique(np.clip(np.concatenate([np.arange(-9, 9.5, 0.75), bends]), -9, 9))
        half = 0.5 * np.diff(ends)[:, None]
        nodes = (ends[:-1, None] + half * (x + 1)).ravel()
        return nodes, (half * w).ravel() * np.exp(-0.5 * nodes**2) / np.sqrt(2 * np.pi)

    z, weight = rule(kinks)
    root, inner = np.sqrt(1 - u * u), []
    for place in z:
        y, v = rule((np.array(kinks) - u * place) / root)
        inner.append(np.sum(v * sigma(u * place + root * y)))
    return float(np.sum(weight * sigma(z) * inner))


@pytest.mark.parametrize("u", [-0.9, -0.2, 0.5, 0.97])
@pytest.mark.parametrize(
    ("sigma", "kinks"),
    [
        (lambda z: np.clip(z, -1, 1), [-1.0, 1.0]),
        (lambda z: np.maximum(1 - np.abs(z), 0), [-1.0, 0.0, 1.0]),
        (lambda z: np.where(np.abs(z - 0.4) < 0.5, 1.0, 0.0), [-0.1, 0.9]),
        (lambda z: np.maximum(z - 0.3, 0) - np.maximum(z - 1.1, 0), [0.3, 1.1]),
    ],
    ids=["hard tanh", "hat", "box", "ramp"],
)
def test_several_kinks_are_resolved_together(sigma, kinks, u):
    kernel = dual_of(sigma)
    assert kernel.dual(u) == pytest.approx(by_definition(sigma, kinks, u), abs=1e-12 * kernel.dual(1.0))


def one_sided(x):
    return lambda z: np.maximum(z - x, 0.0)


@pytest.mark.parametrize("x", [0.01, 0.3, 1.0, 2.5])
def test_a_shifted_relu_has_its_slope_in_closed_form(x):
    # E[sigma'^2] = P(Z > x), E[sigma^2] = (1 + x^2) P(Z > x) - x phi(x)
    kernel = dual_of(one_sided(x))
    above, density = special.ndtr(-x), np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)
    assert kernel.kinks == ((x, 1, 1.0),)
    assert kernel.dual_slope(1.0) == pytest.approx(above, rel=1e-11)
    assert kernel.dual(1.0) == pytest.approx((1 + x * x) * above - x * density, rel=1e-13)


@pytest.mark.parametrize(
    ("sigma", "kinks"),
    [
        (lambda z: np.clip(z, -1, 1), ((-1.0, 1, 1.0), (1.0, 1, -1.0))),
        (lambda z: np.clip(z, 0, 6), ((0.0, 1, 1.0), (6.0, 1, -1.0))),
        (lambda z: np.where(z > 0.1, 1.0, 0.0), ((0.1, 0, 1.0),)),
        (lambda z: np.maximum(z - 0.7, 0) ** 2, ((0.7, 2, 2.0),)),
        (lambda z: np.maximum(z - 0.7, 0) ** 3, ((0.7, 3, 6.0),)),
        (lambda z: np.maximum(1 - np.abs(z), 0), ((-1.0, 1, 1.0), (0.0, 1, -2.0), (1.0, 1, 1.0))),
        (lambda z: np.floor(np.clip(z, -2, 2)), tuple((float(x), 0, 1.0) for x in (-1, 0, 1, 2))),
        (np.tanh, ()),
        (lambda z: np.sin(20 * z), ()),
        (lambda z: np.exp(-8 * z * z), ()),
    ],
)
def test_kinks_are_found(sigma, kinks):
    kernel = dual_of(sigma)
    assert isinstance(kernel, PolarDual if kinks else HermiteDual)
    assert len(kernel.kinks) == len(kinks)
    for found, known in zip(kernel.kinks, kinks, strict=True):
        assert found[0] == pytest.approx(known[0], abs=1e-9)
        assert found[1] == known[1]
        assert found[2] == pytest.approx(known[2], rel=1e-7)


def test_breakpoints_may_be_given():
    class Bent:
        breakpoints = (0.123456789,)

        def __call__(self, z):
            return np.maximum(z - 0.123456789, 0.0)

    assert dual_of(Bent()).kinks == ((0.123456789, 1, 1.0),)


def test_noise_is_no_activation():
    noise = np.random.default_rng(1)

    def rough(z):
        return noise.standard_normal(np.shape(z))

    with pytest.raises(ValueError, match="rough everywhere"):
        dual_of(rough)


def test_integers_and_booleans_are_numbers():
    def steps(z):
        return (z > 0).astype(np.uint8) * np.uint8(20) + np.uint8(3) * (z > 1).astype(np.uint8)

    def same(z):
        return steps(z).astype(float)

    np.testing.assert_array_equal(dual_of(steps).dual(U), dual_of(same).dual(U))
    assert dual_of(lambda z: z > 0).dual(0.0) == pytest.approx(0.25, rel=1e-14)


def test_a_constant_activation_has_a_constant_kernel():
    kernel = dual_of(lambda z: 0 * z + 2.0)
    np.testing.assert_allclose(kernel.dual(U), 4.0, rtol=1e-14)
