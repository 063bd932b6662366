import math
import random

import optuna
import pytest
from studies import small_study

from aikd_tune.run.sampler import FINITE, Evaluation, SettingSampler, SpaceExhausted, State, frozen
from aikd_tune.spec import Choice, IntRange, LogUniform, Setting, Study, setting_key

optuna.logging.set_verbosity(optuna.logging.ERROR)


def judged(number: int, setting: Setting) -> Evaluation:
    """A made-up but deterministic outcome of a setting: all four states occur."""
    generator = random.Random(f"{number}")
    value = abs(math.log(max(setting.distill.teacher.weight, 1e-3))) + generator.random()
    if number % 7 == 3:
        return Evaluation(number, setting, "diverged", steps={2: 40.0})
    if number % 5 == 2:
        return Evaluation(number, setting, "pruned", steps={2: value})
    if number % 11 == 10:
        return Evaluation(number, setting, "failed", steps={2: value})
    return Evaluation(number, setting, "complete", value, {2: value + 1, 6: value})


def run(sampler: SettingSampler, numbers: range) -> list[Evaluation]:
    ended = []
    for number in numbers:
        ended.append(judged(number, sampler.ask(number)))
        sampler.tell(ended[-1])
    return ended


@pytest.mark.parametrize("name", ["tpe", "random"])
@pytest.mark.parametrize("cut", [1, 13, 29])
def test_a_rebuilt_study_asks_what_an_undisturbed_one_asks(name: str, cut: int) -> None:
    study = small_study(sampler=name)
    whole = run(SettingSampler(study, "f", []), range(30))
    rebuilt = SettingSampler(study, "f", [])
    rebuilt.rebuild(whole[:cut])
    assert [e.setting for e in run(rebuilt, range(cut, 30))] == [e.setting for e in whole[cut:]]


def test_questions_that_were_asked_twice_do_not_change_what_a_rebuilt_study_asks() -> None:
    study = small_study({"distill.teacher.weight": LogUniform(0.01, 10.0, or_=0.0)})

    def ended(sampler: SettingSampler, numbers: range) -> list[Evaluation]:
        for number in numbers:
            setting = sampler.ask(number)
            value = 1.0 + setting.distill.teacher.weight
            told.append(Evaluation(number, setting, "complete", value, {6: value}))
            sampler.tell(told[-1])
        return told

    told: list[Evaluation] = []
    undisturbed = SettingSampler(study, "f", [])
    whole = list(ended(undisturbed, range(24)))
    assert len(undisturbed._optuna.get_trials()) > 24  # some were asked twice
    told = []
    rebuilt = SettingSampler(study, "f", [])
    rebuilt.rebuild(whole[:18])
    assert [e.setting for e in ended(rebuilt, range(18, 24))] == [e.setting for e in whole[18:]]


def test_a_running_setting_survives_a_rebuild_and_is_told_once() -> None:
    study = small_study()
    whole = run(SettingSampler(study, "f", []), range(15))
    rebuilt = SettingSampler(study, "f", [])
    rebuilt.rebuild([*whole[:14], Evaluation(14, whole[14].setting, "running")])
    rebuilt.tell(whole[14])
    undisturbed = SettingSampler(study, "f", [])
    undisturbed.rebuild(whole)
    assert rebuilt.ask(15) == undisturbed.ask(15)


def test_states_reach_optuna_as_what_they_are() -> None:
    study = small_study({"distill.teacher.weight": LogUniform(0.01, 10.0)})
    sampler = SettingSampler(study, "f", [])
    run(sampler, range(12))
    trials = sampler._optuna.get_trials(deepcopy=False)
    states = {t.number: t.state.name for t in trials}
    assert states[0] == "COMPLETE"
    assert states[2] == states[7] == "PRUNED"
    assert states[3] == "PRUNED"
    assert states[10] == "PRUNED"  # 10 % 7 == 3: diverged comes first
    assert trials[3].constraints == {FINITE: 1.0}
    assert trials[2].constraints == {}
    assert trials[2].intermediate_values.keys() == {2}
    assert trials[0].intermediate_values.keys() == {2, 6}
    failed = frozen(study, Evaluation(0, trials_setting(study), "failed"))
    assert failed.state is optuna.trial.TrialState.FAIL


def trials_setting(study: Study) -> Setting:
    return SettingSampler(study, "f", []).ask(0)


