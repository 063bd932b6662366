"""How a study stands, for a terminal: counts, best so far, rate, time left, failures."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from aikd_tune.report.frames import ENDED, StudyRecords, read_study
from aikd_tune.report.measures import duration, measure, number, plural
from aikd_tune.report.origin import last_command
from aikd_tune.report.pace import Plan, pace, plan
from aikd_tune.report.record_tables import STATE_WORDS
from aikd_tune.report.selection import ranked
from aikd_tune.report.verdict import decide
from aikd_tune.store.folder import StudyFolder
from aikd_tune.store.lock import holder

MAX_FAILURES = 10


def status_text(path: Path) -> str:
    """The status in aligned lines, plain text.

    Raises:
        StudyFolderError: not a study folder, or one that cannot be read.
    """
    rows = status_rows(path)
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"{name:<{width}}{value}".rstrip() for name, value in rows)


def status_rows(path: Path) -> list[tuple[str, str]]:
    """(what, value) by line; further lines of the same thing have an empty name."""
    records = read_study(path)
    runner = holder(StudyFolder(path))
    expected = plan(records)
    rows = [("study", f"{records.study.name}: {_activity(runner, expected)}"), *_counts(records, expected)]
    epochs = records.epochs["phase"].value_counts()
    rows.append(
        ("epochs", f"{int(epochs.get('student', 0)):,} of students, {int(epochs.get('teacher', 0)):,} of teachers")
    )
    rows += _best(records)
    if runner is not None:
        rows += _pace(records, expected)
    elif expected.remaining:
        rows.append(("continue", last_command(records)))
    return rows + _failures(records.trials)


def _activity(runner: object, expected: Plan) -> str:
    if isinstance(runner, dict):
        return f"running on {runner['host']}, pid {runner['pid']}" if runner else "running"
    return "not running, and not finished" if expected.remaining else "finished"


def _counts(records: StudyRecords, expected: Plan) -> list[tuple[str, str]]:
    planned = {"search": expected.search, "confirmation": expected.confirmation}
    rows = []
    for kind, count in planned.items():
        states = records.trials.loc[records.trials["kind"] == kind, "state"]
        if count == 0 and states.empty:
            continue
        ended = int(states.isin(ENDED).sum())
        parts = [
            f"{int((states == state).sum())} {STATE_WORDS.get(state, state)}"
            for state in (*ENDED, "running")
            if (states == state).any()
        ]
        detail = f": {', '.join(parts)}" if parts else ""
        rows.append((kind, f"{ended} of {plural(max(count, len(states)), 'trial')} ended{detail}"))
    return rows


def _best(records: StudyRecords) -> list[tuple[str, str]]:
    rule = records.study.search
    order = ranked(records.search, rule)
    if order.empty:
        return [("best so far", "no complete trial yet")]
    best = order.iloc[0]
    shown = [measure(rule.metric), measure(rule.tie_break)]
    figures = ", ".join(f"{one.phrase} {one.with_unit(float(best[one.name]))}" for one in dict.fromkeys(shown))
    rows = [("best so far", f"setting {int(best['setting'])}: {figures} (search, one seed)")]
    if not records.confirmation.empty:
        rows.append(("answer", decide(records).sentence))
    return rows


def _pace(records: StudyRecords, expected: Plan) -> list[tuple[str, str]]:
    found = pace(records, expected, datetime.now(UTC).replace(tzinfo=None))
    if found is None:
        return [("time left", "not known before some trials of this run have ended")]
    rate = f"{number(found.trials_per_minute, 1)} trials a minute"
    return [("rate", rate), ("time left", f"about {duration(found.left_s)}")]


def _failures(trials: pd.DataFrame) -> list[tuple[str, str]]:
    failed = trials[trials["state"] == "failed"]
    lines = [
        f"trial {row['trial']}: {row['error_message'] if pd.notna(row['error_message']) else 'no message recorded'}"
        for row in failed.head(MAX_FAILURES).to_dict("records")
    ]
    if len(failed) > MAX_FAILURES:
        lines.append(f"and {len(failed) - MAX_FAILURES} more")
    return [("failed" if index == 0 else "", line) for index, line in enumerate(lines)]
