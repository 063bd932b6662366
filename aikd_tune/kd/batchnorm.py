"""Running statistics of batch norm where an epoch has too few steps for their moving average to follow."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

FEW_STEPS = 40
CHUNK_IMAGES = 512


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
def recalibrate(network: nn.Module, norms: Sequence[nn.modules.batchnorm._BatchNorm], images: Tensor) -> int:
    """Replace the running statistics by the plain average over near-equal chunks of ``images`` (n, C, H, W).

    Chunks have at most 512 images. Weights stay as they are; returns the number of images forwarded (0 without norms).
    """
    if not norms:
        return 0
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
    network.train()
    for chunk in torch.tensor_split(images, -(-len(images) // CHUNK_IMAGES)):
        network(chunk)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return len(images)


@torch.no_grad()
def predict(network: nn.Module, images: Tensor) -> Tensor:
    """Logits (n, classes) in eval mode, in chunks of 512 whose bounds depend on n alone."""
    network.eval()
    return torch.cat([network(chunk) for chunk in torch.split(images, CHUNK_IMAGES)])
