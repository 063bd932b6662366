"""Merging a table's many small files into one, so that a kill at any moment doubles nothing and loses nothing.

The steps, each durable before the next begins:

1. the merged file is written outside the table;
2. a manifest names it and the files that it replaces: from here on the merge will be finished, by this process or
   by the next that opens the study;
3. the replaced files are removed; 4. the merged file is renamed into the table; 5. the manifest is removed.

A reader that knows nothing of this and lists the folder between 3 and 4 misses the rows on their way (milliseconds, or
until the next opening where the writer died just there); one that has listed it before 3 may find a file gone and has
to read again. It never sees a row twice, and the folder is never empty. ``reader.py`` follows the manifest and sees
every row at every moment.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from aikd_tune.errors import StudyFolderError
from aikd_tune.store.files import one_line_errors, remove_tree, sync_folder, write_atomic
from aikd_tune.store.folder import StudyFolder
from aikd_tune.store.parquet import read_file, to_bytes
from aikd_tune.store.schema import Table

EMPTY_FILE = "empty.parquet"
"""No rows, never replaced: whatever happens to the others, the folder can be read."""

FULL_BYTES = 32 * 1024**2
"""Files of this size are not merged again."""

_NUMBERED = re.compile(r"(?:rows|merged)-(\d{8})\.parquet", re.ASCII)


@dataclass(frozen=True)
class Manifest:
    """A merge that is under way: names of files in the table's folder."""

    merged: str
    replaces: tuple[str, ...]


def arrival(name: str) -> tuple[int, str]:
    """Sorts the names of a table's files by when their rows arrived; the number is 0 where a name has none."""
    match = _NUMBERED.fullmatch(name)
    return int(match.group(1)) if match else 0, name


def table_files(folder: StudyFolder, table: Table) -> list[str]:
    """Names of the Parquet files of a table in the order in which their rows arrived."""
    return sorted((path.name for path in folder.table(table).glob("*.parquet")), key=arrival)


def read_manifest(folder: StudyFolder, table: Table) -> Manifest | None:
    """The merge that is under way in a table."""
    path = _manifest_file(folder, table)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(content["merged"], tuple(content["replaces"]))
        names = (manifest.merged, *manifest.replaces)
        # Names of files to remove come from here: none may point elsewhere.
        if not all(_NUMBERED.fullmatch(name) for name in names):
            raise ValueError(names)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StudyFolderError(f"{path}: not the manifest of a merge; remove it if the table reads well") from error
    return manifest


def merged_file(folder: StudyFolder, table: Table, manifest: Manifest) -> Path:
    """Where the merged file waits before it is renamed into the table."""
    return folder.compaction(table) / manifest.merged


def small_files(folder: StudyFolder, table: Table) -> list[str]:
    """What there is to merge: the numbered files behind the last full one, in the order of arrival."""
    numbered = [name for name in table_files(folder, table) if _NUMBERED.fullmatch(name)]
    sizes = [(folder.table(table) / name).stat().st_size for name in numbered]
    last_full = max((i for i, size in enumerate(sizes) if size >= FULL_BYTES), default=-1)
    return numbered[last_full + 1 :]


def compact(folder: StudyFolder, table: Table) -> None:
    """Merge the small files of a table into one. Only the holder of the study's lock may call this."""
    finish(folder, table)  # an earlier merge of this process may have been interrupted half-way
    small = small_files(folder, table)
    if len(small) < 2:
        return
    # The merged file takes the place of its last part, so that files stay in the order of arrival.
    manifest = Manifest(f"merged-{arrival(small[-1])[0]:08d}.parquet", tuple(small))
    assert manifest.merged not in small, "all before a merged file is merged or full"
    rows = pa.concat_tables([read_file(folder.table(table) / name, table) for name in small])
    write_atomic(merged_file(folder, table, manifest), to_bytes(rows.combine_chunks()), folder.scratch)
    content = json.dumps({"merged": manifest.merged, "replaces": manifest.replaces}).encode()
    write_atomic(_manifest_file(folder, table), content, folder.scratch)
    _replace(folder, table, manifest)


def finish(folder: StudyFolder, table: Table) -> None:
    """Finish the merge that a dead writer left, or remove what never became one."""
    manifest = read_manifest(folder, table)
    if manifest is not None:
        _replace(folder, table, manifest)
    remove_tree(folder.compaction(table))


def _replace(folder: StudyFolder, table: Table, manifest: Manifest) -> None:
    target = folder.table(table)
    merged = merged_file(folder, table, manifest)
    with one_line_errors(target):
        for name in manifest.replaces:
            (target / name).unlink(missing_ok=True)
        sync_folder(target)
        if merged.exists():  # else a writer that died had come further
            merged.replace(target / manifest.merged)
            sync_folder(target)
        _manifest_file(folder, table).unlink()
        sync_folder(folder.compaction(table))


def _manifest_file(folder: StudyFolder, table: Table) -> Path:
    return folder.compaction(table) / "manifest.json"
