"""The search: its history with the best so far, and its learning curves with rungs and stops."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullLocator

from aikd_tune.report.figures.canvas import BAD, FAINT, INK, MUTED, STUDENT, legend_above, new_figure
from aikd_tune.report.measures import Measure

MAX_CURVES = 120
MAX_POINTS = 100
"""More curves or points than this cannot be told apart, and would make the page large."""


def history_figure(search: pd.DataFrame, shown: Measure) -> Figure:
    """One mark a setting at its last value of the metric, and the best complete value so far as a step line."""
    figure, axes = new_figure()
    values = search[shown.name].astype(float)
    finite = search.assign(value=values)[np.isfinite(values)]
    complete, pruned = finite[finite["state"] == "complete"], finite[finite["state"] == "pruned"]
    low, high = _limits(complete["value"], pruned["value"])
    inside = pruned["value"].clip(low, high)
    axes.plot(pruned["setting"], inside, "o", color=MUTED, markerfacecolor="none", markersize=4, label="stopped early")
    axes.plot(complete["setting"], complete["value"], "o", color=STUDENT, markersize=4.5, label="complete")
    broken = search[search["state"].isin(["diverged", "failed"])]
    if len(broken):
        edge = low if shown.maximised else high
        axes.plot(broken["setting"], [edge] * len(broken), "x", color=BAD, markersize=5, label="diverged or failed")
    if len(complete):
        best = complete["value"].cummax() if shown.maximised else complete["value"].cummin()
        last = int(search["setting"].max())
        x, y = [*complete["setting"], last], [*best, best.iloc[-1]]
        axes.step(x, y, where="post", color=INK, linewidth=1.5, zorder=3, label="best so far")
    margin = 0.06 * (high - low) or 0.5
    axes.set_ylim(low - margin, high + margin)
    _dress(axes, "setting", shown)
    legend_above(figure)
    return figure


def curves_figure(curves: pd.DataFrame, shown: Measure, rungs: Sequence[int], winner: int | None) -> Figure:
    """Validation through the epochs: one line a setting, dotted lines at the rungs, a dot where a setting was stopped.

    Args:
        curves: columns setting, state, epoch, value.
        shown: the metric of ``value``.
        rungs: epochs at which settings may be stopped.
        winner: the setting to draw boldly.
    """
    figure, axes = new_figure()
    for epoch in rungs:
        axes.axvline(epoch, color=MUTED, linewidth=0.8, linestyle=":", zorder=0)
    for number in thinned(curves, shown, winner):
        curve = curves[curves["setting"] == number]
        step = -(-len(curve) // MAX_POINTS)
        points = pd.concat([curve.iloc[:-1:step], curve.iloc[-1:]])
        complete, chosen = points["state"].iloc[0] == "complete", number == winner
        axes.plot(
            points["epoch"],
            points["value"],
            color=INK if chosen else STUDENT if complete else MUTED,
            linewidth=2.2 if chosen else 0.9,
            alpha=1 if chosen else 0.55 if complete else 0.4,
            zorder=3 if chosen else 2,
            label=f"setting {number}" if chosen else None,
        )
        if points["state"].iloc[0] == "pruned":
            axes.plot(points["epoch"].iloc[-1:], points["value"].iloc[-1:], "o", color=MUTED, markersize=2.5)
    for label, colour in (("complete", STUDENT), ("stopped early", MUTED)):
        axes.plot([], [], color=colour, linewidth=0.9, label=label)
    _dress(axes, "epoch", shown)
    if not shown.maximised and (curves["value"] > 0).all():
        _scale_by_factors(axes)
    legend_above(figure)
    return figure


def thinned(curves: pd.DataFrame, shown: Measure, winner: int | None) -> list[int]:
    """The settings to draw: all, or of many the winner, and others evenly over the ranks of their last values."""
    last = curves.groupby("setting")["value"].last()
    order = [int(number) for number in last.sort_values(ascending=not shown.maximised, kind="stable").index]
    if len(order) <= MAX_CURVES:
        return order
    chosen = {order[round(place)] for place in np.linspace(0, len(order) - 1, MAX_CURVES)}
    return [number for number in order if number in chosen or number == winner]


def _limits(complete: pd.Series, others: pd.Series) -> tuple[float, float]:
    """Limits that show every complete value; what was stopped far outside is drawn at the edge."""
    everything = pd.concat([complete, others])
    if everything.empty:
        return 0.0, 1.0
    core = complete if len(complete) >= 3 else everything
    span = float(core.max() - core.min()) or abs(float(core.max())) * 0.1 or 1.0
    low, high = float(core.min()) - span, float(core.max()) + span
    return max(low, float(everything.min())), min(high, float(everything.max()))


def _scale_by_factors(axes: Axes) -> None:
    """A log scale with plain numbers: early epochs fit, and the end can still be told apart."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_locator(NullLocator())


def _dress(axes: Axes, across: str, shown: Measure) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(across)
    axes.set_ylabel(shown.title)
