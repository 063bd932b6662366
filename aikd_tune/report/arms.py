"""The arms of a confirmation: one setting or baseline over its seeds."""

import math
from dataclasses import dataclass

import pandas as pd

from aikd_tune.report.intervals import Estimate, estimate

BASELINE_LABELS = {"ce": "CE baseline", "label_smoothing": "label smoothing"}


@dataclass(frozen=True, eq=False)
class Arm:
    """One arm; ``trials`` holds a row per seed, ``setting`` and ``rank`` are None for a baseline."""

    label: str
    method: str
    rank: int | None
    setting: int | None
    test_look: int | None
    trials: pd.DataFrame

    @property
    def is_baseline(self) -> bool:
        """Whether the arm is a compared method, not a setting of the search."""
        return self.rank is None

    @property
    def config(self) -> str:
        """The arm's setting as JSON."""
        return str(self.trials["config"].iloc[0])

    def values(self, column: str) -> dict[int, float]:
        """Seed -> value over the complete trials; empty where the column is."""
        complete = self.trials[self.trials["state"] == "complete"]
        pairs = zip(complete["seed"], complete[column], strict=True)
        return {int(seed): float(value) for seed, value in pairs if pd.notna(value) and math.isfinite(value)}

    def estimate(self, column: str) -> Estimate:
        """Mean and interval over the complete trials."""
        return estimate(self.values(column).values())

    def seeds(self, *states: str) -> list[int]:
        """Seeds whose trial is in one of ``states``."""
        return [int(seed) for seed in self.trials.loc[self.trials["state"].isin(states), "seed"]]


def confirmation_arms(confirmation: pd.DataFrame) -> list[Arm]:
    """Arms in the order of their rank, baselines last.

    An arm name that stands for two settings (a baseline of two looks at the test set) gives two arms, told apart by
    their look.
    """
    arms = [
        _arm(str(name), rows)
        for (name, _), rows in confirmation.groupby(["arm", "setting_key"], sort=False, dropna=False)
    ]
    names = [arm.label for arm in arms]
    return [
        arm
        if names.count(arm.label) == 1
        else Arm(f"{arm.label} (look {arm.test_look})", arm.method, arm.rank, arm.setting, arm.test_look, arm.trials)
        for arm in arms
    ]


def _arm(name: str, rows: pd.DataFrame) -> Arm:
    first = rows.iloc[0]
    return Arm(
        label=BASELINE_LABELS.get(name, name),
        method=str(first["method"]),
        rank=_whole(first, "confirm_rank"),
        setting=_whole(first, "setting"),
        test_look=_whole(first, "test_look"),
        trials=rows.reset_index(drop=True),
    )


def _whole(row: pd.Series, column: str) -> int | None:
    """A nullable whole number, which pandas may hold as a float."""
    value = row[column]
    return None if pd.isna(value) else int(value)
