"""Reading tables, also while a study runs: every row once, and an error names the file."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from aikd_tune.errors import StudyFolderError
from aikd_tune.store.compaction import Manifest, arrival, merged_file, read_manifest, table_files
from aikd_tune.store.folder import StudyFolder
from aikd_tune.store.parquet import read_file
from aikd_tune.store.schema import SCHEMAS, Table

if TYPE_CHECKING:
    import pandas as pd

_TRIES = 100
_PAUSE_S = 0.02


def read_rows(folder: StudyFolder, table: Table, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a table in the order of arrival (trials: by number); times are UTC without a time zone.

    Raises:
        StudyFolderError: no such table, or a file in it that is truncated or foreign.
    """
    rows: list[dict[str, Any]] = read_arrow(folder, table, columns).to_pylist()
    return rows


def read_frame(folder: StudyFolder, table: Table, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """The rows of a table as a frame; integer columns with a null in them come as floats."""
    frame: pd.DataFrame = read_arrow(folder, table, columns).to_pandas()
    return frame


def read_arrow(folder: StudyFolder, table: Table, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a table as an Arrow table; see ``read_rows``."""
    names = SCHEMAS[table].names if columns is None else list(columns)
    for _ in range(_TRIES):
        parts = _read_once(folder, table, names)
        if parts:
            return pa.concat_tables(parts)
        time.sleep(_PAUSE_S)  # a merge takes milliseconds
    raise StudyFolderError(f"{folder.table(table)}: its files changed during {_TRIES} readings; try again")


def _read_once(folder: StudyFolder, table: Table, names: list[str]) -> list[pa.Table] | None:
    """One attempt; None when files were merged meanwhile."""
    manifest, before = _snapshot(folder, table)
    replaced = set(manifest.replaces) if manifest else set()
    try:
        parts = {name: read_file(folder.table(table) / name, table, names) for name in before if name not in replaced}
        if manifest is not None and manifest.merged not in parts:
            parts[manifest.merged] = read_file(merged_file(folder, table, manifest), table, names)
    except FileNotFoundError:
        return None
    manifest_after, after = _snapshot(folder, table)
    gone = set(before) - set(after) - replaced
    # A merge that began and ended since the manifest was read shows in nothing but its file.
    merged = {name for name in set(after) - set(before) if name.startswith("merged-")}
    if manifest != manifest_after or gone or merged - {manifest.merged if manifest else ""}:
        return None
    return [parts[name] for name in sorted(parts, key=arrival)]


def _snapshot(folder: StudyFolder, table: Table) -> tuple[Manifest | None, list[str]]:
    manifest = read_manifest(folder, table)
    names = table_files(folder, table)
    if not names:
        raise StudyFolderError(f"{folder.table(table)}: no such table; is {folder.path} the folder of a study?")
    return manifest, names
