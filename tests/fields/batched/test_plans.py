"""A batch is its maps: as exact as textbook formulas in more digits, the adjoint the adjoint, and lanes apart."""

from __future__ import annotations

import threading
from typing import Any

import extended
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sphfield.fields import transforms
from sphfield.fields.batched import Precision, adjoint, available, from_lanes, plan, synthesis, to_lanes
from sphfield.fields.batched.plans import LANES
from sphfield.fields.transforms import alm2cl
from sphfield.fields.weights import pixel_weights
from sphfield.typing import Array, ComplexArray

PRECISIONS: tuple[Precision, Precision] = ("double", "single")
EPS = {"double": 2.0**-52, "single": 2.0**-23}
more_digits = pytest.mark.skipif(not extended.EXTENDED, reason="long double is double on this machine")


def white(count: int, lmax: int, mmax: int | None = None, seed: int = 0) -> ComplexArray:
    """Coefficients of real fields, E|a_lm|^2 = 2, shape (count, ncoef)."""
    mmax = lmax if mmax is None else mmax
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, count, (mmax + 1) * (2 * lmax + 2 - mmax) // 2))
    alms = x[0] + 1j * x[1]
    alms[:, : lmax + 1] = alms[:, : lmax + 1].real
    return alms


@st.composite
def grids(draw: Any) -> tuple[int, int, int]:
    """nside, lmax and mmax."""
    nside = 2 ** draw(st.integers(0, 5))
    lmax = draw(st.integers(0, 3 * nside - 1))
    return nside, lmax, draw(st.integers(0, lmax))


def test_it_runs_here() -> None:
    assert available() is None


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("nside", "lmax"), [(1, 2), (2, 0), (4, 11), (16, 47), (64, 100), (64, 191), (128, 200)])
def test_maps_and_sums_are_those_of_ducc0(precision: Precision, nside: int, lmax: int) -> None:
    alms, weights = white(LANES[precision] + 3, lmax), np.random.default_rng(1).random(12 * nside**2)
    maps = np.array([transforms.evaluate(alm, nside, lmax) for alm in alms])
    sums = np.array([transforms.adjoint(m * weights, nside, lmax) for m in maps])
    # ducc0's error next to the poles is about lmax^2 eps; our single precision has that of sums of lmax terms
    tolerance = {"double": 1e-15 * max(lmax, 4) ** 2, "single": 4e-7 * max(lmax, 4) ** 0.5}[precision]
    assert np.abs(synthesis(alms, nside, precision=precision) - maps).max() < tolerance * maps.std()
    found = adjoint(maps, lmax, weights=weights, precision=precision)
    assert np.abs(found - sums).max() < tolerance * sums.std()


@more_digits
@pytest.mark.parametrize(("nside", "lmax"), [(16, 47), (64, 128)])
def test_double_precision_is_as_exact_as_ducc0_on_every_ring(nside: int, lmax: int) -> None:
    ours, theirs, pixels = (np.zeros(4 * nside - 1) for _ in range(3))
    for seed in range(3):
        alms = white(1, lmax, seed=seed)
        exact = extended.synthesis(alms[0], nside, lmax)
        ours += extended.by_ring((synthesis(alms, nside)[0] - exact) ** 2, nside)
        theirs += extended.by_ring((transforms.evaluate(alms[0], nside, lmax) - exact) ** 2, nside)
        pixels += extended.by_ring(0.0 * exact + 1.0, nside)
    # one ring's error is a few numbers times another few's: neighbours say how large it is
    smooth = np.ones(9) / 9
    ratio = np.sqrt(np.convolve(ours, smooth, "valid") / np.convolve(theirs, smooth, "valid"))
    assert ratio.max() < 1.25
    assert ours.sum() < theirs.sum()
    assert (ours / pixels).max() < (theirs / pixels).max()
    if nside == 64:  # next to the poles -sin^2 is the better argument, and there must be room for x^2 to matter
        assert ours[:8].sum() < theirs[:8].sum() / 16


