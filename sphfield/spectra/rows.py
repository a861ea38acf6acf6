"""A user's data in, as an array or a file; unit rows out, one input of a network to a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sphfield.typing import Array

__all__ = ["check_unit_rows", "read_rows", "unit_rows"]


def unit_rows(x: Any) -> Array:
    """Data as unit rows: every row divided by its Euclidean norm, since kernels here are functions of the angle.

    Nothing else is done: no mean is subtracted, no column is scaled. The lengths of the rows are lost.

    Parameters
    ----------
    x : array_like, shape (n, d)
        n inputs of d numbers each.

    Returns
    -------
    array, shape (n, d)
        Norms are 1 to rounding, at any scale of the input.

    Raises
    ------
    TypeError
        If the data are not numbers, or complex.
    ValueError
        If the shape is not (n, d), a value is NaN or infinite, or a row is zero; the message counts them.

    Examples
    --------
    >>> unit_rows([[3.0, 4.0], [0.0, -2.0]]).tolist()
    [[0.6, 0.8], [0.0, -1.0]]
    """
    values = np.asarray(x)
    if values.dtype.kind not in "biuf":
        raise TypeError(f"the data are of type {values.dtype}: give real numbers, of shape (n, d)")
    if values.ndim != 2 or 0 in values.shape:
        remedy = "x.reshape(len(x), -1) makes rows of images" if values.ndim > 2 else "one input to a row"
        raise ValueError(f"the data have shape {values.shape}: give shape (n, d), {remedy}")
    values = values.astype(np.float64)
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{np.count_nonzero(bad)} of {bad.size} rows hold NaN or infinite numbers, the first is row "
            f"{int(bad.argmax())}: drop these rows or fill them"
        )
    largest = np.abs(values).max(axis=1, keepdims=True)
    zero = largest[:, 0] == 0.0
    if zero.any():
        raise ValueError(
            f"{np.count_nonzero(zero)} of {zero.size} rows are zero, the first is row {int(zero.argmax())}: "
            "they have no direction, drop them"
        )
    with np.errstate(under="ignore"):
        scaled: Array = values / largest  # squares of the values themselves may leave the range of doubles
        scaled /= np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled


def check_unit_rows(x: Any) -> Array:
    """``x`` as floats, if it has shape (n, d) and rows of norm 1 to 1e-9.

    Raises
    ------
    ValueError
        If not; `unit_rows` makes them.
    """
    rows = np.ascontiguousarray(x, dtype=np.float64)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"x has shape {rows.shape}: give unit vectors, of shape (n, d)")
    off = ~(np.abs(np.einsum("ij,ij->i", rows, rows) - 1.0) <= 2e-9)
    if off.any():
        raise ValueError(
            f"{np.count_nonzero(off)} of {len(rows)} rows of x are not of norm 1, the first is row "
            f"{int(off.argmax())}: pass unit_rows(x)"
        )
    return rows


def read_rows(path: str | Path) -> Array:
    """`unit_rows` of the numbers in a file: ``.npy``, ``.npz`` with one array, or ``.csv`` with or without a header.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If its name ends otherwise, it is not what its name says, holds several arrays, or text where numbers should
        be; and, naming the file, as `unit_rows`.
    """
    path = Path(path)
    readers = {".npy": _from_npy, ".npz": _from_npz, ".csv": _from_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValueError(f"{path} ends in {path.suffix!r}: data are read from .npy, .npz and .csv files")
    try:
        return unit_rows(reader(path))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def _from_npy(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (EOFError, ValueError) as error:
        raise ValueError("no array of numbers as np.save(path, x) writes it") from error


def _from_npz(path: Path) -> Any:
    try:
        archive = np.load(path, allow_pickle=False)
    except (EOFError, OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError("no archive as np.savez(path, x) writes it") from error
    with archive:
        if len(archive.files) != 1:
            raise ValueError(
                f"holds {len(archive.files)} arrays, {', '.join(archive.files)}: save the inputs alone, "
                "np.savez(path, x)"
            )
        return archive[archive.files[0]]


def _from_csv(path: Path) -> Array:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    rows: list[list[float]] = []
    header = True  # the first line that is not blank may name the columns
    for number, line in enumerate(lines, start=1):
        fields = [field.strip() for field in line.split(",")]
        if not any(fields):
            continue
        try:
            row = [float(field) for field in fields]
        except ValueError:
            if header and not any(map(_is_number, fields)):
                header = False
                continue
            column = next(i for i, field in enumerate(fields, start=1) if not _is_number(field))
            raise ValueError(
                f"line {number}, column {column} is {fields[column - 1]!r}, not a number: "
                "keep columns of numbers only, separated by commas"
            ) from None
        header = False
        if rows and len(row) != len(rows[0]):
            raise ValueError(f"line {number} has {len(row)} columns, those before have {len(rows[0])}")
        rows.append(row)
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(rows[0]) if rows else 0)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
