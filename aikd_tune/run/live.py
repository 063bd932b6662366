"""What a person sees while a study runs: a live view in a terminal, plain lines elsewhere."""

import sys
import time
from pathlib import Path
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from aikd_tune.run.conductor import Conductor
from aikd_tune.spec import Setting, Study

PLAIN_S = 10.0
"""Seconds between plain lines."""


class View(Protocol):
    """Called by the driver; every call is cheap."""

    def starting(self) -> None:
        """Ray is about to start."""

    def started(self, workers: int) -> None:
        """Trials are about to start."""

    def refresh(self) -> None:
        """Called on every turn of the loop; shows something new when it is time."""

    def draining(self) -> None:
        """A signal has come."""

    def ended(self) -> None:
        """Leave the terminal as it was; may be called twice, and from another thread."""


def make_view(study: Study, conductor: Conductor, folder: Path) -> View:
    """A live view where stdout is a terminal, else plain lines."""
    kind = LiveView if sys.stdout.isatty() else PlainView
    return kind(study, Status(study, conductor), folder)


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Status:
    """The conductor's tally in words."""

    def __init__(self, study: Study, conductor: Conductor) -> None:
        self._study, self._conductor = study, conductor
        self._started_at = time.monotonic()
        self.workers = 1

    def begin(self, workers: int) -> None:
        """Trials start now."""
        self.workers = workers

    @property
    def headline(self) -> str:
        """Study, sampler, early stopping."""
        search = self._study.search
        stopping = "" if search.early_stopping.name == "none" else f" with {search.early_stopping.name}"
        return f"{self._study.name}: {search.sampler}{stopping}, {self.workers} worker{'s' * (self.workers != 1)}"

    def progress(self, kind: str) -> tuple[int, int]:
        """Trials of a kind that have ended, and that there will be."""
        tally = self._conductor.tally
        done = tally.count(kind, "complete", "pruned", "diverged", "failed")
        if kind == "search":
            return done, done if self._conductor.exhausted else self._study.search.trials
        return done, tally.confirmation_of(self._study)

    def states(self, kind: str) -> str:
        """How the ended trials of a kind ended."""
        names = {"complete": "complete", "pruned": "stopped early", "diverged": "diverged", "failed": "FAILED"}
        counts = [(self._conductor.tally.count(kind, state), name) for state, name in names.items()]
        return ", ".join(f"{count} {name}" for count, name in counts if count)

    @property
    def best(self) -> str:
        """The best complete setting so far."""
        tally = self._conductor.tally
        if tally.best is None or tally.best_raw is None:
            return "none complete yet"
        return f"{self._study.search.metric} {tally.best_raw:.4g} by setting {tally.best.number}"

    @property
    def best_values(self) -> str:
        """Its searched fields."""
        best = self._conductor.tally.best
        return "" if best is None else describe_setting(self._study, best.setting)

    @property
    def losses(self) -> str:
        """Trials whose worker died and that were started again."""
        losses = self._conductor.tally.losses
        return ", ".join(f"trial {trial} lost its worker and was started again" for trial in losses)

    @property
    def time(self) -> str:
        """Elapsed and left."""
        left = self._conductor.tally.remaining_s(self._study, self.workers, self._conductor.exhausted)
        elapsed = clock(time.monotonic() - self._started_at)
        return elapsed if left is None else f"{elapsed} elapsed, about {clock(left)} left"


def describe_setting(study: Study, setting: Setting) -> str:
    """The searched fields of a setting on one line, the fields' common prefix left out."""
    values = study.space.values(setting)
    return ", ".join(
        f"{path.removeprefix('distill.')} {value:.3g}"
        if isinstance(value, float)
        else f"{path.removeprefix('distill.')} {value}"
        for path, value in values.items()
    )


class PlainView:
    """One line at the start, every few seconds, and at the end of each part."""

    def __init__(self, study: Study, status: Status, folder: Path) -> None:
        self._study, self._status, self._folder = study, status, folder
        self._said_at = time.monotonic()
        self._said = ""

    def starting(self) -> None:
        """Say what begins."""
        self._say(f"study {self._study.name} in {self._folder}: starting Ray")

    def started(self, workers: int) -> None:
        """Say on what."""
        self._status.begin(workers)
        self._say(self._status.headline)

    def refresh(self) -> None:
        """Say how far it is, now and then."""
        if time.monotonic() - self._said_at >= PLAIN_S:
            self._progress()

    def draining(self) -> None:
        """Say that it ends."""
        self._say("interrupted: finishing the running epochs and writing checkpoints (once more: leave at once)")

    def ended(self) -> None:
        """Say where it ended."""
        self._progress()

    def _progress(self) -> None:
        parts = []
        for kind in ("search", "confirmation"):
            done, total = self._status.progress(kind)
            if total and (kind == "search" or done):
                parts.append(f"{kind} {done}/{total} ({self._status.states(kind) or 'none ended'})")
        self._said_at = time.monotonic()
        parts += [self._status.losses] if self._status.losses else []
        line = f"{'; '.join(parts)}; best {self._status.best}"
        if line != self._said:
            self._said = line
            self._say(f"{line}; {self._status.time}")

    def _say(self, line: str) -> None:
        print(line, flush=True)


class LiveView:
    """A few lines that are redrawn in place."""

    def __init__(self, study: Study, status: Status, folder: Path) -> None:
        self._study, self._status, self._folder = study, status, folder
        self._console = Console()
        self._note = "starting Ray"
        self._live = Live(console=self._console, auto_refresh=False, transient=False)
        self._drawn_at = 0.0
        self._over = False

    def starting(self) -> None:
        """Draw for the first time."""
        self._live.start()
        self._draw()

    def started(self, workers: int) -> None:
        """Say on what."""
        self._status.begin(workers)
        self._note = ""
        self._draw()

    def refresh(self) -> None:
        """Draw four times a second."""
        if time.monotonic() - self._drawn_at >= 0.25:
            self._draw()

    def draining(self) -> None:
        """Say that it ends."""
        self._note = "interrupted: finishing the running epochs and writing checkpoints (once more: leave at once)"
        self._draw()

    def ended(self) -> None:
        """Draw for the last time and give the cursor back."""
        if not self._over:
            self._over = True
            self._draw()
            self._live.stop()

    def _draw(self) -> None:
        self._drawn_at = time.monotonic()
        grid = Table.grid(padding=(0, 2))
        for kind in ("search", "confirmation"):
            done, total = self._status.progress(kind)
            if total:
                bar = ProgressBar(total=total, completed=done, width=30)
                grid.add_row(Text(kind), bar, Text(f"{done}/{total}"), Text(self._status.states(kind), style="dim"))
        lines: list[RenderableType] = [
            Text(self._status.headline, style="bold"),
            grid,
            Text(f"best  {self._status.best}"),
        ]
        if self._status.best_values:
            lines.append(Text(f"      {self._status.best_values}", style="dim"))
        lines.append(Text(f"time  {self._status.time}"))
        if self._status.losses:
            lines.append(Text(self._status.losses, style="yellow"))
        if self._note:
            lines.append(Text(self._note, style="yellow"))
        self._live.update(Group(*lines), refresh=True)
