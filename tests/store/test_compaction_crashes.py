"""Merging, stopped before every single file operation in turn: nothing is doubled or lost, then or later."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from table_readers import OUTSIDE_READERS
from table_rows import epoch

from aikd_tune.errors import StudyFolderError
from aikd_tune.store import StudyFolder, read_rows, reader
from aikd_tune.store.appended import AppendedTable
from aikd_tune.store.compaction import finish, read_manifest, table_files

NUM_FILES = 4
ROWS = [(n, e) for n in range(NUM_FILES) for e in (1, 2)]


class Crash(BaseException):
    """Stands for a kill: nothing below may catch it."""


class Operations:
    """Counts what changes the disk, and stops before the operation with the number ``limit``."""

    def __init__(self, monkeypatch):
        self.count, self.limit = 0, None
        for owner, name in ((Path, "unlink"), (Path, "replace"), (Path, "open"), (Path, "mkdir"), (os, "fsync")):
            monkeypatch.setattr(owner, name, self.counted(getattr(owner, name)))

    def counted(self, real):
        def operation(*args, **kwargs):
            self.count += 1
            if self.limit is not None and self.count > self.limit:
                raise Crash
            return real(*args, **kwargs)

        return operation

    def run(self, action, limit):
        self.count, self.limit = 0, limit
        try:
            action()
        except Crash:
            return False
        finally:
            self.limit = None
        return True


@pytest.fixture
def written(tmp_path):
    folder = StudyFolder(tmp_path / "digits")
    writer = AppendedTable(folder, "epochs")
    for n in range(NUM_FILES):
        writer.append([epoch(n, 1), epoch(n, 2)])
        writer.flush()
    return folder, writer


def copy(written, path):
    shutil.copytree(written[0].path, path)
    return StudyFolder(path)


def rows(folder):
    return [(row["trial"], row["epoch"]) for row in read_rows(folder, "epochs")]


def seen_outside(folder, reader=OUTSIDE_READERS["pandas"]):
    """What a tool that knows nothing of merges reads."""
    frame = reader(folder, "epochs")
    return sorted((int(n), int(e)) for n, e in zip(frame.trial, frame.epoch, strict=True))


def test_a_crash_before_any_operation(written, tmp_path, monkeypatch):
    limit, complete, windows = 0, False, 0
    while not complete:
        folder = copy(written, tmp_path / str(limit))
        writer = AppendedTable(folder, "epochs")
        with monkeypatch.context() as patched:
            complete = Operations(patched).run(writer.compact, limit)

        # Our reader sees everything, in order, without any repair; other tools see each row at most once.
        assert rows(folder) == ROWS
        outside = seen_outside(folder)
        assert len(set(outside)) == len(outside)
        assert set(outside) <= set(ROWS)
        windows += outside != ROWS
        if outside != ROWS:  # only while the merge is under way
            assert read_manifest(folder, "epochs") is not None

        # The next opening finishes it; then all tools see everything, and no row is taken twice.
        writer = AppendedTable(folder, "epochs")
        assert read_manifest(folder, "epochs") is None
        assert seen_outside(folder) == ROWS
        writer.append([epoch(0, 1), epoch(9, 1)])
        writer.flush()
        assert rows(folder) == [*ROWS, (9, 1)]
        limit += 1
    assert limit > 20  # every operation was a stop
    assert windows >= NUM_FILES  # the documented window was there to be seen


def test_a_crash_while_the_next_opening_finishes_the_merge(written, tmp_path, monkeypatch):
    limit, complete = 0, False
    while not complete:
        folder = copy(written, tmp_path / str(limit))
        writer = AppendedTable(folder, "epochs")
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", crash_into_table(folder, Path.replace))
            with pytest.raises(Crash):
                writer.compact()
        assert seen_outside(folder) == []
        with monkeypatch.context() as patched:
            complete = Operations(patched).run(lambda folder=folder: finish(folder, "epochs"), limit)
        assert rows(folder) == ROWS
        finish(folder, "epochs")
        assert seen_outside(folder) == rows(folder) == ROWS
        limit += 1
    assert limit > 5


def crash_into_table(folder, real):
    def replace(source, target):
        if Path(source).parent == folder.compaction("epochs"):
            raise Crash
        return real(source, target)

    return replace


@pytest.mark.parametrize(
    "moment", ["before the listing", "in the window", "after the listing", "half before, half after"]
)
def test_our_reader_is_not_misled_by_a_merge_at_any_moment(moment, written, monkeypatch):
    """The merge happens while the first listing of the files is taken."""
    folder, writer = written
    listings = []

    def half():
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", crash_into_table(folder, Path.replace))
            with pytest.raises(Crash):
                writer.compact()

    def listing(folder, table):
        if listings:
            return table_files(folder, table)
        if moment == "before the listing":
            writer.compact()
        if moment == "in the window":
            half()
        listings.append(table_files(folder, table))
        if moment != "after the listing":
            finish(folder, "epochs")
        else:
            writer.compact()
        return listings[0]

    if moment == "half before, half after":
        half()
    monkeypatch.setattr(reader, "table_files", listing)
    assert rows(folder) == ROWS
    assert len(listings[0]) == {"before the listing": 2, "after the listing": NUM_FILES + 1}.get(moment, 1)


@pytest.mark.parametrize("tool", OUTSIDE_READERS)
def test_the_folder_is_never_empty(tool, written, monkeypatch):
    folder, writer = written
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash_into_table(folder, Path.replace))
        with pytest.raises(Crash):
            writer.compact()
    assert [path.name for path in folder.table("epochs").iterdir()] == ["empty.parquet"]
    assert seen_outside(folder, OUTSIDE_READERS[tool]) == []
    AppendedTable(folder, "epochs")
    assert seen_outside(folder, OUTSIDE_READERS[tool]) == ROWS


def test_a_full_disk_during_a_merge_is_one_line_and_changes_nothing(written, monkeypatch):
    folder, writer = written
    before = sorted(path.name for path in folder.table("epochs").iterdir())

    def full(descriptor):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StudyFolderError, match="no space left on device") as caught:
            writer.compact()
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in folder.table("epochs").iterdir()) == before
    assert rows(folder) == ROWS
    writer.compact()
    assert rows(folder) == seen_outside(folder) == ROWS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"merged": "merged-00000009.parquet", "replaces": ["../study.yaml"]}',
        '{"merged": "../x.parquet", "replaces": []}',
        '{"merged": "merged-00000009.parquet", "replaces": ["empty.parquet"]}',
        '{"merged": "merged-00000009.parquet", "replaces": [1]}',
    ],
)
def test_a_hostile_manifest_removes_nothing(text, written):
    folder, _ = written
    (folder.path / "study.yaml").write_text("study: digits")
    path = folder.compaction("epochs") / "manifest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    for use in (lambda: AppendedTable(folder, "epochs"), lambda: read_rows(folder, "epochs")):
        with pytest.raises(StudyFolderError, match=rf"^{path}: not the manifest of a merge"):
            use()
    assert (folder.path / "study.yaml").exists()
    path.unlink()
    assert rows(folder) == ROWS
