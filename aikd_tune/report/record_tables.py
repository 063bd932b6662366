"""The tables of a run: trials by state, every setting, failures, where the time went, provenance."""

import pandas as pd

from aikd_tune.report.frames import ENDED, StudyRecords, setting_of
from aikd_tune.report.measures import duration, measure, number
from aikd_tune.report.result_tables import value_text
from aikd_tune.report.selection import ranked
from aikd_tune.report.tables import Table

KINDS = ("search", "confirmation")
STATE_WORDS = {"pruned": "stopped early"}
MAX_SETTINGS = 100
MAX_FAILURES = 20


def states_table(trials: pd.DataFrame) -> Table:
    """Trials by kind and state."""
    states = ("running", *ENDED)
    counts = trials.groupby(["kind", "state"]).size()
    rows = [
        [kind, *(str(counts.get((kind, state), 0)) for state in states), str(int((trials["kind"] == kind).sum()))]
        for kind in KINDS
    ]
    return Table("Trials by state", ["kind", *(STATE_WORDS.get(state, state) for state in states), "all"], rows)


def settings_table(records: StudyRecords) -> Table:
    """The settings of the search, complete ones first and best first, with the fields that were searched."""
    search, rule, space = records.search, records.study.search, records.study.space
    metric, tie_break = measure(rule.metric), measure(rule.tie_break)
    ordered = ranked(search, rule)
    rest = search[~search["setting"].isin(ordered["setting"])]
    rows = []
    for row in [*ordered.to_dict("records"), *rest.to_dict("records")][:MAX_SETTINGS]:
        values = space.values(setting_of(row["config"]))
        rows.append(
            [
                str(row["setting"]),
                STATE_WORDS.get(row["state"], row["state"]),
                number(row["epochs_run"], 0),
                metric.text(row[metric.name]),
                tie_break.text(row[tie_break.name]),
                *(value_text(values[path]) if path in values else "–" for path in space.order),
            ]
        )
    headings = ["setting", "state", "epochs", f"val {metric.heading}", f"val {tie_break.heading}"]
    caption = "Settings of the search, complete ones first, best first"
    if len(search) > MAX_SETTINGS:
        caption += f" (the first {MAX_SETTINGS} of {len(search):,})"
    return Table(caption, [*headings, *(path.removeprefix("distill.") for path in space.order)], rows, text_columns=2)


def failures_table(trials: pd.DataFrame) -> Table | None:
    """Trials that failed or diverged, with what is known of why; None where there are none."""
    broken = trials[trials["state"].isin(["failed", "diverged"])]
    if broken.empty:
        return None
    rows = [
        [
            str(row["trial"]),
            str(row["kind"]),
            f"setting {int(row['setting'])}" if pd.notna(row["setting"]) else str(row["arm"]),
            str(row["seed"]),
            str(row["state"]),
            "a loss or metric was not finite" if pd.isna(row["error_message"]) else str(row["error_message"]),
        ]
        for row in broken.head(MAX_FAILURES).to_dict("records")
    ]
    caption = "Trials that failed or diverged"
    if len(broken) > MAX_FAILURES:
        caption += f" (the first {MAX_FAILURES} of {len(broken)})"
    return Table(caption, ("trial", "kind", "of", "seed", "state", "why"), rows, text_columns=6)


def cost_table(records: StudyRecords) -> Table:
    """Compute time by phase, summed over trials that ran side by side."""
    trials = records.trials.drop_duplicates("trial_key").set_index("trial_key")[["kind", "confirm_rank"]]
    epochs = records.epochs.join(trials, on="run_key")
    is_student, is_confirmation = epochs["phase"] == "student", epochs["kind"] == "confirmation"
    is_ranked = epochs["confirm_rank"].notna()
    groups = {
        "phase 1, teachers": epochs[~is_student],
        "phase 2, search": epochs[is_student & ~is_confirmation],
        "phase 2, confirmed settings": epochs[is_student & is_confirmation & is_ranked],
        "baselines of the confirmation": epochs[is_student & is_confirmation & ~is_ranked],
    }
    inside = float(epochs["epoch_s"].sum())
    # Epochs of a trial that still runs are recorded before its time is.
    total = max(float(records.trials["train_s"].sum()), inside)
    rows = [_cost_row(label, group, total) for label, group in groups.items() if len(group)]
    rows.append(["outside epochs", duration(total - inside), _share(total - inside, total), "", ""])
    rows.append(["all of training", duration(total), "", *_cost_row("", epochs, total)[3:]])
    rows.append(["waiting for teachers", duration(float(records.trials["wait_s"].sum())), "", "", ""])
    caption = "Where the time went, summed over trials; outside epochs: preparation and the last evaluation"
    return Table(caption, ("what", "time", "share", "runs", "epochs"), rows)


def _cost_row(label: str, epochs: pd.DataFrame, total: float) -> list[str]:
    time = float(epochs["epoch_s"].sum())
    return [label, duration(time), _share(time, total), f"{epochs['run_key'].nunique():,}", f"{len(epochs):,}"]


def elapsed_s(trials: pd.DataFrame) -> float | None:
    """Seconds from the first start to the last end, pauses included; None before a trial has ended."""
    ends = trials["finished_at"].dropna()
    return None if ends.empty else float((ends.max() - trials["started_at"].min()).total_seconds())


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole > 0 else ""
