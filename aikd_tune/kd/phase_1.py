"""Phase 1 of a trial: its teacher is found in the store, or made here and stored: trained, or read from a file."""

import socket
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from aikd_tune.kd.outcome import Logits, Row
from aikd_tune.kd.teacher import Get, Put, Teacher, TeacherLease, load_teacher, save_teacher
from aikd_tune.kd.training import Training

Given = Callable[[], tuple[dict[str, Tensor], Logits]]  # weights, and validation logits (n, K)


class PhaseOne:
    """Call ``advance`` until ``teacher`` is there.

    ``keeps_best``: the teacher is the network of the epoch with the lowest validation error (then NLL, then the first
    one), not of the last. ``given`` reads a trained network in place of training one.
    """

    def __init__(
        self,
        key: str,
        seed: int,
        make_training: Callable[[], Training],
        get: Get,
        put: Put,
        lease: TeacherLease,
        keeps_best: bool = False,
        given: Given | None = None,
    ) -> None:
        self.key = key
        self._seed, self._make_training, self._given = seed, make_training, given
        self._get, self._put, self._lease = get, put, lease
        self._keeps_best = keeps_best
        self._best: dict[str, Any] | None = None  # rank, network and val_logits of the best epoch so far
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
            if self._given is not None:
                network, val_logits = self._given()
                self._store(network, val_logits, diverged=False)
                return []
            self._training = self._make_training()
            if self._state is not None:
                self._training.load_state(self._state)
        training = self._training
        row = {"run_key": self.key, **training.run_epoch()}
        self.rows.append(row)
        self.trained_s += row["epoch_s"]
        self._lease.renew(self.key)
        if self._keeps_best and not training.diverged:
            self._compare(training, row)
        if training.finished:
            assert training.val_logits is not None
            best = None if training.diverged else self._best
            network = _copied(training) if best is None else best["network"]
            val_logits = training.val_logits if best is None else best["val_logits"].numpy()
            self._store(network, val_logits, training.diverged)
        return [row]

    def find(self) -> bool:
        """Whether the store holds the teacher; its rows then replace those of a training that was cut short."""
        self.teacher = load_teacher(self._get, self.key)
        if self.teacher is None:
            return False
        self.rows, self._state, self._best = self.teacher.epochs, None, None
        return True

    def _compare(self, training: Training, row: Row) -> None:
        rank = [row["val_error"], row["val_nll"]]
        if self._best is None or rank < self._best["rank"]:
            assert training.val_logits is not None
            val_logits = torch.from_numpy(training.val_logits)
            self._best = {"rank": rank, "network": _copied(training), "val_logits": val_logits}

    def _store(self, network: dict[str, Tensor], val_logits: Logits, diverged: bool) -> None:
        columns = {
            "teacher_key": self.key,
            "seed": self._seed,
            "train_s": sum(row["epoch_s"] for row in self.rows),
            "host": socket.gethostname(),
        }
        self.teacher = Teacher(self.key, network, val_logits, diverged, self.rows, columns)
        save_teacher(self._put, self.teacher)
        self._lease.release(self.key)
        self._training = self._state = self._best = None

    def state(self) -> dict[str, Any]:
        """For a checkpoint: a training that is under way, and the time spent."""
        return {
            "training": self._state if self._training is None else self._training.state(),
            "best": self._best,
            "rows": self.rows if self.teacher is None else [],
            "trained_s": self.trained_s,
            "waited_s": self.waited_s,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from ``state()``; a teacher that is stored by now makes the rest unnecessary."""
        self._state, self._best, self.rows = state["training"], state["best"], state["rows"]
        self.trained_s, self.waited_s = state["trained_s"], state["waited_s"]


def _copied(training: Training) -> dict[str, Tensor]:
    """The network's weights and statistics, apart from those that go on training."""
    return {name: tensor.detach().cpu().clone() for name, tensor in training.network.state_dict().items()}
