"""Drawing: a figure with the report's look, and its SVG for the page.

The colours here are those of paper. ``to_svg`` puts the page's CSS variables in their place, so that one SVG serves a
light and a dark page; text stays text, in the page's own font.
"""

import io
import re
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

COLOURS = {
    "ink": "#1b1f24",
    "muted": "#6a737d",
    "faint": "#c3c9d0",
    "student": "#0b62a4",
    "baseline": "#b3540a",
    "teacher": "#3b7d4f",
    "bad": "#b42332",
    "paper": "#ffffff",
}
"""Name -> colour on paper; ``var(--name)`` in the page. All differ, as the page tells them apart by their value."""

INK, MUTED, FAINT = COLOURS["ink"], COLOURS["muted"], COLOURS["faint"]
STUDENT, BASELINE, TEACHER = COLOURS["student"], COLOURS["baseline"], COLOURS["teacher"]
BAD, PAPER = COLOURS["bad"], COLOURS["paper"]

WIDTH_IN = 5.0
"""360 points: text of 10 points is 10 pixels on a phone, and larger where there is room."""

LOOK: dict[Any, Any] = {
    "font.size": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.fontsize": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "svg.fonttype": "none",
}


def new_figure(height_in: float = 3.2, width_in: float = WIDTH_IN) -> tuple[Figure, Axes]:
    """An empty figure with one set of axes; no global state of matplotlib is touched."""
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        return figure, figure.add_subplot()


def legend_above(figure: Figure) -> None:
    """One legend above the axes, where it hides nothing."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    columns = 3 if len(labels) == 3 else 2
    with mpl.rc_context(LOOK):
        figure.legend(handles, labels, loc="outside upper left", ncols=columns, columnspacing=1, handletextpad=0.4)


def to_svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an ``<svg>`` element, the same bytes for the same figure.

    Args:
        figure: what to draw.
        name: unique in the page; every id inside the SVG starts with it.
        description: what the figure shows, for those who cannot see it.
    """
    buffer = io.StringIO()
    with mpl.rc_context({**LOOK, "svg.hashsalt": name}):
        # Not figure.savefig, which draws everything twice.
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
        FigureCanvasSVG(figure).print_svg(buffer, metadata=metadata)  # type: ignore[no-untyped-call]  # untyped there
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    for colour, value in COLOURS.items():
        svg = svg.replace(value, f"var(--{colour})")
    svg = svg.replace("'DejaVu Sans', ", "").replace("10px 'DejaVu Sans'", "10px sans-serif")
    box = re.search(r'viewBox="([^"]+)"', svg)
    assert box is not None
    opening = f'<svg class="figure" role="img" aria-label="{escape(description)}" viewBox="{box.group(1)}"'
    namespaces = ' xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    return opening + namespaces + svg[svg.index(">") + 1 :].strip()
