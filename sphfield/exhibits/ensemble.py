"""Many maps by their recipe in, a store of their statistics, tables and files of what is in it out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from typing import Any

import numpy as np

from sphfield.ensembles.ensemble import Ensemble, Maps
from sphfield.ensembles.store import Store, collect
from sphfield.ensembles.store.labelled import labelled
from sphfield.exhibits.theory import theory as spectrum
from sphfield.fields.batches import Engines, Precision
from sphfield.fields.finite import FiniteNetwork
from sphfield.fields.gaussian import GaussianField
from sphfield.fields.pixels import check_nside
from sphfield.io import write_store
from sphfield.networks.names import imported
from sphfield.provenance import atomic_write, version
from sphfield.statistics.power import PowerSpectrum
from sphfield.typing import Statistic

__all__ = ["FORMATS", "collected", "exported", "printed_store", "recipe"]

FORMATS = (".fits", ".fits.gz", ".nc", ".csv")


def recipe(  # noqa: PLR0913 what the options of the command are
    theory: str,
    nside: int,
    seed: int,
    *,
    band: int | None = None,
    bias_var: float = 0.0,
    finite: int | None = None,
    extra: Iterable[str] = (),
    truncate: float | None = None,
) -> tuple[Ensemble, dict[str, Statistic]]:
    """An ensemble of Gaussian fields, or of networks of width `finite`, and statistics: the power, and others by name.

    With `truncate`, fields leave out small scales up to that share of their scatter; the power is that of what is left.

    Raises
    ------
    ValueError
        If a name is unknown, two statistics are called the same, or `finite` is asked for of a theory without network.
    """
    nside = check_nside(nside)
    lmax = 3 * nside // 2 if band is None else band
    s = spectrum(theory, lmax, bias_var)
    if truncate is not None:
        if finite is not None:
            raise ValueError(f"--truncate {truncate} is for Gaussian fields: networks have no multipoles to leave out")
        s = GaussianField(s, nside).truncated(truncate).spectrum
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
    threads: int = 1,
    engine: Engines = "auto",
    precision: Precision | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> dict[str, Any]:
    """`collect`, and facts about the store and this run of it, JSON-ready."""
    begin = time.perf_counter()
    how: dict[str, Any] = {"threads": threads, "engine": engine, "precision": precision}
    store = collect(path, maps, statistics, size, executor=executor, batch=batch, part=part, progress=progress, **how)
    seconds = time.perf_counter() - begin
    missing = len(store.missing) if part is None else store.unwritten  # others may be at work: not each reads all
    facts: dict[str, Any] = {
        "store": str(path),
        "size": store.size,
        "computed": store.computed,
        "seconds": seconds,
        "missing_batches": missing,
        "batch": store.batch,
        "statistics": {name: list(store.shape(name)) for name in store.statistics},
        "transforms": store.recipe.get("transforms"),
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
        lines.append(f"nothing to compute{'' if facts['missing_batches'] else ': all of them were there'}")
    return "\n".join(lines)


def exported(path: str, output: str) -> Store:
    """A complete store as another file, by the suffix; one that is there is replaced.

    ``.fits`` and ``.fits.gz`` hold all values, see `sphfield.io.write_store`, and so does ``.nc``, netCDF, which
    xarray writes as `labelled` describes it; ``.csv`` is a summary of every component of every statistic.

    Raises
    ------
    ValueError
        If the suffix is none of these; if there is no store, or something is missing in it; if the file cannot be
        written.
    """
    if not output.lower().endswith(FORMATS):
        raise ValueError(f"{output!r}: the suffix chooses the format; use one of {', '.join(FORMATS)}")
    store = Store(path)
    store.check_filled()
    if output.lower().endswith(".csv"):
        with atomic_write(output) as part:
            part.write_text(_summaries(store), encoding="utf-8")
    elif output.lower().endswith(".nc"):
        with atomic_write(output) as part:
            for name in store.statistics:  # to xarray a missing value is a NaN like any other
                for _ in store.batches(name):
                    pass
            labelled(store).to_netcdf(part)
    else:
        write_store(output, store, overwrite=True)
    return store


def _summaries(store: Store) -> str:
    levels = (0.16, 0.5, 0.84)
    made = json.dumps({"store": store.recipe, "size": store.size, "version": version()})
    names = ("statistic", "component", "mean", "std", "error", *(f"quantile_{level}" for level in levels))
    lines = [f"# {made}", ",".join(names)]
    for name in store.statistics:
        found = store.summary(name, levels)
        columns = (found.mean, found.std, found.error, *found.quantiles)
        for place in np.ndindex(store.shape(name)):
            numbers = ",".join(repr(float(column[place])) for column in columns)
            lines.append(f"{name},{' '.join(map(str, place))},{numbers}")
    return "\n".join(lines) + "\n"
