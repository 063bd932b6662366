"""A writer killed (SIGKILL) at random moments, again and again: nothing doubled, nothing confirmed is lost."""

import random
import time

from kill_writer import EPOCHS
from table_readers import by_pandas
from table_rows import TABLES, key

from aikd_tune.store import StudyFolder, TableWriter, read_rows
from aikd_tune.store.compaction import read_manifest
from aikd_tune.store.schema import IDENTITY

ROUNDS = 12
TRIALS = 8
"""Rounds go on until so many trials are written: several merges of each table, and two parts of trials."""


def identities(folder):
    """Table -> the identity of every row, after checking that no two rows share one."""
    found = {}
    for table in TABLES:
        rows = [tuple(row.values()) for row in read_rows(folder, table, IDENTITY[table])]
        found[table] = set(rows)
        assert len(found[table]) == len(rows), table
    return found


def check(folder, confirmed):
    """What every reader may expect once ``confirmed`` trials are durable; the identities of all rows."""
    found = identities(folder)
    trials = {row["trial"]: row["state"] for row in read_rows(folder, "trials", ["trial", "state"])}
    assert list(trials) == list(range(len(trials)))
    complete = [number for number, state in trials.items() if state == "complete"]
    assert complete[:confirmed] == list(range(confirmed))
    assert len(complete) <= confirmed + 1 >= len(trials) - 1
    for n in complete:  # a complete trial has all its rows
        assert {(key(n), "student", e) for e in range(1, EPOCHS + 1)} | {(key(n), "teacher", 1)} <= found["epochs"]
        assert {(key(n), "val", 10, b) for b in range(10)} <= found["bins"]
        assert {(key(n), "test", i) for i in range(5)} <= found["predictions"]
        assert (key(n),) in found["teachers"]
    return found


def test_killed_writers(writers, tmp_path):
    chance = random.Random(20)
    folder = StudyFolder(tmp_path / "digits")
    TableWriter(folder)
    confirmed = rounds = 0
    while rounds < ROUNDS or (confirmed < TRIALS and rounds < 10 * ROUNDS):
        process = writers.start("write", folder.path, confirmed)
        time.sleep(chance.uniform(0.01, 0.5))
        process.kill()
        confirmed = process.confirmed
        dead = check(folder, confirmed)
        TableWriter(folder)  # the next run opens the folder
        assert check(folder, confirmed) == dead
        for table in TABLES:
            assert read_manifest(folder, table) is None
            assert len(by_pandas(folder, table)) == len(dead[table])
        rounds += 1
    assert confirmed >= TRIALS
