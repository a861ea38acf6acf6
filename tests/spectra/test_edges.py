import functools
import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import flint
import numpy as np
import pytest
from flint import arb
from scipy import special

from sphfield.networks.activations import ELU, SELU, Abs, LeakyReLU, ReLU, RePU, Sign, Step
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.edges import along_edges
from sphfield.spectra.quadrature import legendre_by_quadrature


def half_moments(k, lmax):
    """int_0^1 t^k P_ell dt for ell = 0 ... lmax, by the ratio of its gamma functions two ell apart."""
    out = np.zeros(lmax + 1)
    for start in (0, 1):
        # Gamma(k+1) sqrt(pi) / 2^(k+1) Gamma((k - ell)/2 + 1) Gamma((k + ell + 3)/2)
        first = special.gamma(k + 1) * np.sqrt(np.pi) / 2 ** (k + 1)
        first *= special.rgamma((k - start) / 2 + 1) * special.rgamma((k + start + 3) / 2)
        ell = np.arange(float(start), lmax - 1, 2)
        out[start::2] = first * np.cumprod(np.append(1.0, (k - ell) / (k + ell + 3)))
    return out


@pytest.mark.parametrize("k", [0, 1, 2, 3, 6])
def test_powers_of_relu_at_depth_one_have_their_closed_form(k):
    # homogeneous activations: C_ell = 2 pi (2k + 1) I_ell^2, normalised; derived from the radial formula
    lmax = 10_000
    sigma = RePU(k) if k else Step()
    found = along_edges(NNGP(Network(sigma, 1)), lmax)
    exact = 2 * np.pi * (2 * k + 1) * half_moments(k, lmax) ** 2
    seen = exact > 0
    # 2e-16 from every factor of the product above, of which there are ell / 2
    slack = 3 * found.error[seen] + 4e-16 * np.sqrt(np.arange(lmax + 1.0))[seen]
    assert (np.abs(np.expm1(found.log_cl[seen] - np.log(exact[seen]))) < slack).all()
    assert found.error[seen].max() < 1e-12


@pytest.mark.parametrize(
    "sigma", [ReLU(), LeakyReLU(0.7), Abs(), Step(), Sign(), RePU(2), ELU(), ELU(0.5), SELU()], ids=repr
)
@pytest.mark.parametrize(("depth", "bias"), [(1, 0.0), (2, 0.0), (3, 0.2)])
def test_the_contour_agrees_with_quadrature(sigma, depth, bias):
    kernel = NNGP(Network(sigma, depth, bias))
    known, bound = legendre_by_quadrature(kernel, 200)
    found = along_edges(kernel, 200)
    seen = ~kernel.vanishes(np.arange(201))
    cl, error = np.exp(found.log_cl), np.where(seen, found.error, 0.0)
    # the kernel on the real line of ELU and SELU is right to 1e-12 of itself only
    slack = bound + 3 * error * cl + 4 * np.pi * kernel.rounding
    assert (np.abs(cl - known)[seen] < slack[seen]).all()


@pytest.mark.parametrize("depth", [1, 3, 10])
def test_the_spectrum_of_the_relu_tangent_kernel_sums_to_its_value_at_one(depth):
    kernel = NTK(Network(ReLU(), depth))
    found = along_edges(kernel, 3000)
    ell = np.arange(3001)
    law = np.where(kernel.vanishes(ell), 0.0, (2 * ell + 1) * np.exp(found.log_cl) / (4 * np.pi))
    # the sum beyond leaves out 1e-9 of itself, see _rule
    assert law.sum() + found.beyond == pytest.approx(depth + 1.0, abs=1e-14 * depth + 1e-8 * found.beyond)


@pytest.mark.parametrize("sigma", [ReLU(), LeakyReLU(0.3), RePU(2)], ids=repr)
def test_the_variance_beyond_the_last_multipole_is_what_the_multipoles_beyond_hold(sigma):
    kernel = NNGP(Network(sigma, 2))
    short, long = along_edges(kernel, 100), along_edges(kernel, 1000)
    ell = np.arange(101, 1001)
    between = np.sum((2 * ell + 1) * np.exp(long.log_cl[101:])) / (4 * np.pi)
    assert short.beyond == pytest.approx(between + long.beyond, rel=1e-9)


