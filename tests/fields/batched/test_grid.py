"""The tables of the rings are HEALPix's, to the last digit that fits."""

from __future__ import annotations

from fractions import Fraction

import ducc0
import mpmath
import numpy as np
import pytest

from sphfield.fields.batched.fourier import groups_of
from sphfield.fields.batched.grid import FINE, rings_of


@pytest.mark.parametrize("nside", [1, 2, 16, 32])
def test_rings_are_those_of_ducc0(nside: int) -> None:
    rings, theirs = rings_of(nside, nside, nside), ducc0.healpix.Healpix_Base(nside, "RING").sht_info()
    north, south = slice(rings.padding, None), theirs["ringstart"][::-1][: 2 * nside - 1]
    # 1e-15: cos(theta) of a rounded theta
    assert np.allclose(rings.cosine[north], np.cos(theirs["theta"][: 2 * nside]), rtol=0.0, atol=1e-15)
    assert np.array_equal(rings.length[north], theirs["nphi"][: 2 * nside])
    assert np.array_equal(rings.north[north], theirs["ringstart"][: 2 * nside])
    assert np.array_equal(rings.south[north], [*south, -1])
    for m in (1, nside // 2, nside):
        coarse, fine = m // FINE, m % FINE
        turn = (rings.coarse_cosine + 1j * rings.coarse_sine)[coarse] * (rings.fine_cosine + 1j * rings.fine_sine)[fine]
        assert np.allclose(turn[north], np.exp(1j * m * theirs["phi0"][: 2 * nside]), rtol=0.0, atol=1e-13)


@pytest.mark.parametrize("nside", [2, 64])
def test_the_first_functions_are_exact_to_rounding(nside: int) -> None:
    rings, m = rings_of(nside, 3 * nside - 1, 3 * nside - 1), 3 * nside - 1
    with mpmath.workdps(40):
        for ring in (1, nside, 2 * nside):
            i = rings.padding + ring - 1
            q = Fraction(ring**2, 3 * nside**2)
            z = 1 - q if ring < nside else Fraction(2 * (2 * nside - ring), 3 * nside)
            log_sine = mpmath.log(mpmath.mpf((1 - z * z).numerator) / (1 - z * z).denominator, 2) / 2
            norm = mpmath.gamma(m + mpmath.mpf("0.5")) / mpmath.gamma(m + 1) / mpmath.sqrt(mpmath.pi)
            log_norm = mpmath.log((2 * m + 1) / (4 * mpmath.pi) * norm, 2) / 2
            high = rings.norm_high[m] + m * rings.sine_high[i]
            low = rings.norm_low[m] + m * rings.sine_low[i]
            assert high * 2**32 == round(high * 2**32)  # exact
            # a logarithm to 1e-16: rounding of the low part, which is below m 2^-33
            assert abs(log_norm + m * log_sine - high - low) < 1e-16
            sine = mpmath.sqrt(mpmath.mpf((1 - z * z).numerator) / (1 - z * z).denominator)
            assert abs(sine - rings.sine[i] - rings.sine_rest[i]) < 1e-30


@pytest.mark.parametrize("nside", [1, 4, 32, 64])
def test_every_pixel_is_in_one_piece_and_in_one_group(nside: int) -> None:
    pieces, groups = (np.zeros((12 * nside**2, 2)) for _ in range(2))
    for group in groups_of(rings_of(nside, 2 * nside, 2 * nside)):
        for piece in group.pieces:
            piece.view(pieces)[...] += 1.0
        groups[slice(*group.north)] += 1.0
        groups[slice(*group.south)] += 1.0
        covered = np.zeros_like(pieces)
        for piece in group.pieces:
            piece.view(covered)[...] = 1.0
        assert covered[slice(*group.north)].all()
        assert covered[slice(*group.south)].all()
    assert (pieces == 1.0).all()
    assert (groups == 1.0).all()
