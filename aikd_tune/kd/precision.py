"""The number format of a network's arithmetic: its weights, their gradients and all losses stay float32.

What a network returns in ``autocast`` may be a half: make it float32 before a loss sees it.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor

Precision = Literal["fp32", "bf16", "fp16"]

_FIRST_SCALE = 2.0**16
_GROWTH_STEPS = 2000
_HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_SAME: AbstractContextManager[None] = nullcontext()


def autocast(precision: Precision, device: str) -> AbstractContextManager[object]:
    """Inside, a network computes in ``precision`` where torch deems it safe; fp32 changes and costs nothing."""
    if precision == "fp32":
        return _SAME
    return torch.autocast(torch.device(device).type, dtype=_HALVES[precision])


class LossScale:
    """Dynamic loss scaling for fp16, whose smallest gradients would else become zero.

    The scale starts at 2^16, doubles after 2,000 steps in a row with a finite gradient, and is halved by a step
    without, which is to be left out: what ``torch.amp.GradScaler`` decides at its defaults, for one flat gradient.
    """

    def __init__(self, device: str) -> None:
        self._scale = torch.full((), _FIRST_SCALE, device=device)
        self._num_finite = torch.zeros((), dtype=torch.int32, device=device)  # since the last change
        self._not_finite = torch.zeros((), device=device)  # 1.0: the gradient looked at last was not

    def scale(self, loss: Tensor) -> Tensor:
        """The loss whose backward pass gives the gradient for ``unscale``."""
        return loss * self._scale

    @torch.no_grad()
    def unscale(self, gradient: Tensor) -> bool:
        """Undo the scaling in the flat ``gradient``, in place, and adapt the scale.

        Returns whether the gradient was finite; one that was not leaves the step out. Waits for the device.
        """
        self._not_finite.zero_()
        torch._amp_foreach_non_finite_check_and_unscale_([gradient], self._not_finite, self._scale.reciprocal())
        torch._amp_update_scale_(self._scale, self._num_finite, self._not_finite, 2.0, 0.5, _GROWTH_STEPS)
        return not self._not_finite.item()

    def state(self) -> dict[str, Tensor]:
        """Copies of the scale and of the number of finite steps since it last changed."""
        return {name: tensor.clone() for name, tensor in self._memory().items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what ``state`` gave."""
        for name, tensor in self._memory().items():
            tensor.copy_(state[name])

    def _memory(self) -> dict[str, Tensor]:
        return {"scale": self._scale, "num_finite": self._num_finite}
