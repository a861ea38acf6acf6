"""Files of weights: where they are, and that nothing but what was written is ever read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sphfield.fields.weight_files import LARGEST_SHIPPED, SHIPPED, cache_folder, keep, kept, shipped, weights_file
from sphfield.fields.weight_solver import count

VARIABLES = ("SPHFIELD_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA")
values = np.random.default_rng(0).standard_normal(count(4))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPHFIELD_CACHE", str(tmp_path / "some" / "folder"))
    return tmp_path / "some" / "folder"


def test_what_is_kept_comes_back_to_the_bit_and_alone(folder: Path) -> None:
    assert kept(4) is None
    path = keep(4, values)
    assert path == weights_file(4)
    assert list(folder.iterdir()) == [path]
    back = kept(4)
    assert back is not None
    assert back.tobytes() == values.tobytes()
    assert kept(8) is None


# the folder is the same for all examples, and each writes its own file first
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_whatever_is_found(folder: Path, data: st.DataObject) -> None:
    path = keep(4, values)
    whole = path.read_bytes()
    if data.draw(st.booleans(), label="cut"):
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    else:
        at = data.draw(st.integers(0, len(whole) - 1))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :])
    with pytest.raises(ValueError, match=r"pixel-weights-1-nside-0004.bin' is damaged, or no file of weights"):
        kept(4)


def test_a_file_of_another_resolution_is_refused(folder: Path) -> None:
    keep(8, np.zeros(count(8))).rename(weights_file(4))
    with pytest.raises(ValueError, match="its checksum is not that of its content"):
        kept(4)


def test_what_cannot_be_read_is_said(folder: Path) -> None:
    weights_file(4).mkdir(parents=True)
    with pytest.raises(ValueError, match="nside-0004.bin' cannot be read: Is a directory|Permission denied"):
        kept(4)


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "home/.cache/sphfield"),
        ("linux", {"XDG_CACHE_HOME": "{home}/xdg"}, "home/xdg/sphfield"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "home/.cache/sphfield"),
        ("linux", {"XDG_CACHE_HOME": ""}, "home/.cache/sphfield"),
        ("darwin", {"XDG_CACHE_HOME": "{home}/xdg"}, "home/Library/Caches/sphfield"),
        ("win32", {}, "home/AppData/Local/sphfield"),
        ("win32", {"LOCALAPPDATA": "{home}/local"}, "home/local/sphfield"),
        ("linux", {"XDG_CACHE_HOME": "{home}/xdg", "SPHFIELD_CACHE": "{home}/named"}, "home/named"),
        ("darwin", {"SPHFIELD_CACHE": "~/named"}, "home/named"),
        ("linux", {"SPHFIELD_CACHE": ""}, "home/.cache/sphfield"),
    ],
)
def test_the_folder_is_the_platforms_unless_named(
    platform: str, environment: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(home=home))
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == tmp_path / expected
    assert not home.exists()  # asking makes nothing


@pytest.mark.skipif(os.name != "posix", reason="looks the home folder up where POSIX does")
def test_without_a_home_another_folder_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    # as for a user without an entry, in a container for example
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(ValueError, match="there is no home folder to keep weights in: set SPHFIELD_CACHE to a folder"):
        cache_folder()


def test_what_is_shipped_is_small_and_ends_at_its_largest_resolution() -> None:
    assert SHIPPED.stat().st_size < 40_000
    sizes = [shipped(1 << k).size for k in range(LARGEST_SHIPPED.bit_length())]  # type: ignore[union-attr]
    assert sizes == [count(1 << k) for k in range(LARGEST_SHIPPED.bit_length())]
    assert np.load(SHIPPED, allow_pickle=False).shape == (sum(sizes),)
    assert shipped(2 * LARGEST_SHIPPED) is None
