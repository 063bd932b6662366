"""Defaults that depend on another field: the views and sizes of a data set, the width of a network."""

from aikd_tune.spec.catalogue import DEFAULT_WIDTHS, set_defaults
from aikd_tune.spec.fields import Data, Setting

TEST_SHARE = "20%"  # of a set without a test split of its own

# Null at these paths means "the default of the set or network", so a domain may not hold it.
FILLED = frozenset({"data.views.resized_crop", "data.views.shift", "data.views.flip", "model.width"})


def fill(setting: Setting) -> Setting:
    """``setting`` with the defaults of its set and network, and ``nesterov`` false where there is no momentum."""
    model, train = setting.model, setting.train
    width = DEFAULT_WIDTHS.get(model.name) if model.width is None else model.width
    nesterov = train.nesterov and train.momentum > 0
    return setting.model_copy(
        update={
            "data": fill_data(setting.data),
            "model": model.model_copy(update={"width": width}),
            "train": train.model_copy(update={"nesterov": nesterov}),
        }
    )


def fill_data(data: Data) -> Data:
    """``data`` with the views and sizes of its set.

    Where photographs are cut at random and resized, they are decoded 8/7 as large as the network sees them.
    """
    usual, views = set_defaults(data.name), data.views
    resized = usual.resized_crop if views.resized_crop is None else views.resized_crop
    if views.resized_crop is None and views.shift:
        resized = 0.0  # the file asks for the other way of cropping
    size, decoded = data.size, usual.stored_size
    if size is None and data.stored_size is None and resized > 0:
        size = usual.size
    elif decoded is not None and size is not None:
        decoded = round(size * 8 / 7) if resized > 0 else size
    shift = views.shift
    if shift is None:
        shift = 0 if resized > 0 else usual.shift
    flip = usual.flip if views.flip is None else views.flip
    return data.model_copy(
        update={
            "size": size,
            "stored_size": decoded if data.stored_size is None else data.stored_size,
            "views": views.model_copy(update={"resized_crop": resized, "shift": shift, "flip": flip}),
        }
    )


def inherited(path: str) -> str | None:
    """The path that gives ``path`` its value while it is null; None where none does."""
    section, _, name = path.rpartition(".")
    if section == "teacher" and name not in ("file", "sha256", "checkpoint"):
        return f"train.{name}"
    return "distill.temperature" if path in ("distill.teacher.temperature", "distill.previous.temperature") else None
