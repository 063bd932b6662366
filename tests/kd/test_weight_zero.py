"""A weight of zero: nothing of the term is built, drawn, read, written or forwarded."""

import pytest
from small_trials import NUM_TRAIN, Store, rows_of, setting, students, trial, without_teacher

from aikd_tune.kd import training


def test_no_teacher_means_no_phase_1() -> None:
    class Refusing(Store):
        def get(self, name: str) -> bytes | None:
            raise AssertionError(name)

        put = get

    run = trial(without_teacher(), Refusing())
    assert run.teacher_key is None
    assert not run.in_phase_1
    assert {row["phase"] for row in run.advance()} == {"student"}
    assert run.teacher_row() is None


def test_no_adversarial_weight_means_no_critic(monkeypatch: pytest.MonkeyPatch) -> None:
    purposes = []
    original = training.generator

    def recorded(seed: int, purpose: str, epoch: int = 0) -> object:
        purposes.append(purpose)
        return original(seed, purpose, epoch)

    def refuse(*arguments: object) -> None:
        raise AssertionError("a critic was built")

    monkeypatch.setattr(training, "generator", recorded)
    with monkeypatch.context() as patch:
        patch.setattr(training, "Discriminator", refuse)
        run = trial(setting({"adversarial": {"weight": 0.0}}))
        rows = run.advance()
    assert set(purposes) == {"views", "order", "teacher/views", "teacher/order"}
    assert all(row["critic_gap"] is row["loss_adversarial"] is row["weight_adversarial"] is None for row in rows)
    outcome = run.outcome().columns
    assert outcome["critic_untrained"] is outcome["discriminator_parameters"] is None
    rows_of(setting())
    assert {"critic", "critic-init"} <= set(purposes)


def test_warm_up_leaves_the_critic_alone() -> None:
    rows = students(rows_of(setting({"adversarial": {"warmup_epochs": 2, "lr": 1e-3}})))
    assert [row["weight_adversarial"] for row in rows] == [0.0, 0.0, 0.01]
    assert [row["critic_gap"] is None for row in rows] == [True, True, False]
    without = students(rows_of(setting({"adversarial": {"weight": 0.0}})))
    assert [row["loss"] for row in rows[:2]] == [row["loss"] for row in without[:2]]


def test_a_term_never_shifts_the_draws_of_another() -> None:
    """A weight too small to move anything leaves the rows of the other terms as they are."""
    tiny = students(rows_of(setting({"adversarial": {"weight": 1e-30, "critic_steps": 2}})))
    without = students(rows_of(setting({"adversarial": {"weight": 0.0}})))
    assert [row["val_nll"] for row in tiny] == [row["val_nll"] for row in without]


def test_inactive_terms_are_null_and_active_ones_numbers() -> None:
    first, second, _ = students(rows_of(setting()))
    assert first["weight_previous"] == 0.0
    assert first["loss_previous"] is None
    assert second["loss_previous"] > 0
    assert second["weight_previous"] == pytest.approx(0.3 * 2 / 3)
    assert second["loss"] == pytest.approx(
        sum(second[f"weight_{term}"] * second[f"loss_{term}"] for term in ("ce", "teacher", "previous", "adversarial"))
    )
    plain = rows_of(setting({"method": "ce"}))[0]
    assert plain["weight_teacher"] is plain["loss_teacher"] is plain["val_teacher_agreement"] is None
    assert NUM_TRAIN == 129
