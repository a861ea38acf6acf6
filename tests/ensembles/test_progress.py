"""Progress tells count, rate and time left, in a terminal, a notebook and a log file."""

from __future__ import annotations

import math
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from runs import STATISTICS, Noise

from sphfield.ensembles.ensemble import Ensemble, measure
from sphfield.ensembles.progress import Pace, bar
from sphfield.ensembles.store import collect

# twelve steps of ten seconds each, by a clock that stands still between them
RUN = """
import time
now = 0.0
time.monotonic = lambda: now
from sphfield.ensembles.progress import bar
with bar("maps") as told:
    for done in range(1, 13):
        now += 10.0
        told(done, 12)
"""


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def paced(times: list[float], each: int, total: int) -> Pace:
    clock = Clock()
    pace = Pace(clock)
    for k, moment in enumerate(times, start=1):
        clock.now = 100.0 + moment
        pace.step("maps", k * each, total)
    return pace


def test_the_rate_of_even_steps_is_theirs_and_the_rest_takes_as_long() -> None:
    pace = paced([2.0, 4.0, 6.0], each=10, total=100)
    assert pace.rate == pytest.approx(5.0)
    assert pace.left == pytest.approx(14.0)
    assert str(pace) == "5/s, 0:00:14 left"


def test_the_time_left_runs_down_between_the_steps_and_stops_at_zero() -> None:
    pace = paced([60.0], each=10, total=20)
    clock = pace.clock
    assert isinstance(clock, Clock)
    clock.now += 25.0
    assert pace.left == pytest.approx(35.0)
    clock.now += 100.0
    assert pace.left == 0.0


def test_the_rate_follows_a_change_of_speed() -> None:
    # 60 s at one a second, 60 s at two: of what is older than 30 s 1/e counts, of older than 60 s 1/e**2
    pace = paced([*np.arange(1.0, 61.0), *np.arange(60.5, 120.5, 0.5)], each=1, total=1000)
    assert pace.rate == pytest.approx(2.0 - math.exp(-2.0), rel=0.1)


def test_batches_that_end_together_have_the_rate_of_all_workers() -> None:
    # eight workers, a hundred seconds a batch of 64: 5.12 a second, known to 20 % whatever batch came last
    ends = [100.0 * cycle + 0.5 * worker for cycle in range(1, 41) for worker in range(8)]
    for last in range(len(ends) - 8, len(ends) + 1):
        assert paced(ends[:last], each=64, total=10**6).rate == pytest.approx(5.12, rel=0.2)


def test_what_comes_before_the_first_step_does_not_count_if_it_is_told() -> None:
    clock = Clock()
    pace = Pace(clock)
    clock.now += 1000.0  # looking for what is missing in a large store
    pace.step("maps", 0, 10)
    clock.now += 4.0
    pace.step("maps", 2, 10)
    assert pace.rate == pytest.approx(0.5)


@pytest.mark.parametrize(("name", "total"), [("maps", 30), ("simulations", 30), ("simulations", 40)])
def test_a_run_begins_anew_after_the_end_and_by_another_name(name: str, total: int) -> None:
    pace = paced([1.0, 2.0, 3.0], each=10, total=total)
    clock = pace.clock
    assert isinstance(clock, Clock)
    clock.now += 10.0
    pace.step(name, 1, 5)
    assert (pace.rate, pace.done, pace.total) == (pytest.approx(0.1), 1, 5)


def test_a_step_back_is_no_new_run() -> None:
    # digits of a residual, which come and go
    clock = Clock()
    pace = Pace(clock)
    for digits in (4, 3, 8):
        clock.now += 2.0
        pace.step("digits", digits, 8)
    assert str(pace) == "1.33/s, 0:00:06"


def test_in_the_end_it_says_how_long_it_took() -> None:
    assert str(paced([100.0, 3600.0, 3700.0], each=370, total=1110)) == "0.3/s, 1:01:40"


def test_steps_without_time_between_have_no_rate() -> None:
    pace = paced([0.0], each=1, total=2)
    assert math.isnan(pace.rate)
    assert str(pace) == ""


def test_a_log_has_a_line_every_half_minute_and_the_last_one() -> None:
    run = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=True)
    assert run.stdout == ""
    assert run.stderr.splitlines() == [
        "maps 3/12, 0.1/s, 0:01:30 left",
        "maps 6/12, 0.1/s, 0:01:00 left",
        "maps 9/12, 0.1/s, 0:00:30 left",
        "maps 12/12, 0.1/s, 0:02:00",
    ]


def test_a_terminal_has_one_bar_with_rate_and_time() -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    run = subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while part := _read(ours):
        shown += part
    os.close(ours)
    assert run.communicate() == (b"", None)
    assert run.returncode == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert re.search(r"━+ +12/12 0\.1/s, 0:02:00 maps", plain)
    assert plain.count("\n") == 1


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux says so that the other end is closed
        return b""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the kernel's own libraries
def test_a_notebook_has_one_line_that_is_updated() -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(RUN)])
    nbclient.NotebookClient(book, timeout=60).execute()
    (output,) = book.cells[0].outputs
    assert output["output_type"] == "display_data"
    assert output["data"] == {"text/plain": "maps 12/12, 0.1/s, 0:02:00"}


def test_nothing_to_do_shows_nothing_and_a_failure_how_far_it_came(capfd: pytest.CaptureFixture[str]) -> None:
    with bar():
        pass
    assert capfd.readouterr() == ("", "")
    with suppress(KeyError), bar() as told:
        told(3, 7)
        raise KeyError
    assert capfd.readouterr().err.startswith("realisations 3/7")


def test_a_resumed_store_counts_what_is_computed_now(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    maps = Ensemble(Noise(), 7)
    collect(tmp_path / "run", maps, STATISTICS, 40, batch=8)
    with bar() as told:
        collect(tmp_path / "run", maps, STATISTICS, 64, progress=told)
    assert re.fullmatch(r"realisations 24/24, [\d.e+]+/s, 0:00:00\n", capfd.readouterr().err)
    with bar("maps") as told:
        measure(maps, np.var, range(5), progress=told)
    assert capfd.readouterr().err.startswith("maps 5/5, ")
