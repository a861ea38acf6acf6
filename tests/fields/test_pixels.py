"""What counts as a map, as a_lm, as nside; everything else is refused with its remedy."""

from __future__ import annotations

import healpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.fields.pixels import UNSEEN, as_alm, as_map, check_nside, lmax_of, nside_of, pixel_centres


@given(st.integers(0, 20_000))
def test_the_size_of_a_lm_tells_lmax(lmax: int) -> None:
    assert lmax_of((lmax + 1) * (lmax + 2) // 2) == lmax


@pytest.mark.parametrize("nside", [1 << k for k in range(14)])
def test_the_size_of_a_map_tells_nside(nside: int) -> None:
    assert nside_of(12 * nside**2) == check_nside(nside) == nside


@given(st.integers(0, 10**7))
def test_sizes_are_either_of_a_map_or_refused(size: int) -> None:
    if size in {12 * 4**k for k in range(14)}:
        assert 12 * nside_of(size) ** 2 == size
    else:
        with pytest.raises(ValueError, match=f"^{size} pixels are no full HEALPix map.* for example"):
            nside_of(size)


@pytest.mark.parametrize(("nside", "remedy"), [(100, 128), (3, 4), (16384, 8192), (48, 64)])
def test_nside_is_a_power_of_two(nside: int, remedy: int) -> None:
    with pytest.raises(ValueError, match=f"nside = {nside} is not a power of two.*use nside = {remedy}"):
        check_nside(nside)


def test_nside_is_a_positive_integer() -> None:
    with pytest.raises(ValueError, match="nside = 0 is too small: give 1 or more"):
        check_nside(0)
    with pytest.raises(TypeError, match=r"nside = 64\.0 is not an integer"):
        check_nside(64.0)


def test_pixel_centres_are_those_of_healpy() -> None:
    # each is a few roundings away from the exact centre
    exact = np.array(healpy.pix2vec(16, np.arange(12 * 16**2))).T
    assert np.abs(pixel_centres(16) - exact).max() < 8 * np.finfo(float).eps


def test_shared_pixel_centres_cannot_be_overwritten() -> None:
    with pytest.raises(ValueError, match="read-only"):
        pixel_centres(2)[0] = 0.0


@pytest.mark.parametrize("kind", [">f8", "<f4", ">f4", "<i4"])
def test_maps_of_every_number_type_become_native_float64(kind: str) -> None:
    m = as_map(np.arange(48).astype(kind))
    assert m.dtype == np.float64
    assert m.dtype.isnative
    assert np.array_equal(m, np.arange(48))


def test_a_column_of_a_table_of_maps_becomes_contiguous() -> None:
    assert as_map(np.ones((48, 3))[:, 1]).flags.c_contiguous


def test_unobserved_pixels_are_counted() -> None:
    m = np.zeros(48)
    m[3:10] = UNSEEN
    for values in (m, m.astype(np.float32), healpy.ma(m)):
        with pytest.raises(ValueError, match="7 of 48 pixels are UNSEEN or masked: fill them first"):
            as_map(values)


def test_masked_pixels_are_refused_whatever_hides_under_the_mask() -> None:
    with pytest.raises(ValueError, match="2 of 48 pixels are UNSEEN or masked"):
        as_map(np.ma.array(np.zeros(48), mask=np.arange(48) < 2))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_counted(bad: float) -> None:
    m = np.zeros(48)
    m[[5, 40]] = bad
    with pytest.raises(ValueError, match="2 of 48 pixels are NaN or infinite"):
        as_map(m)


def test_a_map_is_one_real_array() -> None:
    with pytest.raises(TypeError, match="the map is complex"):
        as_map(np.zeros(48, dtype=complex))
    with pytest.raises(ValueError, match=r"the map has shape \(2, 48\): give one map"):
        as_map(np.zeros((2, 48)))
    with pytest.raises(ValueError, match=r"50 pixels are no full HEALPix map.*48 at nside = 2"):
        as_map(np.zeros(50))


def test_a_lm_that_no_real_field_has_are_refused() -> None:
    with pytest.raises(ValueError, match=r"ell = 1, m = 0 is 1j: a real field has real a_l0"):
        as_alm([1.0, 1j, 0.0])
    with pytest.raises(ValueError, match="1 of 3 a_lm are NaN or infinite"):
        as_alm([1.0, np.nan, 0.0])
    with pytest.raises(ValueError, match=r"4 coefficients fit no lmax.*for example 6 at lmax = 2"):
        as_alm(np.zeros(4))
    with pytest.raises(ValueError, match=r"a_lm has shape \(2, 3\): give one field"):
        as_alm(np.zeros((2, 3)))


def test_rounding_in_the_imaginary_part_of_a_l0_is_forgiven() -> None:
    assert as_alm([1.0, 1.0 + 1e-14j, 0.0]).size == 3