@pytest.mark.parametrize("depth", [2, 3])
def test_faint_singularities_off_the_axis_are_not_enclosed(depth):
    # those of ELU, where an inner layer is 1, are of power 5/2 and change C_10 by 1e-8 only
    certified = json.loads((Path(__file__).parent / "certified.json").read_text())[f"elu_L{depth}"]
    found = along_edges(NNGP(Network(ELU(), depth)), 64)
    for ell in (10, 11):
        assert abs(np.exp(found.log_cl[ell]) / float(certified[str(ell)]) - 1) < 1e-11


def test_a_continuation_that_is_none_finds_no_path():
    relu = NNGP(Network(ReLU(), 2))
    wrong = NNGP(Network(Step(), 2))
    mixed = SimpleNamespace(
        complement=relu.complement, rise=wrong.rise, rise_south=wrong.rise_south, cri=1.5, branch=0.0
    )

    class Mixed:
        def __getattr__(self, name):
            return getattr(mixed, name)

        def __call__(self, u):
            return relu(u)

    assert along_edges(Mixed(), 20) is None


def relu(u):
    return ((1 - u * u).sqrt() + (arb.pi() - u.acos()) * u) / arb.pi()


def repu(u):
    theta, s = u.acos(), (1 - u * u).sqrt()
    return (3 * s * u + (arb.pi() - theta) * (1 + 2 * u * u)) / (3 * arb.pi())


def sign(u):
    return 2 * u.asin() / arb.pi()


def exactly(kappa, depth, bias, ells):
    """C_ell of a network with biases, Gauss-Legendre in theta graded towards both poles, at 300 bits."""
    b, out = arb(bias), [arb(0)] * len(ells)
    edges = [arb(0), *(arb.pi() / 2 * arb(2) ** (-k) for k in range(40, -1, -1))]
    for side in (1, -1):
        for first, last in itertools.pairwise(edges):
            n = 44 + int(0.8 * max(ells) * float(last - first))
            for x, weight in rule(n):
                theta = first + (last - first) * (1 + x) / 2
                u = side * theta.cos()
                v = (1 - b) * u + b
                for _ in range(depth):
                    v = (1 - b) * kappa(v) + b
                f = arb.pi() * v * theta.sin() * weight * (last - first)
                out = [total + f * u.legendre_p(ell) for total, ell in zip(out, ells, strict=True)]
    return out


@functools.cache
def rule(n):
    return [arb.legendre_p_root(n, k, weight=True) for k in range(n)]


@pytest.mark.parametrize(
    ("sigma", "kappa", "depth", "bias"),
    [
        (ReLU(), relu, 1, 1e-5),
        (ReLU(), relu, 2, 1e-3),
        (ReLU(), relu, 3, 0.5),
        (ReLU(), relu, 1, 0.99),
        (RePU(2), repu, 1, 1e-3),
        (RePU(2), repu, 2, 1e-2),
        (Sign(), sign, 2, 1e-5),
    ],
    ids=lambda value: getattr(value, "__name__", None) or repr(value),
)
def test_a_bias_moves_the_southern_singularity_and_costs_no_digits(sigma, kappa, depth, bias):
    # with a bias the kernel bends at u = -(1 + bias) / (1 - bias), within 2 bias of the pole
    ells = [0, 3, 30, 101]
    found = along_edges(NNGP(Network(sigma, depth, bias)), max(ells))
    with flint.ctx.workprec(300):
        for ell, exact in zip(ells, exactly(kappa, depth, bias, ells), strict=True):
            assert abs(float((arb(float(found.log_cl[ell])) - exact.log()).expm1())) <= 3 * found.error[ell]
            assert found.error[ell] < 1e-8
