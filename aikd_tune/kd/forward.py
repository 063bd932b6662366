"""A network's outputs as everything else wants them: float32, whatever its arithmetic; features where asked for."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from aikd_tune.kd.data.views import ImageSource
from aikd_tune.kd.networks import Penultimate
from aikd_tune.kd.precision import Precision, autocast

_CHUNK_IMAGES = 512
# Larger images come in smaller chunks: on a CPU so that a layer's activations stay near its caches (a ResNet-18 on
# 32x32 took an eighth less time in chunks of 64 than in chunks of 512), on a GPU for its memory.
_CHUNK_PIXELS = {"cpu": 64 * 32 * 32, "cuda": 512 * 64 * 64}
_LEAST_CHUNK = 16


class Outputs(NamedTuple):
    """Logits (n, K), and penultimate features (n, F) or None."""

    logits: Tensor
    features: Tensor | None

    def rows(self, index: Tensor) -> "Outputs":
        """Those of some images."""
        return Outputs(self.logits[index], None if self.features is None else self.features[index])


class Forward:
    """Calls a network in its precision; ``network`` decides by its mode how batch norm and dropout act."""

    def __init__(self, network: nn.Module, precision: Precision, device: str, with_features: bool = False) -> None:
        self.network = network
        self._precision, self._device = precision, device
        self._penultimate = Penultimate(network) if with_features else None

    @property
    def num_features(self) -> int:
        """Width of the features, 0 without them."""
        return 0 if self._penultimate is None else self._penultimate.num_features

    def __call__(self, images: Tensor) -> Outputs:
        """Outputs on normalised images (B, C, H, W)."""
        with autocast(self._precision, self._device):
            if self._penultimate is None:
                return Outputs(self.network(images).float(), None)
            logits, features = self._penultimate(images)
        return Outputs(logits.float(), features.float())

    def chunk_images(self, images: ImageSource) -> int:
        """Images in a chunk of an evaluation, from 16 to 512, by their size and the kind of device."""
        _, height, width = images.shape
        pixels = _CHUNK_PIXELS["cpu" if torch.device(self._device).type == "cpu" else "cuda"]
        return max(_LEAST_CHUNK, min(_CHUNK_IMAGES, pixels // (height * width)))

    @torch.no_grad()
    def predict(self, images: ImageSource) -> Outputs:
        """Outputs on all images in eval mode, in chunks whose bounds depend on the images' number and shape alone."""
        self.network.eval()
        parts = [self(chunk) for chunk in images.chunks(self.chunk_images(images))]
        features = [part.features for part in parts if part.features is not None]
        return Outputs(torch.cat([part.logits for part in parts]), torch.cat(features) if features else None)
