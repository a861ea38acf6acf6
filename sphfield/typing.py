"""The five signatures that the whole project is made of.

One line of arrows, each a function of one argument::

     z -> sigma(z)  Network      u -> k(u)      C_ell, law      rng -> map         map -> array        ax
    Activation ------------> Kernel --------> Spectrum -----> Sampler ---------> Statistic -------> Figure
                depth, bias    NNGP                      GaussianField,              |                 ^
                                                         FiniteNetwork               v                 |
                                                    Ensemble(sampler, seed)[i] -- Estimate ------------+

Anything callable with the right signature fits: no base class, no registry.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Activation", "Array", "ComplexArray", "Kernel", "Sampler", "Statistic"]

Array: TypeAlias = NDArray[np.float64]
"""Real numbers in double precision."""

ComplexArray: TypeAlias = NDArray[np.complex128]
"""Complex numbers in double precision: harmonic coefficients, in healpy's order."""

Activation: TypeAlias = Callable[[Any], Any]
"""z -> sigma(z), elementwise: the result has the shape of z."""

Kernel: TypeAlias = Callable[[Any], Any]
"""u = <x, y> in [-1, 1] -> k(u), elementwise."""

Sampler: TypeAlias = Callable[[np.random.Generator], Array]
"""rng -> HEALPix map, shape (12 nside**2,), RING order, dimensionless."""

Statistic: TypeAlias = Callable[[Array], Array]
"""map -> array of a fixed shape."""
