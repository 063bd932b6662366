"""One network through its epochs: phase 1 (the teacher, plain cross-entropy) or phase 2 (the student)."""

import math
import time
from collections import Counter
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aikd_tune.kd.batchnorm import batches, needs_recalibration, recalibrate
from aikd_tune.kd.compilation import compile_network
from aikd_tune.kd.critic_check import MOST_IMAGES, NUM_INITIAL, critic_untrained
from aikd_tune.kd.critic_inputs import critic_input, num_inputs
from aikd_tune.kd.data.views import EpochViews, ImageSource
from aikd_tune.kd.device import to_device
from aikd_tune.kd.discriminator import Discriminator
from aikd_tune.kd.forward import Forward
from aikd_tune.kd.metrics import agreement, evaluate, teacher_kl
from aikd_tune.kd.networks import batch_norms, build
from aikd_tune.kd.optimizer import make_optimizer
from aikd_tune.kd.placed import PlacedImages
from aikd_tune.kd.precision import LossScale
from aikd_tune.kd.ramps import Weights, weights_in_force
from aikd_tune.kd.randomness import generator, seeded
from aikd_tune.kd.schedule import learning_rates
from aikd_tune.kd.step import Batch, Learner, StepRecord, Terms, step
from aikd_tune.kd.targets import Targets
from aikd_tune.kd.teacher import TeacherTables
from aikd_tune.spec.activity import previous_temperature, student_train, teacher_temperature, teacher_train
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
        student = phase == "student"
        self._setting, self._seed, self._images, self._device, self._phase = setting, seed, images, device, phase
        self._teacher, self.forwards = teacher, forwards
        self._prefix = "" if student else "teacher/"
        self._aikd = student and setting.distill.method == "aikd"
        self.train: Train = student_train(setting) if student else teacher_train(setting)
        self.network = self._first_network()
        self._norms = batch_norms(self.network)
        self._learner = self._make_learner()
        self._initial_critics: list[Discriminator] | None = None  # to compare with, until it has learned
        self._batches = batches(len(images), self.train.batch_size)
        self._table: Tensor | None = None  # (n, K) log-probabilities of each image's last step, for PS-KD's previous
        self.epoch = 0
        self.diverged = False
        self.val_logits: Logits | None = None  # (num_val, K) after the last epoch
        self.critic_untrained: bool | None = None  # whether it stayed so in every epoch; None: never in force

    def _first_network(self) -> nn.Module:
        """The network before its first step, as ``distill.start`` says."""
        start = self._setting.distill.start if self._aikd else "fresh"
        purpose = "teacher/init" if start == "teacher_init" else f"{self._prefix}init"
        with seeded(self._seed, purpose):
            network = build(self._setting.model, self._images.input_shape, self._images.facts.num_classes)
        if start == "teacher":
            assert self._teacher is not None
            network.load_state_dict(self._teacher.state_dict)
        network = to_device(network, self._device, self.train.channels_last)
        if self.train.compile:
            compile_network(network)
        return network

    def _make_learner(self) -> Learner:
        """What updates the network; the critic sees features only if the setting asks for them."""
        term = self._setting.distill.adversarial
        adversarial = self._aikd and term.weight > 0
        forward = Forward(self.network, self.train.precision, self._device, adversarial and term.input == "features")
        self._num_critic_inputs = num_inputs(term, self._images.facts.num_classes, forward.num_features)
        return Learner(
            forward=forward,
            optimizer=make_optimizer(self.network, self.train),
            terms=Terms(
                label_smoothing=self.train.label_smoothing,
                teacher_temperature=teacher_temperature(self._setting),
                previous_temperature=previous_temperature(self._setting),
                adversarial=term,
            ),
            critic=self._initial_critic(0) if adversarial else None,
            scale=LossScale(self._device) if self.train.precision == "fp16" else None,
            gradient_clip=self.train.gradient_clip,
        )

    @property
    def critic(self) -> Discriminator | None:
        """The discriminator, where the setting has one."""
        return self._learner.critic

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
        views = self._views()
        order = torch.randperm(len(views), generator=generator(self._seed, self._prefix + "order", self.epoch)).to(
            self._device
        )
        rows = self._rows(views, order, weights)
        rates = learning_rates(self.train, self.epoch, len(self._batches))
        records = self._steps(views, order, rows, weights, rates)
        logits = torch.cat([record.logits for record in records])  # in the order of the steps, like ``rows``
        if needs_recalibration(len(self._batches)):
            self._count("recalibration", recalibrate(self._learner.forward, self._norms, views))
        if self._aikd and self._setting.distill.previous.source == "table":
            self._table = torch.empty_like(logits).index_copy_(0, order, logits.log_softmax(1))
        if weights.adversarial > 0:
            self._check_critic(rows.real, [record.seen for record in records if record.seen is not None])
        means, validation = self._means(records), self._validate()
        self.diverged = not (math.isfinite(means["loss"]) and math.isfinite(validation["val_nll"]))
        elapsed = time.perf_counter() - started
        return {
            "phase": self._phase,
            "seed": self._seed,
            "epoch": self.epoch,
            "lr": rates[-1],
            **means,
            "train_error_augmented": rows.targets.error(logits),
            **self._weight_columns(weights),
            **validation,
            "epoch_s": elapsed,
            "images_per_s": len(views) / elapsed,
        }

    def _weights(self) -> Weights:
        if self._phase == "teacher":
            return _PHASE_1
        return weights_in_force(self._setting.distill, self.epoch, self.train.epochs)

    def _views(self) -> EpochViews:
        return self._images.views(
            self._setting.data.views,
            lambda purpose: generator(self._seed, self._prefix + purpose, self.epoch),
        )

    def _rows(self, views: EpochViews, order: Tensor, weights: Weights) -> Batch:
        """All that the steps of the epoch need beside the views, in their order."""
        teacher = previous = real = critic_mix = None
        if weights.teacher > 0 or weights.adversarial > 0:
            assert self._teacher is not None
            outputs = self._teacher(self.epoch, views).rows(order)
            teacher = outputs.logits
            if weights.adversarial > 0:
                term = self._setting.distill.adversarial
                real = critic_input(term, outputs.logits, outputs.features)
                shape = (term.critic_steps, len(views), 1)
                critic_mix = torch.rand(shape, generator=generator(self._seed, "critic", self.epoch)).to(self._device)
        if weights.previous > 0:
            previous = self._previous(views)[order]
        return Batch(self._targets(views, order), teacher, previous, real, critic_mix)

    def _targets(self, views: EpochViews, order: Tensor) -> Targets:
        labels = self._images.labels
        if views.mixed is None:
            return Targets(labels[order])
        return Targets(labels[order], labels[views.mixed.partner][order], views.mixed.share[order])

    def _previous(self, views: EpochViews) -> Tensor:
        """The previous student's logits (n, K) on the views, or the table of its last predictions."""
        if self._table is not None:
            return self._table
        # Nothing has been trained since the end of the previous epoch: this network still is the previous student.
        self._count("previous", len(views))
        return self._learner.forward.predict(views).logits

    def _steps(
        self, views: EpochViews, order: Tensor, rows: Batch, weights: Weights, rates: list[float]
    ) -> list[StepRecord]:
        self.network.train()
        self._count("train", len(views))
        # what draws by itself, such as dropout, draws the same in every run of this epoch
        with seeded(self._seed, f"{self._prefix}dropout", self.epoch, self._device):
            records = []
            for (start, end), rate in zip(self._batches, rates, strict=True):
                record = step(self._learner, rate, views.rows(order[start:end]), rows.rows(start, end), weights)
                # what the critic saw is kept only as far as it will be looked at
                records.append(record if start < MOST_IMAGES else record._replace(seen=None))
            return records

    def _means(self, records: list[StepRecord]) -> dict[str, Any]:
        """Epoch means, read from the device at once: over images, but for the gradient's norm over steps."""
        names = list(records[0].scalars)
        table = torch.stack([torch.stack(list(record.scalars.values())) for record in records]).cpu().double()
        sizes = torch.tensor([end - start for start, end in self._batches], dtype=torch.float64)
        means = dict(zip(names, (sizes @ table / sizes.sum()).tolist(), strict=True))
        norms = table[:, names.index("grad_norm")]
        if self._learner.scale is not None:  # steps left out have no norm
            norms = norms[norms.isfinite()]
        means["grad_norm"] = float(norms.mean()) if len(norms) else None
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
        val, teacher = self._images.val, self._teacher
        self.val_logits = logits = self.predict(val.images)
        columns = {f"val_{name}": value for name, value in evaluate(logits, val.labels).items()}
        columns["val_teacher_agreement"] = None if teacher is None else agreement(logits, teacher.val_logits)
        columns["val_teacher_kl"] = None if teacher is None else teacher_kl(teacher.val_logits, logits)
        return columns

    def predict(self, images: ImageSource) -> Logits:
        """Logits (n, K) of the network as it is evaluated."""
        self._count("evaluation", len(images))
        logits: Logits = self._learner.forward.predict(images).logits.cpu().numpy()
        return logits

    def _check_critic(self, real: Tensor | None, seen: list[Tensor]) -> None:
        """Look at the critic after an epoch, on what it saw first; one epoch in which it has learned is enough."""
        if self.critic_untrained is False:
            return
        assert self.critic is not None
        assert real is not None
        if self._initial_critics is None:
            self._initial_critics = [self._initial_critic(number) for number in range(NUM_INITIAL)]
        self.critic_untrained = critic_untrained(self.critic, self._initial_critics, real, torch.cat(seen))

    def _initial_critic(self, number: int) -> Discriminator:
        """A critic at its start; number 0 is the one that is trained."""
        term = self._setting.distill.adversarial
        draws = generator(self._seed, "critic-init", number)
        return Discriminator(self._num_critic_inputs, term, draws, self._device)

    def _count(self, purpose: str, num_images: int) -> None:
        self.forwards[self._prefix + purpose] += num_images

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on, as tensors and plain values."""
        scale = self._learner.scale
        return {
            "epoch": self.epoch,
            "diverged": self.diverged,
            "network": self.network.state_dict(),
            "optimizer": self._learner.optimizer.state(),
            "scale": None if scale is None else scale.state(),
            "critic": None if self.critic is None else self.critic.state(),
            "table": self._table,
            "val_logits": None if self.val_logits is None else torch.from_numpy(self.val_logits),
            "critic_untrained": self.critic_untrained,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from ``state()``: the following epochs are those of a training that was never stopped."""
        self.epoch, self.diverged = state["epoch"], state["diverged"]
        self.network.load_state_dict(state["network"])
        self._learner.optimizer.load_state(state["optimizer"])
        if self._learner.scale is not None:
            self._learner.scale.load_state(state["scale"])
        if self.critic is not None:
            self.critic.load_state(state["critic"])
        self._table = None if state["table"] is None else state["table"].to(self._device)
        self.val_logits = None if state["val_logits"] is None else state["val_logits"].numpy()
        self.critic_untrained = state["critic_untrained"]
