import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from sphfield.ensembles.coverage import coverage, interval_coverage
from sphfield.ensembles.ensemble import Ensemble
from sphfield.ensembles.validation import validate
from sphfield.fields.gaussian import GaussianField
from sphfield.figures import acceptance, bias_curves, coverage_bars, report_panel, report_panels
from sphfield.spectra.spectrum import Spectrum
from sphfield.statistics.intervals import chi2_interval

ELL = np.arange(21)
BAND = np.full(21, 3.0)


@pytest.fixture
def ax():
    return Figure().add_subplot()


@pytest.fixture(scope="module")
def odd():
    return Spectrum(np.where(np.arange(25) % 2, (np.arange(25) + 1.0) ** -2, 0.0))


@pytest.fixture(scope="module")
def report(odd):
    """Maps whose power at ell = 7 is too large, among 24 multipoles of which the even ones are 0."""
    louder = Spectrum(np.where(np.arange(25) == 7, 1.8, 1.0) * odd.cl)
    return validate(Ensemble(GaussianField(louder, 16), seed=1), odd, 60)


def marked(ax, marker):
    """Points drawn with this marker, all in one array of (x, y)."""
    found = [line.get_xydata() for line in ax.get_lines() if line.get_marker() == marker]
    return np.concatenate(found) if found else np.empty((0, 2))


def test_every_estimator_has_a_colour_and_dashes_of_its_own(ax):
    x = np.linspace(0.1, 3.0, 30)
    lines = bias_curves(x, {f"estimator {i}": 10.0**-i * x for i in range(7)}, ax)
    assert [line.get_label() for line in lines] == [f"estimator {i}" for i in range(7)]
    assert len({to_hex(line.get_color()) for line in lines}) == 7
    assert len({str(line._dash_pattern) for line in lines}) == 7  # matplotlib has no public name for it
    assert ax.get_yscale() == "log"


def test_biases_are_drawn_without_their_sign_and_not_below_rounding(ax):
    (line,) = bias_curves([1.0, 2.0, 3.0], {"one": [-0.1, 0.0, np.nan]}, ax)
    np.testing.assert_array_equal(line.get_ydata(), [0.1, 1e-17, np.nan])


def test_the_limits_of_the_analysis_are_marked(ax):
    bias_curves([1.0, 2.0], {"one": [0.1, 0.2]}, ax)
    upright = {float(line.get_xdata()[0]) for line in ax.get_lines() if len(set(line.get_xdata())) == 1}
    assert upright == {1.5, 2.0, 3.0}
    assert [text.get_text() for text in ax.texts] == ["1.5 nside", "2 nside", "3 nside $-$ 1"]


def test_one_bias_is_needed_for_each_ratio(ax):
    with pytest.raises(ValueError, match=r"weighted: bias of shape \(3,\) for ratios of shape \(2,\)"):
        bias_curves([1.0, 2.0], {"weighted": [0.1, 0.2, 0.3]}, ax)


def test_failed_points_differ_in_colour_and_marker(ax):
    values = np.linspace(-4.0, 4.0, 21)
    passed = acceptance(ELL, values, -BAND, BAND, ax)
    inside = np.abs(values) <= 3.0
    np.testing.assert_array_equal(passed.get_xydata(), np.stack([ELL, values], axis=1)[inside])
    np.testing.assert_array_equal(marked(ax, "X"), np.stack([ELL, values], axis=1)[~inside])
    (failed,) = (line for line in ax.get_lines() if line.get_marker() == "X")
    assert to_hex(failed.get_color()) != to_hex(passed.get_color())
    low, high = ax.get_ylim()
    assert low < -4.0 < 4.0 < high


def test_who_failed_may_be_said_by_the_caller(ax):
    failed = ELL == 3
    acceptance(ELL, np.zeros(21), -BAND, BAND, ax, failed=failed)
    np.testing.assert_array_equal(marked(ax, "X"), [[3.0, 0.0]])


def test_points_far_out_become_arrows_with_their_value(ax):
    values = np.zeros(21)
    values[[4, 9]] = 500.0, -40.0
    acceptance(ELL, values, -BAND, BAND, ax)
    low, high = ax.get_ylim()
    assert (low, high) == pytest.approx((-high, 12.0 + 0.06 * 24.0))  # four times the band, and a margin
    np.testing.assert_allclose(marked(ax, "^"), [[4.0, 12.0]])
    np.testing.assert_allclose(marked(ax, "v"), [[9.0, -12.0]])
    assert [text.get_text() for text in ax.texts] == ["500", "-40"]


def test_points_that_passed_are_always_in_view(ax):
    values = np.where(ELL == 5, 100.0, 0.0)
    acceptance(ELL, values, -BAND, BAND, ax, failed=np.zeros(21, dtype=bool))
    assert ax.get_ylim()[1] > 100.0


@pytest.mark.parametrize("value", [0.0, 2.0])
def test_values_without_a_band_are_drawn(ax, value):
    nowhere = np.full(21, np.nan)
    points = acceptance(ELL, np.full(21, value), nowhere, nowhere, ax)
    assert len(points.get_xdata()) == 21
    assert not ax.collections
    low, high = ax.get_ylim()
    assert low < value < high


@pytest.mark.parametrize("value", [1e6, np.inf])
def test_without_a_band_arrows_are_what_is_far_from_all_that_passed(ax, value):
    nowhere, values = np.full(21, np.nan), np.where(ELL == 5, value, ELL % 2)
    acceptance(ELL, values, nowhere, nowhere, ax, failed=ELL == 5)
    np.testing.assert_array_equal(marked(ax, "^"), [[5.0, 4.0]])


