"""The learning rate of every step of an epoch. Epochs count from 1."""

import math

from aikd_tune.spec.fields import Train


def learning_rates(train: Train, epoch: int, num_steps: int) -> list[float]:
    """The rate of each of the ``num_steps`` steps of ``epoch``: that of the epoch, or on the way to it in a warm-up.

    In the first ``lr_warmup_epochs`` W, the step with the number g from 0 has the epoch's rate times
    (g + 1) / (W num_steps), so that the last of them has the whole of it.
    """
    rate = scheduled_rate(train, epoch)
    if epoch > train.lr_warmup_epochs:
        return [rate] * num_steps
    before, in_all = (epoch - 1) * num_steps, train.lr_warmup_epochs * num_steps
    return [rate * (before + step + 1) / in_all for step in range(num_steps)]


def scheduled_rate(train: Train, epoch: int) -> float:
    """The rate of ``epoch`` without a warm-up.

    constant: lr; cosine: lr/2 (1 + cos(pi (e-1)/E)); step: lr times lr_factor for every milestone before ``epoch``, as
    a milestone m lets the rate drop after epoch m.
    """
    if train.lr_schedule == "constant":
        return train.lr
    if train.lr_schedule == "cosine":
        return train.lr * (1.0 + math.cos(math.pi * (epoch - 1) / train.epochs)) / 2.0
    assert train.lr_milestones is not None
    num_drops = sum(int(milestone) < epoch for milestone in train.lr_milestones.split("-"))
    return train.lr * train.lr_factor**num_drops
