"""Many tests, one verdict: Holm's procedure keeps the total false-alarm rate, and the report says what failed where."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sphfield.ensembles.report import Family, Report, holm


def family(name: str, pvalues: list[float], share: float = 0.5) -> Family:
    n = len(pvalues)
    value, limit = np.arange(n, dtype=float), np.ones(n)
    return Family(name, "ell", np.arange(n), value, -limit, limit, np.array(pvalues), share, "standard errors off")


def report(*families: Family, leaks: dict[int, float] | None = None, alpha: float = 0.01) -> Report:
    return Report(
        expected=np.ones(3),
        mean=np.ones(3),
        pulls=np.array([0.0, 1.0, np.nan]),
        bias=np.zeros(3),
        tested=np.array([True, True, False]),
        families=families,
        zeros=np.array([2]),
        leaks=leaks or {},
        size=10,
        alpha=alpha,
        choices={"estimator": "weighted:1", "lmax": 2},
    )


@given(st.lists(st.floats(1e-12, 1.0), min_size=1, max_size=20))
def test_holm_with_equal_weights_rejects_step_by_step(pvalues: list[float]) -> None:
    # the procedure in Holm's own words: reject the smallest while p <= alpha / (number left)
    p, alpha = np.array(pvalues), 0.05
    rejected = np.zeros(p.size, dtype=bool)
    for done, i in enumerate(np.argsort(p)):
        if p[i] > alpha / (p.size - done):
            break
        rejected[i] = True
    margin = np.abs(np.sort(p) * (p.size - np.arange(p.size)) / alpha - 1.0).min() > 1e-9
    if margin:
        assert np.array_equal(holm(p, np.ones(p.size)) <= alpha, rejected)


@given(st.lists(st.tuples(st.floats(1e-12, 1.0), st.floats(0.01, 1.0)), min_size=1, max_size=20))
def test_adjusted_p_values_lie_between_their_own_and_weighted_bonferroni(rows: list[tuple[float, float]]) -> None:
    p, w = np.array(rows).T
    adjusted = holm(p, w)
    assert (adjusted >= p * (1 - 1e-12)).all()
    assert (adjusted <= np.minimum(p / w * w.sum() * (1 + 1e-12), 1.0)).all()


def test_the_total_false_alarm_rate_is_alpha_whatever_the_shares() -> None:
    # 4000 draws: the count of alarms at alpha = 0.05 is binomial, outside these bounds once in 1e4
    rng, alarms = np.random.default_rng(0), 0
    weights = np.r_[np.full(5, 0.1), np.full(50, 0.01)]
    for _ in range(4000):
        alarms += holm(rng.random(55), weights).min() <= 0.05
    low, high = stats.binom.ppf([5e-5, 1 - 5e-5], 4000, 0.05)
    assert low - 10 <= alarms <= high  # independent tests: 1 - exp(-0.05) is 2.5 % lower than 0.05


def test_a_share_of_alpha_is_what_a_family_can_spend() -> None:
    # 0.5 / 2 of 0.01 for each of two tests, if the other family is silent
    found = report(family("mean", [0.0024, 1.0]), family("scatter", [1.0]))
    assert not found.passed
    assert report(family("mean", [0.0026, 1.0]), family("scatter", [1.0])).passed


def test_a_report_says_what_failed_where_and_by_how_much() -> None:
    found = report(family("mean", [1.0, 1e-9, 0.5]), family("scatter", [0.3, 1e-6]))
    assert not found.passed
    assert [(f["test"], f["ell"], f["value"]) for f in found.failures] == [("mean", 1, 1.0), ("scatter", 1, 1.0)]
    assert found.failed("mean").tolist() == [False, True, False]
    text = str(found)
    assert text.startswith("FAILED: 10 maps, 2 of 3 multipoles tested")
    assert "failed: test mean, ell 1, value 1, pvalue 6e-09" in text
    assert "estimator: weighted:1" in text
    assert found.pvalue == pytest.approx(1e-9 * 3 / 0.5)


def test_power_where_there_should_be_none_fails_by_itself() -> None:
    found = report(family("mean", [1.0]), leaks={2: 1e-16})
    assert not found.passed
    assert "power at ell = 2, where C_ell = 0: 1e-16 of the variance" in str(found)


def test_a_long_list_of_failures_is_cut_on_screen_and_whole_in_json() -> None:
    found = report(family("mean", [1e-9] * 8))
    assert "and 3 failures more" in str(found)
    facts = json.loads(json.dumps(found.facts(), allow_nan=False))
    assert len(facts["failures"]) == 8
    assert facts["passed"] is False
    assert facts["pulls"] == [0.0, 1.0, None]
    assert facts["families"][0]["adjusted"] == pytest.approx([8e-9] * 8)  # one family has all of alpha


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(ValueError, match="there is no family 'median': this report has mean"):
        report(family("mean", [1.0])).family("median")
