"""Estimated power of maps of finite networks in, families of tests against the law at that width out."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from sphfield.ensembles.report import Family
from sphfield.fields.finite_laws import draw_power, mean_power_cumulants, power_covariance
from sphfield.fields.pixels import whole
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Array

__all__ = ["families", "hidden_layer"]

SHARES = {"mean": 0.6, "ranks": 0.1, "scatter": 0.12, "correlation": 0.1, "orders": 0.06, "maps": 0.02}  # of alpha
_REFERENCE = 4  # reference draws for each map tested: the comparison is a tenth coarser than with infinitely many
_SETTLED = 0.3  # skewness of a mean above which three cumulants do not give its tails
_SAME = 1e-9  # relative: two maps of different weights never agree to this in all their powers


def families(
    powers: Array, orders: Array | None, cl: Array, ell: NDArray[np.int64], alpha: float, spectrum: Spectrum, width: int
) -> tuple[Family, ...]:
    r"""Tests of maps of networks with one hidden layer of `width`; parameters otherwise as for a Gaussian field.

    The mean of N maps is compared with the three-parameter gamma law (Pearson's type III) that has its exact mean,
    variance and third cumulant, at the multipoles where its skewness is below 0.3; elsewhere a few rare neurons carry
    the power, and no number of maps that one draws shows its mean. Powers (ranks), their distances from the median
    (scatter) and the products of neighbouring multipoles (correlation) are compared by rank (Mann and Whitney) with a
    sample of the exact law, drawn in harmonic space with a fixed seed: no map and no transform is in it. `orders` are
    the differences between a map and itself turned at random, in units of the power of their ell: whatever the law,
    isotropy lets them have either sign alike, which Wilcoxon's test of signed ranks asks.

    Raises
    ------
    ValueError
        If the spectrum is not that of a network with one hidden layer, whose law at this width is known.
    """
    network, width = hidden_layer(spectrum), whole("width", width, 1)
    size, lmax = len(powers), int(ell[-1])
    k1, k2, k3 = (k[ell] for k in mean_power_cumulants(network, width, lmax))
    off = np.abs(cl / k1 - 1.0)
    if off.max() > 1e-6:
        raise ValueError(
            f"at ell = {ell[int(off.argmax())]} the spectrum is off by {off.max():.1e} from that of its network of one "
            "hidden layer, whose law is asked for: give angular_spectrum(NNGP(network), lmax)"
        )
    covariance = power_covariance(network, width, lmax)[np.ix_(ell, ell)]
    # a generator that is a function of the maps: their own normals are not drawn again, and no reference is a bad one
    rng = np.random.default_rng([zlib.crc32(powers.tobytes()), width])
    drawn = draw_power(network, width, lmax, rng, max(_REFERENCE * size, 1000))[:, ell]
    settled = k3 / k2**1.5 / np.sqrt(size) < _SETTLED
    mean, m1, m2, m3 = (k[settled] for k in (powers.mean(axis=0), k1, k2 / size, k3 / size**2))
    made = [_mean(mean, m1, m2, m3, ell[settled], alpha)]
    if size > 1:
        made += [_orders(orders)] if orders is not None else []
        made += [_ranks(powers, drawn, k1, ell), _scatter(powers, drawn, np.sqrt(k2), ell)]
        made.append(_copies(powers))
    if size > 3:
        made.append(_correlation(powers, drawn, covariance, ell))
    return tuple(made)


def hidden_layer(spectrum: Spectrum) -> Network:
    """The network whose kernel a spectrum has, if it has one hidden layer."""
    network: Any = getattr(spectrum.kernel, "network", None)
    if not isinstance(spectrum.kernel, NNGP) or not isinstance(network, Network) or network.depth != 1:
        raise ValueError(
            "width is for maps of networks with one hidden layer, whose law is known exactly: give the spectrum of "
            "NNGP(Network(activation, 1)), or leave width out"
        )
    return network


def _mean(mean: Array, k1: Array, k2: Array, k3: Array, ell: NDArray[np.int64], alpha: float) -> Family:
    pulls = (mean - k1) / np.sqrt(k2)
    shape = 4.0 / np.maximum(k3 / k2**1.5, 1e-6) ** 2  # of the gamma law with this skewness
    x = np.maximum(shape + np.sqrt(shape) * pulls, 0.0)
    level = alpha * SHARES["mean"] / max(ell.size, 1) / 2.0
    low, high = ((special.gammaincinv(shape, p) - shape) / np.sqrt(shape) for p in (level, 1.0 - level))
    pvalue = np.minimum(2.0 * np.minimum(special.gammainc(shape, x), special.gammaincc(shape, x)), 1.0)
    return Family("mean", "ell", ell, pulls, low, high, pvalue, SHARES["mean"], "standard errors off")


def _orders(differences: Array) -> Family:
    m = np.flatnonzero(np.any(differences != 0.0, axis=0))  # at m = 0 of ell = 0 there is nothing to share
    left = differences[:, m]
    p = stats.wilcoxon(left, axis=0).pvalue if m.size else np.ones(0)
    excess: Array = left.mean(axis=0) / np.maximum(left.std(axis=0, ddof=1), 1e-300) * np.sqrt(len(left))
    return _ranked("orders", "m", m, excess, p, "standard errors off")


def _ranks(powers: Array, drawn: Array, mean: Array, ell: NDArray[np.int64]) -> Family:
    p = stats.mannwhitneyu(powers, drawn, axis=0, method="asymptotic").pvalue
    middle: Array = np.median(powers, axis=0)
    return _ranked("ranks", "ell", ell, middle / mean, p, "of C_ell is the median")


def _scatter(powers: Array, drawn: Array, std: Array, ell: NDArray[np.int64]) -> Family:
    centre = np.median(drawn, axis=0)
    p = stats.mannwhitneyu(np.abs(powers - centre), np.abs(drawn - centre), axis=0, method="asymptotic").pvalue
    ratio: Array = powers.std(axis=0, ddof=1) / std
    return _ranked("scatter", "ell", ell, ratio, p, "of the expected scatter")


def _correlation(powers: Array, drawn: Array, covariance: Array, ell: NDArray[np.int64]) -> Family:
    # products of logarithms about their mean: large where neighbours go together, and no single map dominates
    logs = [np.log(np.maximum(x, 1e-300)) for x in (powers, drawn)]
    ours, theirs = ((x[:, 1:] - logs[1].mean(axis=0)[1:]) * (x - logs[1].mean(axis=0))[:, :-1] for x in logs)
    p = stats.mannwhitneyu(ours, theirs, axis=0, method="asymptotic").pvalue
    std: Array = np.sqrt(np.diag(covariance))
    expected = np.diag(covariance, 1) / (std[1:] * std[:-1])
    off = powers - powers.mean(axis=0)
    unit = off / np.sqrt(np.sum(off * off, axis=0))
    r = np.sum(unit[:, 1:] * unit[:, :-1], axis=0)
    return _ranked(
        "correlation", "ell", ell[:-1], r - expected, np.atleast_1d(p), "beyond that expected with the next ell tested"
    )


def _copies(powers: Array) -> Family:
    # equal but for a factor; neighbours when sorted by the ratio of two multipoles
    logs = np.log(np.maximum(powers, 1e-300))
    logs -= logs.mean(axis=1, keepdims=True)
    order = np.argsort(logs[:, 0])
    same = np.all(np.abs(np.diff(logs[order], axis=0)) <= _SAME, axis=1) & (powers.shape[1] > 1)
    where, found = np.array([int(order[np.argmax(same)])]), np.array([float(same.sum())])
    return _ranked("maps", "map", where, found, np.array([0.0 if same.any() else 1.0]), "pairs of equal maps")


def _ranked(name: str, index_name: str, index: NDArray[np.int64], value: Array, pvalue: Any, meaning: str) -> Family:
    unknown = np.full(index.size, np.nan)
    return Family(name, index_name, index, value, unknown, unknown, np.atleast_1d(pvalue), SHARES[name], meaning)
