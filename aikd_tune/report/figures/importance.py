"""Importances as bars, each with the mark that chance alone reaches."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from aikd_tune.report.figures.canvas import FAINT, INK, STUDENT, new_figure
from aikd_tune.report.importances import Importance

MAX_BARS = 12


def importances_figure(fields: Sequence[Importance]) -> Figure:
    """One bar a field, its share of all importance; full where it is above the mark of chance, pale where not."""
    shown = fields[:MAX_BARS]
    # A mark far above every bar would press them together: it becomes an arrow at the edge.
    edge = max(1.5 * max(one.share for one in shown), 0.3)
    figure, axes = new_figure(height_in=0.8 + 0.3 * len(shown))
    for row, one in enumerate(shown):
        axes.barh(row, one.share, height=0.62, color=STUDENT if one.stands_out else FAINT)
        if one.chance <= edge:
            axes.plot([one.chance, one.chance], [row - 0.4, row + 0.4], color=INK, linewidth=1.5)
        else:
            axes.plot([edge], [row], ">", color=INK, markersize=5)
    axes.set_yticks(range(len(shown)), [one.field.removeprefix("distill.") for one in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.03 * edge)
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("share of importance")
    return figure
