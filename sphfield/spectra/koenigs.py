r"""Low-disorder networks in, the spectrum that their fields have at great depth out, and the law of X that it implies.

With q = kappa'(1) < 1 depth multiplies small t = 1 - u by q, and (1 - k_L(u)) / k_L'(1) tends to the Koenigs function
S(u), S(kappa(u)) = q S(u): what is left of the field beside a random constant has the covariance mean(S) - S(u).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from sphfield.networks.kernels import NNGP, NNGPSlope
from sphfield.networks.network import Network, Regime
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.quadrature import means_by_quadrature
from sphfield.spectra.spectrum import Spectrum
from sphfield.spectra.sphere import check_dim
from sphfield.typing import Array

__all__ = ["Koenigs", "KoenigsSlope", "LowDisorderLimit", "koenigs", "koenigs_spectrum"]

_LAYERS = 5_000


@dataclass(frozen=True)
class LowDisorderLimit:
    """Limit of the law of X for kappa'(1) < 1: X = 0 but for a share of the order k'(1), that of `koenigs_spectrum`.

    Nothing is rescaled: `scale` is 1, the law lives on the multipoles themselves and has no density. The relative error
    of the predictions falls like kappa'(1)^L.

    Raises
    ------
    ValueError
        If the network is of another regime. On use, if kappa'(1) is within about 1e-2 of 1.

    Examples
    --------
    >>> from sphfield import Gaussian
    >>> law = LowDisorderLimit(Network(Gaussian(2.0), 20))
    >>> round(float(law.beyond([1, 2])[0] - law.beyond([1, 2])[1]) / 0.8**20, 8)  # D_2 / q^L
    0.04303701
    """

    network: Network
    dim: int = 2

    def __post_init__(self) -> None:
        check_dim(self.dim)
        _check_low(self.network)

    @property
    def atom(self) -> float:
        """Predicted P(X = 0)."""
        return 1.0 - float(self.beyond(0.0))

    @property
    def scale(self) -> float:
        """1: X is not divided."""
        return 1.0

    def beyond(self, k: Any) -> Any:
        """Predicted P(X > k), shape of k, for k up to 10^4."""
        k = np.asarray(k, dtype=np.float64)
        shares = self._shares(int(np.max(k, initial=0.0)))
        return np.where(k < 0.0, 1.0, shares[np.maximum(k, 0.0).astype(np.intp)])

    def cdf(self, y: Any) -> Any:
        """Predicted P(X <= y), shape of y."""
        return 1.0 - self.beyond(y)

    def quantile(self, p: float) -> float:
        """Smallest k with P(X <= k) >= p as predicted."""
        if not 0.0 < p < 1.0:
            raise ValueError(f"p = {p} must lie strictly between 0 and 1")
        return self.effective_support(1.0 - p)

    def effective_support(self, eta: float = 0.01) -> float:
        """Smallest k beyond which at most the share `eta` of the variance is predicted to lie."""
        if not 0.0 < eta < 1.0:
            raise ValueError(f"eta = {eta} must lie strictly between 0 and 1")
        last = 31
        while (shares := self._shares(last))[-1] > eta:
            last = 2 * last + 1
        return float(np.argmax(shares <= eta))

    def _shares(self, last: int) -> Array:
        # of the variance beyond ell = 0 ... last or more
        lmax = max(31, (1 << last.bit_length()) - 1)
        if lmax > 16383:
            raise ValueError(f"{self.network!r}: its low-disorder law is given up to ell = 10^4, not {last}")
        layer = Network(self.network.activation, 1, self.network.bias_var)
        return NNGP(self.network).slope_at_one * _shares_beyond(layer, lmax, self.dim)


@lru_cache(maxsize=64)
def _shares_beyond(network: Network, lmax: int, dim: int) -> Array:
    # quadrature on S^2: absolute accuracy is what a law needs
    s = angular_spectrum(koenigs(network, dim), lmax, dim=dim, method="quadrature" if dim == 2 else "auto")
    power = s.variance * np.append(s.law, s.tail)
    return np.asarray(np.cumsum(power[::-1])[::-1][1:])


def koenigs_spectrum(network: Network, lmax: int, *, dim: int = 2) -> Spectrum:
    """Spectrum of a deep low-disorder field less its mean, per k'(1); it does not depend on the depth of the network.

    That of the limit of (T_L - monopole) / k_L'(1)^(1/2) with k_L'(1) = (1 - b) kappa'(1)^L: of -S for ell >= 1, 0 at
    ell = 0. Its variance is the mean of S over S^dim, and the sum of ell (ell + d - 1) n_ell C_ell / omega_d is d.

    Raises
    ------
    ValueError
        If the network is not low-disorder, or kappa'(1) is within about 1e-2 of 1.

    Examples
    --------
    >>> from sphfield import Gaussian
    >>> s = koenigs_spectrum(Network(Gaussian(2.0), 1), 100)
    >>> round(float(s.variance * s.law[2]), 8)  # D_2 / q^L
    0.04303701
    """
    return angular_spectrum(koenigs(network, check_dim(dim)), lmax, dim=dim)


@dataclass(frozen=True)
class Koenigs:
    """The kernel `level` - S(u) that a low-disorder network has at great depth, per k'(1), without its monopole.

    It wraps the network `deep`, so deep that 1 - k(u) is S(u) k'(1) to rounding, and offers what `NNGP` offers; made by
    `koenigs`.
    """

    deep: Network
    level: float

    @property
    def _kernel(self) -> NNGP:
        return NNGP(self.deep)

    @property
    def _unit(self) -> float:
        return self._kernel.slope_at_one

    def __call__(self, u: Any) -> Any:
        return self.level - self.complement(1.0 - np.asarray(u, dtype=np.float64))

    def complement(self, t: Any) -> Any:
        """S(1 - t), relative to itself."""
        return self._kernel.complement(t) / self._unit

    def rise(self, t: Any) -> Any:
        """As `NNGP.rise`."""
        return self._kernel.rise(t) / self._unit

    def rise_south(self, t: Any) -> Any:
        """As `NNGP.rise_south`."""
        return self._kernel.rise_south(t) / self._unit

    @property
    def branch(self) -> float | None:
        """Where S is first singular: next to the fixed point of kappa beyond 1, where it is infinite.

        None with kinks, which add singularities with every layer: quadrature serves them.
        """
        return self._kernel.branch if self.cri == np.inf else None

    @property
    def height(self) -> float:
        return self._kernel.height

    @property
    def bias(self) -> float:
        return self.deep.bias_var

    @property
    def derivative(self) -> KoenigsSlope:
        """The kernel -S'(u)."""
        return KoenigsSlope(self.deep)

    @property
    def slope_at_one(self) -> float:
        """-S'(1) = 1, whatever the network."""
        return 1.0

    def log_derivatives(self, order: int) -> tuple[float, ...]:
        """Logarithms of the derivatives at u = 1 of orders 0 ... `order`."""
        of_deep = self.deep.log_derivatives(order)
        return (float(np.log(self.level)), *(log - of_deep[1] for log in of_deep[1:]))

    @property
    def error(self) -> float:
        return self._kernel.error / self._unit

    @property
    def rounding(self) -> float:
        return self._kernel.rounding

    @property
    def cri(self) -> float:
        return self._kernel.cri

    def vanishes(self, ell: Any) -> Any:
        """True at ell = 0, and where it is for the network."""
        return self._kernel.vanishes(ell) | (np.asarray(ell) == 0)

    def log_coefficients(self, n: int) -> tuple[Array, float] | None:
        """As `NNGP.log_coefficients`; the constant term is left out."""
        found = self._kernel.log_coefficients(n) if self.cri == np.inf else None
        if found is None:
            return None
        logs = found[0] - np.log(self._unit)
        logs[:1] = -np.inf
        # what the coefficients miss of S(0), their sum
        return logs, max(0.0, float(self.complement(1.0)) - float(np.exp(logs).sum()))

    def series_cost(self, n: int) -> float:
        """As `NNGP.series_cost`."""
        return self._kernel.series_cost(n)

    @property
    def series_rounding(self) -> float:
        return self._kernel.series_rounding


