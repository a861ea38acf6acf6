"""Coverage that a user sees: counted right, refused where it is wrong, and told in the user's own words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from sphfield.ensembles.ensemble import Ensemble, measure
from sphfield.exhibits.coverage import NamedStatistic, power_coverage, rank_coverage, write_coverage
from sphfield.fields.gaussian import ExactPowerField, GaussianField
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Array

S = Spectrum(1.0 / np.arange(1.0, 14.0) ** 2)
MAPS = Ensemble(GaussianField(S, 8), 1)


def extremes(m: Array) -> Array:
    return np.array([m.min(), m.max()])


def spots(m: Array) -> float:
    return float((m > 1.0).sum())


def tenths(m: Array) -> float:
    return float(np.round(m.max(), 1))


def never(m: Array) -> float:
    pytest.fail("a map was drawn")


def test_a_statistic_of_the_theory_is_covered_and_that_of_another_is_not() -> None:
    right = rank_coverage(MAPS, S, extremes, 60, 300, 1, None)
    assert right.passed
    assert (right.maps, right.simulations, right.labels) == (60, 300, ("component 0", "component 1"))
    wrong = rank_coverage(MAPS, Spectrum(0.5 * S.cl), extremes, 60, 300, 1, None)
    assert not wrong.passed


def test_simulations_are_other_realisations_than_the_maps() -> None:
    # with one seed for both: if they were the same, ranks would tie, and they do not
    by_hand = measure(MAPS, np.max, range(20, 120))
    value = measure(MAPS, np.max, range(20))
    found = rank_coverage(MAPS, S, np.max, 20, 100, 1, None)
    low, high = np.sort(by_hand)[[15, 84]]  # 69 of 101 ranks apart, k = round(0.68 * 101)
    assert found.inside[0] == np.count_nonzero((low < value) & (value < high))


@pytest.mark.parametrize("statistic", [spots, tenths])
def test_ties_of_a_discrete_statistic_are_broken_by_the_seed(statistic: Any) -> None:
    one, same = (rank_coverage(MAPS, S, statistic, 60, 300, 1, None) for _ in range(2))
    assert one.passed
    np.testing.assert_array_equal(one.inside, same.inside)
    assert not rank_coverage(MAPS, Spectrum(0.2 * S.cl), statistic, 60, 300, 1, None).passed


def test_a_map_given_twice_is_not_taken_for_a_discrete_statistic() -> None:
    maps = [MAPS[0], MAPS[1], MAPS[0]]
    with pytest.raises(ValueError, match="row 0 of the values and row 2 of the values"):
        rank_coverage(maps, S, np.max, 3, 100, 1, None)


def test_too_few_simulations_are_refused_before_the_first_map() -> None:
    with pytest.raises(ValueError, match="10 simulations have no 0.95 interval: draw 39 or more"):
        rank_coverage(MAPS, S, never, 60, 10, 1, None)


def test_intervals_of_power_are_counted_as_scipy_counts_them() -> None:
    found = power_coverage(MAPS, S, "weighted", 50, None)
    assert list(found) == ["chi-square", "normal"]
    power, dof = measure(MAPS, PowerSpectrum(12), range(50)), 2 * S.ell + 1
    for row, level in enumerate((0.68, 0.95)):
        x = dof * power / S.cl
        low, high = stats.chi2.interval(level, dof)
        held = (low <= x) & (x <= high)
        usual = np.abs(power - S.cl) <= stats.norm.ppf(0.5 + level / 2) * power * np.sqrt(2 / dof)
        for name, inside in (("chi-square", held), ("normal", usual)):
            counts = [inside[:, a:b].sum() for a, b in ((0, 2), (2, 6), (6, 13))]
            assert found[name].inside[row].tolist() == counts
    assert found["chi-square"].passed
    assert not found["normal"].passed


def test_the_estimate_goes_as_far_as_is_exact_or_as_the_theory() -> None:
    assert power_coverage(MAPS, S, "weighted", 5, None)["normal"].labels[-1] == "ell 6-12"
    short = power_coverage(MAPS, S.truncated(7), "weighted", 5, None)
    assert short["normal"].labels[-1] == "ell 6-7"
    long = Ensemble(GaussianField(Spectrum(np.ones(20)), 8), 1)
    assert power_coverage(long, Spectrum(np.ones(20)), "weighted", 5, None)["normal"].labels[-1] == "ell 6-12"


def test_maps_without_scatter_are_covered_too_often() -> None:
    assert not power_coverage(Ensemble(ExactPowerField(S, 8), 1), S, "weighted", 50, None)["chi-square"].passed


def test_estimators_that_maps_cannot_have_are_refused() -> None:
    with pytest.raises(TypeError, match="alm takes coefficients, and these are maps"):
        power_coverage(MAPS, S, "alm", 5, None)
    with pytest.raises(ValueError, match="there is no estimator 'best'"):
        power_coverage(MAPS, S, "best", 5, None)


def nothing(m: Array) -> None:
    return None


def words(m: Array) -> str:
    return "high"


def waves(m: Array) -> complex:
    return 1j


def no_numbers(m: Array) -> Array:
    return m[:0]


def missing_key(m: Array) -> float:
    return {"a": 1.0}["b"]


def no_arguments() -> float:
    return 1.0


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (nothing, r"mine:it returned array\(None.* must return real numbers"),
        (words, "mine:it returned array.'high'.* must return real numbers"),
        (waves, "mine:it returned .*1.j.* must return real numbers"),
        (no_numbers, "mine:it returned array.*must return real numbers"),
        (missing_key, "mine:it raised KeyError: 'b'; it is called with a map"),
        (no_arguments, "mine:it raised TypeError: .*takes 0 positional arguments.*; it is called with a map"),
    ],
)
def test_a_statistic_that_fails_is_named(function: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rank_coverage(MAPS, S, NamedStatistic("mine:it", function), 5, 100, 1, None)


def test_progress_is_told_of_maps_and_of_simulations() -> None:
    steps: list[tuple[str, int, int]] = []
    rank_coverage(MAPS, S, np.max, 20, 50, 1, lambda *step: steps.append(step))
    assert steps[19:21] == [("maps", 20, 20), ("simulations", 1, 50)]
    assert steps[-1] == ("simulations", 50, 50)


def test_the_figure_has_a_panel_each_and_the_json_all_numbers(tmp_path: Path) -> None:
    found = power_coverage(MAPS, S, "weighted", 20, None)
    write_coverage(tmp_path / "c.png", found)

    def refused(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    facts = json.loads((tmp_path / "c.json").read_text(), parse_constant=refused)
    assert facts.pop("version")
    assert facts == {name: c.facts() for name, c in found.items()}
    with Image.open(tmp_path / "c.png") as picture:
        assert min(picture.size) > 500
        assert json.loads(picture.info["Source"]) == {"coverage": ["chi-square", "normal"], "maps": 20}
    write_coverage(tmp_path / "alone.json", found)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alone.json", "c.json", "c.png"]


def test_neither_file_is_written_if_one_cannot_be(tmp_path: Path) -> None:
    found = {"max": rank_coverage(MAPS, S, np.max, 20, 50, 1, None)}
    with pytest.raises(ValueError, match="c.csv': the suffix chooses the format; use one of .json, .png"):
        write_coverage(tmp_path / "c.csv", found)
    (tmp_path / "c.json").mkdir()
    with pytest.raises(ValueError, match="c.json': it is a folder"):
        write_coverage(tmp_path / "c.png", found)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
