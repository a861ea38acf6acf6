"""An estimate is written in the format of the suffix, whole or not at all, and says what it was made of."""

from __future__ import annotations

import json
from pathlib import Path

import healpy as hp
import numpy as np
import pytest
from PIL import Image

from sphfield.ensembles.ensemble import Ensemble
from sphfield.exhibits.estimate import PowerEstimate, estimate
from sphfield.exhibits.estimate_files import estimate_sheet, write_estimate
from sphfield.fields.files import FitsMaps
from sphfield.fields.gaussian import GaussianField
from sphfield.io import read_provenance, write_map
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum

S = Spectrum(1.0 / np.arange(1.0, 14.0) ** 2)
EDGES = (0, 2, 5, 13)


def made(
    folder: Path, *, count: int = 2, theory: Spectrum | None = S, edges: tuple[int, ...] | None = None
) -> PowerEstimate:
    (folder / "maps").mkdir()
    paths = [folder / "maps" / f"{i}.fits" for i in range(count)]
    for i, path in enumerate(paths):
        write_map(path, Ensemble(GaussianField(S, 8), 1)[i])
    return estimate(FitsMaps(paths), PowerSpectrum(12), theory=theory, edges=edges)


def test_healpy_reads_what_was_estimated(tmp_path: Path) -> None:
    e = made(tmp_path)
    write_estimate(tmp_path / "cl.fits", e)
    np.testing.assert_array_equal(hp.read_cl(str(tmp_path / "cl.fits")), e.mean)
    recipe = read_provenance(tmp_path / "cl.fits")
    assert recipe["maps"]["paths"] == list(e.maps.paths)
    assert recipe["estimator"]["lmax"] == 12


@pytest.mark.parametrize(("suffix", "comma"), [("csv", ","), ("txt", " ")])
@pytest.mark.parametrize("edges", [None, EDGES])
def test_tables_have_every_column_to_the_last_digit(
    tmp_path: Path, suffix: str, comma: str, edges: tuple[int, ...] | None
) -> None:
    e = made(tmp_path, count=1, theory=None, edges=edges)
    write_estimate(tmp_path / f"e.{suffix}", e)
    comment, names, *_ = (tmp_path / f"e.{suffix}").read_text().splitlines()
    assert json.loads(comment.removeprefix("# "))["maps"]["paths"] == list(e.maps.paths)
    table = np.genfromtxt(tmp_path / f"e.{suffix}", delimiter=comma, skip_header=2)
    columns = dict(zip(names.split(comma), table.T, strict=True))
    assert list(columns) == ["ell", "last", "C_ell", "error", "scatter", "bias", "theory", "pull"]
    known = (e.ell, e.last, e.mean, e.error, e.scatter, e.bias, e.expected, e.pull)
    for column, value in zip(columns.values(), known, strict=True):
        np.testing.assert_array_equal(column, value)


def test_json_is_strict_and_is_the_facts(tmp_path: Path) -> None:
    e = made(tmp_path, theory=None)
    write_estimate(tmp_path / "e.json", e)

    def refused(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    assert json.loads((tmp_path / "e.json").read_text(), parse_constant=refused) == e.facts()


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_figures_are_written_with_what_they_were_made_of(tmp_path: Path, suffix: str) -> None:
    e = made(tmp_path)
    write_estimate(tmp_path / f"e.{suffix}", e)
    assert (tmp_path / f"e.{suffix}").stat().st_size > 10_000
    if suffix == "png":
        with Image.open(tmp_path / "e.png") as picture:
            assert min(picture.size) > 500
            assert json.loads(picture.info["Source"])["maps"]["paths"] == list(e.maps.paths)


def test_one_error_bar_down_to_zero_does_not_stretch_the_axis(tmp_path: Path) -> None:
    # one map: at ell = 1 an error of 0.8 C_ell, above the estimate itself if that is low
    e = made(tmp_path, count=1)
    bottom, top = estimate_sheet(e).axes[0].get_ylim()
    drawn = e.ell * (2 * e.ell + 1) * e.mean / (4 * np.pi)
    assert bottom > drawn[1:].min() / 10
    assert top > (drawn + e.ell * (2 * e.ell + 1) * e.error / (4 * np.pi)).max()


def test_bands_of_theory_are_drawn_as_steps_as_wide_as_they_are(tmp_path: Path) -> None:
    e = made(tmp_path, edges=EDGES)
    spectrum, pull, accuracy = estimate_sheet(e).axes
    (steps,) = [c for c in spectrum.collections if c.get_label() == "theory"]
    drawn = [segment[:, 0].tolist() for segment in steps.get_segments()]
    assert drawn == [[1.5, 4.5], [4.5, 12.5]]
    for segment, middle, level in zip(steps.get_segments(), (3.0, 8.5), e.expected[1:], strict=True):
        np.testing.assert_allclose(segment[:, 1], middle * (2 * middle + 1) * level / (4 * np.pi))
    assert spectrum.get_xlim() == pull.get_xlim() == accuracy.get_xlim()


def test_without_a_theory_there_is_no_empty_panel(tmp_path: Path) -> None:
    figure = estimate_sheet(made(tmp_path, theory=None))
    assert len(figure.axes) == 2
    assert all(ax.has_data() for ax in figure.axes)


def test_multipoles_without_power_are_passed_over(tmp_path: Path) -> None:
    s = Spectrum(np.where(np.arange(13) % 2, 0.0, S.cl))
    for i in range(2):
        write_map(tmp_path / f"{i}.fits", Ensemble(GaussianField(s, 8), 1)[i])
    e = estimate(FitsMaps([tmp_path / "0.fits", tmp_path / "1.fits"]), PowerSpectrum(12), theory=s)
    top, _, accuracy = estimate_sheet(e).axes
    assert top.get_ylim()[0] > 1e-5  # rounding is at 1e-33
    for curve in (*accuracy.get_lines(), *(line for line in top.get_lines() if line.get_label() == "theory")):
        assert curve.get_xdata().tolist() == [2, 4, 6, 8, 10, 12]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    e = made(tmp_path, edges=EDGES)
    with pytest.raises(ValueError, match="FITS files hold C_ell for every ell from 0: leave --bins out"):
        write_estimate(tmp_path / "e.fits", e)
    with pytest.raises(ValueError, match="use one of .fits, .csv, .txt, .json, .png"):
        write_estimate(tmp_path / "e.doc", e)
    for suffix in ("csv", "json", "png"):
        with pytest.raises(ValueError, match="choose an existing folder"):
            write_estimate(tmp_path / "missing" / f"e.{suffix}", e)
    assert [p.name for p in tmp_path.iterdir()] == ["maps"]
