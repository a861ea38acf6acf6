import numpy as np
import pytest
from matplotlib.figure import Figure

from sphfield.figures import law_map, moment_growth, regime_strip, ridgelines
from sphfield.spectra.spectrum import Spectrum

DEPTHS = (1, 2, 4)


def spectrum_of(law, tail=0.0):
    law = np.asarray(law, dtype=float)
    return Spectrum(4 * np.pi * law / (2 * np.arange(law.size) + 1), tail=tail)


SPECTRA = [spectrum_of([0.5, 0.3, 0.2]), spectrum_of(np.full(20, 0.05)), spectrum_of(np.full(40, 0.02), tail=0.2)]


@pytest.fixture
def ax():
    return Figure().add_subplot()


def test_the_brightness_is_the_share_of_the_variance(ax):
    mesh = law_map(DEPTHS, SPECTRA, ax)
    shares = mesh.get_array().reshape(-1, len(DEPTHS))
    edges = mesh.get_coordinates()[:, 0, 1]
    widths = np.diff(np.log1p(edges))[:, None]
    np.testing.assert_allclose((shares * widths).sum(axis=0), [1.0, 1.0, 0.8], rtol=1e-12)
    assert shares[0, 0] * widths[0, 0] == pytest.approx(0.5)  # ell = 0 has a bin of its own
    assert (edges % 1 == 0.5).all()


def test_the_lines_are_the_effective_supports_and_end_where_the_spectrum_does(ax):
    law_map(DEPTHS, SPECTRA, ax, etas=(0.1, 0.4), predicted={0.4: [1.0, 10.0, 30.0]})
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    np.testing.assert_array_equal(lines["90 % of the variance"], [2.0, 17.0, np.nan])
    np.testing.assert_array_equal(lines["60 % of the variance"], [s.effective_support(0.4) for s in SPECTRA])
    np.testing.assert_array_equal(lines["predicted by the limit law"], [1.0, 10.0, 30.0])


def test_a_single_depth_is_drawn(ax):
    assert law_map([3], SPECTRA[:1], ax).get_array().size > 0


def test_ridges_stand_in_the_order_of_depth_with_their_supports_marked(ax):
    ridgelines(DEPTHS, SPECTRA, ax, eta=0.1, predicted=[2.5, 17.5, 35.0])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["4", "2", "1"]
    dots = [line.get_xydata()[0] for line in ax.get_lines() if line.get_markersize() == 6]
    np.testing.assert_array_equal(dots, [[2, 2], [17, 1]])  # the deepest spectrum does not reach its support
    rings = [line.get_xydata()[0] for line in ax.get_lines() if line.get_markersize() == 10]
    np.testing.assert_array_equal(rings, [[2.5, 2], [17.5, 1], [35.0, 0]])


def test_moments_are_drawn_in_decades_and_infinite_ones_left_out(ax):
    logs = np.log(np.array([[1e3, 10.0], [1e6, np.inf], [1e9, np.inf]]))
    moment_growth(DEPTHS, logs, ax, predicted=logs, names=["first", "second"])
    first, theory, second, _ = (line.get_ydata() for line in ax.get_lines())
    np.testing.assert_allclose(first, [3.0, 6.0, 9.0])
    np.testing.assert_allclose(theory, first)
    np.testing.assert_array_equal(np.isnan(second), [False, True, True])
    assert all(text.get_text().startswith("$10^{") for text in ax.get_yticklabels())


def test_moments_far_beyond_the_range_of_doubles_are_drawn(ax):
    moment_growth([1000, 2000], np.array([[800.0], [-9000.0]]), ax)
    low, high = ax.get_ylim()
    assert low < -3900.0
    assert high > 340.0


def test_the_strip_is_sorted_by_slope_and_coloured_by_regime(ax):
    regime_strip(["a", "b", "c"], [np.inf, 0.5, 1.0], ["fractal", "low-disorder", "sparse"], ax)
    labels = ax.get_yticklabels()
    assert [text.get_text() for text in labels] == ["b", "c", "a"]
    assert len({text.get_color() for text in labels}) == 3
    arrows = [line for line in ax.get_lines() if line.get_marker() == ">"]
    assert len(arrows) == 1


@pytest.mark.parametrize("draw", [law_map, ridgelines])
def test_spectra_and_depths_must_pair(ax, draw):
    with pytest.raises(ValueError, match="3 spectra for 2 depths"):
        draw([1, 2], SPECTRA, ax)
