import pytest
from study_texts import describe

from aikd_tune.spec import advice, parse_study

QUIET = """data: {test: 900, val: 500, train: 300}
distill:
  teacher: {weight: {uniform: [0, 1]}}
  previous: {ramp: constant}
  adversarial: {critic_steps: 5, lr: 1e-3}
"""


def lines(text: str) -> list[str]:
    return advice(parse_study(text, "s.yaml", describe))


def test_a_study_without_traps_has_no_advice() -> None:
    assert lines(QUIET) == []


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "ramp: constant",
            "ramp: linear",
            "search.early_stopping.min_epochs: at the first rung (epoch 10 of 30) the term of the previous student has "
            "33 % of its weight, so rungs judge settings before it counts: raise it to 15, or ramp: constant",
        ),
        (
            "ramp: constant",
            "ramp: {choice: [constant, cosine]}",
            "search.early_stopping.min_epochs: at the first rung (epoch 10 of 30) the term of the previous student has "
            "25 % of its weight, so rungs judge settings before it counts: raise it to 15, or ramp: constant",
        ),
        (
            "lr: 1e-3",
            "lr: 1e-3, warmup_epochs: 10",
            "search.early_stopping.min_epochs: the first rung (epoch 10) comes before the adversarial term (from epoch "
            "11): raise it above 10",
        ),
        (
            "lr: 1e-3",
            "lr: 1e-3, warmup_epochs: 30",
            "distill.adversarial.warmup_epochs: 30 of 30 epochs leave the adversarial term no epoch",
        ),
        (
            "critic_steps: 5, lr: 1e-3",
            "critic_steps: 1",
            "distill.adversarial: 150 critic steps at 0.0001 leave the discriminator untrained, so its weight and size "
            "change little: critic_steps: 5, or lr: 1e-3",
        ),
        (
            "distill:",
            "train: {lr: {loguniform: [0.01, 1]}}\ndistill:",
            "train.lr: searched, and phase 1 inherits it: a teacher per value; fix teacher.lr to share one",
        ),
        (
            "distill:",
            "teacher: {epochs: {int: [10, 60]}}\ndistill:",
            "teacher.epochs: searched, and phase 1 depends on it: a teacher per value",
        ),
        (
            "distill:",
            "model: {width: {choice: [8, 16]}}\ndistill:",
            "model.width: searched, and phase 1 depends on it: a teacher per value",
        ),
        (
            "{uniform: [0, 1]}",
            "{uniform: [0, 1], when: {train.lr_schedule: constant}}",
            "distill.teacher.weight.when: train.lr_schedule is never one of constant, so never searched",
        ),
        (
            "{uniform: [0, 1]}",
            "{choice: [0, 1]}",
            "search.trials: the space has 2 distinct settings, so the search ends before 40",
        ),
    ],
)
def test_one_line_a_trap(old: str, new: str, line: str) -> None:
    assert old in QUIET
    assert lines(QUIET.replace(old, new)) == [line]


@pytest.mark.parametrize(
    "text",
    [
        QUIET.replace("constant", "linear") + "search: {early_stopping: {min_epochs: 15}}",
        QUIET.replace("constant", "linear") + "search: {early_stopping: {name: none}}",
        QUIET.replace("ramp: constant", "weight: 0, ramp: linear"),
        QUIET.replace("distill:", "teacher: {lr: 0.1}\ntrain: {lr: {loguniform: [0.01, 1]}}\ndistill:"),
        "train: {lr: {loguniform: [0.01, 1]}}\ndistill: {method: ce}",
        QUIET.replace("critic_steps: 5", "weight: 0"),
    ],
)
def test_no_advice_where_there_is_no_trap(text: str) -> None:
    assert lines(text) == []
