"""The confirmation: every arm over its seeds, and every arm against CE, seed by seed."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aikd_tune.report.arms import Arm
from aikd_tune.report.figures.canvas import BASELINE, FAINT, INK, MUTED, STUDENT, new_figure
from aikd_tune.report.intervals import Estimate, estimate, paired_difference
from aikd_tune.report.measures import Measure

ROW_IN = 0.42


def arms_figure(arms: Sequence[Arm], shown: Measure, winner: Arm | None) -> Figure:
    """One row an arm: a dot per seed, the mean and its 95 % interval."""
    figure, axes = new_figure(height_in=0.75 + ROW_IN * len(arms))
    for row, arm in enumerate(arms):
        values = list(arm.values(shown.name).values())
        _row(axes, row, values, estimate(values), BASELINE if arm.is_baseline else STUDENT)
    _finish(axes, arms, winner, shown.title)
    return figure


def differences_figure(arms: Sequence[Arm], baseline: Arm, shown: Measure, winner: Arm | None) -> Figure:
    """One row an arm other than the baseline: its difference to the baseline by seed, mean and 95 % interval."""
    others = [arm for arm in arms if arm is not baseline]
    theirs = baseline.values(shown.name)
    figure, axes = new_figure(height_in=0.75 + ROW_IN * len(others))
    axes.axvline(0, color=MUTED, linewidth=1, zorder=0)
    for row, arm in enumerate(others):
        ours = arm.values(shown.name)
        values = [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
        colour = BASELINE if arm.is_baseline else STUDENT
        _row(axes, row, values, paired_difference(ours, theirs), colour)
    unit = "points" if shown.unit == "%" else shown.unit
    _finish(axes, others, winner, f"{shown.split} {shown.label} minus CE{f' ({unit})' if unit else ''}")
    return figure


def _row(axes: Axes, row: int, values: Sequence[float], found: Estimate, colour: str) -> None:
    # Beside the interval, and spread a little (always in the same way), so that equal values do not hide each other.
    spread = np.resize([-0.26, 0.2, -0.2, 0.26], len(values))
    axes.plot(values, row + spread, "o", color=colour, markersize=3.5, alpha=0.6, markeredgewidth=0)
    if found.low is not None and found.high is not None:
        axes.plot([found.low, found.high], [row, row], color=INK, linewidth=2, solid_capstyle="butt")
    if found.mean is not None:
        axes.plot([found.mean], [row], "D", color=INK, markersize=5)


def _finish(axes: Axes, arms: Sequence[Arm], winner: Arm | None, title: str) -> None:
    labels = [f"{arm.label} *" if arm is winner else arm.label for arm in arms]
    axes.set_yticks(range(len(arms)), labels)
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(title)
