import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from synthetic_study import Synthetic, by_seed

from aikd_tune.report.arms import confirmation_arms
from aikd_tune.report.calibration import Reliability
from aikd_tune.report.figures.canvas import COLOURS, STUDENT, new_figure, to_svg
from aikd_tune.report.figures.confirmation import arms_figure, differences_figure
from aikd_tune.report.figures.importance import importances_figure
from aikd_tune.report.figures.reliability import reliability_figure
from aikd_tune.report.figures.search import curves_figure, history_figure, thinned
from aikd_tune.report.importances import Importance
from aikd_tune.report.intervals import Estimate
from aikd_tune.report.measures import measure

ERROR = measure("val_error")


def _drawn(name: str = "x") -> str:
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], "o", color=STUDENT)
    axes.bar([0.5], [0.5], hatch="//", edgecolor=COLOURS["bad"], facecolor="none")
    axes.set_xlabel("a & b")
    return to_svg(figure, name, 'what "it" shows')


def test_the_same_figure_is_the_same_svg() -> None:
    assert _drawn() == _drawn()


def test_the_svg_is_well_formed_and_takes_the_pages_colours() -> None:
    svg = _drawn()
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == 'what "it" shows'
    assert "var(--student)" in svg
    assert not any(colour in svg for colour in COLOURS.values())
    assert "a &amp; b" in svg


def test_ids_start_with_the_figures_name_and_are_unique() -> None:
    svg = _drawn("one") + _drawn("two")
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert max(Counter(ids).values()) == 1
    assert all(name.startswith(("one-", "two-")) for name in ids)
    references = re.findall(r'(?:href="#|url\(#)([^")]+)', svg)
    assert references
    assert set(references) <= set(ids)


def test_all_colours_differ() -> None:
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_history_draws_every_setting_and_the_best_so_far(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    states = ["complete", "pruned", "complete", "diverged", "complete"]
    study.search([6.0, 60.0, 7.0, None, 5.0], states)
    figure = history_figure(study.records().search, ERROR)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert lines["complete"].get_xydata().tolist() == [[0, 6], [2, 7], [4, 5]]
    assert lines["stopped early"].get_xydata().tolist() == [[1, 9]]  # at the edge: 7 and the span of 2
    assert lines["diverged or failed"].get_xdata().tolist() == [3]
    assert lines["best so far"].get_xydata().tolist() == [[0, 6], [2, 6], [4, 5], [4, 5]]


def test_best_so_far_rises_where_more_is_better(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([6.0, 7.0, 5.0])
    figure = history_figure(study.records().search, measure("val_macro_f1"))
    best = next(line for line in figure.axes[0].get_lines() if line.get_label() == "best so far")
    assert best.get_ydata().tolist() == [94, 94, 95, 95]


def test_curves_have_rungs_stops_and_a_bold_winner(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0, 9.0, 6.0], ["complete", "pruned", "complete"])
    figure = curves_figure(study.records().curves("val_error"), ERROR, [10], 0)
    lines = figure.axes[0].get_lines()
    assert [line.get_xdata() for line in lines if line.get_linestyle() == ":"] == [[10, 10]]
    stops = [line for line in lines if line.get_marker() == "o"]
    assert [(line.get_xdata().tolist(), line.get_ydata().round(6).tolist()) for line in stops] == [([10], [9.0])]
    bold = next(line for line in lines if line.get_label() == "setting 0")
    assert bold.get_xdata().tolist() == list(range(1, 31))
    assert bold.get_linewidth() > 2


def test_many_curves_are_thinned_over_their_ranks_and_keep_the_winner() -> None:
    curves = pd.DataFrame({"setting": range(1000), "value": [float(value % 500) for value in range(1000)]})
    numbers = thinned(curves, ERROR, winner=777)
    assert 120 <= len(numbers) <= 121
    assert {0, 777} <= set(numbers)
    values = [value % 500 for value in numbers]
    assert values == sorted(values)


def test_long_curves_keep_their_last_epoch() -> None:
    curves = pd.DataFrame(
        {"setting": 0, "state": "complete", "epoch": range(1, 252), "value": [1 + 1 / e for e in range(1, 252)]}
    )
    line = curves_figure(curves, ERROR, [], 0).axes[0].get_lines()[0]
    assert len(line.get_xdata()) <= 101
    assert line.get_xdata()[-1] == 251


def test_arms_and_differences_are_drawn_at_their_estimates(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0])
    study.confirm("setting 0", by_seed([5.0, 5.2]), by_seed([6.0, 6.6]), number=0, rank=1)
    study.confirm("ce", by_seed([5.5, 5.5]), by_seed([7.0, 7.2]))
    ours, theirs = confirmation_arms(study.records().confirmation)
    shown = measure("test_error")
    axes = arms_figure([ours, theirs], shown, ours).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["setting 0 *", "CE baseline"]
    means = [line.get_xdata()[0] for line in axes.get_lines() if line.get_marker() == "D"]
    assert means == pytest.approx([6.3, 7.1])
    axes = differences_figure([ours, theirs], theirs, shown, ours).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["setting 0 *"]
    assert [line.get_xdata()[0] for line in axes.get_lines() if line.get_marker() == "D"] == pytest.approx([-0.8])
    assert axes.get_xlabel() == "test error minus CE (points)"


def test_a_bar_below_its_mark_is_pale() -> None:
    fields = [Importance("distill.temperature", 0.7, 0.3), Importance("train.lr", 0.3, 5.0)]
    axes = importances_figure(fields).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["temperature", "train.lr"]
    first, second = (bar.get_facecolor() for bar in axes.patches)
    assert first != second
    assert axes.get_xlim()[1] < 1.2  # the far mark is an arrow at the edge


def test_reliability_bars_are_the_accuracies() -> None:
    bins = pd.DataFrame(
        {
            "lower": [0.0, 0.5],
            "upper": [0.5, 1.0],
            "num_images": [0, 10],
            "accuracy": [float("nan"), 0.8],
            "confidence": [float("nan"), 0.9],
        }
    )
    axes = reliability_figure(Reliability("CE baseline", "test", bins, Estimate(1, 5.0)), STUDENT).axes[0]
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([0.8, 0.1, -0.2])
