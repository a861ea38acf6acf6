r"""Networks in, the laws that their spectra tend to as depth grows out: atoms, densities, supports, band limits.

With q = kappa'(1), at u = 1 - t a deep kernel depends on t through k_L'(1) t only, k_L'(1) = (1 - b) q^L:

* low-disorder, q < 1: (1 - k_L(u)) / k_L'(1) -> S(u), see `sphfield.spectra.koenigs`. X is 0 but for a share k_L'(1).
* sparse, q = 1: 1 - k_L -> t / (1 + A t) for a smooth layer, A ~ kappa''(1) L / 2, and t / (1 + A sqrt(t))^2 with kinks
  of order 1, kappa(1 - t) = 1 - t + c t^(3/2) + ..., A ~ c L / 2. X is 0 but for a share 1 / A or 1 / A^2, and spreads
  over A^(1/2) or A.
* high-disorder, q > 1: 1 - k_L -> P(k_L'(1) t), see `sphfield.spectra.poincare`. X / k_L'(1)^(1/2) has an atom u* at 0,
  the fixed point of kappa, and a density.

Behind all three is a branching process. kappa has non-negative coefficients that sum to 1: it generates the law of the
number of children, and k_L that of the size Z of the generation L. In all dimensions X (X + d - 1) is, at great depth,
Z chi_d^2; Z / q^L tends to a W with E exp(-W t) = 1 - P(t), extinct with probability u*; the sparse laws are those of
Yaglom. The law of sqrt(W) chi_d is a Hankel transform of P, see `sphfield.spectra.hankel`. Derived, see docs/limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np
from scipy import special

from sphfield.networks.hermite import dual_of
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network, Regime
from sphfield.spectra.hankel import RadialLaw, ray, sampling_step, transformed, transformed_samples
from sphfield.spectra.koenigs import LowDisorderLimit, koenigs_spectrum
from sphfield.spectra.poincare import known_off_axis, poincare
from sphfield.spectra.sphere import check_dim
from sphfield.spectra.tails import tail_of
from sphfield.typing import Array

__all__ = ["HighDisorderLimit", "LowDisorderLimit", "SparseLimit", "koenigs_spectrum", "limit", "lmax_for"]

_FURTHEST = 1 << 50  # band limit
_NEAR = 0.01  # of kappa'(1) = 1: limits of either side set in at depths beyond 100, and are not used for `lmax_for`


@dataclass(frozen=True)
class HighDisorderLimit:
    """Limit of X / `scale` for kappa'(1) > 1: the atom u* at 0 and a density, of mean square d.

    `cdf`, `density` and `quantile` are those of the limit; `beyond` and `effective_support` predict X at the depth of
    the network, through the eigenvalue: X (X + d - 1) / scale^2 is the square of the limit. They are continuous, X
    jumps by 1, by 2 where odd or even multipoles vanish: P(X > k) at a multipole k is met half a jump further.

    Computed quantiles, placed in the middle of a jump, come close to those of the limit like q^-L: on S^2 the relative
    distance was measured as 0.35 q^-L or less for eight activations at the shares 0.9 to 0.99. P(X = 0) and what else
    is left at the lowest multipoles comes close like kappa'(u*)^L, or q^(-dL/2) where that is more. The law itself is
    computed to 1e-12; less with d, see `sphfield.spectra.hankel`.

    Raises
    ------
    ValueError
        If the network is of another regime. On use, if kappa'(1) is within about 1e-3 of 1, or if `dim` exceeds 16 for
        an activation with kinks that has no closed form.

    Examples
    --------
    >>> from sphfield import Hermite
    >>> law = HighDisorderLimit(Network(Hermite(2), 20))  # kappa = u^2: Z = 2^L, and X / scale is chi_2
    >>> law.scale, round(law.quantile(0.5), 12) == round(float(np.sqrt(2 * np.log(2))), 12)
    (1024.0, True)
    """

    network: Network
    dim: int = 2

    def __post_init__(self) -> None:
        _check(self.network, self.dim, Regime.HIGH)

    @property
    def atom(self) -> float:
        """u*, to which P(X = 0) tends."""
        return self.network.fixed_point()

    @property
    def scale(self) -> float:
        """The root of k'(1), which X is divided by."""
        return _root_slope(self.network)

    @property
    def law(self) -> RadialLaw:
        """The law of X / scale."""
        return _high_law(Network(self.network.activation, 1, self.network.bias_var), self.dim)

    def cdf(self, y: Any) -> Any:
        """P(X / scale <= y) in the limit, shape of y."""
        return 1.0 - self.law.beyond(y)

    def density(self, y: Any) -> Any:
        """Density of X / scale in the limit at y > 0, shape of y."""
        return self.law.density(y)

    def quantile(self, p: float) -> float:
        """Smallest y with P(X / scale <= y) >= p in the limit."""
        return self.law.support(1.0 - p)

    def beyond(self, k: Any) -> Any:
        """Predicted P(X > k), shape of k."""
        return self.law.beyond(_radius(k, self.dim) / self.scale)

    def effective_support(self, eta: float = 0.01) -> float:
        """The k beyond which the share `eta` of the variance is predicted to lie, not rounded."""
        return _multipole(self.scale * self.law.support(eta), self.dim)


