"""One training step as a function of tensors: frozen networks enter as tables of logits (B, K)."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from aikd_tune.kd.discriminator import Discriminator
from aikd_tune.kd.losses import cross_entropy, distillation
from aikd_tune.kd.ramps import Weights
from aikd_tune.kd.sgd import FlatSGD


class Batch(NamedTuple):
    """Tensors of one step, or of all steps of an epoch in a row; a table is None where its term is off."""

    labels: Tensor  # (B,) int64
    teacher: Tensor | None  # (B, K) the frozen teacher's logits on these views
    previous: Tensor | None  # (B, K) the previous student's logits
    mix: Tensor | None  # (critic steps, B, 1) in [0, 1): where the gradient penalty looks

    def rows(self, start: int, end: int) -> "Batch":
        """The part of a step."""
        return Batch(
            self.labels[start:end],
            None if self.teacher is None else self.teacher[start:end],
            None if self.previous is None else self.previous[start:end],
            None if self.mix is None else self.mix[:, start:end],
        )


@dataclass(frozen=True)
class Terms:
    """What the terms of the loss need beside their weights."""

    label_smoothing: float
    teacher_temperature: float
    previous_temperature: float


class StepRecord(NamedTuple):
    """The student's logits (B, K), and 0-d tensors named as in the ``epochs`` table; all left on the device."""

    logits: Tensor
    scalars: dict[str, Tensor]


def step(
    network: nn.Module,
    optimizer: FlatSGD,
    learning_rate: float,
    critic: Discriminator | None,
    images: Tensor,
    batch: Batch,
    weights: Weights,
    terms: Terms,
) -> StepRecord:
    """Update the critic on the student's detached logits, then the student against the updated critic.

    ``images`` are (B, C, H, W) float32. A term of weight 0 costs nothing: its table is not read, and the critic is
    neither updated nor evaluated.
    """
    logits = network(images)
    losses: dict[str, Tensor] = {}
    scalars: dict[str, Tensor] = {}
    if weights.adversarial > 0:
        assert critic is not None
        assert batch.teacher is not None
        assert batch.mix is not None
        scalars["loss_discriminator"], scalars["critic_gap"] = critic.critic_steps(
            batch.teacher, logits.detach(), batch.mix
        )
        losses["adversarial"] = critic.student_loss(logits)
    if weights.ce > 0:
        losses["ce"] = cross_entropy(logits, batch.labels, terms.label_smoothing)
    if weights.teacher > 0:
        assert batch.teacher is not None
        losses["teacher"] = distillation(logits, batch.teacher, terms.teacher_temperature)
    if weights.previous > 0:
        assert batch.previous is not None
        losses["previous"] = distillation(logits, batch.previous, terms.previous_temperature)
    parts = [getattr(weights, term) * value for term, value in losses.items()]
    loss: Tensor = sum(parts[1:], parts[0]) if parts else 0.0 * logits.sum()

    optimizer.clear_gradient()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
    scalars["grad_norm"] = optimizer.gradient_norm()
    optimizer.step(learning_rate)
    scalars["loss"] = loss.detach()
    for term, value in losses.items():
        scalars[f"loss_{term}"] = value.detach()
    return StepRecord(logits.detach(), scalars)
