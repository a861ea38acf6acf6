"""C_ell in, Gaussian random a_lm and HEALPix maps out, from one documented stream of normals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphfield.fields.batch_transforms import draw, synthesise
from sphfield.fields.batches import Batch, Way, pack
from sphfield.fields.pixels import check_lmax, check_nside
from sphfield.fields.transforms import Engine, alm2cl, check_engine, multipoles, synthesis
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Array, ComplexArray

__all__ = ["Coefficients", "ExactPowerField", "GaussianField", "exact_power_alm", "synalm"]


def synalm(cl: Any, rng: np.random.Generator) -> ComplexArray:
    r"""Draw Gaussian a_lm with E|a_lm|^2 = C_ell.

    One call ``rng.standard_normal((lmax + 1)**2)``, used in the order ell = 0, 1, ...; within ell first m = 0, then
    real and imaginary part for m = 1 ... ell: :math:`a_{\ell 0} = \sqrt{C_\ell}\, z`,
    :math:`a_{\ell m} = \sqrt{C_\ell / 2}\,(x + iy)`. So the coefficients up to some ell do not depend on lmax: a seed
    shows the same large scales at every resolution, and the same sky for every spectrum.

    Parameters
    ----------
    cl : array_like, shape (lmax + 1,)
        Finite and not negative.
    rng : numpy.random.Generator
        Source of the normals.

    Returns
    -------
    complex array, shape ((lmax + 1)(lmax + 2) / 2,)
        In healpy's order; a_l0 is real. Given the same normals equal to ``healpy.synalm`` to rounding.

    Raises
    ------
    ValueError
        If ``cl`` is not a power spectrum.
    TypeError
        If ``rng`` is a seed instead of a generator.

    Examples
    --------
    >>> small, large = (synalm(np.ones(n), np.random.default_rng(1)) for n in (2, 3))
    >>> bool(small[0] == large[0]), small.shape, large.shape
    (True, (3,), (6,))
    """
    return _drawn(_amplitudes(Spectrum(cl).cl), rng)  # a Spectrum for its checks


def _amplitudes(cl: Array) -> tuple[Array, Array]:
    # of a_l0, and of real and imaginary parts of the others in healpy's order
    return np.sqrt(cl), np.sqrt(cl / 2.0)[multipoles(cl.size - 1)[cl.size :]]


def _drawn(amplitudes: tuple[Array, Array], rng: np.random.Generator) -> ComplexArray:
    zonal, others = amplitudes
    lmax = zonal.size - 1
    z = normals((lmax + 1) ** 2, rng)
    alm = np.empty((lmax + 1) * (lmax + 2) // 2, dtype=np.complex128)
    alm[: lmax + 1] = zonal * z[np.arange(lmax + 1) ** 2]
    parts = alm[lmax + 1 :].view(np.float64)  # real and imaginary parts in turn
    np.take(z, _stream(lmax), out=parts, mode="clip")  # another mode would gather into a copy first
    alm[lmax + 1 :] *= others
    return alm


@dataclass(frozen=True)
class GaussianField:
    """Isotropic Gaussian field with a given spectrum, a sampler rng -> map.

    Parameters
    ----------
    spectrum : Spectrum
        The map carries its multipoles up to lmax; the share ``spectrum.tail`` of the variance is not drawn.
    nside : int
        A power of two with lmax <= 3 nside - 1.
    engine : {"ducc0", "healpy"}
        Who computes the transform, see `synthesis`.

    Raises
    ------
    ValueError
        If the spectrum is not one on S^2; if ``nside`` is no power of two from 1 to 8192 or does not carry the
        spectrum, the message names one that does.

    Examples
    --------
    >>> field = GaussianField(Spectrum([4 * np.pi, 0.0]), nside=1)
    >>> field(np.random.default_rng(0)).round(6).tolist() == 12 * [0.12573]
    True
    """

    spectrum: Spectrum
    nside: int
    engine: Engine = "ducc0"

    def __post_init__(self) -> None:
        if not isinstance(self.spectrum, Spectrum):
            raise TypeError(f"spectrum is a {type(self.spectrum).__name__}: give Spectrum(cl)")
        if self.spectrum.dim != 2:
            raise ValueError(
                f"the spectrum is one on S^{self.spectrum.dim}: maps are drawn on S^2, give one with dim = 2"
            )
        object.__setattr__(self, "nside", check_nside(self.nside))
        check_lmax(self.spectrum.lmax, self.nside, "the spectrum has")
        check_engine(self.engine)

    def alm(self, rng: np.random.Generator) -> ComplexArray:
        """The coefficients of the map that ``self(rng)`` draws, in healpy's order."""
        return _drawn(self._kept_amplitudes, rng)

    def truncated(self, error: float) -> GaussianField:
        """The same field without its small scales, as far as the map changes by less than a share of itself.

        Seeds show the same sky. A transform takes time in proportion to lmax at most; its Fourier part and the memory
        stay.

        Parameters
        ----------
        error : float
            Bound of the root mean square, over sky and realisations, of what is left out, in standard deviations of the
            map.

        Raises
        ------
        ValueError
            If ``error`` is outside (0, 1).

        Examples
        --------
        >>> field = GaussianField(Spectrum((np.arange(65) + 1.0) ** -5), nside=32)
        >>> field.truncated(1e-2).spectrum.lmax
        17
        """
        if not 0.0 < error < 1.0:
            raise ValueError(f"error = {error} must lie strictly between 0 and 1, standard deviations of the map")
        behind = np.cumsum(self.spectrum.law[::-1])[::-1]
        enough = np.append(behind[1:], 0.0) <= error**2 * behind[0]
        return replace(self, spectrum=self.spectrum.truncated(int(np.argmax(enough))))

    def many(self, rngs: Sequence[np.random.Generator], way: Way, threads: int) -> Batch:
        """The maps that these generators draw, side by side; at most as many as the way has lanes.

        Raises
        ------
        ValueError
            If single precision does not hold the variance of the field.
        """
        variance = 4 * np.pi * float(np.max(self.spectrum.cl))
        if way.precision == "single" and not (1e-30 < variance < 1e30 or variance == 0.0):
            raise ValueError(
                f"C_ell is up to {np.max(self.spectrum.cl):.3g}: single precision holds 1e-31 to 1e29; scale it, "
                "or use precision='double'"
            )
        if self.engine == "healpy":
            return pack([self(rng) for rng in rngs], way)
        if way.engine == "ducc0":
            return synthesise(self.alm(rngs[0]), self.nside, self.spectrum.lmax, way, threads)
        return draw(self._kept_amplitudes, rngs, self.nside, way, threads)

    def __getstate__(self) -> dict[str, Any]:
        # amplitudes are made again where they are needed: with every task they would travel along
        return {name: value for name, value in self.__dict__.items() if name != "_kept_amplitudes"}

    @cached_property
    def _kept_amplitudes(self) -> tuple[Array, Array]:
        return _amplitudes(self.spectrum.cl)

    def __call__(self, rng: np.random.Generator) -> Array:
        """A map, shape (12 nside**2,), RING order."""
        return synthesis(self.alm(rng), self.nside, engine=self.engine)


