"""Random neural fields on the sphere: from an activation and a depth to kernels, spectra and maps.

The public names below are imported when first used, so that ``import sphfield`` costs about as much as
``import numpy``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "networks.activations": (
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
    ),
    "networks.names": ("activation",),
    "networks.ntk": ("NTK",),
    "networks.initialisation": ("Scaled", "from_weights"),
    "networks.network": ("Network", "Regime"),
    "networks.kernels": ("NNGP",),
    "spectra.spectrum": ("Spectrum",),
    "spectra.angular": ("angular_spectrum",),
    "spectra.limits": ("limit", "lmax_for"),
    "fields.gaussian": ("ExactPowerField", "GaussianField", "synalm"),
    "fields.files": ("FitsMaps",),
    "fields.finite": ("FiniteNetwork",),
    "fields.analysis": ("analysis",),
    "fields.transforms": ("synthesis",),
    "statistics.power": ("PowerSpectrum",),
    "ensembles.ensemble": ("Ensemble", "Estimate", "measure"),
    "provenance": ("describe",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_ROOMS = ("ensembles", "exhibits", "fields", "figures", "io", "learning", "networks", "spectra", "statistics")

__all__ = sorted([*_HOME_OF, *_ROOMS])  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(f"sphfield.{_HOME_OF[name]}"), name)
    if name in _ROOMS:
        return import_module(f"sphfield.{name}")
    if name == "__version__":
        from sphfield.provenance import version

        return version()
    raise AttributeError(f"module 'sphfield' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


if TYPE_CHECKING:
    from sphfield.ensembles.ensemble import Ensemble, Estimate, measure
    from sphfield.fields.analysis import analysis
    from sphfield.fields.files import FitsMaps
    from sphfield.fields.finite import FiniteNetwork
    from sphfield.fields.gaussian import ExactPowerField, GaussianField, synalm
    from sphfield.fields.transforms import synthesis
    from sphfield.networks.activations import (
        ELU,
        GELU,
        SELU,
        Abs,
        Arctan,
        Cosine,
        CosSin,
        Erf,
        Exp,
        Gaussian,
        Hermite,
        Identity,
        LeakyReLU,
        Mish,
        ReLU,
        RePU,
        Sigmoid,
        Sign,
        SiLU,
        Sine,
        Softplus,
        Softsign,
        Step,
        Tanh,
    )
    from sphfield.networks.initialisation import Scaled, from_weights
    from sphfield.networks.kernels import NNGP
    from sphfield.networks.names import activation
    from sphfield.networks.network import Network, Regime
    from sphfield.networks.ntk import NTK
    from sphfield.provenance import describe
    from sphfield.spectra.angular import angular_spectrum
    from sphfield.spectra.limits import limit, lmax_for
    from sphfield.spectra.spectrum import Spectrum
    from sphfield.statistics.power import PowerSpectrum
