"""One writer a study, also when the one before was killed."""

import multiprocessing
import os
import socket
import time

import pytest

from aikd_tune.errors import StudyFolderError
from aikd_tune.store import StudyFolder, StudyLock, holder


def hold(path, ready):
    StudyLock(StudyFolder(path)).acquire()
    ready.set()
    time.sleep(60)


def test_second_holder_is_refused_with_host_and_pid_and_a_kill_frees_the_lock(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=hold, args=(str(tmp_path), ready), daemon=True)
    process.start()
    try:
        assert ready.wait(30)
        with pytest.raises(StudyFolderError) as caught:
            StudyLock(StudyFolder(tmp_path)).acquire()
        message = str(caught.value)
        assert message.startswith(f"{tmp_path}: another run of this study is going on")
        assert f"on host {socket.gethostname()}, pid {process.pid}" in message
        assert "\n" not in message
        assert holder(StudyFolder(tmp_path))["pid"] == process.pid
    finally:
        process.kill()
        process.join()
    with StudyLock(StudyFolder(tmp_path)):
        assert holder(StudyFolder(tmp_path))["pid"] == os.getpid()
    assert holder(StudyFolder(tmp_path)) is None


def test_two_in_one_process_exclude_each_other(tmp_path):
    folder = StudyFolder(tmp_path / "new")
    with StudyLock(folder), pytest.raises(StudyFolderError, match=f"pid {os.getpid()}"):
        StudyLock(folder).acquire()
    with StudyLock(folder):
        pass


def test_somebody_who_looks_at_the_moment_does_not_refuse_a_run(tmp_path, monkeypatch):
    """``holder`` takes a shared lock for an instant; ``acquire`` waits longer than that."""
    import fcntl
    import threading

    folder = StudyFolder(tmp_path)
    with StudyLock(folder):
        pass
    descriptor = os.open(folder.lock_file, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    timer = threading.Timer(0.1, os.close, (descriptor,))
    timer.start()
    with StudyLock(folder):
        pass
    timer.join()


def test_a_lock_without_content_is_refused_too(tmp_path):
    folder = StudyFolder(tmp_path)
    with StudyLock(folder):
        os.truncate(folder.lock_file, 0)
        with pytest.raises(StudyFolderError, match=r"another run of this study is going on \(elsewhere\)"):
            StudyLock(folder).acquire()
        assert holder(folder) == {}


def test_no_study_no_holder(tmp_path):
    assert holder(StudyFolder(tmp_path / "absent")) is None
