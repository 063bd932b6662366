"""What a trial leaves behind fits the tables, and the test set stays closed until it is opened."""

from typing import Any

import numpy as np
import pytest
from small_trials import NUM_TEST, NUM_TRAIN, NUM_VAL, Store, setting, timeless, trial, without_teacher

from aikd_tune.kd import placed
from aikd_tune.kd.data.load import load
from aikd_tune.kd.data.splits import split
from aikd_tune.kd.data.views import Pixels
from aikd_tune.kd.metrics import evaluate
from aikd_tune.store.schema import COLUMNS


def names(table: Any) -> set[str]:
    return {column.name for column in COLUMNS[table]}


def test_columns_and_rows_are_those_of_the_tables() -> None:
    run = trial(setting(), open_test=True)
    rows = run.advance()
    outcome, teacher = run.outcome(), run.teacher_row()
    assert teacher is not None
    for row in rows:
        assert row.keys() == names("epochs") - {"study", "trial", "val_ece15_scaled", "val_nll_scaled"}
    assert outcome.columns.keys() <= names("trials")
    assert {name for name in names("trials") if name.startswith(("val_", "test_"))} - {"test_look"} <= (
        outcome.columns.keys()
    )
    assert teacher.keys() == names("teachers") - {"study"}
    assert all(row.keys() == names("bins") for row in outcome.bins)
    assert all(row.keys() == names("predictions") for row in outcome.predictions)


def test_predictions_give_back_the_metrics() -> None:
    run = trial(setting(), open_test=True)
    run.advance()
    outcome = run.outcome()
    for part, count in (("val", NUM_VAL), ("test", NUM_TEST)):
        rows = [row for row in outcome.predictions if row["split"] == part]
        assert len(rows) == count
        logits = np.array([row["logits"] for row in rows], np.float32)
        labels = np.array([row["label"] for row in rows])
        for name, value in evaluate(logits, labels).items():
            assert outcome.columns[f"{part}_{name}"] == value
    data = load(setting().data)
    indices = [row["image_index"] for row in outcome.predictions if row["split"] == "test"]
    assert indices == split(setting().data, data.facts).test.tolist()
    assert [row["label"] for row in outcome.predictions if row["split"] == "test"] == data.labels[indices].tolist()


def test_bins_hold_every_image_of_both_networks_once() -> None:
    run = trial(setting(), open_test=True)
    run.advance()
    counts: dict[tuple[Any, ...], int] = {}
    for row in run.outcome().bins:
        key = (row["trial_key"], row["split"], row["num_bins"])
        counts[key] = counts.get(key, 0) + row["num_images"]
    assert counts == {
        (key, part, bins): count
        for key in (run.trial_key, run.teacher_key)
        for part, count in (("val", NUM_VAL), ("test", NUM_TEST))
        for bins in (10, 15)
    }


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Indices of all images that any trial read."""
    seen: set[int] = set()
    original = Pixels._gathered

    def recorded(pixels: Pixels, chosen: Any, out: Any = None) -> Any:
        seen.update(chosen.tolist())
        return original(pixels, chosen, out)

    monkeypatch.setattr(Pixels, "_gathered", recorded)
    monkeypatch.setattr(placed, "_placed", type(placed._placed)())
    return seen


def test_test_images_are_touched_only_when_open_and_after_the_last_epoch(touched: set[int]) -> None:
    parts = split(setting().data, load(setting().data).facts)
    test = set(parts.test.tolist())
    closed = trial(setting())
    closed.advance()
    closed.outcome(), closed.teacher_row(), closed.checkpoint()
    assert touched == {*parts.train.tolist(), *parts.val.tolist()}
    assert not touched & test
    assert not any(name.startswith("test_") for name in closed.outcome().columns)

    open_ = trial(setting(), open_test=True)
    open_.advance(until_epoch=2)
    open_.outcome()
    assert not touched & test
    open_.advance()
    open_.outcome()
    assert test <= touched


def test_train_and_val_together_train_on_both() -> None:
    store = Store()
    run = trial(setting(), store, train_on="train+val")
    run.advance()
    assert run.forwards["train"] == 3 * (NUM_TRAIN + NUM_VAL)
    assert run.trial_key != trial(setting()).trial_key
    assert run.teacher_key != trial(setting()).teacher_key
    assert "val_error" in run.outcome().columns


def test_columns_tell_what_was_run() -> None:
    run = trial(setting(), Store())
    rows = run.advance(until_epoch=2)
    columns = run.outcome().columns
    own = [row for row in rows if row["phase"] == "student"]
    assert columns["epochs_run"] == 2
    assert columns["best_epoch"] == min(own, key=lambda row: row["val_error"])["epoch"]
    assert columns["train_s"] == pytest.approx(sum(row["epoch_s"] for row in rows))
    assert columns["num_parameters"] == 4 * 9 + 8 * 4 * 9 + 16 * 8 * 9 + 2 * (4 + 8 + 16) + 170
    assert columns["discriminator_parameters"] == 11 * 16 + 17
    assert run.value("val_error") == own[-1]["val_error"]
    assert columns["peak_memory_gib"] > 0


def test_plain_trial_has_no_teacher() -> None:
    run = trial(without_teacher(), open_test=True)
    rows = run.advance()
    columns = run.outcome().columns
    assert columns["teacher_key"] is columns["val_teacher_agreement"] is columns["test_teacher_agreement"] is None
    assert {row["run_key"] for row in rows} == {run.trial_key}


def test_advance_stops_where_it_is_told() -> None:
    run = trial(setting())
    assert run.value("val_error") != run.value("val_error")  # nan
    assert len(run.advance(seconds=0)) == 1
    assert run.in_phase_1
    asked = iter([False, True])
    assert [row["phase"] for row in run.advance(stop=lambda: next(asked))] == ["teacher", "student"]
    assert run.advance(until_epoch=1) == []
    assert [row["epoch"] for row in run.advance(until_epoch=2)] == [2]
    assert not run.finished
    assert len(run.advance()) == 1
    assert run.finished


def test_rows_belong_to_the_caller() -> None:
    store = Store()
    run = trial(setting(), store)
    for row in run.advance(until_epoch=1):
        row.clear()
    again = trial(setting(), store)
    again.restore(run.checkpoint())
    assert timeless(again.advance()) == timeless(trial(setting()).advance())
