"""The one actor of a run: who trains which teacher, and whether the run is being drained."""

import time
from typing import Any, Literal

import ray
from ray.exceptions import RayActorError

POLL_S = 0.05
NAME = "aikd-tune-coordinator"


class Holder:
    """A trial that trains a teacher, and whether its worker lives: it answers a call between two steps, or never."""

    def __init__(self, trial: str, worker: Any) -> None:
        self.trial, self._worker = trial, worker
        self._probe = worker.__ray_ready__.remote()

    def is_alive(self) -> bool:
        """False once Ray says that the worker is gone."""
        answered, _ = ray.wait([self._probe], timeout=0)
        if answered:
            try:
                ray.get(self._probe)
            except RayActorError:
                return False
            self._probe = self._worker.__ray_ready__.remote()
        return True


class Coordinator:
    """Grants each teacher key to one worker at a time, and takes it back from a worker that died."""

    def __init__(self) -> None:
        self._holders: dict[str, Holder] = {}
        self._trained: set[str] = set()
        self._workers: list[Any] = []
        self._draining = False

    def register(self, worker: Any) -> bool:
        """Remember a worker; true when the run is already being drained."""
        self._workers.append(worker)
        return self._draining

    def drain(self) -> None:
        """Ask every worker to checkpoint and leave after the step it is in."""
        self._draining = True
        for worker in self._workers:
            worker.ask_drain.remote()

    def claim(self, key: str, holder: str, worker: Any) -> Literal["train", "wait", "ready", "drain"]:
        """Whether ``holder`` (a trial key) trains the teacher now, waits for another, or finds it trained.

        A retried trial gets its own claim again. A holder whose worker has died loses it: the probe is a call that the
        worker answers between two steps, and that Ray fails at once when the worker is gone.
        """
        if key in self._trained:
            return "ready"
        if self._draining:
            return "drain"
        held = self._holders.get(key)
        if held is not None and held.trial != holder and held.is_alive():
            return "wait"
        self._holders[key] = Holder(holder, worker)
        return "train"

    def trained(self, key: str) -> None:
        """The teacher is stored: it is ready for everyone from now on."""
        self._trained.add(key)
        self._holders.pop(key, None)

    def forget(self, holder: str) -> None:
        """Take back what ``holder`` has claimed and not trained (it failed, diverged or was interrupted)."""
        self._holders = {key: held for key, held in self._holders.items() if held.trial != holder}


class Draining(Exception):  # noqa: N818 - a request, not an error
    """The run is being drained while this worker waits for a teacher."""


class ClusterLease:
    """A worker's side of the claims, for ``TrialRun``."""

    def __init__(self, coordinator: Any, worker: Any, holder: str) -> None:
        self._coordinator, self._worker, self._holder = coordinator, worker, holder

    def acquire(self, key: str) -> bool:
        """True: train it now; False: it has been trained. Blocks while another worker trains it."""
        while True:
            answer = ray.get(self._coordinator.claim.remote(key, self._holder, self._worker))
            if answer == "drain":
                raise Draining
            if answer != "wait":
                return bool(answer == "train")
            time.sleep(POLL_S)

    def release(self, key: str) -> None:
        """The teacher is trained and stored."""
        ray.get(self._coordinator.trained.remote(key))

    def forget(self) -> None:
        """This trial has ended before its teacher was trained; another may try."""
        ray.get(self._coordinator.forget.remote(self._holder))

    def renew(self, key: str) -> None:
        """Nothing to do: the coordinator sees whether this worker is alive."""
