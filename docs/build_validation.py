"""Measure how often `validate` refuses what is right and what is wrong, and how often intervals hold the truth."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from sphfield.ensembles.coverage import interval_coverage
from sphfield.ensembles.ensemble import Ensemble, measure
from sphfield.ensembles.gaussian_laws import SHARES
from sphfield.ensembles.validation import validate
from sphfield.fields.finite import FiniteNetwork
from sphfield.fields.gaussian import GaussianField
from sphfield.fields.transforms import synthesis
from sphfield.networks.activations import ReLU, Tanh
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.intervals import chi2_interval, normal_interval
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Array

HERE = Path(__file__).parent
SEEDS, SIZE, NSIDE, LMAX = 200, 100, 16, 24
ALPHA = 0.01


@dataclass(frozen=True)
class Changed:
    """The maps of a field, changed."""

    field: GaussianField
    change: Callable[[Array], Array]

    def __call__(self, rng: np.random.Generator) -> Array:
        return self.change(self.field(rng))


@dataclass(frozen=True)
class Zonal:
    """All power of each ell in m = 0, with the mean and scatter of a Gaussian field."""

    spectrum: Spectrum
    nside: int

    def __call__(self, rng: np.random.Generator) -> Array:
        ell = self.spectrum.ell
        alm = np.zeros((ell.size * (ell.size + 1)) // 2, dtype=complex)
        alm[: ell.size] = np.sqrt(self.spectrum.cl * rng.chisquare(2 * ell + 1)) * rng.choice([-1.0, 1.0], ell.size)
        return synthesis(alm, self.nside)


@dataclass(frozen=True)
class Twice:
    """Every map of an ensemble drawn twice."""

    maps: Ensemble

    def __getitem__(self, i: int) -> Array:
        return self.maps[i // 2]


def neural(network: Network, lmax: int = LMAX) -> Spectrum:
    return angular_spectrum(NNGP(network), lmax)


def rate(passed: int, of: int) -> str:
    low, high = stats.binomtest(passed, of).proportion_ci(0.95, "exact")
    return f"{passed} of {of} | {passed / of:.3f} | {low:.3f} – {high:.3f}"


def right() -> list[str]:
    lines = ["| right samplers | passed | rate | 95 % interval |", "|---|--:|--:|--:|"]
    relu, tanh = Network(ReLU(), 3), Network(Tanh(), 10)
    for name, s in (("ReLU, depth 3", neural(relu)), ("tanh, depth 10", neural(tanh))):
        count = sum(validate(Ensemble(GaussianField(s, NSIDE), seed), s, SIZE).passed for seed in range(SEEDS))
        lines.append(f"| {name}, Gaussian field | {rate(count, SEEDS)} |")
    for width in (8, 64):
        network = Network(ReLU(), 1)
        s = neural(network, 6 * NSIDE)
        reports = (
            validate(Ensemble(FiniteNetwork(network, width, NSIDE), seed), s, SIZE, width=width)
            for seed in range(SEEDS)
        )
        lines.append(
            f"| ReLU, depth 1, width {width}, with `width={width}` | {rate(sum(r.passed for r in reports), SEEDS)} |"
        )
    return lines


def wrong() -> list[str]:
    relu = neural(Network(ReLU(), 1))
    s = neural(Network(ReLU(), 3))
    wide = neural(Network(ReLU(), 1), 6 * NSIDE)
    field = GaussianField(s, NSIDE)
    cases = {
        "all power of each ell in m = 0": (lambda seed: Ensemble(Zonal(s, NSIDE), seed), s),
        "networks of width 8": (lambda seed: Ensemble(FiniteNetwork(Network(ReLU(), 1), 8, NSIDE), seed), wide),
        "2 % of the variance lost, 400 maps": (lambda seed: Ensemble(Changed(field, _weaker), seed), s),
        "float32 maps of ReLU at depth 1 (C = 0 at odd ell > 1)": (
            lambda seed: Ensemble(Changed(GaussianField(relu, NSIDE), _single), seed),
            relu,
        ),
        "every map drawn twice": (lambda seed: Twice(Ensemble(field, seed)), s),
    }
    lines = ["| wrong samplers | refused | rate | 95 % interval |", "|---|--:|--:|--:|"]
    for name, (maps, spectrum) in cases.items():
        size = 400 if "400" in name else SIZE
        count = sum(not validate(maps(seed), spectrum, size).passed for seed in range(SEEDS // 4))
        lines.append(f"| {name} | {rate(count, SEEDS // 4)} |")
    return lines


def _weaker(m: Array) -> Array:
    return m * np.sqrt(0.98)


def _single(m: Array) -> Array:
    return m.astype(np.float32).astype(np.float64)


def off_at_one(size: int = 1000, seeds: int = 100) -> list[str]:
    # coefficients in place of maps: the analysis is exact to 1e-11 here, and this is faster
    s = Spectrum(np.power(np.arange(1.0, LMAX + 2.0), -3.0))
    lines = [
        f"| ell, off by 6 standard errors | refused, {size} maps | rate | 95 % interval | the mean alone, exactly |",
        "|--:|--:|--:|--:|--:|",
    ]
    for ell in (0, 2, 8, 24):
        cl = s.cl.copy()
        cl[ell] *= 1 + 6 * np.sqrt(2 / ((2 * ell + 1) * size))
        off = GaussianField(Spectrum(cl), NSIDE)
        reports = (validate(Ensemble(off, seed), s, size, estimator="alm") for seed in range(seeds))
        refused = rate(sum(not r.passed for r in reports), seeds)
        lines.append(f"| {ell} | {refused} | {exact_power(ell, size, LMAX):.3f} |")
    return lines


def exact_power(ell: int, size: int, lmax: int) -> float:
    """Probability that the test of the mean at one ell refuses 6 standard errors, from the chi-square law."""
    dof = size * (2 * ell + 1)
    level = ALPHA * SHARES["mean"] / (lmax + 1) / 2
    low, high = stats.chi2.ppf(level, dof), stats.chi2.isf(level, dof)
    scale = 1 + 6 * np.sqrt(2 / dof)
    return float(stats.chi2.cdf(low / scale, dof) + stats.chi2.sf(high / scale, dof))


def coverages(size: int = 200) -> list[str]:
    """Intervals from single maps of a ReLU field, nside 64: exact ones, error bars, and anafast at its default lmax."""
    s = neural(Network(ReLU(), 3), 3 * 64 - 1)
    half = s.truncated(96)
    exact = measure(Ensemble(GaussianField(half, 64), 1), PowerSpectrum(96), range(size))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the last one is wrong is shown here
        anafast = PowerSpectrum(s.lmax, transforms=7, engine="healpy")
        default = measure(Ensemble(GaussianField(s, 64), 1), anafast, range(size))
    lines = ["| estimator, interval | multipoles | 68 % | 95 % |", "|---|---|--:|--:|"]
    for name, powers, cl, interval in (
        ("weighted, chi-square", exact, half.cl, chi2_interval),
        ("weighted, normal", exact, half.cl, normal_interval),
        ("anafast to 3 nside - 1, chi-square", default, s.cl, chi2_interval),
    ):
        found = interval_coverage(powers, cl, interval)
        for i, label in enumerate(found.labels):
            cells = (
                f"{found.observed[k, i]:.3f} ± {found.error[k, i]:.3f}{' **refused**' if found.failed[k, i] else ''}"
                for k in range(2)
            )
            lines.append(f"| {name} | {label} | " + " | ".join(cells) + " |")
    return lines


def powers() -> list[str]:
    lines = ["| maps | lmax | ell = 0 | ell = 2 | ell = 10 | ell = lmax |", "|--:|--:|--:|--:|--:|--:|"]
    for size in (100, 400, 1000, 10_000):
        for lmax in (24, 96, 768):
            values = (f"{exact_power(ell, size, lmax):.3f}" for ell in (0, 2, 10, lmax))
            lines.append(f"| {size} | {lmax} | " + " | ".join(values) + " |")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/")
    write = parser.parse_args().write
    for name, make in (
        ("right", right),
        ("wrong", wrong),
        ("power", off_at_one),
        ("exact_power", powers),
        ("coverage", coverages),
    ):
        text = "\n".join(make()) + "\n"
        print(text, flush=True)
        if write:
            (HERE / f"_validation_{name}.md").write_text(text, encoding="utf-8")
