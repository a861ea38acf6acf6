"""Importing sphfield, or asking for help, costs about as much as numpy: nothing heavy is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import sphfield

HEAVY = ("astropy", "healpy", "matplotlib", "numba", "scipy.special")
PACKAGE = Path(sphfield.__file__).parent


def loaded(code: str) -> set[str]:
    """Names of sys.modules after `code` ran in a process of its own."""
    report = "import json, sys; print(json.dumps(list(sys.modules)), file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stderr.splitlines()[-1]))


def test_importing_sphfield_loads_nothing_heavy() -> None:
    assert not loaded("import sphfield").intersection(HEAVY)


def test_help_loads_nothing_heavy() -> None:
    code = "import contextlib, sys\nfrom sphfield.cli import main\nsys.argv = ['sphfield', '--help']\n"
    assert not loaded(f"{code}with contextlib.suppress(SystemExit): main()").intersection(HEAVY)


def test_rooms_that_draw_nothing_load_neither_healpy_nor_matplotlib_nor_astropy() -> None:
    drawing = ("exhibits", "figures", "web")
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in drawing
    ]
    assert not loaded(f"import {', '.join(modules)}").intersection({"astropy", "healpy", "matplotlib"})


@pytest.mark.parametrize("name", sphfield.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(sphfield, name) is not None


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'spherical_cow'"):
        _ = sphfield.spherical_cow
