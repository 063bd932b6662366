"""A full disk: one clear line, readable tables, nothing confirmed is lost, and it goes on once there is space."""

import json
import subprocess

import pytest
from table_readers import READERS

from aikd_tune.store import StudyFolder, TableWriter, read_rows


def run(writers, folder, limit=None):
    """Write until an error; (number of confirmed trials, the error's text)."""
    process = writers.start("write_until_full", folder.path, limit)
    process.wait()
    confirmed, error = json.loads(process.counter.read_text())
    assert confirmed > 0
    assert error.startswith(str(folder.path))
    assert "\n" not in error
    return confirmed, error


def check(folder, confirmed):
    trials = read_rows(folder, "trials", ["trial"])
    assert confirmed <= len(trials) <= confirmed + 1
    for table in ("trials", "epochs", "predictions"):
        counts = {len(read(folder, table)) for read in READERS.values()}
        assert len(counts) == 1
    assert len(read_rows(folder, "epochs", ["epoch"])) >= confirmed * 20


def test_files_that_may_not_grow(writers, tmp_path):
    """A limit on the size of a file: some table's rewrite hits it first."""
    folder = StudyFolder(tmp_path / "digits")
    confirmed, error = run(writers, folder, 120_000)
    assert error.endswith(": cannot be written: file too large")
    check(folder, confirmed)
    TableWriter(folder).compact()
    check(folder, confirmed)


@pytest.fixture
def small_disk(tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    try:
        result = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount command here")
    if result.returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_disk_without_space(writers, small_disk):
    folder = StudyFolder(small_disk / "digits")
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 500_000)
    confirmed, error = run(writers, folder)
    assert error.endswith(": cannot be written: no space left on device")
    check(folder, confirmed)
    assert not [path for path in folder.scratch.iterdir() if path.is_file()]
    ballast.unlink()
    tables = TableWriter(folder)
    tables.compact()
    check(folder, confirmed)
