"""The views of one epoch: what is drawn for it, applied to whichever images are asked for."""

from typing import NamedTuple

from torch import Tensor

from aikd_tune.kd.data.normalisation import Normalisation
from aikd_tune.kd.data.views.computed import ComputedImages
from aikd_tune.kd.data.views.crop import crop
from aikd_tune.kd.data.views.cutout import cut_out
from aikd_tune.kd.data.views.drawn import Draws
from aikd_tune.kd.data.views.levels import ToInput
from aikd_tune.kd.data.views.mix import mix
from aikd_tune.kd.data.views.pixels import Pixels
from aikd_tune.kd.data.views.recipe import draw_views
from aikd_tune.kd.data.views.resized_crop import resized_crop
from aikd_tune.kd.data.views.rotation import rotate
from aikd_tune.spec.fields import Views


class Mixed(NamedTuple):
    """How images are mixed: the label of view i counts ``share``, that of its partner 1 - share."""

    partner: Tensor  # (n,) int64, positions in the training set
    share: Tensor  # (n,) float32 of 0..1


class EpochViews(ComputedImages):
    """One view of each training image: an ImageSource (n, C, S, S').

    Everything random is drawn at once when it is made. Raw levels are cropped, mirrored and rotated, then normalised;
    normalised images are cut out, and mixed with the view that their partner has in this epoch. ``mixed`` is None
    where the recipe mixes no images.
    """

    def __init__(
        self, pixels: Pixels, views: Views, normalisation: Normalisation, shape: tuple[int, int, int], draws: Draws
    ) -> None:
        super().__init__(len(pixels), shape, pixels.device)
        self._pixels, self._views = pixels, views
        self._to_input = ToInput(normalisation, pixels.device)
        self._drawn = draw_views(len(pixels), pixels.shape, shape, views, draws).to(pixels.device)
        drawn = self._drawn.mix
        self.mixed = None if drawn is None else Mixed(drawn.partner, drawn.share)

    def _computed(self, index: Tensor) -> Tensor:
        images, drawn = self._unmixed(index), self._drawn.mix
        if drawn is None:
            return images
        chosen = drawn.rows(index)
        return mix(images, self._unmixed(chosen.partner), chosen)

    def _unmixed(self, index: Tensor) -> Tensor:
        views, drawn = self._views, self._drawn
        levels, cropped = self._pixels.take(index), drawn.crop.rows(index)
        if drawn.resized_crop is not None:
            levels = resized_crop(levels, self.shape[1:], drawn.resized_crop.rows(index), cropped.mirrored)
        elif views.shift or views.flip:
            levels = crop(levels, views.shift or 0, cropped)
        if drawn.rotation is not None:
            levels = rotate(levels, drawn.rotation.rows(index))
        images = self._to_input(levels)
        return images if drawn.cutout is None else cut_out(images, views.cutout, drawn.cutout.rows(index))
