"""How much is planned, how fast it goes, and how long the rest will take."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from aikd_tune.report.frames import ENDED, StudyRecords

MIN_ENDED = 3


@dataclass(frozen=True)
class Plan:
    """Trials planned in all, and those that have not ended."""

    search: int
    confirmation: int
    search_left: int
    confirmation_left: int

    @property
    def remaining(self) -> int:
        """Trials that have not ended."""
        return self.search_left + self.confirmation_left


@dataclass(frozen=True)
class Pace:
    """Ended trials a minute in the present run, and seconds that the rest will take at its rate of work."""

    trials_per_minute: float
    left_s: float


def plan(records: StudyRecords) -> Plan:
    """What the study file asks for. A search that came to its end without a complete trial confirms nothing."""
    confirm, states = records.study.confirm, records.search["state"]
    size = records.study.space.count(records.study.base)
    search = min(records.study.search.trials, size) if size is not None else records.study.search.trials
    search_left = max(0, search - int(states.isin(ENDED).sum()))
    complete = int((states == "complete").sum())
    settings = confirm.settings if search_left else min(confirm.settings, complete)
    confirmation = (settings + len(confirm.baselines)) * confirm.replicates if settings else 0
    ended = int(records.confirmation["state"].isin(ENDED).sum())
    return Plan(search, confirmation, search_left, max(0, confirmation - ended))


def pace(records: StudyRecords, expected: Plan, now: datetime) -> Pace | None:
    """The pace of the run that is going on (``now`` in UTC without a zone); None before enough of its trials ended.

    Time left is work left over the work done a second so far, so several workers and trials stopped early count as
    they have until now.
    """
    runs = records.provenance.get("runs", ())
    if not runs:
        return None
    began = pd.Timestamp(runs[-1]["started_at"]).tz_convert(None)
    trials = records.trials[records.trials["state"].isin(ENDED)]
    recent = trials[trials["finished_at"] >= began]
    wall_s = (pd.Timestamp(now) - began).total_seconds()
    worked_s = float((recent["train_s"].fillna(0) + recent["wait_s"].fillna(0)).sum())
    if len(recent) < MIN_ENDED or wall_s <= 0 or worked_s <= 0:
        return None
    search = trials.loc[trials["kind"] == "search", "train_s"].mean()
    whole = trials.loc[trials["state"] == "complete", "train_s"].mean()
    whole = search if pd.isna(whole) else whole
    work_left_s = expected.search_left * search + expected.confirmation_left * whole
    return Pace(60 * len(recent) / wall_s, work_left_s / (worked_s / wall_s))
