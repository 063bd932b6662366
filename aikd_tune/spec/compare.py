"""What tells two studies of one name apart."""

from typing import Any

from pydantic import BaseModel

from aikd_tune.spec.dump import domain_tree
from aikd_tune.spec.leaves import flatten
from aikd_tune.spec.problems import yaml_text
from aikd_tune.spec.study import Study

NOT_SET = "nothing"
_PLACES = frozenset({"data.path", "teacher.file"})  # what lies there is compared by its contents


def differences(recorded: Study, new: Study) -> list[str]:
    """One "path: recorded X, now Y" a field that differs; trials, confirm, resources and places may change freely."""
    before, after = _texts(recorded), _texts(new)
    return [
        f"{path}: recorded {before.get(path, NOT_SET)}, now {after.get(path, NOT_SET)}"
        for path in [*before, *(path for path in after if path not in before)]
        if before.get(path) != after.get(path)
    ]


def _texts(study: Study) -> dict[str, str]:
    values: dict[str, Any] = {"study": study.name, "seed": study.seed}
    values |= {path: value for path, value in flatten(study.base).items() if value is not None and path not in _PLACES}
    values |= {path: domain_tree(domain) for path, domain in study.space.domains.items()}
    for name, value in study.search:
        if isinstance(value, BaseModel):
            values |= {f"search.{name}.{inner}": part for inner, part in value}
        elif name != "trials":
            values[f"search.{name}"] = value
    return {path: yaml_text(value) for path, value in values.items()}
