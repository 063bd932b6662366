"""Sizes against the data set: shares become counts, and nothing may be larger than what there is."""

from collections.abc import Mapping
from dataclasses import replace

from aikd_tune.spec.defaults import TEST_SHARE, fill_data
from aikd_tune.spec.domains import ABSENT, Absent, Choice
from aikd_tune.spec.draft import Draft
from aikd_tune.spec.facts import DataFacts, count_of
from aikd_tune.spec.fields import Data
from aikd_tune.spec.leaves import SETTING_FIELDS, Scalar, nest
from aikd_tune.spec.reach import possible

MIN_TRAIN = 2  # batch norm needs two images a batch


def resolve_sizes(draft: Draft, facts: DataFacts) -> None:
    """Turn every size of ``draft`` into a count; note those that the set cannot give."""
    if not draft.is_sound("data.test", "data.val", "data.train"):
        return
    if facts.num_test is None and draft.value("data.test") is None:
        draft.values["data.test"] = TEST_SHARE
    counts = {name: _count(draft, f"data.{name}", facts) for name in ("test", "val")}
    if facts.num_test is not None and counts["test"] is not None:
        where = draft.line("data.test")
        found = str(draft.value("data.test"))
        draft.problems.add(where, "data.test", "the set has a test split of its own", found, "null")
        return
    taken = sum(count for count in counts.values() if count is not None)
    parts = "test + val" if facts.num_test is None else "val"
    left = facts.num_images - taken
    if left < MIN_TRAIN:
        path = "data.val" if counts["test"] is None or counts["test"] + MIN_TRAIN < facts.num_images else "data.test"
        rule = f"{parts} must leave {MIN_TRAIN} or more of {facts.num_images} images for training"
        others = taken - (counts[path.removeprefix("data.")] or 0)
        near = str(max(facts.num_images - MIN_TRAIN - others, 1))
        draft.problems.add(draft.line(path), path, rule, str(taken), near)
        return
    draft.values |= {f"data.{name}": count for name, count in counts.items()}
    _resolve_train(draft, facts, left)
    _check_views(draft, facts)
    _check_normalization(draft, facts)
    _check_metrics(draft, facts)


def _count(draft: Draft, path: str, facts: DataFacts) -> int | None:
    value = draft.value(path)
    if value is None:
        return None
    assert isinstance(value, int | str)
    count = count_of(value, facts.num_images)
    if count < 1:
        rule = f"must be one image or more of {facts.num_images}"
        draft.problems.add(draft.line(path), path, rule, str(value), "10%")
        return 1
    return count


def _resolve_train(draft: Draft, facts: DataFacts, left: int) -> None:
    """``left``: images that remain for training."""
    path = "data.train"
    asked: Mapping[Scalar, int] = {
        size: left if size is None else count_of(size, facts.num_images)
        for size in possible(draft, path)
        if size is None or isinstance(size, int | str)
    }
    for size, count in asked.items():
        if not MIN_TRAIN <= count <= left:
            rule = f"must be {MIN_TRAIN} to {left} of {facts.num_images} images"
            near = str(min(max(count, MIN_TRAIN), left))
            draft.problems.add(draft.line(path), path, rule, str(size), near)
    domain = draft.domains.get(path)
    if domain is None:
        draft.values[path] = next(iter(asked.values()))
        return
    or_ = asked[domain.or_] if not isinstance(domain.or_, Absent) else ABSENT
    if isinstance(domain, Choice):
        options = tuple(dict.fromkeys(asked[option] for option in domain.options))
        draft.domains[path] = replace(domain, options=options, or_=or_)
    else:
        draft.domains[path] = replace(domain, or_=or_)


def _check_views(draft: Draft, facts: DataFacts) -> None:
    """``facts`` are those of the decoded images; the views must fit into them."""
    if not draft.is_sound("data.size", "data.stored_size", "data.views"):
        return
    data = fill_data(data_of(draft))
    views, (_, height, width) = data.views, facts.image_shape
    side = min(height, width)
    assert views.resized_crop is not None
    if views.resized_crop > 0:
        if data.size is None and height != width:
            found = f"{width}x{height}"
            rule = "needs data.size where the decoded images are not square"
            draft.problems.add(draft.line("data.views"), "data.views.resized_crop", rule, found, f"size: {side}")
        if views.shift:
            path = "data.views.shift"
            rule = "must be 0 beside views.resized_crop, which crops"
            draft.problems.add(draft.line(path), path, rule, str(views.shift), "0")
    elif data.size is not None and (height, width) != (data.size, data.size):
        rule = f"must be the decoded images' side unless views.resized_crop is above 0 ({width}x{height})"
        near = f"stored_size: {data.size}"
        draft.problems.add(draft.line("data.size", "data.views"), "data.size", rule, str(data.size), near)
        return
    if data.size is not None and data.size > side:
        rule = f"must be at most the decoded images' {side} pixels (data.stored_size)"
        draft.problems.add(draft.line("data.size"), "data.size", rule, str(data.size), str(side))
    for path, value in (("data.views.shift", views.shift), ("data.views.cutout", views.cutout)):
        if value and value >= side:
            rule = f"must be below the images' {side} pixels"
            draft.problems.add(draft.line(path), path, rule, str(value), str(side - 1))


def _check_normalization(draft: Draft, facts: DataFacts) -> None:
    path = "data.normalization"
    value, name = draft.value(path), draft.value("data.name")
    if value is None or not draft.is_sound(path):
        return
    if value == "digits" and name != "digits":
        draft.problems.add(draft.line(path), path, "digits is for the set digits alone", str(name), "half")
    elif value in ("cifar", "imagenet") and facts.image_shape[0] != 3:
        rule = f"{value} needs colour images ({facts.image_shape[0]} channel here)"
        draft.problems.add(draft.line(path), path, rule, str(value), "half")


def data_of(draft: Draft) -> Data:
    """The fixed and sound fields of ``data``; the others at their defaults."""
    paths = [path for path in SETTING_FIELDS if path.startswith("data.")]
    whole = {path: draft.value(path) for path in paths if path not in draft.domains and draft.is_sound(path)}
    return Data.model_validate(nest(whole)["data"])


def _check_metrics(draft: Draft, facts: DataFacts) -> None:
    for path in ("search.metric", "search.tie_break"):
        if draft.is_sound(path) and draft.value(path) == "val_top5_error" and facts.num_classes <= 5:
            rule = f"needs more than 5 classes (the set has {facts.num_classes})"
            draft.problems.add(draft.line(path), path, rule, "val_top5_error", "val_error")
