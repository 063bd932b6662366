"""Reading while another process writes: every trial exactly once at every moment."""

import time

import pytest
from kill_writer import EPOCHS
from table_readers import OUTSIDE_READERS
from table_rows import key

from aikd_tune.store import StudyFolder, TableWriter, read_rows

SECONDS = 2.0
TRIALS = 10
"""At least so many are written meanwhile: several merges of each table."""


@pytest.fixture
def writing(tmp_path, writers):
    """A folder that a process keeps writing to, with a merge every few flushes."""
    folder = StudyFolder(tmp_path / "digits")
    TableWriter(folder)
    process = writers.start("write", folder.path, 0)
    yield folder, process
    assert process.alive()
    process.kill()


def test_our_reader_sees_every_durable_row_exactly_once(writing):
    folder, process = writing
    readings, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end or (process.confirmed < TRIALS and time.monotonic() < end + 20):
        before = process.confirmed
        trials = read_rows(folder, "trials", ["trial", "state", "epochs_run", "best_epoch"])
        complete = [row for row in trials if row["state"] == "complete"]
        epochs = [tuple(row.values()) for row in read_rows(folder, "epochs", ["run_key", "phase", "epoch"])]
        images = [tuple(row.values()) for row in read_rows(folder, "predictions", ["trial_key", "image_index"])]
        assert [row["trial"] for row in trials] == list(range(len(trials)))
        assert len(complete) >= before
        assert all((row["epochs_run"], row["best_epoch"]) == (EPOCHS, row["trial"]) for row in complete)
        assert len(set(epochs)) == len(epochs)
        assert len(set(images)) == len(images)
        for row in complete:
            assert {(key(row["trial"]), "student", e) for e in range(1, EPOCHS + 1)} <= set(epochs)
            assert {(key(row["trial"]), i) for i in range(5)} <= set(images)
        readings += 1
    assert readings > 5
    assert process.confirmed >= TRIALS


def test_other_tools_see_no_row_twice(writing):
    """No row twice ever, and no trial missing ever.

    Rows of ``epochs`` may be missing during a merge. A reading may fail where a file was replaced or merged between
    a tool's listing, its first and its second opening; the next one works.
    """
    folder, process = writing
    readings, failures = dict.fromkeys(OUTSIDE_READERS, 0), 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or (process.confirmed < TRIALS and time.monotonic() < end + 20):
        for name, reader in OUTSIDE_READERS.items():
            before = process.confirmed
            try:
                trials, epochs = reader(folder, "trials"), reader(folder, "epochs")
            except Exception:  # each tool has its own error; what counts is that it passes
                failures += 1
                continue
            readings[name] += 1
            assert sorted(trials.trial) == list(range(len(trials)))
            complete = trials[trials.state == "complete"]
            assert len(complete) >= before
            assert (complete.best_epoch == complete.trial).all()
            assert not epochs.duplicated(["run_key", "phase", "epoch"]).any()
    assert min(readings.values()) > 3
    assert failures < sum(readings.values())
    assert process.confirmed >= TRIALS
