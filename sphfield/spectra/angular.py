"""angular_spectrum(kernel, lmax): picks the route to C_ell, and reports the accuracy reached at every ell."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from sphfield.provenance import version
from sphfield.spectra.edges import along_edges
from sphfield.spectra.multipoles import Multipoles
from sphfield.spectra.quadrature import by_quadrature
from sphfield.spectra.radial import by_radius
from sphfield.spectra.saddle import through_saddles
from sphfield.spectra.series import by_series
from sphfield.spectra.spectrum import Spectrum
from sphfield.spectra.sphere import check_dim, log_area, log_multiplicity
from sphfield.typing import Array, Kernel

__all__ = ["angular_spectrum"]

Method = Literal["auto", "contour", "series", "radial", "quadrature"]
EPS = float(np.finfo(np.float64).eps)
_MOST_CONTOUR = 100  # d, beyond which functions of the second kind leave the range of doubles
_WIDEST = 1e5  # multipoles that a spectrum may spread over


def angular_spectrum(
    kernel: Kernel, lmax: int, *, dim: int = 2, method: Method = "auto", rtol: float = 1e-10
) -> Spectrum:
    r"""Angular power spectrum of a kernel, :math:`C_\ell = 2\pi \int_{-1}^1 k(u) P_\ell(u) du`.

    On the sphere S^d of another dimension (`dim`) with Gegenbauer polynomials that are 1 at u = 1 and the weight of
    S^d, :math:`C_\ell = \omega_{d-1} \int_{-1}^1 k(u) G_\ell(u) (1-u^2)^{(d-2)/2} du`.

    Parameters
    ----------
    kernel
        Any function u -> k(u) on [-1, 1]. What it offers beyond that is used, see `sphfield.networks.kernels`.
    lmax
        Last multipole.
    dim
        d, the dimension of the sphere S^d in R^(d+1), 2 to 10 000. The input of a network then has d + 1 components.
    method
        * ``"contour"``: the integral along a path in the complex plane, for kernels that are known there (`branch`):
          all activations with a closed form, ELU and SELU. Measured at every ell: about 1e-14 relative with a kink,
          1e-12 for smooth ones; less where a bias is small, or with parameters far from 1. `error` says how much.
        * ``"series"``: the sum of a power series with non-negative coefficients, for kernels that offer one (tanh,
          sigmoid, SiLU, softplus). Relative accuracy as far as the powers reach.
        * ``"radial"``: for networks of one layer, from the activation itself without its dual kernel; absolute error
          about 1e-15 in the *root* of C_ell. An independent check of the other routes, on S^2 only.
        * ``"quadrature"``: Gauss-Legendre in theta, for any kernel; absolute error about 1e-15, so that the relative
          error grows as C_ell falls; on S^d about 1e-15 of (k(1) / n_ell)^(1/2) in C_ell / omega_d.
        * ``"auto"``: the contour if the kernel is known there; else quadrature, and at each ell that it leaves above
          `rtol` the series of a smooth kernel or the radial formula, if that is better.
    rtol
        Relative error that is good enough.

    Returns
    -------
    Spectrum
        `Spectrum.error` bounds the relative error at each ell: 0 at exact parity zeros, ``inf`` where no digit is
        known; there C_ell is reported as 0. `Spectrum.method` says which routes were used.

    Raises
    ------
    ValueError
        If the kernel is not finite, not positive definite, or lacks what `method` needs; or if its variance is spread
        over more than 10^5 multipoles, as that of very deep high-disorder networks is: quadrature will give their
        lowest multipoles, to absolute accuracy.
    TypeError
        If the kernel is complex or `lmax` is not an integer.

    Examples
    --------
    >>> s = angular_spectrum(lambda u: np.exp(u - 1), 64)
    >>> round(float(s.law[:3].sum()), 6), s.effective_support(0.01)
    (0.969971, 3)
    >>> from sphfield import NNGP, Network, ReLU
    >>> s = angular_spectrum(NNGP(Network(ReLU(), depth=3)), 10_000)
    >>> f"{s.cl[10_000]:.12e}", bool(s.error[10_000] < 1e-13)
    ('1.980439473943e-19', True)
    """
    if isinstance(lmax, bool) or not isinstance(lmax, int | np.integer):
        raise TypeError(f"lmax = {lmax!r} must be an integer")
    if lmax < 0:
        raise ValueError(f"lmax = {lmax} must be 0 or more")
    dim = check_dim(dim)
    if method not in get_args(Method):
        raise ValueError(f"method = {method!r} is not known: use one of {', '.join(map(repr, get_args(Method)))}")
    lmax = int(lmax)
    if method in ("auto", "series") and callable(own := getattr(kernel, "spectrum", None)):
        series: Spectrum = own(lmax, dim)  # of a `PowerSeries`, which is known by its coefficients
        return series
    if method != "quadrature":
        _refuse_too_wide(kernel, dim)
    zero = _vanishing(kernel, lmax)
    if method == "auto":
        found, used = _auto(kernel, lmax, dim, zero, rtol)
    else:
        found, used = _asked(kernel, lmax, dim, method), str(method)
    log_cl = np.where(zero, -np.inf, found.log_cl)
    error = np.where(zero, 0.0, found.error)
    cl = np.exp(log_cl)
    variance = float(np.asarray(kernel(np.ones(1)))[0])
    tail = _tail(log_cl, error, dim, variance, found.beyond)
    return Spectrum(
        cl, error, tail=tail, variance=variance, log_cl=log_cl, dim=dim, kernel=kernel, method=used, version=version()
    )


def _auto(kernel: Kernel, lmax: int, dim: int, zero: Any, rtol: float) -> tuple[Multipoles, str]:
    """The contour, else quadrature; then, where they leave more than rtol, what else the kernel has a route for."""
    first = by_contour(kernel, lmax, dim=dim) if not _polynomial(kernel) else by_series(kernel, lmax, dim=dim)
    found, used = first or by_quadrature(kernel, lmax, dim=dim), "quadrature"
    if first is not None:
        used = "series" if _polynomial(kernel) else "contour"
    smooth = getattr(kernel, "cri", np.inf) == np.inf
    # with a kink the series converges like p^-2 or worse: on S^2 the other routes are better wherever it is good
    useless = ("radial",) if dim > 2 else () if smooth else ("series",)
    for name, route in (("series", by_series), ("radial", by_radius), ("quadrature", by_quadrature)):
        wanting = ~zero & (found.error > rtol)
        known = np.flatnonzero(np.isfinite(found.log_cl))
        if first is not None and found.log_cl[known].min(initial=0.0) < -700.0:
            # below the range of doubles the contour is left alone
            wanting[int(np.max(np.flatnonzero(found.log_cl > -700.0), initial=0)) + 1 :] = False
        if name in used or not wanting.any() or name in useless:
            continue
        other = route(kernel, lmax, dim=dim)
        if other is not None and (other.error < found.error)[wanting].any():
            found, used = _better(found, other), f"{used}+{name}"
    return found, used


def _polynomial(kernel: Kernel) -> bool:
    # of a degree that a power series reaches; its contour for the last multipole is infinitely far out
    return hasattr(kernel, "vanishes") and bool(np.all(kernel.vanishes(np.array([1 << 16, (1 << 16) + 1]))))


def _asked(kernel: Kernel, lmax: int, dim: int, method: Method) -> Multipoles:
    if method == "quadrature":
        return by_quadrature(kernel, lmax, dim=dim)
    others = "use method='auto', or 'quadrature', which takes any kernel"
    reason, route = {
        "contour": ("a kernel known for complex arguments, by a closed form of its activation", by_contour),
        "series": ("a kernel with known power series coefficients, of a catalogued smooth activation", by_series),
        "radial": ("the NNGP of one layer without bias on S^2", by_radius),
    }[method]
    found = route(kernel, lmax, dim=dim)
    if found is None:
        raise ValueError(f"method={method!r} needs {reason}; {kernel!r} is not: {others}")
    return found


def by_contour(kernel: Kernel, lmax: int, *, dim: int = 2) -> Multipoles | None:
    """`along_edges` for kernels with a kink, `through_saddles` for smooth ones; None where neither can be used."""
    if _branch(kernel) is None or dim > _MOST_CONTOUR:
        return None
    return (along_edges if _branch(kernel) == 0.0 else through_saddles)(kernel, lmax, dim=dim)


def _branch(kernel: Kernel) -> float | None:
    branch: float | None = getattr(kernel, "branch", None)
    return branch


def _better(one: Multipoles, other: Multipoles) -> Multipoles:
    first = one.error <= other.error
    log_cl, error = np.where(first, one.log_cl, other.log_cl), np.where(first, one.error, other.error)
    return Multipoles(log_cl, error, one.beyond if first[-1] and np.isfinite(one.beyond) else other.beyond)


def _vanishing(kernel: Kernel, lmax: int) -> Any:
    ell = np.arange(lmax + 1)
    return kernel.vanishes(ell) if hasattr(kernel, "vanishes") else np.zeros(lmax + 1, dtype=bool)


def _refuse_too_wide(kernel: Kernel, dim: int) -> None:
    # E[X (X + d - 1)] = d k'(1) / k(1) over the law of X, whose upper end is some three times that root mean square
    slope = float(getattr(kernel, "slope_at_one", 0.0))
    width = float(np.sqrt(8.0 * dim * slope / np.asarray(kernel(np.ones(1)))[0])) if slope > 0.0 else 0.0
    if _WIDEST < width < np.inf:
        raise ValueError(
            f"the variance of {kernel!r} is spread over multipoles up to about sqrt(8 d k'(1) / k(1)) = {width:.2g}, "
            f"more than {_WIDEST:.0g}: use a smaller depth, or method='quadrature' for its lowest multipoles alone"
        )


def _tail(log_cl: Array, error: Array, dim: int, variance: float, beyond: float) -> float:
    """Share of the variance beyond the last multipole: what is missing from k(1) where that has digits, or `beyond`."""
    if variance <= 0.0:
        return 0.0
    log_n = log_multiplicity(np.arange(float(log_cl.size)), dim)
    shares = np.exp(log_cl + log_n - log_area(dim)) / variance
    missing = 1.0 - float(shares.sum())
    # where no digit is known quadrature left less than 1e-15 n_ell on S^2. It may leave much on S^d, which counts as
    # beyond lmax, so that supports are refused rather than wrong
    left = 1e-15 * np.exp(log_n) if dim == 2 else np.zeros_like(shares)
    lost = np.where(np.isfinite(error), shares * np.minimum(error, 1.0), left)
    noise = float(lost.sum()) + 4.0 * EPS
    unknown = dim > 2 and not np.isfinite(error).all() and missing > noise
    if missing < 1e6 * noise and np.isfinite(beyond) and not unknown:
        missing = beyond / variance
    elif missing <= noise:
        missing = 0.0
    return float(min(max(0.0, missing), np.nextafter(1.0, 0.0)))
