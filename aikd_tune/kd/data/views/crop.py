"""Random crops of the zero-padded raw image, and flips."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from aikd_tune.kd.data.views.drawn import Drawn


@dataclass(frozen=True)
class Crop(Drawn):
    """Row and column of each crop in the padded image, int64 (n, 2) of 0..2 shift; and whether it is mirrored, (n,)."""

    offsets: Tensor
    mirrored: Tensor


def draw_crop(num_images: int, shift: int, flip: bool, generator: torch.Generator) -> Crop:
    """Uniform offsets, then mirrors with probability 1/2; both drawn whatever the recipe: flips do not move crops."""
    offsets = torch.randint(0, 2 * shift + 1, (2, num_images), generator=generator)
    mirrored = torch.randint(0, 2, (num_images,), generator=generator).bool() & flip
    return Crop(offsets.T.contiguous(), mirrored)


def crop(pixels: Tensor, shift: int, drawn: Crop) -> Tensor:
    """Crop images (n, C, H, W) padded by ``shift`` black pixels on each side, to their own size, and mirror them."""
    num_images, channels, height, width = pixels.shape
    padded = pad(pixels, (shift, shift, shift, shift))  # zeros: the raw image's black
    padded_width = width + 2 * shift
    along = torch.arange(width, device=pixels.device)
    columns = drawn.offsets[:, 1, None] + torch.where(drawn.mirrored[:, None], along.flip(0), along)
    rows = drawn.offsets[:, 0, None] + torch.arange(height, device=pixels.device)
    # One flat gather per image and channel was the fastest of five vectorised forms, for 300 and for 45,000 images.
    index = (rows[:, :, None] * padded_width + columns[:, None, :]).view(num_images, 1, height * width)
    return torch.gather(padded.flatten(2), 2, index.expand(-1, channels, -1)).view(pixels.shape)
