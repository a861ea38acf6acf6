"""Maps, a_lm, C_ell to FITS files in healpy's layout and back, stores to tables, with cards that say what made them."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import numpy as np

from sphfield.ensembles.store import Store
from sphfield.ensembles.store.labelled import is_dimensionless
from sphfield.fields.files import PathLike, first_table, naming, read_map
from sphfield.fields.pixels import as_alm, as_map, lmax_of, nside_of
from sphfield.provenance import atomic_write, describe, version
from sphfield.spectra.spectrum import Spectrum
from sphfield.typing import Array, ComplexArray

__all__ = ["read_alm", "read_cl", "read_map", "read_provenance", "write_alm", "write_cl", "write_map", "write_store"]

Card: TypeAlias = tuple[str, Any, str]

CARDS = {
    "seed": "seed of the ensemble",
    "index": "number of the realisation",
    "nside": "resolution of the model",
    "lmax": "its largest ell",
}
BLOCK = 2880  # bytes, the unit of FITS
ROW = 1024  # pixels in a table row where they divide the map, as HEALPix's own tools write it


def write_map(
    path: PathLike,
    m: Any,
    *,
    provenance: Mapping[str, Any] | None = None,
    nest: bool = False,
    dtype: Literal["float32", "float64"] = "float64",
) -> None:
    """Write a full-sky map, whole or not at all; ``healpy.read_map`` and astropy read it.

    Parameters
    ----------
    path : path
        An existing file is replaced; the suffix ``.fits.gz`` compresses.
    m : array_like, shape (12 nside**2,)
        Finite, no pixel UNSEEN.
    provenance : mapping, optional
        What made the map, for example ``{"sampler": field, "seed": 1, "index": 0}``. Its `describe` becomes JSON in
        the card ``SPHFIELD``; seed, index, nside and lmax, where given, get cards of their own.
    nest : bool
        The order of ``m``, and of the file: NESTED instead of RING.
    dtype : {"float64", "float32"}
        Of the file; float32 keeps seven digits in half the size.

    Raises
    ------
    ValueError
        If the map is not as said above or the file cannot be written.
    TypeError
        If something in ``provenance`` cannot be described.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "one.fits"
    ...     write_map(file, np.ones(12), provenance={"seed": 1})
    ...     read_map(file).sum(), read_provenance(file)["seed"]
    (np.float64(12.0), 1)
    """
    m = as_map(m)
    if np.dtype(dtype) not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype = {dtype!r}: write float64 or float32")
    rows = ROW if m.size % ROW == 0 else 1
    letter = {4: "E", 8: "D"}[np.dtype(dtype).itemsize]
    form = f"{rows}{letter}" if rows > 1 else letter
    cards = [
        ("PIXTYPE", "HEALPIX", "HEALPix pixelisation"),
        ("ORDERING", "NESTED" if nest else "RING", "pixel order, RING or NESTED"),
        ("NSIDE", nside_of(m.size), "resolution parameter of HEALPix"),
        ("FIRSTPIX", 0, "first pixel (0 based)"),
        ("LASTPIX", m.size - 1, "last pixel (0 based)"),
        ("INDXSCHM", "IMPLICIT", "pixel index is the position"),
        ("OBJECT", "FULLSKY", "sky coverage"),
    ]
    values = m.astype(dtype).reshape(-1, rows) if rows > 1 else m.astype(dtype)
    _write(path, "MAP", [("T", form, values)], cards, provenance)


def write_alm(path: PathLike, alm: Any, *, provenance: Mapping[str, Any] | None = None) -> None:
    """Write coefficients in healpy's order; ``healpy.read_alm`` and astropy read them. See `write_map`."""
    alm = as_alm(alm)
    lmax = lmax_of(alm.size)
    ell, m = _ell_m(lmax)
    columns = [
        ("index", "J", (ell**2 + ell + m + 1).astype(np.int32)),
        ("real", "D", alm.real),
        ("imag", "D", alm.imag),
    ]
    cards = [("MAX-LPOL", lmax, "largest multipole"), ("MAX-MPOL", lmax, "largest order")]
    _write(path, "ALM", columns, cards, provenance)


