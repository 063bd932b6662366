"""Rules that labels obey in every set of a user's own: in range, and the same classes in training and test part."""

from collections.abc import Sequence, Set

import numpy as np

from aikd_tune.errors import DataError
from aikd_tune.kd.data.decoded import Labels

_NAMED = 3  # classes that a message lists


def first_outside(labels: Labels, num_classes: int) -> int | None:
    """The row of the first label that is not from 0 to ``num_classes - 1``; None where all are."""
    outside = (labels < 0) | (labels >= num_classes)
    return int(outside.argmax()) if outside.any() else None


def check_same_classes(train: Labels, test: Labels, class_names: Sequence[str], train_at: str, test_at: str) -> None:
    """Raise DataError where a class has images in one part alone; it names the part that has none."""
    in_train, in_test = ({class_names[label] for label in np.unique(labels)} for labels in (train, test))
    only_in(in_test - in_train, test_at, train_at)
    only_in(in_train - in_test, train_at, test_at)


def only_in(names: Set[str], there: str, elsewhere: str) -> None:
    """Raise DataError where any classes are there and not elsewhere."""
    if names:
        first, more = sorted(names)[:_NAMED], len(names) - _NAMED
        listed = ", ".join(first) + (f" and {more} more" if more > 0 else "")
        raise DataError(f"{elsewhere}: must have images of every class of {there}, found none of {listed}")
