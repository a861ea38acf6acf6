"""Compiled loop of the power series route: weights at the last power in, sums over all powers out.

Numbers carry an exponent in units of 2**256, since weights and coefficients leave the range of doubles in opposite
directions.
"""

from __future__ import annotations

import numpy as np

__all__ = ["BLOCK", "LANES", "summed"]

BLOCK = 32  # powers whose coefficients share an exponent; over them a weight falls by less than 2**240
LANES = 64  # multipoles that run together
_UNIT = 2.0**256
_SMALL = 2.0**-256


def summed(dim, ell, top, weight, unit, b, b_unit, below, below_unit, total, total_unit):  # type: ignore[no-untyped-def]  # noqa: PLR0913, PLR0917, PLR0912, C901
    # total += sum over p = top, top - 2, ... of b_p m_{p ell}, with m given at p = top and
    # m_{p-2} = m_p (p (p + d - 1) - ell (ell + d - 1)) / (p (p - 1)), which ends by itself with 0 after p = ell
    scale = np.empty(5)
    scale[0] = 1.0
    for k in range(1, 5):
        scale[k] = scale[k - 1] * _SMALL
    w = np.empty(LANES)
    part = np.empty(LANES)
    square = np.empty(LANES)
    exponent = np.empty(LANES, dtype=np.int64)
    for tile in range(top.size):
        first = tile * LANES
        lanes = min(LANES, ell.size - first)
        w[:] = 0.0
        square[:] = 0.0
        for i in range(lanes):
            w[i] = weight[first + i]
            exponent[i] = unit[first + i]
            square[i] = ell[first + i] * (ell[first + i] + dim - 1.0)
        p = top[tile]
        lowest = int(ell[first])
        while p >= lowest:
            block = p // BLOCK
            end = max(block * BLOCK, lowest)
            part[:] = 0.0
            while p >= end:
                x = float(p)
                bp = b[p]
                own = x * (x + dim - 1.0)
                inverse = 1.0 / (x * (x - 1.0)) if p > 1 else 0.0
                for i in range(LANES):
                    part[i] += bp * w[i]
                    w[i] *= (own - square[i]) * inverse
                p -= 2
            # the rest is negligible where weights fall with p and all coefficients left, at the present weight, are
            done = dim * x < square[0]
            for i in range(lanes):
                if part[i] > 0.0:
                    shift = exponent[i] + b_unit[block] - total_unit[first + i]
                    if total[first + i] == 0.0 or shift > 0:
                        total[first + i] = part[i] + (total[first + i] * scale[shift] if 0 < shift < 5 else 0.0)
                        total_unit[first + i] += shift
                    elif shift > -5:
                        total[first + i] += part[i] * scale[-shift]
                if 0.0 < w[i] < _SMALL:
                    w[i] *= _UNIT
                    exponent[i] -= 1
                elif w[i] > _UNIT:  # towards low powers, in high dimension
                    w[i] *= _SMALL
                    exponent[i] += 1
                if done and p >= lowest:
                    left = w[i] * below[p // BLOCK]
                    shift = exponent[i] + below_unit[p // BLOCK] - total_unit[first + i]
                    if left > 0.0 and (
                        total[first + i] == 0.0
                        or shift > 0
                        or (shift > -5 and left * scale[-shift] > 1e-20 * total[first + i])
                    ):
                        done = False
            if done:
                break
