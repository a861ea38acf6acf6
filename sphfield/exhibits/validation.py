"""A validation on a sheet: Report in, a figure of its four families of tests out, and JSON beside it."""

from __future__ import annotations

from pathlib import Path

from sphfield.ensembles.report import Report
from sphfield.exhibits.single import write_with_numbers
from sphfield.figures.axes import Figure, sheet
from sphfield.figures.validation import report_panel
from sphfield.provenance import version

__all__ = ["validation_figure", "write_validation"]

_DRAWN = ("mean", "scatter", "correlation", "orders")


def validation_figure(report: Report) -> Figure:
    """Mean, scatter, correlation and power per order, as far as they were tested, each on its band of acceptance."""
    have = [f.name for f in report.families if f.index.size]
    drawn = [name for name in _DRAWN if name in have]
    rows = (len(drawn) + 1) // 2
    figure = sheet(11.0, 0.5 + 3.5 * rows)
    axes = figure.subplots(rows, 2, squeeze=False).ravel()
    for name, ax in zip(drawn, axes, strict=False):
        report_panel(report, name, ax)
    for ax in axes[len(drawn) :]:
        ax.set_axis_off()
    figure.suptitle(_title(report, [name for name in have if name not in drawn]), fontsize=11)
    return figure


def _title(report: Report, others: list[str]) -> str:
    bad = [name for name in others if report.failed(name).any()]
    remarks = []
    if others:
        remarks.append(f"failed: {', '.join(bad)}" if bad else f"{', '.join(others)}: passed")
    if report.zeros.size:
        remarks.append(f"$C_\\ell = 0$ at {report.zeros.size} multipoles, {len(report.leaks)} of them with power")
    lines = [
        f"{'passed' if report.passed else 'FAILED'}: {report.size} map{'s' if report.size > 1 else ''}, "
        f"{int(report.tested.sum())} of {report.ell.size} multipoles tested, p = {report.pvalue:.2g}",
        f"{report.choices['estimator']}; {report.choices['law']}",
        "; ".join(remarks),
    ]
    return "\n".join(filter(None, lines))


def write_validation(path: str | Path, report: Report) -> None:
    """Write the figure of a report, and all its numbers as JSON beside it; or the JSON alone, for the suffix .json.

    Raises
    ------
    ValueError
        If the suffix is no format of figures, or the files cannot be written.
    """
    recipe = {**report.choices, "size": report.size, "alpha": report.alpha, "version": version()}
    write_with_numbers(path, report.facts(), lambda: validation_figure(report), recipe)
