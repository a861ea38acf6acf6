"""Networks given by the variances of their weights: sigma_w, sigma_b in, an equivalent `Network` out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sphfield.networks.kinks import Kinks, found_kinks, panels
from sphfield.networks.network import Network
from sphfield.typing import Activation

__all__ = ["Scaled", "from_weights", "variance_fixed_point"]

_LAYERS = 3000


@dataclass(frozen=True)
class Scaled:
    """z -> sigma(scale z): an activation whose inputs have the standard deviation `scale`.

    Examples
    --------
    >>> from sphfield import Sine
    >>> Scaled(Sine(1.0), 2.0)(0.25) == Sine(2.0)(0.25)
    np.True_
    """

    activation: Activation
    scale: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"scale = {self.scale} must be positive and finite")

    def __call__(self, z: Any) -> Any:
        return self.activation(self.scale * np.asarray(z))

    @property
    def kinks(self) -> Kinks:
        return tuple((x / self.scale, r, jump * self.scale**r) for x, r, jump in found_kinks(self.activation))


def _second_moment(activation: Activation, scale: float) -> float:
    # E[sigma(scale Z)^2]
    z, w = panels(tuple(place / scale for place, _, _ in found_kinks(activation)))
    with np.errstate(over="ignore"):
        squares = np.square(np.asarray(activation((scale * z).ravel()), dtype=np.float64)).reshape(z.shape)
    return float(np.sum(w * np.exp(-0.5 * z * z) * squares) / np.sqrt(2.0 * np.pi))


def variance_fixed_point(activation: Activation, sigma_w: float, sigma_b: float = 0.0) -> float:
    """The variance q* = sigma_w**2 E[sigma(sqrt(q*) Z)**2] + sigma_b**2 that layer after layer settles at from q = 1.

    Accuracy: relative 1e-13 where the iteration contracts.

    Raises
    ------
    ValueError
        If the parameters are negative, or the variance grows without bound or dies out.

    Examples
    --------
    >>> from sphfield import ReLU
    >>> round(variance_fixed_point(ReLU(), np.sqrt(2.0)), 12), round(variance_fixed_point(ReLU(), 1.0, 0.5), 12)
    (1.0, 0.5)
    """
    for name, value in (("sigma_w", sigma_w), ("sigma_b", sigma_b)):
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"{name} = {value} must be finite and not negative")
    q = 1.0
    for _ in range(_LAYERS):
        after = sigma_w**2 * _second_moment(activation, np.sqrt(q)) + sigma_b**2
        if not 1e-12 < after < 1e12:
            end = "dies out" if after <= 1e-12 else "grows without bound"
            raise ValueError(
                f"with sigma_w = {sigma_w:.6g}, sigma_b = {sigma_b:.6g} the variance {end} with depth: "
                "no network of unit variance is equivalent; change sigma_w, or add a bias"
            )
        if abs(after - q) <= 1e-15 * q:
            return float(after)
        q = float(after)
    raise ValueError(
        f"the variance has not settled after {_LAYERS} layers with sigma_w = {sigma_w:.6g}, sigma_b = {sigma_b:.6g}: "
        "they lie on a critical line, change one of them"
    )


def from_weights(activation: Activation, depth: int, sigma_w: float, sigma_b: float = 0.0) -> Network:
    """The network with weights of variance sigma_w**2 / width and biases of variance sigma_b**2 in every layer.

    At the variance q* that its layers settle at, it is a `Network` of unit variance with the activation
    sigma(sqrt(q*) z) and the share sigma_b**2 / q* of the variance in biases; its kernel is the covariance divided
    by q*.

    Raises
    ------
    ValueError
        As `variance_fixed_point`; and if there are biases only.

    Examples
    --------
    >>> from sphfield import ReLU, Tanh
    >>> from_weights(ReLU(), 3, sigma_w=np.sqrt(2.0)).regime()
    <Regime.SPARSE: 'sparse'>
    >>> from_weights(Tanh(), 3, sigma_w=1.5, sigma_b=0.05).regime()
    <Regime.HIGH: 'high-disorder'>
    """
    q = variance_fixed_point(activation, sigma_w, sigma_b)
    if abs(q - 1.0) < 1e-14:
        return Network(activation, depth, sigma_b**2)
    return Network(Scaled(activation, float(np.sqrt(q))), depth, sigma_b**2 / q)
