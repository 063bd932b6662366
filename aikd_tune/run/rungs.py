"""Asynchronous successive halving whose only state is a list of (setting, epoch, value) rows.

Rungs are keyed by our setting number, so a study rebuilt from its tables decides as an undisturbed one would: a resumed
trial keeps its place, and a non-finite value stops its trial at that epoch (it compares false with every cutoff).
"""

import math
from bisect import bisect_left, insort
from collections.abc import Iterable

from aikd_tune.spec import Choice, EarlyStopping, IntRange, Study, rung_epochs


def longest(study: Study) -> int:
    """The most epochs that a setting of the study can have."""
    domain = study.space.domains.get("train.epochs")
    if isinstance(domain, IntRange | Choice):
        return max(value for value in domain.members if isinstance(value, int))
    return study.base.train.epochs


class Rungs:
    """Decides which settings go on; values are minimised."""

    def __init__(self, early_stopping: EarlyStopping, epochs: int) -> None:
        self.levels = rung_epochs(early_stopping, epochs)
        self._reduction = early_stopping.reduction
        self._values: dict[int, list[float]] = {level: [] for level in self.levels}
        self._kept: dict[tuple[int, int], bool] = {}

    def keep(self, setting: int, epoch: int, value: float) -> bool:
        """Record a value and say whether the setting goes on: the best max(1, n // reduction) so far at its rung do.

        Asked again for the same setting and rung (after a retry, or a rebuild), the first answer stands.
        """
        if not math.isfinite(value):
            return False
        if epoch not in self._values:
            return True
        if (setting, epoch) not in self._kept:
            values = self._values[epoch]
            better = bisect_left(values, value)
            insort(values, value)
            self._kept[setting, epoch] = better < max(1, len(values) // self._reduction)
        return self._kept[setting, epoch]

    def replay(self, rows: Iterable[tuple[int, int, float]]) -> None:
        """Record rows of (setting, epoch, value) in the order in which they were first decided."""
        for setting, epoch, value in rows:
            self.keep(setting, epoch, value)