@more_digits
@pytest.mark.parametrize(("nside", "lmax"), [(16, 47), (64, 128)])
def test_the_double_adjoint_is_as_exact_as_ducc0_at_every_order(nside: int, lmax: int) -> None:
    maps = np.random.default_rng(2).standard_normal((1, 12 * nside**2))
    exact = extended.adjoint(maps[0], nside, lmax)
    ours, theirs = (
        np.abs(alm - exact).astype(float) ** 2
        for alm in (adjoint(maps, lmax)[0], transforms.adjoint(maps[0], nside, lmax))
    )
    m = np.repeat(np.arange(lmax + 1), np.arange(lmax + 1, 0, -1))
    groups = m * 8 // (lmax + 1)
    ratio = np.sqrt(np.bincount(groups, ours) / np.bincount(groups, theirs))
    assert ratio.max() < 1.25
    assert ours.sum() < theirs.sum()


@more_digits
@pytest.mark.parametrize("lmax", [64, 128, 191])
def test_single_precision_has_six_digits_on_every_ring(lmax: int) -> None:
    nside = 64
    alms = white(2, lmax)
    maps = synthesis(alms, nside, precision="single")
    for alm, m in zip(alms, maps, strict=True):
        exact = extended.synthesis(alm, nside, lmax)
        error = extended.by_ring((m - exact) ** 2, nside) / extended.by_ring(0.0 * exact + 1.0, nside)
        assert np.sqrt(error.max()) < 1e-6 * float(exact.std())  # the equator among them
        back = adjoint(exact[None].astype(np.float64), lmax, weights=pixel_weights(nside), precision="single")[0]
        weighted = transforms.adjoint(exact.astype(np.float64) * pixel_weights(nside), nside, lmax)
        assert np.abs(alm2cl(back) / alm2cl(weighted) - 1.0).max() < 3e-6


@pytest.mark.parametrize("precision", PRECISIONS)
@given(grid=grids(), count=st.integers(1, 17), seed=st.integers(0, 2**31))
@settings(max_examples=40)
def test_the_adjoint_is_the_adjoint(precision: Precision, grid: tuple[int, int, int], count: int, seed: int) -> None:
    # <Y a, w m> over pixels is <a, Y^T w m> over coefficients, those of m < 0 included
    nside, lmax, mmax = grid
    p = plan(nside, lmax, mmax, precision)
    count = min(count, p.lanes)
    rng = np.random.default_rng(seed)
    alms = white(count, lmax, mmax, seed)
    fields, weights = rng.standard_normal((count, p.npix)), rng.random(p.npix)
    alm, maps, workspace = p.coefficients(), p.maps(), p.workspace()
    to_lanes(alms, alm)
    p.synthesis(alm, maps, workspace)
    made = np.empty((count, p.npix))
    from_lanes(maps, made)
    to_lanes(fields, maps)
    p.adjoint(maps, alm, workspace, weights)
    sums = np.empty((count, p.ncoef), dtype=complex)
    from_lanes(alm, sums)
    twice = np.where(np.arange(p.ncoef) <= lmax, 1.0, 2.0)
    left, right = np.sum(made * weights * fields, axis=1), np.sum(twice * (np.conj(alms) * sums).real, axis=1)
    size = np.linalg.norm(made, axis=1) * np.linalg.norm(weights * fields, axis=1)
    # either side's error is that of sums of about lmax terms
    assert (np.abs(left - right) <= 8 * EPS[precision] * (lmax + 4) * size).all()


@pytest.mark.parametrize("precision", PRECISIONS)
@given(grid=grids())
@settings(max_examples=15)
def test_orders_beyond_mmax_are_orders_of_no_weight(precision: Precision, grid: tuple[int, int, int]) -> None:
    nside, lmax, mmax = grid
    some, full = plan(nside, lmax, mmax, precision), plan(nside, lmax, None, precision)
    few, many = white(some.lanes, lmax, mmax), np.zeros((some.lanes, full.ncoef), dtype=complex)
    many[:, : some.ncoef] = few
    made = []
    for p, alms in ((some, few), (full, many)):
        alm, maps = p.coefficients(), p.maps()
        to_lanes(alms, alm)
        p.synthesis(alm, maps, p.workspace())
        made.append(maps)
    assert np.array_equal(*made)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("nside", "lmax"), [(8, 20), (64, 128)])
