import math
from typing import Literal

import pytest
from studies import small_study

from aikd_tune.errors import StudyFolderError
from aikd_tune.run.jobs import Job, Report
from aikd_tune.run.rows import begun, job_of, outcome, without_validation
from aikd_tune.spec import trial_key

SETTING = small_study().base
TrainOn = Literal["train", "train+val"]


def job(train_on: TrainOn) -> Job:
    key = trial_key(SETTING, 3, "f", train_on)
    return Job(
        "confirmation", 7, SETTING, 3, key, number=2, arm="setting 2", confirm_rank=1, train_on=train_on, test_look=1
    )


@pytest.mark.parametrize("train_on", ["train", "train+val"])
def test_a_job_survives_its_message_and_its_row(train_on: TrainOn) -> None:
    assert Job.from_message(job(train_on).message()) == job(train_on)
    assert job_of(begun("small", job(train_on), "f"), "f") == job(train_on)


def test_a_row_of_other_images_is_refused() -> None:
    with pytest.raises(StudyFolderError, match=r"^trial 7: its images or this program have changed since"):
        job_of(begun("small", job("train"), "f"), "other")


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (Report("complete", 6, 1.0, []), ("complete", None)),
        (Report("diverged", 6, math.inf, []), ("diverged", None)),
        (Report("running", 2, 1.0, []), ("pruned", None)),
        (Report("running", 2, math.inf, []), ("diverged", None)),
        (Report("failed", 2, math.inf, [], error="why"), ("failed", "why")),
        (None, ("failed", "the worker died more often than resources.max_retries allows")),
    ],
)
def test_the_last_report_decides_the_state(report: Report | None, expected: tuple[str, str | None]) -> None:
    assert outcome(report) == expected


def test_validation_images_that_were_trained_on_validate_nothing() -> None:
    columns = {"val_error": 0.1, "test_error": 3.0, "test_nll": 0.1, "test_nll_scaled": 0.1, "best_epoch": 4, "seed": 1}
    splits = [{"split": "val"}, {"split": "test"}]
    report = Report("complete", 6, 0.1, [{"val_nll": 0.1, "loss": 0.2}], columns, columns, splits, splits)
    found = without_validation(report)
    blank = {
        "val_error": None,
        "test_error": 3.0,
        "test_nll": 0.1,
        "test_nll_scaled": None,
        "best_epoch": None,
        "seed": 1,
    }
    assert found.columns == found.teacher == blank
    assert found.rows == [{"val_nll": None, "loss": 0.2}]
    assert found.bins == found.predictions == [{"split": "test"}]
