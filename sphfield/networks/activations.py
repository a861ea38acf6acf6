"""The catalogue of activations: z -> sigma(z), each with its dual kernel where a closed form exists.

An activation is any elementwise function of an array. One that knows more says so by optional members, and the rest
of the project uses what it finds (Z, Z' are standard normal with correlation u, and t = 1 - u):

* ``dual(u)``: E[sigma(Z) sigma(Z')];
* ``dual_slope(u)``: its derivative, E[sigma'(Z) sigma'(Z')];
* ``dual_complement(t)``: dual(1) - dual(1 - t), right to rounding *relative* to itself;
* ``dual_slope_complement(t)``: dual_slope(1) - dual_slope(1 - t), likewise;
* ``dual_continue(t)``: ``dual_complement`` for complex t, where that function itself is real;
* ``dual_south(t)``: dual(1) - dual(-1 + t) for complex t, and ``dual_slope_south(t)``, that of the slope: for an
  activation with a kink that is neither even nor odd, whose kernel bends at u = -1;
* ``dual_branch``: how far beyond u = 1 its dual kernel is first singular: 0 with a kink, inf if entire;
* ``dual_derivative(r)``: r-th derivative of ``dual`` at 1, where the power series of a kinked sigma converges slowly;
* ``dual_coefficients(n)``: squared Hermite coefficients mu_p**2 for p < n: dual(u) = sum_p mu_p**2 u**p;
* ``dual_height``: Re zeta, u = cosh(zeta), to which ``dual_continue`` has all its digits; 2 if absent;
* ``dual_log_coefficients(n)``: their logarithms, where they leave the range of doubles;
* ``degrees``: largest even and largest odd p with mu_p != 0; -1 if there is none;
* ``kinks``: where sigma is not smooth: (z, order of the first derivative that jumps, size of the jump).

Closed forms: docs/theory, "Activations". To add an activation write it here and put its name in ``__all__``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from scipy import special

from sphfield.networks import elu, repu
from sphfield.networks.hermite import (
    cosech_coefficients,
    hermite_coefficients,
    log_cosech_coefficients,
    log_silu_coefficients,
    silu_coefficients,
)
from sphfield.networks.kinks import Kinks, panels
from sphfield.typing import Activation, Array

__all__ = [
    "Abs",
    "Arctan",
    "CosSin",
    "Cosine",
    "ELU",
    "Erf",
    "Exp",
    "GELU",
    "Gaussian",
    "Hermite",
    "Identity",
    "LeakyReLU",
    "Mish",
    "RePU",
    "ReLU",
    "SELU",
    "SiLU",
    "Sigmoid",
    "Sign",
    "Sine",
    "Softplus",
    "Softsign",
    "Step",
    "Tanh",
]

Degrees = tuple[float, float]
INF = float("inf")
_SERIES = tuple(2.0 * k / math.factorial(2 * k + 1) for k in range(8, 0, -1))


def _angle(t: Any) -> Any:
    # arccos(1 - t) without the cancellation at small t
    return 2.0 * np.arcsin(np.sqrt(0.5 * t))


def _sin_minus_theta_cos(theta: Any) -> Any:
    # sin(theta) - theta cos(theta) = sum_k (-1)^(k+1) 2k theta^(2k+1) / (2k+1)!; below 1/2 the difference cancels
    square = theta * theta
    series = 0.0
    for c in _SERIES:
        series = c - square * series
    return np.where(np.abs(theta) < 0.5, theta * square * series, np.sin(theta) - theta * np.cos(theta))


def _relu_complement(t: Any) -> Any:
    return t - _sin_minus_theta_cos(_angle(t)) / np.pi


def _arcsin_complement(c: float, rest: float, t: Any) -> Any:
    # arcsin(c) - arcsin(c (1 - t)) as one arctangent; rest = 1 - c, given apart since c may be close to 1
    y = c * (1.0 - t)
    if np.iscomplexobj(t):
        return np.arcsin(c) - np.arcsin(y)
    cos_x = np.sqrt(rest * (1.0 + c))
    cos_y = np.sqrt((rest + c * t) * (1.0 + y))
    apart = np.where(t < 1.0, c * t * (c + y) / (c * cos_y + np.abs(y) * cos_x), c * cos_y - y * cos_x)
    return np.arctan2(apart, cos_x * cos_y + c * y)


def _inverse_roots(y: Any) -> tuple[Any, Any]:
    # 1 - (1 + y)^(-1/2) and 1 - (1 + y)^(-3/2); for complex y expm1 and log1p would lose the digits of a small one
    root = np.sqrt(1.0 + y)
    first = y / (root * (1.0 + root))
    return first, first * (1.0 + (1.0 + root) / (root * root))


def _products(first: float, ratios: Array) -> Array:
    return first * np.cumprod(np.concatenate([[1.0], ratios]))


def _spread(terms: Array, n: int, start: int) -> Array:
    # terms on p = start, start + 2, ...; zero elsewhere
    out = np.zeros(n)
    out[start::2] = terms[: out[start::2].size]
    return out


def _positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} = {value} must be positive and finite")
    if not 1e-100 < value < 1e100:
        raise ValueError(f"{name} = {value} is beyond what doubles can square: use 1e-100 to 1e100")


@dataclass(frozen=True)
class LeakyReLU:
    """max(z, 0) + slope * min(z, 0). Sparse at every slope but 1 (Maas et al. 2013; dual: Cho and Saul 2009).

    Examples
    --------
    >>> LeakyReLU(0.1)(np.array([-2.0, 3.0])).tolist()
    [-0.2, 3.0]
    """

    slope: float = 0.01

    def __post_init__(self) -> None:
        if not np.isfinite(self.slope):
            raise ValueError(f"slope = {self.slope} must be finite")

    def __call__(self, z: Any) -> Any:
        return np.where(np.asarray(z) > 0, z, self.slope * np.asarray(z))

    @property
    def degrees(self) -> Degrees:
        return (INF if self.slope != 1 else -1, 1 if self.slope != -1 else -1)

    @property
    def kinks(self) -> Kinks:
        return ((0.0, 1, 1.0 - self.slope),) if self.slope != 1 else ()

    @property
    def dual_branch(self) -> float:
        return 0.0 if self.slope != 1 else INF

    def dual(self, u: Any) -> Any:
        bend = 0.5 * (1.0 - self.slope) ** 2
        return bend + self.slope * u - bend * _relu_complement(1.0 - u)

    def dual_slope(self, u: Any) -> Any:
        return self.slope + 0.5 * (1.0 - self.slope) ** 2 * (1.0 - _angle(1.0 - u) / np.pi)

    def dual_complement(self, t: Any) -> Any:
        return 0.5 * (1.0 - self.slope) ** 2 * _relu_complement(t) + self.slope * t

    def dual_slope_complement(self, t: Any) -> Any:
        return 0.5 * (1.0 - self.slope) ** 2 * _angle(t) / np.pi

    def dual_south(self, t: Any) -> Any:
        # the odd part of the dual kernel is its linear term
        odd = 0.5 * (1.0 + self.slope) ** 2
        return self.dual_complement(t) + odd * (1.0 - np.asarray(t))

    def dual_slope_south(self, t: Any) -> Any:
        return 0.5 * (1.0 - self.slope) ** 2 * (1.0 - _angle(t) / np.pi)

    def dual_coefficients(self, n: int) -> Array:
        p = np.arange(0, max(n, 2), 2)
        even = _products(0.5 / np.pi, (p - 1.0) ** 2 / ((p + 1.0) * (p + 2.0)))
        out = (1.0 - self.slope) ** 2 * _spread(even, max(n, 2), 0)
        out[1] = 0.25 * (1.0 + self.slope) ** 2
        return out[:n]


@dataclass(frozen=True)
class ReLU:
    """max(z, 0). Sparse: kappa'(1) = 1, and the spectrum decays like ell**-5.

    Examples
    --------
    >>> float(ReLU().dual(1.0)), float(ReLU().dual(-1.0))
    (0.5, 0.0)
    """

    degrees: ClassVar[Degrees] = (INF, 1)
    kinks: ClassVar[Kinks] = ((0.0, 1, 1.0),)
    dual_branch: ClassVar[float] = 0.0

    def __call__(self, z: Any) -> Any:
        return np.maximum(z, 0.0)

    def dual(self, u: Any) -> Any:
        return LeakyReLU(0.0).dual(u)

    def dual_slope(self, u: Any) -> Any:
        return LeakyReLU(0.0).dual_slope(u)

    def dual_complement(self, t: Any) -> Any:
        return LeakyReLU(0.0).dual_complement(t)

    def dual_slope_complement(self, t: Any) -> Any:
        return LeakyReLU(0.0).dual_slope_complement(t)

    def dual_south(self, t: Any) -> Any:
        return LeakyReLU(0.0).dual_south(t)

    def dual_slope_south(self, t: Any) -> Any:
        return LeakyReLU(0.0).dual_slope_south(t)

    def dual_coefficients(self, n: int) -> Array:
        return LeakyReLU(0.0).dual_coefficients(n)


@dataclass(frozen=True)
class Step:
    """1 where z > 0, else 0 (Heaviside). Fractal: kappa'(1) is infinite and roughness grows with depth."""

    degrees: ClassVar[Degrees] = (0, INF)
    kinks: ClassVar[Kinks] = ((0.0, 0, 1.0),)
    dual_branch: ClassVar[float] = 0.0

    def __call__(self, z: Any) -> Any:
        return np.where(np.asarray(z) > 0, 1.0, 0.0)

    def dual(self, u: Any) -> Any:
        return 0.5 - _angle(1.0 - u) / (2.0 * np.pi)

    def dual_slope(self, u: Any) -> Any:
        with np.errstate(divide="ignore"):  # infinite at u = 1, as it should be
            return 1.0 / (2.0 * np.pi * np.sqrt((1.0 - u) * (1.0 + u)))

    def dual_complement(self, t: Any) -> Any:
        return _angle(t) / (2.0 * np.pi)

    def dual_south(self, t: Any) -> Any:
        return 0.5 - self.dual_complement(t)

    def dual_coefficients(self, n: int) -> Array:
        p = np.arange(1, max(n, 2), 2)
        out = _spread(_products(0.5 / np.pi, p**2 / ((p + 1.0) * (p + 2.0))), max(n, 2), 1)
        out[0] = 0.25
        return out[:n]


