"""Defaults that depend on another field: the views of a data set, the width of a network."""

from aikd_tune.spec.fields import Setting

VIEWS: dict[str, tuple[int, bool]] = {"digits": (1, False), "parquet_images": (4, True)}  # shift, flip
WIDTHS: dict[str, int] = {"small_cnn": 16, "resnet18_cifar": 64}

TEST_SHARE = "20%"  # of a set without a test split of its own

# Null at these paths means "the default of the set or network", so a domain may not hold it.
FILLED = frozenset({"data.views.shift", "data.views.flip", "model.width"})


def fill(setting: Setting) -> Setting:
    """``setting`` with no field of FILLED left open, and ``nesterov`` false where there is no momentum."""
    data, model, train = setting.data, setting.model, setting.train
    shift, flip = VIEWS[data.name]
    views = data.views.model_copy(
        update={
            "shift": shift if data.views.shift is None else data.views.shift,
            "flip": flip if data.views.flip is None else data.views.flip,
        }
    )
    return setting.model_copy(
        update={
            "data": data.model_copy(update={"views": views}),
            "model": model.model_copy(update={"width": WIDTHS[model.name] if model.width is None else model.width}),
            "train": train.model_copy(update={"nesterov": train.nesterov and train.momentum > 0}),
        }
    )


def inherited(path: str) -> str | None:
    """The path that gives ``path`` its value while it is null; None where none does."""
    if path.startswith("teacher."):
        return f"train.{path.removeprefix('teacher.')}"
    return "distill.temperature" if path.endswith(".temperature") else None
