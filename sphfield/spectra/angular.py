"""angular_spectrum(kernel, lmax): picks the route to C_ell, and reports the accuracy reached at every ell."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from sphfield.provenance import version
from sphfield.spectra.quadrature import EPS, legendre_by_quadrature
from sphfield.spectra.series import REACH, legendre_from_powers
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Array, Kernel

__all__ = ["angular_spectrum"]

Method = Literal["auto", "quadrature", "series"]
_MOST = 2048  # powers summed; each layer costs about 2 sqrt(2048) direct products of that size


def angular_spectrum(kernel: Kernel, lmax: int, *, method: Method = "auto", rtol: float = 1e-10) -> Spectrum:
    r"""Angular power spectrum of a kernel, :math:`C_\ell = 2\pi \int_{-1}^1 k(u) P_\ell(u) du`.

    Parameters
    ----------
    kernel
        Any function u -> k(u) on [-1, 1]. What it offers beyond that is used, see `sphfield.networks.kernels`.
    lmax
        Last multipole.
    method
        ``"quadrature"``: Gauss-Legendre in theta, for any kernel; absolute error about 1e-15, so that the relative
        error grows as C_ell falls. ``"series"``: sum of a power series with non-negative coefficients, for kernels
        that offer one; keeps its relative error down to C_ell of about 1e-280, for ell <= 2000. ``"auto"``:
        quadrature, and at each ell that it leaves above `rtol` the series if that is better.
    rtol
        Relative error that is good enough.

    Returns
    -------
    Spectrum
        `Spectrum.error` bounds the relative error at each ell: 0 at exact parity zeros, ``inf`` where no digit is
        known; there C_ell is reported as 0.

    Raises
    ------
    ValueError
        If the kernel is not finite, not positive definite, or lacks what `method` needs.
    TypeError
        If the kernel is complex or `lmax` is not an integer.

    Examples
    --------
    >>> s = angular_spectrum(lambda u: np.exp(u - 1), 64)
    >>> round(float(s.law[:3].sum()), 6), s.effective_support(0.01)
    (0.969971, 3)
    """
    if isinstance(lmax, bool) or not isinstance(lmax, int | np.integer):
        raise TypeError(f"lmax = {lmax!r} must be an integer")
    if lmax < 0:
        raise ValueError(f"lmax = {lmax} must be 0 or more")
    if method not in ("auto", "quadrature", "series"):
        raise ValueError(f"method = {method!r} is not known: use 'auto', 'quadrature' or 'series'")
    lmax = int(lmax)
    if method == "series":
        cl, error = _by_series(kernel, lmax)
        used = "series"
    else:
        cl, error = _by_quadrature(kernel, lmax)
        used = "quadrature"
        if method == "auto" and lmax <= REACH and (error > rtol).any() and _has_series(kernel):
            cl, error = _better((cl, error), _by_series(kernel, lmax))
            used = "quadrature+series"
    zero = _vanishing(kernel, lmax)
    lost = ~zero & (error > 0.5)
    cl = np.where(zero | lost, 0.0, cl)
    error = np.where(zero, 0.0, np.where(lost, np.inf, error))
    variance = float(np.asarray(kernel(np.ones(1)))[0])
    tail = _tail(kernel, cl, error, variance)
    return Spectrum(cl, error, tail=tail, variance=variance, kernel=kernel, method=used, version=version())


def _by_quadrature(kernel: Kernel, lmax: int) -> tuple[Array, Array]:
    cl, bound = legendre_by_quadrature(kernel, lmax)
    worst = int(np.argmin(cl + 10.0 * bound))
    if cl[worst] < -10.0 * bound[worst]:
        raise ValueError(
            f"the kernel is not positive definite: C_ell = {cl[worst]:.3g} at ell = {worst}; "
            "a covariance on the sphere has no negative C_ell"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(cl > 0.0, bound / cl, np.inf) + float(getattr(kernel, "rounding", 4.0 * EPS))
    return cl, error


def _has_series(kernel: Kernel) -> bool:
    # with a kink the power series converges like p^-2 or worse: quadrature is better wherever the series is good
    smooth = hasattr(kernel, "coefficients") and getattr(kernel, "cri", np.inf) == np.inf
    return smooth and kernel.coefficients(2) is not None  # type: ignore[attr-defined]


def _by_series(kernel: Kernel, lmax: int) -> tuple[Array, Array]:
    n = min(_MOST, max(512, 1 << int(np.ceil(np.log2(8 * lmax + 8)))))
    offered: Any = kernel.coefficients(n) if hasattr(kernel, "coefficients") else None
    if offered is None:
        raise ValueError("method='series' needs a kernel with known power series coefficients: use 'quadrature'")
    b, rest = offered
    cl = legendre_from_powers(b, lmax)
    with np.errstate(divide="ignore", invalid="ignore"):
        # what is left out is less than what the second half brought, if the series has converged at all; where the
        # coefficients miss more than rounding, their missing sum bounds every int u^p P_ell by 2
        truncation = np.where(cl > 1e-280, (cl - legendre_from_powers(b[: n // 2], lmax)) / cl, np.inf)
        truncation += np.where(cl > 0.0, 4.0 * np.pi * rest / cl, np.inf) if rest > 1e-12 else 0.0
    # measured against 30 digits: below 64 + 4 ell roundings for networks of up to five layers
    return cl, truncation + EPS * (64.0 + 4.0 * np.arange(lmax + 1.0))


def _better(one: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[Array, Array]:
    first = one[1] <= other[1]
    return np.where(first, one[0], other[0]), np.where(first, one[1], other[1])


def _vanishing(kernel: Kernel, lmax: int) -> Any:
    ell = np.arange(lmax + 1)
    return kernel.vanishes(ell) if hasattr(kernel, "vanishes") else np.zeros(lmax + 1, dtype=bool)


def _tail(kernel: Kernel, cl: Array, error: Array, variance: float) -> float:
    """Share of the variance beyond the last multipole, by whichever of two ways has less noise; 0 below that noise."""
    if variance <= 0.0:
        return 0.0
    ell = np.arange(float(cl.size))
    total = 4.0 * np.pi * variance
    lost = np.where(np.isfinite(error), cl * np.minimum(error, 1.0), 3.0 * EPS * total)  # absolute errors of C_ell
    beyond = total - float(np.sum((2.0 * ell + 1.0) * cl))
    noise = float(np.sum((2.0 * ell + 1.0) * lost)) + 4.0 * EPS * total
    if hasattr(kernel, "derivative") and getattr(kernel, "cri", np.inf) > 1.0:
        # sum_{ell > M} (2 ell + 1) C_ell = C_M[k'] + C_{M+1}[k']: no difference from k(1), hence no noise times ell^2;
        # but k' of a very deep high-disorder network is larger than its integral by all the digits there are
        slope, bound = legendre_by_quadrature(kernel.derivative, cl.size)
        if bound[-2:].sum() < noise:
            beyond, noise = float(slope[-2:].sum()), float(bound[-2:].sum())
    share = beyond / total if beyond > noise else 0.0
    return float(min(max(0.0, share), np.nextafter(1.0, 0.0)))
