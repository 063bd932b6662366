"""A search as its tables tell it: the evaluations for the sampler and the rows for the rungs. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence

from aikd_tune.run.jobs import Row
from aikd_tune.run.rungs import Rungs
from aikd_tune.run.sampler import Evaluation, State
from aikd_tune.spec import Setting, is_maximised


def minimised(metric: str, value: float | None) -> float:
    """A metric's value with its sign set so that less is better; inf for a missing or non-finite one."""
    if value is None or not math.isfinite(value):
        return math.inf
    return -value if is_maximised(metric) else value


def curves(epoch_rows: Iterable[Row], metric: str) -> dict[str, dict[int, float]]:
    """Run key -> student epoch -> value to be minimised, runs in order of arrival."""
    found: dict[str, dict[int, float]] = {}
    for row in epoch_rows:
        if row["phase"] == "student":
            found.setdefault(row["run_key"], {})[row["epoch"]] = minimised(metric, row[metric])
    return found


def steps(curve: Mapping[int, float], levels: Sequence[int]) -> dict[int, float]:
    """The intermediate values that the sampler is told: those at rungs, and the last one."""
    told = {epoch: value for epoch, value in curve.items() if epoch in levels or epoch == max(curve)}
    return {epoch: value for epoch, value in told.items() if math.isfinite(value)}


def evaluation(
    number: int, setting: Setting, state: State, curve: Mapping[int, float], levels: Sequence[int]
) -> Evaluation:
    """An ended (or still running) setting as the sampler is told it."""
    if state == "running":
        return Evaluation(number, setting, state)
    value = curve[max(curve)] if state == "complete" else None
    return Evaluation(number, setting, state, value, steps(curve, levels))


def replay(rungs: Rungs, epoch_rows: Iterable[Row], numbers: Mapping[str, int], metric: str) -> None:
    """Make the decisions of an earlier run again, in the order in which its rows arrived."""
    rungs.replay(
        (numbers[row["run_key"]], row["epoch"], minimised(metric, row[metric]))
        for row in epoch_rows
        if row["phase"] == "student" and row["run_key"] in numbers and row["epoch"] in rungs.levels
    )
