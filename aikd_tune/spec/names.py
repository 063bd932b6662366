"""The valid name that a mistyped key most likely means."""

import difflib
from collections.abc import Sequence

from aikd_tune.spec.defaults import inherited
from aikd_tune.spec.leaves import walk
from aikd_tune.spec.problems import one_of
from aikd_tune.spec.study_fields import StudyFile

ALL_FIELDS = dict(walk(StudyFile))

# What other projects call the same thing.
_SYNONYMS = {
    "alpha": "weight",
    "architecture": "model",
    "batch": "batch_size",
    "bs": "batch_size",
    "categorical": "choice",
    "dataset": "data",
    "gp": "gradient_penalty",
    "lambda_gp": "gradient_penalty",
    "lambda": "weight",
    "learning_rate": "lr",
    "loss": "distill",
    "max_epochs": "epochs",
    "model_name": "name",
    "n_trials": "trials",
    "network": "model",
    "num_epochs": "epochs",
    "num_samples": "trials",
    "num_trials": "trials",
    "optim": "optimizer",
    "optimiser": "optimizer",
    "quniform": "uniform",
    "randint": "int",
    "range": "uniform",
    "scheduler": "early_stopping",
    "t": "temperature",
    "tau": "temperature",
    "validation": "val",
    "wd": "weight_decay",
}


def usual_value(path: str) -> object:
    """The default of a field, or of the one that it inherits from; None where there is none."""
    default = ALL_FIELDS[path].get_default()
    source = inherited(path)
    return ALL_FIELDS[source].get_default() if default is None and source is not None else default


def nearest_key(key: str, keys: Sequence[str], section: str) -> str:
    """The one of ``keys`` (all of ``section``) nearest to ``key``, else a field elsewhere, else all of ``keys``."""
    lowered = key.lower().replace("-", "_")
    if key in ALL_FIELDS and not section:
        return _nested(key)
    if lowered in keys or _SYNONYMS.get(lowered) in keys:
        return lowered if lowered in keys else _SYNONYMS[lowered]
    close = difflib.get_close_matches(lowered, keys, n=1, cutoff=0.7)
    if close:
        return close[0]
    elsewhere = elsewhere_of(_SYNONYMS.get(lowered, lowered))
    if elsewhere:
        return one_of(elsewhere[:4])
    close = difflib.get_close_matches(lowered, keys, n=1, cutoff=0.5)
    return close[0] if close else f"one of {', '.join(keys)}"


def nearest_path(path: str) -> str:
    """The path of a setting's field that ``path`` most likely means."""
    section, _, name = path.rpartition(".")
    named = elsewhere_of(_SYNONYMS.get(name, name))
    if elsewhere := [other for other in named if other.startswith(section)] or named:
        return one_of(elsewhere[:4])
    return difflib.get_close_matches(path, list(ALL_FIELDS), n=1, cutoff=0.0)[0]


def elsewhere_of(name: str) -> list[str]:
    """The paths of all fields called ``name``, or that end in it."""
    return [path for path in ALL_FIELDS if f".{path}".endswith(f".{name}")]


def _nested(path: str) -> str:
    """``a.b.c`` as a study file writes it: ``a: {b: {c: ...}}``."""
    first, *rest = path.split(".")
    return f"{first}: " + "".join(f"{{{name}: " for name in rest) + "..." + "}" * len(rest)
