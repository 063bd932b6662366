"""Everything random about the views of one epoch, drawn at once for all images."""

from dataclasses import dataclass
from typing import Self, TypeVar

import torch

from aikd_tune.kd.data.views.crop import Crop, draw_crop
from aikd_tune.kd.data.views.cutout import Cutout, draw_cutout
from aikd_tune.kd.data.views.drawn import Drawn, Draws
from aikd_tune.kd.data.views.mix import Mix, draw_mix
from aikd_tune.kd.data.views.resized_crop import ResizedCrop, draw_resized_crop
from aikd_tune.kd.data.views.rotation import Rotation, draw_rotation
from aikd_tune.spec.fields import Views

Part = TypeVar("Part", bound=Drawn)


@dataclass(frozen=True)
class DrawnViews:
    """Parameters of each transform; None where the recipe has it off.

    Each has a generator of its own, so that switching one on never moves another's draws.
    """

    crop: Crop
    resized_crop: ResizedCrop | None
    rotation: Rotation | None
    cutout: Cutout | None
    mix: Mix | None

    def to(self, device: torch.device) -> Self:
        """The same on ``device``."""
        return type(self)(
            crop=self.crop.to(device),
            resized_crop=_on(device, self.resized_crop),
            rotation=_on(device, self.rotation),
            cutout=_on(device, self.cutout),
            mix=_on(device, self.mix),
        )


def draw_views(
    num_images: int, raw_shape: tuple[int, int, int], shape: tuple[int, int, int], views: Views, draws: Draws
) -> DrawnViews:
    """Draw for ``num_images`` raw images of ``raw_shape`` (C, H, W), whose views have ``shape`` (C, S, S')."""
    assert views.shift is not None, "a resolved recipe has no defaults left"
    assert views.flip is not None, "a resolved recipe has no defaults left"
    assert views.resized_crop is not None, "a resolved recipe has no defaults left"
    _, raw_height, raw_width = raw_shape
    _, height, width = shape
    resized = rotation = cutout = mix = None
    if views.resized_crop > 0:
        resized = draw_resized_crop(num_images, raw_height, raw_width, views.resized_crop, draws("views/resized_crop"))
    if views.rotation > 0:
        rotation = draw_rotation(num_images, views.rotation, draws("views/rotation"))
    if views.cutout > 0:
        cutout = draw_cutout(num_images, height, width, views.cutout, draws("views/cutout"))
    if views.mixup > 0 or views.cutmix > 0:
        mix = draw_mix(num_images, height, width, views.mixup, views.cutmix, draws("views/mix"))
    return DrawnViews(draw_crop(num_images, views.shift, views.flip, draws("views")), resized, rotation, cutout, mix)


def _on(device: torch.device, part: Part | None) -> Part | None:
    return None if part is None else part.to(device)
