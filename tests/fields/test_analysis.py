"""Analysis: exact where the weights are, as accurate as it says beyond, and a warning where it is not."""

from __future__ import annotations

import healpy
import numpy as np
import pytest

from sphfield.fields.analysis import analysis
from sphfield.fields.gaussian import synalm
from sphfield.fields.pixels import UNSEEN
from sphfield.fields.transforms import Engine, alm2cl, synthesis
from sphfield.typing import Array, ComplexArray

ENGINES: tuple[Engine, Engine] = ("ducc0", "healpy")


def draw(slope: float, lmax: int, seed: int = 0) -> ComplexArray:
    return synalm(np.power(1.0 + np.arange(lmax + 1), -slope), np.random.default_rng(seed))


def worst(estimate: Array, alm: ComplexArray) -> float:
    """Largest relative error of the power at ell >= 1."""
    return float(np.abs(estimate / alm2cl(alm) - 1.0)[1:].max())


# fields that end at 1.5 nside, one pass
@pytest.mark.parametrize(("slope", "accuracy"), [(0, 1e-11), (3, 1e-11), (5, 1e-9)])
@pytest.mark.parametrize("nside", [1, 8, 16, 64])
def test_one_pass_is_exact_up_to_lmax_of_nside_and_a_half(nside: int, slope: float, accuracy: float) -> None:
    lmax = 3 * nside // 2
    for seed in range(3):
        alm = draw(slope, lmax, seed)
        assert worst(alm2cl(analysis(synthesis(alm, nside), lmax)), alm) < accuracy


@pytest.mark.parametrize("shift", [10, 40])
def test_what_is_exact_is_a_sum_of_two_band_limits(shift: int) -> None:
    # a map to 1.5 nside + shift analysed to 1.5 nside - shift; 1e-9 as above
    alm = draw(5, 96 + shift)
    power = alm2cl(analysis(synthesis(alm, 64), 96 - shift))
    assert np.abs(power / alm2cl(alm)[: 97 - shift] - 1.0).max() < 1e-9


@pytest.mark.parametrize("slope", [0, 5])
def test_iterations_gain_a_digit_each_up_to_two_nside(slope: float) -> None:
    alm = draw(slope, 128)
    m = synthesis(alm, 64)
    one, three, five = (worst(alm2cl(analysis(m, 128, transforms=n)), alm) for n in (1, 3, 5))
    assert one > 1e-5  # else there is nothing to gain
    assert three < one / 10
    assert five < three / 5


def test_engines_agree_where_both_are_converged() -> None:
    m = synthesis(draw(0, 48), 32)
    ours, theirs = analysis(m, 48), analysis(m, 48, transforms=21, engine="healpy")
    assert np.abs(ours - theirs).max() < 1e-11 * np.abs(ours).max()


def test_the_healpy_engine_is_healpy_to_the_letter() -> None:
    m = synthesis(draw(5, 64), 32)
    assert np.array_equal(analysis(m, 64, transforms=5, engine="healpy"), healpy.map2alm(m, 64, iter=2, pol=False))


@pytest.mark.parametrize("transforms", [1, 7])
def test_a_constant_map_has_a_monopole_and_nothing_else(transforms: int) -> None:
    alm = analysis(np.full(12 * 16**2, -2.5), 32, transforms=transforms)
    assert alm[0] == pytest.approx(-2.5 * np.sqrt(4 * np.pi), rel=1e-15)
    assert not alm[1:].any()


def test_a_large_monopole_does_not_leak() -> None:
    alm = draw(5, 48)
    alm[0] = 1e6
    m = synthesis(alm, 32)
    # the map holds its small scales to 1e-16 of the monopole: C_48 to 2e-16 1e6 / (1e-4.2 sqrt(npix)), some 1e-8
    assert worst(alm2cl(analysis(m, 48)), alm) < 1e-6
    assert worst(alm2cl(analysis(m, 48, transforms=7, engine="healpy")), alm) > 1.0


def test_analysis_of_a_real_map_has_real_a_l0() -> None:
    m = np.random.default_rng(0).standard_normal(12 * 8**2)
    assert not analysis(m, 16).imag[:17].any()


def test_threads_do_not_change_a_byte() -> None:
    m = synthesis(draw(5, 96), 64)
    assert analysis(m, 96, nthreads=1).tobytes() == analysis(m, 96, nthreads=2).tobytes()


def test_the_map_is_left_alone() -> None:
    m = synthesis(draw(0, 16), 16)
    kept = m.copy()
    analysis(m, 16, transforms=3)
    assert np.array_equal(m, kept)


def test_single_precision_and_big_endian_maps_are_analysed() -> None:
    m = synthesis(draw(0, 16), 16).astype(np.float32)
    assert np.array_equal(analysis(m, 16), analysis(m.astype(">f8"), 16))


@pytest.mark.parametrize(("engine", "transforms"), [("ducc0", 1), ("ducc0", 5), ("healpy", 7)])
def test_an_lmax_where_quadrature_fails_is_warned_of_with_the_error(engine: Engine, transforms: int) -> None:
    alm = draw(5, 191)
    m = synthesis(alm, 64)
    message = r"lmax = 191 is close to 3 nside = 192.*use lmax <= 96, or a finer map"
    with pytest.warns(UserWarning, match=message) as told:
        estimate = alm2cl(analysis(m, 191, transforms=transforms, engine=engine))
    named = (
        float(
            str(told[0].message)
            .split("wrong by up to ")[1]
            .split(" (measured at nside = 64)")[0]
            .split(", ")[2]
            .rstrip("%")
        )
        / 100
    )
    assert named > 0.1
    # of one map, where the warning has the worst of three: from map to map it differs by a factor of 20
    assert named / 100 < worst(estimate, alm) < 10 * named
    analysis(m, 128)  # warnings are errors here: 2 nside passes


def test_bad_arguments_are_named_with_their_remedy() -> None:
    m = np.ones(192)
    with pytest.raises(ValueError, match="engine = 'libsharp' does not exist: use 'ducc0' or 'healpy'"):
        analysis(m, 4, engine="libsharp")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nside = 4 carries ell <= 11, the analysis has lmax = 12: use nside >= 8"):
        analysis(m, 12)
    with pytest.raises(ValueError, match="transforms = 4 is even: one pass is 1, each iteration adds 2; use 3 or 5"):
        analysis(m, 4, transforms=4)
    with pytest.raises(TypeError, match="lmax = 'all' is not an integer"):
        analysis(m, "all")  # type: ignore[arg-type]
    m[:5] = UNSEEN
    with pytest.raises(ValueError, match="5 of 192 pixels are UNSEEN"):
        analysis(m, 4)
