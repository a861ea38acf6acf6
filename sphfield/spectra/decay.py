r"""How a power series or a spectrum falls: coefficients or C_ell in, a fitted law out, beside what theory says of it.

A law is :math:`\log b_p = \text{const} - \text{rate} \cdot p^s - \text{power} \cdot \log p`, with s = 0 for kinks, 1/2
for activations with singularities off the real axis (2/3 for their spectra), 1 for kernels with a singularity beyond u
= 1. The paper's bounds are Lemma 3.2 and Corollary 4.7 of Murray et al. (arXiv 2211.07844); the sharper laws are
derived, see docs/ntk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sphfield.networks.activations import Arctan, Erf, Gaussian, Sigmoid, SiLU, Softplus, Tanh
from sphfield.networks.continuation import branch_of
from sphfield.networks.hermite import dual_of
from sphfield.networks.initialisation import unit_variance
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.kernel_series import DeepKernel
from sphfield.spectra.power_series import PowerSeries
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Array

__all__ = ["Decay", "Law", "decay", "expected_decay", "spectrum_decay"]

_BENDS = {"power": 0.0, "root": 0.5, "two-thirds": 2.0 / 3.0, "geometric": 1.0}
_FEWEST = 24  # points of a fit
_MISFIT = 0.1  # of a logarithm; fits of laws that are there miss by less than a thousandth


@dataclass(frozen=True)
class Law:
    """exp(-rate p^s) p^-power, s by the family: 0 "power", 1/2 "root", 2/3 "two-thirds", 1 "geometric".

    `power` is NaN where it is not stated; `kind` says whether it is an "asymptotic" law or an upper "bound"; `source`
    where it is from.
    """

    family: str
    rate: float
    power: float
    kind: str
    source: str


@dataclass(frozen=True)
class Decay:
    """A law as fitted, from index `first` to `last`, and the `expected` ones.

    `parity` is 0 or 1 where only even or odd indices were fitted, since the others are absent or fall faster; `misfit`
    is the largest difference of logarithms between law and data. `family` is "polynomial" where there is an end,
    "entire" where the fall is faster than any geometric one; neither has a rate.
    """

    family: str
    rate: float
    power: float
    first: int
    last: int
    parity: int | None
    misfit: float
    expected: tuple[Law, ...] = ()


def decay(series: PowerSeries) -> Decay:
    """The law by which the coefficients of a series fall, from a fit of log b_p over the last three octaves.

    Beside the law itself, terms in p^(-1/2) and 1/p are fitted, and a constant for each parity.

    Raises
    ------
    ValueError
        If there are too few coefficients.

    Examples
    --------
    >>> from sphfield import ReLU
    >>> from sphfield.spectra.kernel_series import ntk_series
    >>> law = decay(ntk_series(ReLU(), 1, 1000))
    >>> law.family, round(law.power, 4), law.parity, law.expected[0].power
    ('power', 1.5, 0, 1.5)
    """
    expected = expected_decay(series.of) if isinstance(series.of, DeepKernel) else ()
    if series.rest == 0.0 or _entire(series):
        last = int(np.flatnonzero(np.isfinite(series.logs))[-1])
        family = "polynomial" if series.rest == 0.0 else "entire"
        return Decay(family, np.nan, np.nan, 0, last, series.parity, 0.0, expected)
    logs = np.where(series.error < 1e-6, series.logs, -np.inf)
    return _fitted(logs, np.arange(float(logs.size)), ("power", "root", "geometric"), expected)


def spectrum_decay(spectrum: Spectrum) -> Decay:
    """The law by which C_ell falls, as `decay`; with ell + (d - 1) / 2 in place of p, as far as three digits are known.

    Expected laws are there where the spectrum's kernel is `NNGP`, `NTK`, or a `PowerSeries` of a `DeepKernel`.

    Examples
    --------
    >>> from sphfield import NTK, Network, ReLU, angular_spectrum
    >>> law = spectrum_decay(angular_spectrum(NTK(Network(ReLU(), 1)), 400))
    >>> law.family, round(law.power, 4), law.parity, law.expected[0].power
    ('power', 3.0, 0, 3.0)
    """
    kernel = spectrum.kernel
    if isinstance(kernel, PowerSeries) and (kernel.rest == 0.0 or _entire(kernel)):
        return decay(kernel)
    of = _recipe(kernel)
    laws = () if of is None else expected_decay(of)
    expected = tuple(law for known in laws for law in _of_spectrum(known, spectrum.dim))
    logs = np.where(spectrum.error < 1e-3, spectrum.log_cl, -np.inf)
    x = spectrum.ell + 0.5 * (spectrum.dim - 1.0)
    return _fitted(logs, x, ("power", "two-thirds", "geometric"), expected)


def _recipe(kernel: Any) -> DeepKernel | None:
    of = kernel.of if isinstance(kernel, PowerSeries) else kernel
    if isinstance(of, NNGP | NTK):
        network = of.network
        init = unit_variance(network.activation, float(np.sqrt(network.gain)), float(np.sqrt(network.bias_var)))
        convention = of.convention if isinstance(of, NTK) else "exact"
        return DeepKernel(network.activation, network.depth, init, isinstance(of, NTK), convention)
    return of if isinstance(of, DeepKernel) else None


def _entire(series: PowerSeries) -> bool:
    of = series.of
    return isinstance(of, DeepKernel) and branch_of(Network(of.activation, max(1, of.depth))) == np.inf


def expected_decay(kernel: DeepKernel) -> tuple[Law, ...]:
    """What theory says of the coefficients of a kernel, the sharpest law first, then the paper's; () if none is known.

    Examples
    --------
    >>> from sphfield import Tanh
    >>> from sphfield.networks.initialisation import unit_variance
    >>> sharp, paper = expected_decay(DeepKernel(Tanh(), 1, unit_variance(Tanh())))
    >>> round(sharp.rate / np.pi, 9), round(paper.rate / np.pi, 9), paper.kind
    (1.0, 0.5, 'bound')
    """
    if kernel.depth == 0:
        return ()
    first = 1.0 if kernel.convention == "paper" else kernel.initialisation.gamma_w**2 / kernel.variances[0]
    shallow = kernel.depth == 1 and kernel.tangent
    network = Network(kernel.activation, kernel.depth)
    if network.cri < np.inf:
        source = "Lemma 3.2" if shallow and network.cri == 1.5 else "singularity at u = 1"
        return (Law("power", 0.0, network.cri + (0.0 if kernel.tangent else 1.0), "asymptotic", source),)
    distance = _distance(kernel.activation)
    if distance is not None:
        slopes = np.cumprod([first, *(layer.slope for layer in kernel.layers[:-1])])
        rates = 2.0 * distance / np.sqrt(np.array(kernel.variances[:-1]) * slopes)
        sharp = Law("root", float(rates.min()), np.nan, "asymptotic", "singularities off the real axis")
        paper = Law("root", 0.5 * np.pi, np.nan, "bound", "Lemma 3.2")
        stated = shallow and isinstance(kernel.activation, Tanh) and all(q == 1.0 for q in kernel.variances)
        return (sharp, paper) if stated else (sharp,)
    if any(q != 1.0 for q in kernel.variances) or dual_of(kernel.activation).degrees[0] == 0.0:
        return ()
    branch = branch_of(Network(kernel.activation, kernel.depth, kernel.initialisation.sigma_b**2))
    if branch is None or not 0.0 < branch < np.inf:
        return ()
    power = (1.5 if isinstance(kernel.activation, Erf) else 0.5) - (1.0 if kernel.tangent else 0.0)
    source = "Lemma 3.2" if shallow and isinstance(kernel.activation, Gaussian) else "singularity beyond u = 1"
    return (Law("geometric", float(np.log1p(branch / first)), power, "asymptotic", source),)


def _distance(activation: Any) -> float | None:
    """How far the nearest singularity of sigma is from the real axis, where it is known."""
    if isinstance(activation, Tanh):
        return 0.5 * np.pi
    if isinstance(activation, Sigmoid | SiLU | Softplus):
        return float(np.pi)
    return 1.0 if isinstance(activation, Arctan) or activation is np.arctan else None


def _of_spectrum(law: Law, dim: int) -> tuple[Law, ...]:
    """What a law of coefficients makes of C_ell on S^dim: the sharp one, and that of Corollary 4.7."""
    if law.kind == "bound":
        return (Law("root", law.rate, dim - 0.5, "bound", "Corollary 4.7"),)
    if law.family == "power":
        return (Law("power", 0.0, dim + 2.0 * law.power - 2.0, law.kind, "Corollary 4.7"),)
    if law.family == "root":
        # the largest of exp(-rate sqrt(p) - ell^2 / 2p) is at p = (ell^2 / rate)^(2/3)
        sharp = Law("two-thirds", 1.5 * law.rate ** (2.0 / 3.0), np.nan, law.kind, "saddle point")
        return sharp, Law("root", law.rate, dim - 0.5, "bound", "Corollary 4.7")
    # the ellipse through the singularity at u = exp(rate)
    sharp = Law("geometric", float(np.arccosh(np.exp(law.rate))), np.nan, law.kind, "ellipse of regularity")
    return sharp, Law("geometric", law.rate, dim - 1.0, "bound", "Corollary 4.7")


def _fitted(logs: Array, x: Array, families: tuple[str, ...], expected: tuple[Law, ...]) -> Decay:
    parity, index = _indices(logs)
    if index.size < _FEWEST:
        raise ValueError(f"{index.size} values in the last three octaves are too few for a law: give more than 100")
    bend = _bend(logs, x, index)
    if bend > 1.08:
        family, design = "entire", np.ones((index.size, 1))
        return Decay(family, np.nan, np.nan, int(index[0]), int(index[-1]), parity, 0.0, expected)
    family = min(families, key=lambda name: abs(_BENDS[name] - bend))
    at, s = x[index], _BENDS[family]
    columns = [np.log(at), np.ones(at.size), 1.0 / np.sqrt(at), 1.0 / at]
    if s:
        columns.append(at**s)
    if parity is None:
        columns.append((-1.0) ** index)
    design = np.stack(columns, axis=1)
    size = np.abs(design).max(axis=0)
    found = np.linalg.lstsq(design / size, logs[index], rcond=None)[0] / size
    misfit = float(np.abs(design @ found - logs[index]).max())
    rate = -float(found[4]) if s else 0.0
    if misfit > _MISFIT or rate < 0.0:
        raise ValueError(
            f"the last three octaves follow no law: {family} fits them to {misfit:.1e} with rate {rate:.3g}; "
            "give more terms"
        )
    return Decay(family, rate, -float(found[0]), int(index[0]), int(index[-1]), parity, misfit, expected)


def _indices(logs: Array) -> tuple[int | None, Any]:
    """The indices of the last three octaves, of one parity where the other is not there or is nothing beside it."""
    known = [np.flatnonzero(np.isfinite(logs[k::2])) * 2 + k for k in (0, 1)]
    last = max((int(own[-1]) for own in known if own.size), default=0)
    late = [own[own >= last // 8] for own in known]
    full = [own.size >= 0.9 * (last - last // 8) / 2 - 1 and own.size > 0 for own in late]
    if all(full):
        level = [float(np.median(logs[own[-8:]])) for own in late]
        if abs(level[0] - level[1]) < 7.0:  # a factor 1000
            return None, np.sort(np.concatenate(late))
        full = [level[0] > level[1], level[1] > level[0]]
    parity = 1 if full[1] else 0
    return parity, late[parity]


def _bend(logs: Array, x: Array, index: Any) -> float:
    # s of a fall like p^s, from a quarter, half and all of the way; of the parity of the last
    own = index[index % 2 == index[-1] % 2]
    quarter, half, whole = (own[np.argmin(np.abs(x[own] - share * x[own[-1]]))] for share in (0.25, 0.5, 1.0))
    before, after = logs[quarter] - logs[half], logs[half] - logs[whole]
    return float(np.log2(after / before)) if before > 0.0 and after > 0.0 else 0.0
