"""``aikd-tune train``: one trial of fixed values in this process, without Ray."""

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from aikd_tune.errors import StudyFileError
from aikd_tune.kd.data.describe import describe
from aikd_tune.kd.device import usable_device
from aikd_tune.kd.trial import TrialRun
from aikd_tune.spec import Study, load_study
from aikd_tune.store import Blobs
from aikd_tune.store.files import write_atomic
from aikd_tune.store.folder import TEACHERS, local_path

SHOWN = ("val_error", "val_nll", "val_ece15", "val_aurc", "val_brier")


def train_command(path: Path, seed: int | None, results: str, device: str | None, save: Path | None) -> int:
    """Train and print the validation metrics; the teacher is read from, and kept in, the results root.

    ``save``: where the student's state dict goes, which ``teacher.file`` reads.
    """
    device = usable_device(device)
    study = load_study(path, describe)
    if study.space.domains:
        raise StudyFileError(
            [f"{path}: {name}: must be a value for train, found a domain" for name in study.space.domains]
        )
    teachers = Blobs(local_path(results) / TEACHERS)
    run = TrialRun(
        study.base,
        study.seed if seed is None else seed,
        get=teachers.get,
        put=teachers.put,
        device=device,
        threads=study.resources.per_trial.cpus,
        cache_gib=study.resources.teacher_cache_gib,
    )
    _train(study, run)
    columns = run.outcome().columns
    for name in SHOWN:
        if columns.get(name) is not None:  # nothing was validated if the teacher diverged
            print(f"{name:<12}{columns[name]:.4g}")
    if save is not None and not run.diverged:
        write_atomic(save, run.student_weights(), save.parent)
        print(f"student     {save}")
    if run.diverged:
        print(f"diverged after {run.epoch} epochs: a loss or the validation NLL was not finite", file=sys.stderr)
    return int(run.diverged)


def _train(study: Study, run: TrialRun) -> None:
    bar = (TextColumn("{task.description:<8}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*bar, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        phases = {
            "teacher": progress.add_task(
                "teacher",
                total=study.base.teacher.epochs or study.base.train.epochs,
                note="",
                visible=run.teacher_key is not None,
            ),
            "student": progress.add_task("student", total=study.base.train.epochs, note=""),
        }
        while not run.finished:
            for row in run.advance(seconds=0):
                note = f"loss {row['loss']:.3f}  val_error {row['val_error']:.2f} %"
                progress.update(phases[row["phase"]], completed=row["epoch"], note=note)