def test_the_band_is_the_one_given_at_every_index(ax):
    low, high = -1.0 - ELL, 2.0 + ELL
    acceptance(ELL, np.zeros(21), low, high, ax)
    (band,) = ax.collections
    x, y = band.get_paths()[0].vertices.T
    for ell in (0, 7, 20):
        at = np.abs(x - (ell + 0.5)) < 1e-9
        assert {low[ell], high[ell]} <= set(y[at])


def test_all_indices_from_0_on_are_in_view_and_labels_do_not_crowd(ax):
    acceptance(np.arange(385), np.zeros(385), np.full(385, -1.0), np.ones(385), ax)
    assert ax.get_xlim() == pytest.approx((-0.6, 384.6))
    ticks = ax.get_xticks()
    assert ticks[0] == 0
    places = ax.transData.transform(np.stack([ticks, 0 * ticks], axis=1))[:, 0]
    assert (np.diff(places) > 0.055 * ax.bbox.width).all()
    assert ticks[-1] == 300


def test_arrays_of_different_lengths_or_none_are_refused(ax):
    with pytest.raises(ValueError, match=r"\(21,\), \(20,\), .*: give one value for each index"):
        acceptance(ELL, np.zeros(20), -BAND, BAND, ax)
    with pytest.raises(ValueError, match=r"\(0,\), .*: give one value for each index, at least one"):
        acceptance([], [], [], [], ax)


def test_a_panel_shows_what_failed_and_where(ax, report):
    report_panel(report, "mean", ax)
    assert "1 of 12 failed" in ax.get_title()
    arrows = np.concatenate([marked(ax, "X"), marked(ax, "^")])
    assert arrows[:, 0].tolist() == [7.0]
    assert ax.get_xlim() == pytest.approx((-0.6, 24.6))


def test_zeros_of_parity_are_not_hatched_but_what_is_untested_is(ax, report, odd):
    report_panel(report, "scatter", ax)
    assert not [patch for patch in ax.patches if patch.get_hatch()]
    # one pass with equal weights is too rough at the last multipoles of a steep spectrum
    steep = Spectrum((np.arange(25) + 1.0) ** -6)
    rough = validate(Ensemble(GaussianField(steep, 16), seed=1), steep, 60, estimator="anafast:0")
    other = Figure().add_subplot()
    report_panel(rough, "scatter", other)
    assert [patch for patch in other.patches if patch.get_hatch()]


def test_a_report_fills_four_axes(report):
    axes = Figure().subplots(2, 2).ravel()
    report_panels(report, axes)
    assert [ax.get_title().partition(":")[0] for ax in axes] == ["mean", "scatter", "correlation", "orders"]
    assert all(ax.get_xlabel() and "$" in ax.get_ylabel() for ax in axes)
    assert [ax.get_xlabel().split()[0] for ax in axes] == ["multipole", "multipole", "multipole", "order"]


def test_tests_that_a_single_map_does_not_have_leave_their_axes_empty(odd):
    one = validate(Ensemble(GaussianField(odd, 16), seed=1), odd, 1)
    axes = Figure().subplots(2, 2).ravel()
    report_panels(one, axes)
    assert [ax.axison for ax in axes] == [True, False, False, True]


def test_a_single_multipole_has_no_neighbour_to_correlate_with():
    dipole = Spectrum([0.0, 1.0])
    axes = Figure().subplots(2, 2).ravel()
    report_panels(validate(Ensemble(GaussianField(dipole, 2), seed=1), dipole, 20), axes)
    assert [ax.axison for ax in axes] == [True, True, False, True]


def test_a_panel_of_no_such_tests_is_refused(ax, report):
    with pytest.raises(ValueError, match="no panel draws the tests 'total': choose from mean, scatter"):
        report_panel(report, "total", ax)


@pytest.fixture(scope="module")
def bands():
    """Estimates right below ell = 16 and twice too large beyond."""
    rng = np.random.default_rng(1)
    dof = 2.0 * np.arange(30) + 1.0
    powers = rng.chisquare(dof, (100, 30)) / dof * np.where(np.arange(30) < 16, 1.0, 2.0)
    return interval_coverage(powers, np.ones(30), chi2_interval)


def test_coverage_stands_on_its_nominal_line_with_its_error(ax, bands):
    points = coverage_bars(bands, ax)
    assert [p.get_label() for p in points] == ["68 % intervals", "95 % intervals"]
    for row, level in enumerate((0.68, 0.95)):
        np.testing.assert_allclose(points[row].get_ydata(), bands.observed[row, :3])
        assert [level, level] in [list(line.get_ydata()) for line in ax.get_lines()]
        bars = ax.containers[row].lines[2][0].get_segments()
        np.testing.assert_allclose([np.ptp(bar[:, 1]) for bar in bars], 2 * bands.error[row])
    np.testing.assert_allclose(np.sort(marked(ax, "x")[:, 1]), np.sort(bands.observed[:, 3]))
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0-1", "2-5", "6-15", "16-29"]
    assert ax.get_xlabel() == r"multipoles $\ell$"


def test_coverage_of_every_panel_is_in_view_of_a_shared_axis(bands):
    rng = np.random.default_rng(2)
    fine = coverage(rng.normal(size=(100, 40)), rng.normal(size=(199, 40)))
    left, right = Figure().subplots(1, 2, sharey=True)
    coverage_bars(bands, left)
    coverage_bars(fine, right)
    assert left.get_ylim()[0] < bands.observed.min()
    assert right.get_xlabel() == "component"
    assert len(right.get_xticks()) < 16


def test_pyplot_axes_are_the_default(bands):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    coverage_bars(bands)
    assert pyplot.gca().get_ylabel() == "coverage"
    pyplot.close("all")
