"""Facts of `sphfield.exhibits.ntk` in, tables for a screen out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["printed_coefficients", "printed_gram", "printed_spectrum"]

_FIRST = 10  # rows before a table goes on in steps


def printed_coefficients(facts: dict[str, Any]) -> str:
    """The facts of `coefficient_facts` as a table: the first powers, then some, and the law of their fall."""
    rows = []
    for p in _chosen([log is not None for log in facts["log_coefficients"]]):
        log, error = facts["log_coefficients"][p], facts["relative_errors"][p]
        value = "0" if log is None else _from_log(log)
        rows.append([str(p), value, "" if log is None else f"{error:.0e}", f"{facts['percent'][p]:.6f}"])
    lines = _aligned(["p", "coefficient of u^p", "rel. error", "% up to it"], rows)
    known = f"{facts['known']} coefficients, Theta(1) = {facts['at_one']:.12g}"
    left = "not known" if facts["rest"] is None else f"{facts['rest']:.3g}"
    return "\n".join([_title(facts), "", *lines, "", f"{known}; left out: {left}", *_law(facts["decay"], "b_p", "p")])


def printed_spectrum(facts: dict[str, Any]) -> str:
    """The facts of `spectrum_facts` as a table."""
    rows = []
    for ell in _chosen([mu > 0.0 for mu in facts["mu"]]):
        mu, error = facts["mu"][ell], facts["relative_errors"][ell]
        # quadrature reports no digit as 0, parity makes an exact one
        value = f"{mu:.12e}" if mu > 0.0 else "0" if error == 0.0 else "?"
        shown = "" if error is None or mu == 0.0 else f"{error:.0e}"
        rows.append([str(ell), value, f"{facts['multiplicity'][ell]:.0f}", shown, f"{facts['percent'][ell]:.6f}"])
    lines = _aligned(["ell", "mu_ell = C_ell / omega_d", "times", "rel. error", "% up to it"], rows)
    left = f"Theta(1) = {facts['at_one']:.12g}; {100.0 * facts['beyond_lmax']:.3g} % beyond ell = {facts['lmax']}"
    where = f"{_title(facts)} on S^{facts['dim']}, by {facts['method']}"
    law = _law(facts["decay"], "C_ell", "ell" if facts["dim"] == 1 else f"(ell + {0.5 * (facts['dim'] - 1):g})")
    return "\n".join([where, "", *lines, "", left, *law])


def printed_gram(facts: dict[str, Any]) -> str:
    """The facts of `gram_facts` as a table: bounds, the first eigenvalues, multiplets."""
    found, data = facts["eigenvalues"], facts["data_eigenvalues"]
    rows = []
    for j in _chosen([False, *[True] * len(found)])[1:]:
        own = f"{data[j - 1]:.6e}" if j <= len(data) else "0"
        rows.append([str(j), *(f"{facts[name][j - 1]:.6e}" for name in ("lower", "eigenvalues", "upper")), own])
    head = [
        _title(facts),
        f"{facts['data']}: {facts['rows']} rows of {facts['columns']}, rank {facts['data_rank']}",
        "",
    ]
    head.append(
        f"effective rank {facts['effective_rank']:.6g}, of the data {facts['data_effective_rank']:.6g}; the largest "
        f"eigenvalue is {100.0 * facts['share']:.4g} % of the trace"
    )
    for bound in facts["bounds"]:
        sign, mark = ("<=", "holds") if bound["holds"] else (">", "FAILS")
        head.append(
            f"{mark}  {bound['theorem']}: {bound['quantity']} {bound['measured']:.6g} {sign} {bound['limit']:.6g}"
        )
    lines = _aligned(["j", "proven >=", "eigenvalue j", "proven <=", "of the data"], rows)
    return "\n".join([*head, "", *lines, *_degrees(facts["multiplets"])])


def _degrees(rows: list[dict[str, Any]] | None) -> list[str]:
    if rows is None:
        return []
    cells = []
    for row in rows:
        numbers = (row["shift"], row["spread"], *row["interval"])
        told = "yes" if row["resolved"] else "no"
        cells.append([str(row["ell"]), f"{row['mu']:.6e}", *(f"{x + 0.0:.4f}" for x in numbers), told])
    heads = ["ell", "mu_ell", "shift", "spread", "proven from", "to", "resolved"]
    return ["", "by degree; relative to mu_ell, what the points make of it:", *_aligned(heads, cells)]


def _title(facts: dict[str, Any]) -> str:
    kind = "tangent kernel" if facts["kernel"] == "NTK" else "covariance"
    layers = f"{facts['depth']} hidden layer{'' if facts['depth'] == 1 else 's'}"
    scales = ", ".join(f"{name} = {facts[name]:.6g}" for name in ("gamma_w", "gamma_b", "sigma_w", "sigma_b"))
    convention = "; the paper's convention" if facts["convention"] == "paper" else ""
    return f"{kind} of {facts['activation']}, {layers}; {scales}{convention}"


def _law(law: dict[str, Any] | None, name: str, at: str) -> list[str]:
    if law is None:
        return ["too few for a law of their fall"]
    if law["rate"] is None:
        return [f"{name}: {'a polynomial' if law['family'] == 'polynomial' else 'falls faster than any geometric law'}"]
    which = "" if law["parity"] is None else f", {('even', 'odd')[law['parity']]} only"
    span = f"fitted from {law['first']} to {law['last']}{which}, to {law['misfit']:.0e}"
    lines = [f"{name} ~ {_form(law, at)}  {span}"]
    lines += [
        f"{' ' * len(name)} {'<' if e['kind'] == 'bound' else '~'} {_form(e, at)}  {e['source']}"
        for e in law["expected"]
    ]
    return lines


def _form(law: dict[str, Any], at: str) -> str:
    bend = {"root": "^(1/2)", "two-thirds": "^(2/3)", "geometric": ""}.get(law["family"])
    parts = [] if bend is None else [f"exp(-{law['rate']:.6g} {at}{bend})"]
    parts += [] if law["power"] is None else [f"{at}^{-law['power']:.6g}"]
    return " ".join(parts)


def _chosen(there: Sequence[bool]) -> list[int]:
    """The first indices, then in steps of 1, 2, 5 among those that are there, and the last."""
    known = np.flatnonzero(there)
    if known.size == 0:
        return list(range(min(_FIRST, len(there))))
    steps = [m * 10**e for e in range(1, 6) for m in (1, 2, 5)]
    later = [int(known[min(np.searchsorted(known, step), known.size - 1)]) for step in steps if step <= known[-1]]
    return sorted({*range(min(_FIRST, len(there))), *later, int(known[-1])})


def _from_log(log: float) -> str:
    exponent, fraction = divmod(log / np.log(10.0), 1.0)
    return f"{np.exp(log):.12e}" if log > -700.0 else f"{10.0**fraction:.10f}e{int(exponent):+d}"


def _aligned(heads: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(head), *(len(cells[i]) for cells in rows)) for i, head in enumerate(heads)]
    return ["  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in [heads, *rows]]