@dataclass(frozen=True)
class SparseLimit:
    r"""Limit of the law of X for kappa'(1) = 1, smooth or with kinks of order 1 (ReLU).

    But for the share `mass` X is 0; given that, X / `scale` tends to sqrt(E) chi_d with an exponential E for a smooth
    layer, :math:`2 (y/\sqrt 2)^{d/2} K_{d/2}(\sqrt 2 y) / \Gamma(d/2)` beyond y, and to a law with a tail y^-3 with
    kinks. The mean of X (X + d - 1) is that at every depth, d (1 - b).

    A of the module's text tends to kappa''(1) L / 2, or c L / 2, with relative corrections like log(L) / L. Here it is
    such that the form is exact at u = 0: 1 - k_L(0) is computed. What remains is of the same order.
    Supports are good to a multipole or two.

    Raises
    ------
    ValueError
        If the network is of another regime.

    Examples
    --------
    >>> from sphfield import ReLU
    >>> limits = [SparseLimit(Network(ReLU(), depth)) for depth in (100, 10_000)]
    >>> [round(law.mass * law.network.depth**2, 1) for law in limits], round(4.5 * np.pi**2, 1)
    ([40.5, 44.3], 44.4)
    """

    network: Network
    dim: int = 2

    def __post_init__(self) -> None:
        _check(self.network, self.dim, Regime.SPARSE)

    @property
    def mass(self) -> float:
        """Share of the continuous law, to which P(X > 0) tends; a formula's factor that exceeds 1 at small depth."""
        start, t = 1.0 - self.network.bias_var, _at_equator(self.network)
        if _kinked(self.network):
            return float((t**-0.5 - start**-0.5) ** -2.0)
        return 1.0 / (1.0 / t - 1.0 / start)

    @property
    def atom(self) -> float:
        """Predicted P(X = 0): the law is cut half-way to the first multipole there is, 1 or 2."""
        return 1.0 - float(self.beyond(0.5 if self.network.degrees()[1] >= 0.0 else 1.0))

    @property
    def scale(self) -> float:
        """What X is divided by, the root of (1 - b) / mass."""
        return float(np.sqrt((1.0 - self.network.bias_var) / self.mass))

    @property
    def law(self) -> RadialLaw:
        """The law of X / scale at the depth of the network."""
        return _sparse_law(_kinked(self.network), self.dim).thinned(self.mass)

    def cdf(self, y: Any) -> Any:
        """P(X / scale <= y), shape of y."""
        return 1.0 - np.minimum(1.0, self.law.beyond(y))

    def density(self, y: Any) -> Any:
        """Density of X / scale at y > 0, shape of y."""
        return self.law.density(y)

    def quantile(self, p: float) -> float:
        """Smallest y with P(X / scale <= y) >= p."""
        return self.law.support(1.0 - p)

    def beyond(self, k: Any) -> Any:
        """Predicted P(X > k), shape of k."""
        return np.minimum(1.0, self.law.beyond(_radius(k, self.dim) / self.scale))

    def effective_support(self, eta: float = 0.01) -> float:
        """The k beyond which the share `eta` of the variance is predicted to lie, not rounded."""
        return _multipole(self.scale * self.law.support(eta), self.dim)


