import json
from functools import partial
from itertools import combinations

import healpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sphfield.ensembles.coverage import Coverage, coverage, interval_coverage
from sphfield.ensembles.ensemble import Ensemble, measure
from sphfield.fields.gaussian import GaussianField
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.intervals import chi2_interval, normal_interval
from sphfield.statistics.power import PowerSpectrum


def test_the_number_inside_is_beta_binomial_exactly():
    # every choice of which 4 of 11 distinct values are the tests is equally likely, whatever their law: count them all
    n, m = 4, 7
    found = np.zeros(n + 1)
    for chosen in combinations(range(n + m), n):
        rest = sorted(set(range(n + m)) - set(chosen))
        with pytest.warns(UserWarning, match="4 maps cannot fail"):
            c = coverage(chosen, rest, levels=[0.5])
        found[c.inside] += 1
    assert c.nominal == [0.5]  # 4 of the 8 gaps
    np.testing.assert_allclose(found / found.sum(), stats.betabinom.pmf(np.arange(n + 1), n, 4, 4), rtol=1e-12)


@settings(max_examples=20)
@given(st.integers(6, 60), st.floats(0.05, 0.7), st.integers(0, 2**32 - 1))
def test_the_nominal_coverage_is_that_of_simulations_left_out_in_turn(m, level, seed):
    # of m + 1 values each in turn lies k times in m + 1 between its ranks among the others, by counting
    values, outside = np.random.default_rng(seed).random(m + 1), 2.0 + np.arange(39)  # enough tests for a verdict
    found = [coverage(np.r_[values[i], outside], np.delete(values, i), levels=[level]) for i in range(m + 1)]
    assert sum(int(c.inside[0]) for c in found) / (m + 1) == pytest.approx(found[0].nominal[0])


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.exp, np.arctan, lambda x: x**3, lambda x: 2 - 5 * x]))
def test_only_the_order_of_the_values_counts(seed, curve):
    rng = np.random.default_rng(seed)
    tests, reference = rng.normal(size=(50, 3)), rng.normal(size=(199, 3))
    # 199 values leave out an even number of ranks at both levels, so that a falling curve changes nothing either
    one, other = (coverage(f(tests), f(reference)) for f in (np.positive, curve))
    np.testing.assert_array_equal(one.inside, other.inside)


def test_p_values_of_a_right_theory_are_not_too_small_too_often():
    # Bonferroni: P(p < 0.2) <= 0.2; 200 draws give more than 62 with probability 1e-4. Counts are discrete and the two
    # levels depend, so it is about 0.09; fewer than 5 would have probability 1e-4
    rng = np.random.default_rng(7)
    small = sum(coverage(rng.normal(size=(60, 3)), rng.normal(size=(99, 3))).pvalue < 0.2 for _ in range(200))
    assert 5 <= small <= 62


def test_a_component_fails_only_where_the_whole_does():
    # 40 components, so that without Holm's method some would fail in most of these draws
    rng = np.random.default_rng(8)
    for _ in range(20):
        c = coverage(rng.normal(size=(60, 40)), rng.normal(size=(99, 40)))
        assert c.failed.any() == (not c.passed)


def test_errors_grow_where_all_values_meet_few_simulations():
    # 300 draws of 500 test values among 40 simulations: the scatter of the fraction inside is that of the
    # beta-binomial, three times the binomial one. Tolerance: 4.5 standard errors of a standard deviation, 1 / sqrt(600)
    rng = np.random.default_rng(5)
    c = coverage(rng.normal(size=(500, 300)), rng.normal(size=(40, 300)), levels=[0.68])
    assert c.error[0, 0] > 3 * np.sqrt(0.68 * 0.32 / 500)
    assert c.observed[0].std() == pytest.approx(c.error[0, 0], rel=4.5 / np.sqrt(600))


FIELD = Ensemble(GaussianField(Spectrum(1.0 / np.arange(1.0, 10.0) ** 2), nside=8), seed=2)


def extremes(m):
    return np.array([m.min(), m.max(), m.std()])


@pytest.fixture(scope="module")
def simulations():
    return measure(FIELD, extremes, range(1000, 1999))


