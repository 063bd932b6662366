"""A real study from the command line, read back as its users would."""

import json
import time
from pathlib import Path

import duckdb
import optuna
import pandas as pd
import polars as pl
import pytest
from commands import aikd_tune, write_study
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from aikd_tune.kd.data.describe import describe
from aikd_tune.spec import parse_study

TABLES = ("trials", "teachers", "epochs", "bins", "predictions")


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small study after its first run."""
    folder = tmp_path_factory.mktemp("study")
    done = aikd_tune("run", write_study(folder), cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_every_trial_is_there_once_and_none_is_left_running(study: Path) -> None:
    trials = pd.read_parquet(study / "results/small/trials")
    assert trials["trial"].tolist() == list(range(8 + 2 * 2))
    search = trials[trials["kind"] == "search"]
    assert search["setting"].tolist() == list(range(8))
    assert set(search["state"]) <= {"complete", "pruned"}
    assert set(search["state"]) >= {"complete", "pruned"}
    confirmation = trials[trials["kind"] == "confirmation"]
    assert set(confirmation["state"]) == {"complete"}
    assert sorted(confirmation["seed"].tolist()) == [1, 1, 2, 2]
    assert trials["trial_key"].is_unique


def test_the_test_set_is_opened_by_the_confirmation_alone_and_counted(study: Path) -> None:
    trials = pd.read_parquet(study / "results/small/trials")
    searched = trials["kind"] == "search"
    for column in [name for name in trials.columns if name.startswith("test_") and name != "test_look"]:
        assert trials.loc[searched, column].isna().all()
    assert trials.loc[~searched, "test_error"].notna().all()
    assert trials.loc[~searched, "test_look"].tolist() == [1] * 4
    looks = json.loads((study / "results/small/provenance.json").read_text())["test_looks"]
    assert [look["look"] for look in looks] == [1]


def test_no_image_of_test_or_validation_is_in_two_places(study: Path) -> None:
    predictions = pd.read_parquet(study / "results/small/predictions")
    by_split = {split: set(rows["image_index"]) for split, rows in predictions.groupby("split")}
    assert len(by_split["test"]) == 900
    assert len(by_split["val"]) == 300
    assert not by_split["test"] & by_split["val"]


def test_epochs_are_there_once_each_and_phase_1_once_per_teacher(study: Path) -> None:
    epochs = pd.read_parquet(study / "results/small/epochs")
    assert not epochs.duplicated(["run_key", "phase", "epoch"]).any()
    trials = pd.read_parquet(study / "results/small/trials")
    students = epochs[epochs["phase"] == "student"].groupby("run_key")["epoch"].max()
    assert students.to_dict() == trials.set_index("trial_key")["epochs_run"].to_dict()
    teachers = pd.read_parquet(study / "results/small/teachers")
    trained = epochs[epochs["phase"] == "teacher"].groupby("run_key")["epoch"].agg(["count", "max"])
    assert set(trained.index) == set(teachers["teacher_key"])
    assert (trained == 4).all(axis=None)
    assert set(teachers["seed"]) <= {0, 1, 2}


def test_stopped_early_means_fewer_epochs_and_complete_means_all(study: Path) -> None:
    trials = pd.read_parquet(study / "results/small/trials")
    assert (trials.loc[trials["state"] == "complete", "epochs_run"] == 4).all()
    assert (trials.loc[trials["state"] == "pruned", "epochs_run"] == 2).all()


@pytest.mark.parametrize("table", TABLES)
def test_duckdb_polars_and_pandas_read_the_same(study: Path, table: str) -> None:
    folder = study / "results/small" / table
    frame = pd.read_parquet(folder)
    assert len(frame) > 0
    assert duckdb.sql(f"from '{folder}/*.parquet'").shape == frame.shape
    assert pl.read_parquet(f"{folder}/*.parquet").shape == frame.shape


def test_inactive_fields_are_null(study: Path) -> None:
    trials = pd.read_parquet(study / "results/small/trials")
    ce = trials[trials["arm"] == "ce"]
    assert len(ce) == 2
    assert ce[["teacher_weight", "previous_weight", "adversarial_weight", "temperature"]].isna().all(axis=None)
    off = trials[trials["adversarial_weight"] == 0]
    assert len(off) > 0
    assert off[["adversarial_hidden", "gradient_penalty"]].isna().all(axis=None)


def test_the_mirror_is_an_optuna_study_with_right_states(study: Path) -> None:
    trials = pd.read_parquet(study / "results/small/trials")
    states = (
        trials[trials["kind"] == "search"]
        .set_index("setting")["state"]
        .map({"complete": "COMPLETE", "pruned": "PRUNED"})
    )
    storage = JournalStorage(JournalFileBackend(str(study / "results/small/optuna.journal")))
    mirrored = optuna.load_study(study_name="small", storage=storage).get_trials()
    assert {t.user_attrs["setting"]: t.state.name for t in mirrored} == states.to_dict()


def test_a_second_run_returns_at_once_and_changes_nothing(study: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in sorted((study / "results").rglob("*.parquet"))}
    started = time.monotonic()
    done = aikd_tune("run", study / "study.yaml", cwd=study)
    assert time.monotonic() - started < 20
    assert (done.returncode, done.stderr) == (0, "")
    assert "complete, nothing to run" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in sorted((study / "results").rglob("*.parquet"))} == before


def test_an_edited_space_under_the_same_name_is_refused_with_its_paths(study: Path, tmp_path: Path) -> None:
    edited = write_study(tmp_path, ("temperature: {loguniform: [1, 10]}", "temperature: {loguniform: [1, 20]}"))
    done = aikd_tune("run", edited, "--results", study / "results", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "distill.temperature" in line
    assert "recorded {loguniform: [1.0, 10.0]}" in line
    assert "now {loguniform: [1.0, 20.0]}" in line
    assert "another name" in line


def test_checkpoints_and_scratch_are_gone(study: Path) -> None:
    folder = study / "results/small"
    assert not [path for path in (folder / "checkpoints").rglob("*") if path.is_file()]
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} - {"checkpoints"} == {
        "study.yaml",
        "provenance.json",
        "optuna.journal",
        "report.html",
        *TABLES,
    }


def test_the_commands_that_read_a_study(study: Path, tmp_path: Path) -> None:
    status = aikd_tune("status", study / "results/small", cwd=tmp_path)
    assert (status.returncode, status.stderr) == (0, "")
    assert "8 of 8" in status.stdout
    best = aikd_tune("best", study / "results/small", cwd=tmp_path)
    assert (best.returncode, best.stderr) == (0, "")
    setting = parse_study(best.stdout, "best.yaml", describe)
    assert setting.space.size == 1
    assert "<html" in (study / "results/small/report.html").read_text()


@pytest.mark.slow
def test_what_best_prints_can_be_checked_and_trained(study: Path, tmp_path: Path) -> None:
    (tmp_path / "best.yaml").write_text(aikd_tune("best", study / "results/small", cwd=tmp_path).stdout)
    assert aikd_tune("check", "best.yaml", cwd=tmp_path).returncode == 0
    trained = aikd_tune("train", "best.yaml", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert "val_error" in trained.stdout
    page = aikd_tune("report", study / "results/small", "-o", tmp_path / "page.html", cwd=tmp_path)
    assert page.returncode == 0
    assert "<html" in (tmp_path / "page.html").read_text()


@pytest.mark.slow
def test_raising_trials_runs_the_new_ones_alone(tmp_path: Path) -> None:
    path = write_study(tmp_path, ("confirm: {settings: 1", "confirm: {settings: 0"))
    assert aikd_tune("run", path, "--trials", "4", cwd=tmp_path).returncode == 0
    before = pd.read_parquet(tmp_path / "results/small/epochs")
    assert aikd_tune("run", path, "--trials", "7", cwd=tmp_path).returncode == 0
    trials = pd.read_parquet(tmp_path / "results/small/trials")
    assert trials["setting"].tolist() == list(range(7))
    after = pd.read_parquet(tmp_path / "results/small/epochs")
    kept = after[after["run_key"].isin(before["run_key"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        kept.sort_values(["run_key", "epoch"], ignore_index=True),
        before.sort_values(["run_key", "epoch"], ignore_index=True),
    )
