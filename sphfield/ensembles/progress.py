"""Steps of a long run in, one line that says how far it is out: in a terminal, a notebook or a log file."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Pace", "bar", "steps"]

Show: TypeAlias = Callable[[], None]

_MEMORY = 30.0  # seconds; or a quarter of the run, since many workers end their batches together
_SECONDS = {"notebook": 0.5, "log": 30.0}  # between two lines


@dataclass
class Pace:
    """How fast a run is, from its steps: the recent ones count more, those of an earlier call not at all.

    Parameters
    ----------
    clock : callable
        () -> seconds, from any origin, never back.
    """

    clock: Callable[[], float] = time.monotonic
    what: str = field(default="", init=False)
    done: int = field(default=0, init=False)
    total: int = field(default=0, init=False)
    _start: float = field(init=False, repr=False)
    _last: float = field(init=False, repr=False)
    _steps: float = field(default=0.0, init=False, repr=False)
    _seconds: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        self._start = self._last = self.clock()

    def step(self, what: str, done: int, total: int) -> None:
        """So many are done; if it is none, or fewer than a run that ended or had another name, a new run began."""
        now = self.clock()
        if done == 0 or (done < self.done and (self.done == self.total or what != self.what)):
            self._start = self._last = self._last if done else now
            self.done, self._steps, self._seconds = 0, 0.0, 0.0
        passed = now - self._last
        fading = math.exp(-passed / max(_MEMORY, 0.25 * (now - self._start)))
        self._steps = self._steps * fading + done - self.done
        self._seconds = self._seconds * fading + passed
        self._last, self.what, self.done, self.total = now, what, done, total

    @property
    def rate(self) -> float:
        """Steps a second; NaN if it is not known."""
        return self._steps / self._seconds if self._seconds > 0.0 and self._steps > 0.0 else math.nan

    @property
    def left(self) -> float:
        """Seconds that the rest takes at this rate; NaN if it is not known."""
        return max(0.0, (self.total - self.done) / self.rate - (self.clock() - self._last))

    def __str__(self) -> str:
        """Rate and time that is left; in the end, mean rate and time that it took."""
        passed = self._last - self._start
        if self.done == self.total and passed > 0.0:
            return f"{self.done / passed:.3g}/s, {_hours(passed)}"
        return "" if math.isnan(self.rate) else f"{self.rate:.3g}/s, {_hours(self.left)} left"


@contextmanager
def bar(what: str = "realisations") -> Iterator[Callable[[int, int], None]]:
    """A line that shows progress, for ``progress=`` of `measure`, `collect`, `validate`: count, rate and time left.

    In a terminal a bar, in a notebook one line that is updated in place, elsewhere, in the log of a batch job for
    example, a plain line every half minute and one at the end; on the error stream, but for the notebook. Without
    a step nothing is shown. The rate is of what this call computes: what a store had already counts for nothing.

    Parameters
    ----------
    what : str
        What is counted.

    Yields
    ------
    callable
        ``(done, total)`` -> None.

    Examples
    --------
    >>> from sphfield import Ensemble, GaussianField, PowerSpectrum, Spectrum, measure
    >>> maps = Ensemble(GaussianField(Spectrum([1.0, 0.5]), nside=1), seed=3)
    >>> with bar() as told:
    ...     powers = measure(maps, PowerSpectrum(1), range(5), progress=told)
    """
    with steps() as told:
        yield lambda done, total: told(what, done, total)


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """As `bar`, for runs that count several things: it gives the callable ``(what, done, total)``."""
    pace = Pace()
    with _shown(pace) as show:

        def told(what: str, done: int, total: int) -> None:
            pace.step(what, done, total)
            show()

        yield told


def _shown(pace: Pace) -> AbstractContextManager[Show]:
    if _kernel():
        return _notebook(pace)
    from rich.console import Console

    console = Console(stderr=True)
    return _terminal(console, pace) if console.is_terminal else _log(pace)


def _kernel() -> bool:
    # where there is a kernel, IPython has been imported already
    ipython: Any = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


@contextmanager
def _terminal(console: Console, pace: Pace) -> Iterator[Show]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(str(pace), style="progress.remaining")

    columns = (BarColumn(), MofNCompleteColumn(), Speed(), TextColumn("{task.description}"))
    drawn = Progress(*columns, console=console)
    task = drawn.add_task("", total=None)

    def show() -> None:
        drawn.start()  # at the first step: what is refused before leaves no empty bar
        drawn.update(task, description=pace.what, completed=pace.done, total=pace.total)

    try:
        yield show
    finally:
        if drawn.live.is_started:
            drawn.stop()


@contextmanager
def _notebook(pace: Pace) -> Iterator[Show]:
    from IPython.display import display

    handles: list[Any] = []

    def write(line: str) -> None:
        content = {"text/plain": line}
        if handles:
            handles[0].update(content, raw=True)
        else:
            handles.append(display(content, raw=True, display_id=True))  # type: ignore[no-untyped-call]

    with _lines(pace, write, _SECONDS["notebook"], at_once=True) as show:
        yield show


@contextmanager
def _log(pace: Pace) -> Iterator[Show]:
    def write(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    with _lines(pace, write, _SECONDS["log"], at_once=False) as show:
        yield show


@contextmanager
def _lines(pace: Pace, write: Callable[[str], None], seconds: float, *, at_once: bool) -> Iterator[Show]:
    """Lines that are not closer than this, and in any case the last one."""
    written = -math.inf if at_once else pace.clock()
    waiting: list[str] = []

    def show() -> None:
        nonlocal written
        waiting[:] = [f"{pace.what} {pace.done}/{pace.total}, {pace}".removesuffix(", ")]
        if pace.clock() - written >= seconds:
            written = pace.clock()
            write(waiting.pop())

    try:
        yield show
    finally:
        for line in waiting:
            write(line)


def _hours(seconds: float) -> str:
    return "-:--:--" if math.isnan(seconds) else str(timedelta(seconds=round(seconds)))
