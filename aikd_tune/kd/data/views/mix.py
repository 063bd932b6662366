"""Mixup and CutMix: images of the training set in pairs, their labels in the same shares."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import betaincinv
from torch import Tensor

from aikd_tune.kd.data.views.cutout import rectangles
from aikd_tune.kd.data.views.drawn import Drawn


@dataclass(frozen=True)
class Mix(Drawn):
    """Of each image: its partner, int64 (n,), and how the two are mixed.

    The label and, by mixup, the levels count ``share`` and ``blend``, float32 (n,): 1 leaves the image as it is. The
    partner's pixels replace the rows [top, bottom) and columns [left, right) of ``box``, int64 (n, 4).
    """

    partner: Tensor
    share: Tensor
    blend: Tensor
    box: Tensor


def draw_mix(num_images: int, height: int, width: int, mixup: float, cutmix: float, generator: torch.Generator) -> Mix:
    """Partners by a permutation of all images, shares from Beta(mixup, mixup) or Beta(cutmix, cutmix).

    With both on, each image gets one of the two with probability 1/2. Everything is drawn whatever the recipe, so that
    switching one on moves neither the partners nor the other's shares; a share is its distribution's quantile at one
    uniform draw, which is exact and needs no second source of randomness.
    """
    partner = torch.randperm(num_images, generator=generator)
    uniform, coin = torch.rand((2, num_images), dtype=torch.float64, generator=generator)
    rows = torch.randint(0, height, (num_images,), generator=generator)
    columns = torch.randint(0, width, (num_images,), generator=generator)
    pasted = (coin < 0.5) if mixup > 0 and cutmix > 0 else torch.full((num_images,), cutmix > 0)
    blend = torch.where(pasted, 1.0, _beta(mixup, uniform))
    # The rectangle has the share's complement of the area, before the image's borders clip it.
    half = 0.5 * (1 - _beta(cutmix, uniform)).sqrt()
    high, wide = (half * height).long(), (half * width).long()
    box = torch.stack([rows - high, rows + high, columns - wide, columns + wide], dim=1)
    box = box.clamp(min=0).minimum(torch.tensor([height, height, width, width])) * pasted[:, None]
    top, bottom, left, right = box.T
    kept = 1 - (bottom - top) * (right - left) / (height * width)
    return Mix(partner, torch.where(pasted, kept, blend).float(), blend.float(), box)


def mix(images: Tensor, partners: Tensor, drawn: Mix) -> Tensor:
    """Mix normalised ``images`` with their ``partners``, both (n, C, H, W)."""
    share = drawn.blend[:, None, None, None]
    blended = images * share + partners * (1 - share)
    top, bottom, left, right = drawn.box.T[:, :, None]
    return torch.where(rectangles(top, bottom, left, right, images), partners, blended)


def _beta(alpha: float, uniform: Tensor) -> Tensor:
    """Draws of Beta(alpha, alpha) from uniform ones, float64 (n,); 1 throughout where alpha is 0."""
    if alpha == 0:
        return torch.ones_like(uniform)
    quantiles: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = betaincinv(alpha, alpha, uniform.numpy())
    return torch.from_numpy(quantiles)
