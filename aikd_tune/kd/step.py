"""One training step as a function of tensors: frozen networks enter as tables of logits (B, K)."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from aikd_tune.kd.critic_inputs import critic_input
from aikd_tune.kd.discriminator import Discriminator
from aikd_tune.kd.forward import Forward
from aikd_tune.kd.losses import distillation
from aikd_tune.kd.optimizer import FlatOptimizer
from aikd_tune.kd.precision import LossScale
from aikd_tune.kd.ramps import Weights
from aikd_tune.kd.targets import Targets
from aikd_tune.spec.fields import AdversarialTerm


class Batch(NamedTuple):
    """Tensors of one step, or of all steps of an epoch in a row; a table is None where its term is off."""

    targets: Targets
    teacher: Tensor | None  # (B, K) the frozen teacher's logits on these views
    previous: Tensor | None  # (B, K) the previous student's logits
    real: Tensor | None  # (B, D) what the critic sees of the teacher
    critic_mix: Tensor | None  # (critic steps, B, 1) in [0, 1): where the gradient penalty looks

    def rows(self, start: int, end: int) -> "Batch":
        """The part of a step."""
        return Batch(
            self.targets.rows(start, end),
            None if self.teacher is None else self.teacher[start:end],
            None if self.previous is None else self.previous[start:end],
            None if self.real is None else self.real[start:end],
            None if self.critic_mix is None else self.critic_mix[:, start:end],
        )


@dataclass(frozen=True)
class Terms:
    """What the terms of the loss need beside their weights."""

    label_smoothing: float
    teacher_temperature: float
    previous_temperature: float
    adversarial: AdversarialTerm


@dataclass(frozen=True)
class Learner:
    """The student and what updates it; ``critic`` is None without an adversarial term, ``scale`` but in fp16."""

    forward: Forward
    optimizer: FlatOptimizer
    terms: Terms
    critic: Discriminator | None
    scale: LossScale | None
    gradient_clip: float | None


class StepRecord(NamedTuple):
    """The student's logits (B, K), and 0-d tensors named as in the ``epochs`` table; all left on the device.

    ``seen`` (B, D) is what the critic saw of the student, None where it did not look.
    """

    logits: Tensor
    scalars: dict[str, Tensor]
    seen: Tensor | None


def step(learner: Learner, learning_rate: float, images: Tensor, batch: Batch, weights: Weights) -> StepRecord:
    """Update the critic on the student's detached outputs, then the student against the updated critic.

    ``images`` are (B, C, H, W) float32. A term of weight 0 costs nothing: its table is not read, and the critic is
    neither updated nor evaluated.
    """
    terms, optimizer, scale = learner.terms, learner.optimizer, learner.scale
    logits, features = learner.forward(images)
    losses: dict[str, Tensor] = {}
    scalars: dict[str, Tensor] = {}
    seen: Tensor | None = None
    if weights.adversarial > 0:
        critic = learner.critic
        assert critic is not None
        assert batch.real is not None
        assert batch.critic_mix is not None
        seen = critic_input(terms.adversarial, logits, features)
        scalars["loss_discriminator"], scalars["critic_gap"] = critic.critic_steps(
            batch.real, seen.detach(), batch.critic_mix
        )
        losses["adversarial"] = critic.student_loss(seen)
    if weights.ce > 0:
        losses["ce"] = batch.targets.cross_entropy(logits, terms.label_smoothing)
    if weights.teacher > 0:
        assert batch.teacher is not None
        losses["teacher"] = distillation(logits, batch.teacher, terms.teacher_temperature)
    if weights.previous > 0:
        assert batch.previous is not None
        losses["previous"] = distillation(logits, batch.previous, terms.previous_temperature)
    parts = [getattr(weights, term) * value for term, value in losses.items()]
    loss: Tensor = sum(parts[1:], parts[0]) if parts else 0.0 * logits.sum()

    optimizer.clear_gradient()
    (loss if scale is None else scale.scale(loss)).backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
    finite = scale is None or scale.unscale(optimizer.gradient)
    scalars["grad_norm"] = norm = optimizer.gradient_norm()
    if finite:  # else the loss was scaled beyond fp16: the scale has been lowered, and this step is left out
        if learner.gradient_clip is not None:
            optimizer.clip(norm, learner.gradient_clip)
        optimizer.step(learning_rate)
    scalars["loss"] = loss.detach()
    for term, value in losses.items():
        scalars[f"loss_{term}"] = value.detach()
    return StepRecord(logits.detach(), scalars, None if seen is None else seen.detach())
