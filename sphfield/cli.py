"""The command line: parses, calls, prints; every sub-command is one public function."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

__all__ = ["main"]

ACTIVATION = click.argument("activation")
DEPTH = click.option("-L", "--depth", default=1, show_default=True, help="Hidden layers.")
BIAS = click.option("--bias-var", default=0.0, show_default=True, help="Share of the variance in biases, [0, 1).")
DIM = click.option("--dim", default=2, show_default=True, help="d of the sphere S^d; maps are on S^2 only.")
SEED = click.option("--seed", default=0, show_default=True, help="Seed of the ensemble.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


class _Group(click.Group):
    """Bad input ends with one line and exit code 2, never with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (ValueError, TypeError) as error:
            click.echo(f"sphfield: {' '.join(str(error).split())}", err=True)
            ctx.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sphfield")
def main() -> None:
    """Random neural fields on the sphere: kernels, angular power spectra, HEALPix maps.

    ACTIVATION is a name of `sphfield list`, with parameters after colons (relu, leaky_relu:0.3, gaussian:2), or
    package.module:name for a function of your own.
    """
    sys.path.insert(0, "")  # modules in the working folder, as `python -m` finds them


@main.command("list")
@AS_JSON
def list_activations(as_json: bool) -> None:
    """List the catalogue of activations with their regimes."""
    from sphfield.networks import activations
    from sphfield.networks.names import activation
    from sphfield.networks.network import Network

    rows = []
    for name in sorted(activations.__all__, key=str.lower):
        network = Network(activation(name), 1)
        text = str(getattr(activations, name).__doc__).strip().splitlines()[0]
        slope = network.slope if network.slope < float("inf") else None
        rows.append({"name": name, "slope": slope, "regime": str(network.regime()), "summary": text})
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    click.echo(f"{'name':10} {'slope':>9}  {'regime':14} what it is")
    for row in rows:
        slope_text = "inf" if row["slope"] is None else f"{row['slope']:.6f}"
        click.echo(f"{row['name']:10} {slope_text:>9}  {row['regime']:14} {row['summary']}")


@main.command()
@ACTIVATION
@DEPTH
@BIAS
@click.option("--lmax", default=128, show_default=True, help="Last multipole.")
@DIM
@click.option(
    "--method",
    type=click.Choice(["auto", "contour", "series", "radial", "quadrature"]),
    default="auto",
    show_default=True,
    help="Route to C_ell.",
)
@click.option(
    "-o", "--output", type=click.Path(), help="File: .fits, .csv or .txt for numbers, .png .pdf .svg a figure."
)
@AS_JSON
def spectrum(
    activation: str, depth: int, bias_var: float, lmax: int, dim: int, method: str, output: str | None, as_json: bool
) -> None:
    """Angular power spectrum C_ell of a network, with its relative error."""
    from sphfield.provenance import describe

    s = _spectrum(activation, depth, bias_var, lmax, method, dim)
    if output is not None:
        from sphfield.exhibits.single import write_spectrum_file

        write_spectrum_file(output, s)
    if as_json:
        numbers = {name: _finite(getattr(s, name)) for name in ("cl", "log_cl", "error", "law")}
        click.echo(json.dumps({**describe(s), "tail": s.tail, "variance": s.variance, **numbers}))
    elif output is None:
        _print_spectrum(s)


@main.command()
@ACTIVATION
@click.option("--depths", default="1,5,20", show_default=True, help="Hidden layers; maps are drawn of the first three.")
@click.option("--lmax", default=512, show_default=True, help="Last multipole.")
@click.option("-o", "--output", type=click.Path(), help="Figure; JSON beside it.  [default: inspect-ACTIVATION.png]")
@AS_JSON
def inspect(activation: str, depths: str, lmax: int, output: str | None, as_json: bool) -> None:
    """Regime, kernel, spectra and maps of one activation: a screen, a figure and a JSON file."""
    from sphfield.exhibits.inspect import printed, write_inspection
    from sphfield.networks.names import activation as named

    path = output or f"inspect-{''.join(c if c.isalnum() else '-' for c in activation)}.png"
    facts = write_inspection(path, named(activation), _integers(depths), lmax=lmax)
    click.echo(json.dumps(facts) if as_json else f"{printed(facts)}\n\n  {path} and the same in JSON beside it")