def exact_power_alm(cl: Any, rng: np.random.Generator) -> ComplexArray:
    r"""Draw a_lm whose estimated power is exactly C_ell: those of `synalm`, each ell scaled to its C_ell.

    They have random phases and no cosmic variance, so one map shows how wrong an estimator is. Parameters and errors
    are those of `synalm`.

    Examples
    --------
    >>> alm2cl(exact_power_alm([1.0, 2.0, 0.0], np.random.default_rng(0))).round(12).tolist()
    [1.0, 2.0, 0.0]
    """
    alm, cl = synalm(cl, rng), Spectrum(cl).cl
    drawn = alm2cl(alm)
    scale = np.sqrt(np.divide(cl, drawn, out=np.zeros_like(cl), where=drawn > 0))
    lmax = cl.size - 1
    alm[: lmax + 1] *= scale
    alm[lmax + 1 :] *= scale[multipoles(lmax)[lmax + 1 :]]
    return alm


@dataclass(frozen=True)
class ExactPowerField:
    """Isotropic random field whose every realisation has exactly the given spectrum, a sampler rng -> map.

    Not Gaussian: its power does not scatter. Made to measure the bias of estimators, and to see that `validate` refuses
    it. Parameters and errors are those of `GaussianField`.

    Examples
    --------
    >>> field = ExactPowerField(Spectrum([0.0, 1.0]), nside=4)
    >>> round(float(np.mean(field(np.random.default_rng(0)) ** 2)) * 4 * np.pi / 3, 12)
    1.0
    """

    spectrum: Spectrum
    nside: int

    def __post_init__(self) -> None:
        GaussianField(self.spectrum, self.nside)  # for its checks

    def alm(self, rng: np.random.Generator) -> ComplexArray:
        """The coefficients of the map that ``self(rng)`` draws, in healpy's order."""
        return exact_power_alm(self.spectrum.cl, rng)

    def __call__(self, rng: np.random.Generator) -> Array:
        """A map, shape (12 nside**2,), RING order."""
        return synthesis(self.alm(rng), self.nside)


@dataclass(frozen=True)
class Coefficients:
    """The a_lm of another sampler in place of its maps: rng -> their real and imaginary parts, one after the other.

    What is measured on them, by `sphfield.statistics.power.CoefficientPower`, tests a sampler without its pixels.

    Raises
    ------
    TypeError
        If the sampler has no method ``alm``.

    Examples
    --------
    >>> field = GaussianField(Spectrum([1.0, 0.5]), nside=1)
    >>> Coefficients(field)(np.random.default_rng(0)).shape  # three complex numbers
    (6,)
    """

    sampler: Any

    def __post_init__(self) -> None:
        if not callable(getattr(self.sampler, "alm", None)):
            raise TypeError(f"{type(self.sampler).__name__} has no coefficients, only maps: it needs a method alm(rng)")

    def __call__(self, rng: np.random.Generator) -> Array:
        alm: ComplexArray = self.sampler.alm(rng)
        return alm.view(np.float64)


def normals(size: int | tuple[int, ...], rng: np.random.Generator) -> Array:
    """Standard normals from a generator; a seed in its place is refused."""
    if not hasattr(rng, "standard_normal"):
        raise TypeError(f"rng = {rng!r} is not a random generator: pass np.random.default_rng(seed)")
    return rng.standard_normal(size)


@lru_cache(maxsize=4)
def _stream(lmax: int) -> NDArray[np.intp]:
    # where in the stream of normals the real and imaginary parts of the coefficients with m >= 1 are, in healpy's order
    count = lmax + 1 - np.arange(1, lmax + 1)
    m = np.repeat(np.arange(1, lmax + 1), count)
    real = multipoles(lmax)[lmax + 1 :] ** 2 + 2 * m - 1
    return np.stack([real, real + 1], axis=1).ravel()
