"""The one writer of a study's tables: buffered rows, durable when ``flush`` returns."""

from collections.abc import Iterable
from typing import Any, Literal

from aikd_tune.store.appended import AppendedTable
from aikd_tune.store.files import clear_temporary, make_folder, one_line_errors
from aikd_tune.store.folder import StudyFolder
from aikd_tune.store.parts import ROWS_PER_PART, PartedTable
from aikd_tune.store.reader import read_rows
from aikd_tune.store.schema import Row


class TableWriter:
    """Writes the five tables of a study. Its process holds the study's lock: two writers would double rows.

    Opening one creates tables that are missing, finishes the merge that a dead writer left, and removes old temporary
    files. At every moment, and after a kill at any moment, the folder of each table can be read and holds each row at
    most once. ``compaction.py`` says what a reader can see during a merge. Files of ``trials`` and ``teachers`` are
    replaced, in one rename: a reader sees the old rows or the new. A tool that opens a file twice and trusts the first
    footer (DuckDB and Polars; not pandas or ``reader.py``) may call it invalid if replaced in between: read again.
    """

    def __init__(self, folder: StudyFolder) -> None:
        with one_line_errors(folder.path):
            make_folder(folder.path)
            clear_temporary(folder.scratch)
            self._appended = {
                "epochs": AppendedTable(folder, "epochs"),
                "bins": AppendedTable(folder, "bins"),
                "predictions": AppendedTable(folder, "predictions"),
            }
            self._teachers = PartedTable(folder, "teachers", lambda key, known: known // ROWS_PER_PART)
            self._known_teachers = {row["teacher_key"]: _not_null(row) for row in read_rows(folder, "teachers")}
            self._trials = PartedTable(folder, "trials", lambda trial, known: trial // ROWS_PER_PART)

    def put_trials(self, rows: Iterable[Row]) -> None:
        """Take whole rows; a row with the same ``trial`` replaces the one before."""
        self._trials.put(rows)

    def put_teachers(self, rows: Iterable[Row]) -> None:
        """Take rows; of a teacher that the table has already, only what was null there (its test metrics)."""
        for row in rows:
            known = self._known_teachers.setdefault(row["teacher_key"], {})
            added = {name: value for name, value in row.items() if value is not None and name not in known}
            if added:
                known |= added
                self._teachers.put([dict(known)])

    def append(self, table: Literal["epochs", "bins", "predictions"], rows: Iterable[Row]) -> None:
        """Take rows; those that the table has already (see ``schema.IDENTITY``) are dropped."""
        self._appended[table].append(rows)

    def flush(self) -> None:
        """Make all rows durable: when this returns they survive a kill and a power cut.

        A trial's own row comes last, so that a trial that is ``complete`` in the tables has all its other rows there.

        Raises:
            StudyFolderError: disk full and the like; what is on disk stays readable, the rest stays buffered.
        """
        for table in self._appended.values():
            table.flush()
        self._teachers.flush()
        self._trials.flush()
        for table in self._appended.values():
            table.compact(due=True)

    def compact(self) -> None:
        """Merge the small files of each table, at the end of a run; ``flush`` does it whenever there are many."""
        for table in self._appended.values():
            table.compact()


def _not_null(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
