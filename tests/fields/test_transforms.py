"""Synthesis: the harmonics themselves, and the two engines against each other; power, by ell and by m."""

from __future__ import annotations

import healpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import sph_harm_y

from sphfield.fields.gaussian import synalm
from sphfield.fields.pixels import check_lmax, pixel_centres
from sphfield.fields.transforms import Engine, adjoint, alm2cl, evaluate, power_per_order, synthesis
from sphfield.typing import ComplexArray

ENGINES: tuple[Engine, Engine] = ("ducc0", "healpy")
WHITE, STEEP = (lambda ell: 1.0 + 0.0 * ell), (lambda ell: (1.0 + ell) ** -5)


def draw(spectrum: object, lmax: int, seed: int = 0) -> ComplexArray:
    return synalm(spectrum(np.arange(lmax + 1.0)), np.random.default_rng(seed))  # type: ignore[operator]


@pytest.mark.parametrize("engine", ENGINES)
@given(lm=st.integers(0, 12).flatmap(lambda ell: st.tuples(st.just(ell), st.integers(0, ell))), phase=st.floats(0, 6.2))
def test_one_coefficient_makes_one_spherical_harmonic(engine: Engine, lm: tuple[int, int], phase: float) -> None:
    ell, m = lm
    a = np.exp(1j * phase) if m else 1.0
    alm = np.zeros(91, dtype=complex)
    alm[healpy.Alm.getidx(12, ell, m)] = a
    x, y, z = pixel_centres(8).T
    harmonic = a * sph_harm_y(ell, m, np.arccos(z), np.arctan2(y, x))
    # 1e-13: a few dozen steps of the Legendre recursion, and arccos next to the poles
    assert np.abs(synthesis(alm, 8, engine=engine) - (2 if m else 1) * harmonic.real).max() < 1e-13


@pytest.mark.parametrize("spectrum", [WHITE, STEEP])
@pytest.mark.parametrize(("nside", "lmax"), [(1, 2), (16, 47), (64, 128)])
def test_engines_make_the_same_map(spectrum: object, nside: int, lmax: int) -> None:
    alm = draw(spectrum, lmax)
    ours, theirs = (synthesis(alm, nside, engine=engine) for engine in ENGINES)
    assert np.abs(ours - theirs).max() < 1e-10 * ours.std()


def test_threads_do_not_change_a_byte() -> None:
    alm = draw(STEEP, 128)
    one, two = (synthesis(alm, 64, nthreads=n) for n in (1, 2))
    assert one.tobytes() == two.tobytes()


def test_the_healpy_engine_is_healpy_to_the_letter() -> None:
    alm = draw(STEEP, 64)
    assert np.array_equal(synthesis(alm, 32, engine="healpy"), healpy.alm2map(alm, 32, pol=False))


def test_the_adjoint_is_the_adjoint() -> None:
    # <S a, m> over pixels is <a, S* m> over coefficients, m < 0 included
    alm, m = draw(WHITE, 20), np.random.default_rng(1).standard_normal(12 * 8**2)
    products = (np.conj(alm) * adjoint(m, 8, 20)).real
    # 1e-13: rounding of 768 terms of size 1 to 10
    assert synthesis(alm, 8) @ m == pytest.approx(products[:21].sum() + 2 * products[21:].sum(), rel=1e-13)


def test_pixels_see_a_field_finer_than_they_are() -> None:
    # pixel centres of nside 4 are no centres of nside 8, but both lie on the sphere: compare at the harmonic itself
    alm = np.zeros(21 * 22 // 2, dtype=complex)
    alm[healpy.Alm.getidx(20, 20, 3)] = 1.0
    x, y, z = pixel_centres(4).T
    # 1e-12: as above, at ell = 20
    expected = 2 * sph_harm_y(20, 3, np.arccos(z), np.arctan2(y, x)).real
    assert np.abs(evaluate(alm, 4, 20) - expected).max() < 1e-12


def test_power_is_that_of_healpy() -> None:
    alm = draw(WHITE, 40)
    # sums of 2 ell + 1 positive terms
    assert np.allclose(alm2cl(alm), healpy.alm2cl(alm), rtol=1e-14, atol=0.0)


def test_power_by_ell_and_by_order_add_up_to_the_same() -> None:
    alm, weights = draw(WHITE, 40), np.random.default_rng(2).random(41)
    by_ell = (2 * np.arange(41) + 1) * alm2cl(alm) @ weights
    assert power_per_order(alm, weights).sum() == pytest.approx(by_ell, rel=1e-13)
    zonal = np.zeros_like(alm)
    zonal[:41] = 1.0
    assert not power_per_order(zonal, weights)[1:].any()


def test_inputs_are_left_alone() -> None:
    alm = draw(WHITE, 16)
    before = alm.copy()
    synthesis(alm, 16)
    assert np.array_equal(alm, before)


def test_an_lmax_that_nside_does_not_carry_is_refused() -> None:
    remedy = r"nside = 4 carries ell <= 11, a_lm has lmax = 12: use nside >= 8 or a smaller lmax"
    with pytest.raises(ValueError, match=remedy):
        synthesis(draw(WHITE, 12), 4)
    assert synthesis(draw(WHITE, 11), 4).shape == (192,)


@pytest.mark.parametrize("lmax", [3, 5, 6, 11, 12, 767, 768, 1000, 24574, 24575])
def test_the_nside_that_an_error_names_is_the_smallest_that_works(lmax: int) -> None:
    with pytest.raises(ValueError, match="carries ell <= 2, the transform has") as caught:
        check_lmax(lmax, 1)
    named = int(str(caught.value).split("use nside >= ")[1].split()[0])
    assert check_lmax(lmax, named) == lmax
    with pytest.raises(ValueError, match="carries"):
        check_lmax(lmax, named // 2)


def test_bad_arguments_are_named_with_their_remedy() -> None:
    with pytest.raises(ValueError, match="engine = 'libsharp' does not exist: use 'ducc0' or 'healpy'"):
        synthesis([1.0], 1, engine="libsharp")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nthreads = 0 is too small: give 1 or more"):
        synthesis([1.0], 1, nthreads=0)
