"""A study, or one of its settings, as the text of a study file."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from aikd_tune.spec.activity import active_fields
from aikd_tune.spec.domains import Absent, Choice, Domain, IntRange, LogUniform
from aikd_tune.spec.fields import Setting
from aikd_tune.spec.leaves import flatten, nest
from aikd_tune.spec.problems import yaml_text
from aikd_tune.spec.study import Study


def dump_study(study: Study) -> str:
    """``study`` as resolved, with its domains; reading the text gives an equal study."""
    fields: dict[str, Any] = {path: value for path, value in flatten(study.base).items() if value is not None}
    fields |= {path: domain_tree(domain) for path, domain in study.space.domains.items()}
    sections = {"search": study.search, "confirm": study.confirm, "resources": study.resources}
    return _text(study.name, study.seed, nest(fields) | {name: _tree(part) for name, part in sections.items()})


def dump_setting(study: Study, setting: Setting, name: str | None = None) -> str:
    """A study file of ``setting`` alone: fixed values, one trial, no early stopping; its name is ``<study>-best``."""
    fields = {path: value for path, value in active_fields(setting).items() if value is not None}
    search = {
        "metric": study.search.metric,
        "tie_break": study.search.tie_break,
        "trials": 1,
        "early_stopping": {"name": "none"},
    }
    sections = {"search": search, "confirm": _tree(study.confirm), "resources": _tree(study.resources)}
    return _text(name or f"{study.name[:59]}-best", study.seed, nest(fields) | sections)


def domain_tree(domain: Domain) -> dict[str, Any]:
    """A domain as the mapping that a study file writes."""
    tree: dict[str, Any]
    if isinstance(domain, Choice):
        tree = {"choice": domain.options}
    elif isinstance(domain, IntRange):
        tree = {"int": (domain.low, domain.high)}
        tree |= {"step": domain.step} if domain.step != 1 else {}
        tree |= {"log": True} if domain.log else {}
    else:
        tree = {"loguniform" if isinstance(domain, LogUniform) else "uniform": (domain.low, domain.high)}
    if not isinstance(domain.or_, Absent):
        tree["or"] = domain.or_
    if domain.when:
        tree["when"] = dict(domain.when)
    return tree


def _tree(section: BaseModel) -> dict[str, Any]:
    return {name: value for name, value in section.model_dump().items() if value is not None}


def _text(name: str, seed: int, sections: Mapping[str, Any]) -> str:
    lines = [f"study: {yaml_text(name)}", f"seed: {yaml_text(seed)}", *_lines(sections, "")]
    return "\n".join(lines) + "\n"


def _lines(tree: Mapping[str, Any], indent: str) -> list[str]:
    """One line a field; a domain stays on the line of its field."""
    lines = []
    for key, value in tree.items():
        if isinstance(value, dict) and not _is_domain(value):
            lines += [f"{indent}{key}:", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {yaml_text(value)}")
    return lines


def _is_domain(tree: Mapping[str, Any]) -> bool:
    return bool({"uniform", "loguniform", "int", "choice"} & set(tree))
