"""One network through its epochs: phase 1 (the teacher, plain cross-entropy) or phase 2 (the student)."""

import math
import time
from collections import Counter
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aikd_tune.kd.batchnorm import batches, needs_recalibration, predict, recalibrate
from aikd_tune.kd.critic_check import NUM_INITIAL, critic_untrained
from aikd_tune.kd.device import to_device
from aikd_tune.kd.discriminator import Discriminator
from aikd_tune.kd.metrics import agreement, evaluate
from aikd_tune.kd.networks import batch_norms, build
from aikd_tune.kd.placed import PlacedImages
from aikd_tune.kd.ramps import Weights, learning_rate, weights_in_force
from aikd_tune.kd.randomness import generator, seeded
from aikd_tune.kd.sgd import FlatSGD
from aikd_tune.kd.step import Batch, StepRecord, Terms, step
from aikd_tune.kd.teacher import TeacherTables
from aikd_tune.spec.activity import (
    previous_temperature,
    student_train,
    teacher_temperature,
    teacher_train,
)
from aikd_tune.spec.fields import Setting, Train

Phase = Literal["teacher", "student"]
Logits = NDArray[np.float32]  # (n, K)
_PHASE_1 = Weights(ce=1.0, teacher=0.0, previous=0.0, adversarial=0.0)
_TERMS = ("loss", "loss_ce", "loss_teacher", "loss_previous", "loss_adversarial", "loss_discriminator", "critic_gap")


