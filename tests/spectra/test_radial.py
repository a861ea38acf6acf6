import json
from pathlib import Path

import numpy as np
import pytest

from sphfield.networks.activations import ELU, GELU, SELU, Mish, ReLU, RePU, Sigmoid, SiLU, Softplus, Step, Tanh
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.radial import by_radius

CERTIFIED = json.loads((Path(__file__).parent / "certified.json").read_text())


@pytest.mark.parametrize(
    ("name", "sigma"),
    [
        ("relu", ReLU()),
        ("step", Step()),
        ("repu:3", RePU(3)),
        ("elu", ELU()),
        ("selu", SELU()),
        ("gelu", GELU()),
        ("tanh", Tanh()),
        ("sigmoid", Sigmoid()),
        ("silu", SiLU()),
        ("softplus", Softplus()),
    ],
)
def test_the_stated_error_holds_against_certified_values(name, sigma):
    exact = {int(ell): float(text) for ell, text in CERTIFIED[f"{name}_L1"].items() if int(ell) <= 1001}
    found = by_radius(NNGP(Network(sigma, 1)), 1001)
    known = [ell for ell, value in exact.items() if value and np.isfinite(found.error[ell])]
    assert len(known) > 3
    for ell in known:
        assert abs(np.exp(found.log_cl[ell]) / exact[ell] - 1) <= found.error[ell]


def test_it_reaches_twice_the_decades_of_quadrature():
    # the integral has an absolute error of 1e-16, C_ell = 1e-25 its square root 3e-13
    found = by_radius(NNGP(Network(ELU(), 1)), 1000)
    assert np.exp(found.log_cl[1000]) < 1e-24
    assert found.error[1000] < 0.1


@pytest.mark.parametrize("sigma", [Mish(), np.arctan, lambda z: np.where(z > 0, z, np.tanh(z) / 5)])
def test_any_function_has_a_spectrum_that_sums_to_one(sigma):
    found = by_radius(NNGP(Network(sigma, 1)), 400)
    ell = np.arange(401)
    law = (2 * ell + 1) * np.exp(found.log_cl) / (4 * np.pi)
    # of a kink of order 1 what lies beyond is of order 1 / ell^3
    assert law.sum() == pytest.approx(1.0, abs=2e-8)


def test_other_kernels_have_no_radial_formula():
    assert by_radius(NNGP(Network(Tanh(), 2)), 5) is None
    assert by_radius(NNGP(Network(Tanh(), 1, 0.1)), 5) is None
    assert by_radius(np.exp, 5) is None


def test_kinks_away_from_zero_cost_accuracy_and_it_says_so():
    # where a kink at z passes the angle z / r the integrand turns ell times as r grows: too fast for the nodes
    found = by_radius(NNGP(Network(lambda z: np.clip(z, -1.0, 0.5), 1)), 300)
    finer = by_radius(NNGP(Network(lambda z: np.clip(z, -1.0, 0.5), 1)), 60)
    assert found.error[20] < 1e-8
    both = np.isfinite(found.error[:61]) & np.isfinite(finer.error)
    apart = np.abs(np.expm1(found.log_cl[:61] - finer.log_cl))[both]
    assert (apart <= (found.error[:61] + finer.error)[both]).all()
