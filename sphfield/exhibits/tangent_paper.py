"""The coefficients of arXiv 2211.07844: each number computed here and held against what is printed, Checks out."""

from __future__ import annotations

import numpy as np
from numpy.polynomial.hermite_e import hermevander
from numpy.polynomial.legendre import leggauss

from sphfield.exhibits.checks import Check, near
from sphfield.exhibits.exhibition import activation_label
from sphfield.exhibits.tangent_experiments import (
    table_kernel,
    truncated_by_the_code,
)
from sphfield.networks.activations import Gaussian, ReLU, Sigmoid, Tanh
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.decay import decay
from sphfield.spectra.kernel_series import DeepKernel, ntk_series
from sphfield.typing import Activation, Array

__all__ = ["DEPTHS", "RHO", "TABLE", "TERMS", "decay_checks", "percentages", "table_checks", "truncation_checks"]

# percent of Theta(1) in the first T + 1 coefficients, T = 0 ... 5, gamma_w^2 = gamma_b^2 = 1/2: the authors' notebook
TABLE: dict[Activation, str] = {
    ReLU(): "52.276996 82.582161 93.192491 94.076685 95.402976 95.800863",
    Tanh(): "53.888523 91.468259 93.725179 97.486712 98.154594 99.089628",
    Sigmoid(): "93.600034 99.729065 99.822221 99.977481 99.985746 99.997316",
    Gaussian(1.0): "95.833608 96.798764 98.729077 99.091010 99.633911 99.747015",
}
DEPTHS, TERMS, RHO = (1, 3, 5), (5, 50), np.linspace(-1.0, 1.0, 200)  # of the figure of truncated kernels


def percentages(kernel: DeepKernel, count: int = 6) -> Array:
    """Percent of Theta(1) in the first T + 1 coefficients, T < count."""
    series = kernel.series(64)
    return np.asarray(100.0 * np.cumsum(series.coefficients)[:count] / kernel.at_one)


def table_checks() -> list[Check]:
    """Table 1 to all digits; what the exact treatment of biases makes of it; and without biases by another route."""
    checks = []
    for sigma, expected in TABLE.items():
        label = _named(sigma)
        found = _text(percentages(table_kernel(sigma, 0.5, "paper")))
        why = "all digits that the authors' notebook prints"
        checks.append(Check(f"Table 1, {label}, T = 0 ... 5", expected, found, "5e-07", why, found == expected))
        exact = _text(percentages(table_kernel(sigma, 0.5, "exact")))
        why = "Theorem 3.1 as printed evaluates layer 2 at u, the network at its correlation (u + 1) / 2"
        checks.append(Check("  the same, biases in every argument", expected, exact, "", why, None))
    for sigma in TABLE:
        computed, direct = percentages(table_kernel(sigma, 0.0, "exact")), _by_quadrature(sigma)
        what = f"Table 1 with gamma_b = 0, {_named(sigma)}"
        worst = float(np.abs(computed - direct).max())
        why = "percent, worst of T = 0 ... 5: Hermite coefficients by Gauss-Legendre quadrature"
        checks.append(near(what, 0.0, worst, 1e-11, why, shown=2))
    return checks


def _named(sigma: Activation) -> str:
    return "omega_1" if isinstance(sigma, Gaussian) else activation_label(sigma)


def _text(percent: Array) -> str:
    return " ".join(f"{x:.6f}" for x in percent)


def _by_quadrature(sigma: Activation) -> Array:
    """The same without biases of the first layer, from the activation itself."""
    z, w = leggauss(400)
    z = np.concatenate([7.0 * (z - 1.0), 7.0 * (z + 1.0)])  # a panel on each side of the kink of ReLU
    w = 7.0 * np.concatenate([w, w]) * np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    factorials = np.cumprod(np.append(1.0, np.arange(1.0, 7.0)))
    scale = table_kernel(sigma, 0.0, "exact").initialisation.sigma_w
    values = scale * np.asarray(sigma(z))
    mu = (w * values) @ hermevander(z, 6) / np.sqrt(factorials)
    square = float(w @ values**2)
    p = np.arange(6)
    alpha = mu[:6] ** 2 + np.where(p == 0, 1.0 - square, 0.0)
    below = np.append(0.0, (p[1:]) * mu[1:6] ** 2)  # gamma_w^2 upsilon_{p-1} = p mu_p^2
    total = 1.0 + scale**2 * Network(sigma, 1).slope * Network(sigma, 1).activation_variance
    return np.asarray(100.0 * np.cumsum(alpha + below) / total)


