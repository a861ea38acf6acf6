"""Independent transcriptions in arbitrary precision: dual kernels by quadrature, and published closed forms."""

from functools import lru_cache
from itertools import pairwise

import mpmath as mp

DUALS = {
    "ReLU": lambda u: (mp.sqrt(1 - u * u) + (mp.pi - mp.acos(u)) * u) / (2 * mp.pi),
    "Step": lambda u: (mp.pi - mp.acos(u)) / (2 * mp.pi),
    "LeakyReLU": lambda u, s: (1 - s) ** 2 * DUALS["ReLU"](u) + s * u,
    "Gaussian": lambda u, a: 1 / mp.sqrt((1 + a) ** 2 - (a * u) ** 2),
    "Cosine": lambda u, a: mp.exp(-(a**2)) * mp.cosh(a**2 * u),
    "Sine": lambda u, a: mp.exp(-(a**2)) * mp.sinh(a**2 * u),
    "CosSin": lambda u, a: mp.exp(a**2 * (u - 1)),
    "Erf": lambda u, a: 2 / mp.pi * mp.asin(2 * a**2 / (1 + 2 * a**2) * u),
    "Abs": lambda u: 4 * DUALS["ReLU"](u) - u,
    "Sign": lambda u: 2 / mp.pi * mp.asin(u),
    "Exp": lambda u, a: mp.exp(a**2 * (1 + u)),
    "Hermite": lambda u, p: u ** int(p),
    "Identity": lambda u: u,
    "RePU": lambda u, k: _cho_saul(int(k), u),
    "GELU": lambda u: u / 4 + u * mp.asin(u / 2) / (2 * mp.pi) + 1 / (2 * mp.pi * mp.sqrt(4 - u * u)),
}

SIGMAS = {
    "ReLU": lambda z: max(z, mp.mpf(0)),
    "Step": lambda z: mp.mpf(z > 0),
    "LeakyReLU": lambda z, s: z if z > 0 else s * z,
    "Gaussian": lambda z, a: mp.exp(-a * z * z / 2),
    "Cosine": lambda z, a: mp.cos(a * z),
    "Sine": lambda z, a: mp.sin(a * z),
    "CosSin": lambda z, a: mp.cos(a * z) + mp.sin(a * z),
    "Erf": lambda z, a: mp.erf(a * z),
    "Abs": abs,
    "Sign": mp.sign,
    "Exp": lambda z, a: mp.exp(a * z),
    "Hermite": lambda z, p: mp.hermite(int(p), z / mp.sqrt(2)) / mp.sqrt(2 ** int(p) * mp.factorial(int(p))),
    "Identity": lambda z: z,
    "RePU": lambda z, k: max(z, mp.mpf(0)) ** int(k),
    "GELU": lambda z: z * mp.ncdf(z),
}


def _cho_saul(k, u):
    # J_k(theta) / 2 pi, the arc-cosine kernels of orders 1, 2, 3 and 6 as printed or by integrating k^2 J_{k-1}
    theta = mp.acos(u)
    s, c = mp.sin(theta), u
    j = {
        1: lambda: s + (mp.pi - theta) * c,
        2: lambda: 3 * s * c + (mp.pi - theta) * (1 + 2 * c**2),
        3: lambda: 4 * s**3 + 15 * s * c**2 + (mp.pi - theta) * (9 * c + 6 * c**3),
    }
    if k in j:
        return j[k]() / (2 * mp.pi)
    start = (mp.mpf(2) ** (mp.mpf(k) / 2 - 1) * mp.gamma(mp.mpf(k + 1) / 2) / mp.sqrt(mp.pi)) ** 2  # u = 0
    return start + k**2 * mp.quad(lambda v: _cho_saul(k - 1, v), [0, u])


def dual(activation, u):
    """E[sigma(Z) sigma(Z')] by the closed form, in the working precision."""
    return DUALS[type(activation).__name__](mp.mpf(u), *_parameters(activation))


def _parameters(activation):
    return [mp.mpf(value) for value in vars(activation).values()]


def sigma(activation, z):
    return SIGMAS[type(activation).__name__](z, *_parameters(activation))


@lru_cache(maxsize=8)
def gauss_legendre(n, dps):
    """Nodes and weights on [-1, 1] by Newton's method."""
    nodes = []
    with mp.workdps(dps + 10):
        for i in range(n):
            x = mp.cos(mp.pi * (i + mp.mpf(3) / 4) / (n + mp.mpf(1) / 2))
            for _ in range(8):
                p, q = mp.mpf(1), x
                for k in range(1, n):
                    p, q = q, ((2 * k + 1) * x * q - k * p) / (k + 1)
                slope = n * (x * q - p) / (x * x - 1)
                x -= q / slope
            nodes.append((x, 2 / ((1 - x * x) * slope**2)))
    return nodes


def dual_by_quadrature(activation, u, dps=25):
    """E[sigma(Z) sigma(Z')] in polar coordinates, panels broken where either argument is 0."""
    with mp.workdps(dps):
        theta = mp.acos(mp.mpf(u))
        half = mp.pi / 2
        breaks = sorted({-mp.pi, -half, half, theta - half, theta + half, mp.pi})
        breaks = [b if b <= mp.pi else b - 2 * mp.pi for b in breaks]
        breaks = sorted(set(breaks))
        total = mp.mpf(0)
        radial = [(6 * (x + 1), 6 * w) for x, w in gauss_legendre(56, dps)]
        radial = [(r, w * r * mp.exp(-r * r / 2)) for r, w in radial]
        angular = gauss_legendre(26, dps)
        for a, b in pairwise(breaks):
            if b - a < mp.mpf(10) ** (5 - dps):
                continue
            for x, w in angular:
                phi = a + (b - a) * (x + 1) / 2
                one, two = mp.cos(phi), mp.cos(phi - theta)
                inner = mp.fsum(v * sigma(activation, r * one) * sigma(activation, r * two) for r, v in radial)
                total += w * (b - a) / 2 * inner
        return total / (2 * mp.pi)
