"""Samplers and statistics that other processes can import, and the script that the tests of faults run and kill."""

from __future__ import annotations

import os
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sphfield.ensembles.ensemble import Ensemble
from sphfield.ensembles.store import Store, collect
from sphfield.typing import Array

SIZE, BATCH = 400, 8  # of the runs that are killed
# imported, not run: what is defined in a script is described as __main__'s
COMMAND = [sys.executable, "-c", "import sys, runs; runs.main(*sys.argv[1:])"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}


@dataclass(frozen=True)
class Noise:
    """A sampler that takes no time."""

    nside: int = 1

    def __call__(self, rng: np.random.Generator) -> Array:
        return rng.standard_normal(12 * self.nside**2)


@dataclass(frozen=True)
class Pixels:
    """The first pixels, after a while."""

    count: int = 5
    seconds: float = 0.0

    def __call__(self, m: Array) -> Array:
        time.sleep(self.seconds)
        return m[: self.count]


@dataclass(frozen=True)
class FailsAt:
    """A statistic that fails for one realisation of `Noise`, as long as a file is there."""

    value: float
    unless: str

    def __call__(self, m: Array) -> Array:
        if m[0] == self.value and not Path(self.unless).exists():
            raise ArithmeticError("this map is too much")
        return m[:2]


STATISTICS = {"pixels": Pixels(), "variance": np.var}


def run(path: Path, size: int = SIZE, seconds: float = 0.0, part: tuple[int, int] | None = None) -> Store:
    statistics = {"pixels": Pixels(seconds=seconds), "variance": np.var}
    return collect(path, Ensemble(Noise(), 7), statistics, size, batch=BATCH, part=part)


def wide(path: Path) -> Store:
    """Shards of 12 kB, many times longer than what describes them."""
    return collect(path, Ensemble(Noise(4), 7), {"pixels": Pixels(192)}, 3 * BATCH, batch=BATCH)


def main(what: str, path: str, *numbers: str) -> None:
    import zarr  # noqa: F401 not within the time that is measured

    print("ready", flush=True)
    if what == "run":
        run(Path(path), int(numbers[0]), float(numbers[1]), (int(numbers[2]), int(numbers[3])))
    elif what == "limited":  # files end after so many bytes, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(numbers[0]), int(numbers[0])))
        wide(Path(path))
    elif what == "large":
        statistic = Pixels(12 * 32**2)
        store = collect(path, Ensemble(Noise(32), 7), {"pixels": statistic}, int(numbers[0]), batch=10)
        store.summary("pixels")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