@dataclass(frozen=True)
class KoenigsSlope:
    """-S'(u), a kernel that is 1 at u = 1."""

    deep: Network

    def __call__(self, u: Any) -> Any:
        return NNGPSlope(self.deep)(u) / NNGP(self.deep).slope_at_one

    def complement(self, t: Any) -> Any:
        """S'(1 - t) - S'(1)."""
        return NNGPSlope(self.deep).complement(t) / NNGP(self.deep).slope_at_one


def koenigs(network: Network, dim: int = 2) -> Koenigs:
    """The Koenigs kernel of a low-disorder network, its level the mean of S over S^dim; whatever its depth.

    Raises
    ------
    ValueError
        If the network is not low-disorder, or kappa'(1) is so close to 1 that it takes more than 5000 layers.

    Examples
    --------
    >>> from sphfield import Gaussian
    >>> k, q = koenigs(Network(Gaussian(2.0), 3)), 0.8
    >>> round(float(k.complement(1.0)), 14), round((1 - q) / 2, 14)  # (1 - q) (1 - u^2) / 2 (1 - q u^2) at u = 0
    (0.1, 0.1)
    """
    _check_low(network)
    deep = Network(network.activation, _enough_layers(network), network.bias_var)
    mean_square, _ = means_by_quadrature(Koenigs(deep, 0.0), 0, dim)
    return Koenigs(deep, -float(mean_square[0]))


def _enough_layers(network: Network) -> int:
    # 1 - kappa(1 - t) = q t - c t^beta + ...: the next term of S relative to t, c t^(beta-1) / (q - q^beta), is to be
    # 1e-17, and is 1e-8 before it is lost in rounding; one layer more for u < 0
    q, beta = network.slope, min(2.0, Network(network.activation, 1).cri)
    t, bent, layers = 1.0, 1.0, 1
    while bent > 1e-8 and layers <= _LAYERS:
        image = float(network.layer_complement(t))
        bent = abs(1.0 - image / (q * t)) / (1.0 - q ** (beta - 1.0))
        t, layers = image, layers + 1
    layers += int(np.ceil(max(0.0, np.log(1e17 * max(bent, 1e-17))) / ((1.0 - beta) * np.log(q))))
    if layers > _LAYERS:
        raise ValueError(
            f"kappa'(1) = {q:.6g} of {network.activation!r} is so close to 1 that the low-disorder limit sets in after "
            f"{_LAYERS} layers only: compute the spectrum at the depth of interest"
        )
    return layers


def _check_low(network: Network) -> None:
    if network.regime() is not Regime.LOW:
        raise ValueError(f"{network!r} is not low-disorder but {network.regime()}: see sphfield.spectra.limits.limit")
