"""What a worker process does with one trial after another, and what it keeps for them to share."""

import math
import time
import traceback
from pathlib import Path
from typing import Any, Literal

import torch
from ray.exceptions import RayError

from aikd_tune.errors import UserError
from aikd_tune.kd.device import device_name
from aikd_tune.kd.teacher import TableCache
from aikd_tune.kd.trial import TrialRun
from aikd_tune.run.coordinator import ClusterLease, Draining
from aikd_tune.run.history import minimised
from aikd_tune.run.jobs import Job, Report, Row
from aikd_tune.run.rows import without_validation
from aikd_tune.store import Blobs, TrialCheckpoints, software

STEP_S = 1.0
"""A step ends after the first epoch that exceeds this, or at a rung: rows reach the tables at least this often."""

CACHE_BYTES = 256 * 1024**2
"""Teacher logits that a worker keeps in memory for the trials to come."""


class Worker:
    """Runs one trial at a time; nothing that a trial does raises.

    A trial's own failure is a row of the table, so that every error Ray sees is infrastructure and is retried.
    """

    def __init__(self, config: dict[str, Any], coordinator: Any, actor: Any) -> None:
        self._threads: int = config["threads"]
        self._cache_gib: float = config["cache_gib"]
        self._metric: str = config["metric"]
        self._checkpoint_every_s: float = config["checkpoint_every_s"]
        self._all_checkpoints, self._teachers = Blobs(Path(config["checkpoints"])), Blobs(Path(config["teachers"]))
        self._coordinator, self._actor = coordinator, actor
        self._cache = TableCache(CACHE_BYTES)
        self.draining = False
        torch.set_num_threads(self._threads)

    def begin(self, job: Job, levels: tuple[int, ...]) -> None:
        """Take up a trial; ``levels``: student epochs at which the driver decides whether it goes on."""
        self._job, self._levels = job, levels
        self._lease = ClusterLease(self._coordinator, self._actor, job.trial_key)
        self._run: TrialRun | None = None
        self._checkpoints = TrialCheckpoints(self._all_checkpoints, job.trial_key)
        self._warnings: list[str] = []  # of checkpoints, until they are told
        self._teacher_told = False
        self._saved_at = time.monotonic()

    def step(self) -> Report:
        """Train up to the next rung, or for about a second."""
        try:
            report = self._advance()
        except Draining:
            report = self._report("interrupted", [])
        except RayError:  # the coordinator is gone: infrastructure, not the trial's doing
            raise
        except UserError as error:
            report = self._failed(str(error))
        except Exception as error:  # a trial's own failure is a row of the table, whatever it is
            where = traceback.extract_tb(error.__traceback__)[-1]
            report = self._failed(f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})")
        if self._job.train_on == "train+val":
            report = without_validation(report)
        if report.state != "running":
            self._run = None
            if report.state != "complete":
                self._lease.forget()
        return report

    def _advance(self) -> Report:
        run = self._run
        if run is None:
            run = self._run = self._start()
        if self.draining:
            self._save(run)
            return self._report("interrupted", [])
        level = next((level for level in self._levels if level > run.epoch), None)
        rows = run.advance(until_epoch=level, seconds=STEP_S)
        if run.finished:
            return self._ended(run, "diverged" if run.diverged else "complete", rows)
        if run.epoch in self._levels:
            return self._ended(run, "running", rows)
        if time.monotonic() - self._saved_at >= self._checkpoint_every_s:
            self._save(run)
        return self._report("running", rows)

    def _start(self) -> TrialRun:
        job = self._job
        run = TrialRun(
            job.setting,
            job.seed,
            train_on=job.train_on,
            device=device_name(),
            threads=self._threads,
            get=self._teachers.get,
            put=self._teachers.put,
            lease=self._lease,
            cache_gib=self._cache_gib,
            tables_cache=self._cache,
            open_test=job.test_look is not None,
        )
        self._warnings = self._checkpoints.restore(run.restore)
        return run

    def _save(self, run: TrialRun) -> None:
        self._saved_at = time.monotonic()
        self._checkpoints.save(1 if run.in_phase_1 else 2, run.epoch, run.checkpoint())

    def _ended(self, run: TrialRun, state: Literal["running", "complete", "diverged"], rows: list[Row]) -> Report:
        outcome = run.outcome()
        return self._report(state, rows)._replace(
            columns=outcome.columns | {"software": software()}, bins=outcome.bins, predictions=outcome.predictions
        )

    def _report(
        self, state: Literal["running", "complete", "diverged", "failed", "interrupted"], rows: list[Row]
    ) -> Report:
        run, warnings = self._run, self._warnings
        self._warnings = []
        if run is None:
            return Report(state, 0, math.inf, rows, warnings=warnings)
        value = minimised(self._metric, run.value(self._metric)) if run.epoch and not run.diverged else math.inf
        # A teacher whose test metrics will be known at the end is told of then, once.
        early = self._job.test_look is not None and not run.finished
        teacher = None if self._teacher_told or early else run.teacher_row()
        self._teacher_told = teacher is not None or self._teacher_told
        return Report(state, run.epoch, value, rows, teacher=teacher, warnings=warnings)

    def _failed(self, error: str) -> Report:
        # Nothing else of the run is asked: what has failed once would fail again.
        epoch = 0 if self._run is None else self._run.epoch
        return Report("failed", epoch, math.inf, [], error=" ".join(error.split()))
