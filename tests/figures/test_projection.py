import healpy as hp
import numpy as np
import pytest
from healpy.projector import MollweideProj
from hypothesis import given
from hypothesis import strategies as st

from sphfield.figures.projection import project, raster, raster_alm

WIDTH = 200
NORM = np.sqrt((2 * np.arange(301) + 1) / (4 * np.pi))  # of Y_l0


def centres(width=WIDTH):
    """(x, y) of all pixel centres, and which lie inside the ellipse."""
    x, y = np.meshgrid((4 * np.arange(width) + 2) / width - 2, 1 - (4 * np.arange(width // 2) + 2) / width)
    return x, y, x**2 / 4 + y**2 < 1


def directions(width=WIDTH):
    """(theta, phi) of the pixel centres inside, by healpy's inverse of the projection."""
    x, y, inside = centres(width)
    return MollweideProj().xy2ang(x[inside], y[inside])


def index(ell, m, lmax):
    return m * (2 * lmax + 1 - m) // 2 + ell


def random_alm(lmax, rng, slope=-4.0):
    alm = rng.standard_normal((lmax + 1) * (lmax + 2) // 2) + 1j * rng.standard_normal((lmax + 1) * (lmax + 2) // 2)
    alm[: lmax + 1].imag = 0
    return hp.almxfl(alm, (np.arange(lmax + 1) + 1.0) ** (slope / 2))


@pytest.mark.parametrize("nside", [1, 6, 32])
def test_a_raster_shows_the_pixels_that_healpys_projection_points_at(nside):
    m = np.arange(12.0 * nside**2)
    _, _, inside = centres()
    drawn = raster(m, WIDTH)
    assert np.array_equal(drawn[inside], m[hp.ang2pix(nside, *directions())])
    assert np.isnan(drawn[~inside]).all()


def test_mollview_itself_is_the_same_picture_upside_down():
    # its outermost centres lie on the ellipse's box, ours half a pixel inside: by symmetry the middle columns differ
    # by less than a pixel, and a field as smooth as this one changes by 2 pi / WIDTH per pixel at most
    nside = 64
    m = np.array(hp.pix2vec(nside, np.arange(12 * nside**2)))[1] * 0.8 + 0.6 * np.cos(
        hp.pix2ang(nside, range(49152))[0]
    )
    theirs = MollweideProj(xsize=WIDTH).projmap(m, lambda x, y, z: hp.vec2pix(nside, x, y, z))[::-1]
    ours = raster(m, WIDTH)
    both = np.isfinite(ours) & np.isfinite(np.ma.filled(theirs, np.nan))
    assert np.abs(ours - np.ma.getdata(theirs))[both].max() < 4 * 2 * np.pi / WIDTH


def test_east_is_left_and_north_is_up():
    m = np.zeros(12 * 32**2)
    m[hp.query_disc(32, hp.ang2vec(60, 30, lonlat=True), np.radians(5))] = 1.0
    row, column = np.argwhere(raster(m, 100) == 1).mean(axis=0)
    x, y = project(60, 30)
    assert x < 0 < y
    # the centre of a disc of 5 degrees: to a pixel of the raster, 4 / 100
    assert 4 * (column + 0.5) / 100 - 2 == pytest.approx(x, abs=0.04)
    assert 1 - (row + 0.5) / 25 == pytest.approx(y, abs=0.04)


@given(st.floats(-1, 1), st.floats(-0.999999, 0.999999))
def test_projecting_undoes_the_inverse_projection(t, y):
    x = 2 * t * np.sqrt(1 - y**2) * (1 - 1e-9)
    lon, lat = MollweideProj().xy2ang(x, y, lonlat=True)
    # their latitude is arcsin(z), which loses half of the digits at the pole, where y moves like its power 2/3
    assert np.allclose(project(lon, lat), (x, y), atol=1e-9 if abs(y) < 0.99 else 1e-6)


@given(st.floats(-720, 720), st.floats(0, 90))
def test_the_projection_is_symmetric(lon, lat):
    x, y = project(lon, lat)
    assert np.array_equal(project(lon, -lat), (x, -y))
    assert x**2 / 4 + y**2 <= 1 + 1e-12
    assert np.allclose(project(-lon, lat), (-x, y), atol=1e-9) or abs(abs(lon) % 360 - 180) < 1e-6  # both limbs


def test_poles_are_points():
    assert np.allclose(project([0, 100, -170], [90, 90, -90]), [[0, 0, 0], [1, 1, -1]], atol=1e-12)


def test_pixels_have_equal_areas():
    # midpoint rule on a disc-like region: the error is that of the boundary pixels, perimeter / area of a pixel wide
    m = np.array(hp.pix2vec(64, np.arange(12 * 64**2)))
    for component in m:
        assert np.nanmean(raster(component**2, 400)) == pytest.approx(1 / 3, abs=5 / 400)


@given(st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_synthesis_on_rows_is_exact_in_latitude(ell, seed):
    lmax = 30
    alm = np.zeros((lmax + 1) * (lmax + 2) // 2, dtype=complex)
    alm[:ell] = np.random.default_rng(seed).uniform(-1, 1, ell)
    alm[ell] = 1.0  # more than 1/30 of the variance: nothing is cut
    theta, _ = directions(64)
    exact = np.polynomial.legendre.legval(np.cos(theta), alm[: lmax + 1].real * NORM[: lmax + 1])
    # zonal, so that displacement along a row is none; 31 values of order 1 are summed
    drawn = raster_alm(alm, 64)
    assert np.abs(drawn[np.isfinite(drawn)] - exact).max() < 1e-12


def test_values_are_the_fields_within_a_sixth_of_a_pixel():
    amplitude = np.sqrt(4 * np.pi / 3)
    alm = amplitude * np.array([0, 0, -1 / np.sqrt(2)])  # sin(theta) cos(phi)
    theta, phi = directions()
    _, y, inside = centres()
    pixel = 2 * np.pi / (WIDTH * np.sqrt(1 - y[inside] ** 2))  # of longitude
    off = np.abs(raster_alm(alm, WIDTH)[inside] - np.sin(theta) * np.cos(phi))
    assert (off <= np.sin(theta) * pixel / 6 + 1e-12).all()


def test_a_field_and_its_map_give_the_same_raster():
    alm = random_alm(64, np.random.default_rng(1))
    ours, theirs = raster_alm(alm, WIDTH), raster(hp.alm2map(alm, 256), WIDTH)
    inside = np.isfinite(ours)
    assert np.array_equal(inside, np.isfinite(theirs))
    # displaced by a sixth of 1.8 degrees at most: of a field with rms ell of 4, less than 1e-4 of the variance
    assert np.corrcoef(ours[inside], theirs[inside])[0, 1] > 0.9995


def test_multipoles_left_out_are_invisible():
    lmax = 300  # zonal, so that the cut is all that differs; std 1, and ell**-4 has more than 1e-5 only below ell = 40
    ell = np.arange(lmax + 1)
    amplitude = np.where(ell > 0, np.maximum(ell, 1.0) ** -2, 0.0)
    amplitude *= np.sqrt(4 * np.pi / (amplitude**2).sum())
    alm = np.zeros((lmax + 1) * (lmax + 2) // 2, dtype=complex)
    alm[: lmax + 1] = amplitude * np.random.default_rng(0).choice([-1, 1], lmax + 1)
    drawn = raster_alm(alm, 400)
    exact = np.polynomial.legendre.legval(np.cos(directions(400)[0]), alm[: lmax + 1].real * NORM)
    rms = np.sqrt(np.mean((drawn[np.isfinite(drawn)] - exact) ** 2))
    assert 1e-4 < rms < 1.2 * np.sqrt(1e-5)  # pixels have equal areas; 20 % for the midpoint rule at the poles


def test_a_large_mean_does_not_hide_the_field():
    alm = np.zeros(21 * 22 // 2, dtype=complex)
    alm[0], alm[index(20, 0, 20)] = 1e6, 1.0
    shown = raster_alm(alm, 400)
    # one harmonic of coefficient 1 has variance 1 / 4 pi; 2 % for the midpoint rule at the poles
    assert np.nanstd(shown) == pytest.approx(1 / np.sqrt(4 * np.pi), rel=0.02)


def test_pixels_without_a_value_are_nan():
    full = np.ones(12)
    for hole in (np.nan, hp.UNSEEN, np.float32(hp.UNSEEN)):
        m = full.copy()
        m[4] = hole  # longitude 0 on the equator
        assert np.isnan(raster(m, 100)[25, 50])
        assert np.array_equal(
            np.isnan(raster(m, 100)), np.isnan(raster(np.ma.array(full, mask=np.isnan(m) | (m < 0)), 100))
        )
    assert np.nansum(raster(full.astype(">f4"), 100)) == np.nansum(raster(full, 100)) > 0


def test_a_caller_may_write_into_its_raster():
    first = raster(np.ones(12), 40)
    first[:] = 7.0
    assert np.nanmax(raster(np.ones(12), 40)) == 1.0


@pytest.mark.parametrize("m", [np.ones(13), np.ones((2, 12)), np.ones(0), 1.0])
def test_what_is_not_one_map_is_refused(m):
    with pytest.raises(ValueError, match=r"of shape .* is not HEALPix: give a one-dimensional map of 12 nside"):
        raster(m)


@pytest.mark.parametrize("alm", [np.ones(4), np.ones((2, 3)), np.ones(0)])
def test_what_are_not_coefficients_is_refused(alm):
    with pytest.raises(ValueError, match="belong to no lmax"):
        raster_alm(alm)


def test_coefficients_in_place_of_a_map_are_refused():
    with pytest.raises(TypeError, match="give a_lm to raster_alm"):
        raster(np.ones(12, dtype=complex))


def test_a_field_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="ell = 2 are not finite"):
        raster_alm([1, 2, np.nan, 0, 0, 0])


@pytest.mark.parametrize("width", [99, 0, -2])
def test_an_impossible_width_is_refused(width):
    with pytest.raises(ValueError, match=f"width = {width} pixels: .* give an even number"):
        raster(np.ones(12), width)


@pytest.mark.parametrize("lat", [90.1, -91.0, np.nan])
def test_a_latitude_off_the_sphere_is_refused(lat):
    with pytest.raises(ValueError, match=f"latitude {lat} is outside"):
        project(0, lat)
