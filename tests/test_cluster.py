"""The examples for clusters do what they say, without a cluster: its commands are played by a shell script each."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sphfield as sf
from sphfield.ensembles.store import Store, collect

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
NSIDE, SIZE = 4, 150  # three batches
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"

# sbatch runs the script in a session of its own, whose number scancel ends
SBATCH = '#!/bin/sh\ncp "$1" "$0.$$"\nsetsid sh "$0.$$" >"$0.$$.log" 2>&1 &\necho "Submitted batch job $!"\n'
SCANCEL = '#!/bin/sh\nfor job; do kill -- "-$job" 2>/dev/null; done; true\n'


@pytest.fixture
def example() -> dict[str, Any]:
    pytest.importorskip("dask_jobqueue", reason='dask-jobqueue is not installed: pip install "sphfield[scale]"')
    return runpy.run_path(str(EXAMPLES / "slurm.py"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def serial(folder: Path, seed: int) -> dict[str, bytes]:
    s = sf.angular_spectrum(sf.NNGP(sf.Network(sf.ReLU(), depth=3)), lmax=3 * NSIDE // 2)
    maps = sf.Ensemble(sf.GaussianField(s, NSIDE), seed)
    return contents(collect(folder, maps, {"power": sf.PowerSpectrum(s.lmax)}, SIZE).path)


def job(example: dict[str, Any], **options: Any) -> str:
    with example["workers"](**options) as cluster:
        return str(cluster.job_script())


def test_a_job_is_one_worker_of_one_thread_by_default(example: dict[str, Any]) -> None:
    script = job(example)
    assert "#SBATCH --cpus-per-task=1\n" in script
    assert "#SBATCH -t 12:00:00\n" in script
    assert "#SBATCH --mem=3G\n" in script  # 2.5 GB, rounded up by dask-jobqueue
    assert "--nthreads 1 " in script
    assert "--nworkers" not in script
    assert not re.search(r"#SBATCH -[pA]", script)


def test_a_job_of_many_cores_is_as_many_workers_of_one_thread(example: dict[str, Any]) -> None:
    script = job(example, cores=16, memory_each=2, hours=4, partition="long", account="physics")
    for line in ("--cpus-per-task=16", "--mem=30G", "-t 04:00:00", "-p long", "-A physics"):  # 32e9 bytes are 29.8 GiB
        assert f"#SBATCH {line}\n" in script
    assert "--nthreads 1 " in script
    assert "--nworkers 16 " in script
    assert "--memory-limit 1.86GiB " in script


def test_workers_have_their_environment_before_they_start(example: dict[str, Any]) -> None:
    before, command, _ = re.split(r"^(?=.*-m distributed)(.*)$", job(example), maxsplit=1, flags=re.MULTILINE)
    shell = f'{before}\necho "$OMP_NUM_THREADS $OPENBLAS_NUM_THREADS $MALLOC_TOP_PAD_"'
    told = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True, env={"PATH": PATH}).stdout
    assert told.split() == ["1", "1", str(1 << 26)]
    assert command.startswith(sys.executable)


def test_workers_leave_before_their_job_is_ended(example: dict[str, Any]) -> None:
    script = job(example, hours=4)
    lifetime, stagger = map(int, re.findall(r"--lifetime(?:-stagger)? (\d+)m", script))
    assert lifetime + stagger < 4 * 60


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="setsid is a command of Linux")
def test_the_slurm_example_makes_the_store_of_a_serial_run(
    example: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = tmp_path / "commands"
    commands.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{PATH}")
    monkeypatch.setattr(sys, "argv", ["slurm.py", str(tmp_path / "run"), "--nside", str(NSIDE), "--size", str(SIZE)])
    monkeypatch.chdir(tmp_path)
    example["main"]()
    assert contents(tmp_path / "run") == serial(tmp_path / "serial", seed=1)


def array_job(i: int, store: Path) -> subprocess.Popen[str]:
    tiny = {"STORE": store, "NSIDE": NSIDE, "SIZE": SIZE, "PARTS": 3, "SLURM_ARRAY_TASK_ID": i}
    environment = {**os.environ, "PATH": PATH, **{name: str(value) for name, value in tiny.items()}}
    command, pipe = ["bash", str(EXAMPLES / "array.sh")], subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_the_job_array_makes_the_store_of_a_serial_run(tmp_path: Path) -> None:
    jobs = [array_job(i, tmp_path / "run") for i in (1, 2, 3)]
    for each in jobs:
        _, message = each.communicate(timeout=120)
        assert each.returncode == 0, message
    assert contents(tmp_path / "run") == serial(tmp_path / "serial", seed=0)


def test_a_job_of_the_array_computes_its_share_only(tmp_path: Path) -> None:
    _, message = (only := array_job(2, tmp_path / "run")).communicate(timeout=120)
    assert only.returncode == 0, message
    assert Store(tmp_path / "run").missing == (0, 2)
    assert np.isfinite(Store(tmp_path / "run").values("power", 64, 128)).all()
