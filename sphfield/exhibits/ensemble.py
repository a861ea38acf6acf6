"""Many maps by their recipe in, a store of their statistics and a table of what is in it out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from typing import Any

from sphfield.ensembles.ensemble import Ensemble, Maps
from sphfield.ensembles.store import collect
from sphfield.exhibits.theory import theory as spectrum
from sphfield.fields.finite import FiniteNetwork
from sphfield.fields.gaussian import GaussianField
from sphfield.fields.pixels import check_nside
from sphfield.networks.names import imported
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Statistic

__all__ = ["collected", "printed_store", "recipe"]


def recipe(
    theory: str,
    nside: int,
    seed: int,
    *,
    band: int | None = None,
    bias_var: float = 0.0,
    finite: int | None = None,
    extra: Iterable[str] = (),
) -> tuple[Ensemble, dict[str, Statistic]]:
    """An ensemble of Gaussian fields, or of networks of width `finite`, and statistics: the power, and others by name.

    Raises
    ------
    ValueError
        If a name is unknown, two statistics are called the same, or `finite` is asked for of a theory without network.
    """
    nside = check_nside(nside)
    lmax = 3 * nside // 2 if band is None else band
    s = spectrum(theory, lmax, bias_var)
    statistics: dict[str, Statistic] = {"power": PowerSpectrum(s.lmax)}
    for name in extra:
        short = name.rpartition(":")[2]
        if short in statistics:
            raise ValueError(f"two statistics are called {short!r}: store them in two folders")
        statistics[short] = imported(name)
    if finite is None:
        return Ensemble(GaussianField(s, nside), seed), statistics
    network = getattr(s.kernel, "network", None)
    if network is None:
        raise ValueError(f"--finite {finite} needs the activation and depth of a network: give --theory as in relu:1")
    return Ensemble(FiniteNetwork(network, finite, nside), seed), statistics


def collected(  # noqa: PLR0913 as collect
    path: str,
    maps: Maps,
    statistics: Mapping[str, Statistic],
    size: int,
    *,
    executor: Executor | None = None,
    batch: int | None = None,
    part: tuple[int, int] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> dict[str, Any]:
    """`collect`, and facts about the store and this run of it, JSON-ready."""
    begin = time.perf_counter()
    store = collect(path, maps, statistics, size, executor=executor, batch=batch, part=part, progress=progress)
    seconds = time.perf_counter() - begin
    missing = len(store.missing)
    facts: dict[str, Any] = {
        "store": str(path),
        "size": store.size,
        "computed": store.computed,
        "seconds": seconds,
        "missing_batches": missing,
        "batch": store.batch,
        "statistics": {name: list(store.shape(name)) for name in store.statistics},
        "ensemble": store.ensemble_description,
    }
    return facts


def printed_store(facts: Mapping[str, Any]) -> str:
    """Two lines for a screen: what is in the store, and how fast this run was."""
    names = ", ".join(f"{name} {tuple(shape)}" for name, shape in facts["statistics"].items())
    state = f"{facts['missing_batches']} batches missing" if facts["missing_batches"] else "complete"
    lines = [f"{facts['store']}: {facts['size']} realisations, {state}: {names}"]
    if facts["computed"]:
        rate = facts["computed"] / facts["seconds"]
        lines.append(f"{facts['computed']} computed in {facts['seconds']:.1f} s, {rate:.3g} a second")
    else:
        lines.append("nothing to compute: all of them were there")
    return "\n".join(lines)
