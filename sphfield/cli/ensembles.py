"""The commands for many maps: ensemble, export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from sphfield.cli.options import AS_JSON, BIAS, SEED, progress

__all__ = ["ensemble", "export"]


@click.command()
@click.argument("path", type=click.Path())
@click.option("--theory", required=True, help="activation:depth, as in relu:3, or a file of C_ell.")
@BIAS
@click.option("--finite", type=int, help="Draw networks of this width in place of the Gaussian field.")
@click.option("--nside", default=64, show_default=True, help="Resolution of the maps.")
@click.option("--band", type=int, help="Last multipole of the field and of its estimate.  [default: 1.5 nside]")
@click.option("--size", default=1000, show_default=True, help="Number of realisations; a larger one later goes on.")
@SEED
@click.option(
    "--statistic",
    "extra",
    multiple=True,
    help="package.module:name of a function map -> numbers, stored beside the power spectrum; repeatable.",
)
@click.option("--batch", type=int, help="Realisations a shard.  [default: 64, less if they are large]")
@click.option("--engine", default="auto", show_default=True, help="Who transforms: batched, ducc0, auto.")
@click.option("--single", is_flag=True, help="Single precision: faster, with fewer digits where C_ell is small.")
@click.option("--truncate", type=float, help="Leave out small scales up to this share of a map's scatter, as 1e-6.")
@click.option("--threads", type=int, help="Threads of this process.")
@click.option("--processes", type=int, help="Batches at once, in processes.")
@click.option("--dask", "address", help="local, or the address of a scheduler: batches are tasks there.")
@click.option("--part", help="I/N: every N-th batch only, for job I of N that do not know of each other.")
@AS_JSON
def ensemble(
    path: str,
    theory: str,
    bias_var: float,
    finite: int | None,
    nside: int,
    band: int | None,
    size: int,
    seed: int,
    extra: tuple[str, ...],
    batch: int | None,
    engine: Any,
    single: bool,
    truncate: float | None,
    threads: int | None,
    processes: int | None,
    address: str | None,
    part: str | None,
    as_json: bool,
) -> None:
    """Draw maps and store their estimated power, and other statistics, in the folder PATH (Zarr).

    What is there is kept: a run that was killed, or is to be larger, goes on with the same command.
    """
    from sphfield.exhibits import ensemble as exhibit

    maps, statistics = exhibit.recipe(
        theory, nside, seed, band=band, bias_var=bias_var, finite=finite, extra=extra, truncate=truncate
    )
    share = None if part is None else _part(part)
    precision = "single" if single else None
    how: dict[str, Any] = {"threads": 1 if threads is None else threads, "engine": engine, "precision": precision}
    with _executor(threads, processes, address) as executor, progress(quiet=as_json) as told:
        steps = None if told is None else lambda done, total: told("realisations", done, total)
        facts = exhibit.collected(
            path, maps, statistics, size, executor=executor, batch=batch, part=share, progress=steps, **how
        )
    click.echo(json.dumps(facts) if as_json else exhibit.printed_store(facts))


@click.command()
@click.argument("store", type=click.Path())
@click.argument("output", type=click.Path())
def export(store: str, output: str) -> None:
    """Write what is in the folder STORE to the file OUTPUT, in the format of its suffix.

    .fits, .fits.gz: a table a statistic, a row a realisation. .nc: netCDF with named axes, through memory. .csv: mean,
    scatter, error and quantiles of every component.
    """
    from sphfield.exhibits.ensemble import exported

    done = exported(store, output)
    click.echo(f"{output}: {done.size} realisations of {', '.join(done.statistics)}")


def _part(text: str) -> tuple[int, int]:
    i, slash, n = text.partition("/")
    if not (slash and i.isdecimal() and n.isdecimal()):
        raise ValueError(f"--part {text!r}: give I/N, as in 3/10")
    return int(i), int(n)


@contextmanager
def _executor(threads: int | None, processes: int | None, address: str | None) -> Iterator[Any]:
    options = {"--threads": threads, "--processes": processes, "--dask": address}
    chosen = [name for name, value in options.items() if value is not None]
    if len(chosen) > 1:
        raise ValueError(f"{' and '.join(chosen)}: choose one of them")
    if address is not None:
        with _dask(address) as client:
            yield client.get_executor()
    elif processes is not None:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        # a fork of a process with threads of its own may hang
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            yield pool
    else:
        yield None


@contextmanager
def _dask(address: str) -> Iterator[Any]:
    try:
        from dask.distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        raise ValueError('dask is not installed: python3 -m pip install "sphfield[scale]"') from error
    if address != "local":
        with Client(address, timeout=10) as client:  # type: ignore[no-untyped-call]
            yield client
        return
    # one thread a worker: two transforms in one process gain less than two processes
    cluster = LocalCluster(threads_per_worker=1, dashboard_address=":0")  # type: ignore[no-untyped-call]
    with cluster, Client(cluster) as client:  # type: ignore[no-untyped-call]
        yield client
