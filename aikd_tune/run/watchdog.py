"""Ends a run whose local Ray has died: Tune itself would wait for ever."""

import os
import threading
from collections.abc import Callable

import psutil

POLL_S = 0.5
RAY_PROCESSES = frozenset({"gcs_server", "raylet"})


def local_ray_processes(address: str | None) -> list[psutil.Process]:
    """The servers that ``ray.init`` has started below this process; none when Ray runs at an address of its own."""
    if address is not None:
        return []
    children = psutil.Process().children(recursive=True)
    return [child for child in children if any(server in _name(child) for server in RAY_PROCESSES)]


class Watchdog(threading.Thread):
    """Calls ``on_death`` once and leaves the process with exit code 1 when one of ``processes`` is gone."""

    def __init__(self, processes: list[psutil.Process], on_death: Callable[[], None]) -> None:
        super().__init__(name="ray-watchdog", daemon=True)
        self._processes, self._on_death = processes, on_death
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look twice a second."""
        while not self._stopped.wait(POLL_S):
            if any(not _alive(process) for process in self._processes):
                try:
                    self._on_death()
                finally:
                    os._exit(1)  # the main thread hangs inside Ray: no exception can reach it

    def __enter__(self) -> "Watchdog":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopped.set()  # Ray is about to be shut down on purpose


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""