def read_alm(path: PathLike) -> ComplexArray:
    """Coefficients in healpy's order from a file of `write_alm` or healpy; those that are not in the file are 0.

    Raises
    ------
    ValueError
        If the file is missing, is not FITS, is cut short or holds no a_lm; the message names path and reason.
    """
    with naming(path):
        columns = first_table(path, (), 3)[1]
        if len(columns) < 3 or columns[0].dtype.kind not in "iu":
            raise ValueError("its table does not begin with the columns index, real, imag: it holds no a_lm")
        index = columns[0].astype(np.int64)
        if index.size == 0 or index.min() < 1:
            raise ValueError("its first column is not l*l + l + m + 1 for ell >= 0: it holds no a_lm")
        ell = np.sqrt(index - 1).astype(np.int64)
        m, lmax = index - ell**2 - ell - 1, int(ell.max())
        if m.min() < 0:
            raise ValueError(f"it has a coefficient of m = {m.min()}: keep m >= 0, which is enough for a real field")
        if index.size < lmax:  # before a wild index asks for gigabytes
            raise ValueError(f"it has ell = {lmax} but only {index.size} coefficients: it is damaged or incomplete")
        alm = np.zeros((lmax + 1) * (lmax + 2) // 2, dtype=np.complex128)
        alm[m * (2 * lmax + 1 - m) // 2 + ell] = columns[1] + 1j * columns[2]
    return alm


def write_cl(path: PathLike, cl: Any, *, provenance: Mapping[str, Any] | None = None) -> None:
    """Write C_ell for ell = 0 ... lmax; ``healpy.read_cl`` and astropy read it. See `write_map`."""
    cl = Spectrum(cl).cl  # for its checks
    _write(path, "CL", [("TEMPERATURE", "D", cl)], [("MAX-LPOL", cl.size - 1, "largest multipole")], provenance)


def read_cl(path: PathLike) -> Array:
    """C_ell from the first column of a file of `write_cl` or healpy, shape (lmax + 1,).

    Raises
    ------
    ValueError
        If the file is missing, is not FITS or is cut short; the message names path and reason.
    """
    with naming(path):
        return np.asarray(first_table(path, (), 1)[1][0], dtype=np.float64)


def write_store(path: PathLike, store: Store, *, overwrite: bool = False) -> None:
    """Write the statistics of a store as binary tables, a table a statistic, a row a realisation, one column.

    Batch by batch, in memory for one of them. Tables and columns have the names of the statistics; values are float64,
    with ``TDIM`` where they have more axes than one. The card ``SPHFIELD`` of each has the recipe of the store,
    ``SHA256`` the `sphfield.provenance.digest` of the values.

    Parameters
    ----------
    path : path
        The suffix ``.fits.gz`` compresses.
    store : Store
        Complete.
    overwrite : bool
        Replace an existing file; it is as it was until the new one is whole.

    Raises
    ------
    ValueError
        For a realisation that is missing or damaged, naming it; if the file exists, or cannot be written. There is
        no new file then.

    Examples
    --------
    >>> import tempfile
    >>> from astropy.table import Table
    >>> from sphfield import Ensemble, GaussianField, PowerSpectrum
    >>> from sphfield.ensembles.store import collect
    >>> maps = Ensemble(GaussianField(Spectrum([1.0, 0.5]), nside=1), seed=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = collect(f"{folder}/run", maps, {"power": PowerSpectrum(1)}, 10)
    ...     write_store(f"{folder}/run.fits", store)
    ...     Table.read(f"{folder}/run.fits", hdu="power")["power"].shape
    (10, 2)
    """
    from astropy.io import fits

    target, size = Path(path), store.size
    store.check_filled()
    if target.exists() and not overwrite:
        raise ValueError(f"{str(target)!r} is there already: give overwrite=True, or another name")
    with _whole(path) as part, part.open("wb") as raw, _compressed(raw, target) as stream:
        headers = {name: _table_header(store, name, size) for name in store.statistics}
        stream.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
        for name, header in headers.items():
            stream.write(header.tostring().encode("ascii"))
            for rows in _batches(store, name, size):
                stream.write(rows.astype(">f8").tobytes())
            stream.write(bytes(-header["NAXIS1"] * size % BLOCK))


def read_provenance(path: PathLike) -> dict[str, Any]:
    """What made a file, as written by sphfield; every such file has at least ``"version"``.

    Raises
    ------
    ValueError
        If the file cannot be read or was not written by sphfield.
    """
    with naming(path):
        cards = first_table(path, ("SPHFIELD",), 1)[0]
        if "SPHFIELD" not in cards:
            raise ValueError("it has no card SPHFIELD: sphfield did not write it")
        made: dict[str, Any] = json.loads(cards["SPHFIELD"])
        return made


def _write(
    path: PathLike, name: str, columns: list[Any], cards: list[Card], provenance: Mapping[str, Any] | None
) -> None:
    from astropy.io import fits

    made: dict[str, Any] = {**describe(provenance or {}), "version": version()}
    hdu = fits.BinTableHDU.from_columns([fits.Column(name=n, format=f, array=a) for n, f, a in columns])
    for number in range(1, len(columns) + 1):
        hdu.header.set(f"TUNIT{number}", "", "dimensionless", after=f"TFORM{number}")
    hdu.header["EXTNAME"] = (name, "content of this table")
    given = [(key.upper(), made[key], comment) for key, comment in CARDS.items() if isinstance(made.get(key), int)]
    for key, value, comment in [*given, *cards, ("CREATOR", f"sphfield {version()}", "software")]:
        hdu.header[key] = (value, comment)
    hdu.header["SPHFIELD"] = _card(made)
    with _whole(path) as part:
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(str(part), overwrite=True)


def _card(made: Mapping[str, Any]) -> str:
    # astropy misreads long strings that hold quotes and slashes
    return json.dumps(made, sort_keys=True, separators=(",", ":"), allow_nan=False).replace("'", "\\u0027")


@contextmanager
def _whole(path: PathLike) -> Iterator[Path]:
    try:
        with atomic_write(path) as part:
            yield part
    except OSError as error:  # a full disk, for example
        raise ValueError(f"cannot write {str(Path(path))!r}: {error}; choose another place") from error


def _compressed(raw: BinaryIO, target: Path) -> Any:
    # neither a name nor a time, so that the same content is the same file
    packed = target.suffix.lower() == ".gz"
    return gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) if packed else nullcontext(raw)


def _batches(store: Store, name: str, size: int) -> Iterator[Array]:
    # of so many realisations, though the store may grow meanwhile
    return (store.values(name, k, min(k + store.batch, size)) for k in range(0, size, store.batch))


def _table_header(store: Store, name: str, size: int) -> Any:
    from astropy.io import fits

    shape = store.shape(name)
    sha = hashlib.sha256(f"<f8{(size, *shape)}".encode())  # as provenance.digest, but batch by batch
    for rows in _batches(store, name, size):
        sha.update(rows.astype("<f8").tobytes())
    plain = shape == () or (len(shape) == 1 and shape[0] > 1)
    dim = None if plain else f"({','.join(map(str, reversed(shape)))})"
    short = name.replace("-", "_")[:68]  # as other software wants columns to be called
    column = fits.Column(name=short, format=f"{int(np.prod(shape, dtype=int))}D", dim=dim)
    header = fits.BinTableHDU.from_columns([column], nrows=0).header
    if is_dimensionless(store, name):
        header.set("TUNIT1", "", "dimensionless", after="TFORM1")
    header["NAXIS2"] = size
    header["EXTNAME"] = name
    described = store.ensemble_description
    if isinstance(described, Mapping) and isinstance(described.get("seed"), int):
        header["SEED"] = (described["seed"], CARDS["seed"])
    header["SHA256"] = sha.hexdigest()
    header["CREATOR"] = (f"sphfield {version()}", "software")
    header["SPHFIELD"] = _card({"store": store.recipe, "version": version()})
    return header


def _ell_m(lmax: int) -> tuple[Any, Any]:
    m = np.repeat(np.arange(lmax + 1), lmax + 1 - np.arange(lmax + 1))
    ell = np.concatenate([np.arange(k, lmax + 1) for k in range(lmax + 1)])
    return ell, m
