"""A study file as a study; every problem of the file at once."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aikd_tune.errors import DataError, StudyFileError
from aikd_tune.spec.catalogue import FILE_SETS
from aikd_tune.spec.consistency import RUNG, check_consistency
from aikd_tune.spec.defaults import fill_data, inherited
from aikd_tune.spec.document import read_document
from aikd_tune.spec.domains import Domain, is_number
from aikd_tune.spec.draft import Draft
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Data
from aikd_tune.spec.identity import identify, identify_data
from aikd_tune.spec.leaves import FIELD_DEFAULTS, SETTING_FIELDS, Scalar, nest, unflatten
from aikd_tune.spec.names import ALL_FIELDS
from aikd_tune.spec.problems import Problems
from aikd_tune.spec.reach import ends, highest
from aikd_tune.spec.read_fields import read_fields
from aikd_tune.spec.rules import rule_of
from aikd_tune.spec.sizes import data_of, resolve_sizes
from aikd_tune.spec.space import Space
from aikd_tune.spec.study import Study
from aikd_tune.spec.study_fields import Confirm, Resources, Search

Describe = Callable[[Data], DataFacts]


def load_study(path: Path | str, describe: Describe | None) -> Study:
    """The study of the file at ``path``; a StudyFileError has all its problems, one ``file:line: path: rule`` each.

    ``describe`` gives the facts of the data set, against which sizes are checked and shares become counts.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes().count(b"\n", 0, error.start) + 1
        raise StudyFileError([f"{path}:{line}: YAML: must be UTF-8 text, {_found_byte(error)}"]) from None
    except OSError as error:
        raise StudyFileError([f"{path}:1: file: cannot be read ({error.strerror}){_similar(path)}"]) from None
    return parse_study(text, str(path), describe)


def parse_study(text: str, name: str, describe: Describe | None = None) -> Study:
    """The study of ``text``; ``name`` is the file's, for messages and for a study without a name of its own."""
    problems = Problems(name)
    draft = Draft(problems)
    root = read_document(text, problems)
    if root is None and problems:
        raise problems.error()
    read_fields(root, draft)
    _name_study(draft, Path(name))
    check_consistency(draft)
    if describe is not None:
        identify(draft)
        _check_data(draft, describe)
    if problems:
        raise problems.error()
    return _study(draft)


def _name_study(draft: Draft, file: Path) -> None:
    """A study without a name takes its file's."""
    if draft.is_sound("study") and draft.values.get("study") is None:
        rule = rule_of(ALL_FIELDS["study"])
        if rule.accepts(file.stem):
            draft.values["study"] = file.stem
        else:
            near = f"study: {rule.nearest(file.stem, 'my-study')}"
            draft.problems.add(1, "study", f"the file's name must be {rule.text}", file.stem, near)


def _check_data(draft: Draft, describe: Describe) -> None:
    missing = draft.value("data.name") in FILE_SETS and draft.value("data.path") is None
    if missing or not draft.is_sound("data.name", "data.path", "data.stored_size"):
        return
    try:
        facts = describe(fill_data(data_of(draft)))
    except DataError as error:
        where = "data.path" if "data.path" in draft.values else "data.name"
        draft.problems.say(draft.line(where), where, " ".join(str(error).split()))
        return
    identify_data(draft, facts)
    resolve_sizes(draft, facts)


def _study(draft: Draft) -> Study:
    """The study of a sound draft."""
    _settle_first_rung(draft)
    space = Space({path: draft.domains[path] for path in SETTING_FIELDS if path in draft.domains})
    flat = dict(FIELD_DEFAULTS)
    flat |= {path: value for path, value in draft.values.items() if path in flat and not isinstance(value, tuple)}
    for path, domain in space.domains.items():
        flat[path] = _representative(path, domain, flat)
    start = unflatten(flat)
    base = space.ask(start, lambda path, _: flat[path])
    if "model.name" in space.domains and "model.width" not in space.domains and flat["model.width"] is None:
        # each network has a default width of its own, which a setting fills in
        base = base.model_copy(update={"model": base.model.model_copy(update={"width": None})})
    name, seed = draft.value("study"), draft.value("seed")
    assert isinstance(name, str)
    assert isinstance(seed, int)
    return Study(
        name,
        seed,
        base,
        space,
        Search.model_validate(_section(draft, "search")),
        Confirm.model_validate(_section(draft, "confirm")),
        Resources.model_validate(_section(draft, "resources")),
    )


def _representative(path: str, domain: Domain, values: Mapping[str, Scalar]) -> Scalar:
    """The value of ``domain`` nearest to the default of ``path``, or to the one that it inherits."""
    source = inherited(path)
    default = values[source] if values[path] is None and source is not None else values[path]
    numbers = [end for end in ends(domain) if is_number(end)]
    if path == "data.train" and default is None and numbers:
        return max(numbers)  # by default all images that remain
    near = domain.nearest(default)
    positive = [number for number in numbers if number > 0]
    if path.endswith(".weight") and default != 0 and near == 0 and positive:
        return min(positive)  # the defaults have every term that they may have
    return near


def _settle_first_rung(draft: Draft) -> None:
    """Where the file leaves the first rung open, short trials get an early one, and trials of one epoch none."""
    if RUNG in draft.values:
        return
    epochs = int(highest(draft, "train.epochs"))
    default = draft.value(RUNG)
    assert isinstance(default, int)
    draft.values[RUNG] = min(default, max(1, epochs // 3))
    if epochs == 1:
        draft.values["search.early_stopping.name"] = "none"


def _section(draft: Draft, section: str) -> Mapping[str, Any]:
    values = {path: value for path, value in draft.values.items() if path.startswith(f"{section}.")}
    tree: Mapping[str, Any] = nest(values).get(section, {})
    return tree


def _found_byte(error: UnicodeDecodeError) -> str:
    return f"found byte 0x{error.object[error.start]:02x}, nearest valid the file saved as UTF-8"


def _similar(path: Path) -> str:
    """A file beside ``path`` that may be meant."""
    beside = [other.name for other in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, beside, n=1)
    return f", nearest valid {path.parent / close[0]}" if close else ""
