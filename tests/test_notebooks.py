"""Notebooks run from the first cell to the last, need nothing but sphfield, and are stored as executed."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def source(path: Path) -> str:
    return "\n".join("".join(cell["source"]) for cell in code_cells(path))


def test_a_notebook_runs_without_warnings(path: Path) -> None:
    from matplotlib import pyplot, rc_context

    with rc_context():
        exec(compile(source(path), path.name, "exec"), {"__name__": "__main__"})
        pyplot.close("all")


def test_a_notebook_imports_only_sphfield_and_what_it_shows_it_with(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(source(path))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    known = {"matplotlib", "numpy", "sphfield"} | ({"dask"} if "dask" in path.stem else set())
    assert {name.split(".")[0] for name in names} <= known | sys.stdlib_module_names


def test_a_notebook_is_stored_as_executed_in_one_go(path: Path) -> None:
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    kinds = {output.get("name", output["output_type"]) for output in outputs}
    assert not kinds & {"error", "stderr"}
    # MPLBACKEND=Agg in the environment silently leaves the figures out
    assert sum("image/png" in output.get("data", {}) for output in outputs) == source(path).count("plt.subplots(")


def test_a_notebook_is_small_enough_for_a_repository(path: Path) -> None:
    assert path.stat().st_size < 600_000
