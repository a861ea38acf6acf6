"""The name of an activation, a depth and multipoles in, C_ell of its network kernel to 20 digits and more out.

Ball arithmetic (python-flint) and nothing of sphfield: the kernel of one layer from its formula, composed at the nodes
of Gauss-Legendre rules in theta, on which P_ell is known. A number counts only if two computations that differ in
nodes, in working precision and, where there is one, in the truncation of the kernel agree in 20 digits.

`python -m tests.certificates` writes tests/spectra/certified.json anew, in about 25 minutes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from pathlib import Path

from flint import arb, arb_mat, arb_poly, ctx

DATA = Path(__file__).parent / "spectra" / "certified.json"
DEFINITIONS = (
    "C_ell = 2 pi int_{-1}^1 k(u) P_ell(u) du, with k the bias-free NNGP kernel of that depth, k(1) = 1; "
    "activations are named as in sphfield.networks.names.activation, their parameters are the nearest doubles; "
    "20 digits, common to two computations; 0 where parity forbids the multipole; nothing where C_ell < 1e-300"
)
ELLS = (0, 1, 2, 3, 10, 11, 30, 31, 100, 101, 300, 301, 1000, 1001, 3000, 3001, 9999, 10000)
DEPTHS = (1, 2, 3, 5, 10, 20)
DIGITS = 20
SMALLEST = arb("1e-300")

Layer = Callable[[arb], arb]


@dataclass(frozen=True)
class Effort:
    """How much of everything: two of these make a certificate."""

    bits: int
    nodes: int  # per panel, beyond those that the oscillation of P_ell needs
    panels: int = 1  # [0, pi/2] halved towards theta = 0
    terms: int = 0  # of a Hermite series, or nodes of an interpolation
    spacing: int = 0  # nodes per unit length of the trapezoidal rule for Hermite coefficients


# kinked: analytic in theta up to and including the ends, C_ell falls like a power; the many bits are for arccos near
# u = 1, which widens a ball 1e8 times at the first nodes, in each of 20 layers. interpolated: the same. graded: a
# function of theta^(1/2^L) at theta = 0. smooth: C_ell falls to 1e-300, so that the quadrature must go on to 1e-325.
# tanh, sigmoid: a Hermite series, whose spectrum at ell = 1001 needs terms far beyond p = (ell^2 / pi)^(2/3) = 4660.
EFFORTS = {
    "kinked": (Effort(1000, 600), Effort(1100, 800)),
    "interpolated": (Effort(1700, 600, terms=90), Effort(1800, 800, terms=110)),
    "graded": (Effort(400, 150, panels=90), Effort(480, 190, panels=100)),
    "smooth": (Effort(1300, 1500), Effort(1400, 1900)),
    "tanh": (Effort(800, 1500, terms=20000, spacing=40), Effort(880, 1900, terms=24000, spacing=48)),
    "sigmoid": (Effort(1000, 1500, terms=10000, spacing=100), Effort(1080, 1900, terms=12000, spacing=110)),
}
# fmt: off
CATALOGUE = {
    "kinked": ("relu", "leaky_relu:0.01", "leaky_relu:0.3", "leaky_relu:0.7", "abs", "repu:2", "repu:3"),
    "interpolated": ("elu", "selu"),
    "graded": ("step", "sign"),
    "smooth": ("gaussian:1", "gaussian:2", "gaussian:2.414213562373095", "gaussian:4", "cosine:1", "sine:1",
               "cossin:0.5", "cossin:1", "cossin:1.5", "erf:1", "gelu"),
    "tanh": ("tanh",),
    "sigmoid": ("sigmoid", "softplus", "silu"),
}
# fmt: on
EVEN = ("abs", "gaussian", "cosine")
ODD = ("sign", "sine", "erf", "tanh")


def certified(name: str, depth: int, ells: Iterable[int]) -> dict[int, arb]:
    """C_ell by multipole, those certified to 20 digits; without those below 1e-300."""
    return certificates(name, (depth,), tuple(ells))[depth]


def certificates(name: str, depths: Sequence[int], ells: Sequence[int]) -> dict[int, dict[int, arb]]:
    """C_ell by depth and multipole: one composition serves all depths."""
    first, second = (_spectra(name, tuple(depths), tuple(ells), effort) for effort in EFFORTS[kind(name)])
    found: dict[int, dict[int, arb]] = {depth: {} for depth in depths}
    for depth, ell in first:
        one, other = first[depth, ell], second[depth, ell]
        if vanishes(name, depth, ell):
            if not abs(one) < arb("1e-40"):
                raise ArithmeticError(f"{name} of depth {depth} has C_{ell} = {one}, parity says 0")
            found[depth][ell] = arb(0)
        elif other > SMALLEST and abs(one - other) < abs(other) * arb(10) ** -(DIGITS + 1):
            found[depth][ell] = other
    return found


def kind(name: str) -> str:
    head = name.partition(":")[0]
    return next(kind for kind, names in CATALOGUE.items() if head in (known.partition(":")[0] for known in names))


def vanishes(name: str, depth: int, ell: int) -> bool:
    """Whether symmetry makes C_ell zero: at every depth, or at depth 1 beyond the power that breaks the symmetry."""
    head, *parameters = name.split(":")
    if head in EVEN or head in ODD:
        return (ell + (head in ODD)) % 2 == 1
    powers = {"step": 0, "sigmoid": 0, "relu": 1, "leaky_relu": 1, "gelu": 1, "silu": 1, "softplus": 1}
    power = int(parameters[0]) if head == "repu" else powers.get(head)
    return depth == 1 and power is not None and ell > power and (ell - power) % 2 == 0


def _spectra(name: str, depths: tuple[int, ...], ells: tuple[int, ...], effort: Effort) -> dict[tuple[int, int], arb]:
    with ctx.workprec(effort.bits):
        cosines, tables = _legendre(effort, tuple(sorted(set(ells))))
        head, kappa = name.partition(":")[0], layer(name, effort)
        right, left = list(cosines), [-u for u in cosines]  # theta in (0, pi/2), and pi - theta
        found = {}
        for depth in range(1, max(depths) + 1):
            right = [kappa(u) for u in right]
            left = right if head in EVEN else [-k for k in right] if head in ODD else [kappa(u) for u in left]
            if depth in depths:
                for sign, (chosen, table) in zip((1, -1), tables, strict=True):
                    values = arb_mat([[a + sign * b] for a, b in zip(right, left, strict=True)])
                    found |= {(depth, ell): (row * values)[0, 0] for ell, row in zip(chosen, table, strict=True)}
    return found


@lru_cache(maxsize=2)
def _legendre(effort: Effort, ells: tuple[int, ...]) -> tuple[list[arb], list[tuple[tuple[int, ...], list[arb_mat]]]]:
    """cos(theta) at the nodes of (0, pi/2), and weight * P_ell there: for the even ell, for the odd ell."""
    edges = [arb(0), *(arb.pi() / 2 ** (k + 1) for k in reversed(range(effort.panels)))]
    nodes = []
    for begin, end in pairwise(edges):
        half = (end - begin) / 2
        # exp(i c x) on [-1, 1] needs c/2 nodes before convergence sets in; c = ell * half
        n = effort.nodes + int(0.55 * max(ells) * float(half))
        for k in range(n):
            x, weight = _root(n, k)
            theta = begin + half * (1 + x)
            nodes.append((theta.cos(), 2 * arb.pi() * half * weight * theta.sin()))
    tables = []
    for parity in (0, 1):
        chosen = tuple(ell for ell in ells if ell % 2 == parity)
        tables.append((chosen, [arb_mat([[weight * u.legendre_p(ell) for u, weight in nodes]]) for ell in chosen]))
    return [u for u, _ in nodes], tables


def _root(n: int, k: int) -> tuple[arb, arb]:
    return _root_in(ctx.prec, n, k)


@lru_cache(maxsize=512)  # the small panels of a graded rule are all alike
def _root_in(bits: int, n: int, k: int) -> tuple[arb, arb]:
    return arb.legendre_p_root(n, k, weight=True)


def layer(name: str, effort: Effort) -> Layer:
    """kappa(u) of one layer, kappa(1) = 1, in the precision of the moment."""
    head, *parameters = name.split(":")
    if kind(name) == "interpolated":
        return _elu(arb(1) if head == "elu" else arb("1.6732632423543772848170429916717"), effort.terms)
    if effort.spacing:
        return _powers(hermite(head, effort.terms, effort.spacing))
    return _closed(head, *map(arb, map(float, parameters)))


def _closed(head: str, a: arb | None = None) -> Layer:
    pi = arb.pi()

    def relu(u: arb) -> arb:
        return ((1 - u * u).sqrt() + (pi - u.acos()) * u) / pi

    def repu(u: arb) -> arb:  # Cho and Saul 2009, table of J_n
        s, rest = (1 - u * u).sqrt(), pi - u.acos()
        if a == 2:
            return (3 * s * u + rest * (1 + 2 * u * u)) / (3 * pi)
        return (4 * s**3 + 15 * s * u * u + rest * (9 * u + 6 * u**3)) / (15 * pi)

    def gelu(u: arb) -> arb:
        return u / 4 + u * (u / 2).asin() / (2 * pi) + 1 / (2 * pi * (4 - u * u).sqrt())

    if head == "erf":
        c = 2 * a * a / (1 + 2 * a * a)
        return lambda u: (c * u).asin() / c.asin()
    if head == "gelu":
        norm = gelu(arb(1))
        return lambda u: gelu(u) / norm
    return {
        "relu": relu,
        "leaky_relu": lambda u: ((1 - a) ** 2 * relu(u) + 2 * a * u) / (1 + a * a),
        "abs": lambda u: 2 * relu(u) - u,
        "repu": repu,
        "step": lambda u: 1 - u.acos() / pi,
        "sign": lambda u: 2 * u.asin() / pi,
        "gaussian": lambda u: ((1 + 2 * a) / ((1 + a) ** 2 - (a * u) ** 2)).sqrt(),
        "cosine": lambda u: (a * a * u).cosh() / (a * a).cosh(),
        "sine": lambda u: (a * a * u).sinh() / (a * a).sinh(),
        "cossin": lambda u: (a * a * (u - 1)).exp(),
    }[head]


def _elu(alpha: arb, nodes: int) -> Layer:
    """ELU: E[sigma sigma'] is an entire function of theta, interpolated at Chebyshev points of [0, pi]."""
    pi = arb.pi()
    xs = [(pi * (2 * k + 1) / (2 * nodes)).cos() for k in range(nodes)]
    norm = _elu_dual(alpha, arb(0), nodes)
    curve = arb_poly.interpolate(xs, [_elu_dual(alpha, pi * (1 + x) / 2, nodes) / norm for x in xs])
    return lambda u: curve(2 * u.acos() / pi - 1)


def _elu_dual(alpha: arb, theta: arb, nodes: int) -> arb:
    """E[sigma(Z) sigma(Z')] in polar coordinates: radial integrals in closed form, angles by Gauss-Legendre."""
    pi = arb.pi()

    def radial(c: arb) -> tuple[arb, arb]:  # int r^j exp(r c - r^2/2) dr, j = 1, 2
        zeroth = (pi / 2).sqrt() * (c * c / 2).exp() * (-c / arb(2).sqrt()).erfc()
        return 1 + c * zeroth, zeroth + c * (1 + c * zeroth)

    def mixed(a: arb, b: arb) -> arb:  # Z > 0 > Z', and the other way round
        return 2 * alpha * a * (radial(b)[1] - radial(arb(0))[1])

    def negative(a: arb, b: arb) -> arb:
        return alpha**2 * (radial(a + b)[0] - radial(a)[0] - radial(b)[0] + 1)

    sectors = (  # phi from, to, of (r cos(phi), r cos(phi - theta))
        (theta - pi / 2, pi / 2, lambda a, b: 2 * a * b),
        (-pi / 2, theta - pi / 2, mixed),
        (theta + pi / 2, 3 * pi / 2, negative),
    )
    total = arb(0)
    for begin, end, part in sectors:
        half = (end - begin) / 2
        for k in range(nodes):
            x, weight = _root(nodes, k)
            phi = begin + half * (1 + x)
            total += weight * half * part(phi.cos(), (phi - theta).cos())
    return total / (2 * pi)


def _powers(b: list[arb]) -> Layer:
    """Sum of b_p u^p for coefficients that, but for the first two, have one parity."""
    parity = 0 if b[4] > 0 else 1
    tail = arb_poly(b[parity::2])
    other = b[1 - parity]
    return (lambda u: tail(u * u) + other * u) if parity == 0 else (lambda u: u * tail(u * u) + other)


def hermite(head: str, terms: int, spacing: int) -> list[arb]:
    """b_p = mu_p^2 / E[sigma^2] for p < terms, by integrals without cancellation; E[sigma^2] on its own."""
    if head == "softplus":  # its derivative is the sigmoid
        squares = _hermite_integrals("sigmoid", terms, spacing)
        b = [arb(0), *(square / (p + 1) for p, square in enumerate(squares[:-1]))]
    else:
        b = list(_hermite_integrals(head, terms, spacing))
    functions = {
        "tanh": lambda x: x.tanh(),
        "sigmoid": lambda x: 1 / (1 + (-x).exp()),
        "silu": lambda x: x / (1 + (-x).exp()),
        "softplus": lambda x: x.exp().log1p(),
    }
    mean, variance = _mean(functions[head]), _mean(lambda x: functions[head](x) ** 2)
    b[0] = mean * mean  # the power of a ball around 0 is not a number
    if head in ("silu", "softplus"):
        b[1] = arb(1) / 4
    return [value / variance for value in b]


@lru_cache(maxsize=4)
def _hermite_integrals(head: str, terms: int, spacing: int) -> tuple[arb, ...]:
    """(int_0^inf t^p exp(-t^2/2) k(t) dt)^2 / p! for every other p, by the trapezoidal rule; k falls like exp(-c t)."""
    pi = arb.pi()
    kernels = {
        "tanh": (1, lambda t: 1 / (pi * t / 2).sinh(), 2 / pi),
        "sigmoid": (1, lambda t: 1 / (pi * t).sinh(), 1 / pi),
        "silu": (2, lambda t: pi * (pi * t).cosh() / (pi * t).sinh() ** 2, 1 / pi),
    }
    start, weight, origin = kernels[head]  # origin: the limit of t^start * k(t) at t = 0
    reach = 26  # exp(-reach^2) < 1e-290: all that counts lies within reach of sqrt(p), where t^p exp(-t^2/2) peaks
    ts = [arb(k) / spacing for k in range(1, int((terms**0.5 + reach) * spacing))]
    squares = [t * t for t in ts]
    values = [t**start * (-t * t / 2).exp() * weight(t) / spacing for t in ts]
    found, factorial = [arb(0)] * terms, arb(1)
    for p in range(start, terms, 2):
        low, high = (max(0, int((p**0.5 + side * reach) * spacing)) for side in (-1, 1))
        total = sum(values[low:high], arb(0)) + (origin / (2 * spacing) if p == start else 0)
        found[p] = total**2 / factorial
        values[low:] = [v * s for v, s in zip(values[low:], squares[low:], strict=True)]
        factorial *= (p + 1) * (p + 2)
    return tuple(value / start for value in found)  # start! = start


def _mean(f: Layer) -> arb:
    """E[f(Z)] by the trapezoidal rule: the nearest pole, pi/2 from the real line, leaves exp(-100 pi^2)."""
    step = arb(1) / 100
    total = f(arb(0))
    for k in range(1, 4000):
        x = k * step
        total += (-x * x / 2).exp() * (f(x) + f(-x))
    return total * step / (2 * arb.pi()).sqrt()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="activations to compute anew (default: all)")
    known = json.loads(DATA.read_text()) if DATA.exists() else {}
    for name in parser.parse_args().names or chain(*CATALOGUE.values()):
        hermitian = kind(name) in ("tanh", "sigmoid")
        depths = DEPTHS[:4] if hermitian else DEPTHS
        ells = tuple(ell for ell in ELLS if ell <= 1001) if hermitian else ELLS
        for depth, values in certificates(name, depths, ells).items():
            known[f"{name}_L{depth}"] = {
                str(ell): "0" if value == 0 else value.str(DIGITS, radius=False)
                for ell, value in sorted(values.items())
            }
        DATA.write_text(json.dumps({"definitions": DEFINITIONS, **known}, indent=0) + "\n")
        print(name, {depth: len(known[f"{name}_L{depth}"]) for depth in depths}, flush=True)


if __name__ == "__main__":
    main()
