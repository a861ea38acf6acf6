r"""Where the spectral law of a kinked network ends: an activation's kinks and a depth in, constant and exponent out.

A kink of sigma makes the covariance singular at u = 1, k(1 - t) = polynomial + c t^beta + ..., where beta is the
covariance regularity index, and, unless biases are in the way, at u = -1 too with a constant c'. On S^d that is a law

.. math:: P(X = \ell) \sim \frac{2^{\beta+1} \Gamma(\beta + d/2)}{\Gamma(d/2) \Gamma(-\beta)}
          \bigl[c + (-1)^\ell c'\bigr] \bigl(\ell + \tfrac{d-1}{2}\bigr)^{-2\beta-1}.

The next term is smaller by ell^-2; for steps (beta < 1) at depth L >= 2 by ell^(-2 (1/2 - 2^-L)) if the other end of
the sphere is singular, and by ell^(-2^(2-L)). Steps: Di Lillo, Marinucci, Salvi, Vigogna, arXiv 2504.06250; the
constants are derived, see docs/law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from sphfield.networks.hermite import dual_of
from sphfield.networks.network import Network
from sphfield.spectra.sphere import check_dim
from sphfield.typing import Array

__all__ = ["Tail", "tail_of"]

_SAME = 1e-7  # kinks that are found, not declared, are known to nine digits


@dataclass(frozen=True)
class Tail:
    """Power law that the spectral law tends to: a constant each for even and odd ell, times x^(-2 cri - 1).

    Here x = ell + (d - 1) / 2: the shift makes the next term ell^-2, not 1/ell, smaller.

    Parameters
    ----------
    cri
        Covariance regularity index beta.
    even, odd
        The constants; 0 where the parity is absent or falls faster.
    dim
        d, the dimension of the sphere S^d.

    Examples
    --------
    >>> from sphfield import Network, ReLU
    >>> tail = tail_of(Network(ReLU(), 3))
    >>> round(0.5 * (tail.even + tail.odd) * np.pi, 12)  # 3 L
    9.0
    """

    cri: float
    even: float
    odd: float
    dim: int = 2

    def law(self, ell: Any) -> Array:
        """P(X = ell) for large ell, shape of `ell`."""
        ell = np.asarray(ell, dtype=np.float64)
        x = ell + 0.5 * (self.dim - 1.0)
        return np.asarray(np.where(ell % 2.0 == 0.0, self.even, self.odd) * x ** -(2.0 * self.cri + 1.0))

    def beyond(self, lmax: float) -> float:
        """Share of the variance at ell > lmax, the sum of `law`."""
        return self.moment_beyond(0.0, lmax)

    def moment_beyond(self, r: float, lmax: float) -> float:
        """Sum of ell^r law(ell) over ell > lmax; ``inf`` if r >= 2 cri.

        Examples
        --------
        >>> from sphfield import Network, ReLU
        >>> tail = tail_of(Network(ReLU(), 1))
        >>> tail.moment_beyond(3.0, 100)
        inf
        """
        return self.weighted_beyond(r, 0.0, lmax)

    def energy_beyond(self, s: float, lmax: float) -> float:
        """Sum of (ell (ell + d - 1))^s law(ell) over ell > lmax; ``inf`` if s >= cri."""
        return self.weighted_beyond(s, s, lmax)

    def weighted_beyond(self, a: float, b: float, lmax: float) -> float:
        """Sum of ell^a (ell + d - 1)^b law(ell) over ell > lmax, right to rounding; ``inf`` if a + b >= 2 cri."""
        first = np.floor(lmax) + 1.0
        if a + b >= 2.0 * self.cri:
            return np.inf
        # term by term up to 32 (d + 1), from where on the weight is a short series in (d - 1) / 2 x
        ell = np.arange(first, 32.0 * (self.dim + 1.0))
        total = float(np.sum(ell**a * (ell + self.dim - 1.0) ** b * self.law(ell)))
        start = max(first, 32.0 * (self.dim + 1.0))
        for k, c in enumerate(_weights(a, b, 0.5 * (self.dim - 1.0) / start)):
            total += c * start**k * self._powers(2.0 * self.cri + 1.0 - a - b + k, start)
        return float(total)

    def _powers(self, exponent: float, first: float) -> float:
        # sum over ell >= first of the parity's constant times x^-exponent: Hurwitz' zeta function on every second ell
        x = first + 0.5 * (self.dim - 1.0)
        constants = (self.even, self.odd) if first % 2.0 == 0.0 else (self.odd, self.even)
        sums = 2.0**-exponent * special.zeta(exponent, 0.5 * (x + np.array([0.0, 1.0])))
        return float(np.dot(constants, sums))


def _weights(a: float, b: float, y: float) -> Array:
    """Coefficients of (1 - y z)^a (1 + y z)^b in z, as far as they matter at z = 1 for y <= 1/64."""
    k = np.arange(40.0)
    minus, plus = special.binom(a, k) * (-y) ** k, special.binom(b, k) * y**k
    series = np.convolve(minus, plus)[:40]
    return np.asarray(series[: 1 + np.flatnonzero(np.abs(series) > 1e-20)[-1]])


def tail_of(network: Network, *, dim: int = 2) -> Tail | None:
    r"""How the spectral law of the covariance of `network` ends on S^dim; None if it has no kink and ends faster.

    Only the kinks of the lowest order count. Layers add up their singular terms, each seen through the slope q of the
    others: :math:`c_L = c_1 q^{L-1} (q^{L(\beta-1)} - 1) / (q^{\beta-1} - 1)`, L c_1 for ReLU; below beta = 1 they
    compose, :math:`c_L = -|c_1| |c_{L-1}|^\beta`. The antipode is seen by the first layer only.

    The law comes close to this where ell exceeds d, the reach q^(L/2) of a high-disorder law, L for sparse
    networks, and the inverse distance between kinks.

    Examples
    --------
    >>> from sphfield import Network, ReLU, Step, Tanh
    >>> tail = tail_of(Network(ReLU(), 1))  # 6 (1 + (-1)^ell) (ell + 1/2)^-5 times (2 ell + 1) / 4 pi
    >>> tail.cri, round(tail.even, 12) == round(6 / np.pi, 12), tail.odd
    (1.5, True, 0.0)
    >>> tail_of(Network(Step(), 3)).cri, tail_of(Network(Tanh(), 3))
    (0.125, None)
    """
    dim, kinks = check_dim(dim), dual_of(network.activation).kinks
    if network.depth == 0 or not kinks:
        return None
    north, south = _composed(network, *_one_layer(network, kinks))
    beta = network.cri
    unit = float(2.0 ** (beta + 1.0) * special.poch(0.5 * dim, beta) * special.rgamma(-beta))
    # exact zeros where a parity is absent, beyond the range of doubles too
    even, odd = (0.0 if a == -b else float(unit * (a + b)) for a, b in ((north, south), (north, -south)))
    return Tail(beta, even, odd, dim)


def _one_layer(network: Network, kinks: Any) -> tuple[float, float]:
    """Constants of t^beta in kappa(1 - t) and kappa(-1 + t).

    kappa^(r) is E[f(Z) f(Z')] with f = sigma^(r), which jumps by J at x: both arguments are on the same side of it but
    for a probability phi(x) sqrt(t / pi). At u = -1 the second is -Z', whose jumps are -J at -x.
    """
    order = min(r for _, r, _ in kinks)
    lowest = [(x, jump) for x, r, jump in kinks if r == order]
    rising = 1.0 / float(np.prod(np.arange(order) + 1.5))  # integrates sqrt(t) order times
    scale = network.gain * rising / (np.sqrt(2.0) * np.pi)
    same = sum(jump * jump * np.exp(-0.5 * x * x) for x, jump in lowest)
    mirrored = sum(
        jump * other * np.exp(-0.5 * x * x) for x, jump in lowest for y, other in lowest if abs(x + y) <= _SAME
    )
    return (1.0 if order % 2 else -1.0) * scale * same, scale * mirrored


def _composed(network: Network, north: float, south: float) -> tuple[float, float]:
    """The constants at the depth of the network, from those of one layer."""
    even, odd = network.degrees()
    rest, depth, slope = 1.0 - network.bias_var, network.depth, network.slope
    first, layer = network.cri if depth == 1 else Network(network.activation, 1).cri, north
    with np.errstate(over="ignore", under="ignore"):
        if first < 1.0:
            size = rest
            for _ in range(depth):
                size = abs(layer) * size**first
            north = -size
        else:
            steps = np.log(slope) * (first - 1.0)
            ratio = np.expm1(depth * steps) / np.expm1(steps) if steps != 0.0 else float(depth)
            north = float(layer * np.float64(slope) ** (depth - 1) * ratio * rest**first)
    if network.bias_var > 0.0:
        return north, 0.0  # the first layer's argument stays above -1
    if even < 0.0 or odd < 0.0:
        return north, -north if even < 0.0 else north
    if depth > 1 and first < 1.0:
        return north, 0.0  # t^(1/2), beside the deeper singularity at u = 1
    # what the first layer maps u = -1 to is an inner point, on which the others are smooth
    t = 2.0
    for _ in range(depth - 1):
        t = float(network.layer_complement(t))
        south *= float(network.layer_slope(1.0 - t))
    return north, south
