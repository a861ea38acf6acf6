"""A published map: HEALPix's own spectrum of it comes out, and the difference to one pass is power beyond lmax."""

from __future__ import annotations

from pathlib import Path

import healpy
import numpy as np
import pytest

from sphfield.fields.transforms import synthesis
from sphfield.io import read_cl, read_map
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Array

FOLDER = Path(__file__).parents[2].parent / "shared" / "reference" / "healpix"
MAP = FOLDER / "healpy_wmap_band_iqumap_r9_7yr_W_v4_udgraded32.fits"
CL = FOLDER / "healpy_cl_wmap_band_iqumap_r9_7yr_W_v4_udgraded32_II_lmax64_rmmono_3iter_nomask.fits"

pytestmark = pytest.mark.skipif(not (MAP.is_file() and CL.is_file()), reason="the WMAP map is not beside the checkout")

LMAX = 64
ANAFAST = PowerSpectrum(LMAX, transforms=7, engine="healpy")


@pytest.fixture(scope="module")
def sky() -> Array:
    return np.asarray(healpy.remove_monopole(read_map(MAP)), dtype=np.float64)


@pytest.fixture(scope="module")
def published() -> Array:
    return np.asarray(healpy.read_cl(str(CL)), dtype=np.float64)


def test_the_healpy_engine_gives_the_published_spectrum(sky: Array, published: Array) -> None:
    # the Fortran program computed it in single precision: a unit in the last place is 1.2e-7, of a few roundings two
    ratio = ANAFAST(sky)[1:] / published[1:] - 1.0
    assert np.abs(ratio).max() < 3e-7
    assert np.median(np.abs(ratio)) < 1.2e-7


def test_one_pass_differs_by_what_lies_beyond_lmax(sky: Array) -> None:
    weighted = PowerSpectrum(LMAX)
    on_the_sky = np.abs(ANAFAST(sky)[1:] / weighted(sky)[1:] - 1.0)
    assert 1e-3 < on_the_sky.max() < 2e-2
    # the same sky cut at 1.5 nside, and analysed to there: both are right, one to its iterations, one to rounding
    cut = synthesis(PowerSpectrum(48).alm(sky), 32)
    truth = PowerSpectrum(48)(sky)
    assert np.abs(PowerSpectrum(48)(cut)[1:] / truth[1:] - 1.0).max() < 1e-11
    assert np.abs(PowerSpectrum(48, transforms=7, engine="healpy")(cut)[1:] / truth[1:] - 1.0).max() < 1e-4


def test_our_reader_takes_the_published_spectrum(published: Array) -> None:
    assert np.array_equal(read_cl(CL), published)
