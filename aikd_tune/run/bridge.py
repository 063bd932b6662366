"""The thin part that Ray Tune sees: a searcher, a scheduler and a callback around the conductor."""

from typing import Any

from ray.tune import Callback
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from aikd_tune.run.agenda import Answer
from aikd_tune.run.conductor import Conductor
from aikd_tune.run.jobs import Job, Report

CHUNK = 500
"""Trials for one Tuner: its memory grows with every trial that it has seen."""


class _OfThisProcess:
    """Tuner pickles what it is given, for a restore that is never used; the driver's state stays out of that file."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class JobSearcher(_OfThisProcess, Searcher):
    """Hands the conductor's jobs to Tune."""

    def __init__(self, conductor: Conductor, static: dict[str, Any]) -> None:
        super().__init__()
        self._conductor, self._static = conductor, static
        self._jobs: dict[str, Job] = {}
        self.num_started = 0
        self.reached_end = False

    def suggest(self, trial_id: str) -> Any:
        """The next job, or FINISHED; None while the confirmation waits for the last settings of the search."""
        if self.num_started >= CHUNK:
            return str(Searcher.FINISHED)
        answer = self._conductor.next()
        if answer is Answer.WAIT:
            return None
        if isinstance(answer, Answer):
            self.reached_end = True
            return str(Searcher.FINISHED)
        self.num_started += 1
        self._jobs[trial_id] = answer
        levels = self._conductor.levels if answer.kind == "search" else ()
        return {"job": answer.message(), "levels": list(levels), "trial": answer.trial, **self._static}

    def job(self, trial_id: str) -> Job:
        """The job behind Ray's name for it."""
        return self._jobs[trial_id]

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """A trial is over: by itself, stopped at a rung, or given up by Ray after its retries."""
        job = self._jobs.pop(trial_id)
        report = result["report"][0] if result and not error else None
        self._conductor.ended(job, report)

    def save(self, checkpoint_path: str) -> None:
        """The tables are the truth."""

    def restore(self, checkpoint_path: str) -> None:
        """The tables are the truth."""


class RungScheduler(_OfThisProcess, FIFOScheduler):
    """Asks the conductor whether a trial goes on."""

    def __init__(self, conductor: Conductor, searcher: JobSearcher) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Ray's
        self._conductor, self._searcher = conductor, searcher

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Continue or stop."""
        report: Report = result["report"][0]
        kept = self._conductor.keep(self._searcher.job(trial.trial_id), report)
        return str(TrialScheduler.CONTINUE if kept else TrialScheduler.STOP)

    def choose_trial_to_run(self, tune_controller: Any) -> None:
        """The controller starts pending trials by itself; FIFO's choice cancels actors that are just starting."""
        return


class RowCallback(_OfThisProcess, Callback):
    """Carries rows to the conductor, and the driver's own work into Tune's loop."""

    def __init__(self, conductor: Conductor, searcher: JobSearcher, on_step: Any) -> None:
        self._conductor, self._searcher, self._on_step = conductor, searcher, on_step

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Once per turn of Tune's loop."""
        self._on_step()

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Every result passes here once, before the searcher hears that a trial is complete."""
        self._conductor.record(self._searcher.job(trial.trial_id), result["report"][0])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tune keeps the last result of every trial that it has seen; ours may hold the predictions on a whole set."""
        trial.run_metadata.last_result.pop("report", None)
