"""Rows of the ``trials`` table from jobs and reports. Pure."""

import json
import math
from datetime import UTC, datetime
from typing import Literal

from aikd_tune.errors import StudyFolderError
from aikd_tune.run.jobs import Job, Report, Row
from aikd_tune.run.sampler import State
from aikd_tune.spec import Setting, setting_key, trial_key
from aikd_tune.store import setting_columns

TRAIN_ON: tuple[Literal["train", "train+val"], ...] = ("train", "train+val")


def begun(study: str, job: Job, fingerprint: str) -> Row:
    """The row of a trial that has just been handed out."""
    return {
        **setting_columns(job.setting),
        "study": study,
        "kind": job.kind,
        "setting": job.number,
        "trial": job.trial,
        "trial_key": job.trial_key,
        "setting_key": setting_key(job.setting, fingerprint),
        "arm": job.arm,
        "confirm_rank": job.confirm_rank,
        "method": job.setting.distill.method,
        "seed": job.seed,
        "split_seed": job.setting.data.split_seed,
        "state": "running",
        "config": json.dumps(job.setting.model_dump(mode="json")),
        "test_look": job.test_look,
        "started_at": datetime.now(UTC),
    }


def ended(row: Row, report: Report | None, state: str, error: str | None) -> Row:
    """The final row of a trial."""
    columns = (report.columns if report else None) or {}
    return {**row, **columns, "state": state, "error_message": error, "finished_at": datetime.now(UTC)}


def job_of(row: Row, fingerprint: str) -> Job:
    """The job that a row of an unfinished trial stands for."""
    setting = Setting.model_validate_json(row["config"])
    fitting = [on for on in TRAIN_ON if trial_key(setting, row["seed"], fingerprint, on) == row["trial_key"]]
    if not fitting:
        raise StudyFolderError(
            f"trial {row['trial']}: its images or this program have changed since it was started; "
            "give the study another name"
        )
    return Job(
        kind=row["kind"],
        trial=row["trial"],
        setting=setting,
        seed=row["seed"],
        trial_key=row["trial_key"],
        number=row["setting"],
        arm=row["arm"],
        confirm_rank=row["confirm_rank"],
        train_on=fitting[0],
        test_look=row["test_look"],
    )


def outcome(report: Report | None) -> tuple[State, str | None]:
    """The final state of a trial from its last report, and why it failed; without a report its worker is gone."""
    if report is None:
        return "failed", "the worker died more often than resources.max_retries allows"
    if report.state == "failed":
        return "failed", report.error
    if report.state == "running":
        return ("pruned" if math.isfinite(report.value) else "diverged"), None
    assert report.state != "interrupted"
    return report.state, None


def without_validation(report: Report) -> Report:
    """A report of a trial that was trained on the validation images too: what was measured on them is no validation."""

    def blank(row: Row) -> Row:
        fitted = ("test_ece15_scaled", "test_nll_scaled", "best_epoch")
        return {name: None if name.startswith("val_") or name in fitted else value for name, value in row.items()}

    return report._replace(
        rows=[blank(row) for row in report.rows],
        teacher=None if report.teacher is None else blank(report.teacher),
        columns=None if report.columns is None else blank(report.columns),
        bins=[row for row in report.bins or [] if row["split"] != "val"],
        predictions=[row for row in report.predictions or [] if row["split"] != "val"],
    )
