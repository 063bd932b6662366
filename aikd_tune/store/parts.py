"""Tables whose rows change: 1,000 rows a file, and a file with a changed row is replaced in one rename."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from aikd_tune.errors import StudyFolderError
from aikd_tune.store.compaction import table_files
from aikd_tune.store.files import write_atomic
from aikd_tune.store.folder import StudyFolder
from aikd_tune.store.parquet import read_file, to_bytes
from aikd_tune.store.schema import IDENTITY, SCHEMAS, Row, Table, to_arrow

ROWS_PER_PART = 1000

_PART = re.compile(r"part-(\d{6})\.parquet", re.ASCII)


class PartedTable:
    """Rows of one table by their key (the identity's one column), buffered until ``flush``.

    ``part_of`` places a new key, given how many keys there are. A row stays in its part for ever, so that at every
    moment each is in the table exactly once.
    """

    def __init__(self, folder: StudyFolder, table: Table, part_of: Callable[[Any, int], int]) -> None:
        self._folder, self._table, self._part_of = folder, table, part_of
        (self._key,) = IDENTITY[table]
        self._buffer: dict[Any, Row] = {}
        self._parts: dict[int, pa.Table] = {}
        self._placed: dict[Any, int] = {}
        names = table_files(folder, table)
        if not names:
            self._write(0, SCHEMAS[table].empty_table())
        for name in names:
            match = _PART.fullmatch(name)
            if not match:
                raise StudyFolderError(f"{folder.table(table) / name}: not a file of table {table}; move it away")
            keys = read_file(folder.table(table) / name, table, [self._key]).column(self._key)
            self._placed.update((key, int(match.group(1))) for key in keys.to_pylist())

    def put(self, rows: Iterable[Row]) -> None:
        """Take whole rows: a row with a known key replaces the one before."""
        for row in rows:
            key = row[self._key]
            if key not in self._placed:
                self._placed[key] = self._part_of(key, len(self._placed))
            self._buffer[key] = row

    def flush(self) -> None:
        """Make the buffered rows durable; on an error they stay buffered."""
        for number in sorted({self._placed[key] for key in self._buffer}):
            changed = {key: row for key, row in self._buffer.items() if self._placed[key] == number}
            part = self._changed(number, changed)
            self._write(number, part)
            self._parts[number] = part
            for key in changed:
                del self._buffer[key]

    def _changed(self, number: int, changed: dict[Any, Row]) -> pa.Table:
        rows = pa.concat_tables([self._part(number), to_arrow(self._table, list(changed.values()))])
        # A key stays where it came first, with its last row. Numbers are sorted; other keys are in order of arrival.
        last = {key: place for place, key in enumerate(rows.column(self._key).to_pylist())}
        keys = sorted(last) if pa.types.is_integer(rows.schema.field(self._key).type) else list(last)
        return rows.take([last[key] for key in keys]).combine_chunks()

    def _part(self, number: int) -> pa.Table:
        if number not in self._parts:
            path = self._path(number)
            self._parts[number] = read_file(path, self._table) if path.exists() else SCHEMAS[self._table].empty_table()
        return self._parts[number]

    def _path(self, number: int) -> Path:
        return self._folder.table(self._table) / f"part-{number:06d}.parquet"

    def _write(self, number: int, rows: pa.Table) -> None:
        write_atomic(self._path(number), to_bytes(rows), self._folder.scratch)
