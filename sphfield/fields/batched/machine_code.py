"""A compiled function in, its machine code in a file out, which the next process reads instead of compiling.

numba's own cache is not used, for two reasons. It watches the file of the function only, and here most of the code
comes from other files of the package. And its index is read, changed and written without a lock: two processes that
compile two precisions at the same time may end with one's code under the other's name. Here a file's name is a digest
of all that its content depends on, and it appears whole or not at all; two processes write the same bytes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import numba
from numba.core import serialize
from numba.core.compiler import CompileResult

from sphfield.fields.weight_files import cache_folder
from sphfield.provenance import atomic_write

__all__ = ["kept"]

Function = TypeVar("Function", bound=Callable[..., Any])
LOG = logging.getLogger("sphfield")
MONTH = 30 * 24 * 3600.0


def kept(function: Function) -> Function:
    """`function` compiled when it is first called, or its machine code read from where it was kept, see `folders`."""
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
    dispatcher._cache = MachineCode(function.__name__)
    compiled: Function = dispatcher
    return compiled


class MachineCode:
    """What numba's dispatcher asks of a cache: for a signature the compiled function, if there is one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cache_path = None  # part of the answer to dispatcher.stats

    def load_overload(self, signature: Any, target: Any) -> Any:
        target.refresh()
        name = self.file_name(signature, target.codegen())
        for path in (folder / name for folder in folders()):
            try:
                found = CompileResult._rebuild(target, *pickle.loads(path.read_bytes()))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except Exception as error:  # whatever is wrong with a file of somebody's cache, compiling is the remedy
                LOG.warning("%s cannot be used and is compiled anew: %s", path, error)
                continue
            with suppress(OSError):  # of others, or read-only
                os.utime(path)  # it is in use, see `_remove_old`
            return found
        LOG.info("compiling the batched transform (%s), some seconds", self.name)
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        content = serialize.dumps(result._reduce())
        complaints = []
        for folder in folders():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with atomic_write(folder / self.file_name(signature, result.codegen)) as part:
                    part.write_bytes(content)
            except (OSError, ValueError) as error:
                complaints.append(str(error))
            else:
                _remove_old(folder, self.name)
                return
        LOG.info("machine code cannot be kept, so every process will compile it: %s", "; ".join(complaints))

    def file_name(self, signature: Any, codegen: Any) -> str:
        parts = (sources(), numba.__version__, llvmlite.__version__, sys.version, codegen.magic_tuple(), str(signature))
        return f"{self.name}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}.bin"


def folders() -> list[Path]:
    """Where machine code may be: as numba's own, NUMBA_CACHE_DIR if that is set, else beside the byte code.

    Where the package is read-only, in `cache_folder`.
    """
    if named := os.environ.get("NUMBA_CACHE_DIR"):
        return [Path(named) / "sphfield"]
    beside = Path(__file__).parent / "__pycache__"
    try:
        return [beside, cache_folder() / "compiled"]
    except ValueError:  # no home
        return [beside]


@cache
def sources() -> str:
    """A digest of all modules of the package."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _remove_old(folder: Path, name: str) -> None:
    for path in folder.glob(f"{name}-*.bin"):
        with suppress(OSError):  # another process removes it, too
            if path.stat().st_mtime < time.time() - MONTH:
                path.unlink()
