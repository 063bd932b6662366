"""Rules across fields, over the whole space: what no single field can tell."""

from collections.abc import Mapping

from aikd_tune.spec.defaults import inherited
from aikd_tune.spec.domains import Domain, IntRange, LogUniform, Uniform, is_number
from aikd_tune.spec.draft import Draft
from aikd_tune.spec.leaves import Scalar
from aikd_tune.spec.problems import yaml_text
from aikd_tune.spec.space import parents_of

RUNG = "search.early_stopping.min_epochs"


def check_consistency(draft: Draft) -> None:
    """Note every problem between fields that are sound by themselves."""
    for check in (_complement, _nesterov, _label_smoothing, _first_rung, _data, _circles):
        check(draft)


def possible(draft: Draft, path: str) -> tuple[Scalar, ...]:
    """The values that decide a rule about ``path``: the fixed one, each option, or both ends of a range; and ``or``."""
    domain = draft.domains.get(path)
    if domain is not None:
        return ends(domain)
    value = draft.value(path)
    assert not isinstance(value, tuple)
    source = inherited(path)
    return possible(draft, source) if value is None and source is not None else (value,)


def ends(domain: Domain) -> tuple[Scalar, ...]:
    """Both ends of a range or each option of a choice; and ``or``."""
    if isinstance(domain, Uniform | LogUniform | IntRange):
        proper: tuple[Scalar, ...] = (domain.low, domain.high)
    else:
        proper = domain.options
    return (*proper, *domain.switch)


def highest(draft: Draft, path: str) -> float:
    """The highest number that ``path`` may take."""
    return max(value for value in possible(draft, path) if is_number(value))


def _complement(draft: Draft) -> None:
    """1 - teacher weight - previous weight is the weight of cross-entropy, so it may not fall below 0."""
    weights = ("distill.teacher.weight", "distill.previous.weight")
    if not draft.is_sound("distill.ce", "distill.method", *weights) or "complement" not in possible(
        draft, "distill.ce"
    ):
        return
    total = sum(highest(draft, path) for path in weights)
    if "aikd" in possible(draft, "distill.method") and total > 1:
        rule = f"complement needs {weights[0]} + {weights[1]} of 1 at most"
        draft.problems.add(draft.line("distill.ce"), "distill.ce", rule, f"up to {total:g}", "lower weights or ce: 1")


def _nesterov(draft: Draft) -> None:
    """Nesterov's form was asked for, and there is never a momentum."""
    for phase in ("train", "teacher"):
        nesterov, momentum = f"{phase}.nesterov", f"{phase}.momentum"
        written = draft.values.get(nesterov) is True and draft.is_sound(momentum, "train.momentum")
        if written and highest(draft, momentum) == 0:
            rule = f"needs {phase}.momentum above 0"
            draft.problems.add(draft.line(nesterov), nesterov, rule, "momentum 0", "false")


def _label_smoothing(draft: Draft) -> None:
    """The method of that name smooths by ``train.label_smoothing``."""
    if not draft.is_sound("distill.method", "train.label_smoothing"):
        return
    if "label_smoothing" in possible(draft, "distill.method") and 0 in possible(draft, "train.label_smoothing"):
        rule = "label_smoothing needs train.label_smoothing above 0"
        draft.problems.add(draft.line("distill.method"), "distill.method", rule, "0", "train: {label_smoothing: 0.1}")


def _first_rung(draft: Draft) -> None:
    """A first rung at or after the last epoch would never stop anything."""
    written = RUNG in draft.values and draft.is_sound(RUNG, "train.epochs", "search.early_stopping.name")
    if not written or draft.value("search.early_stopping.name") == "none":
        return
    epochs, rung = highest(draft, "train.epochs"), draft.value(RUNG)
    assert isinstance(rung, int)
    if rung >= epochs:
        near = yaml_text(int(epochs) - 1) if epochs > 1 else "early_stopping: {name: none}"
        draft.problems.add(draft.line(RUNG), RUNG, f"must be below train.epochs ({epochs:g})", str(rung), near)


def _data(draft: Draft) -> None:
    """Each data set has fields that it needs and fields that are not its own."""
    if not draft.is_sound("data.name", "data.path"):
        return
    name, path = draft.value("data.name"), draft.value("data.path")
    if name == "parquet_images" and path is None:
        line = draft.line("data.path", "data.name")
        draft.problems.add(
            line, "data.path", "parquet_images needs a folder or file", "none", "path: folder/of/parquet"
        )
    if name != "parquet_images" and path is not None:
        near = "name: parquet_images"
        draft.problems.add(draft.line("data.path"), "data.path", "belongs to parquet_images", f"name: {name}", near)


def _circles(draft: Draft) -> None:
    """A field that decides whether another matters may not depend on that other in turn."""
    parents = parents_of(draft.domains)
    for path, domain in draft.domains.items():
        circle = next((found for other in domain.when if (found := _way(parents, other, path))), None)
        if circle:
            rule = f"must not run in a circle ({', '.join((path, *circle[:-1]))})"
            near = f"a field that does not depend on {path}"
            draft.problems.add(draft.line(path), f"{path}.when", rule, yaml_text(list(domain.when)), near)


def _way(parents: Mapping[str, set[str]], start: str, end: str) -> tuple[str, ...]:
    """The shortest way from a field over the fields that it depends on to ``end``, both included; () where none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while ways:
        way = ways.pop(0)
        if way[-1] == end:
            return way
        ways += [(*way, parent) for parent in sorted(parents[way[-1]] - seen)]
        seen |= parents[way[-1]]
    return ()
