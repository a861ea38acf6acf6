"""Writers are killed, disks fill up, files are cut: nothing is lost, and the store ends in the same bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from runs import BATCH, COMMAND, ENVIRONMENT, SIZE, STATISTICS, Noise, Pixels, run, wide

from sphfield.ensembles.ensemble import Ensemble
from sphfield.ensembles.store import Store, collect
from sphfield.ensembles.store.pieces import create
from sphfield.fields.gaussian import GaussianField
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum

MAPS = Ensemble(Noise(), seed=7)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return contents(run(tmp_path_factory.mktemp("uninterrupted") / "run").path)


def started(*arguments: object) -> subprocess.Popen[str]:
    command, pipe = [*COMMAND, *map(str, arguments)], subprocess.PIPE
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=pipe, stderr=pipe, text=True)


def all_end_well(writers: list[subprocess.Popen[str]]) -> None:
    for writer in writers:
        _, message = writer.communicate(timeout=60)
        assert writer.returncode == 0, message


@contextmanager
def process(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Another process, from the moment that it begins to write."""
    with started(*arguments) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            yield writer
        finally:
            writer.kill()


def killed(path: Path, moments: list[float]) -> int:
    """Runs a writer once for each moment and kills it then; how many had not finished."""
    unfinished = 0
    for moment in moments:
        with process("run", path, SIZE, 0.0, 1, 1) as writer:
            time.sleep(moment)
            writer.send_signal(signal.SIGKILL)
            unfinished += writer.wait() == -signal.SIGKILL
    return unfinished


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_writer_may_be_killed_at_any_moment(kills: int, tmp_path: Path, uninterrupted: dict[str, bytes]) -> None:
    # a run takes about half a second: kills while the folder is made, in the middle and near the end
    moments = [random.Random(kills).uniform(0.0, 0.6 / kills + 0.02) for _ in range(kills)]
    assert killed(tmp_path / "run", moments) >= kills // 2
    run(tmp_path / "run")
    assert contents(tmp_path / "run") == uninterrupted


def test_what_a_killed_writer_leaves_is_removed(tmp_path: Path, uninterrupted: dict[str, bytes]) -> None:
    path = run(tmp_path / "run", 30).path
    for stray in (".zarr-0123456789ab.json", "pixels/.c.9-ba9876543210.0", "variance/.zarr-0123456789ab.json"):
        (path / stray).write_bytes(b"half of")
    run(path)
    assert contents(path) == uninterrupted


def test_a_folder_with_nothing_but_strays_is_empty(tmp_path: Path, uninterrupted: dict[str, bytes]) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".zarr-0123456789ab.json").write_bytes(b"half of")
    assert contents(run(tmp_path / "run").path) == uninterrupted


