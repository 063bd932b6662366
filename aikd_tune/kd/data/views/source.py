"""Images as a network takes them, asked for by rows: the one way in which training and evaluation read images."""

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

Rows = Tensor | slice  # int64 (B,) positions among an ImageSource's images, on any device, or a slice of them


class ImageSource(Protocol):
    """Images (n, C, H, W), normalised float32 on one device, computed as they are asked for.

    An image's bits do not depend on what it is asked for with, nor on whether it was kept. What ``rows`` returns may be
    shared with later calls: read it, never write to it.
    """

    def __len__(self) -> int:
        """Number of images, n."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""

    def rows(self, index: Rows) -> Tensor:
        """The images (B, C, H, W) of ``index``, in its order."""

    def chunks(self, size: int) -> Iterator[Tensor]:
        """All images in order, ``size`` at a time; the last chunk has what remains."""


class TensorImages:
    """Images that are computed already: float32 (n, C, H, W)."""

    def __init__(self, images: Tensor) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        _, channels, height, width = self._images.shape
        return channels, height, width

    def rows(self, index: Rows) -> Tensor:
        """The images (B, C, H, W) of ``index``; those of a slice share their memory with this source."""
        return rows_of(self._images, index)

    def chunks(self, size: int) -> Iterator[Tensor]:
        """All images in order, ``size`` at a time."""
        return in_order(self, size)


def in_order(images: ImageSource, size: int) -> Iterator[Tensor]:
    """All of ``images``, ``size`` at a time."""
    return (images.rows(slice(start, start + size)) for start in range(0, len(images), size))


def rows_of(images: Tensor, index: Rows) -> Tensor:
    """The rows of a tensor (n, ...); those of a slice share its memory."""
    if isinstance(index, slice):
        return images[index]
    # index_select copies row by row; indexing by a tensor takes several times as long on a CPU.
    return images.index_select(0, index.to(images.device))


def positions(index: Rows, num_images: int, device: torch.device) -> Tensor:
    """``index`` as int64 positions (B,) on ``device``."""
    if isinstance(index, slice):
        return torch.arange(*index.indices(num_images), device=device)
    return index.to(device)
