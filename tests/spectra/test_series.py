import json
from dataclasses import dataclass
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import Hermite
from sphfield.networks.hermite import log_cosech_coefficients
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.networks.series import composition_cost, iterated, tilt, tilted, untilted
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.series import by_series, legendre_from_powers, log_legendre_from_powers

EPS = 2.3e-16
CERTIFIED = json.loads((Path(__file__).parent / "certified.json").read_text())


@dataclass(frozen=True)
class Cosech:
    """Kernel of tanh (rate pi/2) or the sigmoid (rate pi) at any depth, known by its coefficients only."""

    rate: float
    depth: int
    most: int = 1 << 20
    constant: float = 0.0

    def log_coefficients(self, n):
        n = min(n, self.most)
        layer = log_cosech_coefficients(2 * n, self.rate).copy()
        if self.constant:
            layer[0] = np.log(self.constant)
        layer -= np.log(np.sum(np.exp(layer)))
        rate = tilt(layer)
        logs = layer[:n]
        if self.depth > 1:
            logs = untilted(iterated(tilted(layer, rate), np.array([0.0, 1.0]), self.depth, n), rate)
        return logs, max(0.0, 1.0 - float(np.exp(logs).sum()))

    def series_cost(self, n):
        return composition_cost(n, self.depth, constant=self.constant > 0.0, parity=True) if n <= self.most else np.inf

    @property
    def series_rounding(self):
        return 2.0 * EPS * (self.depth - 1)


@dataclass(frozen=True)
class Powers:
    """sum_p b_p u^p from a function p -> log b_p."""

    logs: object
    rest: float = 0.0

    def log_coefficients(self, n):
        return self.logs(np.arange(float(n))), self.rest


def exact_log_moment(p, ell):
    # int_{-1}^1 u^p P_ell du, theory C.3 doubled
    with mp.workdps(40):
        value = mp.loggamma(p + 1) + mp.log(mp.pi) / 2 - p * mp.log(2)
        return value - mp.loggamma(mp.mpf(p - ell) / 2 + 1) - mp.loggamma(mp.mpf(p + ell + 3) / 2)


@given(st.integers(0, 300), st.integers(0, 300))
def test_monomials_have_their_closed_form(p, ell):
    b = np.zeros(p + 1)
    b[p] = 1.0
    ours = legendre_from_powers(b, ell)[ell]
    if ell > p or (p - ell) % 2:
        assert ours == 0.0
        return
    with mp.workdps(30):
        exact = float(2 * mp.pi * mp.exp(exact_log_moment(p, ell)))
    # rounding of the logarithm, and one for every step from the last power of the tile down
    assert ours == pytest.approx(exact, rel=EPS * (p + 2.0 * abs(np.log(exact)) + 10))


def test_the_exponential_kernel_has_bessel_functions_for_its_spectrum():
    # exp(u - 1) = sum (2 ell + 1) i_ell(1) P_ell / e
    p = np.arange(171.0)
    b = np.exp(-1.0) / np.cumprod(np.maximum(p, 1.0))
    ell = (0, 1, 2, 10, 50, 100)
    with mp.workdps(30):
        exact = [float(4 * mp.pi * mp.e**-1 * mp.sqrt(mp.pi / 2) * mp.besseli(d + mp.mpf(1) / 2, 1)) for d in ell]
    np.testing.assert_allclose(legendre_from_powers(b, 100)[list(ell)], exact, rtol=2e-14)


