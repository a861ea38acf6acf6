"""Map in, estimated angular power spectrum out: estimators whose bias is measured, by class and by name."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sphfield.fields.analysis import analyse, analysis, check_transforms
from sphfield.fields.batches import Batch, at_once
from sphfield.fields.pixels import as_alm, lmax_of, whole
from sphfield.fields.transforms import Engine, alm2cl, check_engine
from sphfield.typing import Array, ComplexArray

__all__ = ["Binned", "CoefficientPower", "Estimator", "PowerSpectrum", "estimator"]


_MOST = 1000  # rounding is reached long before


class Estimator(Protocol):
    """What every estimator of C_ell has: its last multipole, a name to print, coefficients, and their power."""

    @property
    def lmax(self) -> int: ...
    @property
    def label(self) -> str: ...
    def alm(self, m: Array, /) -> ComplexArray: ...
    def __call__(self, m: Array, /) -> Array: ...


@dataclass(frozen=True)
class PowerSpectrum:
    r"""Estimated power :math:`\hat C_\ell = \sum_m |a_{\ell m}|^2 / (2\ell + 1)`, a statistic map -> (lmax + 1,).

    For an isotropic field its expectation is C_ell; for a Gaussian one its variance is
    :math:`2 C_\ell^2 / (2\ell + 1)`. For a field that ends at L it is exact to rounding up to lmax = 3 nside - L; so
    both may be 1.5 nside. Rounding grows with the range of C_ell: for ell**-5 to less than 1e-9 of C_ell at nside =
    512. Beyond it has the bias of `analysis`, for which docs/estimators has a table.

    Parameters
    ----------
    lmax : int
        Largest multipole, at most 3 nside - 1 of the map, better 1.5 nside.
    transforms : int
        Odd: one weighted pass, or with iterations; see `analysis`.
    engine : {"ducc0", "healpy"}
        ``"healpy"`` has equal weights: ``transforms=7`` is ``healpy.anafast(m, lmax=lmax, pol=False)`` to the letter.

    Raises
    ------
    ValueError
        For a negative ``lmax``, an even ``transforms`` or an unknown engine; when called, for a map that `analysis`
        refuses.

    Examples
    --------
    >>> import numpy as np
    >>> PowerSpectrum(lmax=2)(np.ones(12 * 4**2)).round(9).tolist()  # C_0 = 4 pi
    [12.566370614, 0.0, 0.0]
    """

    lmax: int
    transforms: int = 1
    engine: Engine = "ducc0"

    def __post_init__(self) -> None:
        object.__setattr__(self, "lmax", whole("lmax", self.lmax))
        object.__setattr__(self, "transforms", check_transforms(self.transforms))
        check_engine(self.engine)

    @property
    def label(self) -> str:
        """How tables call it: by its name in `estimator`, and in words."""
        if self.engine == "healpy":
            return f"anafast:{self.transforms // 2} (healpy, equal weights, {self.transforms} transforms)"
        passes = "one pass" if self.transforms == 1 else f"{self.transforms} transforms"
        return f"weighted:{self.transforms} (pixel weights, {passes})"

    def alm(self, m: Array) -> ComplexArray:
        """The coefficients whose power is taken."""
        return analysis(m, self.lmax, transforms=self.transforms, engine=self.engine)

    def alms(self, batch: Batch, threads: int) -> list[ComplexArray]:
        """`alm` of every map of a batch."""
        if self.engine == "healpy":
            return [self.alm(m) for m in batch]
        return list(analyse(batch, self.lmax, transforms=self.transforms, nthreads=threads))

    def __call__(self, m: Array) -> Array:
        """C_ell of a RING map, shape (lmax + 1,)."""
        return alm2cl(self.alm(m))

    def many(self, batch: Batch, threads: int) -> Array:
        """C_ell of every map of a batch, shape (len(batch), lmax + 1)."""
        if self.engine == "healpy":
            return np.array([self(m) for m in batch])
        return analyse(batch, self.lmax, transforms=self.transforms, nthreads=threads).power()


@dataclass(frozen=True)
class CoefficientPower:
    """Power of coefficients that never were a map, as `sphfield.fields.gaussian.Coefficients` gives them.

    It tests what drew the coefficients, and neither synthesis nor pixelisation.

    Examples
    --------
    >>> import numpy as np
    >>> CoefficientPower(lmax=1)(np.array([1.0, 0.0, 2.0, 0.0, 0.0, 3.0])).round(12).tolist()
    [1.0, 7.333333333333]
    """

    lmax: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "lmax", whole("lmax", self.lmax))

    @property
    def label(self) -> str:
        """How tables call it."""
        return "alm (coefficients as drawn: synthesis and pixelisation are not tested)"

    def alm(self, m: Array) -> ComplexArray:
        """The coefficients up to lmax."""
        alm = as_alm(np.ascontiguousarray(m).view(np.complex128))
        last = lmax_of(alm.size)
        if last < self.lmax:
            raise ValueError(f"the coefficients end at ell = {last}, the estimate at lmax = {self.lmax}: lower it")
        starts = [k * (2 * last + 1 - k) // 2 + k for k in range(self.lmax + 1)]
        return np.concatenate([alm[a : a + self.lmax + 1 - k] for k, a in enumerate(starts)])

    def __call__(self, m: Array) -> Array:
        """C_ell, shape (lmax + 1,)."""
        return alm2cl(self.alm(m))


@dataclass(frozen=True)
class Binned:
    r"""Band powers: the mean of :math:`\hat C_\ell` over each band, weighted by 2 ell + 1; a statistic map -> (n,).

    Parameters
    ----------
    estimator : Estimator
        What is averaged.
    edges : tuple of int
        First multipole of each band, and one beyond the last: band i holds edges[i] <= ell < edges[i + 1].

    Raises
    ------
    ValueError
        If there is no band, or the edges do not increase, or leave the range of the estimator.

    Examples
    --------
    >>> import numpy as np
    >>> Binned(PowerSpectrum(lmax=4), (0, 2, 5))(np.ones(192)).round(9).tolist()  # C_0 / 4, and nothing
    [3.141592654, 0.0]
    """

    estimator: Estimator
    edges: tuple[int, ...]

    def __post_init__(self) -> None:
        edges = tuple(whole("edge", edge) for edge in self.edges)
        object.__setattr__(self, "edges", edges)
        if len(edges) < 2 or any(b <= a for a, b in itertools.pairwise(edges)):
            raise ValueError(f"edges = {edges} make no bands: give increasing multipoles, for example (2, 10, 50)")
        if edges[-1] > self.estimator.lmax + 1:
            raise ValueError(
                f"the last band ends at ell = {edges[-1] - 1}, the estimator at lmax = {self.estimator.lmax}: "
                "lower the one or raise the other"
            )

    def of(self, cl: Array) -> Array:
        """Any spectrum that reaches far enough, averaged in the same way, shape (..., lmax + 1) -> (..., n)."""
        many = 2.0 * np.arange(self.edges[-1]) + 1.0
        powers = np.asarray(cl)[..., : many.size] * many
        starts = np.array(self.edges[:-1])
        sums: Array = np.add.reduceat(powers, starts, axis=-1)
        return sums / np.add.reduceat(many, starts)

    def __call__(self, m: Array) -> Array:
        """Band powers of a map, shape (len(edges) - 1,)."""
        return self.of(self.estimator(m))

    def many(self, batch: Batch, threads: int) -> Array:
        """Band powers of every map of a batch, shape (len(batch), len(edges) - 1)."""
        many = at_once(self.estimator, "many", ("__call__", "alm"))
        return self.of(np.array([self.estimator(m) for m in batch]) if many is None else many(batch, threads))


def estimator(name: str, lmax: int) -> Estimator:
    """An estimator by its name: how the command line chooses one.

    ``"weighted"`` or ``"weighted:3"``: pixel weights, 1, 3, 5, ... transforms. ``"anafast"`` or ``"anafast:1"``:
    healpy's ``anafast`` with 3 or that many iterations. ``"alm"``: coefficients as drawn, no map.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> estimator("anafast", lmax=8)
    PowerSpectrum(lmax=8, transforms=7, engine='healpy')
    """
    kind, _, number = name.partition(":")
    if kind not in ("weighted", "anafast", "alm") or (number and (kind == "alm" or not number.isdecimal())):
        raise ValueError(f"there is no estimator {name!r}: use weighted, weighted:3, anafast, anafast:1 or alm")
    if number and int(number) > _MOST:
        raise ValueError(f"estimator {name!r}: {number} iterations or transforms are no use; give {_MOST} at most")
    if kind == "alm":
        return CoefficientPower(lmax)
    if kind == "weighted":
        return PowerSpectrum(lmax, int(number or 1))
    return PowerSpectrum(lmax, 2 * int(number or 3) + 1, "healpy")
