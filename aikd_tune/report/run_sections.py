"""Sections on the run: search, cost, trials, provenance; HTML."""

from aikd_tune.report.figures.importance import importances_figure
from aikd_tune.report.figures.search import MAX_CURVES, curves_figure, history_figure
from aikd_tune.report.frames import StudyRecords
from aikd_tune.report.importances import CHANCE_PERCENTILE, Importances, importances
from aikd_tune.report.markup import code, drawing, facts, fold, paragraph, side_by_side
from aikd_tune.report.measures import Measure, duration, measure, plural
from aikd_tune.report.origin import looks_table, reproduce_text, runs_table
from aikd_tune.report.record_tables import (
    STATE_WORDS,
    cost_table,
    elapsed_s,
    failures_table,
    settings_table,
    states_table,
)
from aikd_tune.report.verdict import Verdict
from aikd_tune.spec import rung_epochs

MANY_UNTRAINED = 0.1
"""More untrained critics than this share, and the discriminator's fields cannot be judged."""


def search_section(records: StudyRecords, verdict: Verdict) -> str:
    """History, learning curves, importances and the settings."""
    metric = measure(records.study.search.metric)
    found = importances(records)
    drawings = [
        *_history(records, metric),
        *_curves(records, metric, verdict.winner.number if verdict.winner is not None else None),
        *_importances(records, metric, found),
    ]
    parts = [paragraph(states_text(records)), side_by_side(drawings) if drawings else ""]
    if found.reason:
        parts.append(paragraph(f"Importances: {found.reason}"))
    if not records.search.empty:
        parts.append(fold("All settings", settings_table(records).html()))
    return "\n".join(parts)


def _history(records: StudyRecords, metric: Measure) -> list[str]:
    if not records.search[metric.name].notna().any():
        return []
    caption = f"Each setting at its last {metric.phrase}; values far outside are drawn at the edge."
    figure = history_figure(records.search, metric)
    return [drawing(figure, f"{records.study.name}-history", "Search history.", caption)]


def _curves(records: StudyRecords, metric: Measure, winner: int | None) -> list[str]:
    curves = records.curves(metric.name)
    if curves.empty:
        return []
    rungs = rung_epochs(records.study.search.early_stopping, records.study.base.train.epochs)
    caption = f"Dotted: rungs at epoch {', '.join(map(str, rungs))}." if rungs else "No early stopping."
    count = curves["setting"].nunique()
    if count > MAX_CURVES:
        caption += f" {MAX_CURVES} of {count:,} settings, evenly over their ranks."
    figure = curves_figure(curves, metric, rungs, winner)
    return [drawing(figure, f"{records.study.name}-curves", "Learning curves.", caption)]


def _importances(records: StudyRecords, metric: Measure, found: Importances) -> list[str]:
    if not found.fields:
        return []
    stopped = int((records.search["state"] == "pruned").sum())
    above = [one.field.removeprefix("distill.") for one in found.fields if one.stands_out]
    verdict = f"Above it: {', '.join(above)}." if above else "No field is above it."
    caption = (
        f"PED-ANOVA for {metric.phrase} over complete trials (n = {found.num_complete}; {stopped} stopped early have "
        f"no final value). Mark: what {CHANCE_PERCENTILE} % of shuffled studies stay below; a pale bar is not "
        f"distinguishable from chance. {verdict}"
    )
    return [drawing(importances_figure(found.fields), f"{records.study.name}-importances", "What mattered.", caption)]


def states_text(records: StudyRecords) -> str:
    """Counts of the search in a sentence, and whether critics were trained."""
    states = records.search["state"]
    parts = [
        f"{int((states == state).sum())} {STATE_WORDS.get(state, state)}"
        for state in ("complete", "pruned", "diverged", "failed", "running")
        if (states == state).any()
    ]
    text = f"{plural(len(states), 'setting')}{': ' + ', '.join(parts) if parts else ''}."
    return f"{text} {critic_text(records)}".strip()


def critic_text(records: StudyRecords) -> str:
    """How many trials with a discriminator ended with an untrained critic; empty where none had one."""
    flags = records.trials["critic_untrained"].dropna().astype(bool)
    if flags.empty:
        return ""
    text = f"Critic untrained in {int(flags.sum())} of {plural(len(flags), 'trial')} with a discriminator."
    if flags.mean() > MANY_UNTRAINED:
        text += " That is more than 1 in 10, so the search says little about the discriminator's own fields."
    return text


def cost_section(records: StudyRecords) -> str:
    """Time by phase."""
    elapsed = elapsed_s(records.trials)
    trained = int(records.epochs.loc[records.epochs["phase"] == "teacher", "run_key"].nunique())
    using = records.trials["teacher_key"].dropna()
    pairs = [
        ("From first start to last end", "–" if elapsed is None else duration(elapsed)),
        ("Training, summed over trials", duration(float(records.trials["train_s"].sum()))),
        ("Teachers trained", f"{trained:,} for {plural(len(using), 'trial')} that use one"),
    ]
    return facts(pairs) + cost_table(records).html()


def trials_section(records: StudyRecords) -> str:
    """Counts by state, and failures."""
    failures = failures_table(records.trials)
    return states_table(records.trials).html() + (
        paragraph("No trial failed or diverged.") if failures is None else failures.html()
    )


def provenance_section(records: StudyRecords) -> str:
    """Runs, test looks, the command to reproduce, the study file."""
    parts = [code(reproduce_text(records), "commands that reproduce the study")]
    if records.provenance.get("runs"):
        parts.append(runs_table(records).html())
    if records.provenance.get("test_looks"):
        parts.append(looks_table(records).html())
    parts.append(fold(f"{records.study.name}.yaml, as resolved", code(records.study_text, "study file")))
    return "\n".join(parts)
