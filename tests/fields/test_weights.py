"""Pixel weights: exact for what they promise, solved once whoever asks, and never replaced by worse ones in silence."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sphfield.fields import weight_files, weights
from sphfield.fields.gaussian import synalm
from sphfield.fields.transforms import adjoint, alm2cl, synthesis
from sphfield.fields.weight_files import weights_file
from sphfield.fields.weight_solver import corrections
from sphfield.fields.weights import keep_weights, pixel_weights, solve_weights, weight_error

# writes the same file again and again while others do, and reads it in between
CROWD = """
import hashlib
from sphfield.fields.weight_files import kept
from sphfield.fields.weights import keep_weights
found = set()
for _ in range(15):
    keep_weights(16)
    found.add(kept(16).tobytes())
print([hashlib.sha256(one).hexdigest() for one in found])
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder, on disk and in memory, and nothing shipped: small weights must be solved and kept too."""
    monkeypatch.setenv("SPHFIELD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weight_files, "LARGEST_SHIPPED", 0)
    pixel_weights.cache_clear()
    yield tmp_path / "cache"
    pixel_weights.cache_clear()


@pytest.mark.parametrize("nside", [16, 32, 64])
def test_shipped_weights_are_exact_positive_and_read_only(nside: int) -> None:
    w = pixel_weights(nside)
    # rounding of 1e4 and more terms in ducc0's sums
    assert weight_error(w, 3 * nside) < 1e-14
    # a dozen pixels next to the poles are farthest from equal
    assert 0.93 < w.min() / w.mean() < w.max() / w.mean() < 1.17
    with pytest.raises(ValueError, match="read-only"):
        w[0] = 1.0


# rounding is of the size of the largest a_lm: at ell = 96 those of the steep field are 1e5 times smaller
@pytest.mark.parametrize(("slope", "accuracy"), [(0, 1e-12), (3, 1e-12), (5, 1e-11)])
def test_one_pass_returns_the_power_of_a_field_that_ends_at_nside_and_a_half(slope: int, accuracy: float) -> None:
    for seed in range(5):
        alm = synalm(np.power(1.0 + np.arange(97), -slope), np.random.default_rng(seed))
        found = adjoint(pixel_weights(64) * synthesis(alm, 64), 64, 96)
        assert np.abs(alm2cl(found) / alm2cl(alm) - 1.0).max() < accuracy


def test_the_error_of_equal_weights_is_what_it_is_known_to_be() -> None:
    # sum of P_2 over the rings of nside = 1, times sqrt(5 / 4 pi) 4 pi / 12: 8 pixels at z = 2/3, 4 at 0
    expected = np.sqrt(5 / (4 * np.pi)) * 4 * np.pi / 12 * (8 * (1.5 * 4 / 9 - 0.5) - 4 * 0.5)
    assert weight_error(np.full(12, np.pi / 3), 2) == pytest.approx(abs(expected), rel=1e-14)


def test_weights_are_solved_once_and_then_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solved = pixel_weights(16)
    assert [path.name for path in folder.iterdir()] == [weights_file(16).name]
    pixel_weights.cache_clear()
    monkeypatch.setattr(weights, "corrections", lambda *_: pytest.fail("solved again"))
    assert np.array_equal(pixel_weights(16), solved)


def test_solving_neither_reads_nor_keeps(folder: Path) -> None:
    solve_weights(16)
    assert not folder.exists()


def test_weights_kept_beforehand_are_the_ones_that_are_used(folder: Path) -> None:
    told: list[float] = []
    path = keep_weights(16, progress=lambda done, _: told.append(done))
    assert path == weights_file(16)
    assert told
    weight_files.keep(16, np.zeros(weight_files.count(16)))  # another content shows whether the file is read
    assert np.ptp(pixel_weights(16)) == 0


@pytest.mark.parametrize("harm", ["cut", "flipped", "foreign", "empty"])
def test_a_damaged_file_is_named_and_replaced(folder: Path, harm: str) -> None:
    path = keep_weights(16)
    good = path.read_bytes()
    flipped = good[:-9] + bytes([good[-9] ^ 1]) + good[-8:]
    path.write_bytes({"cut": good[:-8], "flipped": flipped, "foreign": b"PK\x03\x04", "empty": b""}[harm])
    with pytest.warns(UserWarning, match=f"{path.name}' is damaged.*; the weights of nside = 16 were solved anew"):
        found = pixel_weights(16)
    assert np.array_equal(found, solve_weights(16))
    assert path.read_bytes() == good


def test_where_warnings_are_errors_the_file_is_replaced_all_the_same(folder: Path) -> None:
    folder.mkdir()
    weights_file(16).write_bytes(b"?")
    with pytest.raises(UserWarning, match="is damaged"):
        pixel_weights(16)
    assert weight_error(pixel_weights(16), 48) < 1e-14


def test_weights_that_cannot_be_kept_are_returned_with_the_remedy(folder: Path) -> None:
    folder.touch()  # a file where the folder would be
    with pytest.warns(UserWarning, match="nside = 16 were solved and cannot be kept.* set SPHFIELD_CACHE to a folder"):
        found = pixel_weights(16)
    assert weight_error(found, 48) < 1e-14
    with pytest.raises(OSError, match="cache"):
        keep_weights(16)


def test_the_warning_points_at_the_line_that_asked(folder: Path) -> None:
    folder.touch()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pixel_weights(16)
    assert [warning.filename for warning in caught] == [__file__]


def test_threads_that_want_the_same_weights_solve_them_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solved = []
    solve = weights.corrections
    monkeypatch.setattr(weights, "corrections", lambda nside: solved.append(nside) or solve(nside))  # type: ignore[func-returns-value]
    start, found = threading.Barrier(4), []

    def ask() -> None:
        start.wait()
        found.append(pixel_weights(32))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert solved == [32]
    assert len({w.tobytes() for w in found}) == 1


def test_processes_at_once_never_read_half_a_file_and_leave_one(folder: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", CROWD]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = {process.communicate()[0].strip() for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert told == {str([hashlib.sha256(corrections(16).tobytes()).hexdigest()])}
    assert [path.name for path in folder.iterdir()] == [weights_file(16).name]


def test_without_a_home_folder_weights_are_returned_with_one_warning(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SPHFIELD_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    with pytest.warns(UserWarning, match="there is no home folder to keep weights in: set SPHFIELD_CACHE") as caught:
        assert weight_error(pixel_weights(16), 48) < 1e-14
    assert len(caught) == 1


@pytest.mark.parametrize("call", [pixel_weights, solve_weights, keep_weights, weights_file])
def test_other_resolutions_are_refused(call: object, folder: Path) -> None:
    with pytest.raises(ValueError, match="nside = 48 is not a power of two.*use nside = 64"):
        call(48)  # type: ignore[operator]


def test_the_error_of_no_map_is_refused() -> None:
    with pytest.raises(ValueError, match="13 pixels are no full HEALPix map"):
        weight_error(np.ones(13), 2)
