"""What changes from epoch to epoch: the learning rate and the weights of the loss terms. Epochs count from 1."""

import math
from dataclasses import dataclass

from aikd_tune.spec.fields import Distill, Train


@dataclass(frozen=True)
class Weights:
    """The weights in force in one epoch; a term of weight 0 is not computed at all."""

    ce: float
    teacher: float
    previous: float
    adversarial: float


def learning_rate(train: Train, epoch: int) -> float:
    """The learning rate of every step of ``epoch``: constant, or lr/2 (1 + cos(pi (e-1)/E))."""
    if train.lr_schedule == "constant":
        return train.lr
    return train.lr * (1.0 + math.cos(math.pi * (epoch - 1) / train.epochs)) / 2.0


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
