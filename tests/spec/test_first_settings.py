import pytest
from hypothesis import given
from study_strategies import many, studies
from study_texts import describe

from aikd_tune.spec import Setting, Study, baseline_setting, first_settings, parse_study, setting_key
from aikd_tune.spec.activity import needs_teacher, student_train

WEIGHTS = "{loguniform: [0.001, 10], or: 0}"


def distill(**terms: str) -> Study:
    text = ", ".join(f"{term}: {{weight: {weight}}}" for term, weight in terms.items())
    return parse_study(f"distill: {{{text}}}", "s.yaml", describe)


def weights(setting: Setting) -> tuple[float, float, float]:
    terms = setting.distill
    return terms.teacher.weight, terms.previous.weight, terms.adversarial.weight


def test_the_defaults_then_each_special_case() -> None:
    study = distill(teacher=WEIGHTS, previous=WEIGHTS, adversarial=WEIGHTS)
    assert [weights(setting) for setting in first_settings(study)] == [
        (0.3, 0.3, 0.01),
        (0.3, 0, 0),
        (0, 0.3, 0),
        (0, 0.3, 0.01),
        (0.3, 0, 0.01),
        (0.3, 0.3, 0),
    ]


@pytest.mark.parametrize(
    ("study", "expected"),
    [
        (distill(), [(0.3, 0.3, 0.01)]),
        (distill(teacher="{uniform: [0.1, 1]}"), [(0.3, 0.3, 0.01)]),  # it cannot be off
        (distill(teacher=WEIGHTS), [(0.3, 0.3, 0.01), (0, 0.3, 0.01)]),
        (distill(teacher=WEIGHTS, adversarial="0"), [(0.3, 0.3, 0), (0, 0.3, 0)]),
        (distill(teacher=WEIGHTS, previous="0", adversarial="0"), [(0.3, 0, 0)]),
        (distill(previous="{choice: [0, 1]}", adversarial="0"), [(0.3, 1, 0), (0.3, 0, 0)]),  # 1, though 0 is nearer
    ],
)
def test_as_far_as_the_space_allows(study: Study, expected: list[tuple[float, float, float]]) -> None:
    firsts = [weights(setting) for setting in first_settings(study)]
    assert firsts[0] == weights(study.base)
    assert sorted(firsts) == sorted(expected)


def test_another_method_has_no_special_cases() -> None:
    study = parse_study("distill: {method: ce, teacher: {weight: {uniform: [0, 1]}}}", "s.yaml", describe)
    assert first_settings(study) == [study.base]


@many
@given(studies())
def test_all_are_of_the_space_and_none_comes_twice(study: Study) -> None:
    firsts = first_settings(study)
    assert firsts[0] == study.space.resolve(study.base, {})
    assert all(study.space.contains(setting) for setting in firsts)
    assert all(study.space.resolve(study.base, study.space.values(setting)) == setting for setting in firsts)
    assert len({setting_key(setting, "f") for setting in firsts}) == len(firsts)


@many
@given(studies())
def test_baselines_have_no_teacher_and_their_own_smoothing(study: Study) -> None:
    ce, smoothed = baseline_setting(study.base, "ce"), baseline_setting(study.base, "label_smoothing")
    assert not needs_teacher(ce)
    assert not needs_teacher(smoothed)
    assert student_train(ce).label_smoothing == 0
    assert student_train(smoothed).label_smoothing == (study.base.train.label_smoothing or 0.1)
    assert setting_key(ce, "f") != setting_key(smoothed, "f")
    assert ce.data == smoothed.data == study.base.data


@pytest.mark.parametrize(("own", "smoothing"), [(0, 0.1), (0.25, 0.25)])
def test_the_smoothing_of_the_baseline(own: float, smoothing: float) -> None:
    base = parse_study(f"train: {{label_smoothing: {own}}}", "s.yaml", describe).base
    assert student_train(baseline_setting(base, "label_smoothing")).label_smoothing == smoothing
