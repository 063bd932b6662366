"""A worker: runs one trial after another in one process, and keeps what they can share."""

import math
import os
import time
import traceback
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune

from aikd_tune.errors import UserError
from aikd_tune.kd.device import device_name
from aikd_tune.kd.teacher import TableCache
from aikd_tune.kd.trial import TrialRun
from aikd_tune.run.coordinator import NAME, ClusterLease, Draining
from aikd_tune.run.history import minimised
from aikd_tune.run.jobs import Job, Report
from aikd_tune.run.process import die_with_parent
from aikd_tune.store import Blobs

STEP_S = 1.0
"""A step ends after the first epoch that exceeds this, or at a rung: rows reach the tables at least this often."""

CACHE_BYTES = 256 * 1024**2
"""Teacher logits that a worker keeps in memory for the trials to come."""


class TrialTrainable(tune.Trainable):
    """One step is the epochs up to the next rung, or about a second of work; its rows travel in the result.

    Nothing that a trial does raises: its own failure is a row, so that every error Ray sees is infrastructure.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Prepare the process once, then begin the first trial."""
        die_with_parent()
        torch.set_num_threads(config["threads"])
        self._cache = TableCache(CACHE_BYTES)
        self._coordinator = ray.get_actor(NAME)
        context: Any = ray.get_runtime_context()
        self._worker = context.current_actor
        self._drain = bool(ray.get(self._coordinator.register.remote(self._worker)))
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial in the same process."""
        self._begin(new_config)
        return True

    def ask_drain(self) -> None:
        """Leave after the present step: the next one writes a checkpoint and ends."""
        self._drain = True

    def _begin(self, config: dict[str, Any]) -> None:
        self._job = Job.from_message(config["job"])
        self._levels: tuple[int, ...] = tuple(config["levels"])
        self._metric: str = config["metric"]
        self._checkpoint_every_s: float = config["checkpoint_every_s"]
        self._checkpoints = Blobs(Path(config["checkpoints"]))
        self._teachers = Blobs(Path(config["teachers"]))
        self._lease = ClusterLease(self._coordinator, self._worker, self._job.trial_key)
        self._run: TrialRun | None = None
        self._teacher_told = False
        self._saved_at = time.monotonic()
        self._config_threads: int = config["threads"]
        self._cache_gib: float = config["cache_gib"]

    def step(self) -> dict[str, Any]:
        """Train for a while and return the rows; see ``Report``."""
        try:
            report = self._advance()
        except Draining:
            report = self._report("interrupted", [])
        except UserError as error:
            report = self._failed(str(error))
        except Exception as error:  # a trial's own failure is a row of the table, whatever it is
            where = traceback.extract_tb(error.__traceback__)[-1]
            report = self._failed(f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})")
        done = report.state != "running"
        if done:
            self._run = None
            if report.state != "complete":
                self._lease.forget()
        return {"epoch": report.epoch, "value": report.value, "done": done, "report": (report,)}

    def _advance(self) -> Report:
        run = self._run
        if run is None:
            run = self._run = self._start()
        if self._drain:
            self._save(run)
            return self._report("interrupted", [])
        level = next((level for level in self._levels if level > run.epoch), None)
        rows = run.advance(until_epoch=level, seconds=STEP_S)
        if run.finished or run.diverged:
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
            threads=self._config_threads,
            get=self._teachers.get,
            put=self._teachers.put,
            lease=self._lease,
            cache_gib=self._cache_gib,
            tables_cache=self._cache,
            open_test=job.test_look is not None,
        )
        for name in sorted(self._checkpoints.names(job.trial_key), reverse=True):
            data = self._checkpoints.get(name)
            try:
                if data is not None:
                    run.restore(data)
                    break
            except UserError:  # truncated or foreign: the one before it, or the beginning
                continue
        return run

    def _save(self, run: TrialRun) -> None:
        phase = 1 if run.in_phase_1 else 2
        self._checkpoints.put(f"{self._job.trial_key}/{phase}-{run.epoch:06d}.pt", run.checkpoint())
        self._saved_at = time.monotonic()

    def _ended(self, run: TrialRun, state: Any, rows: list[dict[str, Any]]) -> Report:
        outcome = run.outcome()
        return self._report(state, rows)._replace(
            columns=outcome.columns, bins=outcome.bins, predictions=outcome.predictions
        )

    def _report(self, state: Any, rows: list[dict[str, Any]]) -> Report:
        run = self._run
        if run is None:
            return Report(state, 0, math.inf, rows)
        value = minimised(self._metric, run.value(self._metric)) if run.epoch and not run.diverged else math.inf
        # A teacher whose test metrics will be known at the end is told of then, once.
        early = self._job.test_look is not None and not run.finished
        teacher = None if self._teacher_told or early else run.teacher_row()
        self._teacher_told = teacher is not None or self._teacher_told
        return Report(state, run.epoch, value, rows, teacher=teacher)

    def _failed(self, error: str) -> Report:
        return self._report("failed", [])._replace(error=" ".join(error.split()))

    def get_auto_filled_metrics(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Ray keeps two deques for every number of a result; one is enough."""
        return {"pid": os.getpid()}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Ray's checkpoints are never used."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Ray's checkpoints are never used."""
