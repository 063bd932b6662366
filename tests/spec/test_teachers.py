"""What a study's space asks of phase 1 and of its networks."""

from pathlib import Path

import pytest
from study_texts import DATA, describe

from aikd_tune.spec import Study, parse_study
from aikd_tune.spec.dump import dump_study
from aikd_tune.spec.teachers import may_need_teacher, network_alternatives, sees_features, teacher_fields

OFF = "{teacher: {weight: 0}, adversarial: {weight: 0}}"


def study(text: str) -> Study:
    return parse_study(f"{DATA}{text}", "s.yaml", describe)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("train: {lr: {uniform: [0.1, 1]}}", ["train.lr"]),
        ("train: {lr: {uniform: [0.1, 1]}}\nteacher: {lr: 0.1}", []),
        ("train: {momentum: {choice: [0.5, 0.9]}, optimizer: adam}", []),
        ("train: {momentum: {choice: [0.5, 0.9]}}", ["train.momentum"]),
        (
            "train: {optimizer: {choice: [sgd, adam]}, beta1: {choice: [0.8, 0.9]}}",
            ["train.optimizer", "train.beta1"],
        ),
        ("train: {lr: {uniform: [0.1, 1]}}\ndistill: {method: ce}", []),
        (f"train: {{lr: {{uniform: [0.1, 1]}}}}\ndistill: {OFF}", []),
        (
            f"train: {{lr: {{uniform: [0.1, 1]}}}}\ndistill: {{start: teacher, {OFF[1:]}",
            ["train.lr"],
        ),
        ("model: {width: {choice: [8, 16]}}", ["model.width"]),
        ("distill: {temperature: {uniform: [1, 2]}}", []),
    ],
)
def test_fields_that_make_a_teacher_of_their_own(text: str, fields: list[str]) -> None:
    assert teacher_fields(study(text)) == fields


def test_a_teacher_from_a_file_hangs_on_nothing_that_is_searched(tmp_path: Path) -> None:
    (tmp_path / "t.pt").write_bytes(b"weights")
    text = f"train: {{lr: {{uniform: [0.1, 1]}}}}\nteacher: {{file: {tmp_path}/t.pt}}"
    found = study(text)
    assert may_need_teacher(found)
    assert teacher_fields(found) == []
    again = parse_study(dump_study(found), "s.yaml", None)  # the record of a study can be read
    assert again == found
    (tmp_path / "t.pt").unlink()
    assert parse_study(dump_study(found), "s.yaml", None) == found


def test_networks_of_a_space() -> None:
    text = (
        'model: {name: {choice: [small_cnn, resnet50]}, width: {choice: [8, 16]}, arguments: {choice: ["a=1", "a=2"]}}'
    )
    found = {(s.model.name, s.model.width, s.model.arguments) for s in network_alternatives(study(text))}
    assert {name for name, *_ in found} == {"small_cnn", "resnet50"}
    assert {width for name, width, _ in found if name == "small_cnn"} == {8, 16}
    assert {arguments for name, _, arguments in found if name == "resnet50"} == {"a=1", "a=2"}
    assert len(found) == 4  # what a network does not use makes no other one


def test_features() -> None:
    assert not sees_features(study(""))
    assert sees_features(study("distill: {adversarial: {input: {choice: [logits, features]}}}"))
    assert not sees_features(study("distill: {adversarial: {input: features, weight: 0}}"))
