import pytest
from study_texts import describe

from aikd_tune.spec import Study, differences, parse_study

TEXT = """study: s
train: {lr: 0.1}
distill: {temperature: {loguniform: [1, 10]}, teacher: {weight: {choice: [0.1, 1], or: 0}}}
search: {trials: 40}
"""


def study(*changes: tuple[str, str]) -> Study:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_study(text, "s.yaml", describe)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("trials: 40", "trials: 80"),
        ("search: {trials: 40}", "search: {trials: 40}\nconfirm: {settings: 1, replicates: 3, baselines: []}"),
        ("study: s", "study: s\nresources: {per_trial: {cpus: 2}, max_concurrent: 1, teacher_cache_gib: 0}"),
        ("train: {lr: 0.1}", "train: {lr: 0.10, epochs: 30}"),
    ],
)
def test_what_may_change(old: str, new: str) -> None:
    assert differences(study(), study((old, new))) == []


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("lr: 0.1", "lr: 0.2", "train.lr: recorded 0.1, now 0.2"),
        ("study: s", "seed: 3\nstudy: s", "seed: recorded 0, now 3"),
        ("study: s", "study: t", "study: recorded s, now t"),
        ("[1, 10]", "[1, 9]", "distill.temperature: recorded {loguniform: [1.0, 10.0]}, now {loguniform: [1.0, 9.0]}"),
        (
            ", or: 0",
            "",
            "distill.teacher.weight: recorded {choice: [0.1, 1.0], or: 0.0}, now {choice: [0.1, 1.0]}",
        ),
        ("lr: 0.1", "lr: {uniform: [0.1, 1]}", "train.lr: recorded 0.1, now {uniform: [0.1, 1.0]}"),
        ("study: s", "study: s\nteacher: {lr: 0.3}", "teacher.lr: recorded nothing, now 0.3"),
        ("trials: 40", "sampler: random", "search.sampler: recorded tpe, now random"),
        (
            "trials: 40",
            "early_stopping: {reduction: 2}",
            "search.early_stopping.reduction: recorded 3, now 2",
        ),
    ],
)
def test_what_may_not(old: str, new: str, line: str) -> None:
    assert differences(study(), study((old, new))) == [line]


def test_a_field_taken_back_is_a_difference_too() -> None:
    assert differences(study(("study: s", "study: s\nteacher: {lr: 0.3}")), study()) == [
        "teacher.lr: recorded 0.3, now nothing"
    ]
