"""Writing processes that tests start, watch and kill."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PATIENCE_S = 30.0


class WriterProcess:
    """A process that writes tables; see ``kill_writer.py``."""

    def __init__(self, pid: int, counter: Path) -> None:
        self.pid, self.counter = pid, counter

    @property
    def confirmed(self) -> int:
        """How many trials ``flush`` has confirmed."""
        return int(self.counter.read_text())

    def alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def wait(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while self.alive():
            assert time.monotonic() < end, "the writer does not end"
            time.sleep(0.002)

    def kill(self) -> None:
        if self.alive():
            os.kill(self.pid, signal.SIGKILL)
            self.wait()


class Writers:
    """Starts writers by forking a process that has imported everything."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, itertools.count()
        script = Path(__file__).with_name("kill_writer.py")
        self._server = subprocess.Popen(
            [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._started: list[WriterProcess] = []

    def start(self, function: str, path: Path, argument: int | None) -> WriterProcess:
        counter = self._folder / str(next(self._numbers))
        counter.write_text(f"{argument or 0:08d}")
        self._server.stdin.write(json.dumps([function, str(path), str(counter), argument]) + "\n")
        self._server.stdin.flush()
        process = WriterProcess(int(self._server.stdout.readline()), counter)
        self._started.append(process)
        return process

    def close(self) -> None:
        for process in self._started:
            process.kill()
        self._server.stdin.close()
        self._server.wait(PATIENCE_S)
        self._server.stdout.close()


@pytest.fixture(scope="session")
def writers(tmp_path_factory) -> Iterator[Writers]:
    writers = Writers(tmp_path_factory.mktemp("counters"))
    yield writers
    writers.close()
