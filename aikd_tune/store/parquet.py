"""One Parquet file of a table, to bytes and back."""

import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from aikd_tune.errors import StudyFolderError
from aikd_tune.store.schema import SCHEMA_VERSION, SCHEMAS, VERSION_KEY, Table


def to_bytes(rows: pa.Table) -> bytes:
    """A whole Parquet file; equal rows give equal bytes."""
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd")
    return buffer.getvalue()


def read_file(path: Path, table: Table, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of one file, in the order in which they were written.

    Raises:
        FileNotFoundError: there is no such file (it may just have been merged into another).
        StudyFolderError: truncated, not Parquet, or not a file of this table; names the file.
    """
    try:
        # One handle for footer and rows: the path may become another file in between.
        with path.open("rb") as handle, pq.ParquetFile(handle) as file:
            _check_schema(path, table, file.schema_arrow)
            return file.read(columns=None if columns is None else list(columns))
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise StudyFolderError(
            f"{path}: not a whole Parquet file ({_first_line(error)}); move it away and run the study again"
        ) from error


def _check_schema(path: Path, table: Table, found: pa.Schema) -> None:
    expected = SCHEMAS[table]
    version = (found.metadata or {}).get(VERSION_KEY)
    if version is None:
        raise StudyFolderError(f"{path}: not a file of table {table}; no other files may lie in its folder")
    if version != str(SCHEMA_VERSION).encode():
        raise StudyFolderError(
            f"{path}: written with schema version {version.decode()}, this program has {SCHEMA_VERSION}; "
            "run under a new study name"
        )
    if not found.equals(expected):
        differing = sorted({(f.name, str(f.type)) for f in found} ^ {(f.name, str(f.type)) for f in expected})
        what = f"column {differing[0][0]}" if differing else "the order of columns"
        raise StudyFolderError(f"{path}: not a file of table {table} ({what} differs); run under a new study name")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