@pytest.mark.parametrize("x", [0.2, 0.9, 0.999])
def test_a_geometric_series_has_functions_of_the_second_kind_for_its_spectrum(x):
    # 1 / (1 - x u) = sum (2 ell + 1) Q_ell(1/x) P_ell / x
    logs = np.arange(150_000) * np.log(x)
    ell = np.array([0, 1, 7, 100, 1001, 3000])
    with mp.workdps(30):
        z = 1 / mp.mpf(x)
        zeta = mp.acosh(z)
        exact = np.empty(ell.size)
        for i, d in enumerate(map(int, ell)):
            ratio = mp.hyp2f1(mp.mpf(1) / 2, d + 1, d + mp.mpf(3) / 2, mp.exp(-2 * zeta))
            value = mp.log(mp.pi) / 2 + mp.loggamma(d + 1) - mp.loggamma(d + mp.mpf(3) / 2) - (d + 1) * zeta
            exact[i] = float(value + mp.log(ratio * 4 * mp.pi / mp.mpf(x)))
    # one rounding a step, at random; log x counts p times, about ell / sqrt(1 - x^2)
    tolerance = EPS * (32.0 + 0.5 * logs.size**0.5 + 4.0 * np.abs(exact) + ell / np.sqrt(1.0 - x * x))
    assert (np.abs(log_legendre_from_powers(logs, ell) - exact) < tolerance).all()


def test_zeros_among_the_coefficients_leave_the_others_alone():
    # two monomials and nothing else, far apart in power and in size
    logs = np.full(5001, -np.inf)
    logs[3], logs[5000] = -1.0, -3000.0
    ours = log_legendre_from_powers(logs, np.arange(101))
    for ell in (0, 2, 50, 100):
        assert ours[ell] == pytest.approx(np.log(2 * np.pi) - 3000.0 + float(exact_log_moment(5000, ell)), abs=1e-11)
    assert ours[3] == pytest.approx(np.log(2 * np.pi) - 1.0 + float(exact_log_moment(3, 3)), abs=1e-14)
    assert (ours[5:101:2] == -np.inf).all()


def test_a_small_share_from_much_lower_powers_is_not_missed():
    large, small = (float(exact_log_moment(p, 50)) for p in (5000, 100))
    logs = np.full(5001, -np.inf)
    logs[5000], logs[100] = 0.0, large - small + np.log(1e-9)
    alone = np.where(np.arange(5001) == 5000, 0.0, -np.inf)
    for share, b in ((1e-9, logs), (0.0, alone)):
        assert log_legendre_from_powers(b, np.array([50]))[0] == pytest.approx(
            np.log(2 * np.pi) + large + share, abs=2e-13
        )


@pytest.mark.parametrize(("name", "rate", "constant"), [("tanh", np.pi / 2, 0.0), ("sigmoid", np.pi, 0.25)])
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_deep_kernels_agree_with_ball_arithmetic_within_the_stated_error(name, rate, constant, depth):
    found = by_series(Cosech(rate, depth, constant=constant), 1001)
    assert (found.error[1::2] < 2e-11).all()
    for ell, digits in CERTIFIED[f"{name}_L{depth}"].items():
        if float(digits) > 0.0 and int(ell) <= 1001:
            with mp.workdps(30):
                off = float(abs(mp.exp(mp.mpf(float(found.log_cl[int(ell)]))) / mp.mpf(digits) - 1))
            assert off < found.error[int(ell)]


@pytest.mark.parametrize("kernel", [Cosech(np.pi / 2, 1), Cosech(np.pi / 2, 8), Cosech(np.pi, 3, constant=0.25)])
@pytest.mark.parametrize("most", [1024, 2000])
def test_what_the_powers_leave_out_is_stated_neither_too_small_nor_idly(kernel, most):
    full = by_series(kernel, 900)
    cut = by_series(Cosech(kernel.rate, kernel.depth, most, kernel.constant), 900)
    missing = np.flatnonzero((cut.error > 1e-9) & np.isfinite(cut.error))
    assert missing.size > 50
    ratio = np.expm1(full.log_cl[missing] - cut.log_cl[missing]) / cut.error[missing]
    # four times an estimate that is right to 10 %
    assert 0.2 < ratio.min() < ratio.max() < 0.3
    lost = np.flatnonzero(np.isinf(cut.error) & np.isfinite(full.error))
    assert lost.size > 0
    assert (cut.log_cl[lost] == -np.inf).all()


