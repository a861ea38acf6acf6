"""What made a file reads the same in every process, and files are whole or not there."""

from __future__ import annotations

import enum
import functools
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from sphfield.networks.activations import ReLU
from sphfield.provenance import atomic_write, describe, digest, version

RECIPE = """
import json, sys
import numpy as np
from sphfield import Ensemble, GaussianField, Network, NNGP, PowerSpectrum, ReLU, Spectrum
from sphfield.provenance import describe
field = GaussianField(Spectrum(1.0 / (1 + np.arange(9.0))), nside=4)
things = {"ensemble": Ensemble(field, seed=3), "statistic": PowerSpectrum(8), "function": np.tanh,
          "network": Network(ReLU(), depth=2), "kernel": NNGP(Network(np.tanh, depth=3, bias_var=0.1))}
print(json.dumps(describe(things)))
"""


@dataclass(frozen=True)
class Recipe:
    name: str
    inner: Any = None
    result: Any = field(default=None, compare=False)


class Colour(enum.StrEnum):
    RED = "red"


def module_level(z: Any) -> Any:
    return z


def test_two_processes_describe_the_same_things_alike() -> None:
    def told(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", RECIPE], env=environment, capture_output=True, text=True, check=True
        )
        return run.stdout

    one = told("1")
    assert one == told("2")
    assert " at 0x" not in one
    assert json.loads(one)["ensemble"]["seed"] == 3
    assert json.loads(one)["function"] == "numpy:tanh"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_what_json_can_say_is_described_by_itself(value: Any) -> None:
    assert describe(value) == value
    assert json.loads(json.dumps(describe(value), allow_nan=False)) == value


def test_a_dataclass_is_its_type_and_fields_without_results() -> None:
    one, other = Recipe("a", Recipe("b"), result=np.ones(3)), Recipe("a", Recipe("b"), result=None)
    described = describe(one)
    assert described == describe(other)
    assert "result" not in described
    assert described["type"].endswith(":Recipe")
    assert described["inner"]["name"] == "b"


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (np.float64(0.5), 0.5),
        (np.int32(3), 3),
        (np.inf, "inf"),
        (Colour.RED, "red"),
        (range(3), [0, 1, 2]),
        ((1, (2,)), [1, [2]]),
        (Path("maps") / "a.fits", "maps/a.fits"),
        (special.erf, "scipy.special:erf"),
        (np.mean, "numpy:mean"),
        (ReLU, "sphfield.networks.activations:ReLU"),
        (ReLU(), {"type": "sphfield.networks.activations:ReLU"}),
        (module_level, f"{__name__}:module_level"),
    ],
)
def test_values_and_functions_have_short_names(value: Any, described: Any) -> None:
    assert describe(value) == described
    json.dumps(describe(value), allow_nan=False)


def test_what_no_other_process_could_find_is_refused() -> None:
    def local(z: Any) -> Any:
        return z

    @dataclass(frozen=True)
    class Local:
        omega: float = 1.0

    nameless = (lambda z: z, local, Local(), functools.partial(np.power, 2), Recipe("a").__eq__, object(), {1, 2})
    for thing in nameless:
        for nested in (thing, Recipe("a", thing), [thing], {"key": thing}):
            with pytest.raises(TypeError, match="cannot be found again by name: define it with def at module level"):
                describe(nested)


def test_arrays_are_told_apart_by_values_shape_and_type_and_not_by_layout() -> None:
    a = np.arange(6.0).reshape(2, 3)
    assert digest(a) == digest(a.T.copy().T) == digest(a.astype(">f8")) == digest(a[::-1][::-1])
    others = [a + 1e-300, a.reshape(3, 2), a.astype(np.float32), a.astype(int), a.ravel()[:1], np.array(a[0, 0])]
    others[0][0, 0] = 1e-300
    assert len({digest(x) for x in [a, *others]}) == 7
    assert describe(a) == {"type": "array", "shape": [2, 3], "dtype": "<f8", "sha256": digest(a)}


def test_an_array_of_objects_has_no_digest() -> None:
    with pytest.raises(TypeError, match="holds their addresses, which no other process has: give numbers"):
        digest(np.array([object()]))


def test_the_version_is_that_of_the_installed_package() -> None:
    from importlib.metadata import version as installed

    assert version() == installed("sphfield")


def test_a_written_file_is_whole_and_alone(tmp_path: Path) -> None:
    target = tmp_path / "map.fits.gz"
    with atomic_write(target) as part:
        assert part.parent == tmp_path
        assert part.suffix == ".gz"
        part.write_bytes(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "map.fits"
    target.write_bytes(b"old")

    def half() -> None:
        with atomic_write(target) as part:
            part.write_bytes(b"ha")
            raise error

    with pytest.raises(error):
        half()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_a_written_file_has_the_mode_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    with atomic_write(tmp_path / "ours") as part:
        part.write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_many_writers_of_one_file_leave_one_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"

    def write(letter: bytes) -> None:
        for _ in range(20):
            with atomic_write(target) as part:
                part.write_bytes(letter * 4096)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() in (b"a" * 4096, b"b" * 4096)
    assert list(tmp_path.iterdir()) == [target]


def test_places_that_cannot_be_written_are_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, reason in [
        (tmp_path / "nowhere" / "a.png", "No such file or directory; choose an existing folder"),
        (tmp_path / "file" / "a.png", "Not a directory; choose an existing folder"),
        (tmp_path, "it is a folder; name a file in it"),
    ]:
        with pytest.raises(ValueError, match=f"cannot write '.*': {reason}"), atomic_write(path):
            pytest.fail("the block was entered")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_protected_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ValueError, match="Permission denied; choose"), atomic_write(tmp_path / "a"):
            pytest.fail("the block was entered")
    finally:
        tmp_path.chmod(0o700)
