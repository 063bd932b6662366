"""A trial that stops and goes on gives the rows and weights of one that never stopped, bit for bit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from small_trials import Store, rows_of, setting, students, timeless, trial, without_teacher

from aikd_tune.kd.checkpoint import CheckpointError, unpack
from aikd_tune.kd.trial import TrialRun

FINISH = """
import json, sys
from pathlib import Path
sys.path.append(sys.argv[1])
from small_trials import Store, timeless, trial
from aikd_tune.spec.fields import Setting
for folder in map(Path, sys.argv[2:]):
    store = Store()
    store.blobs = {path.name.replace("+", "/"): path.read_bytes() for path in folder.glob("*+*")}
    run = trial(Setting.model_validate_json((folder / "setting.json").read_text()), store)
    run.restore((folder / "checkpoint").read_bytes())
    rows = timeless(run.advance())
    (folder / "rows.json").write_text(json.dumps(rows))
    (folder / "final").write_bytes(run.checkpoint())
"""


def same_numbers(a: Any, b: Any) -> None:
    """Equal to the bit, tensors included."""
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for name in a.keys() - {"epoch_s", "images_per_s", "trained_s", "waited_s", "train_s"}:
            same_numbers(a[name], b[name])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for left, right in zip(a, b, strict=True):
            same_numbers(left, right)
    else:
        assert a == b


def final(run: TrialRun) -> dict[str, Any]:
    state = unpack(run.checkpoint())
    assert state is not None
    return state


@pytest.mark.parametrize("stops", [1, 2, 3, 4, 5, 7])
def test_stopped_after_any_epoch_of_either_phase(stops: int) -> None:
    """Four epochs of phase 1 and four of the student; every one but the stopped runs in another object."""
    chosen = setting(train={"epochs": 4}, teacher={"epochs": 4})
    whole = trial(chosen)
    expected = timeless(whole.advance())
    store = Store()
    run = trial(chosen, store)
    for _ in range(stops):
        run.advance(seconds=0)
    again = trial(chosen, store)
    again.restore(run.checkpoint())
    assert again.epoch == run.epoch
    assert again.in_phase_1 == run.in_phase_1
    assert timeless(again.advance()) == expected
    same_numbers(final(again), final(whole))
    same_numbers(again.outcome().columns["val_nll"], whole.outcome().columns["val_nll"])
    assert again.outcome().columns["critic_untrained"] == whole.outcome().columns["critic_untrained"]
    assert again.forwards == whole.forwards


@pytest.mark.parametrize("source", ["snapshot", "table"])
def test_the_previous_student_survives(source: str) -> None:
    chosen = without_teacher(previous={"source": source, "weight": 1.0})
    run = trial(chosen)
    run.advance(until_epoch=1)
    again = trial(chosen)
    again.restore(run.checkpoint())
    assert timeless(again.advance()) == rows_of(chosen)


def test_three_epochs_a_checkpoint_and_three_more_in_a_fresh_process(tmp_path: Path) -> None:
    chosen = setting(train={"epochs": 6}, teacher={"epochs": 6})
    whole = trial(chosen)
    expected = timeless(whole.advance())
    folders = [tmp_path / "phase_1", tmp_path / "student"]
    for folder, stops in zip(folders, (3, 9), strict=True):
        folder.mkdir()
        store = Store()
        run = trial(chosen, store)
        for _ in range(stops):
            run.advance(seconds=0)
        for name, data in store.blobs.items():
            (folder / name.replace("/", "+")).write_bytes(data)
        (folder / "checkpoint").write_bytes(run.checkpoint())
        (folder / "setting.json").write_text(chosen.model_dump_json())
    subprocess.run([sys.executable, "-c", FINISH, str(Path(__file__).parent), *map(str, folders)], check=True)
    for folder in folders:
        assert json.loads((folder / "rows.json").read_text()) == expected
        state = unpack((folder / "final").read_bytes())
        assert state is not None
        same_numbers(state, final(whole))


def test_a_teacher_that_another_trial_finished_ends_a_restored_phase_1() -> None:
    chosen, store = setting(), Store()
    run = trial(chosen, store)
    run.advance(seconds=0)
    checkpoint = run.checkpoint()
    expected = rows_of(chosen, store)
    again = trial(chosen, store)
    again.restore(checkpoint)
    rows = again.advance()
    assert again.forwards["teacher/train"] == 129  # the epoch before the checkpoint
    unique = {(row["run_key"], row["epoch"]): row for row in timeless(rows)}
    assert list(unique.values()) == expected


def test_a_student_whose_teacher_was_deleted_goes_on_with_the_same_one() -> None:
    chosen, store = setting(), Store()
    run = trial(chosen, store)
    run.advance(until_epoch=1)
    store.blobs.clear()
    again = trial(chosen, store)
    again.restore(run.checkpoint())
    assert again.in_phase_1
    assert again.epoch == 1
    rows = again.advance()
    assert students(timeless(rows)) == students(rows_of(chosen))


def test_a_checkpoint_of_another_trial_changes_nothing() -> None:
    chosen = setting()
    run = trial(chosen, seed=1)
    run.advance(until_epoch=1)
    again = trial(chosen)
    with pytest.raises(CheckpointError):
        again.restore(run.checkpoint())
    assert timeless(again.advance()) == rows_of(chosen)
