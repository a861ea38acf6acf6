"""Networks given by the variances of their weights: sigma_w, sigma_b in, a `Network` or an `Initialisation` out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sphfield.networks.activations import (
    Abs,
    Cosine,
    CosSin,
    Erf,
    Exp,
    Gaussian,
    Identity,
    LeakyReLU,
    ReLU,
    RePU,
    Sine,
)
from sphfield.networks.kinks import Kinks, found_kinks, panels, resolving
from sphfield.networks.network import Network
from sphfield.typing import Activation

__all__ = [
    "Initialisation",
    "Scaled",
    "at_scale",
    "edge_of_chaos",
    "from_weights",
    "unit_variance",
    "variance_fixed_point",
]

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


def at_scale(activation: Activation, scale: float) -> Activation:
    """The function z -> sigma(scale z), up to a factor, as a member of its family where that is closed under scaling.

    Examples
    --------
    >>> from sphfield import Gaussian, ReLU, Tanh
    >>> at_scale(ReLU(), 2.0), at_scale(Gaussian(1.0), 2.0), at_scale(Tanh(), 2.0)
    (ReLU(), Gaussian(a=4.0), Scaled(activation=Tanh(), scale=2.0))
    """
    if scale == 1.0 or isinstance(activation, ReLU | LeakyReLU | Abs | RePU | Identity):
        return activation
    if isinstance(activation, Gaussian):
        return replace(activation, a=activation.a * scale**2)
    if isinstance(activation, Sine | Cosine | CosSin | Exp | Erf):
        return replace(activation, a=activation.a * scale)
    return Scaled(activation, scale)


def _second_moment(activation: Activation, scale: float) -> float:
    # E[sigma(scale Z)^2]
    places = tuple(place / scale for place, _, _ in found_kinks(activation))
    z, w = panels(places, resolving(lambda z: activation(scale * z), places))
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


@dataclass(frozen=True)
class Initialisation:
    """Standard deviations of what a network is drawn from, as in Murray et al. (arXiv 2211.07844), section 2.

    Preactivations are gamma_w W x + gamma_b b in the first layer, for inputs of norm 1, and
    sigma_w W sigma(...) / sqrt(width) + sigma_b b in all others, with standard normal entries of W and b.
    `unit_variance` and `edge_of_chaos` find the values that an activation keeps its variance with; others are allowed.

    Raises
    ------
    ValueError
        If one is negative or not finite, or one of the weights is 0.
    """

    gamma_w: float = 1.0
    gamma_b: float = 0.0
    sigma_w: float = 1.0
    sigma_b: float = 0.0

    def __post_init__(self) -> None:
        for name in ("gamma_w", "gamma_b", "sigma_w", "sigma_b"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0.0):
                raise ValueError(f"{name} = {value} must be finite and not negative: it is a standard deviation")
            if value == 0.0 and name.endswith("w"):
                raise ValueError(f"{name} = 0 leaves nothing of the inputs: give a positive one")
            if 0.0 < value < 1e-30:
                raise ValueError(f"{name} = {value} is lost beside 1 in every sum: use 0, or 1e-30 and more")
            object.__setattr__(self, name, float(value))

    def variances(self, activation: Activation, depth: int) -> tuple[float, ...]:
        """Variance q of the preactivations of layers 1 ... depth + 1; within 1e-12 of 1 it is 1.

        Examples
        --------
        >>> from sphfield import ReLU
        >>> Initialisation(sigma_w=1.0).variances(ReLU(), 2)  # it halves
        (1.0, 0.5, 0.25)
        """
        q = _near_one(self.gamma_w**2 + self.gamma_b**2)
        found = [q]
        for _ in range(depth):
            q = _near_one(self.sigma_w**2 * _second_moment(activation, float(np.sqrt(q))) + self.sigma_b**2)
            found.append(q)
        return tuple(found)


def _near_one(q: float) -> float:
    return 1.0 if abs(q - 1.0) < 1e-12 else float(q)


def unit_variance(activation: Activation, sigma_w: float | None = None, gamma_b: float = 0.0) -> Initialisation:
    """The one that keeps all variances 1: gamma_w^2 = 1 - gamma_b^2, sigma_b^2 = 1 - sigma_w^2 E[sigma(Z)^2].

    Parameters
    ----------
    activation
        Any.
    sigma_w
        Of the weights; the largest possible, which leaves no biases, if absent.
    gamma_b
        Of the biases of the first layer.

    Raises
    ------
    ValueError
        If `sigma_w` is too large, naming the largest, or `gamma_b` is not in [0, 1).

    Examples
    --------
    >>> from sphfield import ReLU
    >>> unit_variance(ReLU(), 1.0).sigma_b ** 2
    0.5000000000000001
    >>> unit_variance(ReLU())
    Initialisation(gamma_w=1.0, gamma_b=0.0, sigma_w=1.414213562373095, sigma_b=0.0)
    """
    if not 0.0 <= gamma_b < 1.0:
        raise ValueError(f"gamma_b = {gamma_b} must lie in [0, 1): gamma_w^2 + gamma_b^2 = 1")
    gamma_w, variance = float(np.sqrt(1.0 - gamma_b**2)), Network(activation, 1).activation_variance
    largest = float(1.0 / np.sqrt(variance))
    if sigma_w is None:
        return Initialisation(gamma_w, gamma_b, largest, 0.0)
    rest = 1.0 - sigma_w**2 * variance
    if not rest >= -1e-12:
        raise ValueError(
            f"sigma_w = {sigma_w} alone gives the variance {1.0 - rest:.6g}: for variance 1 use sigma_w <= {largest!r}"
        )
    return Initialisation(gamma_w, gamma_b, sigma_w, float(np.sqrt(max(0.0, rest))) if rest > 1e-15 else 0.0)


def edge_of_chaos(activation: Activation, gamma_b: float = 0.0) -> Initialisation:
    """The initialisation of unit variance with kappa'(1) = 1: sigma_w^2 = 1 / E[sigma'(Z)^2], the rest in biases.

    Raises
    ------
    ValueError
        If the activation jumps, or is low-disorder: its slope is below 1 at any bias.

    Examples
    --------
    >>> from sphfield import Tanh
    >>> round(edge_of_chaos(Tanh()).sigma_b ** 2, 6)  # Network(Tanh(), 1).critical_bias
    0.150965
    """
    network = Network(activation, 1)
    if network.slope == np.inf:
        raise ValueError(f"E[sigma'(Z)^2] of {activation!r} is infinite: an activation that jumps has no edge of chaos")
    if network.slope < 1.0 - 1e-12:
        raise ValueError(
            f"kappa'(1) of {activation!r} is {network.slope:.6g} without biases, which lower it: at variance 1 it "
            "has no edge of chaos; use unit_variance, or rescale its argument"
        )
    return unit_variance(activation, float(1.0 / np.sqrt(network.slope * network.activation_variance)), gamma_b)
