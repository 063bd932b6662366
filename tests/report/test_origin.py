from pathlib import Path
from typing import Any

from synthetic_study import Synthetic, by_seed

from aikd_tune.report.origin import last_command, looks_table, reproduce_text, runs_table

RUN: dict[str, Any] = {
    "command": ["/usr/local/bin/aikd-tune", "run", "my digits.yaml"],
    "started_at": "2026-01-02T03:04:05+00:00",
    "ended_at": None,
    "outcome": None,
    "device": "cpu",
    "host": "machine",
    "git_commit": "0123456789abcdef0123",
    "git_dirty": False,
    "versions": {"python": "3.11.7", "torch": "2.15.0"},
}


def _records(root: Path, **changes: Any) -> Any:
    study = Synthetic(root)
    study.search([5.0])
    study.confirm("ce", by_seed([5.0, 5.0, 5.0]), by_seed([6.0, 6.0, 6.0]))
    records = study.records()
    records.provenance["runs"].append(RUN | changes)
    return records


def test_the_commands_that_reproduce_a_study(tmp_path: Path) -> None:
    assert reproduce_text(_records(tmp_path)).splitlines() == [
        "git checkout 0123456789abcdef0123",
        "# python==3.11.7, torch==2.15.0",
        "# the study file below, saved as digits.yaml",
        "aikd-tune run digits.yaml --results again",
    ]


def test_changes_that_no_commit_holds_are_said(tmp_path: Path) -> None:
    first = reproduce_text(_records(tmp_path, git_dirty=True)).splitlines()[0]
    assert first == "git checkout 0123456789abcdef0123  # and its uncommitted changes, which no commit holds"
    assert "git checkout" not in reproduce_text(_records(tmp_path, git_commit=None))


def test_runs_and_looks_as_tables(tmp_path: Path) -> None:
    records = _records(tmp_path)
    (row,) = runs_table(records).rows
    assert row[:3] == ("2026-01-02 03:04", "–", "killed, or still running")
    assert row[3:] == ("aikd-tune run 'my digits.yaml'", "machine, cpu", "0123456789ab")
    assert looks_table(records).rows == [("1", "2026-01-02 03:04", "ce", "1 to 3")]


def test_what_was_typed_last(tmp_path: Path) -> None:
    records = _records(tmp_path)
    assert last_command(records) == "aikd-tune run 'my digits.yaml'"
    records.provenance["runs"].clear()
    assert last_command(records) == f"aikd-tune run {tmp_path}/digits/study.yaml"
