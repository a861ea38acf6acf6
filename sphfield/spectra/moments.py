r"""Moments of the spectral law without its spectrum: a kernel in, E[...] over X = ell out, exact at any depth.

On the sphere S^d with eigenvalues :math:`\lambda_\ell = \ell (\ell + d - 1)` the zonal harmonics have the derivatives
:math:`G_\ell^{(r)}(1) = \prod_{j<r} (\lambda_\ell - \lambda_j) / (d + 2j)`. Those of the kernel are moments of its law,

.. math:: E \prod_{j<r} (\lambda_X - \lambda_j) = \frac{k^{(r)}(1)}{k(1)} \prod_{j<r} (d + 2j),

both sides infinite together. Everything is a sum of positive terms, in logarithms where depth leaves the range of
doubles. Derived, see docs/law; the growth with depth completes the regime theorem of Di Lillo, Marinucci, Salvi
and Vigogna (arXiv 2405.09541) by its constants.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from sphfield.networks.network import Network, Regime
from sphfield.networks.taylor import composed_logs
from sphfield.spectra.sphere import check_dim, eigenvalue
from sphfield.typing import Array, Kernel

__all__ = [
    "asymptotic_log_moments",
    "energy_moments",
    "factorial_moments",
    "log_energy_moments",
    "log_factorial_moments",
]


def factorial_moments(kernel: Kernel, order: int, *, dim: int = 2) -> Array:
    r"""Moments :math:`E \prod_{j<r} (X (X + d - 1) - j (j + d - 1))` of the spectral law for r = 0 ... `order`.

    Parameters
    ----------
    kernel
        One that knows its derivatives at u = 1 by a method ``log_derivatives(order)``, as `NNGP` and `NTK` do.
    order
        Largest r.
    dim
        d, the dimension of the sphere S^d.

    Returns
    -------
    Array, shape (order + 1,)
        ``inf`` where the kernel has no such derivative, and beyond 1e308; see `log_factorial_moments`. Relative error
        1e-13 times depth or less.

    Raises
    ------
    ValueError
        If the kernel does not know its derivatives, or `order` is negative.
    TypeError
        If `order` is not an integer.

    Examples
    --------
    >>> from sphfield import CosSin, NNGP, Network
    >>> factorial_moments(NNGP(Network(CosSin(1.0), 1)), 2).round(9).tolist()  # k = exp(u - 1): 2 k', 8 k''
    [1.0, 2.0, 8.0]
    """
    with np.errstate(over="ignore"):
        moments: Array = np.exp(log_factorial_moments(kernel, order, dim=dim))
    return moments


def log_factorial_moments(kernel: Kernel, order: int, *, dim: int = 2) -> Array:
    """Logarithms of `factorial_moments`: -inf for a polynomial of lower degree, ``inf`` only where there is no moment.

    Examples
    --------
    >>> from sphfield import NNGP, Network, Tanh
    >>> deep = NNGP(Network(Tanh(), 1000))
    >>> log_factorial_moments(deep, 2).round(3).tolist()
    [0.0, 164.348, 330.679]
    """
    dim, order = check_dim(dim), _checked(order)
    if not hasattr(kernel, "log_derivatives"):
        raise ValueError(
            f"{kernel!r} does not know its derivatives at u = 1: give it a method log_derivatives(order), or sum over "
            "its spectrum by Spectrum.moment and Spectrum.energy"
        )
    logs = np.array(kernel.log_derivatives(order))
    return np.asarray(logs - logs[0] + _log_steps(order, dim))


def energy_moments(kernel: Kernel, order: int, *, dim: int = 2) -> Array:
    r"""Moments :math:`E[(X (X + d - 1))^r]` of the spectral law for r = 0 ... `order`, exactly.

    Times the area of the sphere and the variance k(1) they are the Sobolev energies
    :math:`E \int |(-\Delta)^{r/2} T|^2`, which `Spectrum.energy` sums for any real r. Parameters, accuracy and errors
    as for `factorial_moments`, of which they are combinations with positive coefficients.

    Examples
    --------
    >>> from sphfield import Hermite, NNGP, Network, ReLU
    >>> energy_moments(NNGP(Network(Hermite(2), 1)), 3).round(9).tolist()  # X = 0 and 2: 1/3, 2/3
    [1.0, 4.0, 24.0, 144.0]
    >>> energy_moments(NNGP(Network(ReLU(), 9)), 2).round(9).tolist()
    [1.0, 2.0, inf]
    """
    with np.errstate(over="ignore"):
        moments: Array = np.exp(log_energy_moments(kernel, order, dim=dim))
    return moments


def log_energy_moments(kernel: Kernel, order: int, *, dim: int = 2) -> Array:
    """Logarithms of `energy_moments`."""
    factorial = log_factorial_moments(kernel, order, dim=dim)
    with np.errstate(divide="ignore"):
        nodes = np.log(eigenvalue(np.arange(order + 1), dim))
    # lambda^r = sum_k s_{r,k} prod_{j<k} (lambda - lambda_j) with s_{r,k} = s_{r-1,k-1} + lambda_k s_{r-1,k}, as
    # Stirling's numbers of the second kind for the nodes lambda_j
    logs = np.zeros(order + 1)
    weights = np.where(np.arange(order + 1) == 0, 0.0, -np.inf)
    for r in range(1, order + 1):
        weights = np.logaddexp(np.append(-np.inf, weights[:-1]), weights + nodes)
        logs[r] = np.logaddexp.reduce(weights[1 : r + 1] + factorial[1 : r + 1])
    return logs


def asymptotic_log_moments(network: Network, order: int, *, dim: int = 2) -> Array:
    r"""What `log_factorial_moments` of the covariance tends to as depth grows, at the depth of `network`.

    With q = kappa'(1) and depth L the derivatives of the iterated layer map behave as

    * low-disorder: :math:`\tau_r q^L`, from Koenigs' function S, S(kappa(u)) = q S(u): :math:`\tau_r = -S^{(r)}(1)`;
    * sparse: :math:`r!\, (\kappa''(1) L / 2)^{r-1}`;
    * high-disorder: :math:`\rho_r q^{rL}`, from Poincare's function P, P(qt) = 1 - kappa(1 - P(t)):
      :math:`\rho_r = (-1)^{r-1} P^{(r)}(0)`;

    relative corrections are of order q^L, 1/L and q^-L. Biases add the factor (1 - b)^r of the first, affine layer.

    Returns
    -------
    Array, shape (order + 1,)
        ``inf`` where a moment is infinite: all of them in the fractal regime.

    Raises
    ------
    ValueError, TypeError
        If `order` is no integer of 0 or more, or the regime cannot be told, see `Network.regime`.

    Examples
    --------
    >>> from sphfield import CosSin, NNGP, Network
    >>> network = Network(CosSin(1.0), 1000)
    >>> ratio = log_factorial_moments(NNGP(network), 3) - asymptotic_log_moments(network, 3)
    >>> np.exp(ratio).round(6).tolist()  # 1 - 1/3 L at order 3
    [1.0, 1.0, 1.0, 0.999667]
    """
    dim, order = check_dim(dim), _checked(order)
    regime, layer = network.regime(), _layer_logs(network, order)
    r, depth = np.arange(order + 1.0), float(network.depth)
    if regime is Regime.LOW:
        logs = _koenigs(layer) + depth * np.log(network.slope)
    elif regime is Regime.HIGH:
        logs = _poincare(layer) + r * depth * np.log(network.slope)
    elif regime is Regime.FRACTAL:
        logs = np.full(order + 1, np.inf)
    else:
        with np.errstate(divide="ignore"):
            step = (layer[2] if order >= 2 else 0.0) + np.log(depth)
        logs = np.concatenate([[0.0, 0.0], r[1:-1] * step])[: order + 1]
    logs[0] = 0.0
    logs += r * np.log1p(-network.bias_var) + special.gammaln(r + 1.0)
    return np.asarray(logs + _log_steps(order, dim))


def _layer_logs(network: Network, order: int) -> Array:
    """Logarithms of kappa^(r)(1) / r!."""
    one = Network(network.activation, 1, network.bias_var)
    r = np.arange(order + 1.0)
    return np.asarray(np.array(one.log_derivatives(order)) - r * np.log1p(-one.bias_var) - special.gammaln(r + 1.0))


def _koenigs(layer: Array) -> Array:
    """Logarithms of tau_r / r!: T(x) = -S(1 + x) = x + ..., T(kappa(1 + x) - 1) = q T(x), all terms positive."""
    logs = _identity(layer.size)
    for r in range(2, layer.size):
        # q - q^r = -q expm1((r - 1) log q)
        gap = layer[1] + np.log(-np.expm1((r - 1.0) * layer[1]))
        logs[r] = composed_logs(logs, layer)[r] - gap
    return logs


def _poincare(layer: Array) -> Array:
    """Logarithms of rho_r / r!: R(y) = -P(-y) = y + ..., R(q y) = kappa(1 + R(y)) - 1, all terms positive."""
    logs = _identity(layer.size)
    bend = np.where(np.arange(layer.size) < 2, -np.inf, layer)
    for r in range(2, layer.size):
        gap = r * layer[1] + np.log(-np.expm1((1.0 - r) * layer[1]))
        logs[r] = composed_logs(bend, logs)[r] - gap
    return logs


def _identity(size: int) -> Array:
    return np.where(np.arange(size) == 1, 0.0, -np.inf)


def _log_steps(order: int, dim: int) -> Array:
    """Logarithms of prod_{j<r} (d + 2 j) for r = 0 ... order."""
    return np.concatenate([[0.0], np.cumsum(np.log(dim + 2.0 * np.arange(order)))])


def _checked(order: Any) -> int:
    if isinstance(order, bool) or not isinstance(order, int | np.integer):
        raise TypeError(f"order = {order!r} must be an integer")
    if order < 0:
        raise ValueError(f"order = {order} must be 0 or more")
    return int(order)
