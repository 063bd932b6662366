"""The weights of the loss terms, which change from epoch to epoch. Epochs count from 1."""

import math
from dataclasses import dataclass

from aikd_tune.spec.fields import Distill


@dataclass(frozen=True)
class Weights:
    """The weights in force in one epoch; a term of weight 0 is not computed at all."""

    ce: float
    teacher: float
    previous: float
    adversarial: float


def weights_in_force(distill: Distill, epoch: int, epochs: int) -> Weights:
    """The weights in ``epoch`` of ``epochs``.

    The previous student's is 0 in epoch 1, the adversarial one through its warm-up. ``complement`` makes cross-entropy
    1 - teacher - previous in force, and 1 in epoch 1, where no previous student exists. A method other than aikd is
    cross-entropy alone.
    """
    if distill.method != "aikd":
        return Weights(ce=1.0, teacher=0.0, previous=0.0, adversarial=0.0)
    teacher = distill.teacher.weight
    previous = 0.0 if epoch == 1 else distill.previous.weight * _ramp(distill.previous.ramp, epoch / epochs)
    complement = 1.0 if epoch == 1 else 1.0 - teacher - previous
    ce = complement if distill.ce == "complement" else distill.ce
    adversarial = 0.0 if epoch <= distill.adversarial.warmup_epochs else distill.adversarial.weight
    return Weights(ce, teacher, previous, adversarial)


def _ramp(ramp: str, share: float) -> float:
    if ramp == "constant":
        return 1.0
    if ramp == "linear":
        return share
    assert ramp == "cosine"
    return (1.0 - math.cos(math.pi * share)) / 2.0
