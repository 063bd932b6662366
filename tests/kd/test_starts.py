"""Where the student begins, and which epoch's network the teacher is."""

import io
from typing import Any

import pytest
import torch
from small_trials import Store, setting, timeless, trial
from torch import Tensor

from aikd_tune.errors import UserError
from aikd_tune.kd.teacher import load_teacher
from aikd_tune.spec.fields import Setting
from aikd_tune.spec.identity import file_sha256


def weights(run: Any) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(io.BytesIO(run.student_weights()), weights_only=True)
    return state


def teacher_of(store: Store, run: Any) -> Any:
    teacher = load_teacher(store.get, run.teacher_key)
    assert teacher is not None
    return teacher


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def after_phase_1(chosen: Setting, store: Store, seed: int = 0) -> Any:
    run = trial(chosen, store, seed)
    while run.in_phase_1:
        run.advance(seconds=0)
    return run


def test_a_warm_start_begins_with_the_trained_teacher() -> None:
    store = Store()
    run = after_phase_1(setting({"start": "teacher"}), store)
    assert same(weights(run), teacher_of(store, run).network)
    fresh = after_phase_1(setting(), store)
    assert not same(weights(fresh), teacher_of(store, fresh).network)


def test_teacher_init_begins_where_the_teacher_began() -> None:
    first = setting({"start": "teacher_init", "teacher": {"weight": 0.0}, "adversarial": {"weight": 0.0}})
    run = trial(first)
    training = trial(setting())._training("teacher", None)
    assert run.teacher_key is None  # nothing but a seed is needed of phase 1
    assert same(weights(run), training.network.state_dict())
    assert not same(weights(run), weights(trial(first.model_copy(update={"distill": setting().distill}))))


def test_a_student_that_starts_as_its_teacher_agrees_with_it_at_rate_zero() -> None:
    tiny = {"epochs": 1, "lr": 1e-30, "weight_decay": 0.0}
    chosen = setting({"start": "teacher"}, train=tiny, teacher={"lr": 0.05, "epochs": 3})
    chosen = chosen.model_copy(update={"train": chosen.train.model_copy(update={"batch_size": 2})})  # statistics stay
    row = trial(chosen).advance()[-1]
    assert row["val_teacher_agreement"] > 90
    assert row["loss_teacher"] < 1.0


def test_the_best_teacher_is_the_epoch_of_the_lowest_validation_error() -> None:
    epochs = {"epochs": 6, "lr": 0.3}
    stores = {kind: Store() for kind in ("last", "best")}
    runs = {kind: after_phase_1(setting(teacher={**epochs, "checkpoint": kind}), stores[kind]) for kind in stores}
    teachers = {kind: teacher_of(stores[kind], runs[kind]) for kind in stores}
    rows = timeless(teachers["best"].epochs)
    assert [row | {"run_key": ""} for row in rows] == [
        row | {"run_key": ""} for row in timeless(teachers["last"].epochs)
    ]
    best = min(rows, key=lambda row: (row["val_error"], row["val_nll"]))
    assert best["epoch"] < 6, "the test needs a training whose last epoch is not its best"
    assert runs["best"].teacher_key != runs["last"].teacher_key
    assert runs["best"].teacher_row()["val_error"] == best["val_error"]
    assert runs["best"].teacher_row()["val_nll"] == pytest.approx(best["val_nll"], rel=1e-12)
    again = trial(setting(teacher=epochs))
    for _ in range(best["epoch"]):
        again.advance(seconds=0)
    assert same(teachers["best"].network, again._phase_1._training.network.state_dict())


@pytest.fixture
def given(tmp_path: Any) -> Any:
    """A setting whose teacher is a file, and the weights in it."""
    run = trial(setting({"method": "ce"}), seed=3)
    run.advance()
    path = tmp_path / "teacher.pt"
    path.write_bytes(run.student_weights())
    return path, weights(run)


def with_file(path: Any, **changes: Any) -> Setting:
    chosen = setting(**changes)
    teacher = type(chosen.teacher)(file=str(path), sha256=file_sha256(str(path)))
    return chosen.model_copy(update={"teacher": teacher})


def test_a_teacher_from_a_file_takes_the_place_of_phase_1(given: Any) -> None:
    path, expected = given
    store = Store()
    run = trial(with_file(path), store)
    rows = run.advance()
    assert {row["phase"] for row in rows} == {"student"}
    assert same(teacher_of(store, run).network, expected)
    assert run.forwards["teacher/train"] == 0
    row = run.teacher_row()
    assert row["train_s"] == 0
    assert row["val_error"] == pytest.approx(trained_error(), abs=1e-9)
    second = trial(with_file(path), store)
    assert timeless(second.advance()) == timeless(rows)
    assert second.forwards["teacher"] == 0


def trained_error() -> float:
    run = trial(setting({"method": "ce"}), seed=3)
    return float(run.advance()[-1]["val_error"])


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "net"])
def test_usual_checkpoints_around_a_state_dict(given: Any, wrapper: str) -> None:
    path, expected = given
    torch.save({"epoch": 3, wrapper: {f"module.{name}": tensor for name, tensor in expected.items()}}, path)
    store = Store()
    run = after_phase_1(with_file(path), store)
    assert same(teacher_of(store, run).network, expected)


def test_files_that_are_no_teacher_are_refused_by_name(given: Any) -> None:
    path, expected = given
    chosen = with_file(path)
    digest = chosen.teacher.sha256
    name = next(iter(expected))

    def refused(of: Setting) -> str:
        with pytest.raises(UserError) as caught:
            trial(of).advance()
        return str(caught.value)

    torch.save({**expected, "extra": torch.zeros(1)}, path)
    assert refused(chosen).startswith(
        f"teacher.file: {path}: must have SHA-256 {digest} as when the study began, found "
    )
    must = f"teacher.file: {path}: must be the state dict of model.name with the study's classes, found that it "
    assert refused(with_file(path)) == f"{must}has the unknown extra"
    torch.save({other: tensor for other, tensor in expected.items() if other != name}, path)
    assert refused(with_file(path)) == f"{must}lacks {name}"
    torch.save({**expected, name: torch.zeros(1)}, path)
    assert refused(with_file(path)) == f"{must}has another shape of {name}"
    path.write_bytes(b"no weights")
    assert refused(with_file(path)) == (
        f"teacher.file: {path}: must be a state dict saved by torch.save (weights only), found another file"
    )
    torch.save([1, 2], path)
    assert refused(with_file(path)) == f"teacher.file: {path}: must hold a state dict, names and tensors, found list"
    gone = with_file(path)
    path.unlink()
    assert refused(gone) == f"teacher.file: {path}: must be a readable file, found: No such file or directory"


def test_code_in_a_file_is_never_run(given: Any, tmp_path: Any) -> None:
    path, _ = given

    class Evil:
        def __reduce__(self) -> Any:
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"weight": Evil()}, path)
    with pytest.raises(UserError):
        trial(with_file(path)).advance()
    assert not (tmp_path / "ran").exists()
