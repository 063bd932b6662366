"""What an epoch draws for each of its images: all at once, on the CPU, before any view is computed."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

# Gives the generator of a purpose in one epoch: "views", "views/rotation", ...
Draws = Callable[[str], torch.Generator]


@dataclass(frozen=True)
class Drawn:
    """Parameters of one transform: tensors whose first dimension counts the images."""

    def rows(self, index: Tensor) -> Self:
        """Those of the images at the positions ``index``, int64 (B,)."""
        return self._each(lambda tensor: tensor.index_select(0, index))

    def to(self, device: torch.device) -> Self:
        """The same on ``device``."""
        return self._each(lambda tensor: tensor.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        return type(self)(**{field.name: change(getattr(self, field.name)) for field in fields(self)})
