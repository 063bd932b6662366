import pytest
import torch
from small_trials import setting, trial
from torch import Tensor

from aikd_tune.kd.critic_check import critic_untrained
from aikd_tune.kd.critic_inputs import critic_input, num_inputs
from aikd_tune.kd.discriminator import Discriminator
from aikd_tune.kd.randomness import generator
from aikd_tune.spec.fields import AdversarialTerm

TERM = AdversarialTerm(lr=1e-3, hidden="32")


def critics(count: int) -> list[Discriminator]:
    return [Discriminator(10, TERM, generator(0, "critic-init", number)) for number in range(count)]


def sides() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    student = torch.randn(64, 10)
    return student * 3, student


def test_a_critic_at_its_start_is_untrained() -> None:
    first, *others = critics(9)
    assert critic_untrained(first, others, *sides())


def test_a_critic_after_its_steps_is_not() -> None:
    first, *others = critics(9)
    teacher, student = sides()
    for step in range(150):
        first.critic_step(teacher, student, torch.rand(64, 1, generator=generator(0, "critic", step)))
    assert not critic_untrained(first, others, teacher, student)
    assert critic_untrained(first, others, student, teacher)  # a gap of the wrong sign is none


@pytest.mark.parametrize("objective", ["wgan-gp", "bce", "hinge", "bce with spectral norm"])
@pytest.mark.parametrize("kind", ["logits", "log_probabilities", "probabilities", "features"])
def test_critics_of_every_input_are_told_apart(kind: str, objective: str) -> None:
    """At their start, after 150 steps too small to learn, and after as many that are not."""
    plain, *normalised = objective.split(" with ")
    fields = {"input": kind, "objective": plain, "spectral_norm": bool(normalised), "hidden": "64-16"}
    outputs = [(logits, logits.repeat(1, 2).relu()) for logits in sides()]
    for learning_rate, flag in ((1e-6, True), (1e-2, False)):
        term = AdversarialTerm.model_validate({**fields, "lr": learning_rate})
        teacher, student = (critic_input(term, *output) for output in outputs)
        draws = (generator(1, "critic-init", number) for number in range(9))
        first, *others = (Discriminator(num_inputs(term, 10, 20), term, draw) for draw in draws)
        assert critic_untrained(first, others, teacher, student)
        for step in range(150):
            first.critic_step(teacher, student, torch.rand(64, 1, generator=generator(0, "critic", step)))
        assert critic_untrained(first, others, teacher, student) is flag


def test_a_critic_that_is_not_finite_is_untrained() -> None:
    first, *others = critics(3)
    state = first.state()
    state["parameters"] *= torch.nan
    first.load_state(state)
    assert critic_untrained(first, others, *sides())


@pytest.mark.parametrize(("learning_rate", "flag"), [(1e-9, True), (1e-2, False)])
def test_flag_of_a_trial(learning_rate: float, flag: bool) -> None:
    run = trial(setting({"adversarial": {"lr": learning_rate, "hidden": "32", "critic_steps": 5}}, {"epochs": 5}))
    run.advance()
    assert run.outcome().columns["critic_untrained"] is flag


def test_a_critic_that_has_learned_once_is_not_flagged_when_the_student_has_caught_up() -> None:
    run = trial(setting({"adversarial": {"lr": 1e-2, "hidden": "32", "critic_steps": 5}}, {"epochs": 5}))
    run.advance(until_epoch=4)
    critic = run._student.critic
    assert run.outcome().columns["critic_untrained"] is False
    state = critic.state()
    critic.load_state(state | {"parameters": torch.zeros_like(state["parameters"])})
    run.advance()
    assert run.outcome().columns["critic_untrained"] is False


def test_no_flag_before_the_term_is_in_force() -> None:
    run = trial(setting({"adversarial": {"warmup_epochs": 2, "hidden": "32"}}))
    run.advance(until_epoch=1)
    assert run.outcome().columns["critic_untrained"] is None
