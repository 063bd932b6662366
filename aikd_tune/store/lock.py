"""One writing process a study: an flock, which the kernel frees when its holder dies, however it dies."""

import fcntl
import json
import os
import socket
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from aikd_tune.errors import StudyFolderError
from aikd_tune.store.files import make_folder, one_line_errors
from aikd_tune.store.folder import StudyFolder

_PATIENCE_S = 0.3
"""Longer than a dead holder keeps the lock (0.02 s), and than ``holder`` looks at it."""


class StudyLock:
    """The right to write a study's folder, held from ``acquire`` to ``release`` or as a context.

    Host and process in the file are for messages alone; the lock is the kernel's.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock; raises StudyFolderError naming the holder's host and pid."""
        assert self._descriptor is None, "held already"
        make_folder(self._folder.path)
        with one_line_errors(self._folder.lock_file, "cannot be locked"):
            descriptor = os.open(self._folder.lock_file, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                self._wait(descriptor)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps(_self()).encode(), 0)
            except BaseException:
                os.close(descriptor)
                raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; the file stays (removing it would let two processes lock two files of one name)."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> "StudyLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _wait(self, descriptor: int) -> None:
        give_up_at = time.monotonic() + _PATIENCE_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > give_up_at:
                    raise StudyFolderError(f"{self._folder.path}: {_described(_content(descriptor))}") from None
                time.sleep(0.02)
            else:
                return


def holder(folder: StudyFolder) -> dict[str, Any] | None:
    """Who is running the study now (host, pid, since), or None; disturbs nobody."""
    if not folder.lock_file.exists():
        return None
    with one_line_errors(folder.lock_file, "cannot be read"):
        descriptor = os.open(folder.lock_file, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _content(descriptor)
    finally:
        os.close(descriptor)
    return None


def _self() -> dict[str, Any]:
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}


def _content(descriptor: int) -> dict[str, Any]:
    try:
        content = json.loads(os.pread(descriptor, 4096, 0))
        return {name: content[name] for name in ("host", "pid", "since")}
    except (ValueError, KeyError, TypeError):
        return {}  # the holder has it since a moment ago and has not written yet


def _described(content: dict[str, Any]) -> str:
    who = f"on host {content['host']}, pid {content['pid']}, since {content['since']}" if content else "elsewhere"
    return f"another run of this study is going on ({who}); wait for it to end or stop it"
