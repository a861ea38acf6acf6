"""Speed of angular spectra to ell = 10^4 beside bare Legendre transforms of ducc0, which have no correct digit there.

Fifteen kernels: ReLU, step, Gaussian a = 2, GELU, tanh at depths 1, 3, 10. Both sides evaluate the kernels; neither
counts compilation. Rounds alternate; the ratio is that of the medians. Then one ReLU kernel to ell = 10^5.
"""

from __future__ import annotations

import resource
import statistics
import time

import ducc0
import numpy as np

from sphfield.networks.kernels import NNGP
from sphfield.networks.names import activation
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum

LMAX = 10_000
KERNELS = [
    NNGP(Network(activation(name), depth))
    for name in ("relu", "step", "gaussian:2", "gelu", "tanh")
    for depth in (1, 3, 10)
]
ROUNDS = 5


def bare(kernel):
    """C_ell by Gauss-Legendre quadrature in u with ducc0's m = 0 transform: lmax + 1 nodes, double precision."""
    n = LMAX + 1
    theta, weight = ducc0.misc.GL_thetas(n), ducc0.misc.GL_weights(n, 1)
    leg = (kernel(np.cos(theta)) * weight).astype(np.complex128)[None, :, None]
    zero = np.zeros(1, dtype=np.uint64)
    alm = ducc0.sht.leg2alm(leg=leg, lmax=LMAX, theta=theta, spin=0, mval=zero, mstart=zero, nthreads=2)
    return alm[0].real / np.sqrt((2.0 * np.arange(LMAX + 1.0) + 1.0) / (4.0 * np.pi))


def ours(kernel):
    return angular_spectrum(kernel, LMAX).cl


def timed(route, kernel):
    begin = time.perf_counter()
    route(kernel)
    return time.perf_counter() - begin


def main():
    times = {(route, kernel): [] for route in (bare, ours) for kernel in KERNELS}
    for kernel in KERNELS:  # compilation, and what is computed once in a process
        bare(kernel)
        ours(kernel)
    for _ in range(ROUNDS):
        for kernel in KERNELS:
            for route in (bare, ours):
                times[route, kernel].append(timed(route, kernel))
    print(f"{'kernel':24}{'ducc0, ms':>12}{'sphfield, ms':>14}{'ratio':>8}")
    total = {bare: 0.0, ours: 0.0}
    for kernel in KERNELS:
        a, b = (statistics.median(times[route, kernel]) for route in (bare, ours))
        total[bare] += a
        total[ours] += b
        network = kernel.network
        print(f"{f'{network.activation}, L = {network.depth}':24}{1e3 * a:12.1f}{1e3 * b:14.1f}{b / a:8.1f}")
    print(f"{'all':24}{1e3 * total[bare]:12.1f}{1e3 * total[ours]:14.1f}{total[ours] / total[bare]:8.1f}   (goal 10)")
    begin = time.perf_counter()
    relu = angular_spectrum(KERNELS[1], 100_000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"ReLU, L = 3, to ell = 10^5: {time.perf_counter() - begin:.2f} s, C_ell = {relu.cl[-1]:.12e} +- "
        f"{relu.error[-1]:.0e}; peak memory of all this {peak:.2f} GB"
    )


if __name__ == "__main__":
    main()
