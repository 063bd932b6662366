"""Rotations about the centre, to the nearest pixel, zeros outside."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from aikd_tune.kd.data.views.drawn import Drawn


@dataclass(frozen=True)
class Rotation(Drawn):
    """Cosine and sine of each angle, float32 (n, 2): taken on the CPU, so that a GPU turns by the same bits."""

    direction: Tensor


def draw_rotation(num_images: int, greatest: float, generator: torch.Generator) -> Rotation:
    """Angles uniform in [-greatest, greatest] degrees, anticlockwise."""
    angle = (2 * torch.rand(num_images, dtype=torch.float64, generator=generator) - 1) * greatest
    return rotation_by(angle)


def rotation_by(degrees: Tensor) -> Rotation:
    """The rotation by each of ``degrees``, float64 (n,)."""
    angle = torch.deg2rad(degrees)
    return Rotation(torch.stack([angle.cos(), angle.sin()], dim=1).float())


def rotate(levels: Tensor, drawn: Rotation) -> Tensor:
    """Turn each of ``levels`` (n, C, H, W), uint8 or float; what comes from outside is 0, the raw image's black."""
    num_images, channels, height, width = levels.shape
    cosine, sine = drawn.direction[:, 0, None, None], drawn.direction[:, 1, None, None]
    across = _centred(width, levels.device)
    down = _centred(height, levels.device)[:, None]
    # A ring of zeros around the image takes all that comes from outside.
    row = _ringed(sine * across + cosine * down, height)
    column = _ringed(cosine * across - sine * down, width)
    index = row.mul_(width + 2).add_(column).view(num_images, 1, height * width)
    flat = pad(levels, (1, 1, 1, 1)).flatten(2)
    return torch.gather(flat, 2, index.expand(-1, channels, -1)).view(levels.shape)


def _centred(num_pixels: int, device: torch.device) -> Tensor:
    return torch.arange(num_pixels, device=device) - (num_pixels - 1) / 2


def _ringed(centred: Tensor, num_pixels: int) -> Tensor:
    """Distances from the centre (n, H, W) as nearest pixels, int64, in a ring of one more pixel on each side."""
    return centred.add_((num_pixels - 1) / 2).round_().clamp_(-1, num_pixels).long().add_(1)