def test_maps_of_the_theory_pass(simulations):
    # false alarm: 1e-2, with a fixed seed
    c = coverage(measure(FIELD, extremes, range(200)), simulations)
    assert c.passed
    assert not c.failed.any()
    assert c.inside.shape == c.error.shape == c.pvalues.shape == (2, 3)
    np.testing.assert_allclose(c.nominal, [0.68, 0.95])


def test_a_statistic_that_is_off_is_refused_and_named(simulations):
    values = measure(FIELD, extremes, range(200))
    values[:, 1] += simulations[:, 1].std()
    c = coverage(values, simulations)
    assert not c.passed
    assert c.failed.tolist() == [[False, True, False], [False, True, False]]
    assert str(c).startswith("FAILED in 2: 200 maps ranked among 999 simulations, 6 tests")
    assert [line.count("FAILED") for line in str(c).splitlines()] == [1, 0, 0, 0, 2, 0]


def test_maps_with_too_little_scatter_are_refused(simulations):
    values = measure(FIELD, extremes, range(200))
    assert not coverage(np.median(values, axis=0) + 0.5 * (values - np.median(values, axis=0)), simulations).passed


def test_accepted_fractions_are_those_that_pass_alone():
    rng = np.random.default_rng(1)
    c = coverage(rng.normal(size=(100, 2)), rng.normal(size=(199, 2)))
    low, high = np.moveaxis(c.accepted, -1, 0)
    for end, step in ((low, -1), (high, 1)):
        counts = np.rint(end * 100).astype(int)
        at_end = Coverage(c.levels, c.nominal, counts, c.trials, c.labels, 100, 199, 0.01)
        assert (at_end.pvalues * 4 > 0.01).all()
        beyond = Coverage(c.levels, c.nominal, np.clip(counts + step, 0, 100), c.trials, c.labels, 100, 199, 0.01)
        assert ((beyond.pvalues * 4 <= 0.01) | (counts == 100)).all()


def test_a_discrete_statistic_is_ranked_with_a_generator():
    # 4.5 beta-binomial errors: false alarm 1e-5
    rng = np.random.default_rng(4)
    tests, reference = rng.integers(0, 5, 400), rng.integers(0, 5, 999)
    c = coverage(tests, reference, rng=rng)
    assert (np.abs(c.observed - c.nominal) < 4.5 * c.error).all()
    with pytest.raises(ValueError, match="give rng= to break ties at random"):
        coverage(tests, reference)


def test_long_statistics_are_summarised_by_their_extremes():
    rng = np.random.default_rng(1)
    c = coverage(rng.normal(size=(100, 4, 25)), rng.normal(size=(199, 4, 25)))
    lines = str(c).splitlines()
    assert [line.split("  ")[0] for line in lines[2:]] == ["nominal", "mean of all", "lowest", "highest", "accepted"]
    at = np.unravel_index(c.observed[0].argmin(), (4, 25))
    assert f"{c.observed[0].min():.4f} component {at[0]}, {at[1]}" in lines[4]


def test_facts_are_ready_for_json(simulations):
    c = coverage(measure(FIELD, extremes, range(100)), simulations)
    facts = json.loads(json.dumps(c.facts(), allow_nan=False))
    assert facts["passed"] is True
    assert facts["simulations"] == 999
    assert facts["labels"] == ["component 0", "component 1", "component 2"]
    np.testing.assert_allclose(facts["observed"], c.inside / 100)


def test_too_few_maps_to_fail_are_told():
    reference = np.random.default_rng(1).normal(size=(99, 30))
    with pytest.warns(UserWarning, match="1 maps cannot fail: no count among 60 tests has a p-value below 0.01"):
        assert coverage(np.full((1, 30), 100.0), reference).passed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": [0.68, 95]}, "level = 95.* is not a probability"),
        ({"levels": [0.99]}, "99 simulations have no 0.99 interval: draw 199 or more"),
        ({"alpha": 1.0}, "alpha = 1.0 is no probability"),
    ],
)
def test_levels_and_alpha_are_probabilities_that_can_be_had(options, message):
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match=message):
        coverage(rng.random(50), rng.random(99), **options)


# --- confidence intervals of C_ell ---

