"""Raw images for the tests of views, and what asks for their views."""

import numpy as np
import torch

from aikd_tune.kd.data.normalisation import Normalisation
from aikd_tune.kd.data.views import EpochViews, Pixels
from aikd_tune.kd.data.views.drawn import Draws
from aikd_tune.kd.randomness import generator
from aikd_tune.spec.fields import Views

CPU = torch.device("cpu")
PLAIN = Normalisation(1, (0.0,), (1.0,))  # leaves levels as they are, in any number of channels
OFF = {"resized_crop": 0.0, "shift": 0, "flip": False}


def levels(num_images: int, shape: tuple[int, int, int], maximum: int = 255) -> torch.Tensor:
    """Raw images (n, C, H, W) of all levels, 0 included."""
    drawn = np.random.default_rng(0).integers(0, maximum + 1, (num_images, *shape), dtype=np.uint8)
    return torch.from_numpy(drawn)


def pixels_of(images: torch.Tensor, device: torch.device = CPU) -> Pixels:
    return Pixels(images.numpy(), np.arange(len(images)), device)


def recipe(**fields: float) -> Views:
    """A resolved recipe: off, but for ``fields``."""
    return Views.model_validate(OFF | fields)


def draws_of(seed: int = 0, epoch: int = 1) -> Draws:
    return lambda purpose: generator(seed, purpose, epoch)


def epoch_views(
    images: torch.Tensor,
    views: Views,
    normalisation: Normalisation = PLAIN,
    size: int | None = None,
    draws: Draws | None = None,
    device: torch.device = CPU,
) -> EpochViews:
    shape = (images.shape[1], size or images.shape[2], size or images.shape[3])
    return EpochViews(pixels_of(images, device), views, normalisation, shape, draws or draws_of())


def whole(views: EpochViews) -> torch.Tensor:
    return views.rows(slice(None))
