import numpy as np
import pytest
from matplotlib.figure import Figure

from sphfield.fields.pixels import pixel_centres
from sphfield.figures import ntk
from sphfield.networks.activations import Gaussian, ReLU, Tanh
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.decay import decay, spectrum_decay
from sphfield.spectra.kernel_series import ntk_series
from sphfield.spectra.multiplets import multiplets
from sphfield.spectra.power_series import PowerSeries


@pytest.fixture
def ax():
    return Figure().add_subplot()


def straight(line):
    """Largest deviation of a drawn line from a straight one, over its height."""
    x, y = line.get_data()
    x = np.log(x) if line.axes.get_xscale() == "log" else x
    return float(np.abs(np.polyval(np.polyfit(x, y, 1), x) - y).max() / np.ptp(y))


@pytest.mark.parametrize("sigma", [ReLU(), Tanh(), Gaussian(1.0)])
def test_coefficients_lie_on_their_law_which_is_nearly_straight(sigma, ax):
    series = ntk_series(sigma, 1, 1000)
    points = ntk.coefficients(series, ax, law=decay(series))
    fitted = next(line for line in ax.get_lines() if line.get_linestyle() == "--")
    # what is left is the power of p beside the exponential
    assert straight(fitted) < 0.02
    x, y = points.get_data()
    late = x > x[-1] / 3
    apart = np.interp(x[late], *fitted.get_data()) - y[late]
    # in decades: the next terms of the fit, of relative order p^(-1/2) at p > 110, are not drawn
    assert np.abs(apart).max() < 0.05


def test_absent_powers_are_passed_over_and_the_digits_are_those_of_the_series(ax):
    series = ntk_series(ReLU(), 1, 40)
    x, y = ntk.coefficients(series, ax).get_data()
    assert set(x[2:] % 2) == {0}
    np.testing.assert_allclose(10.0**y, series.coefficients[x.astype(int)], rtol=1e-12)


def test_coefficients_below_the_range_of_doubles_are_drawn(ax):
    series = ntk_series(Gaussian(1.0), 1, 3000)
    assert ntk.coefficients(series, ax, law=decay(series)).get_ydata()[-1] < -800
    assert len(ax.get_yticks()) <= 9


def test_a_constant_has_nothing_to_draw(ax):
    with pytest.raises(ValueError, match="nothing to draw against p"):
        ntk.coefficients(PowerSeries.from_coefficients([1.0]), ax)


def test_the_papers_bound_lies_above_the_coefficients(ax):
    series = ntk_series(Tanh(), 1, 1000)
    x, y = ntk.coefficients(series, ax, law=decay(series)).get_data()
    bound = next(line for line in ax.get_lines() if line.get_linestyle() == "-.")
    later = x > bound.get_xdata()[0] + 0.5
    assert (np.interp(x[later], *bound.get_data()) > y[later]).all()


@pytest.mark.parametrize(("sigma", "lmax"), [(ReLU(), 300), (Tanh(), 200), (Gaussian(1.0), 150)])
def test_multipoles_lie_on_their_law(sigma, lmax, ax):
    s = angular_spectrum(NTK(Network(sigma, 1)), lmax)
    x, y = ntk.multipoles(s, ax, law=spectrum_decay(s)).get_data()
    fitted = next(line for line in ax.get_lines() if line.get_linestyle() == "--")
    late = x > x[-1] / 3
    assert np.abs(np.interp(x[late], *fitted.get_data()) - y[late]).max() < 0.05
    assert straight(fitted) < 0.02


def test_what_is_missing_is_what_the_coefficients_lack(ax):
    series = ntk_series(ReLU(), 1, 200)
    ntk.missing_shares({"ReLU": series}, ax, last=10)
    drawn = next(line for line in ax.get_lines() if line.get_label() == "ReLU").get_ydata()
    exact = 100.0 * (2.0 - np.cumsum(series.coefficients)[:11]) / 2.0
    np.testing.assert_allclose(drawn, exact, rtol=1e-12)


def test_truncation_errors_end_at_rounding(ax):
    ntk.truncation_errors([-1.0, 0.0, 1.0], {"one": [0.1, 0.0, 1.0]}, ax, styles=[{"color": "red"}])
    (line,) = ax.get_lines()
    assert line.get_ydata().tolist() == [0.1, 1e-17, 1.0]
    assert (line.get_color(), line.get_label()) == ("red", "one")


def test_eigenvalues_fall_and_those_below_the_floor_are_left_out(ax):
    line = ntk.eigenvalue_decay([0.1, 1.0, 1e-20, 0.5], ax, floor=1e-15)
    assert line.get_ydata().tolist() == [1.0, 0.5, 0.1]
    assert line.get_xdata().tolist() == [1, 2, 3]


def test_bands_are_the_range_of_the_trials_each_over_its_largest(ax):
    ntk.gram_bands({"a": [[2.0, 1.0], [4.0, 1.0]]}, ax, colours={"a": "green"})
    (line,) = ax.get_lines()
    assert line.get_ydata().tolist() == [1.0, 0.375]
    corners = ax.collections[0].get_paths()[0].vertices
    assert {0.25, 0.5} <= set(corners[corners[:, 0] == 2.0, 1])


def test_multiplets_are_drawn_at_their_degrees_and_inside_their_intervals():
    theta = NTK(Network(ReLU(), 1))
    m = multiplets(theta, pixel_centres(4), angular_spectrum(theta, 8))
    levels, shifts = Figure().subplots(1, 2)
    ntk.multiplet_levels(m, levels)
    ntk.multiplet_shifts(m, shifts)
    dots = [line for line in levels.get_lines() if line.get_marker() == "."]
    assert [dot.get_xdata().size for dot in dots] == (2 * m.ell + 1).tolist()
    assert [round(float(dot.get_xdata().mean())) for dot in dots] == m.ell.tolist()
    dots = [line for line in shifts.get_lines() if line.get_marker() == "o"]
    for dot, band in zip(dots, shifts.collections, strict=True):
        low, high = band.get_paths()[0].vertices[:, 1].min(), band.get_paths()[0].vertices[:, 1].max()
        assert (low <= dot.get_ydata()).all()
        assert (dot.get_ydata() <= high).all()
    assert [dot.get_markerfacecolor() == "none" for dot in dots] == (~m.resolved).tolist()
