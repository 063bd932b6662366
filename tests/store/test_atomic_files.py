"""Files are whole or absent, and the disk's complaints are one line."""

import os
import time
from pathlib import Path

import pytest

from aikd_tune.errors import StudyFolderError
from aikd_tune.store.files import clear_temporary, remove_tree, write_atomic


def test_content_is_replaced_and_nothing_is_left_behind(tmp_path):
    path, scratch = tmp_path / "a" / "b" / "file", tmp_path / "scratch"
    write_atomic(path, b"one", scratch)
    write_atomic(path, b"two" * 100_000, scratch)
    assert path.read_bytes() == b"two" * 100_000
    assert [p.name for p in path.parent.iterdir()] == ["file"]
    assert list(scratch.iterdir()) == []


def test_a_reader_with_the_file_open_keeps_the_old_content(tmp_path):
    path = tmp_path / "file"
    write_atomic(path, b"old", tmp_path / "scratch")
    with path.open("rb") as reader:
        write_atomic(path, b"new", tmp_path / "scratch")
        assert reader.read() == b"old"


def test_the_temporary_file_is_outside_and_synced_before_the_rename(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(
        os, "fsync", lambda fd: (events.append(str(Path(f"/proc/self/fd/{fd}").readlink())), fsync(fd))[1]
    )
    monkeypatch.setattr(Path, "replace", lambda a, b: (events.append("rename"), replace(a, b))[1])
    (tmp_path / "table").mkdir()
    write_atomic(tmp_path / "table" / "file", b"x", tmp_path / "scratch")
    temporary, rename, table = events
    assert temporary.startswith(str(tmp_path / "scratch" / "file."))
    assert rename == "rename"
    assert table == str(tmp_path / "table")


def test_a_failed_write_leaves_the_old_file_and_one_line(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, b"old", tmp_path / "scratch")

    def full(fd):
        raise OSError(28, "whatever")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StudyFolderError) as caught:
        write_atomic(path, b"new", tmp_path / "scratch")
    assert str(caught.value) == f"{path}: cannot be written: no space left on device"
    assert path.read_bytes() == b"old"
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_file_in_the_way_is_one_line(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StudyFolderError, match=r"cannot be written: (not a directory|file exists)$"):
        write_atomic(tmp_path / "file" / "inside", b"x", tmp_path / "scratch")


def test_old_temporary_files_go_and_young_ones_stay(tmp_path):
    for name, age in (("old", 7200), ("young", 10)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    (tmp_path / "folder").mkdir()
    os.utime(tmp_path / "folder", (0, 0))
    clear_temporary(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "young"]
    clear_temporary(tmp_path / "absent")


def test_removing_a_link_does_not_follow_it(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "link")
    remove_tree(tmp_path / "link")
    assert (tmp_path / "kept" / "file").exists()