class Training:
    """A network, its optimiser and its critic; ``run_epoch`` trains, recalibrates and evaluates once."""

    def __init__(
        self,
        setting: Setting,
        seed: int,
        images: PlacedImages,
        device: str,
        phase: Phase,
        teacher: TeacherTables | None,
        forwards: Counter[str],
    ) -> None:
        distill = setting.distill
        student = phase == "student"
        self._setting, self._seed, self._images, self._device, self._phase = setting, seed, images, device, phase
        self._teacher, self.forwards = teacher, forwards
        self._prefix = "" if student else "teacher/"
        self._aikd = student and distill.method == "aikd"
        self.train: Train = student_train(setting) if student else teacher_train(setting)
        self._terms = Terms(
            label_smoothing=self.train.label_smoothing,
            teacher_temperature=teacher_temperature(setting),
            previous_temperature=previous_temperature(setting),
        )
        facts = images.facts
        with seeded(seed, self._prefix + "init"):
            self.network = to_device(build(setting.model, facts.image_shape[0], facts.num_classes), device)
        self._norms = batch_norms(self.network)
        self._optimizer = FlatSGD(self.network, self.train)
        self.critic: Discriminator | None = None
        if self._aikd and distill.adversarial.weight > 0:
            self.critic = self._initial_critic(0)
        self._initial_critics: list[Discriminator] | None = None  # to compare with, until it has learned
        self._batches = batches(len(images), self.train.batch_size)
        self._table: Tensor | None = None  # (n, K) log-probabilities of each image's last step, for PS-KD's previous
        self.epoch = 0
        self.diverged = False
        self.val_logits: Logits | None = None  # (num_val, K) after the last epoch
        self.critic_untrained: bool | None = None  # whether it stayed so in every epoch; None: never in force

    @property
    def finished(self) -> bool:
        """Whether no epoch is left, or none makes sense."""
        return self.diverged or self.epoch >= self.train.epochs

    def run_epoch(self) -> dict[str, Any]:
        """Train one epoch and evaluate; a row of the ``epochs`` table without the study's columns.

        A loss or validation NLL that is not finite sets ``diverged`` and ends the training.
        """
        started = time.perf_counter()
        self.epoch += 1
        weights = self._weights()
        views = self._images.views(self._setting.data.views, generator(self._seed, self._prefix + "views", self.epoch))
        order = torch.randperm(len(views), generator=generator(self._seed, self._prefix + "order", self.epoch)).to(
            self._device
        )
        rows = self._rows(views, order, weights)
        rate = learning_rate(self.train, self.epoch)
        records = self._steps(views, order, rows, weights, rate)
        logits = torch.cat([record.logits for record in records])  # in the order of the steps, like ``rows``
        if needs_recalibration(len(self._batches)):
            self._count("recalibration", recalibrate(self.network, self._norms, views))
        if self._aikd and self._setting.distill.previous.source == "table":
            self._table = torch.empty_like(logits).index_copy_(0, order, logits.log_softmax(1))
        if weights.adversarial > 0:
            self._check_critic(rows.teacher, logits)
        means, validation = self._means(records), self._validate()
        self.diverged = not (math.isfinite(means["loss"]) and math.isfinite(validation["val_nll"]))
        elapsed = time.perf_counter() - started
        return {
            "phase": self._phase,
            "seed": self._seed,
            "epoch": self.epoch,
            "lr": rate,
            **means,
            "train_error_augmented": 100.0 * float((logits.argmax(1) != rows.labels).double().mean()),
            **self._weight_columns(weights),
            **validation,
            "epoch_s": elapsed,
            "images_per_s": len(views) / elapsed,
        }

    def _weights(self) -> Weights:
        if self._phase == "teacher":
            return _PHASE_1
        return weights_in_force(self._setting.distill, self.epoch, self.train.epochs)

    def _rows(self, views: Tensor, order: Tensor, weights: Weights) -> Batch:
        """All that the steps of the epoch need beside the views (n, C, H, W), in their order."""
        teacher = previous = mix = None
        if weights.teacher > 0 or weights.adversarial > 0:
            assert self._teacher is not None
            teacher = self._teacher(self.epoch, views)[order]
        if weights.previous > 0:
            previous = self._previous(views)[order]
        if weights.adversarial > 0:
            shape = (self._setting.distill.adversarial.critic_steps, len(views), 1)
            mix = torch.rand(shape, generator=generator(self._seed, "critic", self.epoch)).to(self._device)
        return Batch(self._images.labels[order], teacher, previous, mix)

    def _previous(self, views: Tensor) -> Tensor:
        """The previous student's logits (n, K) on the views, or the table of its last predictions."""
        if self._table is not None:
            return self._table
        # Nothing has been trained since the end of the previous epoch: this network still is the previous student.
        self._count("previous", len(views))
        return predict(self.network, views)

    def _steps(
        self, views: Tensor, order: Tensor, rows: Batch, weights: Weights, learning_rate: float
    ) -> list[StepRecord]:
        self.network.train()
        self._count("train", len(views))
        return [
            step(
                self.network,
                self._optimizer,
                learning_rate,
                self.critic,
                views[order[start:end]],
                rows.rows(start, end),
                weights,
                self._terms,
            )
            for start, end in self._batches
        ]

    def _means(self, records: list[StepRecord]) -> dict[str, Any]:
        """Epoch means, read from the device at once: over images, but for the gradient's norm over steps."""
        names = list(records[0].scalars)
        table = torch.stack([torch.stack(list(record.scalars.values())) for record in records]).cpu().double()
        sizes = torch.tensor([end - start for start, end in self._batches], dtype=torch.float64)
        means = dict(zip(names, (sizes @ table / sizes.sum()).tolist(), strict=True))
        means["grad_norm"] = float(table[:, names.index("grad_norm")].mean())
        return dict.fromkeys(_TERMS) | means

    def _weight_columns(self, weights: Weights) -> dict[str, float | None]:
        distill = self._setting.distill
        return {
            "weight_ce": weights.ce,
            "weight_teacher": weights.teacher if self._aikd and distill.teacher.weight > 0 else None,
            "weight_previous": weights.previous if self._aikd and distill.previous.weight > 0 else None,
            "weight_adversarial": weights.adversarial if self._aikd and distill.adversarial.weight > 0 else None,
        }

    def _validate(self) -> dict[str, Any]:
        val = self._images.val
        self.val_logits = logits = self.predict(val.images)
        columns = {f"val_{name}": value for name, value in evaluate(logits, val.labels).items()}
        teacher = self._teacher
        columns["val_teacher_agreement"] = None if teacher is None else agreement(logits, teacher.val_logits)
        return columns

    def predict(self, images: Tensor) -> Logits:
        """Logits (n, K) of the network as it is evaluated, for normalised images (n, C, H, W)."""
        self._count("evaluation", len(images))
        logits: Logits = predict(self.network, images).cpu().numpy()
        return logits

    def _check_critic(self, teacher: Tensor | None, student: Tensor) -> None:
        """Look at the critic after an epoch, on its logits (n, K); one epoch in which it has learned is enough."""
        if self.critic_untrained is False:
            return
        assert self.critic is not None
        assert teacher is not None
        if self._initial_critics is None:
            self._initial_critics = [self._initial_critic(number) for number in range(NUM_INITIAL)]
        self.critic_untrained = critic_untrained(self.critic, self._initial_critics, teacher, student)

    def _initial_critic(self, number: int) -> Discriminator:
        """A critic at its start; number 0 is the one that is trained."""
        term = self._setting.distill.adversarial
        draws = generator(self._seed, "critic-init", number)
        return Discriminator(self._images.facts.num_classes, term.hidden, term, draws, self._device)

    def _count(self, purpose: str, num_images: int) -> None:
        self.forwards[self._prefix + purpose] += num_images

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on, as tensors and plain values."""
        return {
            "epoch": self.epoch,
            "diverged": self.diverged,
            "network": self.network.state_dict(),
            "velocity": self._optimizer.state(),
            "critic": None if self.critic is None else self.critic.state(),
            "table": self._table,
            "val_logits": None if self.val_logits is None else torch.from_numpy(self.val_logits),
            "critic_untrained": self.critic_untrained,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from ``state()``: the following epochs are those of a training that was never stopped."""
        self.epoch, self.diverged = state["epoch"], state["diverged"]
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state(state["velocity"])
        if self.critic is not None:
            self.critic.load_state(state["critic"])
        self._table = None if state["table"] is None else state["table"].to(self._device)
        self.val_logits = None if state["val_logits"] is None else state["val_logits"].numpy()
        self.critic_untrained = state["critic_untrained"]
