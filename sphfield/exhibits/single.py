"""One spectrum or one map on a sheet: Spectrum or map in, a file in the format of its suffix out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sphfield.exhibits.exhibition import activation_label
from sphfield.figures import colour_bar, mollweide, spectrum
from sphfield.figures.axes import Figure, sheet
from sphfield.io import write_cl, write_map
from sphfield.provenance import atomic_write, describe, version
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Array

__all__ = [
    "PICTURES",
    "WITH_NUMBERS",
    "save_figure",
    "writable_folder",
    "write_map_file",
    "write_spectrum_file",
    "write_with_numbers",
]

PICTURES = (".png", ".pdf", ".svg", ".webp")
WITH_NUMBERS = (".json", *PICTURES)
_KEYS = {".png": "Source", ".svg": "Source", ".pdf": "Subject"}


def write_spectrum_file(path: str | Path, s: Spectrum) -> None:
    """Write C_ell as FITS (.fits), as a table with the relative errors (.csv, .txt), or as a figure.

    Raises
    ------
    ValueError
        If the suffix is none of these, or the file cannot be written; if a spectrum on another sphere than S^2 is to
        be written as FITS, which in healpy's format has no place to say so.
    """
    if s.dim != 2 and Path(path).suffix == ".fits":
        raise ValueError(f"{path}: FITS files hold C_ell on S^2, this is a spectrum on S^{s.dim}: use .csv or .txt")

    def draw() -> Figure:
        figure = sheet(7.0, 4.5)
        ax = figure.add_subplot()
        spectrum(s, ax)
        network = getattr(s.kernel, "network", None)
        if network is not None:
            ax.set_title(f"{activation_label(network.activation)}, depth {network.depth}")
        return figure

    data: dict[str, Callable[[Path], None]] = {
        ".fits": lambda p: write_cl(p, s.cl, provenance={"spectrum": s, "lmax": s.lmax}),
        ".csv": lambda p: _write_table(p, s, ","),
        ".txt": lambda p: _write_table(p, s, " "),
    }
    _write(Path(path), data, draw, s)


def write_map_file(path: str | Path, m: Array, provenance: Mapping[str, Any], title: str) -> None:
    """Write a HEALPix map as FITS (.fits, .fits.gz) or as a Mollweide figure.

    Raises
    ------
    ValueError
        If the suffix is none of these, or the file cannot be written.
    """

    def draw() -> Figure:
        figure = sheet(8.0, 4.8)
        ax = figure.add_subplot()
        image = mollweide(m, ax, graticule=30)
        ax.set_title(title)
        colour_bar(image, ax, "$T$")
        return figure

    def data(p: Path) -> None:
        write_map(p, m, provenance=provenance)

    _write(Path(path), {".fits": data, ".gz": data}, draw, provenance)


def save_figure(path: Path, figure: Figure, recipe: Any, **metadata: str) -> None:
    """Save a figure whole or not at all, with what it was made of in its metadata."""
    if path.suffix.lower() not in PICTURES:
        raise ValueError(f"{str(path)!r}: the suffix chooses the format; use one of {', '.join(PICTURES)}")
    key = _KEYS.get(path.suffix.lower())
    found = {**metadata, key: json.dumps(describe(recipe))} if key else None
    with atomic_write(path) as part:
        if path.suffix.lower() == ".png":  # level 1 of zlib: a tenth larger, half the time of a gallery
            figure.savefig(part, dpi=150, metadata=found, pil_kwargs={"compress_level": 1})
        else:
            figure.savefig(part, dpi=150, metadata=found)


def write_with_numbers(path: str | Path, facts: Mapping[str, Any], draw: Callable[[], Figure], recipe: Any) -> None:
    """Write a figure and its numbers as JSON beside it, both or none; or the JSON alone, for the suffix .json.

    Raises
    ------
    ValueError
        If the suffix is no format of figures, or the files cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in WITH_NUMBERS:
        raise ValueError(f"{str(path)!r}: the suffix chooses the format; use one of {', '.join(WITH_NUMBERS)}")
    with atomic_write(target.with_suffix(".json")) as part:  # it gets its name after the figure
        part.write_text(json.dumps({**facts, "version": version()}, indent=1) + "\n", encoding="utf-8")
        if target.suffix.lower() != ".json":
            save_figure(target, draw(), recipe)


def _write(path: Path, data: Mapping[str, Callable[[Path], None]], draw: Callable[[], Figure], recipe: Any) -> None:
    suffix = path.suffix.lower()
    if suffix in data:
        data[suffix](path)
    elif suffix in PICTURES:
        save_figure(path, draw(), recipe)
    else:
        raise ValueError(f"{str(path)!r}: the suffix chooses the format; use one of {', '.join((*data, *PICTURES))}")


def _write_table(path: Path, s: Spectrum, comma: str) -> None:
    rows = enumerate(zip(s.cl.tolist(), s.error.tolist(), strict=True))
    lines = [f"# {json.dumps(describe(s))}", comma.join(("ell", "C_ell", "relative_error"))]
    lines += [comma.join((str(ell), repr(c), repr(e))) for ell, (c, e) in rows]
    with atomic_write(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")


def writable_folder(folder: str | Path) -> Path:
    """The folder, made if it is not there; refused before the work, not after it.

    Raises
    ------
    ValueError
        If it cannot be made or written to.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot make the folder {str(target)!r}: {error.strerror}; choose another with -o") from error
    with atomic_write(target / ".writable"):
        pass
    (target / ".writable").unlink()
    return target
