from pathlib import Path

import numpy as np
import pytest
from synthetic_study import STUDY, Synthetic

from aikd_tune.report import importances as module
from aikd_tune.report.frames import setting_of
from aikd_tune.report.importances import importances


def test_the_field_that_decides_stands_out_and_noise_does_not(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0] * 40)
    noise = np.random.default_rng(1)
    for row in study.trials:
        distance = abs(np.log(setting_of(row["config"]).distill.temperature / 3))
        row["val_error"] = 5 + 4 * distance + noise.normal(0, 0.05)
    found = importances(study.records())
    assert (found.num_complete, found.reason) == (40, "")
    assert found.fields[0].field == "distill.temperature"
    assert [one.field for one in found.fields if one.stands_out] == ["distill.temperature"]
    assert sum(one.share for one in found.fields) == pytest.approx(1)
    assert {one.field for one in found.fields} >= {"distill.teacher.weight", "distill.teacher.weight: 0 or not"}


def test_shuffled_results_stand_out_about_as_often_as_they_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUM_SHUFFLES", 20)
    study = Synthetic(tmp_path)
    study.search([5.0] * 20)
    rng = np.random.default_rng(2)
    flagged = tested = 0
    for _ in range(4):
        for row in study.trials:
            row["val_error"] = float(rng.normal(6, 1))
        found = importances(study.records()).fields
        flagged += sum(one.stands_out for one in found)
        tested += len(found)
    assert flagged / tested < 0.25  # about 5 % are meant, of 32


def test_only_complete_trials_count_and_too_few_say_so(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0 + place for place in range(20)], ["complete"] * 9 + ["pruned"] * 11)
    found = importances(study.records())
    assert (found.num_complete, found.fields) == (9, ())
    assert found.reason == "Too few: 9 complete trials; importances need 10."


def test_equal_results_tell_nothing_apart(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0] * 12)
    assert importances(study.records()).reason == "No trial is better than another by the search metric."


def test_nothing_searched(tmp_path: Path) -> None:
    study = Synthetic(tmp_path, "study: digits\nsearch: {trials: 1}\nconfirm: {settings: 0}\n")
    study.search([5.0])
    assert importances(study.records()).reason == "Nothing was searched, so nothing can matter."


def test_the_same_study_gives_the_same_importances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUM_SHUFFLES", 5)
    text = STUDY.replace("critic_steps: 5", "critic_steps: {int: [1, 5]}")
    study = Synthetic(tmp_path, text)
    study.search(list(np.random.default_rng(3).normal(6, 1, 12)))
    assert importances(study.records()) == importances(study.records())
