"""Reliability: how often the networks are right at the confidence they state, pooled over runs."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aikd_tune.report.frames import StudyRecords
from aikd_tune.report.intervals import Estimate, estimate
from aikd_tune.report.selection import ranked
from aikd_tune.report.verdict import Verdict

NUM_BINS = 15


@dataclass(frozen=True, eq=False)
class Reliability:
    """One network's diagram: pooled bins, and ECE (15 bins, %) as a mean over its runs, not of the pooled bins."""

    label: str
    split: str
    bins: pd.DataFrame
    ece: Estimate


def pooled_bins(bins: pd.DataFrame, keys: Iterable[str], split: str) -> pd.DataFrame:
    """Bins of several runs as one: images add up, accuracy and confidence are means over images.

    Columns lower, upper, num_images, accuracy, confidence; an empty bin has NaN for the last two.
    """
    wanted = bins[bins["trial_key"].isin(list(keys)) & (bins["split"] == split) & (bins["num_bins"] == NUM_BINS)]
    weighted = wanted.assign(
        accuracy=(wanted["accuracy"] * wanted["num_images"]).fillna(0.0),
        confidence=(wanted["confidence"] * wanted["num_images"]).fillna(0.0),
    )
    pooled = weighted.groupby("bin").agg(
        lower=("lower", "first"),
        upper=("upper", "first"),
        num_images=("num_images", "sum"),
        accuracy=("accuracy", "sum"),
        confidence=("confidence", "sum"),
    )
    images = pooled["num_images"].where(pooled["num_images"] > 0, np.nan)
    return pooled.assign(accuracy=pooled["accuracy"] / images, confidence=pooled["confidence"] / images)


def reliabilities(records: StudyRecords, verdict: Verdict) -> list[Reliability]:
    """CE, teacher and student: on test where it was opened, else the best search trial and its teacher on val."""
    winner = verdict.winner
    if winner is None:
        return []
    if winner.arm is not None and winner.arm.values("test_error"):
        student, split = winner.arm.trials, "test"
        baseline = verdict.baseline.trials if verdict.baseline is not None else student.iloc[:0]
    else:
        order, split = ranked(records.search, records.study.search), "val"
        student, baseline = order[order["setting"] == winner.number], order[order["method"] == "ce"].iloc[:1]
    teachers = records.teachers[records.teachers["teacher_key"].isin(student["teacher_key"].dropna())]
    found = [
        _reliability("CE baseline", records, baseline, "trial_key", split),
        _reliability("Teacher", records, teachers, "teacher_key", split),
        _reliability("AI-KD student", records, student, "trial_key", split),
    ]
    return [one for one in found if one.bins["num_images"].sum() > 0]


def _reliability(label: str, records: StudyRecords, rows: pd.DataFrame, key: str, split: str) -> Reliability:
    if "state" in rows:
        rows = rows[rows["state"] == "complete"]
    bins = pooled_bins(records.bins, rows[key], split)
    return Reliability(label, split, bins, estimate(rows[f"{split}_ece15"].dropna().astype(float)))
