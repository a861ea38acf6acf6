"""Loops of `second_kind` to be compiled: nodes in, Q_ell at the last ell; weights and those in, sums over all ell."""

from __future__ import annotations

import numpy as np

__all__ = ["recursion", "start"]


def start(zeta, ell, fall, q, d):  # type: ignore[no-untyped-def]
    # q = Q_ell and d = Q_ell - Q_{ell+1}, both times fall^-(ell+1)
    nu = ell + 0.5
    log_fall = np.log(fall)
    for j in range(zeta.size):
        z = zeta[j]
        r = abs(z)
        sine, cosine, shrink = np.sinh(z), np.cosh(z), np.exp(-z)
        gone = 2.0 * np.exp(-0.5 * z) * np.sinh(0.5 * z)  # 1 - exp(-z)
        # the integrand is exp(-2 nu r sinh(y/2)^2) times a function analytic for abs(Im y) < 1.2
        step = 0.2 / np.sqrt(1.0 + 0.35 * nu * r)
        here = 0.5 * np.sqrt(r / sine)
        less = here * gone
        k = 1
        while True:
            y = 0.5 * k * step
            s = np.sinh(y)
            half = r * s * s
            if not nu * half <= 20.0:  # NaN ends it too
                break
            e = np.expm1(half)
            up = 1.0 + e
            sinh_half = 0.5 * (e + e / up)
            # sinh(z + v/2), in the quarter plane where its root has a positive real part
            shifted = sine * (0.5 * (up + 1.0 / up)) + cosine * sinh_half
            size = np.sqrt(shifted.real * shifted.real + shifted.imag * shifted.imag)
            root = np.sqrt(0.5 * (size + shifted.real))
            w = np.exp(-2.0 * nu * half) * r * s * np.sqrt((1.0 + s * s) / sinh_half) / size
            w_imag = -w * 0.5 * shifted.imag / root
            w_real = w * root
            weight = complex(w_real, w_imag)
            here += weight
            less += weight * (gone + shrink * (e * (up + 1.0) / (up * up)))  # 1 - exp(-z - v)
            k += 1
        lead = step * np.exp(-nu * z.real - (ell + 1.0) * log_fall) * np.exp(-1j * nu * z.imag)
        q[j] = here * lead
        d[j] = less * lead


def recursion(dim, t, north, south, q, d, lo, hi, fall, sums, square):  # type: ignore[no-untyped-def]  # noqa: PLR0913, PLR0917
    # all nodes go down together, in separate arrays of real and imaginary parts, which the compiler turns into vectors;
    # for the two sums it needs leave to change their order
    real, imag = q.real.copy(), q.imag.copy()
    less_real, less_imag = d.real.copy(), d.imag.copy()
    t_real, t_imag = t.real.copy(), t.imag.copy()
    north_real, north_imag = north.real.copy(), north.imag.copy()
    south_real, south_imag = south.real.copy(), south.imag.copy()
    both = (np.abs(north) + np.abs(south)) ** 2
    for ell in range(hi, lo - 1, -1):
        per = fall / ell if ell > 0 else 0.0
        up, down = (ell + dim - 1.0) * per, (2.0 * ell + dim - 1.0) * per
        above, below, squares = 0.0, 0.0, 0.0
        for j in range(t.size):
            a, b = real[j], imag[j]
            above += north_real[j] * b + north_imag[j] * a
            below += south_real[j] * b + south_imag[j] * a
            squares += both[j] * (a * a + b * b)
            x = up * less_real[j] + down * (t_real[j] * a - t_imag[j] * b)
            y = up * less_imag[j] + down * (t_real[j] * b + t_imag[j] * a)
            less_real[j] = x
            less_imag[j] = y
            real[j] = a * fall + x
            imag[j] = b * fall + y
        sums[0, ell - lo] = above
        sums[1, ell - lo] = below
        square[ell - lo] = squares
