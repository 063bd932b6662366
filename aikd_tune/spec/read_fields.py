"""The tree of a study file as fields: each key known, each value by its own rule."""

import re

from pydantic.fields import FieldInfo

from aikd_tune.spec.document import Item, ListItem, MappingItem, ScalarItem
from aikd_tune.spec.draft import Draft
from aikd_tune.spec.kinds import Section
from aikd_tune.spec.leaves import SETTING_FIELDS, section_of
from aikd_tune.spec.names import nearest_key, usual_value
from aikd_tune.spec.problems import yaml_text
from aikd_tune.spec.read_domain import read_domain
from aikd_tune.spec.rules import Rule, rule_of
from aikd_tune.spec.study_fields import StudyFile

_CALL = re.compile(r"(uniform|loguniform|int|choice)\s*[(\[](.*?)[)\]]?")


def read_fields(root: Item | None, draft: Draft) -> None:
    """Read the whole file into ``draft``."""
    if root is not None:
        _read_section(StudyFile, root, "", draft)


def _read_section(section: type[Section], item: Item, path: str, draft: Draft) -> None:
    if isinstance(item, ScalarItem) and (item.tagged or item.value is None):
        return  # an empty section is all defaults
    if not isinstance(item, MappingItem):
        where, what = path or "the file", "must be 'key: value' lines"
        draft.add(item.line, where, what, item.text, _as_mapping(item, section))
        return
    for entry in draft.entries(item, path):
        inner = f"{path}.{entry.key}" if path else entry.key
        field = section.model_fields.get(entry.key)
        if field is None:
            near = nearest_key(entry.key, list(section.model_fields), path)
            rule = f"is no key of {path}" if path else "is no key of a study file"
            draft.problems.add(entry.line, inner, rule, entry.key, near)
            continue
        draft.lines[inner] = entry.line
        kind = section_of(field)
        if kind is not None:
            _read_section(kind, entry.item, inner, draft)
        else:
            _read_leaf(field, entry.item, inner, draft)


def _read_leaf(field: FieldInfo, item: Item, path: str, draft: Draft) -> None:
    rule = rule_of(field)
    if isinstance(item, ScalarItem):
        if item.tagged:
            draft.bad.add(path)
        elif rule.many:
            draft.add(
                item.line, path, f"must be a list of {rule.text}", item.text, f"[{rule.nearest(item.value, None)}]"
            )
        elif rule.accepts(item.value):
            draft.values[path] = rule.normal(item.value)
        else:
            draft.add(item.line, path, f"must be {rule.text}", item.text, _nearest(rule, item, path))
    elif rule.many:
        _read_list(rule, item, path, draft)
    elif isinstance(item, MappingItem):
        if may_be_searched(path):
            read_domain(rule, item, path, draft)
        else:
            default = yaml_text(field.get_default())
            draft.add(item.line, path, f"must be {rule.text} (no domain: it is fixed for a study)", item.text, default)
    else:
        draft.add(item.line, path, f"must be {rule.text}", item.text, _domain_of_list(rule, item, path))


_FIXED = frozenset({"data.fingerprint", "model.source_sha256", "teacher.file", "teacher.sha256"})


def may_be_searched(path: str) -> bool:
    """Whether a domain may stand at ``path``: any field of a setting but files; of the data the training size alone."""
    return path in SETTING_FIELDS and path not in _FIXED and (path == "data.train" or not path.startswith("data."))


def _read_list(rule: Rule, item: Item, path: str, draft: Draft) -> None:
    items = item.items if isinstance(item, ListItem) else ()
    if not isinstance(item, ListItem):
        draft.add(item.line, path, f"must be a list of {rule.text}", item.text, "[]")
    values = []
    for index, child in enumerate(items):
        value = child.value if isinstance(child, ScalarItem) else None
        if rule.accepts(value) and value not in values:
            values.append(value)
        elif value in values:
            draft.add(child.line, f"{path}[{index}]", "must be there once", child.text, "the list without it")
        else:
            draft.add(child.line, f"{path}[{index}]", f"must be {rule.text}", child.text, rule.nearest(value, None))
    draft.values[path] = tuple(values)


def _nearest(rule: Rule, item: ScalarItem, path: str) -> str:
    call = _CALL.fullmatch(item.value.strip()) if isinstance(item.value, str) else None
    if call and may_be_searched(path):
        return f"{{{call[1]}: [{call[2] if ',' in call[2] else 'lo, hi'}]}}"
    return rule.nearest(item.value, usual_value(path))


def _domain_of_list(rule: Rule, item: ListItem, path: str) -> str:
    """What a list in place of a scalar most likely means."""
    values = [child.value for child in item.items if isinstance(child, ScalarItem)]
    hidden = rule.nearest(item.text, None)
    if rule.accepts(hidden):  # [256, 64] for 256-64
        return hidden
    if not may_be_searched(path) or not values:
        return rule.nearest(item.text, usual_value(path))
    numbers = rule.number()
    pair = len(values) == 2 and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    kind = "choice" if numbers is None or not pair else "int" if numbers.whole else "uniform"
    return f"{{{kind}: {item.text}}}"


def _as_mapping(item: Item, section: type[Section]) -> str:
    """What most likely was meant: a missing space after a colon, a list of one-key mappings, or the section's keys."""
    if isinstance(item, ScalarItem) and ":" in item.text:
        return re.sub(r":(?=\S)", ": ", item.text.strip('"'))
    if isinstance(item, ScalarItem) and "name" in section.model_fields:
        return f"{{name: {item.text}}}"
    keys = list(section.model_fields)
    return f"{keys[0]}: ..."
