"""Machine code is compiled once, and never taken for that of other sources or another processor."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import sphfield

PACKAGE = Path(sphfield.__file__).parent
LOUD = "import logging; logging.basicConfig(level=logging.INFO, format='%(message)s')\n"
TRANSFORM = (
    LOUD + "import numpy as np\n"
    "from sphfield.fields.batched import synthesis\n"
    "alms = np.zeros((2, 45), dtype=complex); alms[:, 3] = 1.0\n"
    "print(synthesis(alms, 4).tobytes().hex())\n"
)
pytestmark = pytest.mark.slow  # each process compiles for some seconds, unless what it shows is that it does not


def start(**environment: str) -> subprocess.Popen[str]:
    """A process that transforms a batch, reports what it compiles, and prints the map."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", TRANSFORM],  # -P: the sphfield of PYTHONPATH, not of the current folder
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The map and the reports."""
    output, reports = process.communicate(timeout=300)
    assert process.returncode == 0, reports
    return output, reports


def test_the_second_process_reads_what_the_first_compiled(tmp_path: Path) -> None:
    first, reports = finish(start(NUMBA_CACHE_DIR=str(tmp_path)))
    assert "compiling the batched transform (synthesise)" in reports
    second, reports = finish(start(NUMBA_CACHE_DIR=str(tmp_path)))
    assert not reports
    assert first == second


def test_two_processes_that_compile_at_the_same_time_agree(tmp_path: Path) -> None:
    both = [start(NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2)]
    maps = {finish(process)[0] for process in both}
    assert len(maps) == 1
    assert len(list((tmp_path / "sphfield").iterdir())) == 1  # one file, no remains
    assert not finish(start(NUMBA_CACHE_DIR=str(tmp_path)))[1]


def test_a_damaged_file_is_compiled_anew(tmp_path: Path) -> None:
    first, _ = finish(start(NUMBA_CACHE_DIR=str(tmp_path)))
    (file,) = (tmp_path / "sphfield").iterdir()
    file.write_bytes(file.read_bytes()[:1000])
    second, reports = finish(start(NUMBA_CACHE_DIR=str(tmp_path)))
    assert "cannot be used and is compiled anew" in reports
    assert first == second
    assert not finish(start(NUMBA_CACHE_DIR=str(tmp_path)))[1]


def test_another_processor_has_machine_code_of_its_own(tmp_path: Path) -> None:
    finish(start(NUMBA_CACHE_DIR=str(tmp_path)))
    _, reports = finish(start(NUMBA_CACHE_DIR=str(tmp_path), NUMBA_CPU_NAME="generic"))
    assert "compiling" in reports
    assert len(list((tmp_path / "sphfield").iterdir())) == 2


@pytest.mark.parametrize("module", ["microkernels", "phases", "layout"])
def test_changed_sources_are_compiled(tmp_path: Path, module: str) -> None:
    copy = tmp_path / "installed" / "sphfield"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    installed = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(copy.parent)}
    finish(start(**installed))
    assert not finish(start(**installed))[1]
    with (copy / "fields" / "batched" / f"{module}.py").open("a") as file:
        file.write("# changed\n")
    assert "compiling" in finish(start(**installed))[1]


def test_a_read_only_installation_keeps_it_in_the_cache_folder_or_in_memory(tmp_path: Path) -> None:
    copy, home = tmp_path / "installed" / "sphfield", tmp_path / "cache"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "fields" / "batched" / "__pycache__").write_text("no folder")  # whoever runs the tests may write anywhere
    environment = {"PYTHONPATH": str(copy.parent), "SPHFIELD_CACHE": str(home), "NUMBA_CACHE_DIR": ""}
    first, _ = finish(start(**environment))
    assert len(list((home / "compiled").iterdir())) == 1
    assert not finish(start(**environment))[1]
    shutil.rmtree(home)
    home.write_text("no folder")
    home.chmod(stat.S_IREAD)
    second, reports = finish(start(**environment))
    assert "machine code cannot be kept, so every process will compile it" in reports
    assert first == second
