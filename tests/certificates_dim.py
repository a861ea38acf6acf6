"""The name of a kernel and a dimension in, C_ell on S^d and its share of the variance to 20 digits and more out.

Ball arithmetic (python-flint) and nothing of sphfield. A number counts only if two computations agree in 20 digits:

* directly: C_ell = omega_{d-1} int_0^pi k(cos theta) G_ell(cos theta) sin(theta)^(d-1) dtheta, Gauss-Legendre in the
  root of theta, G_ell by its recurrence;
* for smooth activations (one layer of tanh) the power series of k, whose powers have a closed-form spectrum on S^d
  (Azevedo and Menegatto 2014); for all others the walk C^(d+2)_ell = 2 pi (C^(d)_ell - C^(d)_(ell+2)) / (2 ell + d + 1)
  (Gneiting 2013) from the circle or from S^2, with other nodes and another truncation of the kernel.

`python tests/certificates_dim.py` writes tests/spectra/certified_dim.json anew, in 6 minutes of a processor.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from math import comb
from pathlib import Path
from typing import Any

from certificates import Effort, hermite, layer, vanishes
from flint import arb, arb_mat, arb_series, ctx

DATA = Path(__file__).parent / "spectra" / "certified_dim.json"
DEFINITIONS = (
    "kernel -> d -> ell -> [C_ell, law_ell]: C_ell = omega_{d-1} int_{-1}^1 k(t) G_ell(t) (1 - t^2)^((d-2)/2) dt with "
    "omega_d the area of S^d and G_ell Gegenbauer polynomials, G_ell(1) = 1; law_ell = n_ell C_ell / (omega_d k(1)) "
    "with n_ell harmonics of degree ell. name_Ldepth: bias-free NNGP kernel with k(1) = 1, activations named as in "
    "sphfield.networks.names.activation; ntk_relu_Ldepth: Theta with Theta(1) = depth + 1; two_layer_L1: "
    "u kappa_1 + 2 kappa_2 of arXiv 1912.01198, 3/2 at u = 1. 20 digits, common to two computations; 0 where parity "
    "forbids the multipole"
)
DIGITS = 20
DIMS = (3, 4, 7, 9, 50)
ELLS = (*range(11), 20, 21, 50, 51, 100, 101, 200, 500, 501, 1000, 1001)
FAR = (5000, 5001, 10000)  # on S^3, for kernels with a kink
# fmt: off
DEPTHS = {
    "relu": (1, 2, 3, 10), "leaky_relu:0.3": (2,), "step": (1, 2), "repu:2": (2,), "elu": (1,),
    "gaussian:2": (1, 3), "sine:1": (2,), "gelu": (1, 2), "erf:1": (1,), "tanh": (1, 3),
    "ntk_relu": (1, 2, 3), "two_layer": (1,),
}
# fmt: on
OWN_DIMS = {"ntk_relu": (2, 9), "two_layer": (9,)}
KINKED = ("relu", "leaky_relu:0.3", "step", "repu:2")
SMOOTH = ("gaussian:2", "sine:1", "gelu", "erf:1")
TERMS, SERIES_BITS = 3200, 3700  # of the power series of smooth kernels: (2/3)^p for Gaussian and erf

Key = tuple[str, int]  # kernel, depth
Found = dict[tuple[Key, int, int], arb]  # kernel, dimension, multipole


@dataclass(frozen=True)
class Work:
    """How much of everything."""

    bits: int
    nodes: int
    tanh: Effort
    elu: Effort


# G_ell takes 1.3 bits of a ball for every degree, the smallest numbers are 1e-640, with a kink 1e-116, of which the
# walk to S^50 takes 70 digits; exp(i ell theta) needs 800 nodes. ELU is interpolated: the bits are for that
DIRECT = Work(3600, 1800, Effort(900, 0, terms=12000, spacing=40), Effort(1900, 0, terms=130))
OTHER = Work(2100, 2100, Effort(960, 0, terms=14000, spacing=48), Effort(2000, 0, terms=150))
# cos(10000 theta) needs 7900 nodes, and arccos near u = 1 its bits in each of ten layers
FAR_DIRECT, FAR_OTHER = (Work(bits, nodes, OTHER.tanh, OTHER.elu) for bits, nodes in ((1000, 8600), (1100, 9000)))


def area(dim: int) -> arb:
    """omega_d, the area of S^d; the two points of S^0."""
    half = arb(dim + 1) / 2
    return 2 * arb.pi() ** half / half.gamma()


def multiplicity(ell: int, dim: int) -> int:
    return comb(ell + dim, dim) - (comb(ell + dim - 2, dim) if ell > 1 else 0)


def at_one(name: str, depth: int) -> arb:
    return {"ntk_relu": arb(depth + 1), "two_layer": arb(3) / 2}.get(name, arb(1))


def dims(name: str) -> tuple[int, ...]:
    return OWN_DIMS.get(name, DIMS)


def certificates(names: Sequence[str], ells: Sequence[int] = ELLS) -> Found:
    """C_ell, those certified to 20 digits."""
    wanted = {name: dims(name) for name in names}
    one = direct(wanted, ells, DIRECT)
    series = {
        (name, depth) for name in names for depth in DEPTHS[name] if name in SMOOTH or (name, depth) == ("tanh", 1)
    }
    other = walked({name: d for name, d in wanted.items() if {(name, k) for k in DEPTHS[name]} - series}, ells, OTHER)
    for name, depth in series:
        other |= by_powers(name, depth, dims(name), ells)
    kinked = {name: (3,) for name in names if name in KINKED}
    one |= direct(kinked, FAR, FAR_DIRECT)
    other |= walked(kinked, FAR, FAR_OTHER)
    return agreed(one, other)


def agreed(one: Found, other: Found) -> Found:
    found = {}
    for item, first in one.items():
        (name, depth), dim, ell = item
        second = other[item]
        if even_or_odd(name, depth, ell):
            if not (abs(first) < arb("1e-40") and abs(second) < arb("1e-40")):
                raise ArithmeticError(f"{name} of depth {depth} on S^{dim} has C_{ell} = {first}, parity says 0")
            found[item] = arb(0)
        elif abs(first - second) < abs(second) * arb(10) ** -(DIGITS + 1):
            found[item] = first if first.rad() < second.rad() else second
    return found


def even_or_odd(name: str, depth: int, ell: int) -> bool:
    """Whether parity makes C_ell zero, on a sphere of any dimension."""
    return vanishes("relu" if name in ("ntk_relu", "two_layer") else name, depth, ell)


# --- the integral over theta


def direct(wanted: dict[str, tuple[int, ...]], ells: Sequence[int], work: Work) -> Found:
    with ctx.workprec(work.bits):
        points = nodes(work.bits, work.nodes)
        found: Found = {}
        for dim in sorted(set().union(*wanted.values())):
            keys = [(name, depth) for name in wanted if dim in wanted[name] for depth in DEPTHS[name]]
            found |= _projected(keys, dim, ells, points, work)
        return found


def walked(wanted: dict[str, tuple[int, ...]], ells: Sequence[int], work: Work) -> Found:
    """The same from the integrals on the circle, for odd dimensions, and on S^2."""
    with ctx.workprec(work.bits):
        points = nodes(work.bits, work.nodes)
        found: Found = {}
        for start in (1, 2):
            there = {name: [d for d in ds if d % 2 == start % 2] for name, ds in wanted.items()}
            keys = [(name, depth) for name in wanted if there[name] for depth in DEPTHS[name]]
            if not keys:
                continue
            steps = (max(map(max, filter(None, there.values()))) - start) // 2
            needed = sorted({ell + 2 * step for ell in ells for step in range(steps + 1)})
            cl = _projected(keys, start, needed, points, work)
            for dim in range(start, start + 2 * steps + 1, 2):
                found |= {(key, dim, ell): cl[key, dim, ell] for key in keys if dim in there[key[0]] for ell in ells}
                for key, ell in ((key, ell) for key in keys for ell in needed if (key, dim, ell + 2) in cl):
                    apart = cl[key, dim, ell] - cl[key, dim, ell + 2]
                    cl[key, dim + 2, ell] = 2 * arb.pi() * apart / (2 * ell + dim + 1)
        return found


Points = tuple[list[arb], list[arb], list[arb]]


@lru_cache(maxsize=2)
def nodes(bits: int, n: int) -> Points:
    """theta, cos(theta) and weights on (0, pi/2); theta = (pi/2) x^2 for the root of theta in two layers of Step."""
    with ctx.workprec(bits):
        rule = [arb.legendre_p_root(n, k, weight=True) for k in range(n)]
        xs = [((1 + x) / 2, w / 2) for x, w in rule]
        thetas = [arb.pi() / 2 * x * x for x, _ in xs]
        return thetas, [theta.cos() for theta in thetas], [arb.pi() * x * w for x, w in xs]


def _projected(keys: list[Key], dim: int, ells: Sequence[int], points: Points, work: Work) -> Found:
    thetas, cosines, weights = points
    columns = [_halves(name, work)[depth] for name, depth in keys]
    tables = [arb_mat([list(row) for row in zip(*(pair[side] for pair in columns), strict=True)]) for side in (0, 1)]
    measure = [area(dim - 1) * w * theta.sin() ** (dim - 1) for theta, w in zip(thetas, weights, strict=True)]
    found = {}
    for ell, values in gegenbauer(dim, sorted(ells), thetas, cosines):
        row = arb_mat([[m * g for m, g in zip(measure, values, strict=True)]]) * tables[ell % 2]
        found |= {(key, dim, ell): row[0, column] for column, key in enumerate(keys)}
    return found


def gegenbauer(dim: int, ells: Sequence[int], thetas: list[arb], cosines: list[arb]) -> Iterator[tuple[int, list[arb]]]:
    """G_ell at the nodes, for each of the multipoles in turn."""
    if dim == 1:
        yield from ((ell, [(ell * theta).cos() for theta in thetas]) for ell in ells)
        return
    if dim == 3:
        yield from ((ell, [((ell + 1) * t).sin() / ((ell + 1) * t.sin()) for t in thetas]) for ell in ells)
        return
    now, following = [arb(1)] * len(cosines), cosines
    for ell in range(ells[-1] + 1):
        if ell in ells:
            yield ell, now
        a, b = arb(2 * ell + dim + 1) / (ell + dim), arb(ell + 1) / (ell + dim)
        after = [a * u * g - b * h for u, g, h in zip(cosines, following, now, strict=True)]
        now, following = following, after


# --- kernels


@cache
def _halves(name: str, work: Work) -> dict[int, tuple[list[arb], list[arb]]]:
    """By depth: k(u) + k(-u) and k(u) - k(-u) at the nodes."""
    effort = {"tanh": work.tanh, "elu": work.elu}.get(name, Effort(work.bits, 0))
    cosines = nodes(work.bits, work.nodes)[1]
    with ctx.workprec(effort.bits):
        network = iterates(name, effort)
        both = [(network(u), network(-u)) for u in cosines]
        return {
            depth: ([a[depth] + b[depth] for a, b in both], [a[depth] - b[depth] for a, b in both])
            for depth in DEPTHS[name]
        }


def iterates(name: str, effort: Effort) -> Callable[[arb], dict[int, arb]]:
    """u -> the kernels of all depths there."""
    depths = DEPTHS[name]
    kappa = layer("relu" if name in ("ntk_relu", "two_layer") else name, effort)

    def step(u: arb) -> arb:  # the slope of ReLU's kappa
        return 1 - u.acos() / arb.pi()

    def network(u: arb) -> dict[int, arb]:
        if name == "two_layer":
            return {1: kappa(u) + u * step(u) / 2}
        found, k, theta = {}, u, u
        for depth in range(1, max(depths) + 1):
            if name == "ntk_relu":
                theta = kappa(k) + theta * step(k)
            k = kappa(k)
            found[depth] = theta if name == "ntk_relu" else k
        return found

    return network


# --- the power series


def by_powers(name: str, depth: int, dims: Iterable[int], ells: Sequence[int]) -> Found:
    with ctx.workprec(SERIES_BITS):
        b = coefficients(name, depth)
        return {((name, depth), dim, ell): _summed(b, dim, ell) for dim in dims for ell in ells}


@lru_cache(maxsize=4)
def coefficients(name: str, depth: int) -> list[arb]:
    """b_p of k(u), the sum of b_p u^p."""
    if name == "tanh":
        with ctx.workprec(OTHER.tanh.bits):
            return hermite(name, OTHER.tanh.terms, OTHER.tanh.spacing)
    ctx.cap = TERMS
    k = arb_series([0, 1])
    kappa = _sine if name == "sine:1" else layer(name, Effort(ctx.prec, 0))
    for _ in range(depth):
        k = kappa(k)
    return list(k.coeffs())


def _sine(u: Any) -> Any:  # series have no sinh
    return (u.exp() - (-u).exp()) / (2 * arb(1).sinh())


def _summed(b: list[arb], dim: int, ell: int) -> arb:
    power = _power(dim, ell, ell)
    total = arb(0)
    for p in range(ell, len(b), 2):
        total += b[p] * power
        power *= arb((p + 1) * (p + 2)) / ((p - ell + 2) * (p + ell + dim + 1))
    return total


def _power(dim: int, p: int, ell: int) -> arb:
    """C_ell of u^p on S^d, p - ell even."""
    below = arb(p - ell + 1) / 2
    scale = arb.pi() ** (arb(dim) / 2) / arb(2) ** (ell - 1)
    return (
        scale * arb(p + 1).gamma() * below.gamma() / (arb(p - ell + 1).gamma() * (below + ell + arb(dim) / 2).gamma())
    )


def written(found: Found) -> dict[str, dict[str, dict[str, list[str]]]]:
    table: dict[str, dict[str, dict[str, list[str]]]] = {}
    for ((name, depth), dim, ell), cl in sorted(found.items()):
        law = cl * multiplicity(ell, dim) / (area(dim) * at_one(name, depth))
        values = ["0", "0"] if cl == 0 else [x.str(DIGITS, radius=False) for x in (cl, law)]
        table.setdefault(f"{name}_L{depth}", {}).setdefault(str(dim), {})[str(ell)] = values
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="kernels to compute anew (default: all)")
    names = parser.parse_args().names or list(DEPTHS)
    known = json.loads(DATA.read_text()) if DATA.exists() else {}
    with ctx.workprec(DIRECT.bits):
        known |= written(certificates(names))
    lines = [f"{json.dumps(key)}: {_rows(known[key])}" for key in known if key != "definitions"]
    DATA.write_text("{\n" + ",\n".join([f'"definitions": {json.dumps(DEFINITIONS)}', *lines]) + "\n}\n")


def _rows(table: dict[str, dict[str, list[str]]]) -> str:
    return "{" + ",\n".join(f'"{dim}": {json.dumps(values)}' for dim, values in table.items()) + "}"


if __name__ == "__main__":
    main()
