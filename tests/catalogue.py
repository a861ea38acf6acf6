"""Every activation of the catalogue, and some parameters: the shared laws run over these lists, so a new name in
`activations.__all__` is tested without a new test. `SPHFIELD_ACTIVATIONS="mine:f" make test` tests your own."""

import os

from sphfield.networks import activations
from sphfield.networks.hermite import dual_of
from sphfield.networks.names import activation
from sphfield.networks.network import Network

VARIANTS = [
    "leaky_relu:0.3",
    "leaky_relu:-0.5",
    "repu:1",
    "repu:3",
    "repu:6",
    "gaussian:0.1",
    "gaussian:2.414213562373095",
    "gaussian:4",
    "cosine:2.5",
    "sine:0.3",
    "cossin:0.5",
    "exp:0.7",
    "erf:4",
    "hermite:1",
    "hermite:3",
    "elu:0.5",
]
OWN = os.environ.get("SPHFIELD_ACTIVATIONS", "").split()  # package.module:name of your own, to run them too
CATALOGUE = [activation(name) for name in (*activations.__all__, *VARIANTS, *OWN)]
CLOSED = [sigma for sigma in CATALOGUE if hasattr(sigma, "dual")]
SERIES = [sigma for sigma in CATALOGUE if hasattr(dual_of(sigma), "dual_coefficients")]
KINKED = [sigma for sigma in CATALOGUE if dual_of(sigma).kinks]
SMOOTH = [sigma for sigma in CATALOGUE if not dual_of(sigma).kinks]
FINITE = [sigma for sigma in CATALOGUE if Network(sigma, 1).slope < float("inf")]


def label(sigma):
    """A test's name for an activation, the same in every process."""
    return getattr(sigma, "__name__", None) or repr(sigma)