def test_threads_do_not_change_a_byte(precision: Precision, nside: int, lmax: int) -> None:
    alms, weights = white(3, lmax), np.random.default_rng(3).random(12 * nside**2)
    one = synthesis(alms, nside, precision=precision)
    back = adjoint(one, lmax, weights=weights, precision=precision)
    for nthreads in (2, 3, 7):
        assert synthesis(alms, nside, precision=precision, nthreads=nthreads).tobytes() == one.tobytes()
        again = adjoint(one, lmax, weights=weights, precision=precision, nthreads=nthreads)
        assert again.tobytes() == back.tobytes()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_map_depends_neither_on_its_lane_nor_on_the_others(precision: Precision) -> None:
    lmax, nside, lanes = 70, 32, LANES[precision]
    alms = white(lanes, lmax)
    maps = synthesis(alms, nside, precision=precision)
    sums = adjoint(maps, lmax, precision=precision)
    for lane in range(lanes):
        alone = synthesis(alms[lane : lane + 1], nside, precision=precision)
        assert alone.tobytes() == maps[lane].tobytes()
        assert adjoint(alone, lmax, precision=precision).tobytes() == sums[lane].tobytes()
    assert synthesis(alms[::-1], nside, precision=precision)[::-1].tobytes() == maps.tobytes()
    wild = alms.copy()
    wild[1:] = np.nan
    assert synthesis(wild, nside, precision=precision)[0].tobytes() == maps[0].tobytes()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("share", [2, 4])
def test_fewer_lanes_make_the_same_maps(precision: Precision, share: int) -> None:
    full = plan(16, 40, precision=precision)
    part = plan(16, 40, precision=precision, lanes=full.lanes // share)
    made: list[Array] = []
    for p in (full, part):
        alm, maps = p.coefficients(), p.maps()
        to_lanes(white(full.lanes, 40)[: p.lanes], alm)
        p.synthesis(alm, maps, p.workspace())
        made.append(maps[:, : part.lanes])
    # 20: rounding in another order
    assert np.abs(made[0] - made[1]).max() < 20 * EPS[precision] * made[0].std()


def test_a_plan_serves_threads_at_the_same_time() -> None:
    p, alms = plan(32, 80), white(8, 80)
    expected = synthesis(alms, 32)
    made: dict[int, Array] = {}

    def work(i: int) -> None:
        alm, maps, workspace = p.coefficients(), p.maps(), p.workspace()
        to_lanes(alms, alm)
        for _ in range(3):
            p.synthesis(alm, maps, workspace)
        made[i] = maps

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(made[i].T, expected) for i in range(4))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_plan_tells_its_memory_and_half_the_lanes_take_half(precision: Precision) -> None:
    full = plan(64, 128, precision=precision)
    half = plan(64, 128, precision=precision, lanes=full.lanes // 2)
    assert full.nbytes == 2 * half.nbytes
    arrays = full.coefficients().nbytes + full.maps().nbytes
    share = full.workspace().threads[0]
    buffers = sum(b.nbytes for s in share for b in (*s.stage.buffers, *s.tables.coefficients) if not isinstance(b, int))
    assert arrays < full.nbytes
    assert abs(full.nbytes - arrays - buffers) < 2**21


def test_imaginary_parts_at_m_0_are_not_seen() -> None:
    alms = white(1, 12)
    odd = alms.copy()
    odd[0, :13] += 1j
    assert synthesis(odd, 8).tobytes() == synthesis(alms, 8).tobytes()
    assert not adjoint(synthesis(alms, 8), 12)[0, :13].imag.any()


def test_bad_arguments_are_named_with_their_remedy() -> None:
    with pytest.raises(ValueError, match="precision = 'half' does not exist: use 'double' or 'single'"):
        plan(4, 8, precision="half")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="mmax = 9 is larger than lmax = 8: use at most lmax"):
        plan(4, 8, 9)
    with pytest.raises(ValueError, match="nside = 4 carries ell <= 11, the transform has lmax = 12"):
        plan(4, 12)
    with pytest.raises(ValueError, match="lanes = 3 do not fit double precision: use 8, or half or a quarter"):
        plan(4, 8, lanes=3)
    p = plan(4, 8)
    alm, maps, workspace = p.coefficients(), p.maps(), p.workspace()
    with pytest.raises(
        ValueError, match=r"maps is float32 of shape \(192, 8\): give contiguous float64 of shape \(192, 8\)"
    ):
        p.synthesis(alm, maps.astype(np.float32), workspace)
    with pytest.raises(ValueError, match=r"alm is float64 of shape \(45, 8, 2\)"):
        p.synthesis(alm.swapaxes(1, 2), maps, workspace)
    with pytest.raises(ValueError, match=r"weights are float64 of shape \(3,\): give one for each pixel"):
        p.adjoint(maps, alm, workspace, np.ones(3))
    with pytest.raises(ValueError, match="nthreads = 0 is too small"):
        p.workspace(0)
