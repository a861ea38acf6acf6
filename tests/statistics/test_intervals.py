import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sphfield.statistics.intervals import chi2_interval, normal_interval

LEVELS = st.floats(0.01, 0.999)
FREEDOM = 2.0 * np.arange(65) + 1.0


@given(LEVELS, st.integers(1, 1000))
def test_the_chi_square_interval_has_its_level_at_every_multipole(level, maps):
    # with estimate 1 the interval holds C where nu / C lies between the quantiles; so its ends are at these quantiles
    low, high = chi2_interval(np.ones(65), level, maps)
    dof = maps * FREEDOM
    # 1e-9: scipy's inverse incomplete gamma function at tails of 5e-4
    np.testing.assert_allclose(stats.chi2.sf(dof / low, dof), (1 - level) / 2, rtol=1e-9)
    np.testing.assert_allclose(stats.chi2.cdf(dof / high, dof), (1 - level) / 2, rtol=1e-9)


@given(LEVELS, st.integers(1, 1000), st.floats(1e-300, 1e290))
def test_intervals_scale_with_the_power(level, maps, power):
    for interval in (chi2_interval, normal_interval):
        one, many = interval(np.ones(33), level, maps), interval(np.full(33, power), level, maps)
        np.testing.assert_allclose(many, power * np.array(one), rtol=1e-13)


def test_the_mean_of_maps_is_known_better_by_the_root_of_their_number():
    one, many = (np.diff(chi2_interval(np.ones(513), 0.68, maps), axis=0)[0] for maps in (1, 100))
    # 1e-2: what is left of the skewness at ell = 512, of order 1 / nu
    assert one[512] / many[512] == pytest.approx(10.0, rel=1e-2)


def true_coverage_of_the_normal_interval(level, dof):
    """Probability that 1 lies in x (1 -+ z sqrt(2 / dof)) if dof x is chi-square: a closed form."""
    half = stats.norm.ppf((1 + level) / 2) * np.sqrt(2 / dof)
    with np.errstate(divide="ignore"):
        upper = np.where(half < 1, dof / (1 - half), np.inf)
    return stats.chi2.cdf(upper, dof) - stats.chi2.cdf(dof / (1 + half), dof)


@pytest.mark.parametrize("level", [0.68, 0.95])
def test_the_normal_interval_holds_what_its_closed_form_says(level):
    rng = np.random.default_rng(1)
    draws = 20_000
    power = rng.chisquare(FREEDOM, (draws, 65)) / FREEDOM
    low, high = normal_interval(power, level)
    p = true_coverage_of_the_normal_interval(level, FREEDOM)
    # 4.5 binomial errors at 65 multipoles: false alarm 5e-4
    assert (np.abs(((low <= 1) & (high >= 1)).mean(axis=0) - p) < 4.5 * np.sqrt(p * (1 - p) / draws)).all()


def test_the_normal_interval_falls_short_of_its_level_at_low_multipoles():
    short = 0.95 - true_coverage_of_the_normal_interval(0.95, FREEDOM)
    low, _ = normal_interval(np.ones(65), 0.95)
    assert (short > 0).all()
    assert short[2] > 0.05  # and this is what test_coverage measures on maps
    assert short[64] < 0.01
    assert low[2] < 0 < low[64]


def test_maps_are_taken_one_by_one_or_together():
    powers = np.random.default_rng(2).random((5, 9))
    together = chi2_interval(powers, 0.95)
    one_by_one = [chi2_interval(power, 0.95) for power in powers]
    np.testing.assert_array_equal(np.swapaxes(one_by_one, 0, 1), together)


@pytest.mark.parametrize("interval", [chi2_interval, normal_interval])
@pytest.mark.parametrize(
    ("cl", "level", "maps", "message"),
    [
        ([1.0, -1.0], 0.95, 1, "cl is -1.0 at ell = 1: estimated power"),
        ([[1.0], [np.nan]], 0.95, 1, "cl is nan at ell = 0"),
        (1.0, 0.95, 1, r"shape \(\): give the estimated power"),
        ([], 0.95, 1, r"shape \(0,\): give the estimated power"),
        ([1.0], 95, 1, "level = 95 is not a probability .* for example 0.95"),
        ([1.0], np.nan, 1, "level = nan"),
        ([1.0], 0.95, 0, "maps = 0 is too small"),
    ],
)
def test_what_is_no_power_or_no_level_is_refused(interval, cl, level, maps, message):
    with pytest.raises(ValueError, match=message):
        interval(cl, level, maps)
