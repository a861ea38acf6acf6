import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from sphfield.figures import estimate_on_theory, pulls, spectrum, untested
from sphfield.spectra.spectrum import Spectrum

ELL = np.arange(41)
CL = (ELL + 1.0) ** -4


@pytest.fixture
def ax():
    return Figure().add_subplot()


def test_the_curve_is_variance_per_unit_logarithm(ax):
    s = Spectrum(CL, tail=0.1)
    x, y = spectrum(s, ax).get_data()
    # integrated over ln(ell) it is the variance beyond the monopole
    assert (y / x).sum() == pytest.approx(0.9 - s.law[0], rel=1e-12)
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.get_xlabel() == r"$\ell$"
    assert r"C_\ell" in ax.get_ylabel()


def test_zeros_of_parity_make_no_spikes(ax):
    x, y = spectrum(Spectrum(np.where(ELL % 2, CL, 0.0)), ax).get_data()
    assert np.array_equal(x, np.arange(1, 41, 2))
    assert (y > 0).all()


def test_the_curve_is_broken_where_no_digit_is_known(ax):
    error = np.where((ELL > 10) & (ELL < 15), np.inf, 0.0)
    x, y = spectrum(Spectrum(CL, error), ax).get_data()
    assert np.array_equal(x[np.isnan(y)], [11, 12, 13, 14])


def test_a_spectrum_without_a_known_multipole_is_refused(ax):
    with pytest.raises(ValueError, match=r"none of the multipoles 1 \.\.\. 40 is known and positive"):
        spectrum(Spectrum(CL, np.full(41, np.inf)), ax)
    with pytest.raises(ValueError, match="nothing to draw"):
        spectrum(Spectrum([1.0, 0.0]), ax)


def test_properties_of_the_line_are_the_callers(ax):
    assert spectrum(Spectrum(CL), ax, color="red", label="ReLU").get_label() == "ReLU"


def band(collection, ell):
    """Lower and upper end of a band at one multipole."""
    x, y = collection.get_paths()[0].vertices.T
    return y[x == ell].min(), y[x == ell].max()


@pytest.mark.parametrize("ell", [2, 7, 40])
def test_the_bands_are_the_scatter_of_chi_square(ax, ell):
    count = 400
    estimate_on_theory(ELL, CL, CL, count, ax)
    height = ell * (2 * ell + 1) * CL[ell] / (4 * np.pi)
    for collection, maps in zip(ax.collections, (1, count), strict=True):
        # C_ell hat / C_ell of n maps is chi-square of n (2 ell + 1) degrees of freedom over their number
        freedom = maps * (2 * ell + 1)
        low, high = band(collection, ell)
        assert (high - low) / 2 / height == pytest.approx(stats.chi2(freedom).std() / freedom, rel=1e-12)
        assert (high + low) / 2 / height == pytest.approx(1.0)


def test_points_lie_on_the_curve_of_a_right_estimate(ax):
    points = estimate_on_theory(ELL, CL, CL, 10, ax)
    (curve,) = (line for line in ax.lines if line is not points)
    assert np.array_equal(points.get_xydata(), curve.get_xydata())
    assert points.get_xdata()[0] == 1
    assert len(ax.get_legend_handles_labels()[0]) == 4


def test_multipoles_without_power_are_not_drawn(ax):
    points = estimate_on_theory(ELL, np.where(ELL % 2, CL, 0.0), CL, 10, ax)
    assert np.array_equal(points.get_xdata(), np.arange(1, 41, 2))


def test_pulls_stand_on_bands_of_one_two_and_three(ax):
    values = np.linspace(-2, 6, 41)
    values[5:8] = np.nan
    drawn = pulls(ELL, values, ax).get_ydata()
    assert np.array_equal(drawn, values[1:], equal_nan=True)
    assert sorted(p.get_extents().transformed(ax.transData.inverted()).y1 for p in ax.patches) == pytest.approx(
        [1, 2, 3]
    )
    assert ax.get_ylim()[1] > 6


def test_pulls_of_nothing_tested_still_show_the_bands(ax):
    pulls(ELL, np.full(41, np.nan), ax)
    assert ax.get_ylim() == pytest.approx((-4.4, 4.4))


def test_each_untested_region_is_hatched_once(ax):
    ax.set_xscale("log")
    untested(ELL, (ELL >= 2) & (ELL != 10) & (ELL < 30), ax)
    spans = [(p.get_x(), p.get_x() + p.get_width()) for p in ax.patches]
    assert spans == [(0.5, 1.5), (9.5, 10.5), (29.5, 40.5)]
    assert all(p.get_hatch() for p in ax.patches)


def test_nothing_is_hatched_when_all_is_tested(ax):
    untested(ELL, ELL > 0, ax)
    assert not ax.patches


def test_arrays_of_different_lengths_are_refused(ax):
    with pytest.raises(ValueError, match=r"\(41,\), \(41,\), \(40,\): give one value per ell"):
        estimate_on_theory(ELL, CL, CL[1:], 10, ax)
    with pytest.raises(ValueError, match="one value per ell"):
        pulls(ELL, CL[1:], ax)


def test_a_mean_of_no_maps_is_refused(ax):
    with pytest.raises(ValueError, match="count = 0 maps"):
        estimate_on_theory(ELL, CL, CL, 0, ax)