@main.command()
@ACTIVATION
@click.option("--depths", default="1,2,3,5,10,20,40", show_default=True, help="Hidden layers, increasing.")
@BIAS
@DIM
@click.option(
    "--eta",
    "etas",
    multiple=True,
    type=float,
    default=(0.1, 0.01),
    show_default=True,
    help="Share of the variance that a support leaves out; repeatable.",
)
@click.option("--lmax", type=int, help="Last multipole.  [default: what each depth needs, at most 10000]")
@click.option("-o", "--output", type=click.Path(), help="Figure (.png, .pdf, .svg); JSON beside it.")
@AS_JSON
def law(
    activation: str,
    depths: str,
    bias_var: float,
    dim: int,
    etas: tuple[float, ...],
    lmax: int | None,
    output: str | None,
    as_json: bool,
) -> None:
    """Spectral law across depth: moments, effective supports, and what the limiting laws predict of them."""
    from sphfield.exhibits import law as exhibit
    from sphfield.networks.names import activation as named

    show = exhibit.LawAcrossDepth(named(activation), _integers(depths), dim, etas, lmax, bias_var)
    facts = exhibit.law(show) if output is None else exhibit.write_law(output, show)
    click.echo(json.dumps(facts) if as_json else exhibit.printed_law(facts))


@main.command("map")
@ACTIVATION
@DEPTH
@BIAS
@SEED
@click.option("--index", default=0, show_default=True, help="Which realisation of the ensemble.")
@click.option("--nside", default=64, show_default=True, help="HEALPix resolution, a power of two.")
@click.option("--lmax", type=int, help="Last multipole.  [default: 2 nside]")
@click.option(
    "-o", "--output", type=click.Path(), required=True, help="File: .fits for the map, .png .pdf .svg a figure."
)
@AS_JSON
def draw_map(
    activation: str,
    depth: int,
    bias_var: float,
    seed: int,
    index: int,
    nside: int,
    lmax: int | None,
    output: str,
    as_json: bool,
) -> None:
    """Draw one map of a network's field and write it."""
    from sphfield.ensembles.ensemble import Ensemble
    from sphfield.exhibits.single import write_map_file
    from sphfield.fields.gaussian import GaussianField
    from sphfield.fields.pixels import check_nside
    from sphfield.provenance import describe

    s = _spectrum(activation, depth, bias_var, 2 * check_nside(nside) if lmax is None else lmax)
    field = GaussianField(s, nside)
    recipe = {"sampler": field, "seed": seed, "index": index, "lmax": s.lmax, "nside": nside}
    title = f"{activation}, depth {depth}, seed {seed}, realisation {index}"
    write_map_file(output, Ensemble(field, seed)[index], recipe, title)
    if as_json:
        click.echo(json.dumps({"file": output, "share": float(s.law.sum()), **describe(recipe)}))
    else:
        click.echo(
            f"{output}: {activation}, depth {depth}, {100 * s.law.sum():.4g} % of the variance at ell <= {s.lmax}"
        )


@main.command()
@click.argument("activations", nargs=-1, metavar="[ACTIVATION]...")
@click.option("--depths", default="1,20,40,60,80", show_default=True, help="Hidden layers, one column each.")
@BIAS
@click.option("--seed", default=50, show_default=True, help="Seed; the same normals in every panel.")
@click.option("--lmax", default=767, show_default=True, help="Last multipole drawn.")
@click.option("--nside", default=64, show_default=True, help="Resolution of the FITS maps, a power of two.")
@click.option(
    "--scale",
    "scales",
    multiple=True,
    type=click.Choice(["standardised", "shared", "panel"]),
    default=("standardised", "shared"),
    show_default=True,
    help="Colour scales, a sheet each; repeatable.",
)
@click.option("--check", default=400, show_default=True, help="Maps in the Monte Carlo check of each row; 0 for none.")
@click.option("-o", "--output", type=click.Path(), default="gallery", show_default=True, help="Folder to write to.")
@AS_JSON
def gallery(
    activations: tuple[str, ...],
    depths: str,
    bias_var: float,
    seed: int,
    lmax: int,
    nside: int,
    scales: tuple[Any, ...],
    check: int,
    output: str,
    as_json: bool,
) -> None:
    """Write a gallery: maps across depth, their spectra, and a Monte Carlo check.

    Without ACTIVATION: one of each regime, gaussian:2, relu, tanh.
    """
    from sphfield.exhibits.exhibition import Exhibition
    from sphfield.exhibits.gallery import write_gallery
    from sphfield.networks.names import activation

    chosen = tuple(activation(name) for name in activations or ("gaussian:2", "relu", "tanh"))
    show = Exhibition(chosen, _integers(depths), seed, lmax=lmax, nside=nside, bias_var=bias_var)
    with _progress(quiet=as_json) as report:
        manifest = write_gallery(output, show, scales=scales, check=check, progress=report)
    if as_json:
        click.echo(json.dumps(manifest))
    else:
        names = [entry["file"] for entry in manifest["pictures"]]
        click.echo(f"{output}: {', '.join(names)}, {len(manifest['maps'])} FITS maps and manifest.json")


