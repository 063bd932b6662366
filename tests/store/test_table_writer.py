"""The tables: what is written is read back by every tool, once, whole, in order and with one schema."""

import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import polars
import pyarrow.parquet as pq
import pytest
from table_readers import OUTSIDE_READERS, READERS
from table_rows import ONE_EACH, TABLES, bins, epoch, key, predictions, put, teacher, trial

from aikd_tune.errors import StudyFolderError
from aikd_tune.store import StudyFolder, TableWriter, appended, parts, read_rows
from aikd_tune.store.schema import SCHEMAS


@pytest.fixture
def folder(tmp_path):
    return StudyFolder.named(tmp_path, "digits")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("table", TABLES)
def test_tables_can_be_read_from_the_start_and_after_rows(reader, table, folder):
    writer = TableWriter(folder)
    frame = READERS[reader](folder, table)
    assert len(frame) == 0
    put(writer, table, ONE_EACH[table])
    assert len(READERS[reader](folder, table)) == 0  # not before flush
    writer.flush()
    writer.flush()
    frame = READERS[reader](folder, table)
    assert len(frame) == 1
    assert list(frame.columns) == SCHEMAS[table].names


@pytest.mark.parametrize("reader", READERS)
def test_values_survive(reader, folder):
    started = datetime(2025, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
    writer = TableWriter(folder)
    writer.put_trials(
        [
            trial(
                0,
                lr=1e-4,
                ce="complement",
                train_nesterov=True,
                num_parameters=np.int64(11_220_132),
                val_error=np.float64(6.25),
                val_nll=1,
                config='{"a": 1}',
                error_message='quote " and\nline',
                started_at=started.astimezone(timezone(timedelta(hours=-7))),
            )
        ]
    )
    writer.append("predictions", predictions(0, 3))
    writer.flush()
    row = READERS[reader](folder, "trials").iloc[0]
    assert (row.lr, row.ce, bool(row.train_nesterov), int(row.num_parameters)) == (1e-4, "complement", True, 11_220_132)
    assert (row.val_error, row.val_nll, row.config) == (6.25, 1.0, '{"a": 1}')
    assert row.error_message == 'quote " and\nline'
    assert row.started_at == started.replace(tzinfo=None)
    logits = READERS[reader](folder, "predictions").logits
    assert [list(values) for values in logits] == [[0.5 * i, -1.0, 0.0] for i in range(3)]


def test_null_and_nan_stay_apart(folder):
    writer = TableWriter(folder)
    writer.put_trials([trial(0, val_error=math.nan), trial(1, val_error=None), trial(2, val_error=math.inf)])
    writer.flush()
    nan, null, infinite = (row["val_error"] for row in read_rows(folder, "trials"))
    assert math.isnan(nan)
    assert (null, infinite) == (None, math.inf)


def test_rows_read_can_be_put_again(folder):
    writer = TableWriter(folder)
    writer.put_trials([trial(0, started_at=datetime.now(UTC), val_nll=0.5)])
    writer.flush()
    (row,) = read_rows(folder, "trials")
    writer.put_trials([{**row, "state": "complete"}])
    writer.flush()
    assert read_rows(folder, "trials") == [{**row, "state": "complete"}]


def test_a_trial_is_replaced_whole_and_rows_are_sorted(folder):
    writer = TableWriter(folder)
    writer.put_trials([trial(n, val_error=1.0) for n in (3, 1)])
    writer.flush()
    writer.put_trials([trial(2), trial(1, state="complete"), trial(0), trial(0, state="pruned")])
    writer.flush()
    rows = read_rows(folder, "trials", ["trial", "state", "val_error"])
    assert [tuple(row.values()) for row in rows] == [
        (0, "pruned", None),
        (1, "complete", None),
        (2, "running", None),
        (3, "running", 1.0),
    ]
    assert TableWriter(folder) is not writer
    assert read_rows(folder, "trials", ["trial", "state", "val_error"]) == rows


def test_trials_lie_in_parts_by_number_and_only_a_changed_part_is_written(folder, monkeypatch):
    monkeypatch.setattr("aikd_tune.store.writer.ROWS_PER_PART", 10)
    writer = TableWriter(folder)
    writer.put_trials(trial(n) for n in (0, 9, 10, 35))
    writer.flush()
    names = sorted(path.name for path in folder.table("trials").iterdir())
    assert names == [f"part-{n:06d}.parquet" for n in (0, 1, 3)]
    before = {path.name: path.stat().st_ino for path in folder.table("trials").iterdir()}
    writer = TableWriter(folder)
    writer.put_trials([trial(10, state="complete")])
    writer.flush()
    after = {path.name: path.stat().st_ino for path in folder.table("trials").iterdir()}
    assert {name for name in names if before[name] != after[name]} == {names[1]}
    assert [row["trial"] for row in read_rows(folder, "trials")] == [0, 9, 10, 35]


def test_teachers_stay_in_order_of_arrival_and_values_once_known_stay(folder, monkeypatch):
    monkeypatch.setattr("aikd_tune.store.writer.ROWS_PER_PART", 2)
    writer = TableWriter(folder)
    writer.put_teachers([teacher(5, train_s=1.0), teacher(3), teacher(5, train_s=2.0)])
    writer.flush()
    writer.put_teachers([teacher(4)])
    writer.flush()
    writer = TableWriter(folder)
    before = (folder.table("teachers") / "part-000000.parquet").stat().st_ino
    writer.put_teachers([teacher(5, train_s=9.0), teacher(1)])
    writer.flush()
    assert (folder.table("teachers") / "part-000000.parquet").stat().st_ino == before
    writer.put_teachers([teacher(5, train_s=9.0, test_error=3.5)])
    writer.flush()
    rows = read_rows(folder, "teachers", ["seed", "train_s", "test_error"])
    assert [tuple(row.values()) for row in rows] == [(5, 1.0, 3.5), (3, None, None), (4, None, None), (1, None, None)]
    assert len(list(folder.table("teachers").iterdir())) == 2


def test_rows_that_are_present_are_dropped(folder):
    writer = TableWriter(folder)
    writer.append("epochs", [epoch(0, 1), epoch(0, 1), epoch(0, 1, "teacher"), epoch(1, 1)])
    writer.append("bins", bins(0, 10))
    writer.append("predictions", predictions(0, 4))
    writer.flush()
    for again in (writer, TableWriter(folder)):
        again.append("epochs", [{**epoch(0, 1), "val_error": 99.0}, epoch(0, 2)])
        again.append("bins", bins(0, 10) + bins(0, 15))
        again.append("predictions", predictions(0, 5))
        again.flush()
        assert [(r["trial"], r["phase"], r["epoch"], r["val_error"]) for r in read_rows(folder, "epochs")] == [
            (0, "student", 1, 0.125),
            (0, "teacher", 1, 0.125),
            (1, "student", 1, 1.125),
            (0, "student", 2, 0.25),
        ]
        assert len(read_rows(folder, "bins")) == 25
        assert [row["image_index"] for row in read_rows(folder, "predictions")] == [0, 1, 2, 3, 4]


def test_one_file_a_flush_then_one_in_all_with_rows_in_order_of_arrival(folder):
    writer = TableWriter(folder)
    numbers = [7, 3, 9, 1]
    for n in numbers:
        writer.append("epochs", [epoch(n, 2), epoch(n, 1)])
        writer.flush()
    expected = [(n, e) for n in numbers for e in (2, 1)]
    assert names(folder) == ["empty.parquet", *(f"rows-{i:08d}.parquet" for i in (1, 2, 3, 4))]
    assert order(folder) == expected
    writer.compact()
    assert names(folder) == ["empty.parquet", "merged-00000004.parquet"]
    assert order(folder) == expected
    writer = TableWriter(folder)
    for n in (8, 2):
        writer.append("epochs", [epoch(n, 1)])
        writer.flush()
    assert names(folder) == ["empty.parquet", "merged-00000004.parquet", *(f"rows-{i:08d}.parquet" for i in (5, 6))]
    writer.compact()
    writer.compact()
    assert names(folder) == ["empty.parquet", "merged-00000006.parquet"]
    assert order(folder) == [*expected, (8, 1), (2, 1)]


def test_many_files_are_merged_by_themselves_and_full_ones_left_alone(folder, monkeypatch):
    writer = TableWriter(folder)
    for n in range(65):
        assert len(names(folder)) == n + 1
        writer.append("epochs", [epoch(n, 1)])
        writer.flush()
    assert names(folder) == ["empty.parquet", "merged-00000065.parquet"]
    for n in range(65, 68):
        writer.append("epochs", [epoch(n, 1)])
        writer.flush()
    full = folder.table("epochs") / "merged-00000065.parquet"
    assert (folder.table("epochs") / "rows-00000066.parquet").stat().st_size < full.stat().st_size
    monkeypatch.setattr("aikd_tune.store.compaction.FULL_BYTES", full.stat().st_size)
    writer.compact()
    assert names(folder) == ["empty.parquet", "merged-00000065.parquet", "merged-00000068.parquet"]
    assert order(folder) == [(n, 1) for n in range(68)]


def test_every_file_of_a_table_has_the_identical_schema(folder, monkeypatch):
    monkeypatch.setattr("aikd_tune.store.writer.ROWS_PER_PART", 1)
    writer = TableWriter(folder)
    for n in range(3):
        for table, rows in ONE_EACH.items():
            put(
                writer, table, [{**row, "trial": n, "trial_key": key(n)} for row in rows] if table == "trials" else rows
            )
        writer.append("epochs", [epoch(n, 1), epoch(n, 2)])
        writer.append("bins", bins(n, 10))
        writer.append("predictions", predictions(n, 2))
        writer.put_teachers([teacher(n)])
        writer.flush()
        if n == 1:
            writer.compact()
    for table in TABLES:
        files = sorted(folder.table(table).iterdir())
        assert len(files) >= 3, table
        assert len({pq.read_schema(path).serialize().to_pybytes() for path in files}) == 1
        assert pq.read_schema(files[0]).equals(SCHEMAS[table], check_metadata=True)
        assert len({str(polars.read_parquet_schema(path)) for path in files}) == 1


def test_a_trial_is_complete_only_after_its_other_rows(folder, monkeypatch):
    """Whatever the order of calls, flush writes epochs, bins, predictions, teachers and then trials."""
    written = []

    def spy(path, data, scratch):
        written.append(path.parent.name)
        real(path, data, scratch)

    writer = TableWriter(folder)
    real = appended.write_atomic
    monkeypatch.setattr(appended, "write_atomic", spy)
    monkeypatch.setattr(parts, "write_atomic", spy)
    for table in reversed(("epochs", "bins", "predictions", "teachers", "trials")):
        put(writer, table, ONE_EACH[table])
    writer.flush()
    assert written == ["epochs", "bins", "predictions", "teachers", "trials"]


@pytest.mark.parametrize(("module", "counts"), [(appended, [0, 0, 0, 0, 0]), (parts, [0, 0, 1, 1, 1])])
def test_a_failed_flush_keeps_its_rows_for_the_next(module, counts, folder, monkeypatch):
    writer = TableWriter(folder)
    for table, rows in ONE_EACH.items():
        put(writer, table, rows)

    def full(path, data, scratch):
        raise StudyFolderError(f"{path}: cannot be written: no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(module, "write_atomic", full)
        with pytest.raises(StudyFolderError, match="no space left"):
            writer.flush()
    assert [len(read_rows(folder, table)) for table in TABLES] == counts
    writer.flush()
    assert [len(read_rows(folder, table)) for table in TABLES] == [1, 1, 1, 1, 1]


def test_files_beside_the_tables_disturb_nobody(folder):
    """Temporary files lie outside of the tables: a kill in the middle of a write leaves one in the scratch folder."""
    writer = TableWriter(folder)
    writer.append("epochs", [epoch(0, 1)])
    writer.flush()
    (folder.scratch / "rows-00000002.parquet.1-abcd").write_bytes(b"PAR1 half")
    assert all(len(read(folder, "epochs")) == 1 for read in READERS.values())
    assert {path.parent.name for path in folder.path.rglob("*.parquet")} == set(TABLES)


@pytest.mark.parametrize("reader", OUTSIDE_READERS)
def test_a_results_root_with_an_odd_name(reader, tmp_path):
    folder = StudyFolder.named(tmp_path / "my results, ünï", "a.b-c_d")
    writer = TableWriter(folder)
    writer.append("epochs", [epoch(0, 1)])
    writer.flush()
    assert len(OUTSIDE_READERS[reader](folder, "epochs")) == 1


def names(folder):
    return sorted(path.name for path in folder.table("epochs").iterdir())


def order(folder):
    return [(row["trial"], row["epoch"]) for row in read_rows(folder, "epochs")]
