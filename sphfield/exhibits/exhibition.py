"""Exhibition: which networks, which seed, how finely drawn; gives the spectrum, a_lm and raster of every panel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sphfield.ensembles.ensemble import Ensemble
from sphfield.fields.gaussian import GaussianField
from sphfield.networks.activations import Gaussian, ReLU, Tanh
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Activation, ComplexArray

__all__ = ["DEPTHS", "Exhibition", "activation_label", "moments"]

DEPTHS = (1, 20, 40, 60, 80)  # the grid of arXiv 2405.09541


@dataclass(frozen=True)
class Exhibition:
    """What is on show: networks (activations by depths), one seed, and how finely it is drawn.

    Every panel takes its normals from the same generator, so that only the spectrum changes from one to the next.

    Examples
    --------
    >>> Exhibition(depths=(1,), lmax=64).title(0)
    'Gaussian(a=2.0)'
    """

    activations: tuple[Activation, ...] = (Gaussian(2.0), ReLU(), Tanh())
    depths: tuple[int, ...] = DEPTHS
    seed: int = 50
    index: int = 0
    lmax: int = 767
    nside: int = 64
    bias_var: float = 0.0

    def __post_init__(self) -> None:
        if not self.activations or not self.depths:
            raise ValueError("a gallery needs at least one activation and one depth")
        if self.lmax < 2:
            raise ValueError(f"lmax = {self.lmax}: a map of a field needs multipoles up to 2 at least")
        for depth in self.depths:
            Network(self.activations[0], depth, self.bias_var)  # refuses what is no depth before anything is drawn

    def network(self, row: int, column: int) -> Network:
        """The network of one panel."""
        return Network(self.activations[row], self.depths[column], self.bias_var)

    def title(self, row: int) -> str:
        """Name of a row."""
        return activation_label(self.activations[row])

    @cached_property
    def spectra(self) -> dict[tuple[int, int], Spectrum]:
        """C_ell of every panel, by (row, column), as far as they have been computed."""
        return {}

    def spectrum(self, row: int, column: int) -> Spectrum:
        """C_ell of one panel to `lmax`; by quadrature, whose absolute accuracy is what a map needs."""
        key = (row, column)
        if key not in self.spectra:
            self.spectra[key] = angular_spectrum(NNGP(self.network(row, column)), self.lmax, method="quadrature")
        return self.spectra[key]

    def alm(self, row: int, column: int) -> ComplexArray:
        """Coefficients of one panel."""
        field = GaussianField(self.spectrum(row, column), _carrying(self.lmax))
        return field.alm(Ensemble(field, self.seed).rng(self.index))

    def panels(self) -> Iterator[tuple[int, int]]:
        """(row, column) of every panel in reading order."""
        return ((row, column) for row in range(len(self.activations)) for column in range(len(self.depths)))


def activation_label(activation: Activation) -> str:
    """A short name: ``ReLU``, ``Gaussian(a=2.0)``, or the name of a function."""
    text = getattr(activation, "__name__", None) or repr(activation)
    return text.removesuffix("()")


def _carrying(lmax: int) -> int:
    return 1 << int(np.ceil(np.log2((lmax + 1) / 3))) if lmax > 2 else 1


def moments(alm: ComplexArray, lmax: int) -> tuple[float, float]:
    """Mean and standard deviation over the sphere of the map with these coefficients."""
    power = np.abs(alm) ** 2
    power[lmax + 1 :] *= 2.0  # m > 0 stands for -m too
    return float(alm[0].real / np.sqrt(4.0 * np.pi)), float(np.sqrt(power[1:].sum() / (4.0 * np.pi)))