def truncation_checks() -> list[Check]:
    """What T coefficients leave out of Theta, against its bound and against the figure."""
    checks = []
    for depth in DEPTHS:
        theta = NTK(Network(ReLU(), depth))
        for terms in TERMS:
            series = ntk_series(ReLU(), depth, terms)
            off = np.abs(theta(RHO) - series(RHO))
            what = f"|Theta - Theta_T| over its bound, {depth} hidden, T = {terms}"
            worst = float((off / (series.bound(RHO) + 1e-14)).max())
            checks.append(
                Check(what, "<= 1", f"{worst:.4f}", "0", "worst of 200 points; equal at rho = 1", worst <= 1.0)
            )
    at_zero = float(NTK(Network(ReLU(), 5))(0.0))
    code = at_zero - float(truncated_by_the_code(ReLU(), 5, 50)[0])
    why = "read off their curve; the code ends the sum over k at T, and kappa_0 depends on all"
    checks.append(near("Theta - Theta_50 at rho = 0, 5 hidden, as the code", 5e-12, code, 2e-12, why, shown=2))
    ours = at_zero - float(ntk_series(ReLU(), 5, 50).coefficients[0])
    checks.append(near("  the same with no sum cut", 0.0, ours, 1e-14, "rounding", shown=2))
    low = truncated_by_the_code(ReLU(), 5, 5) / ntk_series(ReLU(), 5, 5).coefficients - 1.0
    text = " ".join(f"{100.0 * x:+.2f}" for x in low)
    why = "percent; the same cut, T = 5, where their figure has its upper curves"
    checks.append(Check("  their kappa_0 ... kappa_4 over ours, 5 hidden", "0", text, "", why, None))
    return checks


def decay_checks() -> list[Check]:
    """Lemma 3.2, fitted over three octaves of 2000 coefficients, and where it is a bound only."""
    checks = []
    for depth in (1, 2, 3, 5):
        law = decay(ntk_series(ReLU(), depth, 2000))
        tolerance = 1e-4 if depth == 1 else 1e-3
        why = "Lemma 3.2; fitted" if depth == 1 else "fitted; next terms of the singularity, deeper"
        checks.append(near(f"coefficients of ReLU, {depth} hidden: power", 1.5, law.power, tolerance, why))
    law = decay(ntk_series(Tanh(), 1, 2000))
    why = "singularities of tanh at i pi / 2; Lemma 3.2 has the bound pi / 2"
    checks.append(near("coefficients of tanh: rate in p^(1/2)", np.pi, law.rate, 1e-4, why))
    law = decay(ntk_series(Gaussian(1.0), 1, 2000))
    checks.append(near("coefficients of omega_1: rate in p", float(np.log(2.0)), law.rate, 1e-6, "Lemma 3.2; fitted"))
    checks.append(near("coefficients of omega_1: power", -0.5, law.power, 1e-3, "Lemma 3.2; fitted"))
    for sigma in (ReLU(), Gaussian(1.0)):
        without, within = (table_kernel(sigma, b, "paper").series(200).logs for b in (0.0, 0.5))
        odd = int(np.isfinite(without[3::2]).sum()), int(np.isfinite(within[3::2]).sum())
        text, right = f"{odd[0]} and {odd[1]} of {without[3::2].size}", odd == (0, without[3::2].size)
        what = f"odd coefficients of {_named(sigma)}, without and with gamma_b"
        checks.append(Check(what, f"0 and {without[3::2].size}", text, "0", "Lemma 3.2: delta", right))
    return checks
