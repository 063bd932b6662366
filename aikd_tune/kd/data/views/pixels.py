"""Raw images of a part: read from the memory map that all processes of a machine share, or from a GPU's copy of it.

No process holds a copy of its own, so many trials on one machine hold a set once. A GPU gets the part copied to it
where that takes little of its memory; else every part of a computation is gathered on the host and sent.
"""

import numpy as np
import torch
from torch import Tensor

from aikd_tune.kd.data.decoded import Images
from aikd_tune.kd.data.splits import Indices
from aikd_tune.kd.data.views.source import Rows, positions

_GPU_SHARE = 1 / 3  # of its free memory at most goes to a copy
_BLOCK_BYTES = 64 * 2**20  # of host memory while a part is copied


class Pixels:
    """The images of ``indices``, in that order, as uint8 (n, C, H, W) on ``device``."""

    def __init__(self, images: Images, indices: Indices, device: torch.device) -> None:
        # asarray: a memory map's own subclass slows every access down; the memory stays the map's.
        self._images, self._indices, self.device = np.asarray(images), indices, device
        _, channels, height, width = images.shape
        self.shape: tuple[int, int, int] = (channels, height, width)
        self._resident = self._copied() if device.type == "cuda" and self._fits() else None

    def __len__(self) -> int:
        return len(self._indices)

    def take(self, index: Rows) -> Tensor:
        """The images (B, C, H, W) of ``index``: int64 positions in this part, on any device, or a slice of them."""
        if self._resident is not None:
            return self._resident.index_select(0, positions(index, len(self), self.device))
        chosen = self._indices[index if isinstance(index, slice) else index.cpu().numpy()]
        if self.device.type == "cpu":
            return torch.from_numpy(self._gathered(chosen))
        pinned = torch.empty((len(chosen), *self.shape), dtype=torch.uint8, pin_memory=True)
        self._gathered(chosen, out=pinned.numpy())
        return pinned.to(self.device, non_blocking=True)

    def _gathered(self, chosen: Indices, out: Images | None = None) -> Images:
        # np.take took 16 ms for 45,000 images of 32x32x3 in a random order, indexing a torch tensor 100 ms.
        gathered: Images = np.take(self._images, chosen, axis=0, out=out, mode="raise" if out is None else "clip")
        return gathered

    def _fits(self) -> bool:
        free, _ = torch.cuda.mem_get_info(self.device)
        return len(self) * int(np.prod(self.shape)) <= _GPU_SHARE * free

    def _copied(self) -> Tensor:
        copy = torch.empty((len(self), *self.shape), dtype=torch.uint8, device=self.device)
        size = max(1, _BLOCK_BYTES // int(np.prod(self.shape)))
        for start in range(0, len(self), size):
            block = torch.from_numpy(self._gathered(self._indices[start : start + size]))
            copy[start : start + size].copy_(block)
        return copy
