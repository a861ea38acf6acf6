"""Pixel weights made ready: as exact as they say, kept where they say, and refused before the work if need be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sphfield.exhibits import weights as exhibit
from sphfield.exhibits.weights import prepared_weights, printed_weights
from sphfield.fields.pixels import pixel_centres
from sphfield.fields.weight_files import weights_file
from sphfield.fields.weights import pixel_weights


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPHFIELD_CACHE", str(tmp_path / "cache"))
    pixel_weights.cache_clear()
    return tmp_path / "cache"


def never(*_: object, **__: object) -> None:
    pytest.fail("weights were solved")


@pytest.mark.parametrize("nside", [1, 2, 8, 64])
def test_shipped_weights_are_ready_and_exact(nside: int, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhibit, "keep_weights", never)
    row = prepared_weights(nside, anew=True)
    assert row["file"] == "shipped with sphfield"
    assert row["error"] < 1e-13  # rounding of up to 49152 terms
    w = pixel_weights(nside) * 12 * nside**2 / (4 * np.pi)
    assert (row["smallest"], row["largest"]) == (w.min(), w.max())
    assert row["smallest"] < 1 < row["largest"]
    assert not cache.exists()


def test_solved_weights_are_kept_where_it_says_and_not_solved_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, int, int]] = []
    row = prepared_weights(128, progress=lambda *step: steps.append(step))
    assert steps
    assert {what for what, _, _ in steps} == {"nside 128"}
    assert Path(row["file"]) == weights_file(128)
    assert [p.parent for p in cache.iterdir()] == [cache]
    # the integral of z**4 over the sphere, which equal weights miss by 1e-5
    z = pixel_centres(128)[:, 2]
    assert pixel_weights(128) @ z**4 == pytest.approx(4 * np.pi / 5, rel=1e-13)
    monkeypatch.setattr(exhibit, "keep_weights", never)
    pixel_weights.cache_clear()
    assert prepared_weights(128) == row


def test_a_damaged_file_is_told_with_its_remedy_which_helps(cache: Path) -> None:
    row = prepared_weights(128)
    whole = weights_file(128).read_bytes()
    weights_file(128).write_bytes(whole[:-8])
    with pytest.raises(ValueError, match="is damaged.*; remove it, or solve the weights anew"):
        prepared_weights(128)
    assert prepared_weights(128, anew=True) == row
    assert weights_file(128).read_bytes() == whole


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhibit, "keep_weights", never)
    cache.write_text("no folder")
    with pytest.raises(ValueError, match="cannot make the folder .*set SPHFIELD_CACHE to another"):
        prepared_weights(128)
    assert cache.read_text() == "no folder"
    assert prepared_weights(64)["error"] < 1e-13  # which needs no folder


@pytest.mark.parametrize(
    ("nside", "message"), [(17, "nside = 17 is not a power of two"), (0, "nside = 0 is too small")]
)
def test_what_is_no_resolution_is_refused(nside: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prepared_weights(nside)


def test_the_table_has_a_line_for_each_and_the_facts_are_json() -> None:
    rows = [prepared_weights(nside) for nside in (1, 16)]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    lines = printed_weights(rows).splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["1", "3"], ["16", "48"]]
    assert lines[-1] == "smallest and largest in units of 4 pi / npix"
