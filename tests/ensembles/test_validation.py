"""Right samplers pass as often as they should, and each way of being wrong is refused by the test made for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import healpy
import numpy as np
import pytest
from scipy import stats

from sphfield.ensembles.ensemble import Ensemble
from sphfield.ensembles.report import Report
from sphfield.ensembles.validation import validate
from sphfield.fields.finite import FiniteNetwork
from sphfield.fields.finite_laws import draw_power
from sphfield.fields.gaussian import ExactPowerField, GaussianField, synalm
from sphfield.fields.transforms import synthesis
from sphfield.networks.activations import Gaussian, ReLU, Sine, Step, Tanh
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Activation, Array

STEEP = Spectrum(1.0 / np.arange(1.0, 26.0) ** 3)


def neural(sigma: Activation, depth: int, lmax: int = 48) -> Spectrum:
    return angular_spectrum(NNGP(Network(sigma, depth)), lmax)


def failed(report: Report) -> set[str]:
    return {str(row["test"]) for row in report.failures}


@dataclass(frozen=True)
class Altered:
    """The maps of a field, changed."""

    field: GaussianField
    change: Callable[[Array, np.random.Generator], Array]

    def __call__(self, rng: np.random.Generator) -> Array:
        return self.change(self.field(rng), rng)


@dataclass(frozen=True)
class Copies:
    """Maps that come round again."""

    maps: Ensemble
    period: int

    def __getitem__(self, i: int) -> Array:
        return self.maps[i % self.period]


@dataclass(frozen=True)
class Zonal:
    """All the power of each ell in m = 0; the mean of the power is C_ell, its scatter that of a Gaussian field."""

    spectrum: Spectrum
    nside: int

    def __call__(self, rng: np.random.Generator) -> Array:
        power = self.spectrum.cl * rng.chisquare(2 * self.spectrum.ell + 1)  # (2 ell + 1) C_ell, chi-square
        alm = np.zeros((self.spectrum.lmax + 1) * (self.spectrum.lmax + 2) // 2, dtype=complex)
        alm[: self.spectrum.lmax + 1] = np.sqrt(power) * rng.choice([-1.0, 1.0], self.spectrum.lmax + 1)
        return synthesis(alm, self.nside)


@pytest.mark.parametrize("sigma", [Gaussian(2.0), ReLU(), Tanh(), Sine(2.0)], ids=repr)
def test_a_right_sampler_passes(sigma: Activation) -> None:
    # false alarm: 1e-2 each, with a fixed seed
    s = neural(sigma, 3)
    report = validate(Ensemble(GaussianField(s, 32), seed=3), s, 60)
    assert report.passed
    assert report.tested.sum() >= 10
    assert str(report).startswith("passed: 60 maps")


@pytest.mark.slow
def test_right_samplers_pass_as_often_as_alpha_says() -> None:
    # 300 seeds, alpha = 0.1 for resolution; the pass rate is binomial and outside these bounds once in 1e3. Tests of
    # one report depend a little on each other, which makes alarms rarer, by less than the width of the bounds
    s = Spectrum(1.0 / np.arange(1.0, 14.0) ** 2)
    passed = sum(validate(Ensemble(GaussianField(s, 8), seed), s, 40, alpha=0.1).passed for seed in range(300))
    low, high = stats.binom.ppf([5e-4, 1 - 5e-4], 300, 0.9)
    assert low <= passed <= high + 5


def test_every_p_value_of_a_right_sampler_is_uniform() -> None:
    # pooled over 30 seeds, by family and away from each other: Kolmogorov, false alarm 1e-3 each with fixed seeds
    s = Spectrum(1.0 / np.arange(1.0, 14.0) ** 2)
    reports = [validate(Ensemble(GaussianField(s, 8), seed), s, 30) for seed in range(30)]
    for name in ("mean", "scatter", "correlation", "orders", "total"):
        pooled = np.concatenate([r.family(name).pvalue for r in reports])
        assert stats.kstest(pooled, "uniform").pvalue > 1e-3, name


@pytest.mark.parametrize("ell", [0, 2, 7, 24])
def test_a_spectrum_off_by_six_standard_errors_at_one_multipole_is_refused(ell: int) -> None:
    # power above 0.95 is measured by docs/build_validation.py; here one seed each
    size = 400
    cl = STEEP.cl.copy()
    cl[ell] *= 1 + 6 * np.sqrt(2 / ((2 * ell + 1) * size))
    report = validate(Ensemble(GaussianField(Spectrum(cl), 16), seed=5), STEEP, size)
    assert not report.passed
    assert report.failures[0]["ell"] == ell
    assert int(np.nanargmax(np.abs(report.pulls))) == ell


def test_power_that_does_not_scatter_is_refused() -> None:
    report = validate(Ensemble(ExactPowerField(STEEP, 16), seed=1), STEEP, 50)
    assert "scatter" in failed(report)
    assert "mean" not in failed(report)


def test_all_power_in_one_order_is_refused_by_the_orders_alone() -> None:
    report = validate(Ensemble(Zonal(STEEP, 16), seed=1), STEEP, 100)
    assert failed(report) == {"orders"}


def test_maps_that_lost_two_per_cent_of_their_variance_are_refused() -> None:
    weak = Altered(GaussianField(STEEP, 16), lambda m, rng: m * np.sqrt(0.98))
    assert "total" in failed(validate(Ensemble(weak, seed=1), STEEP, 400))


def test_a_common_factor_of_all_multipoles_is_refused_by_their_correlation() -> None:
    # amplitude 1 +- 0.2: mean of the square 1
    def breathe(m: Array, rng: np.random.Generator) -> Array:
        return m * np.sqrt(1.0 + 0.3 * rng.choice([-1.0, 1.0]))

    assert "correlation" in failed(validate(Ensemble(Altered(GaussianField(STEEP, 16), breathe), 1), STEEP, 200))


def test_maps_drawn_twice_are_refused() -> None:
    maps = Ensemble(GaussianField(STEEP, 16), seed=1)
    assert validate(maps, STEEP, 60).passed
    report = validate(Copies(maps, 30), STEEP, 60)
    assert "maps" in failed(report)
    turned = Altered(GaussianField(STEEP, 16), lambda m, rng: -m)
    assert "maps" in failed(validate(Copies(Ensemble(turned, 1), 59), STEEP, 60))  # one pair is enough


def single(m: Array, rng: np.random.Generator) -> Array:
    return m.astype(np.float32).astype(np.float64)


def test_single_precision_shows_where_parity_forbids_power() -> None:
    s = neural(ReLU(), 1, 24)  # x/2 and an even function: C_ell = 0 at odd ell from 3 on
    right = validate(Ensemble(GaussianField(s, 16), seed=2), s, 20)
    assert right.passed
    assert right.zeros.tolist() == list(range(3, 25, 2))
    report = validate(Ensemble(Altered(GaussianField(s, 16), single), seed=2), s, 20)
    assert not report.passed
    assert len(report.leaks) == right.zeros.size
    assert all(1e-20 < power < 1e-14 for power in report.leaks.values())


def test_single_precision_of_an_odd_field_is_odd() -> None:
    # rounding commutes with the sign, so that no power appears at even ell, and no test can see it there
    s = neural(Sine(2.0), 1, 24)
    report = validate(Ensemble(Altered(GaussianField(s, 16), single), seed=2), s, 20)
    assert report.zeros.tolist() == list(range(0, 25, 2))
    assert not report.leaks


def test_multipoles_that_the_analysis_cannot_resolve_are_not_tested() -> None:
    s = neural(Tanh(), 1)
    anafast = PowerSpectrum(48, transforms=7, engine="healpy")
    report = validate(Ensemble(GaussianField(s, 32), seed=1), s, 30, estimator=anafast)
    assert report.tested[[1, 3, 5]].all()
    assert not report.tested[-1]  # C_47 / C_1 = 1e-18
    assert not report.tested[s.cl == 0].any()
    assert validate(Ensemble(GaussianField(s, 32), seed=1), s, 30).tested.sum() > report.tested.sum()


def test_maps_finer_than_their_pixels_are_tested_as_far_as_aliasing_allows() -> None:
    # white noise to 3 nside - 1: what is beyond 1.5 nside is aliased into the upper multipoles
    s = Spectrum(np.ones(48))
    report = validate(Ensemble(GaussianField(s, 16), seed=1), s, 400)
    assert report.tested[:2].all()  # those that no other ell <= 3 nside - 1 is aliased to
    assert not report.tested[16:].any()
    assert report.passed


def test_coefficients_alone_are_tested_and_the_report_says_so() -> None:
    s = Spectrum(np.ones(48))
    report = validate(Ensemble(GaussianField(s, 16), seed=1), s, 50, estimator="alm")
    assert report.passed
    assert report.tested.all()
    assert "pixelisation are not tested" in str(report)


def test_networks_of_finite_width_are_told_from_their_limit_by_their_scatter() -> None:
    # ReLU at width 8: the relative variance of the power has a floor of 4/8 at every ell
    s = neural(ReLU(), 1, 96)
    maps = Ensemble(FiniteNetwork(Network(ReLU(), 1), width=8, nside=16), seed=1)
    report = validate(maps, s, 200)
    assert {"scatter", "correlation"} <= failed(report)


@pytest.mark.parametrize(("sigma", "width"), [(ReLU(), 8), (ReLU(), 64), (Tanh(), 16), (Step(), 16)], ids=repr)
def test_networks_of_finite_width_pass_with_the_law_of_their_width(sigma: Activation, width: int) -> None:
    # false alarm: 1e-2 each, with a fixed seed
    s = neural(sigma, 1, 96)
    maps = Ensemble(FiniteNetwork(Network(sigma, 1), width, nside=16), seed=2)
    report = validate(maps, s, 200, width=width)
    assert report.passed, str(report)
    assert f"width {width}" in str(report)


def test_a_network_is_told_from_a_wider_one() -> None:
    # the floor of the relative variance is 4/8 and 4/32
    s = neural(ReLU(), 1, 96)
    maps = Ensemble(FiniteNetwork(Network(ReLU(), 1), 8, nside=16), seed=2)
    assert "scatter" in failed(validate(maps, s, 200, width=32))


def test_a_single_map_is_tested_too() -> None:
    report = validate(Ensemble(GaussianField(STEEP, 16), seed=1), STEEP, 1)
    assert report.passed
    assert [f.name for f in report.families] == ["mean", "total", "orders"]


def test_progress_is_told() -> None:
    s = Spectrum([1.0, 1.0, 1.0])
    seen: list[tuple[int, int]] = []
    validate(Ensemble(GaussianField(s, 2), seed=1), s, 5, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 5) for i in range(1, 6)]


def test_bad_arguments_are_named_with_their_remedy() -> None:
    maps = Ensemble(GaussianField(STEEP, 16), seed=1)
    with pytest.raises(ValueError, match=r"alpha = 1\.5 is no probability"):
        validate(maps, STEEP, 5, alpha=1.5)
    with pytest.raises(ValueError, match="Ensemble has no end: give size"):
        validate(maps, STEEP)
    with pytest.raises(ValueError, match="size = 0 is too small"):
        validate(maps, STEEP, 0)
    with pytest.raises(ValueError, match="the estimator has lmax = 30, the spectrum ends at 24"):
        validate(maps, STEEP, 5, estimator=PowerSpectrum(30))
    with pytest.raises(ValueError, match="there is no estimator 'best'"):
        validate(maps, STEEP, 5, estimator="best")
    with pytest.raises(ValueError, match="width is for maps of networks with one hidden layer"):
        validate(maps, STEEP, 5, width=8)
    with pytest.raises(TypeError, match="Copies has no coefficients, only maps"):
        validate(Copies(maps, 5), STEEP, 5, estimator="alm")
    with pytest.raises(ValueError, match="no multipole can be tested: 5 maps ask for"):
        validate(Ensemble(GaussianField(Spectrum(np.ones(48)), 16), 1), Spectrum(np.ones(48), error=np.ones(48)), 5)


def test_coefficients_of_a_known_map_have_known_pulls() -> None:
    # a sampler that always returns power 1.5 C_ell: pull 0.5 sqrt((2 ell + 1) N / 2)
    @dataclass(frozen=True)
    class Strong:
        def alm(self, rng: np.random.Generator) -> Array:
            return synalm(STEEP.cl, rng)

        def __call__(self, rng: np.random.Generator) -> Array:
            return synthesis(np.sqrt(1.5) * ExactPowerField(STEEP, 16).alm(rng), 16)

    report = validate(Ensemble(Strong(), 1), STEEP, 8)
    assert report.pulls == pytest.approx(0.5 * np.sqrt((2 * STEEP.ell + 1) * 8 / 2), rel=1e-9)


def test_power_out_of_bounds_is_refused_where_aliases_forbid_more() -> None:
    s = Spectrum(np.ones(48))
    right = validate(Ensemble(GaussianField(s, 16), seed=1), s, 100)
    assert right.passed
    assert right.family("bounds").index.size == np.count_nonzero(~right.tested)
    cl = np.where(np.append(right.tested, np.ones(23, dtype=bool)), 1.0, 10.0)
    assert "bounds" in failed(validate(Ensemble(GaussianField(Spectrum(cl), 16), seed=1), s, 100))


def test_a_dipole_shows_in_the_zeros_although_the_estimator_leaks_there() -> None:
    # equal weights leak a little into ell = 0 and 1; a dipole that is small, but larger, must not hide behind that
    cl = np.power(1.0 + np.arange(25), -3.0)
    cl[:2] = 0.0
    s, z = Spectrum(cl), healpy.pix2vec(16, np.arange(12 * 16**2))[2]
    for name in ("weighted", "anafast"):
        assert validate(Ensemble(GaussianField(s, 16), seed=1), s, 20, estimator=name).passed
        tilted = Altered(GaussianField(s, 16), lambda m, rng: m + 1e-3 * z)
        assert 1 in validate(Ensemble(tilted, seed=1), s, 20, estimator=name).leaks


def test_the_law_of_a_width_is_that_of_one_network_and_no_other_spectrum() -> None:
    network = Network(ReLU(), 1)
    maps = Ensemble(FiniteNetwork(network, 8, nside=8), seed=1)
    s = neural(ReLU(), 1, 24)
    for wrong in (angular_spectrum(NTK(network), 24), neural(ReLU(), 2, 24), Spectrum(s.cl)):
        with pytest.raises(ValueError, match="width is for maps of networks with one hidden layer"):
            validate(maps, wrong, 20, width=8)
    cl = np.where(np.arange(25) == 2, 1.01, 1.0) * s.cl
    with pytest.raises(ValueError, match="at ell = 2 the spectrum is off by 1.0e-02 from that of its network"):
        validate(maps, Spectrum(cl, kernel=s.kernel), 20, width=8)
    with pytest.raises(ValueError, match=r"the spectrum is one on S\^3"):
        validate(maps, angular_spectrum(NNGP(network), 24, dim=3), 20)


def test_an_anisotropic_sampler_of_the_right_power_is_refused_by_the_law_of_a_width_too() -> None:
    @dataclass(frozen=True)
    class ZonalNetwork:
        def __call__(self, rng: np.random.Generator) -> Array:
            power = draw_power(Network(ReLU(), 1), 8, 24, rng, 1)[0]
            alm = np.zeros(25 * 26 // 2, dtype=complex)
            alm[:25] = np.sqrt((2 * np.arange(25) + 1) * power) * rng.choice([-1.0, 1.0], 25)
            return synthesis(alm, 16)

    assert "orders" in failed(validate(Ensemble(ZonalNetwork(), 1), neural(ReLU(), 1, 96), 100, width=8))
