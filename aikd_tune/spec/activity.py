"""Which fields of a setting matter: those that others switch off are inactive by themselves."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from aikd_tune.spec.catalogue import OWN_NETWORKS, is_own_code
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
START = "distill.start"
WITH_TEACHER = (METHOD, TEACHER, ADVERSARIAL, START, "teacher.file")


def _aikd(values: Values) -> bool:
    return values[METHOD] == "aikd"


def _positive(value: Scalar) -> bool:
    return isinstance(value, int | float) and value > 0


def _term(weight: str) -> Callable[[Values], bool]:
    return lambda values: _aikd(values) and _positive(values[weight])


def _shared_temperature(values: Values) -> bool:
    """Some active KL term has no temperature of its own."""
    return any(
        _term(f"distill.{term}.weight")(values) and values[f"distill.{term}.temperature"] is None
        for term in ("teacher", "previous")
    )


def _with_teacher(values: Values) -> bool:
    """The teacher's term, the discriminator's real side and a warm start need a teacher."""
    return _term(TEACHER)(values) or _term(ADVERSARIAL)(values) or (_aikd(values) and values[START] == "teacher")


def _phase_one(values: Values) -> bool:
    """A teacher is needed, and no file gives it."""
    return _with_teacher(values) and values["teacher.file"] is None


def _label_smoothing(values: Values) -> bool:
    """The student's cross-entropy has a weight, or the teacher inherits it."""
    if not _aikd(values):
        return values[METHOD] == "label_smoothing"
    inherited = _phase_one(values) and values["teacher.label_smoothing"] is None
    return values["distill.ce"] == "complement" or _positive(values["distill.ce"]) or inherited


def _in_force(values: Values, phase: str, name: str) -> Scalar:
    own = values[f"{phase}.{name}"]
    return values[f"train.{name}"] if own is None else own


# Fields of ``train`` and ``teacher`` that another of them switches on: by which, and at which of its values.
_SELECTED: Mapping[str, tuple[str, frozenset[Scalar]]] = {
    "momentum": ("optimizer", frozenset({"sgd"})),
    "nesterov": ("optimizer", frozenset({"sgd"})),
    "beta1": ("optimizer", frozenset({"adam", "adamw"})),
    "beta2": ("optimizer", frozenset({"adam", "adamw"})),
    "lr_milestones": ("lr_schedule", frozenset({"step"})),
    "lr_factor": ("lr_schedule", frozenset({"step"})),
}


def _used_by(values: Values, phase: str, name: str) -> bool:
    """Whether the optimiser or schedule of a phase uses its field ``name``; Nesterov's form needs a momentum too."""
    selector, wanted = _SELECTED[name]
    if _in_force(values, phase, selector) not in wanted:
        return False
    return name != "nesterov" or _positive(_in_force(values, phase, "momentum"))


def _optimisation(name: str) -> dict[str, Condition]:
    """Conditions of ``train.<name>``, which phase 1 may inherit, and of ``teacher.<name>``."""
    selector, _ = _SELECTED[name]
    deciding = [selector, "momentum"] if name == "nesterov" else [selector]
    parents = tuple(f"{phase}.{other}" for other in deciding for phase in ("train", "teacher"))

    def in_phase_one(values: Values) -> bool:
        return _phase_one(values) and _used_by(values, "teacher", name)

    def in_either(values: Values) -> bool:
        inherits = values[f"teacher.{name}"] is None and in_phase_one(values)
        return inherits or _used_by(values, "train", name)

    return {
        f"train.{name}": Condition((*parents, *WITH_TEACHER, f"teacher.{name}"), in_either),
        f"teacher.{name}": Condition((*parents, *WITH_TEACHER), in_phase_one),
    }


def _adversarial(name: str, *wanted: Scalar) -> Condition:
    """The adversarial term is on, and its field ``name`` has one of these values."""
    path = f"distill.adversarial.{name}"
    return Condition((METHOD, ADVERSARIAL, path), lambda values: _term(ADVERSARIAL)(values) and values[path] in wanted)


def _named(path: str, holds: Callable[[str], bool]) -> Condition:
    return Condition((path,), lambda values: holds(str(values[path])))


def _conditions() -> dict[str, Condition]:
    table = {
        "data.path": _named("data.name", lambda name: name != "digits"),
        "data.source_sha256": _named("data.name", is_own_code),
        "model.width": _named("model.name", OWN_NETWORKS.__contains__),
        "model.arguments": _named("model.name", lambda name: name not in OWN_NETWORKS),
        "model.source_sha256": _named("model.name", is_own_code),
        **{path: condition for name in _SELECTED for path, condition in _optimisation(name).items()},
        "train.label_smoothing": Condition(
            (METHOD, "distill.ce", TEACHER, ADVERSARIAL, START, "teacher.file", "teacher.label_smoothing"),
            _label_smoothing,
        ),
        "teacher.file": Condition((METHOD, TEACHER, ADVERSARIAL, START), _with_teacher),
        "teacher.sha256": Condition(
            WITH_TEACHER, lambda values: _with_teacher(values) and values["teacher.file"] is not None
        ),
        "distill.temperature": Condition(
            (METHOD, TEACHER, PREVIOUS, "distill.teacher.temperature", "distill.previous.temperature"),
            _shared_temperature,
        ),
        "distill.adversarial.gradient_penalty": _adversarial("objective", "wgan-gp"),
        "distill.adversarial.spectral_norm": _adversarial("objective", "bce"),
        "distill.adversarial.temperature": _adversarial("input", "log_probabilities", "probabilities"),
    }
    for path in SETTING_FIELDS:
        section, _, name = path.rpartition(".")
        if path in table or path == METHOD or section == "data":
            continue
        if section == "teacher":
            table[path] = Condition(WITH_TEACHER, _phase_one)
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
    """Whether a teacher is needed at all, from phase 1 or from a file."""
    return _with_teacher(flatten(setting))


def student_train(setting: Setting) -> Train:
    """Optimisation of the student in force: no smoothing in plain ``ce``, nothing that its optimiser does not use."""
    train = setting.train
    if setting.distill.method == "ce" or (setting.distill.method == "aikd" and setting.distill.ce == 0):
        train = train.model_copy(update={"label_smoothing": 0.0})
    return _in_use(train)


def teacher_train(setting: Setting) -> Train:
    """Optimisation of phase 1 in force: the overrides under ``teacher`` over ``train``."""
    own = {name: value for name, value in setting.teacher if value is not None and name in Train.model_fields}
    train = setting.train
    inherited = train.model_copy(update={"nesterov": train.nesterov and train.momentum > 0})
    return _in_use(inherited.model_copy(update=own))


def _in_use(train: Train) -> Train:
    """``train`` with the fields that its optimiser and its schedule do not use at their defaults."""
    values = {f"train.{name}": value for name, value in train}
    values |= {f"teacher.{name}": None for name in Train.model_fields}
    unused = [name for name in _SELECTED if not _used_by(values, "train", name)]
    changes = {name: name != "nesterov" and Train.model_fields[name].get_default() for name in unused}
    return train.model_copy(update=changes)


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
