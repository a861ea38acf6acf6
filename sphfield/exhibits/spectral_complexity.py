"""The numbers of arXiv 2405.09541: each computed here and held against its known value, Checks out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np

from sphfield.exhibits.checks import Check, digits, near
from sphfield.exhibits.exhibition import activation_label
from sphfield.exhibits.law import LawAcrossDepth
from sphfield.networks.activations import (
    ELU,
    GELU,
    SELU,
    Arctan,
    CosSin,
    Erf,
    Gaussian,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Sine,
    Softplus,
    Softsign,
    Tanh,
)
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.limits import koenigs_spectrum, limit
from sphfield.spectra.moments import factorial_moments
from sphfield.spectra.tails import tail_of
from sphfield.typing import Activation, Array

__all__ = [
    "DEPTHS",
    "ETAS",
    "SUPPORTS",
    "mean_and_square",
    "number_checks",
    "support_checks",
    "support_table",
    "supports",
]

DEPTHS = (1, 2, 3, 5, 10, 20, 40, 60, 80)
MEAN_LMAX = 2000  # enough for the mean at depth 1000, to a percent
ETAS = (0.1, 0.05, 0.01, 0.001)
CRITICAL = Gaussian(1.0 + np.sqrt(2.0))  # the width at which its slope is 1

# effective supports at DEPTHS, one text of len(ETAS) numbers each; confirmed in arbitrary precision for depths to 5
SUPPORTS: dict[Activation, str] = {
    ReLU(): "2,2,2,6 2,2,4,8 2,2,4,9 2,2,5,11 1,2,5,14 0,0,5,16 0,0,3,18 0,0,0,17 0,0,0,15",
    Gaussian(2.0): "2,2,4,6 2,2,4,8 0,2,4,8 0,0,4,8 0,0,0,6" + 4 * " 0,0,0,0",
    Tanh(): "1,1,3,5 1,3,3,5 1,3,5,7 3,3,5,9 5,7,9,15 11,15,25,37 59,79,127,197 309,411,653,1013 1589,2113,3361,5209",
    Sigmoid(): "1,1,1,1 0,0,1,1 0,0,0,1" + 6 * " 0,0,0,0",
    CosSin(1.0): "2,2,3,4 2,3,4,5 2,3,4,6 2,3,5,8 1,3,6,10 0,2,7,12 0,0,7,15 0,0,7,17 0,0,6,19",
}
REGIMES: dict[Activation, str] = {
    Gaussian(2.0): "low-disorder",
    Sigmoid(): "low-disorder",
    ReLU(): "sparse",
    LeakyReLU(0.01): "sparse",
    Tanh(): "high-disorder",
    GELU(): "high-disorder",
    SiLU(): "high-disorder",
}
SLOPES: dict[Activation, float] = {
    Gaussian(2.0): 0.8,
    Sigmoid(): 0.152827011715594,
    ReLU(): 1.0,
    LeakyReLU(0.01): 1.0,
    CosSin(1.0): 1.0,
    CRITICAL: 1.0,
    Tanh(): 1.177807232304180,
    GELU(): 1.072031598436292,
    SiLU(): 1.066634241241915,
    ELU(): 1.035904718604347,
    SELU(): 1.071574992455799,
    Softplus(): 0.318458983683693,
    Arctan(): 1.111850080190750,
    Softsign(): 1.244010370607587,
    Erf(1.0): 1.225700003785691,
}
RELU_1000 = {1: "1.1970e-14", 2: "1.4963e-14", 3: "1.9760e-14"}
FLATTENING = {100: "35.77", 1000: "43.13"}
SINE_QUANTILES = {0.9: "2.306", 0.95: "2.935", 0.99: "4.34"}  # at depth 40
KOENIGS_2 = "0.04303701"


def number_checks() -> list[Check]:
    """Regimes, slopes, coefficients, identities and limits."""
    parts = (_regimes, _slopes, _relu, _identities, _vanishing_mean, _closed_form, _limits)
    return [check for part in parts for check in part()]


@lru_cache(maxsize=len(SUPPORTS))
def supports(activation: Activation) -> LawAcrossDepth:
    """The laws at `DEPTHS`, computed once."""
    return LawAcrossDepth(activation, DEPTHS, etas=ETAS)


def support_table(activation: Activation) -> str:
    """Effective supports in the form of `SUPPORTS`; "-" where a spectrum does not reach one."""
    columns = [supports(activation).supports(eta) for eta in ETAS]
    return " ".join(",".join("-" if s is None else str(s) for s in row) for row in zip(*columns, strict=True))


def support_checks(expected: Mapping[Activation, str] = SUPPORTS) -> list[Check]:
    """Whether all entries of the table of an activation are as expected, exactly."""
    checks = []
    for activation, text in expected.items():
        found = support_table(activation)
        pairs = list(zip(_entries(text), _entries(found), strict=True))
        right = sum(a == b for a, b in pairs)
        what = f"effective supports of {activation_label(activation)}, L = 1 ... {DEPTHS[-1]}"
        count = f"{right} of {len(pairs)} right"
        checks.append(Check(what, f"{len(pairs)} entries", count, "0", "integers", right == len(pairs)))
    return checks


def _entries(text: str) -> list[str]:
    return text.replace(" ", ",").split(",")


def _regimes() -> Iterable[Check]:
    for activation, expected in REGIMES.items():
        found = str(Network(activation, 1).regime())
        yield Check(f"regime of {activation_label(activation)}", expected, found, "", "a word", found == expected)


def _slopes() -> Iterable[Check]:
    for activation, expected in SLOPES.items():
        network = Network(activation, 1)
        label = _label(activation)
        if network.relative_error > 0.0:
            # activations with kinks and no closed form say how well their dual kernel is known
            tolerance, why = network.relative_error * expected, "declared accuracy of the dual kernel"
        else:
            tolerance, why = 5e-15, "last digit of the table, ten roundings"
        yield near(f"slope kappa'(1) of {label}", expected, network.slope, tolerance, why, shown=16)


def _relu() -> Iterable[Check]:
    for depth, expected in RELU_1000.items():
        found = angular_spectrum(NNGP(Network(ReLU(), depth)), 1000).cl[1000]
        yield digits(f"C_1000 of ReLU, L = {depth}", expected, float(found))
    for depth, expected in FLATTENING.items():
        found = depth**2 * float(NNGP(Network(ReLU(), depth)).complement(1.0))
        why = f"the printed digits; limit {4.5 * np.pi**2:.2f}"
        yield digits(f"L^2 (1 - kappa_L(0)) of ReLU, L = {depth}", expected, found, why)


def _identities() -> Iterable[Check]:
    """Moments summed over the law against the derivatives of the kernel at u = 1, worst of three depths."""
    for activation in SUPPORTS:
        for r in (1,) if activation == ReLU() else (1, 2):
            pairs = [_identity(Network(activation, depth), r) for depth in (1, 5, 10)]
            worst = max(pairs, key=lambda pair: pair[0] / pair[1])
            what = f"identity of moments r = {r}, {activation_label(activation)}, L = 1, 5, 10"
            why = "declared errors of C_ell" + (", of the tail at lmax" if activation == ReLU() else "")
            yield near(what, 0.0, *worst, f"sum over the law / exact - 1: {why}", shown=2)


def _identity(network: Network, r: int) -> tuple[float, float]:
    """Relative deviation of the sum from k^(r)(1), and how large it may be."""
    kernel, lmax = NNGP(network), 400
    s, tail = angular_spectrum(kernel, lmax), tail_of(network)
    energy = s.ell * (s.ell + 1.0)
    weight = energy if r == 1 else energy * (energy - 2.0)
    exact = factorial_moments(kernel, r)[r]
    terms = weight * s.law
    beyond, bound = 0.0, float(np.sum(terms * np.where(terms > 0.0, s.error, 0.0)))
    if tail is not None:  # a smooth law ends by itself long before lmax
        beyond = tail.energy_beyond(1.0, lmax)
        # beyond lmax the power law is closer to the law than at lmax, which is even
        bound += beyond * float(abs(s.law[-1] / tail.law(lmax) - 1.0))
    rounding = 1e-13 * network.depth  # of the exact moments, as they declare it, and of the sum
    return abs(float(terms.sum()) + beyond - exact) / exact, bound / exact + rounding


def _vanishing_mean() -> Iterable[Check]:
    """E[X] -> 0 and E[X^2] -> 2 on the critical line, where E[X (X + 1)] = 2 and E[X] <= sqrt(E[X^2] P(X > 0))."""
    for activation in (ReLU(), LeakyReLU(0.01), CosSin(1.0), CRITICAL):
        label = _label(activation)
        known = [mean_and_square(activation, depth) for depth in (10, 100, 1000)]
        falls = known[0][0] > known[1][0] > known[2][0]
        mean, square, allowed = known[-1]
        why = "Cauchy-Schwarz, and monotonic in L" if falls else "E[X] does not fall at L = 10, 100, 1000"
        yield near(f"E[X] -> 0, {label}, L = 1000", 0.0, mean, allowed if falls else 0.0, why, shown=4)
        yield near(f"E[X^2] -> 2, {label}, L = 1000", 2.0, square, allowed if falls else 0.0, why)


@lru_cache(maxsize=32)
def mean_and_square(activation: Activation, depth: int) -> tuple[float, float, float]:
    """E[X], E[X^2], and Cauchy and Schwarz's bound on E[X] of a network with kappa'(1) = 1."""
    s = angular_spectrum(NNGP(Network(activation, depth)), MEAN_LMAX, method="quadrature")
    return s.moment(1.0, rtol=1e-2), s.moment(2.0, rtol=1e-2), float(np.sqrt(2.0 * (1.0 - s.law[0])))


def _label(activation: Activation) -> str:
    return "Gaussian(1+sqrt(2))" if activation == CRITICAL else activation_label(activation)


def _closed_form() -> Iterable[Check]:
    """The kernel of exp(-a x^2 / 2) at any depth: Moebius in u^2."""
    theta = np.linspace(0.01, 0.5 * np.pi, 101)  # an even kernel: the other half is the same
    for a in (1.0, 2.0, 4.0):
        pairs = []
        for depth in (1, 10, 80):
            kernel = NNGP(Network(Gaussian(a), depth))
            apart = np.abs(kernel.complement(2.0 * np.sin(0.5 * theta) ** 2) / _moebius(a, depth, theta) - 1.0)
            pairs.append((float(apart.max()), 2.0 * kernel.rounding))
        worst = max(pairs, key=lambda pair: pair[0] / pair[1])
        what = f"closed form of 1 - kappa_L, Gaussian(a={a}), L = 1, 10, 80"
        yield near(what, 0.0, *worst, "relative: declared rounding, twice", shown=2)


def _moebius(a: float, depth: int, theta: Array) -> Array:
    """1 - kappa_L(cos theta); kappa_L^2 = (1 - R / q) / (1 - R) with R = q^L (u^2 - 1) / (u^2 - 1/q), u = cos theta."""
    q = a * a / (1.0 + 2.0 * a)
    rest, power = (1.0 - a) ** 2 - 2.0, q**depth  # a^2 (1 - 1/q), without the difference
    square = a * a * np.sin(theta) ** 2
    below = power * rest * square / (a * a * ((power - 1.0) * square + rest))  # 1 - kappa_L^2: terms of one sign
    return np.asarray(below / (1.0 + np.sqrt(1.0 - below)))


def _limits() -> Iterable[Check]:
    s = koenigs_spectrum(Network(Gaussian(2.0), 1), 16)
    yield digits("lim D_2 / q^L of Gaussian(a=2.0)", KOENIGS_2, float(5.0 * s.cl[2] / (4.0 * np.pi)))
    deep = angular_spectrum(NNGP(Network(Gaussian(2.0), 100)), 16, method="quadrature")
    yield digits("D_2 / q^L of Gaussian(a=2.0), L = 100", KOENIGS_2, float(deep.law[2] / 0.8**100))
    yield from _sine()
    steep: tuple[Activation, ...] = (Tanh(), GELU(), SiLU())
    for activation in steep:
        show = LawAcrossDepth(activation, (40, 60, 80), etas=(0.1,))
        pairs = zip(show.supports(0.1), show.predicted(0.1), strict=True)
        off = max(np.inf if a is None or b is None else abs(b / a - 1.0) for a, b in pairs)
        what = f"90 % supports by the limit law, {activation_label(activation)}, L = 40, 60, 80"
        yield near(what, 0.0, off, 0.1, "relative: finite depth, q^-L and kappa'(u*)^L", shown=2)


def _sine() -> Iterable[Check]:
    """An odd kernel: its law jumps by two multipoles, so that a continuous prediction is within one."""
    for depth, lmax in ((40, 2500), (50, 9000)):
        network = Network(Sine(1.0), depth)
        s, law = angular_spectrum(NNGP(network), lmax, method="quadrature"), limit(network)
        for p, expected in SINE_QUANTILES.items():
            found = s.quantile(p)
            if depth == 40:
                yield digits(f"{100 * p:g} % quantile of X_L / q^(L/2), Sine, L = 40", expected, found / law.scale)
            else:
                what = f"{100 * p:g} % support by the limit law, Sine, L = {depth}"
                why = f"half a jump of an odd law; {law.quantile(p):.4f} q^(L/2)"
                yield near(what, found, law.effective_support(1.0 - p), 1.0, why)