@dataclass(frozen=True)
class Gaussian:
    """exp(-a z**2 / 2); the default a = 2 is exp(-z**2). Low-disorder for a < 1 + sqrt(2), high-disorder above."""

    a: float = 2.0
    degrees: ClassVar[Degrees] = (INF, -1)
    kinks: ClassVar[Kinks] = ()

    def __post_init__(self) -> None:
        _positive("a", self.a)

    @property
    def dual_branch(self) -> float:
        return 1.0 / self.a

    def __call__(self, z: Any) -> Any:
        return np.exp(-0.5 * self.a * np.square(z))

    def dual(self, u: Any) -> Any:
        return 1.0 / np.sqrt((1.0 + self.a) ** 2 - np.square(self.a * u))

    def dual_slope(self, u: Any) -> Any:
        return self.a**2 * u * self.dual(u) ** 3

    def dual_complement(self, t: Any) -> Any:
        # 1 - 1 / root as a quotient, free of cancellation for complex t too, where log1p is not
        y = self.a**2 * t * (2.0 - t) / (1.0 + 2.0 * self.a)
        root = np.sqrt(1.0 + y)
        return y / (root * (1.0 + root) * np.sqrt(1.0 + 2.0 * self.a))

    def dual_slope_complement(self, t: Any) -> Any:
        _, third = _inverse_roots(self.a**2 * t * (2.0 - t) / (1.0 + 2.0 * self.a))
        return self.a**2 * (t + (1.0 - t) * third) / (1.0 + 2.0 * self.a) ** 1.5

    def dual_coefficients(self, n: int) -> Array:
        k = np.arange(1, n // 2 + 1)
        terms = _products(1.0 / (1.0 + self.a), (1.0 - 0.5 / k) * (self.a / (1.0 + self.a)) ** 2)
        return _spread(terms, n, 0)


def _poisson(w: float, n: int) -> Array:
    # e^-w w^p / p!; in logarithms where e^-w alone would underflow
    p = np.arange(n)
    if w < 600.0:
        return _products(np.exp(-w), w / np.arange(1.0, n))[:n]
    terms: Array = np.exp(special.xlogy(p, w) - w - special.gammaln(p + 1.0))
    return terms


@dataclass(frozen=True)
class Cosine:
    """cos(a z). Low-disorder for a < 1.0953, high-disorder above."""

    a: float = 1.0
    degrees: ClassVar[Degrees] = (INF, -1)
    kinks: ClassVar[Kinks] = ()
    dual_branch: ClassVar[float] = INF

    def __post_init__(self) -> None:
        _positive("a", self.a)

    def __call__(self, z: Any) -> Any:
        return np.cos(self.a * np.asarray(z))

    def dual(self, u: Any) -> Any:
        w = self.a**2
        return 0.5 * (np.exp(-w * (1.0 - u)) + np.exp(-w * (1.0 + u)))

    def dual_slope(self, u: Any) -> Any:
        w = self.a**2
        return 0.5 * w * (np.exp(-w * (1.0 - u)) - np.exp(-w * (1.0 + u)))

    def dual_complement(self, t: Any) -> Any:
        # e^-w (cosh w - cosh w(1-t)) = 2 e^-w sinh(w - wt/2) sinh(wt/2), free of cancellation and overflow
        w = self.a**2
        return 0.5 * np.expm1(-w * t) * np.expm1(-w * (2.0 - t))

    def dual_slope_complement(self, t: Any) -> Any:
        w = self.a**2
        return 0.5 * w * (np.exp(-2.0 * w) * np.expm1(w * t) - np.expm1(-w * t))

    def dual_coefficients(self, n: int) -> Array:
        return np.where(np.arange(n) % 2 == 0, _poisson(self.a**2, n), 0.0)


@dataclass(frozen=True)
class Sine:
    """sin(a z). High-disorder for every a: kappa'(1) = a**2 coth(a**2) > 1."""

    a: float = 1.0
    degrees: ClassVar[Degrees] = (-1, INF)
    kinks: ClassVar[Kinks] = ()
    dual_branch: ClassVar[float] = INF

    def __post_init__(self) -> None:
        _positive("a", self.a)

    def __call__(self, z: Any) -> Any:
        return np.sin(self.a * np.asarray(z))

    def dual(self, u: Any) -> Any:
        w = self.a**2
        return np.exp(-w) * np.sinh(w * u) if w < 300.0 else 0.5 * (np.exp(w * (u - 1.0)) - np.exp(-w * (u + 1.0)))

    def dual_slope(self, u: Any) -> Any:
        w = self.a**2
        return 0.5 * w * (np.exp(-w * (1.0 - u)) + np.exp(-w * (1.0 + u)))

    def dual_complement(self, t: Any) -> Any:
        w = self.a**2
        return -0.5 * np.expm1(-w * t) * (1.0 + np.exp(-w * (2.0 - t)))

    def dual_slope_complement(self, t: Any) -> Any:
        # 2 e^-w (cosh w - cosh w(1-t)) / 2, as for the cosine
        w = self.a**2
        return 0.5 * w * np.expm1(-w * t) * np.expm1(-w * (2.0 - t))

    def dual_coefficients(self, n: int) -> Array:
        return np.where(np.arange(n) % 2 == 1, _poisson(self.a**2, n), 0.0)


@dataclass(frozen=True)
class CosSin:
    """cos(a z) + sin(a z), with the kernel of exp(i a z). Low-disorder, sparse, high-disorder as a <, =, > 1."""

    a: float = 1.0
    degrees: ClassVar[Degrees] = (INF, INF)
    kinks: ClassVar[Kinks] = ()
    dual_branch: ClassVar[float] = INF

    def __post_init__(self) -> None:
        _positive("a", self.a)

    def __call__(self, z: Any) -> Any:
        return np.cos(self.a * np.asarray(z)) + np.sin(self.a * np.asarray(z))

    def dual(self, u: Any) -> Any:
        return np.exp(self.a**2 * (u - 1.0))

    def dual_slope(self, u: Any) -> Any:
        return self.a**2 * self.dual(u)

    def dual_complement(self, t: Any) -> Any:
        return -np.expm1(-(self.a**2) * t)

    def dual_slope_complement(self, t: Any) -> Any:
        return self.a**2 * self.dual_complement(t)

    def dual_coefficients(self, n: int) -> Array:
        return _poisson(self.a**2, n)


@dataclass(frozen=True)
class Erf:
    """erf(a z). High-disorder; dual kernel (2/pi) arcsin(c u), c = 2a**2 / (1 + 2a**2) (Williams 1997)."""

    a: float = 1.0
    degrees: ClassVar[Degrees] = (-1, INF)
    kinks: ClassVar[Kinks] = ()

    def __post_init__(self) -> None:
        _positive("a", self.a)

    @property
    def _c(self) -> float:
        return 2.0 * self.a**2 / (1.0 + 2.0 * self.a**2)

    @property
    def dual_branch(self) -> float:
        return 0.5 / self.a**2

    def __call__(self, z: Any) -> Any:
        return special.erf(self.a * np.asarray(z))

    def dual(self, u: Any) -> Any:
        return 2.0 / np.pi * np.arcsin(self._c * u)

    def dual_slope(self, u: Any) -> Any:
        if np.iscomplexobj(u):
            return 2.0 / np.pi * self._c / np.sqrt(1.0 - np.square(self._c * u))
        rest = 1.0 / (1.0 + 2.0 * self.a**2) + self._c * (1.0 - np.abs(u))  # 1 - c|u| without cancellation
        return 2.0 / np.pi * self._c / np.sqrt(rest * (1.0 + self._c * np.abs(u)))

    def dual_complement(self, t: Any) -> Any:
        return 2.0 / np.pi * _arcsin_complement(self._c, 1.0 / (1.0 + 2.0 * self.a**2), t)

    def dual_slope_complement(self, t: Any) -> Any:
        end = (1.0 + 4.0 * self.a**2) / (1.0 + 2.0 * self.a**2) ** 2  # 1 - c^2
        y = self._c**2 * t * (2.0 - t) / end
        return 2.0 / np.pi * self._c / np.sqrt(end) * _inverse_roots(y)[0]

    def dual_coefficients(self, n: int) -> Array:
        k = np.arange(1, n // 2 + 1)
        terms = _products(2.0 / np.pi * self._c, (1.0 - 0.5 / k) * self._c**2 * (2.0 * k - 1.0) / (2.0 * k + 1.0))
        return _spread(terms, n, 1)


@dataclass(frozen=True)
class GELU:
    """z Phi(z), Phi the normal distribution function (Hendrycks and Gimpel 2016). High-disorder."""

    degrees: ClassVar[Degrees] = (INF, 1)
    kinks: ClassVar[Kinks] = ()
    dual_branch: ClassVar[float] = 1.0  # at u = 2

    def __call__(self, z: Any) -> Any:
        return np.asarray(z) * special.ndtr(z)

    def dual(self, u: Any) -> Any:
        root = np.sqrt((2.0 - u) * (2.0 + u))
        return 0.25 * u + (u * np.arcsin(0.5 * u) + 1.0 / root) / (2.0 * np.pi)

    def dual_slope(self, u: Any) -> Any:
        root = np.sqrt((2.0 - u) * (2.0 + u))
        return 0.25 + (np.arcsin(0.5 * u) + u / root + u / root**3) / (2.0 * np.pi)

    def dual_complement(self, t: Any) -> Any:
        u = 1.0 - t
        root = np.sqrt((1.0 + t) * (3.0 - t))
        roots = t * (2.0 - t) / (np.sqrt(3.0) * root * (root + np.sqrt(3.0)))  # 1/sqrt(3) - 1/root
        return 0.25 * t + (_arcsin_complement(0.5, 0.5, t) + t * np.arcsin(0.5 * u) + roots) / (2.0 * np.pi)

    def dual_slope_complement(self, t: Any) -> Any:
        u, y = 1.0 - t, t * (2.0 - t) / 3.0  # 4 - u^2 = 3 (1 + y)
        first, third = _inverse_roots(y)
        roots = (t + u * first) / np.sqrt(3.0) + (t + u * third) / np.sqrt(27.0)
        return (_arcsin_complement(0.5, 0.5, t) + roots) / (2.0 * np.pi)

    def dual_coefficients(self, n: int) -> Array:
        k = np.arange(1, n // 2 + 2)
        halves = _products(1.0, (1.0 - 0.5 / k) * 0.25)  # (2k-1)!!/(2k)!! 4^-k
        even = halves / 2.0
        even[1:] += halves[:-1] / (4.0 * k - 2.0)
        out = _spread(even, max(n, 2), 0) / (2.0 * np.pi)
        out[1] = 0.25
        return out[:n]


@dataclass(frozen=True)
class Tanh:
    """tanh(z). High-disorder; no elementary dual kernel, Hermite coefficients by positive integrals."""

    degrees: ClassVar[Degrees] = (-1, INF)
    kinks: ClassVar[Kinks] = ()

    def __call__(self, z: Any) -> Any:
        return np.tanh(z)

    def dual_coefficients(self, n: int) -> Array:
        return cosech_coefficients(n, np.pi / 2.0)

    def dual_log_coefficients(self, n: int) -> Array:
        return log_cosech_coefficients(n, np.pi / 2.0)


@dataclass(frozen=True)
class Sigmoid:
    """1 / (1 + exp(-z)). Low-disorder: maps of deep sigmoid networks are constant."""

    degrees: ClassVar[Degrees] = (0, INF)
    kinks: ClassVar[Kinks] = ()

    def __call__(self, z: Any) -> Any:
        return special.expit(z)

    def dual_coefficients(self, n: int) -> Array:
        out = cosech_coefficients(n, np.pi)
        out[:1] = 0.25
        return out

    def dual_log_coefficients(self, n: int) -> Array:
        logs = log_cosech_coefficients(n, np.pi).copy()
        logs[:1] = np.log(0.25)
        return logs


@dataclass(frozen=True)
class Softplus:
    """log(1 + exp(z)). Low-disorder; its derivative is the sigmoid."""

    degrees: ClassVar[Degrees] = (INF, 1)
    kinks: ClassVar[Kinks] = ()

    def __call__(self, z: Any) -> Any:
        return np.logaddexp(0.0, z)

    def dual_coefficients(self, n: int) -> Array:
        # sqrt(p) mu_p(sigma) = mu_{p-1}(sigma'); the mean has no closed form
        p = np.arange(1.0, max(n, 2))
        out = np.zeros(max(n, 2))
        out[1:] = Sigmoid().dual_coefficients(p.size) / p
        out[0] = _mean(self) ** 2
        return out[:n]

    def dual_log_coefficients(self, n: int) -> Array:
        logs = np.concatenate([[0.0], log_cosech_coefficients(n - 1, np.pi)])
        logs[2:] -= np.log(np.arange(2.0, n))
        logs[:2] = 2.0 * np.log(_mean(self)), np.log(0.25)
        return logs


@dataclass(frozen=True)
class SiLU:
    """z / (1 + exp(-z)), also called swish (Ramachandran et al. 2017). High-disorder."""

    degrees: ClassVar[Degrees] = (INF, 1)
    kinks: ClassVar[Kinks] = ()

    def __call__(self, z: Any) -> Any:
        return np.asarray(z) * special.expit(z)

    def dual_coefficients(self, n: int) -> Array:
        out = silu_coefficients(max(n, 2))
        out[:2] = _mean(self) ** 2, 0.25
        return out[:n]

    def dual_log_coefficients(self, n: int) -> Array:
        logs = log_silu_coefficients(n).copy()
        logs[:2] = 2.0 * np.log(_mean(self)), np.log(0.25)
        return logs


@lru_cache(maxsize=16)
def _mean(sigma: Activation) -> float:
    return float(hermite_coefficients(sigma, 1)[0])


@dataclass(frozen=True)
class Mish:
    """z tanh(log(1 + exp(z))) (Misra 2019). High-disorder."""

    def __call__(self, z: Any) -> Any:
        return np.asarray(z) * np.tanh(np.logaddexp(0.0, z))


@dataclass(frozen=True)
class Arctan:
    """arctan(z). High-disorder."""

    degrees: ClassVar[Degrees] = (-1, INF)
    kinks: ClassVar[Kinks] = ()

    def __call__(self, z: Any) -> Any:
        return np.arctan(z)


@dataclass(frozen=True)
class Softsign:
    """z / (1 + abs(z)). High-disorder; its second derivative jumps by -4 at 0."""

    degrees: ClassVar[Degrees] = (-1, INF)
    kinks: ClassVar[Kinks] = ((0.0, 2, -4.0),)

    def __call__(self, z: Any) -> Any:
        return np.asarray(z) / (1.0 + np.abs(z))

    def dual_derivative(self, r: int) -> float:
        """E[sigma^(r)(Z)**2] for r = 1, 2: sigma' = (1 + abs(z))**-2, sigma'' = -2 sign(z) (1 + abs(z))**-3."""
        z, w = panels()
        power = r**2 * (1.0 + np.abs(z)) ** (-2.0 * (r + 1))
        return float(np.sum(w * np.exp(-0.5 * z * z) * power) / np.sqrt(2.0 * np.pi))


@dataclass(frozen=True)
class ELU:
    """z where z > 0, else alpha (exp(z) - 1) (Clevert, Unterthiner, Hochreiter 2016). High-disorder at alpha = 1."""

    alpha: float = 1.0
    dual_branch: ClassVar[float] = 0.0
    dual_height: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.alpha):
            raise ValueError(f"alpha = {self.alpha} must be finite")

    @property
    def kinks(self) -> Kinks:
        return ((0.0, 2, -1.0),) if self.alpha == 1 else ((0.0, 1, 1.0 - self.alpha),)

    def __call__(self, z: Any) -> Any:
        return np.where(np.asarray(z) > 0, z, self.alpha * np.expm1(np.minimum(z, 0.0)))

    def dual_continue(self, t: Any) -> Any:
        return elu.continued(self.alpha, t)

    def dual_south(self, t: Any) -> Any:
        return elu.continued_south(self.alpha, t)

    def dual_derivative(self, r: int) -> float:
        """E[sigma^(r)(Z)**2] for r = 1, 2; at 2, alpha must be 1."""
        return (0.5 if r == 1 else 0.0) + self.alpha**2 * math.exp(2.0) * float(special.ndtr(-2.0))


@dataclass(frozen=True)
class SELU:
    """lambda ELU(alpha), with constants that make variance 1 a fixed point (Klambauer et al. 2017). High-disorder."""

    degrees: ClassVar[Degrees] = (INF, INF)
    kinks: ClassVar[Kinks] = ((0.0, 1, 1.0507009873554804934193 * (1.0 - 1.6732632423543772848170)),)
    dual_branch: ClassVar[float] = 0.0
    dual_height: ClassVar[float] = 1.0

    def __call__(self, z: Any) -> Any:
        return 1.0507009873554804934193 * ELU(1.6732632423543772848170)(z)

    def dual_continue(self, t: Any) -> Any:
        return 1.0507009873554804934193**2 * elu.continued(1.6732632423543772848170, t)

    def dual_south(self, t: Any) -> Any:
        return 1.0507009873554804934193**2 * elu.continued_south(1.6732632423543772848170, t)


@dataclass(frozen=True)
class Abs:
    """abs(z). Sparse; the leaky ReLU of slope -1."""

    degrees: ClassVar[Degrees] = (INF, -1)
    kinks: ClassVar[Kinks] = ((0.0, 1, 2.0),)
    dual_branch: ClassVar[float] = 0.0

    def __call__(self, z: Any) -> Any:
        return np.abs(z)

    def dual(self, u: Any) -> Any:
        return LeakyReLU(-1.0).dual(u)

    def dual_slope(self, u: Any) -> Any:
        return LeakyReLU(-1.0).dual_slope(u)

    def dual_complement(self, t: Any) -> Any:
        return LeakyReLU(-1.0).dual_complement(t)

    def dual_slope_complement(self, t: Any) -> Any:
        return LeakyReLU(-1.0).dual_slope_complement(t)

    def dual_coefficients(self, n: int) -> Array:
        return LeakyReLU(-1.0).dual_coefficients(n)


@dataclass(frozen=True)
class Sign:
    """-1 where z < 0, 1 where z > 0. Fractal; dual kernel (2/pi) arcsin(u)."""

    degrees: ClassVar[Degrees] = (-1, INF)
    kinks: ClassVar[Kinks] = ((0.0, 0, 2.0),)
    dual_branch: ClassVar[float] = 0.0

    def __call__(self, z: Any) -> Any:
        return np.sign(z)

    def dual(self, u: Any) -> Any:
        return 2.0 / np.pi * np.arcsin(u)

    def dual_slope(self, u: Any) -> Any:
        return 4.0 * Step().dual_slope(u)

    def dual_complement(self, t: Any) -> Any:
        return 4.0 * Step().dual_complement(t)

    def dual_coefficients(self, n: int) -> Array:
        return np.where(np.arange(n) == 0, 0.0, 4.0 * Step().dual_coefficients(n))


@dataclass(frozen=True)
class Exp:
    """exp(a z). Low-disorder, sparse, high-disorder as a <, =, > 1: the normalised kernel of cos(a z) + sin(a z)."""

    a: float = 1.0
    degrees: ClassVar[Degrees] = (INF, INF)
    kinks: ClassVar[Kinks] = ()
    dual_branch: ClassVar[float] = INF

    def __post_init__(self) -> None:
        _positive("a", self.a)

    def __call__(self, z: Any) -> Any:
        return np.exp(self.a * np.asarray(z))

    def dual(self, u: Any) -> Any:
        return np.exp(self.a**2 * (1.0 + u))

    def dual_slope(self, u: Any) -> Any:
        return self.a**2 * self.dual(u)

    def dual_complement(self, t: Any) -> Any:
        return -np.exp(2.0 * self.a**2) * np.expm1(-(self.a**2) * t)

    def dual_slope_complement(self, t: Any) -> Any:
        return self.a**2 * self.dual_complement(t)

    def dual_coefficients(self, n: int) -> Array:
        return float(np.exp(2.0 * self.a**2)) * _poisson(self.a**2, n)


@dataclass(frozen=True)
class Hermite:
    """Normalised Hermite polynomial He_p(z) / sqrt(p!), with the dual kernel u**p. High-disorder for p >= 2."""

    p: float = 2

    def __post_init__(self) -> None:
        if self.p != int(self.p) or not 1 <= self.p <= 100:
            raise ValueError(f"p = {self.p} must be a whole number from 1 to 100")

    @property
    def degrees(self) -> Degrees:
        return (self.p, -1) if self.p % 2 == 0 else (-1, self.p)

    kinks: ClassVar[Kinks] = ()
    dual_branch: ClassVar[float] = INF

    def __call__(self, z: Any) -> Any:
        now: Any = np.ones_like(np.asarray(z, dtype=np.float64))
        before: Any = 0.0
        for k in range(int(self.p)):
            before, now = now, (z * now - math.sqrt(k) * before) / math.sqrt(k + 1.0)
        return now

    def dual(self, u: Any) -> Any:
        return np.asarray(u, dtype=np.float64) ** int(self.p)

    def dual_slope(self, u: Any) -> Any:
        return self.p * np.asarray(u) ** (int(self.p) - 1)

    def dual_complement(self, t: Any) -> Any:
        u = 1.0 - np.asarray(t)
        return t * sum(u**j for j in range(int(self.p)))

    def dual_slope_complement(self, t: Any) -> Any:
        u = 1.0 - np.asarray(t)
        return self.p * t * sum(u**j for j in range(int(self.p) - 1))

    def dual_coefficients(self, n: int) -> Array:
        return np.where(np.arange(n) == self.p, 1.0, 0.0)


@dataclass(frozen=True)
class Identity:
    """z: the linear network, whose field is one random dipole at any depth."""

    degrees: ClassVar[Degrees] = (-1, 1)
    kinks: ClassVar[Kinks] = ()
    dual_branch: ClassVar[float] = INF

    def __call__(self, z: Any) -> Any:
        return np.asarray(z, dtype=np.float64)

    def dual(self, u: Any) -> Any:
        return np.asarray(u, dtype=np.float64)

    def dual_slope(self, u: Any) -> Any:
        return np.ones_like(np.asarray(u) * 1.0)

    def dual_complement(self, t: Any) -> Any:
        return np.asarray(t)

    def dual_slope_complement(self, t: Any) -> Any:
        return np.zeros_like(np.asarray(t))

    def dual_coefficients(self, n: int) -> Array:
        return np.where(np.arange(n) == 1, 1.0, 0.0)


@dataclass(frozen=True)
class RePU:
    """max(z, 0)**k, k = 1, 2, ... High-disorder for k >= 2 (dual: Cho and Saul 2009; here from a recursion in k)."""

    k: float = 2

    def __post_init__(self) -> None:
        if self.k != int(self.k) or not 1 <= self.k <= 20:
            raise ValueError(f"k = {self.k} must be a whole number from 1 to 20")

    dual_branch: ClassVar[float] = 0.0

    @property
    def degrees(self) -> Degrees:
        return (self.k, INF) if self.k % 2 == 0 else (INF, self.k)

    @property
    def kinks(self) -> Kinks:
        return ((0.0, int(self.k), float(math.factorial(int(self.k)))),)

    def __call__(self, z: Any) -> Any:
        return np.maximum(z, 0.0) ** int(self.k)

    def dual(self, u: Any) -> Any:
        return repu.dual(int(self.k), u)

    def dual_slope(self, u: Any) -> Any:
        return self.k**2 * repu.dual(int(self.k) - 1, u)

    def dual_complement(self, t: Any) -> Any:
        return repu.complement(int(self.k), t)

    def dual_slope_complement(self, t: Any) -> Any:
        return self.k**2 * repu.complement(int(self.k) - 1, t)

    def dual_south(self, t: Any) -> Any:
        return repu.south(int(self.k), t)

    def dual_slope_south(self, t: Any) -> Any:
        return self.k**2 * repu.south(int(self.k) - 1, t)

    def dual_derivative(self, r: int) -> float:
        """The r-th derivative of the dual kernel at 1, E[sigma^(r)(Z)**2], for r <= k."""
        k = int(self.k)
        return math.perm(k, r) ** 2 * float(repu.dual(k - r, 1.0))

    def dual_coefficients(self, n: int) -> Array:
        # the dual kernel of k integrates k^2 times that of k - 1
        squares: Array = Step().dual_coefficients(n)
        for k in range(1, int(self.k) + 1):
            mean = 2.0 ** (0.5 * k - 1.0) * math.gamma(0.5 * (k + 1.0)) / math.sqrt(math.pi)
            squares = np.concatenate([[mean**2], k**2 * squares[:-1] / np.arange(1.0, max(n, 1))])[:n]
        return squares
