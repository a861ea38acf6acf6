"""The tangent kernel of any network: its coefficients, its spectrum, its Gram matrix on data; facts and tables out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from sphfield.exhibits.exhibition import activation_label
from sphfield.exhibits.tangent_kernels import values_of
from sphfield.fields.pixels import check_nside, pixel_centres, whole
from sphfield.provenance import version
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.decay import Decay, decay, spectrum_decay
from sphfield.spectra.gram import GramSpectrum, gram_spectrum
from sphfield.spectra.kernel_series import DeepKernel
from sphfield.spectra.multiplets import Multiplets, multiplets
from sphfield.spectra.power_series import PowerSeries
from sphfield.spectra.rows import read_rows, unit_rows
from sphfield.spectra.spectrum import Spectrum
from sphfield.spectra.sphere import check_dim, log_area, log_multiplicity
from sphfield.typing import Array

__all__ = [
    "Coefficients",
    "OnData",
    "OnTheSphere",
    "chosen_rows",
    "coefficient_facts",
    "gram_facts",
    "healpix_nodes",
    "normal_rows",
    "spectrum_facts",
]

MOST_MULTIPLETS = 3072  # nodes whose multiplets are found in a minute


@dataclass(frozen=True)
class Coefficients:
    """Which kernel, and how many coefficients of its power series.

    Raises
    ------
    ValueError, TypeError
        If n is not a whole number, 1 or more.
    """

    kernel: DeepKernel
    n: int = 2000

    def __post_init__(self) -> None:
        whole("the number of coefficients", self.n, 1)

    @cached_property
    def series(self) -> PowerSeries:
        """The coefficients, as many as are right."""
        return self.kernel.series(self.n)

    @cached_property
    def law(self) -> Decay | None:
        """How they fall, None where they are too few."""
        try:
            return decay(self.series)
        except ValueError:
            return None


@dataclass(frozen=True)
class OnTheSphere:
    """Which kernel, and how far its spectrum on the sphere S^dim goes."""

    kernel: DeepKernel
    lmax: int = 128
    dim: int = 2

    def __post_init__(self) -> None:
        check_dim(self.dim)

    @cached_property
    def spectrum(self) -> Spectrum:
        """C_ell, knowing whose it is."""
        found = angular_spectrum(values_of(self.kernel), self.lmax, dim=self.dim)
        try:
            return replace(found, kernel=self.kernel.series(64))  # which knows the laws that it follows
        except ValueError:
            return found

    @cached_property
    def law(self) -> Decay | None:
        """How it falls, None where too few multipoles are known."""
        try:
            return spectrum_decay(self.spectrum)
        except ValueError:
            return None

    @property
    def mu(self) -> Array:
        """Eigenvalues C_ell / omega_d for the uniform probability measure, shape (lmax + 1,)."""
        return np.asarray(self.spectrum.cl * np.exp(-log_area(self.dim)))


@dataclass(frozen=True)
class OnData:
    """Which kernel, and on which data; `chosen_rows` makes them.

    Parameters
    ----------
    kernel
    x : array, shape (n, d)
        Unit rows.
    data
        What they are.
    nside
        Of HEALPix nodes, whose eigenvalues are grouped by degree as well.
    k
        How many eigenvalues; all if absent.
    """

    kernel: DeepKernel
    x: Array = field(repr=False)
    data: str = "data"
    nside: int | None = None
    k: int | None = None

    @cached_property
    def spectrum(self) -> GramSpectrum:
        """Eigenvalues of the Gram matrix with their bounds."""
        return gram_spectrum(values_of(self.kernel), self.x, self.k)

    @cached_property
    def multiplets(self) -> Multiplets | None:
        """Eigenvalues by degree, of HEALPix nodes, to ell = 2 nside; None for other data or too many nodes."""
        if self.nside is None or len(self.x) > MOST_MULTIPLETS:
            return None
        values = values_of(self.kernel)
        return multiplets(values, self.x, angular_spectrum(values, 2 * self.nside))


def chosen_rows(data: str | None, nside: int | None, n: int | None, dim: int = 3, seed: int = 0) -> tuple[Array, str]:
    """The rows of a file, the nodes of `nside`, or `n` random directions: whichever one is given, and what they are.

    Raises
    ------
    ValueError
        If none or more than one is.
    """
    if sum(x is not None for x in (data, nside, n)) != 1:
        raise ValueError("which data? give one of --data FILE, --healpix NSIDE and --random N")
    if data is not None:
        return read_rows(data), data
    return healpix_nodes(nside) if nside is not None else normal_rows(n or 0, dim, seed)


def healpix_nodes(nside: int) -> tuple[Array, str]:
    """The pixel centres as rows, and what they are."""
    return pixel_centres(check_nside(nside)), f"HEALPix nodes, nside {nside}"


def normal_rows(n: int, dim: int, seed: int) -> tuple[Array, str]:
    """`n` normal vectors of `dim` components as unit rows, uniform on their sphere, and what they are.

    Raises
    ------
    ValueError
        If n or dim is below 1.
    """
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((whole("the number of rows", n, 1), whole("dim", dim, 1)))
    return unit_rows(rows), f"{n} uniform directions in R^{dim}, seed {seed}"


def coefficient_facts(show: Coefficients) -> dict[str, Any]:
    """The coefficients of a kernel, and how they fall, as JSON-ready data.

    Returns
    -------
    dict
        What the network is; ``at_one`` Theta(1) and the ``rest`` of it that is left out; for every power
        ``log_coefficients`` (None: exactly 0), ``relative_errors`` and the ``percent`` of Theta(1) up to it; the
        ``decay`` as fitted and as expected, None where the coefficients are too few.

    Examples
    --------
    >>> from sphfield import ReLU
    >>> from sphfield.networks.initialisation import unit_variance
    >>> facts = coefficient_facts(Coefficients(DeepKernel(ReLU(), 1, unit_variance(ReLU())), 500))
    >>> facts["at_one"], [round(x, 3) for x in facts["percent"][:4]], round(facts["decay"]["power"], 3)
    (2.0, [15.915, 65.915, 89.789, 89.789], 1.5)
    """
    series = show.series
    facts = {**_network(show.kernel), "at_one": series.total, "asked": show.n, "known": series.size}
    facts |= {"rest": _number(series.rest), "parity": series.parity}
    facts["log_coefficients"] = _numbers(series.logs)
    facts["relative_errors"] = _numbers(series.error)
    facts["percent"] = (100.0 * np.cumsum(series.coefficients) / series.total).tolist()
    return {**facts, "decay": _law(show.law), "version": version()}


def spectrum_facts(show: OnTheSphere) -> dict[str, Any]:
    """The eigenvalues of a kernel on the sphere, and how they fall, as JSON-ready data.

    Returns
    -------
    dict
        What the network is; lists over ell of ``mu`` = C_ell / omega_d, the eigenvalue for the uniform probability
        measure, its ``multiplicity``, ``relative_errors`` (None: no digit is known) and the ``percent`` of Theta(1)
        up to it; ``method``; ``decay`` of C_ell.

    Examples
    --------
    >>> from sphfield import ReLU
    >>> from sphfield.networks.initialisation import unit_variance
    >>> facts = spectrum_facts(OnTheSphere(DeepKernel(ReLU(), 1, unit_variance(ReLU())), 4))
    >>> [round(x, 9) for x in facts["mu"]]  # 1/2, 1/3, 5/64, 0, 1/192
    [0.5, 0.333333333, 0.078125, 0.0, 0.005208333]
    """
    s = show.spectrum
    facts = {**_network(show.kernel), "dim": show.dim, "at_one": s.variance, "lmax": s.lmax, "method": s.method}
    facts["mu"] = show.mu.tolist()
    facts["multiplicity"] = np.exp(log_multiplicity(s.ell, show.dim)).round().tolist()
    facts["relative_errors"] = _numbers(s.error)
    facts["percent"] = (100.0 * np.cumsum(s.law)).tolist()
    return {**facts, "beyond_lmax": s.tail, "decay": _law(show.law), "version": version()}


def gram_facts(show: OnData, eps: float = 0.1) -> dict[str, Any]:
    """The Gram spectrum of a kernel on data, beside the data's own and its bounds, as JSON-ready data.

    Returns
    -------
    dict
        What the network and the data are; ``eigenvalues`` of K = k(X X^T) / n with ``lower`` and ``upper`` bounds of
        each; ``data_eigenvalues`` of X X^T / n; ``effective_rank`` of both and the ``share`` of the largest; the
        number of ``outliers`` above `eps` of the trace, None if all k are; ``bounds``, each with ``theorem``,
        ``quantity``, ``measured``, ``limit`` and ``holds``; of HEALPix nodes ``multiplets``: for every degree ``mu``,
        the ``shift`` and ``spread`` of the eigenvalues and the proven ``interval`` over mu, and whether it is
        ``resolved`` from the others.

    Examples
    --------
    >>> from sphfield import ReLU
    >>> from sphfield.networks.initialisation import unit_variance
    >>> facts = gram_facts(OnData(DeepKernel(ReLU(), 1, unit_variance(ReLU())), *healpix_nodes(2), nside=2))
    >>> round(facts["effective_rank"], 3), all(bound["holds"] for bound in facts["bounds"])
    (4.0, True)
    """
    s = show.spectrum
    facts = {**_network(show.kernel), "data": show.data, "rows": s.size, "columns": show.x.shape[1]}
    facts |= {"at_one": s.trace, "method": s.method, "share": s.share, "effective_rank": s.effective_rank}
    facts |= {"data_rank": s.data_rank, "data_effective_rank": s.data_effective_rank}
    facts["bounds"] = [{**asdict(bound), "holds": bool(bound.holds)} for bound in s.bounds(eps)]
    outliers = [int(bound.measured) for bound in s.bounds(eps) if bound.theorem == "Observation 4.2"]
    facts |= {"eps": eps, "outliers": outliers[0] if outliers else None}
    for name in ("eigenvalues", "lower", "upper"):
        facts[name] = getattr(s, name).tolist()
    facts |= {"data_eigenvalues": s.data.tolist(), "multiplets": _multiplets(show.multiplets), "version": version()}
    return facts


def _network(kernel: DeepKernel) -> dict[str, Any]:
    facts = {"activation": activation_label(kernel.activation), "depth": kernel.depth}
    facts |= {"kernel": "NTK" if kernel.tangent else "NNGP", "convention": kernel.convention}
    return {**facts, **asdict(kernel.initialisation), "variances": list(kernel.variances)}


def _law(law: Decay | None) -> dict[str, Any] | None:
    if law is None:
        return None
    found = {key: _number(value) if isinstance(value, float) else value for key, value in asdict(law).items()}
    found["expected"] = [{**asdict(e), "rate": _number(e.rate), "power": _number(e.power)} for e in law.expected]
    return found


def _multiplets(m: Multiplets | None) -> list[dict[str, Any]] | None:
    if m is None:
        return None
    rows = zip(m.ell, m.mu, m.shift, m.spread, m.lower / m.mu, m.upper / m.mu, m.resolved, strict=True)
    names = ("ell", "mu", "shift", "spread")
    return [
        {**{name: value.item() for name, value in zip(names, row, strict=False)}}
        | {"interval": [row[4].item() - 1.0, row[5].item() - 1.0], "resolved": bool(row[6])}
        for row in rows
    ]


def _number(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None


def _numbers(values: Array) -> list[float | None]:
    return [_number(float(x)) for x in values]
