"""Rules across the fields of training: optimiser, schedule, views, teacher and discriminator."""

from aikd_tune.spec.activity import hidden_layers
from aikd_tune.spec.draft import Draft
from aikd_tune.spec.leaves import FIELD_DEFAULTS, Scalar
from aikd_tune.spec.problems import yaml_text
from aikd_tune.spec.reach import highest, possible

TEACHER_FIELDS = tuple(path for path in FIELD_DEFAULTS if path.startswith("teacher."))
_MIXING = ("data.views.mixup", "data.views.cutmix")


def check_training(draft: Draft) -> None:
    """Note every problem between the fields of training that are sound by themselves."""
    for phase in ("train", "teacher"):
        _nesterov(draft, phase)
        _milestones(draft, phase)
    for check in (_mixing, _teacher_file, _best_teacher, _spectral_norm):
        check(draft)


def _nesterov(draft: Draft, phase: str) -> None:
    """Nesterov's form was asked for, and there is never a momentum."""
    nesterov, momentum = f"{phase}.nesterov", f"{phase}.momentum"
    written = draft.values.get(nesterov) is True and draft.is_sound(momentum, "train.momentum")
    if written and highest(draft, momentum) == 0:
        draft.problems.add(draft.line(nesterov), nesterov, f"needs {momentum} above 0", "momentum 0", "false")


def _milestones(draft: Draft, phase: str) -> None:
    """A step schedule needs rising milestones."""
    path, epochs, schedule = (f"{phase}.{name}" for name in ("lr_milestones", "epochs", "lr_schedule"))
    if not draft.is_sound(path, epochs, schedule, "train.lr_milestones", "train.epochs", "train.lr_schedule"):
        return
    if phase == "teacher" and not {path, epochs, schedule} & draft.lines.keys():
        return  # all inherited: a problem of train
    if "step" not in possible(draft, schedule):
        return
    last = int(highest(draft, epochs))
    for text in possible(draft, path):
        if text is None:
            halves = sorted({max(1, last // 2), max(1, 3 * last // 4)})
            rule = f"{schedule}: step needs epochs after which the rate drops"
            draft.problems.add(draft.line(path, schedule), path, rule, "none", yaml_text("-".join(map(str, halves))))
            continue
        milestones = hidden_layers(str(text))
        if list(milestones) != sorted(set(milestones)):
            near = yaml_text("-".join(map(str, sorted(set(milestones)))))
            draft.problems.add(draft.line(path), path, "must rise", str(text), near)


def _mixing(draft: Draft) -> None:
    """A mixed view has no place in a table of predictions by image."""
    mixes = [path for path in _MIXING if draft.is_sound(path) and draft.value(path) != 0]
    source = "distill.previous.source"
    if not mixes or not draft.is_sound(source, "distill.previous.weight", "distill.method"):
        return
    used = "aikd" in possible(draft, "distill.method") and highest(draft, "distill.previous.weight") > 0
    if used and "table" in possible(draft, source):
        rule = f"table keeps one prediction per image, {mixes[0]} trains on two at once"
        draft.problems.add(draft.line(source, mixes[0]), source, rule, f"table with {mixes[0]}", "snapshot")


def _teacher_file(draft: Draft) -> None:
    """A teacher from a file is not trained, and its first weights are not known."""
    if not draft.is_sound("teacher.file") or draft.value("teacher.file") is None:
        return
    for path in TEACHER_FIELDS:
        usual = path not in draft.domains and draft.value(path) == FIELD_DEFAULTS[path]
        if path not in ("teacher.file", "teacher.sha256") and not usual:
            rule = "has no meaning where teacher.file gives the teacher"
            draft.problems.add(draft.line(path), path, rule, _shown(draft, path), "teacher: {file: ...} alone")
    for path in ("model.name", "model.width", "model.arguments"):
        if path in draft.domains:
            rule = "teacher.file holds the weights of one network"
            draft.problems.add(draft.line(path), path, rule, "a domain", "one value")
    start = "distill.start"
    if draft.is_sound(start) and "teacher_init" in possible(draft, start):
        rule = "teacher.file holds no first weights"
        draft.problems.add(draft.line(start), start, rule, "teacher_init", "teacher")


def _best_teacher(draft: Draft) -> None:
    """Validation cannot choose the teacher's epoch where it is trained on."""
    path = "teacher.checkpoint"
    if not draft.is_sound(path, "confirm.train_on", "confirm.settings") or "best" not in possible(draft, path):
        return
    if draft.value("confirm.train_on") == "train+val" and draft.value("confirm.settings") != 0:
        rule = "best needs validation images that are not trained on (confirm.train_on: train+val)"
        draft.problems.add(draft.line(path), path, rule, "best", "last")


def _spectral_norm(draft: Draft) -> None:
    path, objective = "distill.adversarial.spectral_norm", "distill.adversarial.objective"
    if draft.is_sound(path, objective) and draft.values.get(path) is True and "bce" not in possible(draft, objective):
        draft.problems.add(draft.line(path), path, f"needs {objective}: bce", str(draft.value(objective)), "false")


def _shown(draft: Draft, path: str) -> str:
    value: Scalar | tuple[Scalar, ...] = draft.values.get(path, "a domain")
    return str(value)
