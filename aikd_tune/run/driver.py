"""``aikd-tune run``: what is missing of a study is run, whatever happened before."""

import dataclasses
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aikd_tune.errors import StudyFileError
from aikd_tune.kd.data.describe import describe
from aikd_tune.run.conductor import Conductor
from aikd_tune.run.live import View, make_view
from aikd_tune.run.process import quiet_ray
from aikd_tune.spec import Study, differences, dump_study, load_study, parse_study
from aikd_tune.store import StudyFolder, StudyLock, write_atomic


@dataclass(frozen=True)
class Result:
    """How a run ended."""

    folder: Path
    trials_run: int
    failures: list[tuple[int, str]]
    """Trial and reason."""
    interrupted: bool
    exhausted: bool

    @property
    def exit_code(self) -> int:
        """0 done, 1 some trial failed, 130 interrupted."""
        return 130 if self.interrupted else 1 if self.failures else 0


def run_study(study_file: Path, results: Path, address: str | None = None, trials: int | None = None) -> Result:
    """Run what is missing of the study in ``study_file`` and return how it ended.

    Raises:
        StudyFileError: the study file is wrong, or differs from the recorded one; nothing was written.
        StudyFolderError: another run holds the study, or its folder cannot be read or written.
    """
    study = load_study(study_file, describe)
    if trials is not None:
        study = dataclasses.replace(study, search=study.search.model_copy(update={"trials": trials}))
    folder = StudyFolder.named(results, study.name)
    _refuse_differences(study_file, study, folder)
    fingerprint = describe(study.base.data).fingerprint
    with StudyLock(folder):
        conductor = Conductor(study, fingerprint, folder)
        if folder.is_study() and not conductor.has_next():
            return Result(folder.path, 0, [], interrupted=False, exhausted=conductor.exhausted)
        write_atomic(folder.study_file, dump_study(study).encode(), folder.scratch)
        interrupted = _run(study, conductor, folder, make_view(study, conductor, folder.path), address)
        conductor.close()
        conductor.provenance.end_run("interrupted" if interrupted else "complete")
    tally = conductor.tally
    return Result(
        folder.path, sum(len(s) for s in tally.seconds.values()), tally.failures, interrupted, conductor.exhausted
    )


def _refuse_differences(study_file: Path, study: Study, folder: StudyFolder) -> None:
    if not folder.is_study():
        return
    recorded = parse_study(folder.study_file.read_text(), str(folder.study_file), describe)
    different = differences(recorded, study)
    if different:
        advice = f"give the study another name (study: {study.name}-2), or undo the change"
        raise StudyFileError([f"{study_file}: {line}; {advice}" for line in different])


def _run(study: Study, conductor: Conductor, folder: StudyFolder, view: View, address: str | None) -> bool:
    """Run until nothing is left; true when a signal ended it before."""
    quiet_ray()
    from ray import tune

    from aikd_tune.run.bridge import JobSearcher, RowCallback, RungScheduler
    from aikd_tune.run.cluster import cluster, scratch, slots
    from aikd_tune.run.interrupt import Interrupt
    from aikd_tune.run.trainable import TrialTrainable
    from aikd_tune.run.watchdog import Watchdog, local_ray_processes

    interrupt = Interrupt()
    view.starting()
    with cluster(address) as coordinator, scratch() as experiment:
        interrupt.install()
        layout = slots(study.resources.per_trial, study.resources.max_concurrent)
        watchdog = Watchdog(
            local_ray_processes() if address is None else [], lambda: _ray_died(conductor, folder, view)
        )
        watchdog.start()
        conductor.provenance.begin_run(
            sys.argv, f"{layout.workers} workers of {layout.cpus} CPUs, {layout.gpus:g} GPUs"
        )
        view.started(layout.workers)
        drained = False

        def on_step() -> None:
            nonlocal drained
            if interrupt.count and not drained:
                drained = True
                conductor.stop()
                coordinator.drain.remote()
                view.draining()
            conductor.flush(due=True)
            view.refresh()

        trainable = tune.with_resources(TrialTrainable, {"cpu": layout.cpus, "gpu": layout.gpus})
        try:
            while not interrupt.count:
                searcher = JobSearcher(conductor, _static(study, folder, layout.cpus))
                tuner = tune.Tuner(
                    trainable,
                    tune_config=tune.TuneConfig(
                        num_samples=-1,
                        search_alg=searcher,
                        scheduler=RungScheduler(conductor, searcher),
                        reuse_actors=True,
                        max_concurrent_trials=layout.workers,
                        trial_name_creator=lambda trial: f"trial-{trial.config['trial']}",
                        trial_dirname_creator=lambda trial: f"{trial.config['trial']}-{trial.trial_id[-8:]}",
                    ),
                    run_config=tune.RunConfig(
                        name=f"run-{time.time_ns()}",
                        storage_path=str(experiment),
                        verbose=0,
                        failure_config=tune.FailureConfig(max_failures=study.resources.max_retries),
                        callbacks=[RowCallback(conductor, searcher, on_step)],
                    ),
                )
                tuner.fit()
                if searcher.reached_end:
                    break
            conductor.flush()
        except KeyboardInterrupt:
            conductor.flush()
        finally:
            watchdog.stop()
            view.ended()
    return interrupt.count > 0


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
    """Say it in one line and save what is here; the main thread hangs inside Ray."""
    view.ended()
    conductor.flush_from_elsewhere()
    print(
        f"the local Ray has died; what was finished is in {folder.path}: run again to continue",
        file=sys.stderr,
        flush=True,
    )
    os.environ.pop("RAY_ADDRESS", None)
