"""Accuracy of angular spectra: claimed and true relative error against tests/spectra/certified.json, route by route.

Prints one line per activation, depth, route and multipole. `--write` makes the tables of docs/accuracy.md: every
network by the default route beside naive quadrature, depth 1 by each route by itself, and spectra on other spheres
against tests/spectra/certified_dim.json.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import NamedTuple

import mpmath as mp
import numpy as np

from sphfield.networks.kernels import NNGP
from sphfield.networks.names import activation
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Kernel

ROOT = Path(__file__).parents[1]
CERTIFIED = ROOT / "tests" / "spectra" / "certified.json"
ON_SPHERES = ROOT / "tests" / "spectra" / "certified_dim.json"
TABLE = ROOT / "docs" / "_accuracy_table.md"
COLUMNS = ((10, 11), (100, 101), (1000, 1001), (9999, 10000))  # of each pair, the first that parity allows
HEAD = "".join(f"{f'ℓ ≈ {10**k}':>16}" for k in range(1, 5))
ONE_LAYER = ("relu", "step", "elu", "gaussian:2", "erf:1", "gelu", "sine:1", "tanh", "sigmoid")


class Result(NamedTuple):
    """Relative errors."""

    claimed: float
    true: float


def results(key: str, exact: dict[int, str], method: str) -> tuple[str, dict[int, Result]]:
    """The routes used, and claimed and true error by multipole; 0 and 0 where C_ell = 0 is met exactly."""
    name, depth = key.rsplit("_L")
    spectrum = angular_spectrum(NNGP(Network(activation(name), int(depth))), max(exact), method=method)
    return spectrum.method, {ell: Result(float(spectrum.error[ell]), _true(spectrum, ell, exact[ell])) for ell in exact}


def _true(spectrum: Spectrum, ell: int, text: str) -> float:
    if text == "0":
        return 0.0 if spectrum.cl[ell] == 0.0 else math.inf
    if not np.isfinite(spectrum.log_cl[ell]):
        return 1.0
    with mp.workdps(30):
        return float(abs(mp.expm1(mp.mpf(float(spectrum.log_cl[ell])) - mp.log(mp.mpf(text)))))


def _cells(exact: dict[int, str], found: dict[int, Result], *, claims: bool) -> str:
    cells = []
    for pair in COLUMNS:
        result = next((found[ell] for ell in pair if exact.get(ell, "0") != "0"), None)
        if result is None:
            cells.append("")  # below 1e-300
        elif not math.isfinite(result.claimed):
            cells.append("no digit")
        else:
            cells.append(f"{result.claimed:.0e} / {result.true:.0e}" if claims else f"{result.true:.0e}")
    return "".join(f"{cell:>16}" for cell in cells)


def _print(key: str, method: str, found: dict[int, Result]) -> None:
    for ell, (claimed, true) in found.items():
        print(f"{key:28} {method:18} ell={ell:6} claimed {claimed:8.1e} true {true:8.1e}", flush=True)


def networks(certified: dict[str, dict[int, str]]) -> list[str]:
    """Every network by the default route, and what naive quadrature is off by."""
    head = f"{'activation':28}{'L':>2}{HEAD}"
    ours, theirs = [f"{head}  route"], [head]
    worst = 0.0
    for key, exact in certified.items():
        name, depth = key.rsplit("_L")
        used, found = results(key, exact, "auto")
        _print(key, used, found)
        _, naive = results(key, exact, "quadrature")
        worst = max([worst, *(r.true / r.claimed for r in found.values() if 0 < r.claimed < math.inf)])
        ours.append(f"{name:28}{depth:>2}{_cells(exact, found, claims=True)}  {used}")
        theirs.append(f"{name:28}{depth:>2}{_cells(exact, naive, claims=False)}")
    ratio = f"Largest ratio of true to claimed error over all certified multipoles: {worst:.2f}."
    print(ratio)
    return ["## Every network", "", *_block(ours), ratio, "", "## Quadrature beside it", "", *_block(theirs)]


def routes(certified: dict[str, dict[int, str]]) -> list[str]:
    """One layer by every route that takes it."""
    lines = [f"{'activation':14}{'route':12}{HEAD}"]
    for name in ONE_LAYER:
        exact = certified.get(f"{name}_L1", {})
        for method in ("contour", "series", "radial", "quadrature") if exact else ():
            asked = {ell: text for ell, text in exact.items() if method != "radial" or ell <= 1001}
            try:
                _, found = results(f"{name}_L1", asked, method)
            except ValueError:
                continue  # the route does not take this kernel, and says so
            lines.append(f"{name:14}{method:12}{_cells(asked, found, claims=True)}")
    return ["## One layer by every route", "", *_block(lines)]


def spheres() -> list[str]:
    """Spectra on S^d by the default route: over all certified multipoles the largest claimed and true errors."""
    lines, worst = [f"{'kernel':28}{'d':>4}{'last ℓ':>8}{'claimed':>10}{'true':>10}{'true/claimed':>14}  route"], 0.0
    for key, tables in json.loads(ON_SPHERES.read_text()).items():
        if key == "definitions" or key.startswith("two_layer"):  # a sum of two of the others
            continue
        for dim, table in tables.items():
            exact = {int(ell): values[0] for ell, values in table.items()}
            spectrum = angular_spectrum(_kernel(key), max(exact), dim=int(dim))
            found = {ell: Result(float(spectrum.error[ell]), _true(spectrum, ell, text)) for ell, text in exact.items()}
            known = {ell: r for ell, r in found.items() if 0.0 < r.claimed < math.inf}
            ratio = max(r.true / r.claimed for r in known.values())
            worst = max(worst, ratio)
            claimed, true = (max(getattr(r, name) for r in known.values()) for name in ("claimed", "true"))
            line = f"{key:28}{dim:>4}{max(known):>8}{claimed:10.0e}{true:10.0e}{ratio:14.2f}  {spectrum.method}"
            print(line, flush=True)
            lines.append(line)
    ratio_line = f"Largest ratio of true to claimed error over all of these: {worst:.2f}."
    print(ratio_line)
    return ["## On other spheres", "", *_block(lines), ratio_line, ""]


def _kernel(key: str) -> Kernel:
    name, depth = key.rsplit("_L")
    if name.startswith("ntk_"):
        return NTK(Network(activation(name.removeprefix("ntk_")), int(depth)))
    return NNGP(Network(activation(name), int(depth)))


def _block(lines: list[str]) -> list[str]:
    return ["```text", *(line.rstrip() for line in lines), "```", ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="activations, as in certified.json (default: all)")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.relative_to(ROOT)}")
    options = parser.parse_args()
    certified = {
        key: {int(ell): text for ell, text in values.items()}
        for key, values in json.loads(CERTIFIED.read_text()).items()
        if key != "definitions" and (not options.names or key.rsplit("_L")[0] in options.names)
    }
    tables = [*networks(certified), *routes(certified), *spheres()]
    if options.write:
        TABLE.write_text("\n".join(tables))


if __name__ == "__main__":
    main()
