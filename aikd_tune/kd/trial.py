"""One trial: phase 1 if its teacher does not exist yet, then the student, epoch by epoch; it can stop and go on."""

import io
import math
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from aikd_tune import __version__
from aikd_tune.kd.checkpoint import read_checkpoint, write_checkpoint
from aikd_tune.kd.compilation import compile_network
from aikd_tune.kd.device import device_kind, peak_memory_gib, prepare, to_device
from aikd_tune.kd.forward import Forward
from aikd_tune.kd.given_teacher import load_weights, read_weights
from aikd_tune.kd.networks import build, num_parameters
from aikd_tune.kd.outcome import Logits, Outcome, Predicted, Predictions, Row
from aikd_tune.kd.phase_1 import PhaseOne
from aikd_tune.kd.placed import PlacedImages, place
from aikd_tune.kd.randomness import seeded
from aikd_tune.kd.teacher import AloneLease, Get, Put, TableCache, TeacherLease, TeacherTables, tables_fit
from aikd_tune.kd.training import Phase, Training
from aikd_tune.spec.activity import needs_teacher, teacher_train
from aikd_tune.spec.defaults import fill
from aikd_tune.spec.fields import Setting, Train
from aikd_tune.spec.identity import identified
from aikd_tune.spec.keys import teacher_key, trial_key, views_key

_TABLES_BYTES = 256 * 1024**2


