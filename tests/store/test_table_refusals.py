"""Tables that cannot be read: each is one line that names the file."""

import polars
import pyarrow.parquet as pq
import pytest
from table_rows import ONE_EACH, TABLES, bins, put

from aikd_tune.errors import StudyFolderError
from aikd_tune.store import StudyFolder, TableWriter, read_frame, read_rows
from aikd_tune.store.schema import SCHEMAS


@pytest.fixture
def folder(tmp_path):
    return StudyFolder.named(tmp_path, "digits")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "footer"])
def test_a_damaged_file_is_named_in_one_line(table, damage, folder):
    writer = TableWriter(folder)
    put(writer, table, ONE_EACH[table])
    writer.flush()
    path = sorted(folder.table(table).iterdir())[-1]
    data = path.read_bytes()
    damaged = {"truncated": data[: len(data) // 2], "empty": b"", "text": b"hello", "footer": b"PAR1" + data[-100:]}
    path.write_bytes(damaged[damage])
    for read in (read_rows, read_frame, lambda folder, table: TableWriter(folder)):
        with pytest.raises(StudyFolderError) as caught:
            read(folder, table)
        assert str(caught.value).startswith(f"{path}: not a whole Parquet file (")
        assert "\n" not in str(caught.value)


def test_a_file_of_another_table_or_program_is_named(folder):
    writer = TableWriter(folder)
    writer.append("bins", bins(0, 1))
    writer.flush()
    stranger = folder.table("epochs") / "rows-00000001.parquet"
    stranger.write_bytes((folder.table("bins") / "rows-00000001.parquet").read_bytes())
    with pytest.raises(StudyFolderError, match=rf"^{stranger}: not a file of table epochs \(column accuracy differs\)"):
        read_rows(folder, "epochs")
    polars.DataFrame({"a": [1]}).write_parquet(stranger)
    with pytest.raises(StudyFolderError, match=rf"^{stranger}: not a file of table epochs; no other files"):
        TableWriter(folder)
    stranger.unlink()
    stranger = folder.table("trials") / "x.parquet"
    stranger.write_bytes((folder.table("trials") / "part-000000.parquet").read_bytes())
    with pytest.raises(StudyFolderError, match=rf"^{stranger}: not a file of table trials"):
        TableWriter(folder)


def test_another_schema_version_is_refused(folder):
    TableWriter(folder)
    path = folder.table("bins") / "empty.parquet"
    schema = SCHEMAS["bins"].with_metadata({**SCHEMAS["bins"].metadata, b"aikd_tune.schema_version": b"99"})
    pq.write_table(schema.empty_table(), path)
    with pytest.raises(StudyFolderError, match=rf"^{path}: written with schema version 99, this program has 2"):
        read_rows(folder, "bins")


def test_a_missing_table_is_one_line(folder):
    with pytest.raises(
        StudyFolderError, match=rf"^{folder.table('trials')}: no such table; is {folder.path} the folder"
    ):
        read_rows(folder, "trials")
