"""Coefficients of deep tangent kernels beside the formula of Theorem 3.1 as it is written: a double loop over p and k.

The loop cuts the sum over k, the powers of the inner series, at as many terms as it has coefficients; what that misses
is printed beside the ratio of the times. Both begin with the coefficients of one layer. Rounds alternate; the ratio is
that of the medians. Then 10^4 coefficients at depth 5.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from sphfield.networks.activations import GELU, ReLU, Tanh
from sphfield.networks.dual_series import dual_series
from sphfield.spectra.decay import decay
from sphfield.spectra.kernel_series import ntk_series

DEPTH = 5
ROUNDS = 3


def double_loop(sigma, depth, n):
    """kappa_{p,l} for p < n, with F(p, k) from F(p, k - 1)."""
    known = dual_series(sigma, n + 1)
    mu = np.exp(known.logs - known.log_variance)
    alpha_2, upsilon_2 = mu[:n], np.arange(1, n + 1) * mu[1:]
    theta = np.where(np.arange(n) == 1, 1.0, 0.0)
    alpha = theta.copy()
    for _ in range(depth):
        powers = np.zeros((n, n))
        powers[0, 0] = 1.0
        for k in range(1, n):
            for p in range(n):
                powers[k, p] = powers[k - 1, : p + 1] @ alpha[p::-1]
        alpha, upsilon = alpha_2 @ powers, upsilon_2 @ powers
        theta = alpha + np.array([theta[: p + 1] @ upsilon[p::-1] for p in range(n)])
    return theta


def timed(route, *arguments):
    begin = time.perf_counter()
    found = route(*arguments)
    return time.perf_counter() - begin, found


def main():
    print(f"depth {DEPTH}\n{'':10}{'p':>6}{'loop, ms':>12}{'sphfield, ms':>14}{'ratio':>8}{'the loop misses':>18}")
    for sigma in (Tanh(), GELU(), ReLU()):
        for n in (50, 100, 200):
            loops, ours = [], []
            for _ in range(ROUNDS):
                loops.append(timed(double_loop, sigma, DEPTH, n))
                ours.append(timed(ntk_series, sigma, DEPTH, n))
            a, b = (1e3 * statistics.median(seconds for seconds, _ in some) for some in (loops, ours))
            exact = ours[0][1].coefficients
            missing = np.max(1.0 - loops[0][1][exact > 0] / exact[exact > 0])
            print(f"{sigma!r:10}{n:6}{a:12.0f}{b:14.1f}{a / b:8.0f}{max(0.0, missing):18.1e}")
    for sigma in (Tanh(), GELU(), ReLU()):
        seconds, series = timed(ntk_series, sigma, DEPTH, 10_000)
        law = decay(series)
        last = series.logs[np.isfinite(series.logs)][-1]
        print(
            f"{sigma!r}: {series.size} coefficients in {seconds:.1f} s, the last exp({last:.1f}); {law.family} law, "
            f"rate {law.rate:.6f} (theory {law.expected[0].rate:.6f}), power {law.power:.4f}"
        )


if __name__ == "__main__":
    main()
