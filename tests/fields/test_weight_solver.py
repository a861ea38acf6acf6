"""The solver: exact sums, HEALPix's own weights, the smallest correction there is, and the symmetries it builds on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import sph_harm_y

from sphfield.fields import weight_solver
from sphfield.fields.pixels import pixel_centres
from sphfield.fields.weight_files import shipped
from sphfield.fields.weight_solver import corrections, count, exact_ell, expand
from sphfield.fields.weights import weight_error
from sphfield.typing import Array


def equations(nside: int, lmax: int) -> tuple[Array, Array]:
    """Real Y_lm of all ell and m at all pixels, a row each, and what the sums over pixels shall be."""
    x, y, z = pixel_centres(nside).T
    ell, m = np.array([(ell, m) for ell in range(lmax + 1) for m in range(ell + 1)]).T[..., None]
    values = sph_harm_y(ell, m, np.arccos(z), np.arctan2(y, x))
    rows = np.concatenate([values.real, values.imag[m[:, 0] > 0]])
    return rows, np.where(np.arange(len(rows)) == 0, np.sqrt(4 * np.pi), 0.0)


# what scatters is the sum of 2e4 terms by ducc0: a few 1e-15; at nside = 8 terms are 400 times larger and cancel
@pytest.mark.parametrize(
    ("nside", "accuracy"), [(1, 5e-15), (2, 5e-15), (4, 5e-15), (8, 2e-12), (32, 2e-14), (128, 2e-14)]
)
def test_sums_are_integrals_up_to_three_nside_at_every_order(nside: int, accuracy: float) -> None:
    weights = expand(corrections(nside), nside)
    assert weight_error(weights, exact_ell(nside)) < accuracy
    assert weight_error(weights, 3 * nside + 2) > 1e-4  # no more is asked for
    assert weights.min() > 0
    assert weights.sum() == pytest.approx(4 * np.pi, rel=1e-14)


@pytest.mark.parametrize("nside", [1 << k for k in range(7)])
def test_solving_again_gives_what_is_shipped(nside: int) -> None:
    held = shipped(nside)
    assert held is not None
    assert np.abs(corrections(nside) - held).max() < 1e-12


def test_they_are_the_full_weights_that_healpix_publishes() -> None:
    path = Path(__file__).parents[3] / "shared" / "reference" / "healpix" / "healpix_weight_pixel_n00032.fits"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside this checkout")
    from astropy.io import fits

    published = fits.getdata(path, 1)["COMPRESSED PIXEL WEIGHTS"]
    # their sums err by 1e-14, 100 times ours, and that divided by the square root of an eigenvalue of 2e-5
    assert np.abs(corrections(32) - published).max() < 5e-12


def test_no_other_weights_that_are_exact_are_closer_to_equal() -> None:
    # all 625 equations in 768 unknowns, no symmetry put in, by singular values: these go down to 3e-3 of the largest
    rows, integrals = equations(8, 24)
    equal = 4 * np.pi / 768
    nearest = np.linalg.lstsq(rows, integrals - equal * rows.sum(axis=1), rcond=1e-9)[0]
    assert np.abs(expand(corrections(8), 8) / equal - 1 - nearest / equal).max() < 1e-9


@pytest.mark.parametrize("nside", [2, 4])
def test_no_positive_weights_are_exact_to_three_nside_at_two_and_four(nside: int) -> None:
    # the mean over the symmetries of positive exact weights would be positive and exact: symmetric ones tell for all
    rows, integrals = equations(nside, 3 * nside)
    groups = np.array([expand(unit, nside) - expand(0 * unit, nside) for unit in np.eye(count(nside))]) != 0
    symmetric, _, rank, _ = np.linalg.lstsq(rows @ groups.T, integrals, rcond=1e-12)
    left = np.abs(rows @ groups.T @ symmetric - integrals).max()
    if nside == 2:
        assert left > 1e-2
    else:
        assert left < 1e-10
        assert rank == count(nside)  # there is no other solution
        assert symmetric.min() < -30 * 4 * np.pi / 192


@pytest.mark.parametrize("nside", [1, 2, 4, 16])
def test_weights_differ_only_where_no_symmetry_joins_the_pixels(nside: int) -> None:
    numbers = np.arange(1.0, count(nside) + 1)
    weights = expand(numbers, nside)
    x, y, z = pixel_centres(nside).T
    turned = np.arctan2(y, x) % (np.pi / 2)
    orbits = np.round(np.stack([np.abs(z), np.minimum(turned, np.pi / 2 - turned) + 0.0], axis=1), 9)
    _, orbit = np.unique(orbits, axis=0, return_inverse=True)
    assert orbit.max() + 1 == count(nside)
    for number in range(count(nside)):
        assert np.unique(weights[orbit.ravel() == number]).size == 1
    assert np.unique(weights).size == count(nside)


def test_threads_do_not_change_a_byte() -> None:
    one, two = (corrections(64, nthreads) for nthreads in (1, 2))
    assert one.tobytes() == two.tobytes()


def test_progress_never_falls_and_ends_where_it_said() -> None:
    told: list[tuple[float, float]] = []
    corrections(16, progress=lambda done, total: told.append((done, total)))
    done, total = np.array(told).T
    assert (np.diff(done) >= 0).all()
    assert done[-1] == total[-1] == total[0]


def test_weights_that_are_not_found_are_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_solver, "_STEPS", 20)
    with pytest.raises(RuntimeError, match="no weights were found for nside = 64: the residual is [0-9]e-0[1-9]"):
        corrections(64)
