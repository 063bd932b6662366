"""Columns: what one is, and those that a setting's fields become."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from aikd_tune.spec.activity import CONDITIONS, active_fields
from aikd_tune.spec.defaults import FILLED
from aikd_tune.spec.fields import Setting
from aikd_tune.spec.leaves import SETTING_FIELDS, Scalar

Kind = Literal["text", "int", "float", "bool", "time", "logits"]


@dataclass(frozen=True)
class Column:
    """One column of a table; ``unit`` and ``null_when`` are empty where there is nothing to say."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    null_when: str = ""


# The names that the contract of the study folder gives; every other field is its path with underscores.
_SHORT = {
    "data.split_seed": "split_seed",
    "model.name": "model",
    "train.epochs": "epochs_planned",
    "train.batch_size": "batch_size",
    "train.lr": "lr",
    "train.weight_decay": "weight_decay",
    "distill.method": "method",
    "distill.ce": "ce",
    "distill.temperature": "temperature",
    "distill.teacher.weight": "teacher_weight",
    "distill.previous.weight": "previous_weight",
    "distill.previous.source": "previous_source",
    "distill.adversarial.weight": "adversarial_weight",
    "distill.adversarial.objective": "adversarial_objective",
    "distill.adversarial.input": "adversarial_input",
    "distill.adversarial.hidden": "adversarial_hidden",
    "distill.adversarial.gradient_penalty": "gradient_penalty",
    "distill.adversarial.critic_steps": "critic_steps",
}

_UNITS = {
    "data.test": "images or share",
    "data.val": "images or share",
    "data.train": "images or share",
    "data.size": "pixels",
    "data.stored_size": "pixels",
    "data.views.resized_crop": "share of the area",
    "data.views.shift": "pixels",
    "data.views.rotation": "degrees",
    "data.views.cutout": "pixels",
    "model.width": "channels",
    "train.epochs": "epochs",
    "train.batch_size": "images",
    "train.lr_milestones": "epochs",
    "train.lr_warmup_epochs": "epochs",
    "teacher.epochs": "epochs",
    "teacher.lr_milestones": "epochs",
    "teacher.lr_warmup_epochs": "epochs",
    "teacher.batch_size": "images",
    "distill.adversarial.warmup_epochs": "epochs",
    "distill.adversarial.hidden": "units",
    "distill.adversarial.critic_steps": "updates per student step",
}


def column_name(path: str) -> str:
    """The column of a setting's field: ``distill.teacher.weight`` -> ``teacher_weight``."""
    return _SHORT.get(path, path.replace(".", "_"))


def setting_columns(setting: Setting) -> dict[str, Scalar]:
    """Every field of ``setting`` as columns of ``trials``; inactive fields are None."""
    active = active_fields(setting)
    columns: dict[str, Scalar] = {}
    for path in SETTING_FIELDS:
        column, value = SETTING_COLUMNS[path], active.get(path)
        columns[column.name] = str(value) if column.kind == "text" and value is not None else value
    return columns


def _column(path: str, field: FieldInfo) -> Column:
    nulls = ["inactive"] if path in CONDITIONS else []
    if field.default is None and path not in FILLED:
        nulls.append("left to its default")
    return Column(
        column_name(path), _kind(field.annotation), _UNITS.get(path, ""), field.description or "", "; ".join(nulls)
    )


def _kind(annotation: Any) -> Kind:
    """The narrowest kind that holds every value of an annotation; numbers beside words become text."""
    types = _types(annotation)
    if str in types:
        return "text"
    if types == {bool}:
        return "bool"
    return "float" if float in types else "int"


def _types(annotation: Any) -> set[type]:
    if annotation is type(None):
        return set()
    if isinstance(annotation, type):
        return {annotation}
    if get_origin(annotation) is Literal:
        return {type(value) for value in get_args(annotation)}
    inner = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
    return set().union(*(_types(part) for part in inner))


SETTING_COLUMNS = MappingProxyType({path: _column(path, field) for path, field in SETTING_FIELDS.items()})
