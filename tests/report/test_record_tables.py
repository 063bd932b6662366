from pathlib import Path

import pandas as pd
import pytest
from synthetic_study import START, Synthetic, by_seed

from aikd_tune.report import record_tables
from aikd_tune.report.record_tables import cost_table, elapsed_s, failures_table, settings_table, states_table


def test_trials_by_kind_and_state(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([5.0, 6.0, 8.0, None, None, None], ["complete", "complete", "pruned", "diverged", "failed", "running"])
    study.confirm("ce", by_seed([5.0]), by_seed([6.0]))
    table = states_table(study.records().trials)
    assert table.headings == ["kind", "running", "complete", "stopped early", "diverged", "failed", "all"]
    assert table.rows == [["search", "1", "2", "1", "1", "1", "6"], ["confirmation", "0", "1", "0", "0", "0", "1"]]


def test_settings_best_first_then_the_others(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([6.0, 8.0, 5.0, None], ["complete", "pruned", "complete", "running"])
    table = settings_table(study.records())
    assert [row[:5] for row in table.rows] == [
        ["2", "complete", "30", "5.00", "0.200"],
        ["0", "complete", "30", "6.00", "0.240"],
        ["1", "stopped early", "10", "8.00", "0.320"],
        ["3", "running", "–", "–", "–"],
    ]
    assert table.headings[5:] == [path.removeprefix("distill.") for path in study.study.space.order]


def test_long_lists_are_cut_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_tables, "MAX_SETTINGS", 2)
    monkeypatch.setattr(record_tables, "MAX_FAILURES", 1)
    study = Synthetic(tmp_path)
    study.search([6.0, 5.0, None, None], ["complete", "complete", "failed", "diverged"])
    records = study.records()
    table = settings_table(records)
    assert len(table.rows) == 2
    assert table.caption.endswith("(the first 2 of 4)")
    failures = failures_table(records.trials)
    assert failures is not None
    assert failures.rows == [["2", "search", "setting 2", "0", "failed", "RuntimeError: out of memory"]]
    assert failures.caption.endswith("(the first 1 of 2)")


def test_failures_of_baselines_are_named_by_their_arm(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([6.0])
    assert failures_table(study.records().trials) is None
    study.confirm("ce", {}, {3: None}, states={3: "diverged"})
    failures = failures_table(study.records().trials)
    assert failures is not None
    assert failures.rows == [["1", "confirmation", "ce", "3", "diverged", "a loss or metric was not finite"]]


def test_time_by_phase_adds_up(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([6.0, 8.0], ["complete", "pruned"])  # 30 and 10 epochs of 0.05 s
    study.confirm("setting 0", by_seed([5.0] * 2), by_seed([6.0] * 2), number=0, rank=1)
    study.confirm("ce", by_seed([5.0] * 2), by_seed([6.0] * 2))
    rows = {row[0]: row[1:] for row in cost_table(study.records()).rows}
    trained = sum(row["train_s"] for row in study.trials)
    inside = 0.02 * 90 + 0.05 * 160

    def share(time_s: float) -> str:
        return f"{100 * time_s / trained:.0f} %"

    assert rows == {
        "phase 1, teachers": ["1.8 s", share(1.8), "3", "90"],  # seeds 0, 1, 2; 30 epochs of 0.02 s each
        "phase 2, search": ["2.0 s", share(2.0), "2", "40"],
        "phase 2, confirmed settings": ["3.0 s", share(3.0), "2", "60"],
        "baselines of the confirmation": ["3.0 s", share(3.0), "2", "60"],
        "outside epochs": [f"{trained - inside:.1f} s", share(trained - inside), "", ""],
        "all of training": ["11 s", "", "9", "250"],
        "waiting for teachers": ["0.6 s", "", "", ""],
    }


def test_a_trial_of_two_arms_is_counted_once(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([6.0])
    study.confirm("ce", by_seed([5.0]), by_seed([6.0]))
    once = cost_table(study.records()).rows
    study.trials.append({**study.trials[-1], "trial": 2, "arm": "again", "train_s": 0.0, "wait_s": 0.0})
    assert cost_table(study.records()).rows == once


def test_time_of_a_running_trial_is_not_negative_outside_epochs(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([None], ["running"])
    rows = {row[0]: row[1:] for row in cost_table(study.records()).rows}
    assert rows["outside epochs"][0] == "0.0 s"


def test_elapsed_is_from_the_first_start_to_the_last_end(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.search([6.0, 5.0, None], ["complete", "complete", "running"])
    records = study.records()
    assert elapsed_s(records.trials) == 18.0
    assert records.trials["started_at"].min() == pd.Timestamp(START)
    assert elapsed_s(records.trials.iloc[2:]) is None
