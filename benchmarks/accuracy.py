"""Accuracy of angular spectra: claimed and true relative error against tests/spectra/certified.json, route by route.

Prints one line per activation, depth and multipole. `--write` keeps those near ell = 10, 100, 1000 and 10000, as a
table of the documentation. `quadrature` is the naive route: Gauss-Legendre in theta, in double precision.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from sphfield.networks.kernels import NNGP
from sphfield.networks.names import activation
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum

ROOT = Path(__file__).parents[1]
CERTIFIED = ROOT / "tests" / "spectra" / "certified.json"
TABLE = ROOT / "docs" / "_accuracy_table.md"
COLUMNS = ((10, 11), (100, 101), (1000, 1001), (9999, 10000))  # of each pair, the first that parity allows


class Result(NamedTuple):
    """Relative errors."""

    claimed: float
    true: float


def results(key: str, exact: dict[int, Fraction], method: str) -> dict[int, Result]:
    """Claimed and true error by multipole; 0 and 0 where C_ell = 0 is met exactly."""
    name, depth = key.rsplit("_L")
    kernel = NNGP(Network(activation(name), int(depth)))
    spectrum = angular_spectrum(kernel, max(exact), method=method)
    found = {}
    for ell, value in exact.items():
        cl, claimed = Fraction(float(spectrum.cl[ell])), float(spectrum.error[ell])
        # a difference of fractions: C_ell goes down to 1e-300, and the difference further
        true = float(abs(cl / value - 1)) if value else (0.0 if cl == 0 else math.inf)
        found[ell] = Result(claimed, true)
    return found


def rows(certified: dict[str, dict[int, Fraction]], methods: list[str]) -> Iterator[str]:
    for key, exact in certified.items():
        name, depth = key.rsplit("_L")
        for method in methods:
            found = results(key, exact, method)
            for ell, (claimed, true) in found.items():
                print(
                    f"{name:26} L={depth:3} {method:12} ell={ell:6} claimed {claimed:8.1e} true {true:8.1e}", flush=True
                )
            cells = [_cell(next((found[ell] for ell in pair if exact.get(ell)), None)) for pair in COLUMNS]
            yield " | ".join([f"| {name}", depth, method, *cells]) + " |"


def _cell(result: Result | None) -> str:
    if result is None:
        return ""  # below 1e-300
    if not math.isfinite(result.claimed):
        return "no digit"
    return f"{result.claimed:.0e}, {result.true:.0e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="activations, as in certified.json (default: all)")
    parser.add_argument("--methods", nargs="+", default=["auto", "quadrature"], help="default: %(default)s")
    parser.add_argument("--lmax", type=int, default=10000, help="leave out multipoles beyond (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.relative_to(ROOT)}")
    options = parser.parse_args()
    certified = {
        key: {int(ell): Fraction(text) for ell, text in values.items() if int(ell) <= options.lmax}
        for key, values in json.loads(CERTIFIED.read_text()).items()
        if key != "definitions" and (not options.names or key.rsplit("_L")[0] in options.names)
    }
    head = ["| activation | depth | route | ℓ = 10 | ℓ = 100 | ℓ = 1000 | ℓ = 10000 |", "|---|---|---|---|---|---|---|"]
    lines = [*head, *rows(certified, options.methods)]
    if options.write:
        TABLE.write_text("\n".join(["Each cell: claimed relative error, true relative error.", "", *lines]) + "\n")


if __name__ == "__main__":
    main()
