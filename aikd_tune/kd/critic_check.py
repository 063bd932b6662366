"""Whether a trial's critic ever learned: one that did not makes the discriminator's fields axes without effect."""

from collections.abc import Sequence

import torch
from torch import Tensor

from aikd_tune.kd.discriminator import Discriminator

NUM_INITIAL = 8
FACTOR = 5.0
MOST_IMAGES = 64  # enough to tell a factor of five, and cheap beside an epoch of a small set


def gap(critic: Discriminator, teacher: Tensor, student: Tensor) -> float:
    """Mean D(teacher) - mean D(student) over inputs (n, D) of the same images."""
    return float((critic.values(teacher).double() - critic.values(student).double()).mean())


def critic_untrained(critic: Discriminator, initial: Sequence[Discriminator], teacher: Tensor, student: Tensor) -> bool:
    """Whether the critic's gap on these inputs is less than five times what critics at their start show on them.

    The yardstick is the root mean square over several initialisations, since one random direction can give any sign
    and size; by chance an untrained critic passes it in about one epoch of a thousand. A trained critic separates the
    sides with its own sign, so its gap counts as it is. On digits, an epoch of 5 critic steps at 1e-3 gives ten times
    the yardstick and more; 30 epochs of 1 step at 1e-5 never give five. Log-probabilities have an offset that an
    untrained critic sees as well: there bce and hinge take about five times the steps that they take on logits.
    """
    teacher, student = teacher[:MOST_IMAGES], student[:MOST_IMAGES]
    yardstick = torch.tensor([gap(other, teacher, student) for other in initial]).square().mean().sqrt()
    return not gap(critic, teacher, student) > FACTOR * float(yardstick)
