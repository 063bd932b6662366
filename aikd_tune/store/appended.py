"""Tables whose rows never change: each flush adds one file, and a row that is present is dropped."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from aikd_tune.store.compaction import EMPTY_FILE, arrival, compact, finish, small_files, table_files
from aikd_tune.store.files import write_atomic
from aikd_tune.store.folder import StudyFolder
from aikd_tune.store.parquet import read_file, to_bytes
from aikd_tune.store.schema import IDENTITY, SCHEMAS, Row, Table, to_arrow

MAX_SMALL_FILES = 64


class _Present:
    """Which rows a table has: for all but the last column of the identity, a bit per value of the last (an int)."""

    def __init__(self) -> None:
        self._bits: dict[tuple[Any, ...], int] = {}

    def add(self, identity: tuple[Any, ...]) -> bool:
        """Note a row; False where it was there already."""
        *group, item = identity
        key, bit = tuple(group), 1 << item
        bits = self._bits.get(key, 0)
        self._bits[key] = bits | bit
        return not bits & bit


class AppendedTable:
    """Rows of one table, buffered until ``flush``."""

    def __init__(self, folder: StudyFolder, table: Table) -> None:
        self._folder, self._table = folder, table
        self._buffer: list[Row] = []
        self._present = _Present()
        finish(folder, table)
        if not (folder.table(table) / EMPTY_FILE).exists():
            self._write(EMPTY_FILE, SCHEMAS[table].empty_table())
        names = table_files(folder, table)
        for name in names:
            for identity in self._identities(name):
                self._present.add(identity)
        self._number = arrival(names[-1])[0]

    def append(self, rows: Iterable[Row]) -> None:
        """Take rows; those that the table has, or is about to have, are dropped."""
        for row in rows:
            if self._present.add(tuple(row[name] for name in IDENTITY[self._table])):
                self._buffer.append(row)

    def flush(self) -> None:
        """Make the buffered rows durable in one new file; on an error they stay buffered."""
        if not self._buffer:
            return
        self._write(f"rows-{self._number + 1:08d}.parquet", to_arrow(self._table, self._buffer))
        self._number += 1
        self._buffer = []

    def compact(self, *, due: bool = False) -> None:
        """Merge the small files (``due``: only when there are many)."""
        if not due or len(small_files(self._folder, self._table)) > MAX_SMALL_FILES:
            compact(self._folder, self._table)

    def _identities(self, name: str) -> Iterable[tuple[Any, ...]]:
        columns = IDENTITY[self._table]
        rows = read_file(self._folder.table(self._table) / name, self._table, columns)
        return zip(*(rows.column(column).to_pylist() for column in columns), strict=True)

    def _write(self, name: str, rows: pa.Table) -> None:
        write_atomic(self._folder.table(self._table) / name, to_bytes(rows), self._folder.scratch)
