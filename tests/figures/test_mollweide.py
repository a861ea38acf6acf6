import healpy as hp
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from sphfield.figures import label_graticule, mollweide, project, raster, raster_alm


@pytest.fixture
def ax():
    return Figure(figsize=(6, 3), dpi=100).add_axes((0, 0, 1, 1))


def colour_at(ax, lon, lat):
    """RGB that is painted at a place of the sphere."""
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    x, y = ax.transData.transform(np.array(project(lon, lat), dtype=float))
    pixels = np.asarray(canvas.buffer_rgba())
    return pixels[pixels.shape[0] - 1 - int(y), int(x), :3].astype(int)


def disc(lon, lat, nside=32, radius=8.0):
    m = np.zeros(12 * nside**2)
    m[hp.query_disc(nside, hp.ang2vec(lon, lat, lonlat=True), np.radians(radius))] = 1.0
    return m


@pytest.mark.parametrize(("lon", "lat"), [(60, 30), (-100, -50), (150, 0), (20, 75)])
def test_a_marked_place_is_painted_where_it_lies(ax, lon, lat):
    mollweide(disc(lon, lat), ax)
    red, white = mpl.colormaps["RdBu_r"]([1.0, 0.5], bytes=True)[:, :3].astype(int)
    assert np.abs(colour_at(ax, lon, lat) - red).max() <= 2
    for elsewhere in ((-lon, lat), (lon, -lat or 70)):
        assert np.abs(colour_at(ax, *elsewhere) - white).max() <= 2


def test_outside_of_the_ellipse_nothing_is_painted(ax):
    ax.figure.set_facecolor("lime")
    mollweide(np.ones(12), ax)
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    corner = np.asarray(canvas.buffer_rgba())[5:30, 5:30, :3]
    assert (corner == [0, 255, 0]).all()


def test_pixels_without_a_value_are_grey_and_not_the_colour_of_zero(ax):
    m = np.where(disc(60, 30) == 1, hp.UNSEEN, 0.0)
    mollweide(m, ax)
    r, g, b = colour_at(ax, 60, 30)
    assert r == g == b == 191  # 0.75


def test_zero_is_the_middle_of_the_scale_unless_its_ends_are_given(ax):
    m = np.arange(12.0) - 4
    assert mollweide(m, ax).get_clim() == (-7, 7)
    assert mollweide(m, ax, vmin=-1).get_clim() == (-1, 7)
    assert mollweide(m, ax, vmin=0, vmax=3, cmap="viridis").get_clim() == (0, 3)
    assert mollweide(np.zeros(12), ax).get_clim() == (-1, 1)
    assert mollweide(np.full(12, np.nan), ax).get_clim() == (-1, 1)


def test_a_map_its_coefficients_and_its_raster_are_drawn_alike(ax):
    m = disc(60, 30)
    assert np.array_equal(mollweide(m, ax, width=60).get_array().filled(-9), np.nan_to_num(raster(m, 60), nan=-9))
    alm = hp.map2alm(m, lmax=20, iter=0)
    from_alm, from_raster = mollweide(alm, ax, width=60), mollweide(raster_alm(alm, 60), ax)
    assert np.array_equal(from_alm.get_array().filled(-9), from_raster.get_array().filled(-9))
    assert from_alm.get_array().shape == (30, 60)


def test_only_the_given_axes_are_touched(ax):
    before, style = plt.get_fignums(), dict(mpl.rcParams)
    other = ax.figure.add_axes((0, 0, 0.1, 0.1))
    mollweide(np.ones(12), ax, graticule=30)
    label_graticule(ax)
    assert plt.get_fignums() == before
    assert dict(mpl.rcParams) == style
    assert not other.images
    assert other.axison


def test_without_axes_the_current_ones_are_drawn_on():
    figure = plt.figure()
    try:
        image = mollweide(np.ones(12))
        assert image.axes is figure.gca()
    finally:
        plt.close(figure)


def lines(ax):
    return [c.get_segments() for c in ax.collections if isinstance(c, LineCollection)]


def test_graticule_lines_are_meridians_and_parallels(ax):
    mollweide(np.ones(12), ax)
    assert not lines(ax)
    mollweide(np.ones(12), ax, graticule=30)
    (segments,) = lines(ax)
    meridians, parallels = segments[:11], segments[11:]
    assert len(parallels) == 5
    for lon, line in zip(range(-150, 151, 30), meridians, strict=True):
        # on a meridian |x| / 2 = |lon| / 180 times the half width of the row
        assert np.allclose(line[:, 0], -lon / 90 * np.sqrt(1 - np.minimum(line[:, 1] ** 2, 1)), atol=1e-7)
    for lat, line in zip(range(-60, 61, 30), parallels, strict=True):
        assert np.allclose(line[:, 1], project(0, lat)[1], atol=1e-12)
        assert np.allclose(line[:, 0] ** 2 / 4 + line[:, 1] ** 2, 1, atol=1e-12)


def test_labels_stand_at_their_coordinates(ax):
    mollweide(np.ones(12), ax, graticule=30)
    places = {t.get_text(): t.get_position() for t in label_graticule(ax)}
    assert len(places) == 11 + 5 - 1  # 0 degrees twice
    assert [places["90°"][0], places["270°"][0]] == pytest.approx([-1, 1])
    assert places["+30°"][1] == pytest.approx(float(project(0, 30)[1])) == -places["-30°"][1]


@pytest.mark.parametrize("step", [0, -30, 91, np.nan])
def test_an_impossible_graticule_is_refused(ax, step):
    with pytest.raises(ValueError, match=r"graticule = .* give a step in \(0, 90\]"):
        mollweide(np.ones(12), ax, graticule=step)
    with pytest.raises(ValueError, match="graticule"):
        label_graticule(ax, step)
