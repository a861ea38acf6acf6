"""An activation and the variances of its weights in, a kernel that spectra and Gram matrices take out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from sphfield.networks.initialisation import Initialisation, edge_of_chaos, unit_variance
from sphfield.networks.kernels import NNGP, correlation, distance
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.kernel_series import DeepKernel
from sphfield.typing import Activation, Array, Kernel

__all__ = ["KernelValues", "initialisation", "values_of"]


def initialisation(
    activation: Activation,
    *,
    gamma_w: float | None = None,
    gamma_b: float = 0.0,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    critical: bool = False,
) -> Initialisation:
    """What is not given is chosen so that all variances are 1; with `critical`, so that kappa'(1) = 1 too.

    Parameters
    ----------
    gamma_w, gamma_b
        Of the first layer; gamma_w^2 = 1 - gamma_b^2 if absent.
    sigma_w, sigma_b
        Of the others; without both of them there are no biases.
    critical
        The edge of chaos.

    Raises
    ------
    ValueError
        If what is given leaves no variance for the rest, or more is given than the edge of chaos leaves open.

    Examples
    --------
    >>> from sphfield import ReLU
    >>> initialisation(ReLU(), sigma_b=0.5).sigma_w ** 2
    1.5
    """
    if critical and (sigma_w is not None or sigma_b is not None):
        raise ValueError("the edge of chaos fixes sigma_w and sigma_b: give neither of them")
    if sigma_w is None and sigma_b is not None:
        if not 0.0 <= sigma_b < 1.0:
            raise ValueError(f"sigma_b = {sigma_b} leaves no variance for the weights: use [0, 1), or give sigma_w too")
        sigma_w = float(np.sqrt((1.0 - sigma_b**2) / Network(activation, 1).activation_variance))
    if gamma_w is None and not 0.0 <= gamma_b < 1.0:
        raise ValueError(f"gamma_b = {gamma_b} leaves no variance for the weights: use [0, 1), or give gamma_w too")
    first = float(np.sqrt(1.0 - gamma_b**2)) if gamma_w is None else gamma_w
    if sigma_w is not None and sigma_b is not None:
        return Initialisation(first, gamma_b, sigma_w, sigma_b)
    found = edge_of_chaos(activation) if critical else unit_variance(activation, sigma_w)
    return Initialisation(first, gamma_b, found.sigma_w, found.sigma_b)


def values_of(kernel: DeepKernel) -> Kernel:
    """The kernel as a function of u: `NTK` or `NNGP` where it is one of theirs, else `KernelValues`.

    Examples
    --------
    >>> from sphfield import ReLU
    >>> values_of(DeepKernel(ReLU(), 3, initialisation(ReLU())))(1.0)
    np.float64(4.0)
    """
    init = kernel.initialisation
    same = abs(init.gamma_b - init.sigma_b) < 1e-15 or (kernel.depth == 0 and init.gamma_b < 1.0)
    known = kernel.tangent or kernel.convention == "exact" or init.gamma_b == 0.0  # to NNGP there is one convention
    if all(q == 1.0 for q in kernel.variances) and same and known:
        network = Network(kernel.activation, kernel.depth, init.gamma_b**2)
        return NTK(network, convention=kernel.convention) if kernel.tangent else NNGP(network)
    return KernelValues(kernel)


@dataclass(frozen=True)
class KernelValues:
    r"""The kernel of any `DeepKernel` as a function of u, with what spectra make use of.

    With q_s the variance of layer s, c_s its correlation and kappa_s what it makes of it,

    .. math:: \Theta_{s+1} = q_{s+1} c_{s+1} + \frac{q_{s+1}}{q_s} \, \Theta_s \, \kappa_s'(c_s),
              \qquad c_{s+1} = \kappa_s(c_s).

    Examples
    --------
    >>> from sphfield import ReLU
    >>> half = KernelValues(DeepKernel(ReLU(), 1, Initialisation(gamma_w=0.5)))
    >>> round(float(half(1.0)), 12), round(float(half(-1.0)), 12)
    (0.25, 0.0)
    """

    kernel: DeepKernel

    def __call__(self, u: Any) -> Any:
        return self.kernel.at_one - self.complement(1.0 - correlation(u))

    def complement(self, t: Any) -> Any:
        """k(1) - k(1 - t) for t in [0, 2]; a sum of positive terms, hence relative to itself as for `NTK`."""
        kernel, q = self.kernel, self.kernel.variances
        t = distance(t)
        first = kernel.initialisation.gamma_w**2 / q[0] * t
        layer = t if kernel.convention == "paper" else first
        rest, at_one = q[0] * first, q[0]
        for (before, after), one in zip(pairwise(q), kernel.layers, strict=True):
            if kernel.tangent:
                # of Theta and kappa' together, the difference of the products split into positive parts
                bend = one.layer_slope_complement(layer)
                rest = after / before * (rest * one.slope + (at_one - rest) * bend)
            else:
                rest = 0.0
            layer = one.layer_complement(layer)
            rest = rest + after * layer
            at_one = after + (after / before * at_one * one.slope if kernel.tangent else 0.0)
        return rest

    @property
    def rounding(self) -> float:
        """Relative rounding error of `complement`."""
        return 2.0 * NNGP(Network(self.kernel.activation, self.kernel.depth)).rounding

    @property
    def error(self) -> float:
        """Absolute error from incomplete Hermite series; 0 where it is rounding."""
        return sum(one.error for one in self.kernel.layers) * self.kernel.at_one

    @property
    def cri(self) -> float:
        """Covariance regularity index, one less for the tangent kernel."""
        network = Network(self.kernel.activation, self.kernel.depth)
        return network.cri - 1.0 if self.kernel.tangent else network.cri

    def vanishes(self, ell: Any) -> Any:
        """True where C_ell is exactly 0 by parity or degree."""
        ell, (even, odd) = np.asarray(ell), self.kernel.degrees
        return ell > np.where(ell % 2 == 0, even, odd)

    def coefficients(self, n: int) -> tuple[Array, float]:
        """The first coefficients of the power series, and the sum of the rest."""
        series = self.kernel.series(n)
        return series.coefficients, series.rest

    def log_coefficients(self, n: int) -> tuple[Array, float]:
        """Logarithms of `coefficients`."""
        series = self.kernel.series(n)
        return series.logs, series.rest