NSIDE = 16
STEEP = Spectrum((np.arange(3 * NSIDE // 2 + 1) + 1.0) ** -5)  # up to 1.5 nside the analysis is exact to rounding


@pytest.fixture(scope="module")
def powers():
    maps = Ensemble(GaussianField(STEEP, NSIDE), seed=1)
    return measure(maps, PowerSpectrum(STEEP.lmax), range(200)), STEEP.cl


def test_chi_square_intervals_hold_the_truth_as_often_as_they_say(powers):
    # false alarm: 1e-2, with a fixed seed; and no band off by more than 3.5 errors: 4e-3
    c = interval_coverage(*powers, chi2_interval)
    assert c.passed
    assert c.labels == ("ell 0-1", "ell 2-5", "ell 6-15", "ell 16-24")
    assert c.trials.tolist() == [400, 800, 2000, 1800]
    assert (np.abs(c.observed - c.nominal[:, None]) < 3.5 * c.error).all()


def test_normal_intervals_miss_the_truth_at_low_multipoles(powers):
    c = interval_coverage(*powers, normal_interval, levels=[0.95])
    assert c.failed[0, 0]
    assert c.observed[0, 0] < 0.9
    assert (np.diff(c.observed[0]) > 0).all()  # and are right at high ones


def test_near_the_band_limit_anafast_does_not_hold_a_steep_spectrum():
    # healpy's default lmax = 3 nside - 1: right below 1.5 nside, off by tens of percent beyond 2.5 nside
    nside = 64
    s = Spectrum((np.arange(3 * nside) + 1.0) ** -5)
    maps = Ensemble(GaussianField(s, nside), seed=1)
    powers = measure(maps, partial(healpy.anafast, lmax=s.lmax, pol=False), range(30))
    c = interval_coverage(powers, s.cl, chi2_interval, edges=(2, 97, 161, 192))
    assert c.failed.tolist() == 2 * [[False, True, True]]
    assert (c.observed[:, 2] < [0.5, 0.75]).all()
    assert str(c).startswith("FAILED in 4: 30 maps with the intervals of each")


def test_intervals_of_means_of_maps_hold_the_truth(powers):
    values, cl = powers
    means = values.reshape(20, 10, -1).mean(axis=1)
    assert interval_coverage(means, cl, partial(chi2_interval, maps=10)).passed
    assert interval_coverage(means, cl, chi2_interval, levels=[0.68]).failed.all()  # three times too wide


def test_multipoles_without_power_are_not_counted():
    odd = np.where(np.arange(9) % 2, 1.0, 0.0)
    rng = np.random.default_rng(1)
    values = odd * rng.chisquare(2 * np.arange(9) + 1, (100, 9)) / (2 * np.arange(9) + 1)
    c = interval_coverage(values, odd, chi2_interval, edges=(0, 1, 2, 5, 9))
    assert c.labels == ("ell 1", "ell 2-4", "ell 5-8")
    assert c.trials.tolist() == [100, 100, 200]


@pytest.mark.parametrize(
    ("estimates", "expected", "edges", "message"),
    [
        (np.ones((3, 4)), np.ones(5), None, r"shape \(3, 4\) and expected has \(5,\)"),
        (np.ones(4), np.ones(4), None, r"estimates have shape \(4,\)"),
        (np.full((3, 4), np.nan), np.ones(4), None, "row 0 of the estimates is NaN in component 0"),
        (np.ones((3, 4)), np.ones(4), (0, 5), r"edges = \[0, 5\]: give increasing multipoles from 0 to lmax \+ 1 = 4"),
        (np.ones((3, 4)), np.ones(4), (2, 2), "increasing multipoles"),
        (np.ones((3, 4)), np.ones(4), (2,), "increasing multipoles"),
        (np.ones((3, 4)), np.array([1.0, 0.0, 0.0, 0.0]), (1, 4), "C_ell is 0 at every ell = 1 ... 3"),
    ],
)
def test_estimates_and_bands_must_fit_the_truth(estimates, expected, edges, message):
    with pytest.raises(ValueError, match=message):
        interval_coverage(estimates, expected, chi2_interval, edges=edges)