@main.command()
@click.argument("paper")
@click.option("-o", "--output", type=click.Path(), help="Folder to write to.  [default: reproduce-PAPER]")
@click.option("--nside", default=64, show_default=True, help="Finest maps that colour bars are compared with.")
@click.option("--lmax", default=767, show_default=True, help="Last multipole of maps and spectra.")
@AS_JSON
def reproduce(paper: str, output: str | None, nside: int, lmax: int, as_json: bool) -> None:
    """Draw the figures of PAPER (2405.09541) anew and check its numbers: exit code 1 if one does not agree."""
    from sphfield.exhibits.reproduce import printed_report
    from sphfield.exhibits.reproduce import reproduce as reproduced

    folder = output or f"reproduce-{paper}"
    with _progress(quiet=as_json) as report_step:
        report = reproduced(paper, folder, nside=nside, lmax=lmax, progress=report_step)
    if as_json:
        click.echo(json.dumps(report))
    else:
        names = [*(picture["file"] for picture in report["pictures"]), *report["tables"], "report.json"]
        click.echo(f"{printed_report(report)}\n{folder}: {', '.join(names)}")
    if not report["passed"]:
        click.get_current_context().exit(1)


def _spectrum(name: str, depth: int, bias_var: float, lmax: int, method: Any = "auto", dim: int = 2) -> Any:
    from sphfield.networks.kernels import NNGP
    from sphfield.networks.names import activation
    from sphfield.networks.network import Network
    from sphfield.spectra.angular import angular_spectrum

    return angular_spectrum(NNGP(Network(activation(name), depth, bias_var)), lmax, method=method, dim=dim)


def _print_spectrum(s: Any) -> None:
    click.echo(f"{'ell':>6} {'C_ell':>24} {'relative error':>15} {'law':>12}")
    for ell, (c, log, e, share) in enumerate(zip(s.cl, s.log_cl, s.error, s.law, strict=True)):
        value = _from_log(log) if c == 0.0 and log > float("-inf") else f"{c:.16e}"
        click.echo(f"{ell:6d} {value:>24} {e:15.1e} {share:12.4e}")
    click.echo(f"beyond ell = {s.lmax}: {s.tail:.4g} of the variance; by {s.method}")


def _from_log(log: float) -> str:
    # below the range of doubles
    exponent, fraction = divmod(log / math.log(10.0), 1.0)
    return f"{10.0**fraction:.10f}e{int(exponent):+d}"


def _finite(values: Any) -> list[float | None]:
    # JSON knows no infinity: null says that no digit is known, or, of a logarithm, that C_ell is 0
    return [float(x) if abs(x) < float("inf") else None for x in values]


def _integers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ValueError(f"--depths {text!r}: give integers with commas between, as in 1,20,40") from error


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str, int, int], object] | None]:
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    bar = Progress(*columns, console=Console(stderr=True))
    task = bar.add_task("", total=None)

    def report(what: str, done: int, total: int) -> None:
        bar.start()  # at the first step: what is refused before leaves no empty bar
        bar.update(task, description=what, completed=done, total=total)

    try:
        yield report
    finally:
        if bar.live.is_started:
            bar.stop()
