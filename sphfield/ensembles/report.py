"""Families of tests in, one verdict with a total false-alarm rate out: printable, and ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphfield.typing import Array

__all__ = ["Family", "Report", "holm"]

_SHOWN = 5  # failures listed on screen; JSON has them all


@dataclass(frozen=True, eq=False)
class Family:
    """One kind of test at many indices; the arrays have one shape (n,).

    ``value`` is what was measured, ``low`` and ``high`` what is accepted of it if the family stood alone with its
    ``share`` of alpha, NaN where the law is known by ranks only.
    """

    name: str
    index_name: str
    index: NDArray[np.int64]
    value: Array
    low: Array
    high: Array
    pvalue: Array
    share: float
    meaning: str


@dataclass(frozen=True, eq=False)
class Report:
    r"""What `validate` found. Arrays indexed by ell have shape (lmax + 1,).

    ``pulls`` are (mean - expected) in units of the standard error; ``bias`` is the relative error of the analysis,
    measured on maps of the expected spectrum, as far as sixteen maps show it; ``tested`` marks the multipoles where
    C_ell is known and both its error and that bias stay below a tenth of a standard error; ``leaks`` are the multipoles
    where C_ell = 0 but the maps have power beyond rounding.
    """

    expected: Array
    mean: Array
    pulls: Array
    bias: Array
    tested: NDArray[np.bool_]
    families: tuple[Family, ...]
    zeros: NDArray[np.int64]
    leaks: Mapping[int, float]
    size: int
    alpha: float
    choices: Mapping[str, Any]

    @property
    def ell(self) -> Array:
        """0 ... lmax."""
        return np.arange(self.expected.size, dtype=np.float64)

    @cached_property
    def adjusted(self) -> tuple[NDArray[np.float64], ...]:
        """Holm's p-values, one array a family: each is to be compared with alpha."""
        weights = [np.full(f.pvalue.size, f.share / max(f.pvalue.size, 1)) for f in self.families]
        flat = holm(np.concatenate([f.pvalue for f in self.families]), np.concatenate(weights))
        return tuple(np.split(flat, np.cumsum([f.pvalue.size for f in self.families])[:-1]))

    @property
    def pvalue(self) -> float:
        """The smallest adjusted p-value."""
        return float(min(p.min(initial=1.0) for p in self.adjusted))

    @property
    def passed(self) -> bool:
        """Whether no test is significant; a right sampler fails with probability alpha at most."""
        return self.pvalue > self.alpha and not self.leaks

    def family(self, name: str) -> Family:
        """The family of that name."""
        found = {f.name: f for f in self.families}
        if name not in found:
            raise ValueError(f"there is no family {name!r}: this report has {', '.join(found)}")
        return found[name]

    def failed(self, name: str) -> NDArray[np.bool_]:
        """Which indices of a family failed."""
        family = self.family(name)
        return self.adjusted[self.families.index(family)] <= self.alpha

    @property
    def failures(self) -> list[dict[str, Any]]:
        """Every test that failed, most significant first: its family, where, and what was measured."""
        found = [
            {"test": f.name, f.index_name: int(f.index[i]), "value": float(f.value[i]), "pvalue": float(p[i])}
            for f, p in zip(self.families, self.adjusted, strict=True)
            for i in np.flatnonzero(p <= self.alpha)
        ]
        return sorted(found, key=lambda row: row["pvalue"])

    def facts(self) -> dict[str, Any]:
        """Everything in it as JSON-ready values; what is not known is None."""
        families = [
            {
                "test": f.name,
                "meaning": f.meaning,
                f.index_name: f.index.tolist(),
                "value": _listed(f.value),
                "low": _listed(f.low),
                "high": _listed(f.high),
                "pvalue": _listed(f.pvalue),
                "adjusted": _listed(p),
            }
            for f, p in zip(self.families, self.adjusted, strict=True)
        ]
        return {
            "passed": self.passed,
            "pvalue": self.pvalue,
            "alpha": self.alpha,
            "size": self.size,
            **self.choices,
            "tested": np.flatnonzero(self.tested).tolist(),
            "failures": self.failures,
            "zeros": self.zeros.tolist(),
            "leaks": {str(ell): power for ell, power in self.leaks.items()},
            "expected": _listed(self.expected),
            "mean": _listed(self.mean),
            "pulls": _listed(self.pulls),
            "bias": _listed(self.bias),
            "families": families,
        }

    def __str__(self) -> str:
        maps = "1 map" if self.size == 1 else f"{self.size} maps"
        lines = [
            f"{'passed' if self.passed else 'FAILED'}: {maps}, {int(self.tested.sum())} of {self.ell.size} "
            f"multipoles tested, p = {self.pvalue:.2g} (alpha = {self.alpha})",
            *(f"  {name}: {value}" for name, value in self.choices.items()),
            f"  {'test':12} {'tests':>6} {'smallest p, adjusted':>21}  worst at",
        ]
        for f, p in zip(self.families, self.adjusted, strict=True):
            if p.size:
                i = int(np.argmin(f.pvalue))
                place = "" if f.name == "total" else f"{f.index_name} = {f.index[i]}: "
                where = f"{place}{f.value[i]:.3g} {f.meaning}"
                lines.append(f"  {f.name:12} {p.size:6d} {p[i]:21.2g}  {where}")
        if self.zeros.size:
            lines.append(f"  {'zeros':12} {self.zeros.size:6d} {'':21}  C_ell = 0: {len(self.leaks)} have power")
        worst = sorted(self.leaks.items(), key=lambda item: -item[1])[:_SHOWN]
        lines += [f"  power at ell = {ell}, where C_ell = 0: {power:.2g} of the variance" for ell, power in worst]
        lines += ["  such power is left by single precision, or when a monopole or dipole was fitted"] if worst else []
        rest = len(self.failures) - _SHOWN
        lines += [f"  failed: {_words(row)}" for row in self.failures[:_SHOWN]]
        return "\n".join([*lines, *([f"  and {rest} failures more"] if rest > 0 else [])])


def holm(pvalue: Array, weight: Array) -> Array:
    """Adjusted p-values of Holm's step-down procedure with weights (Scand. J. Stat. 6 (1979) 65).

    Whatever the dependence between the tests, the probability that a true hypothesis among them has an adjusted p-value
    of at most alpha is at most alpha.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03]), np.ones(3)).round(12).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(pvalue / weight)
    left = np.cumsum(weight[order][::-1])[::-1]  # weight of the hypotheses not yet rejected
    steps = np.minimum(np.maximum.accumulate(pvalue[order] / weight[order] * left), 1.0)
    adjusted = np.empty_like(steps)
    adjusted[order] = steps
    return adjusted


def _listed(values: Array) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]


def _words(row: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in row.items()
    )
