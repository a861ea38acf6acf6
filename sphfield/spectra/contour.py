r"""C_ell by moving the integral over the sphere into the complex plane: a kernel that continues there in, C_ell out.

On [-1, 1] the integral of k P_ell cancels to C_ell, many orders of magnitude below k: that is why quadrature has no
digits at large ell. With u = cosh(zeta) the same number is (Froissart and Gribov)

.. math:: C_\ell = 4\, \mathrm{Im} \int_\Gamma k(\cosh\zeta)\, Q_\ell(\cosh\zeta)\, \sinh\zeta\, d\zeta

along any path from 0 to i pi through Re zeta > 0 that crosses no singularity of k. Q_ell falls like
exp(-ell Re zeta), so the path can be laid where the integrand is hardly larger than the result: `edges` lays it for
kernels with a kink, `saddle` for smooth ones. Its halves about u = 1 and u = -1 are mirror images and share the
values of Q_ell, unless biases move the southern singularity of k. Blocks of multipoles share a path. On S^d all this
holds with 2 omega_{d-2} in place of 4 and the function q_ell of `second_kind` in place of Q_ell.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import ducc0
import numpy as np

from sphfield.spectra.multipoles import Multipoles
from sphfield.spectra.second_kind import second_kind_sums
from sphfield.spectra.sphere import log_area
from sphfield.typing import Array, ComplexArray

__all__ = [
    "GONE",
    "Block",
    "Integrand",
    "Path",
    "block",
    "bottoms",
    "complex_path",
    "doubling",
    "integrand",
    "joined",
    "panels",
]

EPS = float(np.finfo(np.float64).eps)
GONE = 42.0  # exp(-42) = 6e-19: what is smaller beside the largest does not matter


class Path(NamedTuple):
    """Nodes zeta of the half path with Im zeta <= pi/2, and the weights d zeta."""

    zeta: ComplexArray
    weight: ComplexArray


def complex_path(zeta: Any, weight: Any) -> Path:
    """A `Path`, whatever the types of its parts."""
    return Path(np.asarray(zeta, dtype=np.complex128), np.asarray(weight, dtype=np.complex128))


class Integrand(NamedTuple):
    """4 k(cosh zeta) sinh(zeta) d zeta on a path and on its mirror image about u = 0, without the constant k(0).

    To be summed with the functions of the second kind of S^dim, for C_ell in units of omega_{dim-2} / 2.
    """

    kernel: Any
    dim: int
    zeta: ComplexArray
    north: ComplexArray
    south: ComplexArray


class Block(NamedTuple):
    """C_ell for ell = lo ... hi as value * exp((ell + 1) log_fall), and its absolute error in the same unit."""

    lo: int
    hi: int
    value: Array
    error: Array
    beyond: float
    log_fall: float


def integrand(kernel: Any, north: Path, south: Path, dim: int = 2) -> Integrand:
    """The kernel on the half paths about u = 1 and, mirrored, about u = -1; on their real parts only Im k enters.

    With a `bias` the paths are those of v = (1 - bias) u + bias, whose poles are u = 1 and -(1 + bias) / (1 - bias);
    without one both are the same path.
    """
    bias = float(getattr(kernel, "bias", 0.0))
    upper, t = _values(kernel.rise, north, bias)
    lower, t_south = _values(kernel.rise_south, south, bias)
    if bias == 0.0:
        return Integrand(kernel, dim, north.zeta, upper, lower)
    edges = north.zeta.imag == 0.0, south.zeta.imag == 0.0
    zeta = _zeta(-t / (1.0 - bias), edges[0]), _zeta((2.0 * bias - t_south) / (1.0 - bias), edges[1])
    none = np.zeros_like(upper), np.zeros_like(lower)
    return Integrand(
        kernel, dim, np.concatenate(zeta), np.concatenate([upper, none[1]]), np.concatenate([none[0], lower])
    )


def _values(rise: Any, path: Path, bias: float) -> tuple[ComplexArray, ComplexArray]:
    zeta, weight = path
    edge = zeta.imag == 0.0
    t = -2.0 * np.sinh(0.5 * zeta) ** 2  # 1 - v in the north, 1 + v in the south
    t = np.where(edge, t.real - 1e-300j, t)  # the upper side of the cut
    values: ComplexArray = 4.0 * np.sinh(zeta) * weight / (1.0 - bias) * rise(t)
    values[edge] = 1j * values[edge].imag  # Q_ell is real there
    return values, np.asarray(t, dtype=np.complex128)


def _zeta(t: Any, edge: Any) -> ComplexArray:
    # cosh(zeta) - 1 = t
    zeta = 2.0 * np.arcsinh(np.sqrt(0.5 * t))
    out: ComplexArray = np.where(edge, zeta.real + 0j, zeta)
    return out


def bottoms(kernel: Any, height: float, scale: float, hi: int, spare: int) -> list[tuple[Array, Array]]:
    """Nodes and weights in Im zeta of the half paths at Re zeta = `height`, north and south, up to where Re u = 0.

    Panels resolve `scale` at 0 and, with a bias, the logarithm of Q_ell at u = -1, which the southern half passes.
    """
    bias = float(getattr(kernel, "bias", 0.0))
    end = float(np.arccos(bias / np.cosh(height)))
    north = doubling(min(scale, end), end)
    if bias == 0.0:
        return [panels(north, hi, spare)] * 2
    end, pole = np.pi - end, float(np.arccos(1.0 - 2.0 * bias))
    away = doubling(min(scale, height), np.pi)
    south = np.concatenate([doubling(min(scale, end), end), pole - away, pole + away])
    south = np.unique(south[(south >= 0.0) & (south <= end)])
    south = south[np.concatenate([[True], np.diff(south) > 1e-12 * end])]
    south[-1] = end
    return [panels(north, hi, spare), panels(south, hi, spare)]


def block(f: Integrand, lo: int, hi: int, other: Integrand | None = None) -> Block:
    """C_ell by the integral along one path; what another one disagrees by is part of the error."""
    value, error, beyond, log_fall = _integral(f, lo, hi)
    if other is not None:
        again, _, _, fall = _integral(other, lo, hi)
        error += np.abs(again * np.exp((np.arange(lo, hi + 1) + 1.0) * (fall - log_fall)) - value)
    return Block(lo, hi, value, error, beyond, log_fall)


def _integral(f: Integrand, lo: int, hi: int) -> tuple[Array, Array, float, float]:
    kernel, dim, zeta, north, south = f
    tip = float(zeta.real.min())
    size = (np.abs(north) + np.abs(south)) / np.sqrt(np.abs(np.sinh(zeta)))
    keep = np.full(zeta.size, dim > 2)  # how q_ell falls is known beforehand on S^2 only
    for ell in (lo, hi):
        share = size * np.exp(-(ell + 0.5) * (zeta.real - tip))
        keep |= share > np.exp(-GONE) / share.size * share.max()
    fall = float(np.exp(-tip))
    sums = second_kind_sums(zeta[keep], north[keep], south[keep], lo, hi, fall, dim)
    value = sums.value
    if lo == 0:
        area = float(np.exp(log_area(dim) - _log_unit(dim)))
        value[0] += area * float(kernel(np.zeros(1))[0]) / fall
        sums.size[0] += area * float(kernel(np.ones(1))[0]) / fall  # to whose rounding k(0) is known
    # how much a relative error of t = 2 sinh(zeta/2)^2 is enlarged: at a saddle k'/k = (ell + 1/2) / sinh(tip), on the
    # edges Im k ~ t^cri
    cri = min(20.0, float(getattr(kernel, "cri", 1.0))) if zeta[0].imag == 0.0 else 1.0
    steep = max(1.0, (hi + 0.5 * (dim - 1.0)) * np.tanh(0.5 * tip), cri)
    own = 0.25 * float(getattr(kernel, "rounding", 16.0 * EPS)) * steep
    own += EPS * (2.0 + np.sqrt(hi - lo))
    return value, own * sums.noise + (own + EPS * hi * tip) * sums.size, sums.beyond, float(np.log(fall))


def _log_unit(dim: int) -> float:
    # omega_{d-2} / 2, 1 on S^2
    return 0.0 if dim == 2 else log_area(dim - 2) - float(np.log(2.0))


def joined(blocks: Iterable[Block], lmax: int, dim: int = 2) -> Multipoles:
    """The blocks in one piece; no digit is claimed where there is none."""
    unit = _log_unit(dim)
    log_cl, error, beyond = np.full(lmax + 1, -np.inf), np.full(lmax + 1, np.inf), np.nan
    for part in blocks:
        ell = np.arange(part.lo, part.hi + 1)
        good = part.value > part.error
        value = np.where(good, part.value, 1.0)
        log_cl[ell] = np.where(good, np.log(value) + (ell + 1.0) * part.log_fall + unit, -np.inf)
        error[ell] = np.where(good, part.error / value, np.inf)
        if dim > 2:  # logarithms of C_ell and of areas, far from 0; roundings of q_ell, whose powers grow with d
            error[ell] += EPS * (2.0 * np.abs(log_cl[ell]) + 0.5 * dim)
        if part.hi == lmax:
            beyond = part.beyond * float(np.exp((lmax + 1.0) * part.log_fall + unit - log_area(dim)))
    return Multipoles(log_cl, error, beyond)


def panels(edges: Array, lmax: int, spare: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights: `spare` a panel for the kernel, more for Q_ell, which turns lmax times."""
    x, w = [], []
    for a, half in zip(edges[:-1], 0.5 * np.diff(edges), strict=True):
        nodes, weights = _gauss(spare + int(np.ceil(0.55 * lmax * half)))
        x.append(a + half * (1.0 + nodes))
        w.append(half * weights)
    return np.concatenate(x), np.concatenate(w)


@lru_cache(maxsize=1024)
def _gauss(n: int) -> tuple[Array, Array]:
    return np.cos(ducc0.misc.GL_thetas(n))[::-1], ducc0.misc.GL_weights(n, 1)[::-1] / (2.0 * np.pi)


def doubling(first: float, last: float) -> Array:
    """0, first, 2 first, ... last: edges of panels that resolve the scale `first` at 0."""
    n = max(0, int(np.ceil(np.log2(last / first))))
    return np.concatenate([[0.0], last * np.exp2(np.arange(-n, 1.0))])
