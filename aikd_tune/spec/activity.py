"""Which fields of a setting matter: those that others switch off are inactive by themselves."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from aikd_tune.spec.fields import Setting, Train
from aikd_tune.spec.leaves import SETTING_FIELDS, Scalar, flatten

Values = Mapping[str, Scalar]


class Condition(NamedTuple):
    """A field matters while ``holds``, which reads the values of ``parents`` alone."""

    parents: tuple[str, ...]
    holds: Callable[[Values], bool]


METHOD = "distill.method"
TEACHER = "distill.teacher.weight"
PREVIOUS = "distill.previous.weight"
ADVERSARIAL = "distill.adversarial.weight"


def _aikd(values: Values) -> bool:
    return values[METHOD] == "aikd"


def _positive(value: Scalar) -> bool:
    return isinstance(value, int | float) and value > 0


def _term(weight: str) -> Callable[[Values], bool]:
    return lambda values: _aikd(values) and _positive(values[weight])


def _gradient_penalty(values: Values) -> bool:
    return _term(ADVERSARIAL)(values) and values["distill.adversarial.objective"] == "wgan-gp"


def _shared_temperature(values: Values) -> bool:
    """Some active KL term has no temperature of its own."""
    return any(
        _term(f"distill.{term}.weight")(values) and values[f"distill.{term}.temperature"] is None
        for term in ("teacher", "previous")
    )


def _with_teacher(values: Values) -> bool:
    """The teacher's term and the discriminator's real side need a phase 1."""
    return _term(TEACHER)(values) or _term(ADVERSARIAL)(values)


def _teacher_nesterov(values: Values) -> bool:
    own = values["teacher.momentum"]
    return _with_teacher(values) and _positive(values["train.momentum"] if own is None else own)


def _label_smoothing(values: Values) -> bool:
    """The student's cross-entropy has a weight, or the teacher inherits it."""
    if not _aikd(values):
        return values[METHOD] == "label_smoothing"
    inherited = _with_teacher(values) and values["teacher.label_smoothing"] is None
    return values["distill.ce"] == "complement" or _positive(values["distill.ce"]) or inherited


def _conditions() -> dict[str, Condition]:
    table = {
        "data.path": Condition(("data.name",), lambda values: values["data.name"] == "parquet_images"),
        "train.nesterov": Condition(("train.momentum",), lambda values: _positive(values["train.momentum"])),
        "train.label_smoothing": Condition(
            (METHOD, "distill.ce", TEACHER, ADVERSARIAL, "teacher.label_smoothing"), _label_smoothing
        ),
        "teacher.nesterov": Condition(
            (METHOD, TEACHER, ADVERSARIAL, "teacher.momentum", "train.momentum"), _teacher_nesterov
        ),
        "distill.temperature": Condition(
            (METHOD, TEACHER, PREVIOUS, "distill.teacher.temperature", "distill.previous.temperature"),
            _shared_temperature,
        ),
        "distill.adversarial.gradient_penalty": Condition(
            (METHOD, ADVERSARIAL, "distill.adversarial.objective"), _gradient_penalty
        ),
    }
    for path in SETTING_FIELDS:
        section, _, name = path.rpartition(".")
        if path in table or path == METHOD or section == "data":
            continue
        if section == "teacher":
            table[path] = Condition((METHOD, TEACHER, ADVERSARIAL), _with_teacher)
        elif section == "distill" or (section.startswith("distill.") and name == "weight"):
            table[path] = Condition((METHOD,), _aikd)
        elif section.startswith("distill."):
            table[path] = Condition((METHOD, f"{section}.weight"), _term(f"{section}.weight"))
    return table


CONDITIONS: Mapping[str, Condition] = _conditions()


def is_active(path: str, values: Values) -> bool:
    """Whether the field at ``path`` matters, given the values of all fields (of its parents at least)."""
    condition = CONDITIONS.get(path)
    return condition is None or condition.holds(values)


def active_fields(setting: Setting) -> dict[str, Scalar]:
    """Dotted path -> value of every field that matters, in the order of declaration; None: left to its default."""
    values = flatten(setting)
    return {path: value for path, value in values.items() if is_active(path, values)}


def needs_teacher(setting: Setting) -> bool:
    """Whether phase 1 is needed at all."""
    return _with_teacher(flatten(setting))


def student_train(setting: Setting) -> Train:
    """Optimisation of the student in force: no smoothing in plain ``ce``, no Nesterov without momentum."""
    train = setting.train
    changes: dict[str, object] = {"nesterov": train.nesterov and train.momentum > 0}
    if setting.distill.method == "ce" or (setting.distill.method == "aikd" and setting.distill.ce == 0):
        changes["label_smoothing"] = 0.0
    return train.model_copy(update=changes)


def teacher_train(setting: Setting) -> Train:
    """Optimisation of phase 1 in force: the overrides under ``teacher`` over ``train``."""
    own = {name: value for name, value in setting.teacher if value is not None}
    inherited = setting.train.model_copy(update={"nesterov": setting.train.nesterov and setting.train.momentum > 0})
    train = inherited.model_copy(update=own)
    return train.model_copy(update={"nesterov": train.nesterov and train.momentum > 0})


def teacher_temperature(setting: Setting) -> float:
    """Temperature of the KL term from the teacher."""
    own = setting.distill.teacher.temperature
    return setting.distill.temperature if own is None else own


def previous_temperature(setting: Setting) -> float:
    """Temperature of the KL term from the previous student."""
    own = setting.distill.previous.temperature
    return setting.distill.temperature if own is None else own


def hidden_layers(text: str) -> tuple[int, ...]:
    """Widths of the discriminator's hidden layers: "256-64" -> (256, 64)."""
    return tuple(int(width) for width in text.split("-"))
