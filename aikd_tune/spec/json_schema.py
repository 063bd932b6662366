"""JSON Schema of a study file, from the same fields: editors complete keys, show descriptions and check values."""

from typing import Any

from pydantic.fields import FieldInfo

from aikd_tune.spec.kinds import Section
from aikd_tune.spec.leaves import section_of
from aikd_tune.spec.read_fields import may_be_searched
from aikd_tune.spec.rules import Flag, Null, Number, Rule, Text, Words, rule_of
from aikd_tune.spec.study_fields import StudyFile

Schema = dict[str, Any]


def json_schema() -> Schema:
    """The schema; rules across fields and sizes of a data set are beyond it (``aikd-tune check`` has them all)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "aikd-tune study",
        **_section(StudyFile, ""),
    }


def _section(section: type[Section], path: str) -> Schema:
    properties = {name: _property(field, f"{path}{name}") for name, field in section.model_fields.items()}
    schema: Schema = {"type": ["object", "null"] if path else "object", "additionalProperties": False}
    if section.__doc__:
        schema["description"] = " ".join(section.__doc__.replace("``", "").split())
    return schema | {"properties": properties}


def _property(field: FieldInfo, path: str) -> Schema:
    inner = section_of(field)
    if inner is not None:
        schema = _section(inner, f"{path}.")
        return schema | ({"description": field.description} if field.description else {})
    rule = rule_of(field)
    value = {"anyOf": [_alternative(alternative) for alternative in rule.alternatives]}
    kinds = [*value["anyOf"], *_domains(rule)] if may_be_searched(path) else value["anyOf"]
    if rule.many:
        kinds = [{"type": "array", "items": value, "uniqueItems": True}]
    schema = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    default = field.get_default()
    return {
        **schema,
        **({"description": field.description} if field.description else {}),
        **({} if default is None else {"default": list(default) if isinstance(default, tuple) else default}),
    }


def _alternative(alternative: object) -> Schema:
    match alternative:
        case Number():
            return _number(alternative)
        case Words():
            return {"enum": list(alternative.options)}
        case Flag():
            return {"type": "boolean"}
        case Text():
            return {"type": "string", "pattern": alternative.pattern}
        case _:
            assert isinstance(alternative, Null)
            return {"type": "null"}


def _number(number: Number) -> Schema:
    schema: Schema = {"type": "integer" if number.whole else "number"}
    if number.low > float("-inf"):
        schema["exclusiveMinimum" if number.open_low else "minimum"] = number.low
    if number.high < float("inf"):
        schema["exclusiveMaximum" if number.open_high else "maximum"] = number.high
    return schema


def _domains(rule: Rule) -> list[Schema]:
    """The domains that suit a field of ``rule``."""
    value = {"anyOf": [_alternative(alternative) for alternative in rule.alternatives]}
    extra: Schema = {
        "or": value | {"description": "one value beside the domain, such as 0 for a logarithmic range"},
        "when": {"type": "object", "description": "searched only while each path has one of the values"},
    }
    domains = [_domain("choice", {"type": "array", "items": value, "minItems": 1}, extra)]
    number = rule.number()
    if number is None:
        return domains
    whole = _number(number) | {"type": "integer"}
    log_and_step: Schema = {"log": {"type": "boolean"}, "step": {"type": "integer", "minimum": 1}}
    if not number.whole:
        domains += [_domain(kind, _bounds(_number(number)), extra) for kind in ("uniform", "loguniform")]
    return [*domains, _domain("int", _bounds(whole), extra | log_and_step)]


def _bounds(value: Schema) -> Schema:
    return {"type": "array", "items": value, "minItems": 2, "maxItems": 2}


def _domain(kind: str, values: Schema, extra: Schema) -> Schema:
    return {"type": "object", "properties": {kind: values, **extra}, "required": [kind], "additionalProperties": False}
