"""A trial's images on its device: training pixels as bytes, validation images ready for the network."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from aikd_tune.kd.data.decoded import Images, Labels
from aikd_tune.kd.data.load import load
from aikd_tune.kd.data.normalisation import normalisation
from aikd_tune.kd.data.splits import Indices, split
from aikd_tune.kd.data.views import draw_views, plain, to_pixels
from aikd_tune.spec.facts import DataFacts
from aikd_tune.spec.fields import Data, Views

_KEPT = 2  # splits that a worker keeps placed: the search's, and the confirmation's where that differs
_placed: OrderedDict[tuple[object, ...], "PlacedImages"] = OrderedDict()


@dataclass(frozen=True)
class Part:
    """Images for evaluation with their place in the data set."""

    images: Tensor  # (n, C, H, W) float32, normalised
    labels: Labels  # (n,)
    indices: Indices  # (n,)


class PlacedImages:
    """Training and validation images of one split on one device; the test part is read only when asked for."""

    def __init__(self, data: Data, train_on: str, device: str) -> None:
        self._images = load(data)
        self.facts: DataFacts = self._images.facts
        self._device = torch.device(device)
        self._split = split(data, self.facts)
        self._normalisation = normalisation(data, self.facts)
        indices = self._split.train if train_on == "train" else np.concatenate([self._split.train, self._split.val])
        self._pixels = to_pixels(self._images.images, indices, self._device)
        self.labels = torch.from_numpy(self._images.labels[indices]).to(self._device)  # (n,)
        self.val = self._part(self._images.images, self._images.labels, self._split.val)

    def __len__(self) -> int:
        return len(self._pixels)

    def views(self, views: Views, generator: torch.Generator) -> Tensor:
        """Augmented training images (n, C, H, W), float32, in the split's order."""
        return draw_views(self._pixels, views, self._normalisation, generator)

    def test(self) -> Part:
        """The test part; calling this opens the test set."""
        images, labels = self._images.test_images, self._images.test_labels
        if images is None or labels is None:
            return self._part(self._images.images, self._images.labels, self._split.test)
        return self._part(images, labels, self._split.test)

    def _part(self, images: Images, labels: Labels, indices: Indices) -> Part:
        pixels = to_pixels(images, indices, self._device)
        return Part(plain(pixels, self._normalisation), labels[indices], indices)


def place(data: Data, train_on: str, device: str) -> PlacedImages:
    """The images of a split on a device; trials of one process share them."""
    key = (data.name, data.path, data.split_seed, data.test, data.val, data.train, train_on, device)
    if key not in _placed:
        _placed[key] = PlacedImages(data, train_on, device)
        while len(_placed) > _KEPT:
            _placed.popitem(last=False)
    _placed.move_to_end(key)
    return _placed[key]
