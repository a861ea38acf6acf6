"""The stream of normals behind every Gaussian map, and the fields that come out."""

from __future__ import annotations

import pickle

import healpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.fields.gaussian import GaussianField, synalm
from sphfield.fields.pixels import pixel_centres
from sphfield.fields.transforms import alm2cl, synthesis
from sphfield.provenance import describe
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Array


class Stream:
    """A generator whose normals are known."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def standard_normal(self, size: int) -> Array:
        assert size == self.values.size
        return self.values


@pytest.mark.parametrize("lmax", [0, 1, 2, 63])
def test_given_the_same_normals_synalm_is_healpys(lmax: int) -> None:
    cl = np.random.default_rng(lmax).exponential(size=lmax + 1)
    np.random.seed(5)  # noqa: NPY002, what healpy draws from
    theirs = healpy.synalm(cl, lmax=lmax)
    np.random.seed(5)  # noqa: NPY002
    real, imag = np.random.standard_normal((2, theirs.size))  # noqa: NPY002, all real parts, then all imaginary parts
    stream = np.empty((lmax + 1) ** 2)
    for ell in range(lmax + 1):
        for m in range(ell + 1):
            i = healpy.Alm.getidx(lmax, ell, m)
            if m:
                stream[ell**2 + 2 * m - 1 : ell**2 + 2 * m + 1] = real[i], imag[i]
            else:
                stream[ell**2] = real[i]
    ours = synalm(cl, Stream(stream))  # type: ignore[arg-type]
    # two roundings on each side, of sqrt and of the product
    assert np.allclose(ours.real, theirs.real, rtol=1e-15, atol=0.0)
    assert np.allclose(ours.imag, theirs.imag, rtol=1e-15, atol=0.0)


def test_normals_are_used_multipole_by_multipole() -> None:
    alm = synalm([1.0, 4.0, 9.0], Stream(np.arange(9.0)))  # type: ignore[arg-type]
    half = np.sqrt(0.5)
    # in healpy's order: (0,0) (1,0) (2,0) (1,1) (2,1) (2,2)
    expected = [0.0, 2 * 1.0, 3 * 4.0, 2 * half * (2 + 3j), 3 * half * (5 + 6j), 3 * half * (7 + 8j)]
    assert np.allclose(alm, expected, rtol=1e-15, atol=0.0)


@given(st.integers(0, 40), st.integers(0, 2**32))
def test_power_at_each_multipole_is_the_chi_square_of_its_own_normals(lmax: int, seed: int) -> None:
    cl = np.random.default_rng(seed).exponential(size=lmax + 1)
    z = np.random.default_rng(seed).standard_normal((lmax + 1) ** 2)
    chi2 = np.add.reduceat(z**2, np.arange(lmax + 1) ** 2)
    # sums of at most 81 positive terms
    assert np.allclose(
        (2 * np.arange(lmax + 1) + 1) * alm2cl(synalm(cl, Stream(z))),  # type: ignore[arg-type]
        cl * chi2,
        rtol=1e-13,
        atol=0.0,
    )


def test_a_seed_shows_the_same_large_scales_at_every_lmax() -> None:
    small, large = (synalm((1.0 + np.arange(n)) ** -2, np.random.default_rng(3)) for n in (65, 257))
    for ell in range(65):
        m = np.arange(ell + 1)
        assert np.array_equal(small[healpy.Alm.getidx(64, ell, m)], large[healpy.Alm.getidx(256, ell, m)])


def test_a_seed_shows_the_same_sky_for_every_spectrum() -> None:
    cl = np.power(1.0 + np.arange(33), -3.0)
    white, red = synalm(np.ones(33), np.random.default_rng(1)), synalm(cl, np.random.default_rng(1))
    ell = healpy.Alm.getlm(32)[0]
    assert np.allclose(red, np.sqrt(cl)[ell] * white, rtol=1e-15, atol=0.0)


def test_a_multipole_without_power_stays_exactly_zero() -> None:
    alm = synalm([1.0, 0.0, 1.0, 0.0], np.random.default_rng(0))
    ell = healpy.Alm.getlm(3)[0]
    assert not alm[ell % 2 == 1].any()
    assert alm[ell % 2 == 0].all()


def test_maps_have_the_covariance_of_the_spectrum() -> None:
    # T(x) T(y) at 40 pairs of pixels, mean of 4000 maps. For Gaussian values its standard error is
    # sqrt((k(1)^2 + k(u)^2) / 4000); all 40 within 4.5 of it fails by chance once in 3700 seeds.
    cl = np.power(1.0 + np.arange(12), -2.0)
    spectrum, x = Spectrum(cl), pixel_centres(4)
    field, rng = GaussianField(spectrum, nside=4), np.random.default_rng(8)
    pixels = np.random.default_rng(0).integers(x.shape[0], size=(2, 40))
    u = np.sum(x[pixels[0]] * x[pixels[1]], axis=1)
    k = np.polynomial.legendre.legval(u, (2 * np.arange(12) + 1) * cl) / (4 * np.pi)
    maps = np.array([field(rng) for _ in range(4000)])
    mean = np.mean(maps[:, pixels[0]] * maps[:, pixels[1]], axis=0)
    assert np.abs((mean - k) / np.sqrt((spectrum.variance**2 + k**2) / 4000)).max() < 4.5


def test_a_field_is_the_synthesis_of_its_coefficients() -> None:
    field = GaussianField(Spectrum(np.power(1.0 + np.arange(33), -3.0)), nside=16)
    alm = field.alm(np.random.default_rng(4))
    assert np.array_equal(field(np.random.default_rng(4)), synthesis(alm, 16))
    other = GaussianField(field.spectrum, nside=16, engine="healpy")
    assert np.array_equal(other(np.random.default_rng(4)), synthesis(alm, 16, engine="healpy"))


def test_a_field_travels_to_another_process_and_can_be_named() -> None:
    field = GaussianField(Spectrum(np.array([1.0, 0.5])), nside=2)
    copy = pickle.loads(pickle.dumps(field))
    assert copy == field
    assert hash(copy) == hash(field)
    assert np.array_equal(copy(np.random.default_rng(0)), field(np.random.default_rng(0)))
    assert describe(field)["nside"] == 2
    assert describe(field) != describe(GaussianField(Spectrum(np.array([1.0, 0.6])), nside=2))


def test_a_spectrum_that_nside_does_not_carry_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"nside = 64 carries ell <= 191, the spectrum has lmax = 192: use nside >= 128 or a smaller lmax",
    ):
        GaussianField(Spectrum(np.ones(193)), nside=64)
    GaussianField(Spectrum(np.ones(192)), nside=64)


def test_bad_arguments_are_named_with_their_remedy() -> None:
    spectrum = Spectrum(np.array([1.0, 1.0]))
    with pytest.raises(TypeError, match=r"spectrum is a ndarray: give Spectrum\(cl\)"):
        GaussianField(np.ones(3), nside=4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nside = 12 is not a power of two"):
        GaussianField(spectrum, nside=12)
    with pytest.raises(ValueError, match="engine = 's2fft' does not exist"):
        GaussianField(spectrum, nside=4, engine="s2fft")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"rng = 42 is not a random generator: pass np\.random\.default_rng\(seed\)"):
        GaussianField(spectrum, nside=4)(42)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"C_ell is -1\.0 at ell = 1"):
        synalm([1.0, -1.0], np.random.default_rng(0))


def test_maps_are_drawn_on_the_sphere_in_three_dimensions_only():
    with pytest.raises(ValueError, match=r"the spectrum is one on S\^3: maps are drawn on S\^2"):
        GaussianField(Spectrum([1.0, 0.5], dim=3), nside=1)


def test_what_a_field_keeps_between_draws_does_not_travel_with_it() -> None:
    field = GaussianField(Spectrum(np.ones(25)), nside=16)
    fresh = len(pickle.dumps(field))
    m = field(np.random.default_rng(1))
    again = pickle.loads(pickle.dumps(field))
    assert len(pickle.dumps(field)) == fresh
    np.testing.assert_array_equal(again(np.random.default_rng(1)), m)
