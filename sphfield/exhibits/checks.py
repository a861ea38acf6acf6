"""Published numbers against computed ones: each comparison a Check with a tolerance and its reason, a table out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Check", "digits", "failures", "near", "table"]

_HEADS = ("", "what", "expected", "found", "tolerance", "because")


@dataclass(frozen=True)
class Check:
    """One line of a report.

    Parameters
    ----------
    what
        The quantity.
    expected, found
        As text: numbers with the digits that matter, ranges, or words.
    tolerance
        How far apart they may be.
    why
        Where the tolerance comes from.
    passed
        None if the comparison is shown for information and does not count.
    """

    what: str
    expected: str
    found: str
    tolerance: str
    why: str
    passed: bool | None


def near(what: str, expected: float, found: float, tolerance: float, why: str, *, shown: int = 7) -> Check:
    """Whether two numbers agree within an absolute tolerance; NaN never does."""
    one, other = (f"{x:.{shown}g}" for x in (expected, found))
    return Check(what, one, other, f"{tolerance:.1e}", why, bool(abs(found - expected) <= tolerance))


def digits(what: str, expected: str, found: float, why: str = "the printed digits") -> Check:
    """Whether a number agrees with a printed one, within half a unit of its last digit.

    Examples
    --------
    >>> digits("pi", "3.14", 3.14159).passed, digits("pi", "3.15", 3.14159).passed
    (True, False)
    """
    mantissa, _, exponent = expected.partition("e")
    places = len(mantissa.partition(".")[2])
    half = 0.5 * 10.0 ** (int(exponent or 0) - places)
    shown = f"{found:.{places + 2}e}" if exponent else f"{found:.{places + 2}f}"
    return Check(what, expected, shown, f"{half:.0e}", why, bool(abs(found - float(expected)) <= half))


def failures(checks: Sequence[Check]) -> list[Check]:
    """Those that count and do not agree."""
    return [c for c in checks if c.passed is False]


def table(checks: Sequence[Check]) -> str:
    """The checks as aligned lines, each beginning with PASS, FAIL, or info where it does not count."""
    marks = {True: "PASS", False: "FAIL", None: "info"}
    rows = [_HEADS, *((marks[c.passed], c.what, c.expected, c.found, c.tolerance, c.why) for c in checks)]
    widths = np.array([[len(cell) for cell in row[:-1]] for row in rows]).max(axis=0)
    lines = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]) for row in rows]
    counted = sum(c.passed is not None for c in checks)
    bad = len(failures(checks))
    verdict = f"{bad} of {counted} checks FAILED" if bad else f"all {counted} checks passed"
    return "\n".join([*(line.rstrip() for line in lines), "", verdict])
