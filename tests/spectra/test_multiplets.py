import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sphfield.fields.pixels import pixel_centres
from sphfield.networks.activations import GELU, Hermite, ReLU, Tanh
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.gram import gram_spectrum
from sphfield.spectra.multiplets import multiplets, unevenness
from sphfield.spectra.rows import unit_rows
from sphfield.spectra.spectrum import Spectrum

GOLDEN = (1 + 5**0.5) / 2
ICOSAHEDRON = unit_rows(
    [np.roll([0.0, a, b * GOLDEN], shift) for shift in range(3) for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
)


CELLS_24 = np.array(
    [np.eye(4)[i] * a + np.eye(4)[j] * b for i in range(4) for j in range(i) for a in (-1, 1) for b in (-1, 1)]
)
CELLS_24 /= np.sqrt(2.0)


def of(kernel, points, lmax):
    return multiplets(kernel, points, angular_spectrum(kernel, lmax, dim=points.shape[1] - 1))


@pytest.mark.parametrize(("sigma", "depth"), [(ReLU(), 1), (Tanh(), 2), (GELU(), 3)], ids=repr)
def test_eigenvalues_on_healpix_nodes_are_those_of_the_sphere_to_the_derived_error(sigma, depth):
    kernel = NTK(Network(sigma, depth))
    m = of(kernel, pixel_centres(8), 8)
    assert [values.size for values in m.eigenvalues] == [2 * ell + 1 for ell in m.ell]
    assert all(
        low <= values[-1] and values[0] <= high
        for values, low, high in zip(m.eigenvalues, m.lower, m.upper, strict=True)
    )
    # the intervals are useful: 2 % wide at the quadrupole (or octupole), and they tell the first multiplets apart
    first = m.ell <= 3
    assert ((m.upper - m.lower)[first] < 0.1 * m.mu[first]).all()
    assert m.resolved[first].all()
    assert (np.abs(m.shift[first]) < 0.005).all()
    assert (m.spread[first] < 0.02).all()
    # every one is an eigenvalue, and none is used twice
    every = gram_spectrum(kernel, pixel_centres(8)).eigenvalues
    np.testing.assert_allclose(np.sort(np.concatenate(m.eigenvalues))[::-1], every[: (m.ell * 2 + 1).sum()], atol=1e-15)


def test_a_resolved_interval_holds_exactly_its_multiplet():
    kernel = NTK(Network(ReLU(), 3))
    m = of(kernel, pixel_centres(4), 8)
    every = gram_spectrum(kernel, pixel_centres(4)).eigenvalues
    assert m.resolved.any()
    assert not m.resolved.all()
    for i in np.flatnonzero(m.resolved):
        inside = (every >= m.lower[i]) & (every <= m.upper[i])
        np.testing.assert_allclose(every[inside], m.eigenvalues[i], rtol=1e-12)


def test_pixelisation_errors_fall_as_the_pixels_do():
    kernel = NTK(Network(Tanh(), 2))
    coarse, fine = (of(kernel, pixel_centres(nside), 3) for nside in (4, 8))
    # HEALPix nodes: errors of the mean of a polynomial go as nside^-2, see the sum of z^2 in test_gram. At degree ell
    # corrections are of relative order (ell / nside)^2, 0.56 here, times a coefficient that is measured below 0.15
    np.testing.assert_allclose(fine.spread / coarse.spread, 0.25, rtol=0.56 * 0.15)
    np.testing.assert_allclose(fine.uneven[1:] / coarse.uneven[1:], 0.25, rtol=0.56 * 0.15)


def test_the_dipole_on_healpix_nodes_is_uneven_by_the_closed_form():
    for nside in (1, 4, 8):
        # 3 times 1/3 less the mean of z^2, see test_gram
        assert unevenness(pixel_centres(nside), 1)[1] == pytest.approx((5 + nside**-2) / (54 * nside**2), rel=1e-12)


@pytest.mark.parametrize("points", [ICOSAHEDRON, CELLS_24], ids=["icosahedron", "24-cell"])
def test_a_design_is_even_up_to_half_its_strength(points):
    # both are 5-designs, on S^2 and S^3: products of harmonics of degree up to 2 have the right mean
    uneven = unevenness(points, 3)
    assert uneven[:3].max() < 1e-13
    assert uneven[3] >= 1  # 16 harmonics on 12 points, 30 on 24
    m = of(NTK(Network(Hermite(2), 1)), points, 2)  # u^2 + u (2 u), without a dipole
    assert m.ell.tolist() == [0, 2]
    assert m.spread.max() < 1e-13
    assert np.abs(m.shift).max() < 1e-13
    assert m.resolved.all()


@settings(max_examples=12)
@given(st.integers(2, 5), st.integers(60, 150), st.integers(0, 2**32), st.sampled_from([ReLU(), Tanh(), GELU()]))
def test_bounds_hold_for_any_points_on_any_sphere(dim, n, seed, sigma):
    points = unit_rows(np.random.default_rng(seed).standard_normal((n, dim + 1)))
    m = of(NTK(Network(sigma, 2)), points, 2 if dim > 3 else 3)
    for values, low, high in zip(m.eigenvalues, m.lower, m.upper, strict=True):
        assert low <= values[-1]
        assert values[0] <= high


def test_degrees_that_a_kernel_lacks_have_no_multiplet():
    m = of(NTK(Network(ReLU(), 1)), pixel_centres(8), 9)
    assert m.ell.tolist() == [0, 1, 2, 4, 6, 8]


def test_multiplets_follow_the_size_of_their_eigenvalue_not_the_degree():
    # the dipole is larger than the monopole, and the octupole than the quadrupole
    m = of(NTK(Network(GELU(), 1)), pixel_centres(4), 2)
    swapped = multiplets(
        lambda u: 0.1 + 0.5 * u + 0.1 * (1.5 * u**2 - 0.5) + 0.3 * (2.5 * u**3 - 1.5 * u),
        pixel_centres(4),
        Spectrum(4 * np.pi * np.array([0.1, 0.5 / 3, 0.1 / 5, 0.3 / 7])),
    )
    assert m.mu[0] != m.mu[1]
    assert [values.size for values in swapped.eigenvalues] == [1, 3, 5, 7]
    np.testing.assert_allclose(swapped.mean, swapped.mu, rtol=0.03)
    assert swapped.resolved.all()


def test_spheres_and_sizes_that_do_not_fit_are_refused():
    kernel = NTK(Network(ReLU(), 1))
    with pytest.raises(ValueError, match=r"points of 3 numbers lie on S\^2, the spectrum is of S\^3: use dim=2"):
        multiplets(kernel, pixel_centres(2), angular_spectrum(kernel, 3, dim=3))
    with pytest.raises(ValueError, match="12 points are fewer than the 16 harmonics up to lmax = 3"):
        multiplets(kernel, pixel_centres(1), angular_spectrum(kernel, 3))
    with pytest.raises(ValueError, match=r"unit_rows\(x\)"):
        multiplets(kernel, 2 * pixel_centres(1), angular_spectrum(kernel, 1))


def test_intervals_hold_on_points_that_do_not_see_some_harmonics():
    angle = np.linspace(0.0, 2 * np.pi, 20, endpoint=False)
    equator = np.stack([np.cos(angle), np.sin(angle), np.zeros(20)], axis=1)  # z vanishes there
    kernel = NTK(Network(ReLU(), 1))
    assert unevenness(equator, 1)[1] == pytest.approx(1.0)
    found = multiplets(kernel, equator, angular_spectrum(kernel, 1))
    for values, low, high in zip(found.eigenvalues, found.lower, found.upper, strict=True):
        assert (low <= values + 1e-12).all()
        assert (values <= high + 1e-12).all()
