"""The reliability diagram of one network, after the paper's Figures 4 and 5."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from aikd_tune.report.calibration import Reliability
from aikd_tune.report.figures.canvas import BAD, FAINT, MUTED, new_figure

WIDTH_IN = 3.3


def reliability_figure(diagram: Reliability, colour: str) -> Figure:
    """Accuracy by stated confidence, the gap to it, and the share of images in each bin below the axis of zero."""
    figure, axes = new_figure(height_in=3.3, width_in=WIDTH_IN)
    bins = diagram.bins
    filled = bins[bins["num_images"] > 0]
    width = filled["upper"] - filled["lower"]
    middle = (filled["upper"] + filled["lower"]) / 2
    gap = filled["confidence"] - filled["accuracy"]
    axes.bar(middle, filled["accuracy"], width=width * 0.92, color=colour, alpha=0.75, label="accuracy")
    axes.bar(
        middle,
        gap,
        bottom=filled["accuracy"],
        width=width * 0.92,
        facecolor="none",
        edgecolor=BAD,
        hatch="////",
        linewidth=0.8,
        label="gap to confidence",
    )
    share = filled["num_images"] / bins["num_images"].sum()
    axes.bar(middle, -0.2 * share, width=width * 0.92, color=MUTED, label="share of images")
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.22, 1)
    axes.set_yticks(np.linspace(0, 1, 6))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("confidence")
    axes.set_ylabel("accuracy")
    return figure
