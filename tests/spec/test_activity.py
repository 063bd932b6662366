"""Activity: what is inactive changes nothing, and only the declared parents decide."""

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_strategies import many, settings_of, values_of

from aikd_tune.spec import SETTING_FIELDS, Scalar, Setting, active_fields, flatten, needs_teacher
from aikd_tune.spec.activity import (
    CONDITIONS,
    hidden_layers,
    is_active,
    previous_temperature,
    student_train,
    teacher_temperature,
    teacher_train,
)
from aikd_tune.spec.keys import canonical, teacher_key
from aikd_tune.spec.leaves import unflatten


def setting_of(**sections: Mapping[str, object]) -> Setting:
    return Setting.model_validate(sections)


def distill(**fields: object) -> Setting:
    return setting_of(distill=fields)


class _Watched(Mapping[str, Scalar]):
    """Values that note which of them were read."""

    def __init__(self, values: Mapping[str, Scalar]) -> None:
        self.values_ = values
        self.read: set[str] = set()

    def __getitem__(self, path: str) -> Scalar:
        self.read.add(path)
        return self.values_[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


@many
@given(settings_of())
def test_a_condition_reads_only_its_declared_parents(setting: Setting) -> None:
    for path, condition in CONDITIONS.items():
        watched = _Watched(flatten(setting))
        condition.holds(watched)
        assert watched.read <= set(condition.parents), path


@many
@given(settings_of(), st.data())
def test_an_inactive_field_changes_nothing(setting: Setting, data: st.DataObject) -> None:
    values = flatten(setting)
    inactive = [path for path in values if not is_active(path, values)]
    changed = values | {path: data.draw(values_of(path), label=path) for path in inactive}
    other = unflatten(changed)
    assert active_fields(other) == active_fields(setting)
    assert canonical(other) == canonical(setting)
    if needs_teacher(setting):
        assert teacher_key(other, 0, "f", "train", 1, "cpu") == teacher_key(setting, 0, "f", "train", 1, "cpu")


ADVERSARIAL = {path for path in SETTING_FIELDS if path.startswith("distill.adversarial.")}
TEACHER = {path for path in SETTING_FIELDS if path.startswith("teacher.")}
DISTILL = {path for path in SETTING_FIELDS if path.startswith("distill.")}
NO_ADAM = {"train.beta1", "train.beta2", "teacher.beta1", "teacher.beta2"}
NO_STEPS = {"train.lr_milestones", "train.lr_factor", "teacher.lr_milestones", "teacher.lr_factor"}
USUAL = {
    "data.path",
    "data.source_sha256",
    "model.arguments",
    "model.source_sha256",
    "teacher.sha256",
    "distill.adversarial.temperature",
    "distill.adversarial.spectral_norm",
    *NO_ADAM,
    *NO_STEPS,
}
OFF = {"weight": 0}
TRAINED = TEACHER - {"teacher.file", "teacher.sha256"}


@pytest.mark.parametrize(
    ("setting", "gone", "back"),
    [
        (Setting(), set(), set()),
        (setting_of(data={"name": "parquet_images"}), set(), {"data.path"}),
        (setting_of(data={"name": "a:b"}), set(), {"data.path", "data.source_sha256"}),
        (setting_of(model={"name": "resnet50"}), {"model.width"}, {"model.arguments"}),
        (setting_of(model={"name": "a:b"}), {"model.width"}, {"model.arguments", "model.source_sha256"}),
        (distill(adversarial=OFF), ADVERSARIAL - {"distill.adversarial.weight"}, set()),
        (
            distill(adversarial={"objective": "bce"}),
            {"distill.adversarial.gradient_penalty"},
            {"distill.adversarial.spectral_norm"},
        ),
        (distill(adversarial={"input": "probabilities"}), set(), {"distill.adversarial.temperature"}),
        (distill(adversarial={"input": "features"}), set(), set()),
        (
            distill(previous=OFF),
            {"distill.previous.temperature", "distill.previous.ramp", "distill.previous.source"},
            set(),
        ),
        (distill(teacher={"temperature": 2.0}, previous={"temperature": 3.0}), {"distill.temperature"}, set()),
        (
            distill(teacher=OFF, previous={"temperature": 3.0}),
            {"distill.temperature", "distill.teacher.temperature"},
            set(),
        ),
        (
            distill(teacher=OFF, adversarial=OFF),
            {"distill.teacher.temperature"} | ADVERSARIAL - {"distill.adversarial.weight"} | TEACHER,
            set(),
        ),
        (
            distill(teacher=OFF, adversarial=OFF, start="teacher"),
            {"distill.teacher.temperature"} | ADVERSARIAL - {"distill.adversarial.weight"},
            set(),
        ),
        (setting_of(train={"momentum": 0}), {"train.nesterov", "teacher.nesterov"}, set()),
        (setting_of(train={"momentum": 0}, teacher={"momentum": 0.9, "nesterov": True}), {"train.nesterov"}, set()),
        (setting_of(train={"momentum": 0}, teacher={"momentum": 0.9}), set(), set()),  # phase 1 inherits nesterov
        (setting_of(teacher={"momentum": 0}), {"teacher.nesterov"}, set()),
        (
            setting_of(train={"optimizer": "adam"}),
            {"train.momentum", "train.nesterov", "teacher.momentum", "teacher.nesterov"},
            NO_ADAM,
        ),
        (setting_of(teacher={"optimizer": "adamw"}), {"teacher.momentum", "teacher.nesterov"}, NO_ADAM),
        (
            setting_of(teacher={"optimizer": "adamw", "beta1": 0.8, "beta2": 0.9}),
            {"teacher.momentum", "teacher.nesterov"},
            {"teacher.beta1", "teacher.beta2"},
        ),
        (setting_of(train={"lr_schedule": "step", "lr_milestones": "3"}), set(), NO_STEPS),
        (setting_of(teacher={"file": "x.pt"}), TRAINED, {"teacher.sha256"}),
        (distill(method="ce"), {"train.label_smoothing"} | TEACHER | DISTILL - {"distill.method"}, set()),
        (distill(method="label_smoothing"), TEACHER | DISTILL - {"distill.method"}, set()),
        (setting_of(distill={"ce": 0}, teacher={"label_smoothing": 0.1}), {"train.label_smoothing"}, set()),
        (
            setting_of(distill={"ce": 0}, teacher={"file": "x.pt"}),
            TRAINED | {"train.label_smoothing"},
            {"teacher.sha256"},
        ),
        (distill(ce=0), set(), set()),  # the teacher inherits the smoothing
        (distill(ce="complement"), set(), set()),
    ],
)
def test_what_is_switched_off(setting: Setting, gone: set[str], back: set[str]) -> None:
    assert set(SETTING_FIELDS) - set(active_fields(setting)) == (USUAL - back) | gone


@pytest.mark.parametrize(
    ("setting", "needed"),
    [
        (Setting(), True),
        (distill(teacher=OFF), True),
        (distill(adversarial=OFF), True),
        (distill(teacher=OFF, adversarial=OFF), False),
        (distill(method="ce"), False),
        (distill(teacher=OFF, adversarial=OFF, start="teacher"), True),
        (distill(teacher=OFF, adversarial=OFF, start="teacher_init"), False),
        (distill(method="ce", start="teacher"), False),
    ],
)
def test_needs_teacher(setting: Setting, needed: bool) -> None:
    assert needs_teacher(setting) is needed


def test_the_teacher_inherits_what_it_does_not_override() -> None:
    setting = setting_of(train={"lr": 0.2, "epochs": 9, "label_smoothing": 0.1}, teacher={"lr": 0.3, "weight_decay": 0})
    train = teacher_train(setting)
    assert (train.lr, train.epochs, train.weight_decay, train.label_smoothing) == (0.3, 9, 0, 0.1)
    assert (train.nesterov, train.momentum) == (True, 0.9)


@pytest.mark.parametrize(
    ("train", "teacher", "of_student", "of_teacher"),
    [
        ({}, {}, True, True),
        ({"momentum": 0.0}, {}, False, False),
        ({"momentum": 0.0}, {"momentum": 0.9}, False, False),
        ({"momentum": 0.0}, {"momentum": 0.9, "nesterov": True}, False, True),
        ({}, {"momentum": 0.0}, True, False),
        ({"nesterov": False}, {}, False, False),
        ({}, {"nesterov": False}, True, False),
    ],
)
def test_no_nesterov_without_momentum(
    train: dict[str, object], teacher: dict[str, object], of_student: bool, of_teacher: bool
) -> None:
    setting = setting_of(train=train, teacher=teacher)
    assert student_train(setting).nesterov is of_student
    assert teacher_train(setting).nesterov is of_teacher


@pytest.mark.parametrize(
    ("fields", "smoothing"),
    [
        ({"method": "ce"}, 0.0),
        ({"method": "label_smoothing"}, 0.1),
        ({"method": "aikd"}, 0.1),
        ({"ce": 0}, 0.0),
        ({"ce": "complement"}, 0.1),
    ],
)
def test_smoothing_of_the_student(fields: dict[str, object], smoothing: float) -> None:
    assert student_train(setting_of(train={"label_smoothing": 0.1}, distill=fields)).label_smoothing == smoothing


def test_temperatures() -> None:
    own = distill(temperature=3, teacher={"temperature": 2})
    assert (teacher_temperature(own), previous_temperature(own)) == (2, 3)


def test_hidden_layers() -> None:
    assert hidden_layers("256-64") == (256, 64)
    assert hidden_layers("32") == (32,)
