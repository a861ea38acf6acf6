r"""High-disorder networks in, samples of P out: the change of variable in which a layer multiplies by kappa'(1).

With q = kappa'(1) > 1 there is one solution of P(q t) = 1 - kappa(1 - P(t)) with P(0) = 0, P'(0) = 1 (Poincare): depth
multiplies small t = 1 - u by q, and 1 - k_L(1 - t) tends to P(q^L t).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sphfield.networks.hermite import dual_of
from sphfield.networks.network import Network, Regime
from sphfield.networks.polar import PolarDual
from sphfield.spectra.hankel import Samples

__all__ = ["known_off_axis", "poincare"]

_SLOWEST = 1e-3  # log(q): 10^5 layers from P(t) = t to the fixed point
_FAR = 150.0  # log(t) from where on t^(-1/4) is nothing


def known_off_axis(network: Network) -> bool:
    """Whether kappa(u) is known for complex u: not for an activation with kinks that has no closed form."""
    sigma = network.activation
    return hasattr(sigma, "dual_continue") or not isinstance(dual_of(sigma), PolarDual)


def poincare(network: Network, step: float, angle: float = 0.0) -> Samples:
    """P(t) of a high-disorder network at t = exp(x + i `angle`), for x `step` apart or less; whatever its depth.

    One orbit of kappa is a row of samples log(q) apart. It starts where P(t) = t to rounding and ends where it has
    arrived at the fixed point 1 - u*. Relative error about 1e-14 on the real axis.

    Raises
    ------
    ValueError
        If the network is not high-disorder, or kappa'(1) is so close to 1 that it takes some 10^5 layers.
    """
    if network.regime() is not Regime.HIGH:
        raise ValueError(f"{network!r} is not high-disorder but {network.regime()}: its layers do not expand")
    layer = _layer(network, angle)
    first, direction = _linear_below(network), np.exp(1j * angle) if angle else 1.0
    t = np.atleast_1d(np.exp(first) * direction)
    rate = float(np.log(abs(layer(t) / t)[0]))  # log(q) with the rounding that the orbit has
    if rate < _SLOWEST:
        raise ValueError(
            f"kappa'(1) = {network.slope:.6g} of {network.activation!r} is so close to 1 that the high-disorder limit "
            "sets in after thousands of layers only: compute the spectrum at the depth of interest"
        )
    rows = max(1, int(np.ceil(rate / step)))
    t = np.exp(first + rate / rows * np.arange(rows)) * direction
    orbit = [t]
    while first + rate * len(orbit) < _FAR:
        t = layer(t)
        orbit.append(t)
        if (np.abs(t - orbit[-2]) <= 4e-16 * np.abs(t)).all():
            break
    stride = max(1, int(step / rate)) if rows == 1 else 1
    return Samples(first, rate / rows * stride, angle, np.concatenate(orbit)[::stride], 1.0 - network.fixed_point())


def _linear_below(network: Network) -> float:
    """Logarithm of a t at which P(t) = t to rounding: the next term is t^(beta-1) c / (q^beta - q) of it."""
    beta, t = min(2.0, Network(network.activation, 1).cri), 1e-4
    bent = 1.0 - float(network.layer_complement(t)) / (network.slope * t)
    first = (np.log(1e17) + np.log(max(bent, 1e-300) / (network.slope ** (beta - 1.0) - 1.0))) / (1.0 - beta)
    return float(min(-40.0, first + np.log(t)))


def _layer(network: Network, angle: float) -> Any:
    if angle == 0.0:
        return network.layer_complement
    sigma: Any = network.activation
    gain = network.gain
    known = sigma.dual_continue if hasattr(sigma, "dual_continue") else dual_of(sigma).dual_complement
    if not 0.0 < getattr(sigma, "dual_branch", 0.0) < np.inf:
        return lambda t: gain * known(t)
    # differences of arcsines lose the digits of a small complex t, an integral over the slope does not
    x, weight = np.polynomial.legendre.leggauss(10)

    def continued(t: Any) -> Any:
        mean = 0.5 * network.layer_slope(1.0 - 0.5 * np.multiply.outer(t, 1.0 + x)) @ weight
        return np.where(np.abs(t) < 0.02 * min(1.0, sigma.dual_branch), t * mean, gain * known(t))

    return continued
