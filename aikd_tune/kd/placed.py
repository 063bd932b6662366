"""A trial's images on its device: training images as views, validation and test images as they are evaluated."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch

from aikd_tune.errors import DataError
from aikd_tune.kd.data.decoded import Images, Labels
from aikd_tune.kd.data.load import load
from aikd_tune.kd.data.normalisation import normalisation
from aikd_tune.kd.data.splits import Indices, split
from aikd_tune.kd.data.views import EpochViews, EvaluationImages, ImageSource, Pixels
from aikd_tune.kd.data.views.drawn import Draws
from aikd_tune.spec.facts import DataFacts, input_shape
from aikd_tune.spec.fields import Data, Views

_KEPT = 2  # splits that a worker keeps placed: the search's, and the confirmation's where that differs
_placed: OrderedDict[tuple[Data, str, str], "PlacedImages"] = OrderedDict()


@dataclass(frozen=True)
class Part:
    """Images for evaluation with their place in the data set."""

    images: ImageSource  # (n, C, S, S')
    labels: Labels  # (n,)
    indices: Indices  # (n,)


class PlacedImages:
    """Training and validation images of one split on one device; the test part is read only when asked for.

    Raises DataError where ``data.size`` is above the decoded images' side.
    """

    def __init__(self, data: Data, train_on: str, device: str) -> None:
        self._data, self._images = data, load(data)
        self.facts: DataFacts = self._images.facts
        if data.fingerprint not in (None, self.facts.fingerprint):  # another node may hold another copy
            raise DataError(
                f"{data.path or data.name}: must hold the images of data.fingerprint ({data.fingerprint}), "
                f"found others ({self.facts.fingerprint})"
            )
        self.input_shape: tuple[int, int, int] = input_shape(data.size, self.facts)  # of what the network sees
        _, height, width = self.facts.image_shape
        if data.size is not None and data.size > min(height, width):
            raise DataError(
                f"data.size: must be at most the side of the decoded images ({width}x{height}), found {data.size}"
            )
        self._device = torch.device(device)
        self._split = split(data, self.facts)
        self._normalisation = normalisation(data, self.facts)
        indices = self._split.train if train_on == "train" else np.concatenate([self._split.train, self._split.val])
        self._pixels = Pixels(self._images.images, indices, self._device)
        self.labels = torch.from_numpy(self._images.labels[indices]).to(self._device)  # (n,)
        self.val = self._part(self._images.images, self._images.labels, self._split.val)

    def __len__(self) -> int:
        return len(self._pixels)

    def views(self, views: Views, draws: Draws) -> EpochViews:
        """Augmented training images (n, C, S, S') of one epoch, in the split's order.

        ``draws`` gives the epoch's generator for each purpose: "views" for crops and flips, "views/resized_crop",
        "views/rotation", "views/cutout" and "views/mix", each asked for only where the recipe has it. Raises
        DataError where the network sees another size than was decoded and no resized crop makes it.
        """
        if not views.resized_crop and self.input_shape != self.facts.image_shape:
            _, height, width = self.facts.image_shape
            raise DataError(
                f"data.size: must be the decoded images' side unless data.views.resized_crop is above 0 "
                f"({width}x{height}), found {self._data.size}"
            )
        return EpochViews(self._pixels, views, self._normalisation, self.input_shape, draws)

    def test(self) -> Part:
        """The test part; calling this opens the test set."""
        images, labels = self._images.test_images, self._images.test_labels
        if images is None or labels is None:
            return self._part(self._images.images, self._images.labels, self._split.test)
        return self._part(images, labels, self._split.test)

    def _part(self, images: Images, labels: Labels, indices: Indices) -> Part:
        pixels = Pixels(images, indices, self._device)
        source = EvaluationImages(pixels, self._data.evaluation, self._normalisation, self.input_shape)
        return Part(source, labels[indices], indices)


def place(data: Data, train_on: str, device: str) -> PlacedImages:
    """The images of a split on a device; trials of one process share them, whatever their views."""
    key = (data.model_copy(update={"views": Views()}), train_on, device)
    if key not in _placed:
        _placed[key] = PlacedImages(data, train_on, device)
        while len(_placed) > _KEPT:
            _placed.popitem(last=False)
    _placed.move_to_end(key)
    return _placed[key]
