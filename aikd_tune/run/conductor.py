"""The driver's view of a study: what is next, what has come in, what goes on. Knows no Ray."""

import math
import threading
import time

from aikd_tune.run.agenda import Agenda, Answer
from aikd_tune.run.confirmation import Candidate, arms, look, seeds
from aikd_tune.run.history import curves, evaluation, minimised, replay
from aikd_tune.run.jobs import Job, Report, Row
from aikd_tune.run.mirror import Mirror
from aikd_tune.run.rows import begun, ended, job_of, outcome
from aikd_tune.run.rungs import Rungs, longest
from aikd_tune.run.sampler import SettingSampler, State
from aikd_tune.run.tally import Tally
from aikd_tune.spec import Setting, Study, first_settings, setting_key, trial_key
from aikd_tune.store import Blobs, Provenance, StudyFolder, TableWriter, read_rows

FLUSH_S = 2.0
"""The tables are at most this far behind what has happened."""

UNFINISHED = frozenset({"running", "failed"})
"""States that a later run takes up again."""


class Conductor:
    """One study in progress: built from its tables, fed by reports, the only writer of its tables."""

    def __init__(self, study: Study, fingerprint: str, folder: StudyFolder) -> None:
        self._study, self._fingerprint, self._folder = study, fingerprint, folder
        self._writer, self.provenance = TableWriter(folder), Provenance(folder)
        self._checkpoints = Blobs(folder.checkpoints)
        self._metric = study.search.metric
        self._rungs = Rungs(study.search.early_stopping, longest(study))
        self.levels = self._rungs.levels
        self._rows: dict[int, Row] = {}
        self._curves: dict[int, dict[int, float]] = {}
        self._candidates: list[Candidate] = []
        self._planned_keys: set[str] = set()
        self._unopened: tuple[list[str], list[str], list[int]] | None = None
        self._finished_keys: list[str] = []
        self._begun_at: dict[int, float] = {}
        self._flushed_at = time.monotonic()
        self._flushing = threading.RLock()
        self.tally = Tally()
        self._sampler = SettingSampler(study, fingerprint, first_settings(study))
        self._mirror = Mirror(folder.journal, study)
        self._agenda = self._load()

    # Built from the tables ------------------------------------------------------------------------------------------

    def _load(self) -> Agenda:
        rows = sorted(read_rows(self._folder, "trials"), key=lambda row: row["trial"])
        epoch_rows = read_rows(
            self._folder, "epochs", columns=["run_key", "phase", "epoch", self._metric, self._study.search.tie_break]
        )
        searched = [row for row in rows if row["kind"] == "search"]
        numbers = {row["trial_key"]: row["setting"] for row in searched}
        by_key = curves((row for row in epoch_rows if row["run_key"] in numbers), self._metric)
        replay(self._rungs, epoch_rows, numbers, self._metric)
        evaluations = []
        for row in searched:
            setting = Setting.model_validate_json(row["config"])
            state: State = "running" if row["state"] in UNFINISHED else row["state"]
            curve = by_key.get(row["trial_key"], {})
            evaluations.append(evaluation(row["setting"], setting, state, curve, self.levels))
            if state == "running":
                self._curves[row["trial"]] = curve
            self._candidate(row, setting)
        self._sampler.rebuild(evaluations)
        self._mirror.rebuild(evaluations)
        for row in rows:
            self._count(row["kind"], "unfinished" if row["state"] in UNFINISHED else row["state"])
            if row["kind"] == "confirmation":
                self._planned_keys.add(row["trial_key"])
        unfinished = [row for row in rows if row["state"] in UNFINISHED]
        self._rows = {row["trial"]: row for row in unfinished}
        self._sweep({row["trial_key"] for row in unfinished})
        return Agenda(
            self._study,
            self._fingerprint,
            self._sampler,
            [job_of(row, self._fingerprint) for row in unfinished],
            num_settings=max((row["setting"] + 1 for row in searched), default=0),
            next_trial=max((row["trial"] + 1 for row in rows), default=0),
            confirm=self._confirmation,
        )

    def _sweep(self, unfinished: set[str]) -> None:
        """Remove what killed runs left: checkpoints of ended trials, temporary files of dead writers."""
        for name in self._checkpoints.names():
            if name.split("/")[0] not in unfinished:
                self._checkpoints.delete(name)
        for blobs in (self._checkpoints, Blobs(self._folder.teachers)):
            blobs.clear_temporary()

    def _candidate(self, row: Row, setting: Setting) -> None:
        if row["kind"] != "search" or row["state"] != "complete":
            return
        search = self._study.search
        candidate = Candidate(
            row["setting"],
            setting,
            minimised(search.metric, row[search.metric]),
            minimised(search.tie_break, row[search.tie_break]),
        )
        self._candidates.append(candidate)
        best = self.tally.best
        if best is None or (candidate.value, candidate.tie_break, candidate.number) < (
            best.value,
            best.tie_break,
            best.number,
        ):
            self.tally.best, self.tally.best_raw = candidate, row[search.metric]

    # What is next ---------------------------------------------------------------------------------------------------

    def next(self) -> Job | Answer:
        """The next trial, with its row begun; a look at the test set is counted before the first trial of it starts."""
        answer = self._agenda.next()
        if isinstance(answer, Job):
            if answer.test_look is not None and self._unopened is not None:
                self.provenance.open_test(*self._unopened)
                self._unopened = None
            row = self._rows.get(answer.trial)
            if row is None or row["state"] == "failed":
                row = self._rows[answer.trial] = begun(self._study.name, answer, self._fingerprint)
                self._writer.put_trials([row])
            self._curves.setdefault(answer.trial, {})
            self._begun_at[answer.trial] = time.monotonic()
            self._count(answer.kind, "running")
        return answer

    def has_next(self) -> bool:
        """Whether anything is left to run."""
        return self._agenda.has_next()

    @property
    def exhausted(self) -> bool:
        """Whether the search ended because a finite space has no other setting."""
        return self._agenda.exhausted

    def stop(self) -> None:
        """Hand out nothing more."""
        self._agenda.stop()

    def _confirmation(self, next_trial: int) -> list[Job]:
        study = self._study
        planned = arms(study, self._candidates)
        self.tally.confirmation = 0
        if not planned:
            return []
        chosen_seeds = seeds(study)
        self.tally.confirmation = len(planned) * len(chosen_seeds)
        jobs = []
        # Seed by seed within an arm: the workers then train different teachers instead of waiting for one.
        for arm in planned:
            for seed in chosen_seeds:
                key = trial_key(arm.setting, seed, self._fingerprint, study.confirm.train_on)
                if key not in self._planned_keys:
                    jobs.append((arm, seed, key))
        if not jobs:
            return []
        names = [arm.name for arm in planned]
        keys = [setting_key(arm.setting, self._fingerprint) for arm in planned]
        looks = self.provenance.test_looks()
        number = look(looks, names, keys, chosen_seeds)
        if number is None:
            number = len(looks) + 1
            self._unopened = (names, keys, chosen_seeds)
        return [
            Job(
                "confirmation",
                next_trial + index,
                arm.setting,
                seed,
                key,
                number=arm.number,
                arm=arm.name,
                confirm_rank=arm.rank,
                train_on=study.confirm.train_on,
                test_look=number,
            )
            for index, (arm, seed, key) in enumerate(jobs)
        ]

    # What comes in --------------------------------------------------------------------------------------------------

    def record(self, job: Job, report: Report) -> None:
        """Take a report's rows."""
        with self._flushing:
            self._record(job, report)

    def _record(self, job: Job, report: Report) -> None:
        rows = [
            {**row, "study": self._study.name, "trial": None if row["phase"] == "teacher" else job.trial}
            for row in report.rows
        ]
        self._writer.append("epochs", rows)
        self.tally.warnings += [(job.trial, warning) for warning in report.warnings or ()]
        for row in rows:
            if row["phase"] == "student":
                self._curves[job.trial][row["epoch"]] = minimised(self._metric, row[self._metric])
        if report.teacher is not None:
            self._writer.put_teachers([{**report.teacher, "study": self._study.name}])

    def keep(self, job: Job, report: Report) -> bool:
        """Whether a running trial goes on after this report."""
        if job.kind != "search" or report.state != "running" or report.epoch == 0:
            return True
        assert job.number is not None
        # Every rung among its rows: one that a checkpoint has passed may not have been decided before a kill.
        decisions = [
            self._rungs.keep(job.number, row["epoch"], minimised(self._metric, row[self._metric]))
            for row in report.rows
            if row["phase"] == "student" and row["epoch"] in self.levels
        ]
        return all(decisions) and math.isfinite(report.value)

    def ended(self, job: Job, report: Report | None) -> None:
        """A trial is over; without a report its worker has died, and it starts again from its last checkpoint."""
        with self._flushing:
            self._ended(job, report)

    def _ended(self, job: Job, report: Report | None) -> None:
        self._count(job.kind, "running", -1)
        if report is None and self.tally.losses.get(job.trial, 0) < self._study.resources.max_retries:
            self.tally.losses[job.trial] = self.tally.losses.get(job.trial, 0) + 1
            self._agenda.again(job)
            return
        self._agenda.ended(job)
        if report is not None and report.state == "interrupted":
            self._count(job.kind, "unfinished")
            return
        state, error = outcome(report)
        row = ended(self._rows.pop(job.trial), report, state, error)
        curve = self._curves.pop(job.trial)
        if report is not None and state != "failed":
            self._writer.append("bins", report.bins or [])
            self._writer.append("predictions", report.predictions or [])
        self._writer.put_trials([row])
        self._count(job.kind, state)
        self.tally.seconds.setdefault(job.kind, []).append(time.monotonic() - self._begun_at.pop(job.trial))
        if error is not None:
            self.tally.failures.append((job.trial, error))
        else:
            self._finished_keys.append(job.trial_key)
        if job.number is not None and job.kind == "search":
            told = evaluation(job.number, job.setting, state, curve, self.levels)
            self._sampler.tell(told)
            self._mirror.add(told)
            self._candidate(row, job.setting)

    def flush(self, *, due: bool = False) -> None:
        """Make everything durable (``due``: only when it is time); checkpoints go once their rows are safe."""
        if due and time.monotonic() - self._flushed_at < FLUSH_S:
            return
        with self._flushing:
            self._writer.flush()
            for key in self._finished_keys:
                self._folder.remove_checkpoints(key)
            self._finished_keys = []
            self._mirror.flush()
            self._flushed_at = time.monotonic()

    def flush_from_elsewhere(self) -> None:
        """Save what there is while the main thread hangs; given up where it hangs in a flush."""
        if self._flushing.acquire(timeout=5):
            self.flush()

    def close(self) -> None:
        """Flush and merge the small files of the run."""
        self.flush()
        self._writer.compact()

    def _count(self, kind: str, state: str, change: int = 1) -> None:
        self.tally.states[kind, state] = self.tally.states.get((kind, state), 0) + change
