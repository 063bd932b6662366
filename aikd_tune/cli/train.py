"""``aikd-tune train``: one trial of fixed values in this process, without Ray."""

import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from aikd_tune.errors import StudyFileError, UsageError, UserError
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.device import usable_device
from aikd_tune.kd.preflight import check_networks, own_errors
from aikd_tune.kd.trial import TrialRun
from aikd_tune.run.interrupt import Interrupt
from aikd_tune.spec import Study, load_study
from aikd_tune.store import Blobs, TrialCheckpoints, write_atomic
from aikd_tune.store.folder import TEACHERS, TRAINED, local_path

SHOWN = ("val_error", "val_nll", "val_ece15", "val_aurc", "val_brier")


def train_command(path: Path, seed: int | None, results: str, device: str | None, save: Path | None) -> int:
    """Train and print the validation metrics; the teacher is read from, and kept in, the results root.

    ``save``: where the student's state dict goes, which ``teacher.file`` reads. What a kill leaves is gone on from.
    """
    device = usable_device(device)
    if save is not None and ((save.exists() and not save.is_file()) or not os.access(save.absolute().parent, os.W_OK)):
        raise UsageError(f"--save: must be a file in a folder that can be written, found {save}")
    study = load_study(path, describe)
    if study.space.domains:
        raise StudyFileError(
            [f"{path}: {name}: must be a value for train, found a domain" for name in study.space.domains]
        )
    try:
        check_networks(study, describe(study.base.data))
    except UserError as error:
        raise StudyFileError([f"{path}: {error}"]) from error
    root = local_path(results)
    teachers = Blobs(root / TEACHERS)
    run = TrialRun(
        study.base,
        study.seed if seed is None else seed,
        get=teachers.get,
        put=teachers.put,
        device=device,
        threads=study.resources.per_trial.cpus,
        cache_gib=study.resources.teacher_cache_gib,
    )
    checkpoints = TrialCheckpoints(Blobs(root / TRAINED), run.trial_key)
    for refused in checkpoints.restore(run.restore):
        print(f"warning: {refused}", file=sys.stderr)
    if run.restored:
        where = "in phase 1" if run.in_phase_1 else f"after epoch {run.epoch}"
        print(f"going on {where}", file=sys.stderr)
    with own_errors(study.base):
        interrupted = _train(study, run, checkpoints)
    if interrupted:
        where = "in phase 1" if run.in_phase_1 else f"after epoch {run.epoch}"
        print(f"interrupted {where}; the same command continues", file=sys.stderr)
        return 130
    columns = run.outcome().columns
    for name in SHOWN:
        if columns.get(name) is not None:  # nothing was validated if the teacher diverged
            print(f"{name:<12}{columns[name]:.4g}")
    if run.diverged:
        print(f"diverged after {run.epoch} epochs: a loss or the validation NLL was not finite", file=sys.stderr)
    elif save is not None:
        write_atomic(save, run.student_weights(), save.absolute().parent)
        print(f"{'student':<12}{save}")
    checkpoints.remove()
    return int(run.diverged)


def _train(study: Study, run: TrialRun, checkpoints: TrialCheckpoints) -> bool:
    """Train to the end, or to the end of the epoch in which a signal came; whether one did."""
    bar = (TextColumn("{task.description:<8}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
    saved_at = time.monotonic()
    progress = Progress(*bar, TimeRemainingColumn(), console=Console(stderr=True))
    with Interrupt() as interrupt, progress:
        phases = {
            "teacher": progress.add_task(
                "teacher",
                total=study.base.teacher.epochs or study.base.train.epochs,
                note="",
                visible=run.teacher_key is not None and study.base.teacher.file is None,
            ),
            "student": progress.add_task("student", total=study.base.train.epochs, note=""),
        }
        while not run.finished:
            for row in run.advance(seconds=0):
                note = f"loss {row['loss']:.3f}  val_error {row['val_error']:.2f} %"
                progress.update(phases[row["phase"]], completed=row["epoch"], note=note)
            due = interrupt.count > 0 or time.monotonic() - saved_at >= study.resources.checkpoint_every_s
            if due and not run.finished:
                saved_at = time.monotonic()
                checkpoints.save(1 if run.in_phase_1 else 2, run.epoch, run.checkpoint())
            if interrupt.count > 0 and not run.finished:
                return True
    return False
