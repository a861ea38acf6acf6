"""Cold start: whole processes of `import sphfield` and `sphfield --help` against `import numpy`, as ratios.

Runs are interleaved in random order, so that a busy machine slows all of them alike; medians are compared.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

GOAL = 1.3
REFERENCE = "import numpy"
COMMANDS = {
    REFERENCE: [sys.executable, "-c", "import numpy"],
    "import sphfield": [sys.executable, "-c", "import sphfield"],
    "sphfield --help": [str(Path(sys.executable).with_name("sphfield")), "--help"],
}


def seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return time.perf_counter() - begin


def medians(runs: int) -> dict[str, float]:
    names = list(COMMANDS) * runs
    random.Random(0).shuffle(names)
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for command in COMMANDS.values():
        seconds(command)  # byte code and file cache
    for name in names:
        times[name].append(seconds(COMMANDS[name]))
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=21, help="processes of each kind (default: %(default)s)")
    median = medians(parser.parse_args().runs)
    for name, value in median.items():
        ratio = value / median[REFERENCE]
        verdict = "" if name == REFERENCE else f"  goal <= {GOAL}: {'met' if ratio <= GOAL else 'missed'}"
        print(f"{name:16} {1e3 * value:7.1f} ms  {ratio:5.2f} x{verdict}")


if __name__ == "__main__":
    main()
