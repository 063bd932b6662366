"""From raw levels to the numbers that a network sees."""

import torch
from torch import Tensor

from aikd_tune.kd.data.normalisation import Normalisation


class ToInput:
    """Normalise raw images (n, C, H, W), uint8 or float levels, to float32."""

    def __init__(self, normalisation: Normalisation, device: torch.device) -> None:
        maximum = normalisation.maximum
        self._mean = _per_channel([maximum * mean for mean in normalisation.mean], device)
        self._factor = _per_channel([1 / (maximum * std) for std in normalisation.std], device)

    def __call__(self, levels: Tensor) -> Tensor:
        """(level - maximum mean) / (maximum std), per channel; float levels may be overwritten."""
        return levels.to(torch.float32).sub_(self._mean).mul_(self._factor)


def _per_channel(values: list[float], device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=device)[:, None, None]
