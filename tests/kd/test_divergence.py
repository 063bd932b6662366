import math
from typing import Any

import pytest
from small_trials import Store, setting, trial, without_teacher

from aikd_tune.kd.teacher import load_teacher


def test_a_student_that_diverges_ends_without_an_exception() -> None:
    run = trial(without_teacher().model_copy(update={"train": setting(train={"lr": 1e6, "epochs": 20}).train}))
    rows = run.advance()
    assert run.diverged
    assert run.finished
    assert run.epoch == len(rows) < 20
    assert not math.isfinite(rows[-1]["loss"]) or not math.isfinite(rows[-1]["val_nll"])
    assert all(math.isfinite(row["loss"]) and math.isfinite(row["val_nll"]) for row in rows[:-1])
    assert run.advance() == []
    columns = run.outcome().columns
    assert columns["epochs_run"] == len(rows)
    assert math.isnan(columns["val_error"])


def test_a_teacher_that_diverges_ends_every_trial_that_needs_it_and_is_trained_once() -> None:
    store, chosen = Store(), setting(train={"lr": 1e6}, teacher={"epochs": 20})
    run = trial(chosen, store)
    rows = run.advance()
    assert {row["phase"] for row in rows} == {"teacher"}
    assert run.diverged
    assert run.epoch == 0
    assert run.outcome().columns["epochs_run"] == 0
    teacher = load_teacher(store.get, run.teacher_key)
    assert teacher is not None
    assert teacher.diverged
    row = run.teacher_row()
    assert row is not None
    assert math.isnan(row["val_nll"])

    again = trial(chosen, store)
    assert len(again.advance()) == len(rows)
    assert again.diverged
    assert again.forwards.total() == 0


@pytest.mark.parametrize("adversarial", [{"objective": "hinge"}, {"objective": "bce"}, {}])
def test_a_wild_critic_still_ends_in_order(adversarial: dict[str, Any]) -> None:
    run = trial(setting({"adversarial": {"lr": 1e6, "weight": 10.0, **adversarial}}))
    run.advance()
    assert run.finished
    run.outcome()


def test_a_diverged_trial_is_restored_as_diverged() -> None:
    chosen = setting(train={"lr": 1e6, "epochs": 20}, teacher={"lr": 0.05})
    store = Store()
    run = trial(chosen, store)
    rows = run.advance()
    assert run.diverged
    again = trial(chosen, store)
    again.restore(run.checkpoint())
    assert again.diverged
    assert again.finished
    assert len(again.advance()) == len(rows)
