"""Map in, estimated angular power spectrum out."""

from __future__ import annotations

from dataclasses import dataclass

from sphfield.fields.pixels import whole
from sphfield.fields.transforms import Engine, alm2cl, analysis, check_engine
from sphfield.typing import Array

__all__ = ["PowerSpectrum"]


@dataclass(frozen=True)
class PowerSpectrum:
    r"""Estimated power :math:`\hat C_\ell = \sum_m |a_{\ell m}|^2 / (2\ell + 1)`, a statistic map -> (lmax + 1,).

    For an isotropic field that ends at ``lmax`` its expectation is C_ell; for a Gaussian one its variance is
    :math:`2 C_\ell^2 / (2\ell + 1)`. The accuracy is that of `analysis`: for a spectrum that falls like ell**-5 it is
    better than 1e-4 of C_ell if lmax <= 1.5 nside, and than 1e-7 with ``iterations=6``.

    Parameters
    ----------
    lmax : int
        Largest multipole, at most 3 nside - 1 of the map, better 1.5 nside.
    iterations : int
        Jacobi iterations of the analysis.
    engine : {"ducc0", "healpy"}
        ``"healpy"`` is ``healpy.anafast(m, lmax=lmax, iter=iterations, pol=False)``. ``"ducc0"`` takes the mean of
        the map out first, so that a large monopole does not leak into the other multipoles.

    Raises
    ------
    ValueError
        For a negative ``lmax`` or ``iterations`` or an unknown engine; when called, for a map that `analysis` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> PowerSpectrum(lmax=2)(np.ones(12 * 4**2)).round(9).tolist()  # C_0 = 4 pi
    [12.566370614, 0.0, 0.0]
    """

    lmax: int
    iterations: int = 3
    engine: Engine = "ducc0"

    def __post_init__(self) -> None:
        object.__setattr__(self, "lmax", whole("lmax", self.lmax))
        object.__setattr__(self, "iterations", whole("iterations", self.iterations))
        check_engine(self.engine)

    def __call__(self, m: Array) -> Array:
        """C_ell of a RING map, shape (lmax + 1,)."""
        return alm2cl(analysis(m, self.lmax, iterations=self.iterations, engine=self.engine))
