"""Hypothesis strategies: valid values, domains, settings and whole study files."""

import json
from typing import Any

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st

from aikd_tune.errors import StudyFileError
from aikd_tune.spec import SETTING_FIELDS, Domain, Scalar, Setting, Study, parse_study
from aikd_tune.spec.defaults import FILLED
from aikd_tune.spec.domains import Choice, IntRange, LogUniform
from aikd_tune.spec.leaves import nest, unflatten
from aikd_tune.spec.read_fields import may_be_searched
from aikd_tune.spec.rules import Flag, Null, Number, Text, Words, rule_of

# Times mean nothing on a machine that does other work beside the tests.
many = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)

TEXTS = {
    "data.path": ["a", "b/c"],
    "data.fingerprint": ["c" * 64, "d" * 64],
    "model.arguments": ["depth=2", "dropout=0.1, norm=group"],
    "train.lr_milestones": ["1", "2-3"],
    "teacher.file": ["t.pt"],
    "teacher.sha256": ["a" * 64, "b" * 64],
    "teacher.lr_milestones": ["1", "2-3"],
    "distill.adversarial.hidden": ["16", "32-16", "256-64"],
}
SEARCHABLE = [path for path in SETTING_FIELDS if may_be_searched(path)]


def values_of(path: str) -> st.SearchStrategy[Scalar]:
    """Any value that the field at ``path`` accepts; sizes are counts."""
    kinds: list[st.SearchStrategy[Scalar]] = []
    for alternative in rule_of(SETTING_FIELDS[path]).alternatives:
        if isinstance(alternative, Number) and alternative.whole:
            low = int(alternative.low)
            kinds.append(st.integers(low, low + 300))
        elif isinstance(alternative, Number):
            high = min(alternative.high, 1e3)
            kinds.append(
                st.floats(alternative.low, high, exclude_min=alternative.open_low, exclude_max=alternative.open_high)
                | st.just(0.0 if alternative.low == 0 and not alternative.open_low else 0.5)
            )
        elif isinstance(alternative, Words):
            kinds.append(st.sampled_from(alternative.options))
        elif isinstance(alternative, Flag):
            kinds.append(st.booleans())
        elif isinstance(alternative, Null) and path not in FILLED:
            kinds.append(st.none())
        elif isinstance(alternative, Text) and path in TEXTS:
            kinds.append(st.sampled_from(TEXTS[path]))
    return st.one_of(kinds)


def settings_of() -> st.SearchStrategy[Setting]:
    """Settings, each field its default or any value."""
    values = st.fixed_dictionaries({}, optional={path: values_of(path) for path in SETTING_FIELDS})
    return values.map(lambda found: unflatten(_with_digest(found)))


def _with_digest(values: dict[str, Scalar]) -> dict[str, Scalar]:
    """A file of a setting that was read has its digest."""
    named = values.get("teacher.file") is not None and values.get("teacher.sha256") is None
    return values | {"teacher.sha256": "f" * 64} if named else values


@st.composite
def domain_trees(draw: st.DrawFn, path: str) -> dict[str, Any]:
    """A domain of ``path`` as a study file writes it."""
    number = rule_of(SETTING_FIELDS[path]).number()
    kinds = ["choice"] if number is None else ["choice", "int"] if number.whole else ["choice", "uniform", "loguniform"]
    kind = draw(st.sampled_from(kinds))
    if kind == "choice":
        tree: dict[str, Any] = {"choice": draw(st.lists(values_of(path), min_size=1, max_size=3, unique_by=repr))}
    else:
        bound = values_of(path).filter(lambda v: isinstance(v, int | float) and (kind != "loguniform" or v > 1e-6))
        low, high = sorted(draw(st.tuples(bound, bound).filter(lambda pair: pair[0] != pair[1])))
        tree = {kind: [low, high]}
        if kind == "int" and low > 0:
            tree |= draw(st.sampled_from([{}, {"log": True}, {"step": high - low}]))
    if draw(st.booleans()):
        tree["or"] = draw(values_of(path))
        if kind == "choice":
            assume(repr(tree["or"]) not in map(repr, tree["choice"]))
        elif isinstance(tree["or"], int | float):
            assume(not tree[kind][0] <= tree["or"] <= tree[kind][1])
    if draw(st.integers(0, 3)) == 0:
        other = draw(st.sampled_from([other for other in SEARCHABLE if other != path]))
        tree["when"] = {other: draw(st.lists(values_of(other), min_size=1, max_size=2))}
    return tree


@st.composite
def study_files(draw: st.DrawFn, max_domains: int = 6) -> str:
    """The text of a study file that may well be valid."""
    touched = draw(st.lists(st.sampled_from(SEARCHABLE), unique=True, max_size=2 * max_domains))
    fields: dict[str, Any] = {
        path: draw(domain_trees(path) if index < max_domains else values_of(path)) for index, path in enumerate(touched)
    }
    fields |= {"data.test": draw(st.integers(1, 900)), "seed": draw(st.integers(0, 2**63 - 1)), "study": "s"}
    return json.dumps(nest(fields))  # JSON is YAML


@st.composite
def studies(draw: st.DrawFn, max_domains: int = 6) -> Study:
    """Valid studies."""
    try:
        return parse_study(draw(study_files(max_domains)), "s.yaml")
    except StudyFileError:
        assume(False)
        raise


def members_of(domain: Domain) -> st.SearchStrategy[Scalar]:
    """Values of a domain."""
    if isinstance(domain, Choice):
        proper: st.SearchStrategy[Scalar] = st.sampled_from(domain.options)
    elif isinstance(domain, IntRange):
        steps = (domain.high - domain.low) // domain.step
        proper = st.integers(0, steps).map(lambda index: domain.low + index * domain.step)
    else:
        assert isinstance(domain, LogUniform) or domain.low < domain.high
        proper = st.floats(domain.low, domain.high)
    return proper | st.sampled_from(domain.switch) if domain.has_or else proper


def asked(data: st.DataObject, study: Study) -> Setting:
    """A setting of the study's space, chosen by hypothesis."""
    return study.space.ask(study.base, lambda path, domain: data.draw(members_of(domain), label=path))
