"""Draw the pictures that README and documentation show, into docs/pictures/; every number in them is computed here."""

from __future__ import annotations

from pathlib import Path

import ducc0
import numpy as np
from matplotlib.figure import Figure

from sphfield.networks.activations import ReLU
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.typing import Array, Kernel

FOLDER = Path(__file__).parent / "pictures"
DEPTHS = (1, 2, 3, 10, 80)
LMAX = 10_000


def naive(kernel: Kernel, lmax: int) -> Array:
    """Gauss-Legendre in u with lmax + 1 nodes, the textbook way."""
    theta, weight = ducc0.misc.GL_thetas(lmax + 1), ducc0.misc.GL_weights(lmax + 1, 1)
    zero = np.zeros(1, dtype=np.uint64)
    leg = (kernel(np.cos(theta)) * weight).astype(np.complex128)[None, :, None]
    alm = ducc0.sht.leg2alm(leg=leg, lmax=lmax, theta=theta, spin=0, mval=zero, mstart=zero)
    cl: Array = alm[0].real / np.sqrt((2.0 * np.arange(lmax + 1.0) + 1.0) / (4.0 * np.pi))
    return cl


def _limits(depth: int) -> tuple[float, float]:
    """L + w_L and L - w_L, w_L the product of the slopes kappa'(kappa_j(-1)): what even and odd multipoles tend to."""
    network, at, w = Network(ReLU(), 1), -1.0, 1.0
    for _ in range(depth - 1):
        at = float(network.layer(at))
        w *= float(network.layer_slope(at))
    return depth + w, depth - w


def relu_spectra() -> Figure:
    """ReLU spectra to ell = 10^4, times (ell + 1/2)^5 / 6: by sphfield, and by quadrature in double precision."""
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    ell = np.arange(LMAX + 1)
    scale = (ell + 0.5) ** 5 / 6
    worst = 0.0
    for i, depth in enumerate(DEPTHS):
        kernel = NNGP(Network(ReLU(), depth))
        s = angular_spectrum(kernel, LMAX)
        worst = max(worst, float(s.error.max()))
        for parity, limit in enumerate(_limits(depth)):
            these = (ell % 2 == parity) & (ell >= 1) & (s.cl > 0)
            style = {"color": f"C{i}", "lw": 1.4, "ls": "-" if parity == 0 else "--"}
            left.loglog(ell[these], (scale * s.cl)[these], label=f"L = {depth}" if parity == 0 else None, **style)
            if limit > 0:
                left.plot(1.25 * LMAX, limit, ".", color=f"C{i}", ms=5, clip_on=False)
        cl = scale * np.abs(naive(kernel, LMAX))
        right.loglog(ell[1:], cl[1:], ".", color=f"C{i}", ms=1.2, alpha=0.6, rasterized=True)
    left.set_title(f"sphfield: relative error below {worst:.0e} at every ℓ", fontsize=11)
    right.set_title("Gauss–Legendre quadrature in double precision", fontsize=11)
    note = "even ℓ solid, odd ℓ dashed\n(at L = 1 they vanish from ℓ = 3 on)\ndots: their limits L ± w$_L$ as ℓ → ∞"
    left.annotate(note, (25, 9e-2), fontsize=9, va="center")
    right.annotate("noise", (2000, 3e3), fontsize=13, ha="center")
    left.set(xlabel=r"$\ell$", ylabel=r"$(\ell + \frac{1}{2})^5\, C_\ell\,/\,6$, ReLU networks")
    left.set(xlim=(1, LMAX), ylim=(2e-2, 2e5))
    right.set(xlabel=r"$\ell$")
    left.legend(fontsize=9, loc="upper left")
    for ax in (left, right):
        ax.grid(alpha=0.25, lw=0.5)
    return figure


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    relu_spectra().savefig(FOLDER / "relu-spectra.png", dpi=130, metadata={"Software": None})


if __name__ == "__main__":
    main()
