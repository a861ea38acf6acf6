"""The theory may be a network in words or C_ell in any usual file; what is neither is refused, not guessed at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import healpy as hp
import numpy as np
import pytest

from sphfield.exhibits.estimate import estimate
from sphfield.exhibits.estimate_files import write_estimate
from sphfield.exhibits.single import write_spectrum_file
from sphfield.exhibits.theory import theory
from sphfield.fields.files import FitsMaps
from sphfield.io import write_alm, write_cl, write_map
from sphfield.networks.activations import Gaussian, ReLU
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Activation

S = angular_spectrum(NNGP(Network(ReLU(), 3)), 12)


@pytest.mark.parametrize(
    ("name", "sigma", "depth", "bias_var"),
    [
        ("relu:3", ReLU(), 3, 0.0),
        ("relu:3", ReLU(), 3, 0.2),
        ("gaussian:2:3", Gaussian(2.0), 3, 0.0),
        ("numpy:arctan:2", np.arctan, 2, 0.0),
    ],
)
def test_words_name_the_spectrum_of_a_network(name: str, sigma: Activation, depth: int, bias_var: float) -> None:
    s = theory(name, 12, bias_var)
    np.testing.assert_array_equal(s.cl, angular_spectrum(NNGP(Network(sigma, depth, bias_var)), 12).cl)


WRITERS: dict[str, Callable[[Path], object]] = {
    "ours.fits": lambda p: write_cl(p, S.cl),
    "ours.fits.gz": lambda p: write_cl(p, S.cl),
    "ours.csv": lambda p: write_spectrum_file(p, S),
    "ours.txt": lambda p: write_spectrum_file(p, S),
    "healpy.fits": lambda p: hp.write_cl(str(p), S.cl, dtype=np.float64),
    "four.fits": lambda p: hp.write_cl(str(p), [S.cl, 2 * S.cl, 3 * S.cl, 4 * S.cl], dtype=np.float64),
    "column.dat": lambda p: np.savetxt(p, S.cl, fmt="%.17e"),
    "columns.TXT": lambda p: np.savetxt(p, np.column_stack([S.ell, S.cl]), fmt="%.17e", header="ell C_ell"),
    "more.txt": lambda p: np.savetxt(
        p, np.column_stack([S.ell, S.cl, 7 * S.cl]), fmt="%.17e", header="ell C_ell other"
    ),
    "backwards.txt": lambda p: np.savetxt(p, np.column_stack([S.ell, S.cl])[::-1], fmt="%.17e"),
    # as Excel writes it: a mark in front, and its own ends of lines
    "windows.csv": lambda p: p.write_bytes(
        ("\ufeff" + "".join(f"{i},{c!r}\r\n" for i, c in enumerate(S.cl.tolist()))).encode()
    ),
}


@pytest.mark.filterwarnings("ignore:setting the output map dtype")
@pytest.mark.parametrize("name", WRITERS)
def test_every_usual_file_holds_the_same_numbers(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    np.testing.assert_array_equal(theory(str(tmp_path / name), 12).cl, S.cl)
    # what is above lmax is left out, and nothing is made up beyond the file
    np.testing.assert_array_equal(theory(str(tmp_path / name), 5).cl, S.cl[:6])
    assert theory(str(tmp_path / name), 400).lmax == 12


def test_below_the_first_ell_of_a_file_there_is_no_power(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "two.txt", np.column_stack([S.ell, S.cl])[2:], fmt="%.17e")
    np.testing.assert_array_equal(theory(str(tmp_path / "two.txt"), 12).cl, np.r_[0.0, 0.0, S.cl[2:]])


def test_a_table_of_ours_keeps_what_it_says_of_its_accuracy(tmp_path: Path) -> None:
    error = np.where(np.arange(13) > 8, np.inf, 1e-3)
    write_spectrum_file(tmp_path / "s.csv", Spectrum(S.cl, error))
    np.testing.assert_array_equal(theory(str(tmp_path / "s.csv"), 10).error, error[:11])


def test_an_estimate_may_be_the_theory_of_other_maps_but_bands_may_not(tmp_path: Path) -> None:
    write_map(tmp_path / "m.fits", np.random.default_rng(0).standard_normal(192))
    maps, power = FitsMaps(tmp_path / "m.fits"), PowerSpectrum(6)
    for suffix in ("csv", "txt", "fits"):
        write_estimate(tmp_path / f"e.{suffix}", estimate(maps, power))
        np.testing.assert_array_equal(theory(str(tmp_path / f"e.{suffix}"), 6).cl, power(maps[0]))
    write_estimate(tmp_path / "bands.csv", estimate(maps, power, edges=(0, 2, 7)))
    with pytest.raises(ValueError, match="bands.csv': it holds bands"):
        theory(str(tmp_path / "bands.csv"), 6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "it has no rows"),
        ("# nothing but a comment\n", "it has no rows"),
        ("ell,C_ell\n", "it has no rows"),
        ("ell,D_ell\n0,1\n", "none of its columns ell, D_ell is called C_ell"),
        ("l,C_ell\n2,1\n", "none of its columns l, C_ell is called ell"),  # not C_0
        ("0 1\n1\n", "rows of different length"),
        ("ell C_ell\n0\n", "rows of different length"),
        ("0 1\n1 x\n", "could not convert string to float: 'x'; give columns of numbers"),
        ("0;1\n1;2\n", "none of its columns 0;1"),
        ("0 1\n0 2\n", "each multipole once"),
        ("2 1\n12 2\n22 3\n", "do not bin it"),
        ("-1 1\n0 2\n", "each multipole once"),
        ("0.5 1\n1.5 2\n", "each multipole once"),
        ("nan 1\n1 2\n", "each multipole once"),
        ("1e15 1\n", "each multipole once"),  # and not a petabyte of zeros
        ("0 1\n1 -2\n", "t.txt': C_ell is -2.0 at ell = 1"),
        ("0 nan\n", "C_ell is nan at ell = 0"),
        (b"\xff\xfe\x00\x01", "it is no text"),
    ],
)
def test_a_table_that_is_not_as_said_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        theory(str(path), 8)


def test_other_fits_files_are_not_taken_for_spectra(tmp_path: Path) -> None:
    # their first columns would pass for C_ell: positive numbers, pixel numbers
    write_map(tmp_path / "map.fits", np.ones(12))
    with pytest.raises(ValueError, match="it is a map: give its C_ell"):
        theory(str(tmp_path / "map.fits"), 8)
    write_alm(tmp_path / "alm.fits", np.ones(6, dtype=complex))
    with pytest.raises(ValueError, match="'index', is not C_ell"):
        theory(str(tmp_path / "alm.fits"), 8)
    (tmp_path / "junk.fits").write_text("junk")
    with pytest.raises(ValueError, match="junk.fits': it is no FITS file"):
        theory(str(tmp_path / "junk.fits"), 8)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("relu", "neither a file .* nor activation:depth: write relu:3"),
        ("relu:x", "neither a file"),
        ("relu:-1", "neither a file"),
        ("cl.py", "neither a file"),
        ("rleu:3", "no activation is called 'rleu': did you mean"),
        ("missing.txt", "No such file or directory; check the path"),
        ("missing.fits", "No such file or directory; check the path"),
    ],
)
def test_what_names_no_theory_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        theory(name, 8)


def test_options_that_do_not_belong_to_a_file_are_refused(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "cl.txt", S.cl)
    with pytest.raises(ValueError, match="bias_var = 0.1 is of networks"):
        theory(str(tmp_path / "cl.txt"), 8, bias_var=0.1)
    with pytest.raises(ValueError, match="lmax = -2 is too small"):
        theory(str(tmp_path / "cl.txt"), -2)


@pytest.mark.parametrize(
    "text",
    [
        "#    L    TT             EE\n     2    0.1E+04   0.3E-01\n     3    0.9E+03   0.2E-01\n",  # CAMB
        "# dimensionless total [l(l+1)/2pi] C_l's\n# l TT\n2 1.0\n3 2.0\n",  # CLASS
        "2 1.0 3.0\n3 2.0 3.0\n",
    ],
)
def test_tables_of_other_programs_are_not_taken_for_c_ell(tmp_path: Path, text: str) -> None:
    path = tmp_path / "totcls.dat"
    path.write_text(text)
    with pytest.raises(ValueError, match="none is called C_ell: write two, under the line `ell C_ell`"):
        theory(str(path), 3)
