"""Rows of values in, the bytes of Zarr's files out, and back; the only module that knows Zarr's library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sphfield.typing import Array

if TYPE_CHECKING:
    import zarr

__all__ = ["array_document", "blank", "decode", "encode", "group_document", "key", "there"]

_MORE = 24  # bytes of a shard beyond its values: their checksum, and an index of one entry with its own
_NOT_YET = np.uint64(0x7FF8737068667264)  # a NaN that no arithmetic makes: rows that are still to come


def blank(batch: int, shape: tuple[int, ...]) -> Array:
    """Rows of which none is there."""
    return np.full((batch, *shape), _NOT_YET).view(np.float64)


def there(rows: Array) -> NDArray[np.bool_]:
    """Which rows are."""
    first = np.ascontiguousarray(rows.reshape(len(rows), -1)[:, 0])
    return np.asarray(first.view(np.uint64) != _NOT_YET)


def key(i: int, ndim: int) -> str:
    """The file of shard i of an array whose rows have so many dimensions."""
    return ".".join(["c", str(i), *["0"] * ndim])


def encode(rows: Array) -> bytes:
    """A shard: all rows in one chunk with its checksum."""
    files: dict[str, Any] = {}
    _array(files, len(rows), len(rows), rows.shape[1:], "")[...] = rows
    return bytes(files[key(0, rows.ndim - 1)].to_bytes())


def decode(data: bytes, batch: int, shape: tuple[int, ...]) -> Array:
    """The rows of a shard; ValueError if a byte of it is missing or wrong."""
    from zarr.buffer import default_buffer_prototype

    expected = 8 * batch * int(np.prod(shape, dtype=int)) + _MORE
    if len(data) != expected:
        raise ValueError(f"it has {len(data)} bytes of {expected}")
    files: dict[str, Any] = {}
    array = _array(files, batch, batch, shape, "")
    files[key(0, len(shape))] = default_buffer_prototype().buffer.from_bytes(data)
    try:
        return np.asarray(array[...], dtype=np.float64)
    except Exception as error:  # of a wrong index anything
        raise ValueError(f"its checksum is wrong: {error}") from error


def group_document(attributes: dict[str, Any]) -> bytes:
    """What makes a folder a Zarr group."""
    import zarr
    from zarr.storage import MemoryStore

    files: dict[str, Any] = {}
    zarr.create_group(MemoryStore(files), attributes=attributes)
    return bytes(files["zarr.json"].to_bytes())


def array_document(name: str, size: int, batch: int, shape: tuple[int, ...]) -> bytes:
    """What makes a folder a Zarr array of shape (size, *shape)."""
    files: dict[str, Any] = {}
    _array(files, size, batch, shape, name)
    return bytes(files["zarr.json"].to_bytes())


def _array(files: dict[str, Any], size: int, batch: int, shape: tuple[int, ...], name: str) -> zarr.Array[Any]:
    import zarr
    from zarr.codecs import Crc32cCodec
    from zarr.storage import MemoryStore

    return zarr.create_array(
        MemoryStore(files),
        shape=(size, *shape),
        shards=(batch, *shape),
        chunks=(batch, *shape),  # smaller ones cost a millisecond for three
        dtype=np.float64,
        fill_value=np.nan,
        compressors=[Crc32cCodec()],  # noise does not compress
        chunk_key_encoding={"name": "default", "separator": "."},
        dimension_names=("realisation", *(f"{name}_{k}" for k in range(len(shape)))),
        config={"write_empty_chunks": True},
    )
