"""Running statistics of batch norm where an epoch has too few steps for their moving average to follow."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from aikd_tune.kd.data.views import ImageSource
from aikd_tune.kd.forward import Forward

FEW_STEPS = 40


def batches(num_images: int, batch_size: int) -> list[tuple[int, int]]:
    """Bounds of the batches of an epoch; a last batch of one image joins the one before (batch norm needs two)."""
    starts = list(range(0, num_images, batch_size))
    if len(starts) > 1 and num_images - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], num_images], strict=True))


def needs_recalibration(num_steps: int) -> bool:
    """Whether the moving average lags: after 40 steps it is 99 % current, after 5 steps 41 %."""
    return num_steps < FEW_STEPS


@torch.no_grad()
def recalibrate(forward: Forward, norms: Sequence[nn.modules.batchnorm._BatchNorm], images: ImageSource) -> int:
    """Replace the running statistics by the plain average over near-equal chunks of ``images``.

    Chunks are as large as in evaluation. Weights stay as they are, and dropout stays off: only the norms are in
    training mode. Returns the number of images forwarded (0 without norms).
    """
    if not norms:
        return 0
    momenta = [norm.momentum for norm in norms]
    forward.network.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
        norm.train()
    with torch.compiler.set_stance("force_eager"):  # a norm without momentum breaks what is compiled
        for start, end in near_equal(len(images), forward.chunk_images(images)):
            forward(images.rows(slice(start, end)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return len(images)


def near_equal(num_images: int, greatest: int) -> list[tuple[int, int]]:
    """Bounds of the fewest chunks of at most ``greatest`` images, equal but for one image, the larger ones first."""
    num_chunks = -(-num_images // greatest)
    size, larger = divmod(num_images, num_chunks)
    ends = [size * number + min(number, larger) for number in range(num_chunks + 1)]
    return list(pairwise(ends))