def limit(network: Network, *, dim: int = 2) -> LowDisorderLimit | SparseLimit | HighDisorderLimit:
    """The law that the multipole X of a network tends to, by its regime.

    Raises
    ------
    ValueError
        If there is none: for fractal networks, whose X grows beyond any scale, and for linear ones.

    Examples
    --------
    >>> from sphfield import Tanh
    >>> round(limit(Network(Tanh(), 60)).effective_support(0.1), 1)  # the computed one is 309
    309.0
    """
    regime = network.regime() if network.depth > 0 else Regime.LINEAR
    if regime is Regime.LOW:
        return LowDisorderLimit(network, dim)
    if regime is Regime.SPARSE:
        return SparseLimit(network, dim)
    if regime is Regime.HIGH:
        return HighDisorderLimit(network, dim)
    kind = "depth 0 is linear" if network.depth == 0 else f"it is {regime}"
    raise ValueError(f"{network!r} has no limiting law: {kind}; compute its spectrum at the depth of interest")


def lmax_for(network: Network, eta: float = 0.01, *, dim: int = 2) -> int:
    """Band limit beyond which about the share `eta` of the variance lies.

    From the limiting law; for fractal networks from the tail of the law; within 0.01 of kappa'(1) = 1, where limits set
    in late, from E[X (X + d - 1)] by Markov's inequality, which is too much rather than too little.

    Raises
    ------
    ValueError
        As the limiting law does; if `eta` is outside (0, 1) or below 1e-10.

    Examples
    --------
    >>> from sphfield import Step, Tanh
    >>> lmax_for(Network(Tanh(), 60), 0.001), lmax_for(Network(Step(), 2), 0.01)  # computed supports: 1013, 705
    (1014, 705)
    """
    if not 0.0 < eta < 1.0:
        raise ValueError(f"eta = {eta} must lie strictly between 0 and 1")
    dim, regime = check_dim(dim), network.regime() if network.depth > 0 else Regime.LINEAR
    if regime is Regime.LINEAR:
        return 1 if _root_slope(network) ** 2 > eta else 0
    if regime is Regime.FRACTAL:
        return _tail_reach(network, eta, dim)
    if regime is not Regime.SPARSE and abs(network.margin) < _NEAR:
        return ceil(_multipole(_root_slope(network) * np.sqrt(dim / eta), dim))
    return ceil(limit(network, dim=dim).effective_support(eta) - 1e-9)


def _check(network: Network, dim: int, regime: Regime) -> None:
    check_dim(dim)
    actual = network.regime() if network.depth > 0 else Regime.LINEAR
    if actual is not regime:
        raise ValueError(f"{network!r} is not {regime} but {actual}: use limit(network), which picks the right law")


def _root_slope(network: Network) -> float:
    # k'(1) overflows where its root need not
    rest = np.sqrt(1.0 - network.bias_var)
    return float(rest * np.exp(0.5 * network.depth * np.log(network.slope))) if network.depth else float(rest)


def _radius(k: Any, dim: int) -> Array:
    k = np.asarray(k, dtype=np.float64)
    return np.where(k < 0.0, -1.0, np.sqrt(np.maximum(k, 0.0) * (k + dim - 1.0)))


def _multipole(radius: float, dim: int) -> float:
    half = 0.5 * (dim - 1.0)
    return float(radius * radius / (half + np.hypot(radius, half)))


def _kinked(network: Network) -> bool:
    return any(order == 1 for _, order, _ in dual_of(network.activation).kinks)


@lru_cache(maxsize=256)
def _at_equator(network: Network) -> float:
    return float(NNGP(network).complement(1.0))


@lru_cache(maxsize=64)
def _high_law(network: Network, dim: int) -> RadialLaw:
    angle = ray(dim, complex_known=known_off_axis(network))
    return transformed_samples(poincare(network, sampling_step(dim, angle), angle), dim)


@lru_cache(maxsize=64)
def _sparse_law(kinked: bool, dim: int) -> RadialLaw:
    # A(z) of P = t / (1 + sqrt(t))^2 and of t / (1 + t)
    if kinked:
        return transformed(lambda z: np.log(2.0) + special.loggamma(2.0 * z + 2.0) + special.loggamma(-2.0 * z), dim)
    return transformed(lambda z: special.loggamma(1.0 + z) + special.loggamma(-z), dim)


def _tail_reach(network: Network, eta: float, dim: int) -> int:
    tail = tail_of(network, dim=dim)
    low, high = 0, 1
    while tail is not None and high < _FURTHEST and tail.beyond(high) > eta:
        low, high = high, 2 * high
    if tail is None or high == _FURTHEST:
        raise ValueError(f"{network!r} leaves more than eta = {eta} beyond lmax = {_FURTHEST:.0e}: use fewer layers")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if tail.beyond(middle) > eta else (low, middle)
    return high
