from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from synthetic_study import START, STUDY, Synthetic, by_seed

from aikd_tune.errors import StudyFolderError
from aikd_tune.report.pace import pace, plan
from aikd_tune.report.status import status_text
from aikd_tune.store.lock import StudyLock

SMALL = STUDY.replace("trials: 12", "trials: 6").replace("settings: 3, replicates: 10", "settings: 1, replicates: 2")


def test_a_study_that_was_stopped(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, SMALL)
    study.search([5.0, 8.0, None, None], ["complete", "pruned", "failed", "running"])
    assert status_text(study.save()).splitlines() == [
        "study         digits: not running, and not finished",
        "search        3 of 6 trials ended: 1 complete, 1 stopped early, 1 failed, 1 running",
        "confirmation  0 of 6 trials ended",
        "epochs        46 of students, 30 of teachers",
        "best so far   setting 0: validation error 5.00 %, validation NLL 0.200 (search, one seed)",
        "continue      aikd-tune run 'my digits.yaml'",
        "failed        trial 2: RuntimeError: out of memory",
    ]


def test_a_finished_study(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, SMALL)
    study.search([5.0, 8.0, 8.0, 8.0, 8.0, 8.0], ["complete", *["pruned"] * 5])
    study.confirm("setting 0", by_seed([5.0, 5.2]), by_seed([6.0, 6.6]), number=0, rank=1)
    for arm in ("ce", "label_smoothing"):
        study.confirm(arm, by_seed([5.5, 5.5]), by_seed([7.0, 7.2]))
    lines = status_text(study.save()).splitlines()
    assert lines[0] == "study         digits: finished"
    assert lines[2] == "confirmation  6 of 6 trials ended: 6 complete"
    assert lines[-1].startswith(
        "answer        No difference shown between tuned AI-KD and the CE baseline on test: error"
    )


def test_a_running_study_names_its_runner(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, SMALL)
    study.search([5.0, None], ["complete", "running"])
    path = study.save()
    with StudyLock(study.folder):
        lines = status_text(path).splitlines()
    assert lines[0].startswith("study         digits: running on ")
    assert lines[-1] == "time left     not known before some trials of this run have ended"


def test_an_empty_study(tmp_path: Path) -> None:
    lines = status_text(Synthetic(tmp_path, SMALL).save()).splitlines()
    assert lines[1:5] == [
        "search        0 of 6 trials ended",
        "confirmation  0 of 6 trials ended",
        "epochs        0 of students, 0 of teachers",
        "best so far   no complete trial yet",
    ]


def test_many_failures_are_cut_and_counted(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([None] * 12, ["failed"] * 12)
    study.trials[0]["error_message"] = None
    lines = status_text(study.save()).splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("failed"))
    assert lines[first] == "failed       trial 0: no message recorded"
    assert lines[first + 1] == "             trial 1: RuntimeError: out of memory"
    assert lines[first + 10 :] == ["             and 2 more"]


def test_a_folder_that_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(StudyFolderError, match="not a study folder"):
        status_text(tmp_path / "nothing")


def test_the_plan_follows_what_can_be_confirmed(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, STUDY)
    assert plan(study.records()).confirmation == 50
    study.search([5.0, None] + [8.0] * 10, ["complete", "diverged", *["pruned"] * 10])
    found = plan(study.records())
    assert (found.search_left, found.confirmation, found.remaining) == (0, 30, 30)


def test_a_search_without_a_complete_trial_confirms_nothing(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, SMALL)
    study.search([None] * 6, ["diverged"] * 6)
    assert plan(study.records()).remaining == 0


def test_a_finite_space_bounds_the_search(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, "study: digits\ndistill: {temperature: {choice: [1, 2, 4]}}\nsearch: {trials: 40}\n")
    assert plan(study.records()).search == 3


def test_time_left_is_work_left_over_the_rate_of_work(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, SMALL)
    study.search([5.0, 8.0, 5.0, None], ["complete", "pruned", "complete", "running"])
    records = study.records()
    run = {"started_at": START.replace(tzinfo=UTC).isoformat(timespec="seconds")}
    records.provenance["runs"].append(run)
    now = datetime(*START.timetuple()[:6]) + timedelta(seconds=60)
    found = pace(records, plan(records), now)
    assert found is not None
    # Ended: 2.0 + 1.0 + 2.0 s of training and 0.1 s of waiting each, in 60 s.
    assert found.trials_per_minute == pytest.approx(3)
    rate = 5.3 / 60
    # Left: 3 of the search at the mean of all (5/3 s), 6 of the confirmation at that of the complete ones (2 s).
    assert found.left_s == pytest.approx((3 * 5 / 3 + 6 * 2.0) / rate)


def test_no_pace_from_trials_of_an_earlier_run(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, SMALL)
    study.search([5.0, 8.0, 5.0], ["complete", "pruned", "complete"])
    records = study.records()
    later = START + timedelta(days=1)
    records.provenance["runs"].append({"started_at": later.replace(tzinfo=UTC).isoformat(timespec="seconds")})
    assert pace(records, plan(records), later + timedelta(seconds=60)) is None