def test_a_setting_that_diverged_is_avoided_and_one_told_fail_is_not() -> None:
    """Told FAIL, TPE never sees the cliff; told PRUNED with a violated constraint, it learns where it is."""

    def walks_off(state: State) -> int:
        study = small_study({"distill.teacher.weight": LogUniform(0.01, 10.0)}, trials=100)
        sampler = SettingSampler(study, "f", [])
        over = 0
        for number in range(70):
            setting = sampler.ask(number)
            weight = setting.distill.teacher.weight
            if weight > 0.3:  # the cliff: better and better, then gone
                over += number >= 20
                sampler.tell(Evaluation(number, setting, state))
            else:
                sampler.tell(Evaluation(number, setting, "complete", 1 - weight, {6: 1 - weight}))
        return over

    assert walks_off("diverged") < walks_off("failed")


def test_first_settings_come_first_and_are_learned_from() -> None:
    study = small_study()
    first = [study.space.resolve(study.base, {"distill.teacher.weight": weight}) for weight in (0.1, 0.0, 5.0)]
    sampler = SettingSampler(study, "f", first)
    assert [e.setting for e in run(sampler, range(3))] == first
    assert len(sampler._optuna.get_trials()) == 3
    assert sampler.ask(3) not in first


@pytest.mark.parametrize("name", ["tpe", "random"])
def test_a_finite_space_is_tried_once_each_and_then_ends(name: str) -> None:
    domains = {
        "distill.adversarial.weight": Choice((0.0, 0.01)),
        "distill.adversarial.hidden": Choice(("32", "64")),
        "distill.adversarial.critic_steps": IntRange(1, 3),
    }
    study = small_study(domains, sampler=name)
    sampler = SettingSampler(study, "f", [next(study.space.settings(study.base))])
    asked: list[str] = []
    for number in range(1 + 2 * 3):  # off, and each size with each number of steps
        setting = sampler.ask(number)
        asked.append(setting_key(setting, "f"))
        sampler.tell(Evaluation(number, setting, "complete", float(number), {6: float(number)}))
    assert len(asked) == len(set(asked))
    with pytest.raises(SpaceExhausted):
        sampler.ask(7)


def test_without_a_space_there_is_one_setting() -> None:
    study = small_study({})
    sampler = SettingSampler(study, "f", [study.base])
    assert sampler.ask(0) == study.base
    with pytest.raises(SpaceExhausted):
        sampler.ask(1)


def test_asks_are_different_settings(recwarn: pytest.WarningsRecorder) -> None:
    study = small_study()
    evaluations = run(SettingSampler(study, "f", []), range(40))
    assert len({setting_key(e.setting, "f") for e in evaluations}) == 40
    assert [str(w.message) for w in recwarn] == []


def test_a_sampler_that_insists_does_not_end_an_endless_search() -> None:
    """With the weight's ``or`` far better than the rest, TPE proposes it again and again."""
    study = small_study({"distill.teacher.weight": LogUniform(0.01, 10.0, or_=0.0)})
    sampler = SettingSampler(study, "f", [])
    for number in range(40):
        setting = sampler.ask(number)
        value = setting.distill.teacher.weight + 1.0
        sampler.tell(Evaluation(number, setting, "complete", value, {6: value}))


GRID = {
    "distill.temperature": Choice((2.0, 4.0, 8.0)),
    "distill.previous.source": Choice(("snapshot", "table")),
    "distill.adversarial.critic_steps": IntRange(1, 5, step=2, or_=7),
}


@pytest.mark.parametrize("cut", [0, 1, 10, 23])
def test_a_grid_is_every_setting_once_and_goes_on_where_it_stopped(cut: int) -> None:
    study = small_study(GRID, sampler="grid")
    whole = run(SettingSampler(study, "f", []), range(24))
    assert len({setting_key(e.setting, "f") for e in whole}) == 3 * 2 * 4
    rebuilt = SettingSampler(study, "f", [])
    rebuilt.rebuild(whole[:cut])
    assert [e.setting for e in run(rebuilt, range(cut, 24))] == [e.setting for e in whole[cut:]]
    with pytest.raises(SpaceExhausted):
        rebuilt.ask(24)


def test_a_grid_does_not_repeat_the_first_settings() -> None:
    study = small_study(GRID, sampler="grid")
    last = list(study.space.settings(study.base))[-1]
    found = run(SettingSampler(study, "f", [last]), range(24))
    assert found[0].setting == last
    assert len({setting_key(e.setting, "f") for e in found}) == 24
