from pathlib import Path

import pytest
from synthetic_study import Synthetic, by_seed

from aikd_tune.report.arms import confirmation_arms


def test_arms_in_order_with_labels(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0, 6.0])
    study.confirm("label_smoothing", by_seed([5.0]), by_seed([6.0]))
    study.confirm("setting 1", by_seed([5.0]), by_seed([6.0]), number=1, rank=2)
    study.confirm("ce", by_seed([5.0]), by_seed([6.0]))
    study.confirm("setting 0", by_seed([5.0]), by_seed([6.0]), number=0, rank=1)
    arms = confirmation_arms(study.records().confirmation)
    assert [arm.label for arm in arms] == ["setting 0", "setting 1", "CE baseline", "label smoothing"]
    assert [arm.is_baseline for arm in arms] == [False, False, True, True]
    assert [(arm.rank, arm.setting) for arm in arms] == [(1, 0), (2, 1), (None, None), (None, None)]
    assert {arm.test_look for arm in arms} == {1}


def test_only_complete_trials_have_values(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0])
    study.confirm("ce", by_seed([5.0, 6.0, 7.0]), {1: 6.0, 2: None, 3: 8.0}, states={2: "diverged"})
    (arm,) = confirmation_arms(study.records().confirmation)
    assert arm.values("test_error") == {1: 6.0, 3: 8.0}
    assert arm.values("val_error") == {1: 5.0, 3: 7.0}
    assert arm.values("test_teacher_agreement") == {}
    assert arm.estimate("test_error").mean == pytest.approx(7.0)
    assert arm.seeds("diverged", "failed") == [2]


def test_no_confirmation_no_arms(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0])
    assert confirmation_arms(study.records().confirmation) == []
