"""A report on a sheet and in JSON: everything that was tested is there, whole, or nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sphfield.ensembles.ensemble import Ensemble
from sphfield.ensembles.report import Report
from sphfield.ensembles.validation import validate
from sphfield.exhibits.validation import validation_figure, write_validation
from sphfield.fields.finite import FiniteNetwork
from sphfield.fields.gaussian import GaussianField
from sphfield.networks.activations import ReLU
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.spectrum import Spectrum

S = Spectrum(1.0 / np.arange(1.0, 14.0) ** 2)


def report(size: int = 20, factor: float = 1.0) -> Report:
    return validate(Ensemble(GaussianField(S, 8), 1), Spectrum(factor * S.cl), size)


def test_there_is_a_panel_for_each_test_by_multipole_and_a_word_for_the_others() -> None:
    figure = validation_figure(report())
    assert [ax.get_title().partition(":")[0] for ax in figure.axes] == ["mean", "scatter", "correlation", "orders"]
    title = figure.get_suptitle()
    assert title.startswith("passed: 20 maps, 13 of 13 multipoles tested, p = ")
    assert "weighted:1 (pixel weights, one pass); Gaussian field" in title
    assert title.endswith("total, maps: passed")


def test_a_single_map_leaves_no_empty_panels() -> None:
    figure = validation_figure(report(size=1))
    assert [ax.get_title().partition(":")[0] for ax in figure.axes] == ["mean", "orders"]
    assert figure.get_suptitle().startswith("passed: 1 map, ")
    assert figure.axes[0].get_position().y0 == pytest.approx(figure.axes[1].get_position().y0)


def test_what_failed_is_said_on_the_sheet() -> None:
    refused = validation_figure(report(factor=2.0))
    assert refused.get_suptitle().startswith("FAILED: 20 maps")
    assert refused.get_suptitle().endswith("failed: total")
    assert refused.axes[0].get_title().endswith("of 13 failed")
    # power where there should be none is no family of tests, and is said all the same
    s = Spectrum(np.where(np.arange(13) == 4, 0.0, S.cl))
    leaking = validation_figure(validate(Ensemble(GaussianField(S, 8), 1), s, 20))
    assert "at 1 multipoles, 1 of them with power" in leaking.get_suptitle()


def test_tests_by_rank_are_drawn_without_a_band() -> None:
    network = Network(ReLU(), 1)
    s = angular_spectrum(NNGP(network), 48)
    found = validate(Ensemble(FiniteNetwork(network, 8, 8), 1), s, 50, width=8)
    bands = []
    for sheet in (validation_figure(found), validation_figure(report())):
        (ax,) = [ax for ax in sheet.axes if ax.get_title().startswith("scatter")]
        assert ax.has_data()
        bands.append("accepted" in [c.get_label() for c in ax.collections])
    assert bands == [False, True]
    # what no panel draws is named, and what was not tested at all is neither
    title = validation_figure(found).get_suptitle()
    assert title.splitlines()[1].endswith("one hidden layer of width 8")
    assert title.splitlines()[2].startswith("ranks, maps: passed")


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_the_figure_and_all_its_numbers_are_written_together(tmp_path: Path, factor: float) -> None:
    found = report(factor=factor)
    write_validation(tmp_path / "v.png", found)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["v.json", "v.png"]

    def refused(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    facts = json.loads((tmp_path / "v.json").read_text(), parse_constant=refused)
    assert facts.pop("version")
    assert facts == found.facts()
    assert facts["passed"] is (factor == 1.0)
    assert {f["test"] for f in facts["families"]} == {f.name for f in found.families}
    with Image.open(tmp_path / "v.png") as picture:
        assert min(picture.size) > 500
        assert json.loads(picture.info["Source"])["size"] == 20


def test_json_may_be_had_alone(tmp_path: Path) -> None:
    write_validation(tmp_path / "v.json", report())
    assert [p.name for p in tmp_path.iterdir()] == ["v.json"]


def test_neither_file_is_written_if_one_cannot_be(tmp_path: Path) -> None:
    found = report()
    with pytest.raises(ValueError, match="v.csv': the suffix chooses the format; use one of .json, .png"):
        write_validation(tmp_path / "v.csv", found)
    with pytest.raises(ValueError, match="choose an existing folder"):
        write_validation(tmp_path / "missing" / "v.png", found)
    for taken, asked in (("v.json", "v.png"), ("w.png", "w.png")):
        (tmp_path / taken).mkdir()
        with pytest.raises(ValueError, match=f"{taken}': it is a folder"):
            write_validation(tmp_path / asked, found)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