def test_coefficients_that_fall_too_slowly_are_bounded_by_their_missing_sum():
    # ReLU: C_ell = 6 pi (int_0^1 t P_ell)^2; its coefficients fall like p^-5/2, 262 144 of them miss 1e-9
    def logs(p):
        even = np.cumprod(np.concatenate([[1.0 / np.pi], ((p[:-2:2] - 1) ** 2 / ((p[:-2:2] + 1) * (p[:-2:2] + 2)))]))
        out = np.full(p.size, -np.inf)
        out[::2], out[1] = np.log(even[: out[::2].size]), np.log(0.5)
        return out

    class Slow:
        def log_coefficients(self, n):
            known = logs(np.arange(float(n)))
            return known, 1.0 - np.exp(known).sum()

    found = by_series(Slow(), 100)
    for ell in (2, 10, 30, 100):
        with mp.workdps(30):
            half = mp.sqrt(mp.pi) / (4 * mp.gamma(mp.mpf(3 - ell) / 2) * mp.gamma(mp.mpf(ell + 4) / 2))
            off = float(abs(mp.exp(mp.mpf(float(found.log_cl[ell]))) / (6 * mp.pi * half**2) - 1))
        assert off < found.error[ell] < 1e-3


def test_a_polynomial_ends_with_its_degree():
    found = by_series(Powers(lambda p: np.where(p == 3, 0.0, -np.inf)), 5)
    np.testing.assert_allclose(np.exp(found.log_cl), [0, 0.8 * np.pi, 0, 0.8 * np.pi / 3.5, 0, 0], rtol=1e-14)
    assert (found.error[[1, 3]] < 2e-14).all()


@pytest.mark.parametrize(("depth", "lmax"), [(1, 20), (2, 20), (2, 0), (6, 50)])
def test_what_lies_beyond_lmax_is_the_variance_that_is_missing(depth, lmax):
    kernel = Cosech(np.pi / 2, depth)
    found = by_series(kernel, lmax)
    wide = by_series(kernel, 400)
    ell = np.arange(lmax + 1, 401)
    assert found.beyond == pytest.approx(
        np.sum((2 * ell + 1) * np.exp(wide.log_cl[lmax + 1 :])) / (4 * np.pi), rel=1e-12
    )


def test_beyond_the_reach_of_the_powers_the_variance_left_is_bounded_or_not_stated():
    full = by_series(Cosech(np.pi / 2, 8), 400)
    assert full.beyond <= by_series(Cosech(np.pi / 2, 8, 1024), 400).beyond < EPS
    assert np.isnan(by_series(Cosech(np.pi / 2, 20, 1024), 400).beyond)


def test_no_more_work_is_done_than_allowed():
    asked = []

    @dataclass(frozen=True)
    class Counted(Cosech):
        def log_coefficients(self, n):
            asked.append(n)
            return super().log_coefficients(n)

    kernel = Counted(np.pi / 2, 4)
    found = by_series(kernel, 3000, work=1e8)
    assert max(map(kernel.series_cost, asked)) < 1e8
    assert np.isfinite(found.error[101])
    assert np.isinf(found.error[2999])


def test_kernels_without_coefficients_are_left_to_other_routes():
    assert by_series(np.cos, 10) is None

    class Unknown:
        def log_coefficients(self, n):
            return None

    assert by_series(Unknown(), 10) is None


@pytest.mark.parametrize("dim", [2, 3, 50])
def test_a_single_high_power_is_exact(dim):
    # Hermite(3) at depth 8 is u^6561; E[X (X + d - 1)] = d p
    s = angular_spectrum(NNGP(Network(Hermite(3), 8)), 2000, dim=dim)
    assert s.law @ (s.ell * (s.ell + dim - 1)) == pytest.approx(dim * 6561, rel=1e-11)
    assert s.error.max() < 1e-11
    assert s.law.sum() == pytest.approx(1.0, abs=1e-12)
