"""Images outside training: cropped or resized to what the network sees, normalised, never augmented."""

from typing import Literal

from torch import Tensor

from aikd_tune.kd.data.normalisation import Normalisation
from aikd_tune.kd.data.views.computed import ComputedImages
from aikd_tune.kd.data.views.levels import ToInput
from aikd_tune.kd.data.views.pixels import Pixels
from aikd_tune.kd.data.views.resized_crop import antialiased

Evaluation = Literal["center_crop", "resize"]


class EvaluationImages(ComputedImages):
    """The images of a part: an ImageSource (n, C, S, S').

    Where the network sees fewer pixels than were decoded, their centre is cut out or the whole is resized.
    """

    def __init__(
        self, pixels: Pixels, evaluation: Evaluation, normalisation: Normalisation, shape: tuple[int, int, int]
    ) -> None:
        super().__init__(len(pixels), shape, pixels.device)
        self._pixels, self._evaluation = pixels, evaluation
        self._to_input = ToInput(normalisation, pixels.device)

    def _computed(self, index: Tensor) -> Tensor:
        levels = self._pixels.take(index)
        _, height, width = self.shape
        if self._evaluation == "resize":
            return self._to_input(antialiased(levels.float(), (height, width)))
        top, left = (round((have - want) / 2) for have, want in zip(levels.shape[2:], (height, width), strict=True))
        return self._to_input(levels[:, :, top : top + height, left : left + width])
