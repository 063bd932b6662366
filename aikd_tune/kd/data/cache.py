"""Decoded image sets, once per machine: folders that appear whole or not at all.

An entry is written under another name by the one process that holds its lock, synced, and renamed. Whoever finds the
final name can read it without a lock; what a killed process left is cleared by the next one that holds the lock.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aikd_tune.errors import DataError

CACHE_VARIABLE = "AIKD_TUNE_CACHE"
_GIB = 2**30


def cache_folder() -> Path:
    """Where decoded sets are kept: AIKD_TUNE_CACHE, or aikd-tune in the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "aikd-tune"


def cached_folder(name: str, write: Callable[[Path], None]) -> Path:
    """The cache's folder ``name``; where it is missing, ``write`` fills it, in one process at a time.

    A DataError of ``write`` leaves nothing behind; a cache that cannot be written is a DataError too.
    """
    folder = cache_folder() / name
    if not folder.is_dir():
        with locked(name):
            if not folder.is_dir():
                _write_whole(folder, write)
    return folder


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the cache's lock ``name``, which one process has at a time; what fails to be written is a DataError."""
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        # The lock file stays: removing it would let two processes hold locks on two files of one name.
        with (cache_folder() / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise DataError(
            f"{cache_folder()}: decoded images must be writable here (set {CACHE_VARIABLE} to choose another folder), "
            f"found: {error.strerror or error}"
        ) from error


def check_space(folder: Path, num_bytes: int) -> None:
    """Raise DataError where the disk of ``folder``, a folder of the cache, has not so many bytes left."""
    free = shutil.disk_usage(folder).free
    if free < num_bytes:
        raise DataError(
            f"{cache_folder()}: decoding needs {num_bytes / _GIB:.1f} GiB of disk (set {CACHE_VARIABLE} to choose "
            f"another folder), found {free / _GIB:.1f} GiB free"
        )


def _write_whole(folder: Path, write: Callable[[Path], None]) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        write(partial)
        for path in [*partial.iterdir(), partial]:
            _sync(path)
        partial.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
