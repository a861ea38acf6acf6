"""FITS files: what we write others read, what others write we read, and damaged files are named."""

from __future__ import annotations

import gc
import json
import re
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import healpy
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import Noise, Pixels

from sphfield.ensembles.ensemble import Ensemble
from sphfield.ensembles.store import Store, collect
from sphfield.fields.analysis import analysis
from sphfield.fields.gaussian import GaussianField, synalm
from sphfield.fields.pixels import UNSEEN
from sphfield.io import read_alm, read_cl, read_map, read_provenance, write_alm, write_cl, write_map, write_store
from sphfield.provenance import describe, digest, version
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Array

FIELD = GaussianField(Spectrum(np.power(1.0 + np.arange(9), -2.0)), nside=8)
ALM = synalm(np.ones(6), np.random.default_rng(0))
CL = np.power(1.0 + np.arange(9), -2.0)

WRITERS: dict[str, Callable[..., None]] = {
    "map": lambda path, **more: write_map(path, np.arange(12.0 * 8**2), **more),
    "alm": lambda path, **more: write_alm(path, ALM, **more),
    "cl": lambda path, **more: write_cl(path, CL, **more),
}
READERS: dict[str, Callable[[Path], Any]] = {"map": read_map, "alm": read_alm, "cl": read_cl}
KINDS = sorted(WRITERS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.fits"


# 8 * 8 * 12 pixels go one a row, 12 * 32**2 go 1024 a row, as HEALPix's tools write them
@pytest.mark.parametrize("nside", [1, 8, 32])
@pytest.mark.parametrize("nest", [False, True])
def test_healpy_and_astropy_read_our_maps(file: Path, nside: int, nest: bool) -> None:
    m = np.random.default_rng(1).standard_normal(12 * nside**2)
    write_map(file, m, nest=nest)
    assert np.array_equal(healpy.read_map(file, nest=nest), m)
    assert np.array_equal(np.asarray(Table.read(file)["T"]).ravel(), m)
    assert np.array_equal(read_map(file, nest=nest), m)


@pytest.mark.parametrize("written_nest", [False, True])
@pytest.mark.parametrize("nest", [False, True])
def test_we_read_healpys_maps_in_any_order(file: Path, written_nest: bool, nest: bool) -> None:
    healpy.write_map(file, np.arange(12.0 * 16**2), nest=written_nest, dtype=np.float64)
    m = read_map(file, nest=nest)
    assert np.array_equal(m, healpy.read_map(file, nest=nest))
    assert m.dtype == np.float64
    assert m.dtype.isnative


def test_nested_and_ring_files_hold_the_same_sky(tmp_path: Path) -> None:
    m = FIELD(np.random.default_rng(0))
    write_map(tmp_path / "ring.fits", m)
    write_map(tmp_path / "nest.fits", healpy.reorder(m, r2n=True), nest=True)
    assert np.array_equal(read_map(tmp_path / "ring.fits"), read_map(tmp_path / "nest.fits"))


def test_single_precision_files_keep_seven_digits_in_half_the_size(tmp_path: Path) -> None:
    m = np.random.default_rng(2).standard_normal(12 * 32**2)
    write_map(tmp_path / "4.fits", m, dtype="float32")
    write_map(tmp_path / "8.fits", m)
    assert np.array_equal(read_map(tmp_path / "4.fits"), m.astype(np.float32))
    assert healpy.read_map(tmp_path / "4.fits").dtype.itemsize == 4
    assert (tmp_path / "4.fits").stat().st_size < 0.6 * (tmp_path / "8.fits").stat().st_size


def test_maps_carry_the_keys_of_healpix(file: Path) -> None:
    write_map(file, np.ones(12 * 4**2))
    header = fits.getheader(file, 1)
    assert [header[key] for key in ("EXTNAME", "PIXTYPE", "ORDERING", "INDXSCHM", "OBJECT", "TTYPE1", "TUNIT1")] == [
        *("MAP", "HEALPIX", "RING", "IMPLICIT", "FULLSKY", "T", "")
    ]
    assert [header[key] for key in ("NSIDE", "FIRSTPIX", "LASTPIX")] == [4, 0, 191]


@pytest.mark.parametrize("nside", [8, 16])
def test_the_table_has_the_shape_of_healpys(tmp_path: Path, nside: int) -> None:
    m = np.ones(12 * nside**2)
    write_map(tmp_path / "ours.fits", m)
    healpy.write_map(tmp_path / "theirs.fits", m, dtype=np.float64)
    ours, theirs = (fits.getheader(tmp_path / name, 1) for name in ("ours.fits", "theirs.fits"))
    for key in ("NAXIS1", "NAXIS2", "TFIELDS", "TTYPE1", "TFORM1"):
        assert ours[key] == theirs[key]


@pytest.mark.parametrize("lmax", [0, 1, 40])
def test_coefficients_go_both_ways_between_us_and_healpy(tmp_path: Path, lmax: int) -> None:
    alm = synalm(np.ones(lmax + 1), np.random.default_rng(lmax))
    write_alm(tmp_path / "ours.fits", alm)
    healpy.write_alm(tmp_path / "theirs.fits", alm)
    for path in tmp_path.iterdir():
        assert np.array_equal(read_alm(path), alm)
        assert np.array_equal(healpy.read_alm(path), alm)
    assert fits.getheader(tmp_path / "ours.fits", 1)["EXTNAME"] == "ALM"
    assert Table.read(tmp_path / "ours.fits").colnames == ["index", "real", "imag"]


def test_coefficients_that_are_not_in_the_file_are_zero(file: Path) -> None:
    healpy.write_alm(file, ALM, lmax=5, mmax=2, mmax_in=5)
    m = healpy.Alm.getlm(5)[1]
    assert np.array_equal(read_alm(file), np.where(m <= 2, ALM, 0.0))


def test_spectra_go_both_ways_between_us_and_healpy(tmp_path: Path) -> None:
    write_cl(tmp_path / "ours.fits", CL)
    healpy.write_cl(tmp_path / "theirs.fits", CL)
    for path in tmp_path.iterdir():
        assert np.array_equal(read_cl(path), CL)
        assert np.array_equal(healpy.read_cl(path), CL)
    assert fits.getheader(tmp_path / "ours.fits", 1)["EXTNAME"] == "CL"


def test_unobserved_pixels_are_read_and_refused_by_the_analysis(tmp_path: Path) -> None:
    m = np.arange(12.0 * 16**2)
    m[100:3000] = UNSEEN
    healpy.write_map(tmp_path / "4.fits", m, dtype=np.float32)
    healpy.write_map(tmp_path / "partial.fits", m, dtype=np.float64, partial=True)
    for path in tmp_path.iterdir():
        read = read_map(path)
        assert np.array_equal(read, m)
        with pytest.raises(ValueError, match="2900 of 3072 pixels are UNSEEN"):
            analysis(read, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_says_what_made_it(file: Path, kind: str) -> None:
    WRITERS[kind](file, provenance={"sampler": FIELD, "seed": 7, "index": np.int64(3), "lmax": 8})
    made = read_provenance(file)
    assert made == {"sampler": describe(FIELD), "seed": 7, "index": 3, "lmax": 8, "version": version()}
    header = fits.getheader(file, 1)
    assert [header[key] for key in ("SEED", "INDEX", "LMAX", "CREATOR")] == [7, 3, 8, f"sphfield {version()}"]
    assert json.loads(header["SPHFIELD"]) == made


def test_the_model_does_not_overwrite_the_nside_of_the_file(file: Path) -> None:
    write_map(file, np.ones(12), provenance={"nside": 64})
    assert fits.getheader(file, 1)["NSIDE"] == 1
    assert read_provenance(file)["nside"] == 64


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(words=st.dictionaries(st.text(), st.text(alphabet=st.sampled_from("'&\" \\/ aé\n"), max_size=300), max_size=4))
def test_any_text_survives_the_cards(file: Path, words: dict[str, str]) -> None:
    write_cl(file, CL, provenance=words)
    assert read_provenance(file) == {**words, "version": version()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_content_is_the_same_file(tmp_path: Path, kind: str) -> None:
    for name in ("a.fits", "b.fits"):
        WRITERS[kind](tmp_path / name, provenance={"seed": 1})
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_compressed_files_and_text_paths_work(tmp_path: Path, kind: str) -> None:
    WRITERS[kind](str(tmp_path / "a.fits.gz"))
    WRITERS[kind](tmp_path / "a.fits")
    assert (tmp_path / "a.fits.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert np.array_equal(READERS[kind](tmp_path / "a.fits.gz"), READERS[kind](tmp_path / "a.fits"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_replaced_whole_or_left_as_it_was(file: Path, kind: str) -> None:
    WRITERS[kind](file, provenance={"seed": 1})
    kept = file.read_bytes()
    with pytest.raises(TypeError, match="cannot be found again by name"):
        WRITERS[kind](file, provenance={"activation": lambda z: z})
    assert file.read_bytes() == kept
    WRITERS[kind](file, provenance={"seed": 2})
    assert read_provenance(file)["seed"] == 2
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_leaves_nothing_behind(file: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: fits.HDUList, path: str, **_: Any) -> None:
        Path(path).write_bytes(b"SIMPLE  =")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fits.HDUList, "writeto", full)
    with pytest.raises(ValueError, match=r"cannot write '.*a\.fits': .*No space left on device; choose another place"):
        WRITERS[kind](file)
    assert not list(file.parent.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_folder_is_named(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ValueError, match=r"cannot write '.*nowhere.a\.fits': .*choose an existing folder"):
        WRITERS[kind](tmp_path / "nowhere" / "a.fits")


def test_what_is_no_map_no_a_lm_no_spectrum_is_not_written(file: Path) -> None:
    cases: list[tuple[Callable[..., None], Any, str]] = [
        (write_map, np.ones(50), "50 pixels are no full HEALPix map"),
        (write_map, np.r_[np.nan, np.ones(11)], "1 of 12 pixels are NaN"),
        (write_map, np.r_[UNSEEN, np.ones(11)], "1 of 12 pixels are UNSEEN"),
        (write_alm, np.ones(4), "4 coefficients fit no lmax"),
        (write_cl, [1.0, -1.0], r"C_ell is -1\.0 at ell = 1"),
    ]
    for write, content, reason in cases:
        with pytest.raises(ValueError, match=reason):
            write(file, content)
    with pytest.raises(ValueError, match="dtype = 'float16': write float64 or float32"):
        write_map(file, np.ones(12), dtype="float16")  # type: ignore[arg-type]
    assert not file.exists()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", ["data", "provenance"])
def test_unreadable_files_are_named_with_the_reason(tmp_path: Path, kind: str, reader: str) -> None:
    read = READERS[kind] if reader == "data" else read_provenance
    (tmp_path / "text.fits").write_text("no FITS file at all")
    (tmp_path / "empty.fits").touch()
    fits.PrimaryHDU(np.ones((4, 4))).writeto(tmp_path / "image.fits")
    damaged = "it is no FITS file, damaged or cut short .*; fetch or write it again"
    for name, reason in [
        ("nowhere.fits", "No such file or directory; check the path"),
        ("text.fits", damaged),
        ("empty.fits", damaged),
        ("", "Is a directory; check the path"),
        ("image.fits", "it has no table: it is an image, or cut short"),
    ]:
        with pytest.raises(ValueError, match=f"cannot read '.*{name}': {reason}"):
            read(tmp_path / name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", ["fits", "fits.gz"])
@pytest.mark.parametrize("warned", ["error", "ignore"])
def test_a_file_cut_anywhere_is_refused(
    tmp_path: Path, kind: str, suffix: str, warned: Literal["error", "ignore"]
) -> None:
    path = tmp_path / f"a.{suffix}"
    WRITERS[kind](path)
    whole, content = path.read_bytes(), READERS[kind](path)
    for length in np.linspace(0, len(whole) - 1, 24).astype(int):
        path.write_bytes(whole[:length])
        with warnings.catch_warnings():
            warnings.simplefilter(warned)  # astropy warns of the same, which is no substitute for an error
            try:
                assert np.array_equal(READERS[kind](path), content)
                assert length > len(whole) - 2880  # only padding, after the content, was lost
            except ValueError as error:
                assert re.search(rf"cannot read '.*a\.{suffix}': .*cut short", str(error))  # noqa: PT017


@pytest.mark.filterwarnings("ignore")  # astropy's own, about the damage
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(tmp_path: Path, kind: str) -> None:
    path, rng = tmp_path / "a.fits", np.random.default_rng(0)
    WRITERS[kind](path)
    whole = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    for _ in range(150):
        bad = whole.copy()
        bad[rng.integers(0, 2880 * 3, size=4)] = rng.integers(32, 127, size=4)  # in the headers, mostly
        path.write_bytes(bad.tobytes())
        try:
            READERS[kind](path)
        except ValueError as error:
            assert str(error).startswith("cannot read '")  # noqa: PT017, not every damage shows


def table(path: Path, columns: dict[str, Any], **cards: Any) -> Path:
    hdu = fits.BinTableHDU(Table(columns))
    hdu.header.update(cards)
    hdu.writeto(path, overwrite=True)
    return path


def test_tables_that_are_no_map_are_refused(file: Path) -> None:
    m = {"T": np.ones(48)}
    cases: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        (m, {}, "it has no cards NSIDE and ORDERING: it is no HEALPix map"),
        (m, {"NSIDE": 2}, "it has no cards NSIDE and ORDERING"),
        (m, {"NSIDE": 2, "ORDERING": "SPIRAL"}, "ORDERING = 'SPIRAL' is neither RING nor NESTED: correct that card"),
        (m, {"NSIDE": 4, "ORDERING": "RING"}, "NSIDE = 4 means 192 pixels, the table has 48: it is incomplete"),
        (m, {"NSIDE": 3, "ORDERING": "RING"}, "nside = 3 is not a power of two"),
        (m, {"NSIDE": "two", "ORDERING": "RING"}, "nside = 'two' is not an integer"),
        (m, {"NSIDE": 2, "ORDERING": "RING", "INDXSCHM": "EXPLICIT"}, "its first column does not list pixels"),
        (
            {"PIXEL": np.array([0, 48]), "T": np.ones(2)},
            {"NSIDE": 2, "ORDERING": "RING", "INDXSCHM": "EXPLICIT"},
            "its first column does not list pixels from 0 to 47",
        ),
    ]
    for columns, cards, reason in cases:
        with pytest.raises(ValueError, match=rf"cannot read '.*a\.fits': {reason}"):
            read_map(table(file, columns, **cards))


def test_tables_that_hold_no_a_lm_are_refused(file: Path) -> None:
    part = np.ones(3)
    for columns, reason in [
        ({"index": np.array([1, 3, 4]), "real": part}, "does not begin with the columns index, real, imag"),
        ({"real": part, "imag": part, "index": part}, "does not begin with the columns index, real, imag"),
        ({"index": np.array([0, 3, 4]), "real": part, "imag": part}, "first column is not l"),
        ({"index": np.array([1, 2, 3]), "real": part, "imag": part}, "a coefficient of m = -1: keep m >= 0"),
        ({"index": np.array([1, 3, 2**30]), "real": part, "imag": part}, "has ell = 32767 but only 3 coefficients"),
    ]:
        with pytest.raises(ValueError, match=rf"cannot read '.*a\.fits': .*{reason}"):
            read_alm(table(file, columns))


def test_files_of_others_have_no_provenance(file: Path) -> None:
    healpy.write_cl(file, CL)
    with pytest.raises(
        ValueError, match=r"cannot read '.*a\.fits': it has no card SPHFIELD: sphfield did not write it"
    ):
        read_provenance(file)


def one(m: Array) -> Array:
    return m[:1]


def block(m: Array) -> Array:
    return m[:24].reshape(2, 3, 4)


def odd(m: Array) -> Array:
    return np.array([np.nan, -np.nan, np.inf, -0.0, m[0]])


STATISTICS: dict[str, Any] = {"power": PowerSpectrum(8), "variance": np.var, "one": one, "block": block, "odd": odd}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return collect(tmp_path_factory.mktemp("io") / "run", Ensemble(FIELD, 7), STATISTICS, 20, batch=8)


@pytest.mark.parametrize("suffix", ["fits", "fits.gz"])
def test_astropy_reads_a_store_as_it_was_to_the_bit(store: Store, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run.{suffix}"
    write_store(path, store)
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert [hdu.name.lower() for hdu in hdus[1:]] == list(STATISTICS)
    for name in STATISTICS:
        table = Table.read(path, hdu=name)
        assert table.colnames == [name]
        values = np.asarray(table[name])
        assert values.shape == store.values(name).shape
        assert values.astype("<f8").tobytes() == store.values(name).tobytes()


def test_tables_of_a_store_say_what_made_them(store: Store, file: Path) -> None:
    write_store(file, store)
    assert read_provenance(file) == {"store": store.recipe, "version": version()}
    for name in STATISTICS:
        header = fits.getheader(file, name)
        assert json.loads(header["SPHFIELD"])["store"] == store.recipe
        assert header["SHA256"] == digest(store.values(name))
        assert (header["SEED"], header["CREATOR"], header["TTYPE1"]) == (7, f"sphfield {version()}", name)
    assert fits.getheader(file, "power")["TUNIT1"] == ""
    assert "TUNIT1" not in fits.getheader(file, "one")  # a function of the user's may have any unit
    assert fits.getheader(file, "block")["TDIM1"] == "(4,3,2)"


def test_a_statistic_may_have_a_name_that_no_column_has(file: Path, tmp_path: Path) -> None:
    name = "a-" + 98 * "b"
    write_store(file, collect(tmp_path / "run", Ensemble(FIELD, 7), {name: np.var}, 3))
    assert fits.getheader(file, 1)["EXTNAME"] == name
    assert Table.read(file, hdu=name).colnames == ["a_" + 66 * "b"]


@pytest.mark.parametrize("suffix", ["fits", "fits.gz"])
def test_the_same_store_is_the_same_file(store: Store, tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        write_store(tmp_path / f"{name}.{suffix}", store)
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_a_store_with_a_gap_is_not_written(tmp_path: Path, file: Path) -> None:
    some = collect(tmp_path / "run", Ensemble(FIELD, 7), {"power": PowerSpectrum(8)}, 20, batch=8, part=(1, 2))
    with pytest.raises(ValueError, match=r"realisation 8 is missing or damaged in .*c\.1\.0'"):
        write_store(file, some)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_file_is_replaced_by_a_store_only_where_asked_for(store: Store, file: Path) -> None:
    write_cl(file, CL)
    kept = file.read_bytes()
    with pytest.raises(ValueError, match=r"a\.fits' is there already: give overwrite=True, or another name"):
        write_store(file, store)
    assert file.read_bytes() == kept
    write_store(file, store, overwrite=True)
    assert len(Table.read(file, hdu="power")) == 20
    assert list(file.parent.iterdir()) == [file]


def test_a_full_disk_leaves_nothing_of_a_store(store: Store, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fits.Header, "tostring", full)
    with pytest.raises(ValueError, match=r"cannot write '.*a\.fits': .*No space left on device; choose another place"):
        write_store(file, store)
    assert not list(file.parent.iterdir())


def test_a_larger_store_is_written_in_the_same_memory(tmp_path: Path) -> None:
    peaks = []
    for size in (40, 400):
        large = collect(tmp_path / str(size), Ensemble(Noise(16), 7), {"pixels": Pixels(3072)}, size, batch=20)
        write_store(tmp_path / "warm.fits", large, overwrite=True)  # what is imported and kept is not counted
        gc.collect()
        tracemalloc.start()
        write_store(tmp_path / f"{size}.fits", large)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # a batch is 0.5 MB and the larger store 10 MB: were it held, the ratio would be four or more
    assert peaks[1] < 1.2 * peaks[0]
