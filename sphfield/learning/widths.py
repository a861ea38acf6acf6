"""Widths and data in, how far empirical tangent kernels are from the infinitely wide one out, width by width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sphfield.fields.pixels import whole
from sphfield.learning.tangent import empirical_ntk
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.gram import GramSpectrum, gram_spectrum, spectrum_of_gram
from sphfield.spectra.gram_matrix import gram
from sphfield.spectra.rows import check_unit_rows
from sphfield.typing import Array

__all__ = ["WidthSweep", "width_sweep"]


@dataclass(frozen=True, eq=False)
class WidthSweep:
    """Tangent kernels of `draws` random networks at each width, beside the limit on the same rows.

    Parameters
    ----------
    widths : tuple of w int
    error : array, shape (w, draws)
        Frobenius norm of the difference from the limit, over that of the limit.
    effective_rank : array, shape (w, draws)
        Trace over largest eigenvalue of each.
    limit
        Eigenvalues of the infinitely wide kernel, with their bounds.

    Examples
    --------
    >>> from sphfield import ReLU
    >>> sweep = width_sweep(Network(ReLU(), depth=1), (64, 1024), np.eye(8), np.random.default_rng(0), draws=8)
    >>> sweep.error.shape, -0.7 < sweep.slope < -0.3
    ((2, 8), True)
    """

    widths: tuple[int, ...]
    error: Array = field(repr=False)
    effective_rank: Array = field(repr=False)
    limit: GramSpectrum = field(repr=False)

    @property
    def rms(self) -> Array:
        """Root mean square of the error at each width, shape (w,)."""
        return np.asarray(np.sqrt(np.mean(self.error**2, axis=1)))

    @property
    def slope(self) -> float:
        """Power of the width that `rms` goes with, by least squares in logarithms; -1/2 as the width grows."""
        if len(self.widths) < 2:
            raise ValueError(f"widths = {self.widths}: a slope needs two or more")
        return float(np.polyfit(np.log(self.widths), np.log(self.rms), 1)[0])

    @property
    def constant(self) -> Array:
        """Effective rank over that of the data's X X^T, shape (w, draws).

        Theorem 4.5 of arXiv 2211.07844: for one hidden layer, bounded with high probability by a constant that does not
        depend on the data. Which one is not known here; for the limit it is k(1) / c_1 (Theorem 4.3, rigorous).
        """
        return np.asarray(self.effective_rank / self.limit.data_effective_rank)


def width_sweep(
    network: Network, widths: Sequence[int], x: Any, rng: np.random.Generator, *, draws: int = 4
) -> WidthSweep:
    """Empirical tangent kernels at several widths, against `NTK(network)` in its exact convention.

    Parameters
    ----------
    network
        One hidden layer or more.
    widths
        Each of them is that of all hidden layers.
    x : array_like, shape (n, d)
        Unit rows.
    draws
        Random networks at each width.

    Raises
    ------
    ValueError
        If the network has no hidden layer, and as `empirical_ntk`.
    """
    x, draws = check_unit_rows(x), whole("draws", draws, 1)
    if network.depth < 1:
        raise ValueError(f"depth = {network.depth}: without a hidden layer there is no width, use depth >= 1")
    kernel = NTK(network)
    exact = gram(kernel, x)
    error, ranks = np.empty((len(widths), draws)), np.empty((len(widths), draws))
    for i, width in enumerate(widths):
        for draw in range(draws):
            found = empirical_ntk(network, width, x, rng)
            error[i, draw] = np.linalg.norm(found - exact) / np.linalg.norm(exact)
            ranks[i, draw] = spectrum_of_gram(found, x).effective_rank
    return WidthSweep(tuple(int(width) for width in widths), error, ranks, gram_spectrum(kernel, x))
