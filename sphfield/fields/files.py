"""HEALPix FITS files in, RING maps out: one map, or a collection of them by number in place of an `Ensemble`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import ducc0
import numpy as np

from sphfield.fields.pixels import UNSEEN, check_nside, whole
from sphfield.typing import Array

__all__ = ["FitsMaps", "read_map"]

PathLike: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True, repr=False)
class FitsMaps:
    """Full-sky maps in FITS files, by number: they feed `sphfield.measure` like an `Ensemble`.

    A map is read whenever it is asked for and none is kept, so that threads and processes may share the collection.

    Parameters
    ----------
    paths : path or iterable of paths
        One map a file: its first one, as `read_map` reads it. Kept as a tuple of str, in the given order and as they
        are written; they are what this collection is described by.

    Raises
    ------
    TypeError, ValueError
        If there are no paths, or something else among them. When read, for a file that `read_map` refuses, an nside
        other than that of the first file, and pixels that are UNSEEN, not in the file, NaN or infinite, counted.
    IndexError
        When read, beyond the last map.

    Examples
    --------
    >>> import tempfile
    >>> from sphfield import measure
    >>> from sphfield.io import write_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for i in range(3):
    ...         write_map(Path(folder) / f"{i}.fits", np.full(48, i))
    ...     maps = FitsMaps(sorted(Path(folder).glob("*.fits")))
    ...     maps.nside, len(maps), measure(maps, np.mean, range(len(maps))).tolist()
    (2, 3, [0.0, 1.0, 2.0])
    """

    paths: tuple[str, ...]

    def __init__(self, paths: PathLike | Iterable[PathLike]) -> None:
        given: Any = [paths] if isinstance(paths, str | os.PathLike) else paths
        if not isinstance(given, Iterable) or isinstance(given, bytes):
            raise TypeError(f"paths = {paths!r} are no paths: give one, or a list of them")
        kept = tuple(_text(path) for path in given)
        if not kept:
            raise ValueError("there are no paths: give at least one FITS file; does the pattern match any?")
        object.__setattr__(self, "paths", kept)

    def __repr__(self) -> str:  # in notes of exceptions, where a thousand paths would hide the message
        ends = repr(self.paths[0]) if len(self) == 1 else f"{self.paths[0]!r} ... {self.paths[-1]!r}"
        return f"FitsMaps({len(self)}: {ends})"

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> Array:
        """Map number ``i``, counted from 0: float64, RING order, shape (12 nside**2,)."""
        if (number := whole("index", i)) >= len(self):
            raise IndexError(f"index = {number}: there are {len(self)} maps, the last one is {len(self) - 1}")
        path = self.paths[number]
        m = read_map(path)
        if m.size != 12 * self.nside**2:
            raise ValueError(
                f"{path!r} has nside = {round((m.size / 12) ** 0.5)}, {self.paths[0]!r} has nside = {self.nside}: "
                "bring them to one with healpy.ud_grade, or measure them apart"
            )
        bad = np.count_nonzero(~np.isfinite(m) | (m == UNSEEN))
        if bad:
            raise ValueError(
                f"{bad} of {m.size} pixels of {path!r} are UNSEEN, missing, NaN or infinite: estimates here need the "
                "full sky; fill them if they are few, else use NaMaster (pymaster), which corrects for a mask"
            )
        return m

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(len(self)))

    @cached_property
    def nside(self) -> int:
        """The resolution of the first map; the others must share it."""
        with naming(self.paths[0]):
            return _resolution(first_table(self.paths[0], ("NSIDE", "ORDERING"), 0)[0])


def _text(path: Any) -> str:
    if not isinstance(path, str | os.PathLike) or not isinstance(text := os.fspath(path), str):
        raise TypeError(f"paths hold {path!r}, which is no path: give names of FITS files")
    return text


def read_map(path: PathLike, *, nest: bool = False) -> Array:
    """The first map of a HEALPix FITS file, native float64, in RING order whatever the order of the file.

    Pixels that the file does not hold or marks as bad are UNSEEN (-1.6375e30) in the result, which transforms refuse.

    Parameters
    ----------
    path : path
        As written by `sphfield.io.write_map`, healpy or other HEALPix tools; partial maps (INDXSCHM = EXPLICIT) are
        filled up.
    nest : bool
        Return NESTED order instead.

    Raises
    ------
    ValueError
        If the file is missing, is not FITS, is cut short or has no HEALPix keys; the message names path and reason.
    """
    with naming(path):
        cards, columns = first_table(path, ("NSIDE", "ORDERING", "INDXSCHM"), 2)
        nside, ordering = _resolution(cards), str(cards["ORDERING"]).strip().upper()
        if ordering not in ("RING", "NESTED", "NEST"):
            raise ValueError(f"ORDERING = {ordering!r} is neither RING nor NESTED: correct that card")
        partial = str(cards.get("INDXSCHM")).strip().upper() == "EXPLICIT"
        m = _filled(columns, 12 * nside**2) if partial else np.asarray(columns[0], dtype=np.float64)
        if m.size != 12 * nside**2:
            raise ValueError(f"NSIDE = {nside} means {12 * nside**2} pixels, the table has {m.size}: it is incomplete")
    m[np.abs(m - UNSEEN) <= 1e-5 * abs(UNSEEN)] = UNSEEN  # float32 files hold it to seven digits
    if nest == (ordering != "RING"):
        return m
    base = ducc0.healpix.Healpix_Base(nside, "RING")
    reorder = base.nest2ring if nest else base.ring2nest
    return np.asarray(m[reorder(np.arange(m.size))])


def _resolution(cards: dict[str, Any]) -> int:
    if not {"NSIDE", "ORDERING"} <= set(cards):
        raise ValueError("it has no cards NSIDE and ORDERING: it is no HEALPix map, or an incomplete one")
    return check_nside(cards["NSIDE"])


@contextmanager
def naming(path: PathLike) -> Iterator[None]:
    """Every reason why a file cannot be read comes out as one kind of error that names the file."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise ValueError(f"cannot read {str(Path(path))!r}: {error}") from error


def first_table(path: PathLike, keys: tuple[str, ...], count: int) -> tuple[dict[str, Any], list[Any]]:
    """Of the first table of a FITS file, those of the cards that are there, and the first columns."""
    from astropy.io import fits

    try:
        # our own handle: astropy leaves its own open when a file turns out to be damaged
        with Path(path).open("rb") as stream, fits.open(stream, memmap=False) as hdus:
            table = next((hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)), None)
            if table is not None and len(table.columns):
                cards = {key: table.header[key] for key in keys if key in table.header}
                count = min(count, len(table.columns))
                return cards, [np.array(table.data.field(k)).ravel() for k in range(count)]
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise ValueError(f"{error.strerror}; check the path") from error
    except Exception as error:  # the bytes of a damaged file lead astropy, zlib and numpy into errors of every kind
        raise ValueError(f"it is no FITS file, damaged or cut short ({error}); fetch or write it again") from error
    raise ValueError("it has no table: it is an image, or cut short; fetch or write it again")


def _filled(columns: list[Any], npix: int) -> Array:
    # a partial map lists its pixels in the first column
    m, index = np.full(npix, UNSEEN), columns[0].astype(np.int64)
    if len(columns) < 2 or (index.size and not 0 <= index.min() <= index.max() < npix):
        raise ValueError(f"its first column does not list pixels from 0 to {npix - 1}, as INDXSCHM = EXPLICIT promises")
    m[index] = columns[1]
    return m