def test_writers_of_one_store_do_not_harm_each_other(tmp_path: Path, uninterrupted: dict[str, bytes]) -> None:
    # the whole, a smaller size whose last batch is cut, and two parts, all from the very beginning
    each = [(SIZE, 0.0, 1, 1), (SIZE // 2 - 3, 0.0, 1, 1), (SIZE, 0.0, 1, 2), (SIZE, 0.0, 2, 2)]
    all_end_well([started("run", tmp_path / "run", *one) for one in each])
    assert contents(tmp_path / "run") == uninterrupted


def test_parts_that_begin_at_the_same_time_make_the_whole(tmp_path: Path, uninterrupted: dict[str, bytes]) -> None:
    all_end_well([started("run", tmp_path / "run", SIZE, 0.0, i, 3) for i in (1, 2, 3)])
    assert contents(tmp_path / "run") == uninterrupted


@pytest.mark.slow
def test_a_dask_worker_may_be_killed_in_the_middle_of_a_batch(tmp_path: Path, uninterrupted: dict[str, bytes]) -> None:
    distributed = pytest.importorskip("distributed")
    statistics = {"pixels": Pixels(seconds=0.02), "variance": np.var}
    path, slain = tmp_path / "run", []
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        pids = list(client.run(os.getpid).values())

        def kill_once(done: int, total: int) -> None:
            if done and not slain:  # 0.05 s after a batch has ended the next one is under way: it takes 0.16 s
                time.sleep(0.05)
                os.kill(pids[0], signal.SIGKILL)
                slain.append(done)

        executor = client.get_executor()
        store = collect(path, MAPS, statistics, 120, batch=BATCH, executor=executor, progress=kill_once)
    assert slain == [BATCH]
    assert store.missing == ()
    other = collect(tmp_path / "other", MAPS, statistics, 120, batch=BATCH)
    assert contents(path) == contents(other.path)


@pytest.mark.slow
def test_dask_workers_in_processes_write_the_bytes_of_a_serial_run(
    tmp_path: Path, uninterrupted: dict[str, bytes]
) -> None:
    distributed = pytest.importorskip("distributed")
    s = Spectrum((np.arange(13) + 1.0) ** -3)
    fields, power = Ensemble(GaussianField(s, 8), seed=2), {"power": PowerSpectrum(12)}
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        pids = set(client.run(os.getpid).values())
        executor = client.get_executor()
        noise = collect(tmp_path / "run", MAPS, STATISTICS, SIZE, batch=BATCH, executor=executor)
        # once with two workers, and grown by one of them
        first = client.get_executor(workers=list(client.scheduler_info()["workers"])[:1])
        for size, workers in ((50, executor), (100, first)):
            drawn = collect(tmp_path / "fields", fields, power, size, batch=BATCH, executor=workers)
    assert len(pids | {os.getpid()}) == 3
    assert contents(noise.path) == uninterrupted
    assert contents(drawn.path) == contents(collect(tmp_path / "here", fields, power, 100, batch=BATCH).path)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root on Linux may mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(
    tmp_path: Path, uninterrupted: dict[str, bytes]
) -> None:
    with small_disk(tmp_path / "disk", "80k"):  # 20 pages, one a file: some shards fit
        path = tmp_path / "disk" / "run"
        with pytest.raises((OSError, ValueError), match="No space left on device") as caught:
            run(path)
        assert any("the same call goes on from there" in note for note in caught.value.__notes__)
        assert len(Store(path).missing) < SIZE // BATCH
        assert not [name for name in contents(path) if Path(name).name.startswith(".")]
        remount(tmp_path / "disk", "size=4m")
        run(path)
        assert contents(path) == uninterrupted


def test_a_file_that_may_not_grow_leaves_nothing_half_written(tmp_path: Path) -> None:
    path, other = tmp_path / "run", wide(tmp_path / "other").path
    with process("limited", path, 6000) as writer:
        _, message = writer.communicate()
    assert writer.returncode == 1
    assert "File too large" in message
    assert "make room there, or take another folder" in message
    assert str(path) in message
    assert Store(path).missing == (0, 1, 2)
    assert not [name for name in contents(path) if Path(name).name.startswith(".")]
    wide(path)
    assert contents(path) == contents(other)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    if os.geteuid():
        folder.mkdir(exist_ok=True)
        yield
        return
    with small_disk(folder, "4m"):
        yield


def protect(folder: Path, protected: bool) -> None:
    if not os.geteuid():  # the mode of a folder does not stop root
        remount(folder, "ro" if protected else "rw")
        return
    for each in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        each.chmod(0o500 if protected else 0o700)


def test_a_folder_that_cannot_be_written_to_is_named_and_can_be_read(
    tmp_path: Path, uninterrupted: dict[str, bytes]
) -> None:
    disk = tmp_path / "disk"
    with read_only(disk):
        store = run(disk / "run", 40)
        protect(disk, True)
        try:
            with pytest.raises(ValueError, match="cannot make the folder .*other"):
                run(disk / "other")
            with pytest.raises(ValueError, match="cannot write .*run.*that you may write to"):
                run(disk / "run")
            assert run(disk / "run", 40).computed == 0
            assert Store(store.path).values("pixels").shape == (40, 5)
        finally:
            protect(disk, False)
        run(disk / "run")
        assert contents(disk / "run") == uninterrupted


def damaged(whole: bytes) -> dict[str, bytes]:
    flipped = {f"bit at {i}": whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :] for i in (0, 100, -30, -20, -1)}
    return {f"cut at {n}": whole[:n] for n in (0, 1, 23, 24, 100, len(whole) - 1)} | {"longer": whole + b"0"} | flipped


def test_damaged_shards_are_found_told_and_made_again(tmp_path: Path) -> None:
    path = run(tmp_path / "run", 20).path
    before = contents(path)
    for how, data in damaged(before["pixels/c.1.0"]).items():
        (path / "pixels" / "c.1.0").write_bytes(data)
        assert Store(path).missing == (1,), how
        with pytest.raises(ValueError, match="realisation 8 is missing or damaged in .*c.1.0"):
            Store(path).values("pixels")
        with pytest.warns(UserWarning, match="c.1.0' is damaged, .*: it is made again"):
            assert run(path, 20).computed == BATCH
        assert contents(path) == before, how


def test_lost_files_are_made_again(tmp_path: Path, uninterrupted: dict[str, bytes]) -> None:
    path = run(tmp_path / "run").path
    (path / "variance" / "c.0").unlink()
    (path / "pixels" / "c.49.0").unlink()
    assert run(path).computed == 2 * BATCH
    (path / "pixels" / "zarr.json").write_text('{"shape": [40')
    assert run(path).computed == 0
    assert contents(path) == uninterrupted


def test_a_store_whose_description_is_lost_is_refused(tmp_path: Path) -> None:
    path = run(tmp_path / "run", 10).path
    (path / "zarr.json").write_bytes(b"")
    with pytest.raises(ValueError, match=r"no store: it has no zarr.json that can be read"):
        run(path, 10)


def test_clocks_do_not_matter(tmp_path: Path, uninterrupted: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    path, dice = run(tmp_path / "run", 100).path, random.Random(5)
    monkeypatch.setattr(time, "time", lambda: dice.uniform(0.0, 4e9))
    for size in (150, 150, SIZE):
        for each in sorted(path.rglob("*")):
            os.utime(each, (dice.uniform(0.0, 4e9), dice.uniform(0.0, 4e9)))
        (path / "pixels" / "c.5.0").unlink()
        run(path, size)
    assert contents(path) == uninterrupted


def test_a_writer_whose_temporary_file_is_taken_writes_again(tmp_path: Path, uninterrupted: dict[str, bytes]) -> None:
    # as calls do that begin and end meanwhile, only more often
    path = run(tmp_path / "run", 1).path
    with process("run", path, SIZE, 0.0, 1, 1) as writer:
        while writer.poll() is None:
            Store(path).clean()
            time.sleep(0.005)
        assert writer.returncode == 0, writer.stderr and writer.stderr.read()
    assert contents(path) == uninterrupted


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_realisations(tmp_path: Path) -> None:
    peaks = []
    for size in (10, 1000):
        with process("large", tmp_path / str(size), size) as writer:
            out, message = writer.communicate()
        assert writer.returncode == 0, message
        peaks.append(int(out))
    # batches of 10 maps of nside 32: 1 MB; all thousand would be 98 MB, more than a tenth of what Python takes
    assert peaks[1] < 1.1 * peaks[0]


def test_the_first_of_two_that_create_a_file_does(tmp_path: Path) -> None:
    create(tmp_path / "file", b"first")
    create(tmp_path / "file", b"second")
    assert contents(tmp_path) == {"file": b"first"}
