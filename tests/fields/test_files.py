"""A user's own maps by number: whoever wrote them, in whatever order, whole skies of one resolution."""

from __future__ import annotations

import gzip
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import healpy
import numpy as np
import pytest
from astropy.io import fits

from sphfield.ensembles.ensemble import measure
from sphfield.fields.files import FitsMaps, read_map
from sphfield.fields.pixels import UNSEEN
from sphfield.io import write_map
from sphfield.provenance import describe
from sphfield.typing import Array

SKIES = np.random.default_rng(0).standard_normal((4, 12 * 8**2))


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """One sky each from us and from healpy: RING and NESTED, double and single precision, compressed."""
    ours, nested, single, packed = (tmp_path / name for name in ("a.fits", "b.fits", "c.fits", "d.fits.gz"))
    write_map(ours, SKIES[0])
    healpy.write_map(nested, healpy.reorder(SKIES[1], r2n=True), nest=True, dtype=np.float64)
    healpy.write_map(single, SKIES[2], dtype=np.float32)
    write_map(packed, SKIES[3], nest=False)
    return [ours, nested, single, packed]


def test_maps_of_every_origin_come_out_in_ring_order_and_double_precision(paths: list[Path]) -> None:
    maps = FitsMaps(paths)
    expected = [SKIES[0], SKIES[1], SKIES[2].astype(np.float32), SKIES[3]]
    assert (len(maps), maps.nside) == (4, 8)
    for m, sky in zip(maps, expected, strict=True):  # strict: iteration ends with the last file
        assert np.array_equal(m, sky)
        assert m.dtype == np.float64
        assert m.dtype.isnative
        assert m.flags.c_contiguous


@pytest.mark.parametrize("threads", [1, 2])
def test_a_collection_is_measured_like_an_ensemble(paths: list[Path], threads: int) -> None:
    maps = FitsMaps(12 * paths)  # many files at once in each thread
    rows = measure(maps, np.sort, range(48), threads=threads)
    assert np.array_equal(rows, [np.sort(m) for m in maps])


def test_paths_are_text_or_paths_one_or_many_and_kept_in_their_order(paths: list[Path]) -> None:
    kept = tuple(map(str, paths))
    assert FitsMaps(str(paths[0])).paths == FitsMaps(paths[0]).paths == kept[:1]
    for given in (paths, list(kept), (p for p in paths), tuple(paths)):
        assert FitsMaps(given).paths == kept
    assert FitsMaps(reversed(paths)).paths == kept[::-1]
    assert np.array_equal(FitsMaps(reversed(paths))[0], FitsMaps(paths)[3])


def test_a_collection_is_its_paths(paths: list[Path]) -> None:
    maps = FitsMaps(paths)
    assert describe(maps) == {"type": "sphfield.fields.files:FitsMaps", "paths": [str(p) for p in paths]}
    copy = pickle.loads(pickle.dumps(maps))
    assert copy == maps
    assert hash(copy) == hash(maps)
    assert np.array_equal(copy[1], maps[1])
    assert maps != FitsMaps(paths[:2])
    assert re.fullmatch(r"FitsMaps\(4: '.*a\.fits' \.\.\. '.*d\.fits\.gz'\)", repr(maps))
    assert re.fullmatch(r"FitsMaps\(1: '.*a\.fits'\)", repr(FitsMaps(paths[0])))


def damaged(value: float) -> Array:
    m = SKIES[0].copy()
    m[5:12] = value
    return m


@pytest.mark.parametrize(
    "write",
    [
        lambda path: healpy.write_map(path, damaged(UNSEEN), dtype=np.float64),
        lambda path: healpy.write_map(path, damaged(UNSEEN), dtype=np.float32),
        lambda path: healpy.write_map(path, damaged(UNSEEN), dtype=np.float32, partial=True),
        lambda path: healpy.write_map(path, damaged(np.nan), dtype=np.float64),
        lambda path: healpy.write_map(path, damaged(np.inf), dtype=np.float32),
    ],
    ids=["unseen", "unseen in single precision", "partial", "nan", "infinite"],
)
def test_a_sky_with_holes_is_refused_with_their_count_and_file(tmp_path: Path, write: Callable[[Path], None]) -> None:
    holes = tmp_path / "holes.fits"
    write(holes)
    with pytest.raises(ValueError, match=r"7 of 768 pixels of '.*holes\.fits' are UNSEEN, .*full sky; fill .*NaMaster"):
        FitsMaps(holes)[0]


