"""Rules across fields, over the whole space: what no single field can tell."""

from collections.abc import Mapping
from math import prod

from aikd_tune.spec.catalogue import FILE_SETS, OWN_NETWORKS, is_own_code
from aikd_tune.spec.draft import Draft
from aikd_tune.spec.problems import one_of, yaml_text
from aikd_tune.spec.reach import ends, highest, possible
from aikd_tune.spec.space import parents_of
from aikd_tune.spec.training_rules import check_training

RUNG = "search.early_stopping.min_epochs"
MOST_OF_GRID = 100_000


def check_consistency(draft: Draft) -> None:
    """Note every problem between fields that are sound by themselves."""
    for check in (_complement, _label_smoothing, _first_rung, _grid, _data, _own_code, _circles):
        check(draft)
    check_training(draft)


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


def _grid(draft: Draft) -> None:
    """A grid has an end in every field, and all its settings are listed."""
    path = "search.sampler"
    if not draft.is_sound(path) or draft.value(path) != "grid":
        return
    endless = [other for other, domain in draft.domains.items() if domain.size is None]
    if endless:
        rule = f"grid needs choice and int domains alone ({', '.join(endless)})"
        draft.problems.add(draft.line(path), path, rule, "a range of numbers", "tpe")
        return
    size = prod(domain.size or 1 for domain in draft.domains.values())
    if size > MOST_OF_GRID:
        rule = f"grid needs at most {MOST_OF_GRID:,} settings"
        draft.problems.add(draft.line(path), path, rule, f"{size:,}", "random")


def _data(draft: Draft) -> None:
    """Each data set has fields that it needs and fields that are not its own."""
    if not draft.is_sound("data.name", "data.path"):
        return
    name, path = draft.value("data.name"), draft.value("data.path")
    if name in FILE_SETS and path is None:
        line = draft.line("data.path", "data.name")
        needed, near = ("a folder or file", "folder/of/parquet") if name == "parquet_images" else ("a folder", "folder")
        draft.problems.add(line, "data.path", f"{name} needs {needed}", "none", f"path: {near}")
    mode = draft.values.get("data.mode")
    if name not in FILE_SETS and mode is not None and draft.is_sound("data.mode"):
        rule = f"belongs to {one_of(sorted(FILE_SETS))}"
        draft.problems.add(draft.line("data.mode"), "data.mode", rule, f"{mode} with {name}", "the line left out")
    if name == "digits" and path is not None:
        near = "name: parquet_images"
        draft.problems.add(draft.line("data.path"), "data.path", "digits have none: they are built in", str(path), near)


def _own_code(draft: Draft) -> None:
    """A function of the user's own has one source file, whose contents are recorded; so it is fixed for a study."""
    domain = draft.domains.get("model.name")
    for option in ends(domain) if domain is not None else ():
        if is_own_code(str(option)):
            rule = "a function of your own must be fixed for a study"
            draft.problems.add(draft.line("model.name"), "model.name", rule, str(option), "model.arguments searched")
    if domain is None and "model.arguments" in draft.lines and draft.is_sound("model.name", "model.arguments"):
        name = str(draft.value("model.name"))
        if name in OWN_NETWORKS:
            rule = "belongs to torchvision's networks and your own"
            draft.problems.add(draft.line("model.arguments"), "model.arguments", rule, f"name: {name}", "width: 32")
    if domain is None and "model.width" in draft.lines and draft.is_sound("model.name", "model.width"):
        name = str(draft.value("model.name"))
        if name not in OWN_NETWORKS:
            rule = f"belongs to {one_of(sorted(OWN_NETWORKS))}"
            draft.problems.add(draft.line("model.width"), "model.width", rule, f"name: {name}", "model.arguments")


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
