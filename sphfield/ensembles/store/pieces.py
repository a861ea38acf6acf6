"""Bytes in, files out that many processes may write at once: each is there whole or not at all."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sphfield.provenance import atomic_write

__all__ = ["create", "make_folder", "remove_strays", "strange", "write"]

_STRAY = re.compile(r"\..+-[0-9a-f]{12}(\..*)?")  # the temporary names of atomic_write
_WAITS = (*(min(10.0, 0.001 * 2**k) for k in range(20)), None)  # seconds between attempts: a minute or two in all


def make_folder(path: Path) -> None:
    """The folder and those above it, unless they are there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"cannot make the folder {str(path)!r}: {error.strerror}; choose one that you may write to"
        ) from error


def write(path: Path, data: bytes, *, safe: bool = False) -> None:
    """The file with these bytes, in one step; what was there is replaced.

    `safe` waits until the bytes are on the disk: for files that no checksum guards against a loss of power.
    """

    def attempt() -> None:
        with atomic_write(path) as part:
            _fill(part, data, safe)

    _until_done(attempt, path)


def create(path: Path, data: bytes) -> None:
    """The file with these bytes, unless there is one: of many processes that create it at once, one does."""

    def attempt() -> None:
        with suppress(FileExistsError), atomic_write(path) as part:
            _fill(part, data, safe=True)
            with suppress(PermissionError, NotImplementedError):  # folders without links: the last one wins there
                os.link(part, path)

    _until_done(attempt, path)


def _until_done(attempt: Callable[[], None], path: Path) -> None:
    for wait in _WAITS:
        try:
            return attempt()
        except FileNotFoundError:
            # another process took our file for that of a killed writer, as it may: that costs a second attempt
            if wait is None:
                raise
            time.sleep(wait)  # many jobs that begin or end together do so for a while
        except OSError as error:
            error.add_note(f"in writing {str(path)!r}: make room there, or take another folder")
            raise


def _fill(part: Path, data: bytes, safe: bool) -> None:
    with part.open("wb") as stream:
        stream.write(data)
        if safe:
            stream.flush()
            os.fsync(stream.fileno())


def remove_strays(folder: Path) -> None:
    """Removes what killed writers left; a living one writes again, so that neither clocks nor locks are needed."""
    with suppress(OSError):  # they do no harm: a folder that cannot be written to keeps them
        for entry in folder.iterdir():
            if _STRAY.fullmatch(entry.name):
                entry.unlink(missing_ok=True)


def strange(folder: Path) -> list[str]:
    """Names in a folder that are no temporary ones."""
    return sorted(entry.name for entry in folder.iterdir() if not _STRAY.fullmatch(entry.name))
