"""What a user calls the theory, in words or as a file, in; a Spectrum out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sphfield.fields.files import first_table, naming
from sphfield.fields.pixels import whole
from sphfield.networks.kernels import NNGP
from sphfield.networks.names import activation
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Array

__all__ = ["theory"]

_FILES = (".fits", ".fit", ".gz", ".csv", ".txt", ".dat")
_COLUMNS = ("ell", "last", "C_ell", "relative_error")  # of tables that name them; those of band powers have "last"
_LARGEST = 1 << 20  # a wild ell must not ask for gigabytes


def theory(name: str, lmax: int, bias_var: float = 0.0) -> Spectrum:
    """The spectrum that ``activation:depth`` or a file of C_ell stands for.

    Parameters
    ----------
    name : str
        ``relu:3`` is ReLU at depth 3, ``gaussian:2:3`` Gaussian(2) at depth 3, ``package.module:name:3`` an activation
        of your own. Or a file: FITS as of ``healpy.write_cl``; text, commented by #, with a column C_ell, or with the
        columns ell and C_ell, which is 0 below the first ell. More columns may follow; if a first line names them,
        those called ell, C_ell and relative_error are taken.
    lmax : int
        Last multipole of a network's spectrum; a file keeps what it has up to there.
    bias_var : float
        Share of the variance in biases of the network.

    Raises
    ------
    ValueError
        If it is neither, or the file is not as said.

    Examples
    --------
    >>> theory("relu:1", lmax=2).law.round(6).tolist()
    [0.375, 0.5, 0.117188]
    """
    lmax, suffix = whole("lmax", lmax), Path(name).suffix.lower()
    if suffix in _FILES:
        if bias_var:
            raise ValueError(f"bias_var = {bias_var} is of networks, {name!r} is a file: leave out one of them")
        with naming(name):
            cl, error = _fits(name) if suffix in _FILES[:3] else _table(Path(name))
            return Spectrum(cl[: lmax + 1], error[: lmax + 1])
    network, _, depth = name.rpartition(":")
    if not network or not depth.isdecimal():
        raise ValueError(
            f"theory {name!r} is neither a file ({', '.join(_FILES)}) nor activation:depth: write relu:3, gaussian:2:3"
        )
    return angular_spectrum(NNGP(Network(activation(network), int(depth), bias_var)), lmax)


def _fits(path: str) -> tuple[Array, Array]:
    cards, columns = first_table(path, ("NSIDE", "TTYPE1"), 1)
    if "NSIDE" in cards:
        raise ValueError("it is a map: give its C_ell, as `sphfield estimate` writes them")
    name = str(cards.get("TTYPE1", "")).strip()
    if columns[0].dtype.kind != "f" or name.upper() in ("ELL", "L"):
        raise ValueError(f"its first column, {name!r}, is not C_ell: write it by healpy.write_cl, or as text")
    cl = np.asarray(columns[0], dtype=np.float64)
    return cl, np.zeros(cl.size)


def _table(path: Path) -> tuple[Array, Array]:
    rows = _rows(path)
    names = rows.pop(0) if not _is_number(rows[0][0]) else ["ell", "C_ell"] if len(rows[0]) > 1 else ["C_ell"]
    missing = {"ell", "C_ell"} - set(names)
    if missing and names != ["C_ell"]:  # D_ell perhaps, which is something else
        raise ValueError(f"none of its columns {', '.join(names)} is called {min(missing)}: name the one that is")
    if not rows or {len(row) for row in rows} != {len(rows[0])} or len(rows[0]) < len(names):
        raise ValueError("it has no rows, or rows of different length; give columns of numbers, ell and C_ell")
    columns = {name: _numbers(row[i] for row in rows) for i, name in enumerate(names) if name in _COLUMNS}
    cl, error = columns["C_ell"], columns.get("relative_error", np.zeros(len(rows)))
    if "ell" not in columns:
        return cl, error
    ell = columns["ell"]
    if "last" in columns and (columns["last"] != ell).any():
        raise ValueError("it holds bands; give C_ell for each ell")
    first, last = ell.min(), ell.max()
    if not (0 <= first <= last <= _LARGEST and np.array_equal(np.sort(ell), np.arange(np.floor(first), last + 1))):
        raise ValueError("its column ell does not hold each multipole once, from the first to the last; do not bin it")
    order = np.argsort(ell)
    below = np.zeros(int(first))
    return np.concatenate([below, cl[order]]), np.concatenate([below, error[order]])


def _rows(path: Path) -> list[list[str]]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise ValueError("it is no text; give columns of numbers, ell and C_ell") from error
    except OSError as error:
        raise ValueError(f"{error.strerror}; check the path") from error
    rows = [line.replace(",", " ").split() for line in lines if line and not line.startswith("#")]
    if not rows:
        raise ValueError("it has no rows; give columns of numbers, ell and C_ell")
    # CAMB and CLASS name their columns in a comment, and they are ell (ell + 1) C_ell / 2 pi as a rule
    comments = [line for line in lines if line.startswith("#") and len(line.lstrip("# ").split()) > 1]
    comment = comments[-1] if comments else ""
    names = comment.lstrip("# ").replace(",", " ").split()
    if _is_number(rows[0][0]) and names[1:2] != ["C_ell"] and (len(rows[0]) > 2 or len(names) == len(rows[0])):
        raise ValueError(
            f"it has {len(rows[0])} columns{f', {comment!r}' if comment else ''}, and none is called C_ell: write two, "
            "under the line `ell C_ell`, after dividing by ell (ell + 1) / 2 pi if that is in them"
        )
    return rows


def _numbers(cells: Iterable[str]) -> Array:
    try:
        return np.array([float(cell) for cell in cells])
    except ValueError as error:
        raise ValueError(f"{error}; give columns of numbers, ell and C_ell") from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
