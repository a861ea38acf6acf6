"""The experiments of arXiv 2211.07844, run anew at a size that takes seconds: kernels and eigenvalues out.

What the authors' code (github.com/bbowman223/data_ntk) does, beside what their section 2 and Theorem 3.1 say.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.linalg import eigvalsh

from sphfield.exhibits.tangent_kernels import initialisation, values_of
from sphfield.fields.pixels import pixel_centres
from sphfield.learning.derivatives import derivative
from sphfield.learning.tangent import Scales, empirical_ntk
from sphfield.networks.activations import Gaussian, Identity, ReLU, Tanh
from sphfield.networks.dual_series import dual_series
from sphfield.networks.initialisation import Initialisation
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.gram_matrix import gram, largest_of
from sphfield.spectra.kernel_series import Convention, DeepKernel
from sphfield.spectra.rows import unit_rows
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Activation, Array

__all__ = [
    "BATCH",
    "DATA_ACTIVATIONS",
    "RANGES",
    "SPHERE_ACTIVATIONS",
    "fitted_base",
    "fitted_power",
    "gaussian_data",
    "on_nodes",
    "on_random_points",
    "sphere_spectrum",
    "table_kernel",
    "truncated_by_the_code",
]

BATCH, FEATURES, TRIALS, WIDTH = 200, 3 * 40 * 40, 10, 500  # of the experiment with Gaussian data
NSIDE, POINTS, WIDE = 8, 3000, 160_000  # of that on S^2, where they have 10 000 random points
DATA_ACTIVATIONS: tuple[Activation, ...] = (ReLU(), Tanh(), Identity())
SPHERE_ACTIVATIONS: tuple[Activation, ...] = (ReLU(), Tanh(), Gaussian(1.0))
RANGES = {ReLU(): (100, 500), Tanh(): (100, 600), Gaussian(1.0): (100, 300)}  # of indices, for their fits


def table_kernel(sigma: Activation, gamma_b_squared: float, convention: Convention) -> DeepKernel:
    """One hidden layer with sigma_w = 1 and variance 1, as in Table 1; `Gaussian(1.0)` is their omega_1."""
    gamma_b = float(np.sqrt(gamma_b_squared))
    init = initialisation(sigma, gamma_b=gamma_b, sigma_w=_amplitude(sigma))
    return DeepKernel(sigma, 1, init, True, convention)


def _amplitude(sigma: Activation) -> float:
    # omega_1 is a density, exp(-z^2 / 2) / sqrt(2 pi); a factor of sigma is one of sigma_w
    return float(1.0 / np.sqrt(2.0 * np.pi)) if isinstance(sigma, Gaussian) else 1.0


def truncated_by_the_code(sigma: Activation, depth: int, n: int) -> Array:
    """The first n coefficients at unit variance as the code has them: the sum over k of Theorem 3.1 ends at n, too."""
    known = dual_series(sigma, n + 1)
    mu = np.exp(known.logs - known.log_variance)
    theta = np.where(np.arange(n) == 1, 1.0, 0.0)
    alpha = theta
    for _ in range(depth):
        power, powers = np.where(np.arange(n) == 0, 1.0, 0.0), []
        for _ in range(n):
            powers.append(power)
            power = np.convolve(power, alpha)[:n]
        alpha, upsilon = mu[:n] @ powers, (np.arange(1.0, n + 1.0) * mu[1 : n + 1]) @ powers
        theta = alpha + np.convolve(theta, upsilon)[:n]
    return np.asarray(theta)


def _sphere_scales(sigma: Activation) -> Scales:
    # their layers divide weights and biases by the root of the number of inputs, 3 and then the width
    return Scales(3.0**-0.5, 3.0**-0.5, _amplitude(sigma), 0.0)


def _sphere_kernel(sigma: Activation) -> DeepKernel:
    return DeepKernel(sigma, 1, Initialisation(*_sphere_scales(sigma)))


@lru_cache(maxsize=8)
def sphere_spectrum(sigma: Activation) -> Spectrum:
    """C_ell on S^2 of the infinitely wide network of their experiment."""
    return angular_spectrum(values_of(_sphere_kernel(sigma)), 40)


@lru_cache(maxsize=8)
def on_nodes(sigma: Activation, width: int | None = None) -> Array:
    """Eigenvalues on the 768 HEALPix nodes of nside 8, of the infinitely wide network or of a random one."""
    x = pixel_centres(NSIDE)
    if width is None:
        return largest_of(gram(values_of(_sphere_kernel(sigma)), x), len(x))
    rng = np.random.default_rng(0)
    return largest_of(empirical_ntk(Network(sigma, 1), width, x, rng, scales=_sphere_scales(sigma)), len(x))


@lru_cache(maxsize=8)
def on_random_points(sigma: Activation, n: int | None = None) -> Array:
    """Eigenvalues of the infinitely wide network on n uniform points of S^2, 3000 if absent."""
    n = n or POINTS
    x = unit_rows(np.random.default_rng(1).standard_normal((n, 3)))
    return largest_of(gram(values_of(_sphere_kernel(sigma)), x), n)


def fitted_power(eigenvalues: Array, first: int, last: int) -> float:
    """Slope of log eigenvalue against log index, as their fit has it."""
    index = np.arange(first, last) + 1.0
    return float(np.polyfit(np.log(index), np.log(eigenvalues[first:last]), 1)[0])


def fitted_base(eigenvalues: Array, first: int, last: int, prefactor: float, exponent: float) -> float:
    """The a of a law index^-prefactor a^-(index^exponent), as their fit has it."""
    index = np.arange(first, last) + 1.0
    logs = np.log(eigenvalues[first:last]) + prefactor * np.log(index)
    return float(np.exp(-np.polyfit(index**exponent, logs, 1)[0]))


@lru_cache(maxsize=1)
def gaussian_data() -> tuple[Array, dict[tuple[str, Activation, int], Array]]:
    """Spectra on Gaussian data, 10 trials: of the data, (trials, batch), and of networks of 1 and 4 hidden layers.

    A network is ``"section 2"``, variances 1 and unit rows, or ``"code"``, torch's default for linear layers, on the
    rows as they are.
    """
    rng = np.random.default_rng(0)
    data, found = np.empty((TRIALS, BATCH)), {}
    kinds = [(kind, sigma, depth) for kind in ("section 2", "code") for sigma in DATA_ACTIVATIONS for depth in (1, 4)]
    found = {key: np.empty((TRIALS, BATCH)) for key in kinds}
    for trial in range(TRIALS):
        x = rng.standard_normal((BATCH, FEATURES))
        unit = unit_rows(x)
        data[trial] = eigvalsh(unit @ unit.T)[::-1]
        for kind, sigma, depth in kinds:
            if kind == "code":
                matrix = _default_gram(sigma, depth, x, rng)
            else:
                matrix = empirical_ntk(Network(sigma, depth), WIDTH, unit, rng)
            found[kind, sigma, depth][trial] = eigvalsh(matrix)[::-1]
    return data, found


def _default_gram(sigma: Activation, depth: int, x: Array, rng: np.random.Generator, *, width: int = WIDTH) -> Array:
    """Tangent kernel with weights and biases uniform in +-1 / sqrt(inputs), the gradient in them as they are."""
    sizes = [x.shape[1], *[width] * depth, 1]
    layers = [
        (rng.uniform(-1.0, 1.0, (n, m)) / np.sqrt(n), rng.uniform(-1.0, 1.0, m) / np.sqrt(n))
        for n, m in pairwise(sizes)
    ]
    slope, inputs, before = derivative(sigma), [x], []
    for weights, bias in layers[:-1]:
        before.append(inputs[-1] @ weights + bias)
        inputs.append(sigma(before[-1]))
    g, total = np.ones((len(x), 1)), np.zeros((len(x), len(x)))
    for (weights, _), values, h in zip(layers[::-1], inputs[::-1], [*before[::-1], None], strict=True):
        total += (values @ values.T + 1.0) * (g @ g.T)
        g = g if h is None else (g @ weights.T) * slope(h)
    return total