class TrialRun:
    """A setting with one seed, in process. ``get`` and ``put`` read and write named bytes of the teachers' store."""

    def __init__(
        self,
        setting: Setting,
        seed: int,
        *,
        get: Get,
        put: Put,
        train_on: str = "train",
        device: str = "cpu",
        threads: int = 1,
        lease: TeacherLease | None = None,
        cache_gib: float = 4.0,
        tables_cache: TableCache | None = None,
        open_test: bool = False,
    ) -> None:
        prepare(device, threads)
        self._setting = setting = identified(fill(setting))
        self._seed, self._device, self._threads = seed, device, threads
        self._get, self._put = get, put
        self._cache = TableCache(_TABLES_BYTES) if tables_cache is None else tables_cache
        self._cache_gib, self._open_test = cache_gib, open_test
        self._images: PlacedImages = place(setting.data, train_on, device)
        fingerprint = self._images.facts.fingerprint
        self.trial_key = trial_key(setting, seed, fingerprint, train_on)
        self._views_key = views_key(setting, seed, fingerprint, train_on)
        self.teacher_key: str | None = None
        self._phase_1: PhaseOne | None = None
        if needs_teacher(setting):
            kind = device_kind(device)
            key = teacher_key(setting, seed, fingerprint, train_on, threads=threads, device_kind=kind)
            self.teacher_key = key
            self._phase_1 = PhaseOne(
                key,
                seed,
                lambda: self._training("teacher", None),
                get,
                put,
                lease or AloneLease(),
                keeps_best=setting.teacher.checkpoint == "best",
                given=None if setting.teacher.file is None else self._given_teacher,
            )
        self._tables: TeacherTables | None = None
        self._student: Training | None = None
        self._student_state: dict[str, Any] | None = None  # of a checkpoint, until the student goes on
        self.restored = False
        self._rows: list[Row] = []
        self._unreported: list[Row] = []  # rows of a checkpoint, which the tables may not hold yet
        self._test: tuple[Predicted, Predicted | None] | None = None
        self.forwards: Counter[str] = Counter()  # images forwarded by purpose; phase 1's begin with teacher/

    @property
    def epoch(self) -> int:
        """Student epochs done."""
        return len(self._rows)

    @property
    def in_phase_1(self) -> bool:
        """Whether the teacher is still missing."""
        return self._phase_1 is not None and self._phase_1.teacher is None

    @property
    def diverged(self) -> bool:
        """Whether a loss or validation NLL, of either phase, was not finite; the trial has then ended."""
        if self._student is not None:
            return self._student.diverged
        teacher = None if self._phase_1 is None else self._phase_1.teacher
        return teacher is not None and teacher.diverged

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do: all epochs are done, or the trial diverged."""
        return self.diverged or self.epoch >= self._setting.train.epochs

    def value(self, metric: str) -> float:
        """A validation metric, such as ``val_error``, after the last student epoch; nan before the first."""
        value = self._rows[-1][metric] if self._rows else None
        return math.nan if value is None else float(value)

    def advance(
        self,
        until_epoch: int | None = None,
        seconds: float | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> list[Row]:
        """Train at least one epoch, of either phase; rows of the ``epochs`` table without ``study`` and ``trial``.

        Ends when ``until_epoch`` student epochs are done, or after the epoch in which ``seconds`` are over or ``stop``
        says so. A teacher that is found gives its rows too, whoever trained it, and a restored trial those of its
        checkpoint: the tables keep the first of equal rows.
        """
        started = time.monotonic()
        rows, self._unreported = self._unreported, []
        until = self._setting.train.epochs if until_epoch is None else until_epoch
        while not self.finished and self.epoch < until:
            rows += self._epoch()
            if (seconds is not None and time.monotonic() - started >= seconds) or (stop is not None and stop()):
                break
        return [dict(row) for row in rows]

    def _epoch(self) -> list[Row]:
        if self._phase_1 is not None and self._phase_1.teacher is None:
            return self._phase_1.advance()
        row = {"run_key": self.trial_key, **self._started_student().run_epoch()}
        self._rows.append(row)
        return [row]

    def _started_student(self) -> Training:
        if self._student is None:
            self._tables = self._teacher_tables()
            self._student = self._training("student", self._tables)
            if self._student_state is not None:
                self._student.load_state(self._student_state)
                self._student_state = None
        return self._student

    def _teacher_tables(self) -> TeacherTables | None:
        teacher = None if self._phase_1 is None else self._phase_1.teacher
        if teacher is None:
            return None
        num_outputs, make_forward = self._images.facts.num_classes, self._teacher_forward
        if self._critic_sees_features:
            forward = make_forward()
            num_outputs, make_forward = num_outputs + forward.num_features, lambda: forward
        return TeacherTables(
            teacher,
            make_forward,
            self._views_key,
            self._device,
            get=self._get,
            put=self._put,
            cache=self._cache,
            forwards=self.forwards,
            stored=tables_fit(self._setting.train.epochs, len(self._images), num_outputs, self._cache_gib),
            with_features=self._critic_sees_features,
            compiled=self._teacher_train.compile,
        )

    @property
    def _critic_sees_features(self) -> bool:
        term = self._setting.distill.adversarial
        return self._setting.distill.method == "aikd" and term.weight > 0 and term.input == "features"

    @property
    def _teacher_train(self) -> Train:
        return Train() if self._setting.teacher.file is not None else teacher_train(self._setting)

    def _teacher_forward(self) -> Forward:
        """A network for the teacher's weights, in the arithmetic of phase 1; one from a file computes in float32."""
        train = self._teacher_train
        with seeded(self._seed, "teacher/build"):  # its first weights are replaced, and disturb nobody's draws
            network = build(self._setting.model, self._images.input_shape, self._images.facts.num_classes)
        network = to_device(network, self._device, train.channels_last)
        if train.compile:
            compile_network(network)
        return Forward(network, train.precision, self._device, self._critic_sees_features)

    def _given_teacher(self) -> tuple[dict[str, Tensor], Logits]:
        """Weights and validation logits of ``teacher.file``."""
        path = self._setting.teacher.file
        assert path is not None
        forward = self._teacher_forward()
        load_weights(forward.network, read_weights(path, self._setting.teacher.sha256), path)
        self.forwards["teacher/evaluation"] += len(self._images.val.images)
        logits = forward.predict(self._images.val.images).logits.cpu().numpy()
        return {name: tensor.cpu() for name, tensor in forward.network.state_dict().items()}, logits

    def _training(self, phase: Phase, tables: TeacherTables | None) -> Training:
        return Training(self._setting, self._seed, self._images, self._device, phase, tables, self.forwards)

    def student_weights(self) -> bytes:
        """The student's state dict as torch.save writes it, on the CPU."""
        buffer = io.BytesIO()
        weights = {name: tensor.cpu() for name, tensor in self._started_student().network.state_dict().items()}
        torch.save(weights, buffer)
        return buffer.getvalue()

    def teacher_row(self) -> Row | None:
        """The row of the ``teachers`` table, once the teacher exists; with test metrics once test is open."""
        teacher = None if self._phase_1 is None else self._phase_1.teacher
        return None if teacher is None else teacher.columns | self._predictions().teacher_columns()

    def outcome(self) -> Outcome:
        """Columns, bins and predictions as of the last epoch; opens test if the trial may see it and has finished."""
        student, phase_1 = self._student, self._phase_1
        errors = [(row["val_error"], row["epoch"]) for row in self._rows if math.isfinite(row["val_error"])]
        columns: Row = {
            "teacher_key": self.teacher_key,
            "epochs_run": self.epoch,
            "best_epoch": min(errors)[1] if errors else None,
            "train_s": sum(row["epoch_s"] for row in self._rows) + (0.0 if phase_1 is None else phase_1.trained_s),
            "wait_s": 0.0 if phase_1 is None else phase_1.waited_s,
            "peak_memory_gib": peak_memory_gib(self._device),
            "threads": self._threads,
            "host": socket.gethostname(),
            "device": device_kind(self._device),
            "software": f"aikd-tune {__version__}, torch {torch.__version__}",
        }
        if student is not None:
            columns["num_parameters"] = num_parameters(student.network)
            columns["critic_untrained"] = student.critic_untrained
            columns["discriminator_parameters"] = None if student.critic is None else student.critic.num_parameters
        return self._predictions().outcome(columns, self.trial_key, self.teacher_key)

    def _predictions(self) -> Predictions:
        """Both networks on validation; on test too after the last epoch of a trial that may see it."""
        val, student = self._images.val, self._student
        teacher = None if self._phase_1 is None else self._phase_1.teacher
        found = Predictions(
            val=None if student is None or student.val_logits is None else Predicted.on("val", student.val_logits, val),
            teacher_val=None if teacher is None else Predicted.on("val", teacher.val_logits, val),
        )
        if not self._open_test or not self.finished or student is None:
            return found
        if self._test is None:
            test, tables = self._images.test(), self._tables
            self._test = (
                Predicted.on("test", student.predict(test.images), test),
                None
                if tables is None
                else Predicted.on("test", tables.predict(test.images).logits.cpu().numpy(), test),
            )
        return replace(found, test=self._test[0], teacher_test=self._test[1])

    @property
    def _identity(self) -> str:
        """What a checkpoint must agree in: epochs of other threads or another kind of device would be mixed else."""
        return f"{self.trial_key} {self._threads} {device_kind(self._device)}"

    def checkpoint(self) -> bytes:
        """Everything that the rest of the trial depends on, and all rows so far."""
        return write_checkpoint(
            self._identity,
            {
                "phase_1": None if self._phase_1 is None else self._phase_1.state(),
                "student": self._student_state if self._student is None else self._student.state(),
                "rows": self._rows,
                "forwards": dict(self.forwards),
            },
        )

    def restore(self, data: bytes) -> None:
        """Go on from a checkpoint of this trial, bit for bit; the next ``advance`` gives the rows in it again.

        Comes before the first epoch. Raises CheckpointError, and changes nothing, if the bytes are damaged or of
        another trial.
        """
        assert not self._rows, "restore comes before the first epoch"
        state = read_checkpoint(self._identity, data)
        self._rows, self._student_state, self.restored = state["rows"], state["student"], True
        self.forwards.update(state["forwards"])
        self._unreported = list(self._rows)
        if self._phase_1 is not None:
            self._phase_1.load_state(state["phase_1"])
            if state["phase_1"]["training"] is None:  # not begun, or over
                self._phase_1.find()
            self._unreported = [*self._phase_1.rows, *self._rows]
        if self._student_state is not None and not self.in_phase_1:
            self._started_student()
