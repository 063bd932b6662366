"""Images forwarded, exactly: frozen networks are forwarded once an epoch at most, and never inside a step."""

from typing import Any

import pytest
from small_trials import NUM_TRAIN, NUM_VAL, Store, setting, trial

EPOCHS = 3
OWN = {"train": EPOCHS * NUM_TRAIN, "recalibration": EPOCHS * NUM_TRAIN, "evaluation": EPOCHS * NUM_VAL}
PHASE_1 = {
    "teacher/train": 2 * NUM_TRAIN,
    "teacher/recalibration": 2 * NUM_TRAIN,
    "teacher/evaluation": 2 * NUM_VAL,
}


def forwards(distill: dict[str, Any], store: Store, **options: Any) -> dict[str, int]:
    run = trial(setting(distill), store, **options)
    run.advance()
    return {purpose: count for purpose, count in run.forwards.items() if count}


def test_cross_entropy() -> None:
    assert forwards({"method": "ce"}, Store()) == OWN


@pytest.mark.parametrize(("source", "previous"), [("snapshot", {"previous": (EPOCHS - 1) * NUM_TRAIN}), ("table", {})])
def test_everything(source: str, previous: dict[str, int]) -> None:
    store, distill = Store(), {"previous": {"source": source}}
    assert forwards(distill, store) == OWN | previous | PHASE_1 | {"teacher": EPOCHS * NUM_TRAIN}
    assert forwards(distill, store) == OWN | previous
    assert forwards(distill, store, cache_gib=0.0) == OWN | previous | {"teacher": EPOCHS * NUM_TRAIN}


def test_test_set_is_forwarded_once_by_both_networks() -> None:
    run = trial(setting(), open_test=True)
    run.advance()
    before = dict(run.forwards)
    run.outcome(), run.outcome(), run.teacher_row()
    assert run.forwards["evaluation"] == before["evaluation"] + 70
    assert run.forwards["teacher"] == before["teacher"] + 70


def test_many_steps_need_no_recalibration() -> None:
    run = trial(setting({"method": "ce"}, {"batch_size": 3, "epochs": 1}))
    run.advance()
    assert run.forwards["recalibration"] == 0
