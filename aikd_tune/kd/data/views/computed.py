"""Images that are computed as they are asked for: part by part, or once where the whole takes little memory."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from aikd_tune.kd.data.views.source import Rows, in_order, positions, rows_of

KEPT_BYTES = 64 * 2**20  # of float32: a source of at most so many is computed once and kept
_PART_BYTES = 4 * 2**20  # of float32 computed at a time: near a processor's cache, and small in memory
_GPU_PART_BYTES = 256 * 2**20  # the same on a GPU, which wants few large computations
_FLOAT_BYTES = 4


class ComputedImages(ABC):
    """An ImageSource of ``num_images`` images of ``shape`` (C, S, S'); a subclass computes some of them."""

    def __init__(self, num_images: int, shape: tuple[int, int, int], device: torch.device) -> None:
        self._num_images, self._shape, self._device = num_images, shape, device
        channels, height, width = shape
        self._image_bytes = _FLOAT_BYTES * channels * height * width
        self._kept: Tensor | None = None

    def __len__(self) -> int:
        return self._num_images

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, S, S') of every image."""
        return self._shape

    def rows(self, index: Rows) -> Tensor:
        """The images (B, C, S, S') of ``index``, in its order; not to be written to."""
        if self._kept is None and self._num_images * self._image_bytes <= KEPT_BYTES:
            self._kept = self._all_of(slice(None))
        return self._all_of(index) if self._kept is None else rows_of(self._kept, index)

    def chunks(self, size: int) -> Iterator[Tensor]:
        """All images in order, ``size`` at a time; the last chunk has what remains."""
        return in_order(self, size)

    @abstractmethod
    def _computed(self, index: Tensor) -> Tensor:
        """The images (b, C, S, S') at int64 positions (b,) on the device; b is bounded and bits do not depend on it."""

    def _all_of(self, index: Rows) -> Tensor:
        chosen = positions(index, self._num_images, self._device)
        size = max(1, _part_bytes(self._device) // self._image_bytes)
        if len(chosen) <= size:
            return self._computed(chosen)
        images = torch.empty((len(chosen), *self._shape), device=self._device)
        for start in range(0, len(chosen), size):
            part = slice(start, start + size)
            images[part] = self._computed(chosen[part])
        return images


def _part_bytes(device: torch.device) -> int:
    return _PART_BYTES if device.type == "cpu" else _GPU_PART_BYTES
