"""The leaves of a setting as dotted paths: ``distill.teacher.weight`` and its value."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.fields import FieldInfo

from aikd_tune.spec.fields import Setting
from aikd_tune.spec.kinds import Section

Scalar = bool | int | float | str | None


def walk(section: type[Section], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every leaf under ``section`` in the order of its declaration: (dotted path, field)."""
    for name, field in section.model_fields.items():
        inner = section_of(field)
        if inner is None:
            yield prefix + name, field
        else:
            yield from walk(inner, f"{prefix}{name}.")


def section_of(field: FieldInfo) -> type[Section] | None:
    """The section that ``field`` holds, or None where it is a leaf."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


SETTING_FIELDS: Mapping[str, FieldInfo] = dict(walk(Setting))
FIELD_DEFAULTS: Mapping[str, Scalar] = {path: field.get_default() for path, field in SETTING_FIELDS.items()}


def flatten(setting: Setting) -> dict[str, Scalar]:
    """Dotted path -> value of every leaf, in the order of declaration."""
    return dict(_leaves_of(setting, ""))


def _leaves_of(section: Section, prefix: str) -> Iterator[tuple[str, Scalar]]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _leaves_of(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted paths -> nested dictionaries."""
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *sections, name = path.split(".")
        node = tree
        for section in sections:
            node = node.setdefault(section, {})
        node[name] = value
    return tree


def unflatten(values: Mapping[str, Scalar]) -> Setting:
    """The setting of ``values``; a path left out takes its field default. Each field's own rule is checked again."""
    return Setting.model_validate(nest(values))
