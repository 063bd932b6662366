from hypothesis import given
from hypothesis import strategies as st
from studies import small_study

from aikd_tune.run.confirmation import Candidate, arms, best, look, seeds

STUDY = small_study()
OTHER = STUDY.space.resolve(STUDY.base, {"distill.teacher.weight": 0.0})


@given(st.lists(st.tuples(st.sampled_from([1.0, 2.0, 3.0]), st.sampled_from([0.1, 0.2])), min_size=1, max_size=12))
def test_the_best_come_first_and_ties_go_to_the_tie_break_then_to_the_earlier(
    values: list[tuple[float, float]],
) -> None:
    candidates = [Candidate(number, STUDY.base, value, tie) for number, (value, tie) in enumerate(values)]
    chosen = best(candidates, 3)
    expected = sorted(range(len(values)), key=lambda number: (*values[number], number))[:3]
    assert [candidate.number for candidate in chosen] == expected


def test_baselines_have_the_best_settings_own_training_and_no_distillation() -> None:
    found = arms(
        STUDY, [Candidate(4, STUDY.base, 3.0, 0.1), Candidate(7, OTHER, 2.0, 0.1), Candidate(9, OTHER, 5.0, 0.1)]
    )
    assert [(arm.name, arm.number, arm.rank) for arm in found] == [
        ("setting 7", 7, 1),
        ("setting 4", 4, 2),
        ("ce", None, None),
        ("label_smoothing", None, None),
    ]
    ce, smoothed = found[2].setting, found[3].setting
    assert ce.distill.method == "ce"
    assert (ce.data, ce.model, ce.train) == (OTHER.data, OTHER.model, OTHER.train)
    assert (smoothed.distill.method, smoothed.train.label_smoothing) == ("label_smoothing", 0.1)


def test_nothing_completed_confirms_nothing() -> None:
    assert arms(STUDY, []) == []


def test_seeds_are_fresh() -> None:
    assert seeds(STUDY) == [1, 2, 3]
    assert STUDY.seed not in seeds(STUDY)


def test_only_the_same_plan_is_the_same_look() -> None:
    ledger = [
        {"look": 1, "arms": ["setting 7", "ce"], "setting_keys": ["a", "b"], "seeds": [1, 2]},
        {"look": 2, "arms": ["setting 9", "ce"], "setting_keys": ["c", "b"], "seeds": [1, 2]},
    ]
    assert look(ledger, ["setting 7", "ce"], ["a", "b"], [1, 2]) == 1
    assert look(ledger, ["setting 9", "ce"], ["c", "b"], [1, 2]) == 2
    assert look(ledger, ["setting 9", "ce"], ["c", "b"], [1, 2, 3]) is None
    assert look(ledger, ["setting 9"], ["c"], [1, 2]) is None
