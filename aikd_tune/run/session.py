"""One session of Ray: trials run until nothing is left, a signal ends them, or Ray dies."""

import sys
import time
from pathlib import Path
from typing import Any

from ray import tune

from aikd_tune.errors import UserError
from aikd_tune.run.bridge import JobSearcher, RowCallback, RungScheduler
from aikd_tune.run.cluster import Slots, cluster, scratch, slots
from aikd_tune.run.conductor import Conductor
from aikd_tune.run.interrupt import Interrupt
from aikd_tune.run.live import View
from aikd_tune.run.trainable import TrialTrainable
from aikd_tune.run.watchdog import Watchdog, local_ray_processes
from aikd_tune.spec import Study, dump_study
from aikd_tune.store import StudyFolder


def run_trials(study: Study, conductor: Conductor, folder: StudyFolder, view: View, address: str | None) -> bool:
    """Run what the conductor hands out; true when a signal ended it before.

    Raises:
        UserError: the cluster cannot be reached, no trial fits it, or the study folder cannot be written.
    """
    with Interrupt() as interrupt, cluster(address) as coordinator, scratch() as experiment:
        interrupt.install()
        layout = slots(study.resources.per_trial, study.resources.max_concurrent)
        machine = f"{layout.workers} workers of {layout.cpus} CPUs, {layout.gpus:g} GPUs"
        folder.create(dump_study(study))
        conductor.provenance.begin_run(sys.argv, machine)
        view.started(layout.workers)
        turn = _Turn(conductor, coordinator, interrupt, view, study.resources.drain_s)
        with Watchdog(local_ray_processes(address), lambda: _ray_died(conductor, folder, view)):
            try:
                while not interrupt.count:
                    searcher = JobSearcher(conductor, _static(study, folder, layout.cpus))
                    _tuner(study, layout, experiment, conductor, searcher, turn).fit()
                    if searcher.reached_end:
                        break
            except KeyboardInterrupt:  # the second signal, or the time for draining is over
                pass
            conductor.flush()
        return interrupt.count > 0


class _Turn:
    """The driver's own work, done once per turn of Tune's loop."""

    def __init__(
        self, conductor: Conductor, coordinator: Any, interrupt: Interrupt, view: View, drain_s: float
    ) -> None:
        self._conductor, self._coordinator, self._interrupt, self._view = conductor, coordinator, interrupt, view
        self._drain_s = drain_s
        self._draining_since: float | None = None

    def __call__(self) -> None:
        if self._draining_since is not None and time.monotonic() - self._draining_since >= self._drain_s:
            raise KeyboardInterrupt  # an epoch takes longer than there is time for
        if self._interrupt.count and self._draining_since is None:
            self._draining_since = time.monotonic()
            self._conductor.stop()
            self._coordinator.drain.remote()
            self._view.draining()
        self._conductor.flush(due=True)
        self._view.refresh()


def _tuner(
    study: Study, layout: Slots, experiment: Path, conductor: Conductor, searcher: JobSearcher, turn: _Turn
) -> tune.Tuner:
    return tune.Tuner(
        tune.with_resources(TrialTrainable, {"cpu": layout.cpus, "gpu": layout.gpus}),
        tune_config=tune.TuneConfig(
            num_samples=-1,
            search_alg=searcher,
            scheduler=RungScheduler(conductor, searcher),
            reuse_actors=True,
            # Without it Tune keeps one trial pending, and short trials then run on a single worker.
            max_concurrent_trials=layout.workers,
            trial_name_creator=lambda trial: f"trial-{trial.config['trial']}",
            trial_dirname_creator=lambda trial: f"{trial.config['trial']}-{trial.trial_id[-8:]}",
        ),
        run_config=tune.RunConfig(
            name=f"run-{time.time_ns()}",
            storage_path=str(experiment),
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=0),  # the conductor hands a lost trial out again
            callbacks=[RowCallback(conductor, searcher, turn)],
        ),
    )


def _static(study: Study, folder: StudyFolder, threads: int) -> dict[str, Any]:
    """What every job of the study has in common."""
    resources = study.resources
    return {
        "metric": study.search.metric,
        "threads": threads,
        "checkpoints": str(folder.checkpoints.resolve()),
        "teachers": str(folder.teachers.resolve()),
        "checkpoint_every_s": resources.checkpoint_every_s,
        "cache_gib": resources.teacher_cache_gib,
    }


def _ray_died(conductor: Conductor, folder: StudyFolder, view: View) -> None:
    """Save what is here and say it in one line; the main thread hangs inside Ray."""
    text = f"the local Ray has died; what was finished is in {folder.path}: run again to continue"
    try:
        view.ended()
        conductor.flush_from_elsewhere()
    except UserError as error:  # a full disk, say
        text += f" ({error})"
    finally:
        print(text, file=sys.stderr, flush=True)
