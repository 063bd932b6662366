"""Phase 1 of a trial: its teacher is found in the store, or trained here epoch by epoch and stored."""

import socket
import time
from collections.abc import Callable
from typing import Any

from aikd_tune.kd.outcome import Row
from aikd_tune.kd.teacher import Get, Put, Teacher, TeacherLease, load_teacher, save_teacher
from aikd_tune.kd.training import Training


class PhaseOne:
    """Call ``advance`` until ``teacher`` is there."""

    def __init__(
        self, key: str, seed: int, make_training: Callable[[], Training], get: Get, put: Put, lease: TeacherLease
    ) -> None:
        self.key = key
        self._seed, self._make_training = seed, make_training
        self._get, self._put, self._lease = get, put, lease
        self._training: Training | None = None
        self._state: dict[str, Any] | None = None  # of a checkpoint, until training goes on
        self.teacher: Teacher | None = None
        self.rows: list[Row] = []  # of the ``epochs`` table, under the teacher's key
        self.trained_s = 0.0  # training done for this trial
        self.waited_s = 0.0  # for another trial that trains the same teacher

    def advance(self) -> list[Row]:
        """Find the teacher, or train it for one epoch; the rows that this adds."""
        if self._training is None:
            if self.find():
                return self.rows
            waited_from = time.monotonic()
            ours = self._lease.acquire(self.key)
            self.waited_s += time.monotonic() - waited_from
            if self.find():
                if ours:
                    self._lease.release(self.key)
                return self.rows
            # Not ours and yet not there: what is stored is damaged. Training it again writes the same weights.
            self._training = self._make_training()
            if self._state is not None:
                self._training.load_state(self._state)
        row = {"run_key": self.key, **self._training.run_epoch()}
        self.rows.append(row)
        self.trained_s += row["epoch_s"]
        self._lease.renew(self.key)
        if self._training.finished:
            self._store(self._training)
        return [row]

    def find(self) -> bool:
        """Whether the store holds the teacher; its rows then replace those of a training that was cut short."""
        self.teacher = load_teacher(self._get, self.key)
        if self.teacher is None:
            return False
        self.rows, self._state = self.teacher.epochs, None
        return True

    def _store(self, training: Training) -> None:
        assert training.val_logits is not None
        columns = {
            "teacher_key": self.key,
            "seed": self._seed,
            "train_s": sum(row["epoch_s"] for row in self.rows),
            "host": socket.gethostname(),
        }
        network = {name: tensor.cpu() for name, tensor in training.network.state_dict().items()}
        self.teacher = Teacher(self.key, network, training.val_logits, training.diverged, self.rows, columns)
        save_teacher(self._put, self.teacher)
        self._lease.release(self.key)
        self._training = self._state = None

    def state(self) -> dict[str, Any]:
        """For a checkpoint: a training that is under way, and the time spent."""
        return {
            "training": self._state if self._training is None else self._training.state(),
            "rows": self.rows if self.teacher is None else [],
            "trained_s": self.trained_s,
            "waited_s": self.waited_s,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from ``state()``; a teacher that is stored by now makes the rest unnecessary."""
        self._state, self.rows = state["training"], state["rows"]
        self.trained_s, self.waited_s = state["trained_s"], state["waited_s"]
