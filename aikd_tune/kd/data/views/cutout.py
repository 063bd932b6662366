"""Cutout: a square of zeros in the normalised image."""

from dataclasses import dataclass

import torch
from torch import Tensor

from aikd_tune.kd.data.views.drawn import Drawn


@dataclass(frozen=True)
class Cutout(Drawn):
    """First row and first column of each square, int64 (n, 2); either may lie outside of the image."""

    corner: Tensor


def draw_cutout(num_images: int, height: int, width: int, side: int, generator: torch.Generator) -> Cutout:
    """Squares of ``side`` pixels whose centre is any pixel of the image; they are clipped at its borders."""
    rows = torch.randint(0, height, (num_images,), generator=generator)
    columns = torch.randint(0, width, (num_images,), generator=generator)
    return Cutout(torch.stack([rows, columns], dim=1) - side // 2)


def cut_out(images: Tensor, side: int, drawn: Cutout) -> Tensor:
    """Set the squares of normalised ``images`` (n, C, H, W) to 0, in place."""
    first = drawn.corner[:, :, None]
    hidden = rectangles(first[:, 0], first[:, 0] + side, first[:, 1], first[:, 1] + side, images)
    return images.masked_fill_(hidden, 0.0)


def rectangles(top: Tensor, bottom: Tensor, left: Tensor, right: Tensor, images: Tensor) -> Tensor:
    """Which pixels lie in rows [top, bottom) and columns [left, right), each (n, 1): bool (n, 1, H, W)."""
    rows, columns = (torch.arange(size, device=images.device) for size in images.shape[2:])
    in_rows, in_columns = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
    return (in_rows[:, :, None] & in_columns[:, None, :])[:, None]