def test_maps_of_another_nside_are_refused_by_name(paths: list[Path], tmp_path: Path) -> None:
    write_map(tmp_path / "fine.fits", np.ones(12 * 16**2))
    maps = FitsMaps([*paths, tmp_path / "fine.fits"])
    assert maps[3].size == 12 * 8**2
    with pytest.raises(
        ValueError, match=r"'.*fine\.fits' has nside = 16, '.*a\.fits' has nside = 8: .*healpy\.ud_grade, or measure"
    ):
        maps[4]


def test_files_that_cannot_be_read_are_named_with_the_reason(paths: list[Path], tmp_path: Path) -> None:
    whole = paths[0].read_bytes()
    (tmp_path / "cut.fits").write_bytes(whole[:-3000])
    (tmp_path / "cut.fits.gz").write_bytes(gzip.compress(whole)[:-3000])
    (tmp_path / "text.fits").write_text("no FITS file at all")
    fits.PrimaryHDU(np.ones((4, 4))).writeto(tmp_path / "image.fits")
    for name, reason in [
        ("cut.fits", "damaged or cut short"),
        ("cut.fits.gz", "cut short"),
        ("text.fits", "no FITS file"),
        ("image.fits", "has no table"),
        ("nowhere.fits", "No such file or directory; check the path"),
    ]:
        maps = FitsMaps([paths[0], tmp_path / name])
        assert maps[0].size == 768  # the others can be used
        with pytest.raises(ValueError, match=rf"cannot read '.*{name}': .*{reason}"):
            maps[1]
        with pytest.raises(ValueError, match=rf"cannot read '.*{name}': .*{reason}"):
            FitsMaps(tmp_path / name)[0]
    with pytest.raises(ValueError, match=r"cannot read '.*nowhere\.fits': No such file"):
        _ = FitsMaps(tmp_path / "nowhere.fits").nside
    healpy.write_cl(tmp_path / "cl.fits", np.ones(4))
    with pytest.raises(ValueError, match=r"cannot read '.*cl\.fits': it has no cards NSIDE and ORDERING"):
        _ = FitsMaps(tmp_path / "cl.fits").nside


def test_an_exception_says_which_file_stopped_the_run(paths: list[Path]) -> None:
    def fails(m: Array) -> Any:
        raise RuntimeError("no critical point found")

    with pytest.raises(RuntimeError) as caught:
        measure(FitsMaps(paths), fails, [2])
    assert caught.value.__notes__[0].startswith("in realisation 2 of FitsMaps(4: ")


def test_indices_beyond_the_last_map_and_no_indices_are_refused(paths: list[Path]) -> None:
    maps = FitsMaps(paths)
    with pytest.raises(IndexError, match="index = 4: there are 4 maps, the last one is 3"):
        maps[4]
    with pytest.raises(ValueError, match="index = -1 is too small: give 0 or more"):
        maps[-1]
    with pytest.raises(TypeError, match=r"index = slice\(0, 2, None\) is not an integer"):
        maps[0:2]  # type: ignore[index]


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(ValueError, match="there are no paths: give at least one FITS file; does the pattern match any"):
        FitsMaps([])
    for nothing in (3, b"a.fits", None):
        with pytest.raises(TypeError, match="are no paths: give one, or a list of them"):
            FitsMaps(nothing)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"paths hold 1\.0, which is no path: give names of FITS files"):
        FitsMaps(["a.fits", 1.0])  # type: ignore[list-item]


def test_a_published_map_is_read_as_healpy_reads_it() -> None:
    folder = Path(__file__).parents[3] / "shared" / "reference" / "healpix"
    wmap = folder / "healpy_wmap_band_iqumap_r9_7yr_W_v4_udgraded32.fits"
    if not wmap.exists():
        pytest.skip("the map is not beside this checkout")
    maps = FitsMaps(wmap)
    assert maps.nside == 32
    assert np.array_equal(maps[0], healpy.read_map(wmap, dtype=np.float64))
    assert np.array_equal(read_map(wmap, nest=True), healpy.read_map(wmap, nest=True, dtype=np.float64))
