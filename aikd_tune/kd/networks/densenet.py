"""DenseNet-121 for small images: a 3x3 stem of stride 1 and no max pool."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from aikd_tune.kd.networks.layers import convolution

_LAYERS = (6, 12, 24, 16)
_BOTTLENECK = 4


class _DenseLayer(nn.Module):
    """Appends ``growth`` channels, by a 1x1 convolution to four times as many and a 3x3; batch norm and ReLU first."""

    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = convolution(in_channels, _BOTTLENECK * growth, 1)
        self.norm2 = nn.BatchNorm2d(_BOTTLENECK * growth)
        self.conv2 = convolution(_BOTTLENECK * growth, growth, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.norm2(self.conv1(functional.relu(self.norm1(x)))))
        return torch.cat((x, self.conv2(y)), dim=1)


class _Transition(nn.Module):
    """Halves the channels by a 1x1 convolution, and the resolution by a mean over 2x2."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = convolution(in_channels, in_channels // 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(self.conv(functional.relu(self.norm(x))), 2)


class DenseNet121(nn.Module):
    """Dense blocks of 6, 12, 24 and 16 layers, each adding half of ``width`` (even) channels; a stem of ``width``.

    7,048,548 parameters at width 64 (growth 32) with 3 channels and 100 classes. Images of 8 pixels and more.
    """

    def __init__(self, in_channels: int, num_classes: int, width: int) -> None:
        super().__init__()
        assert width % 2 == 0
        self.stem = convolution(in_channels, width, 3)
        layers: list[nn.Module] = []
        channels = width
        for block, count in enumerate(_LAYERS):
            if block > 0:
                layers.append(_Transition(channels))
                channels //= 2
            for _ in range(count):
                layers.append(_DenseLayer(channels, width // 2))
                channels += width // 2
        self.layers = nn.Sequential(*layers)
        self.norm = nn.BatchNorm2d(channels)
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """(n, in_channels, H, W) to logits (n, num_classes)."""
        x = functional.relu(self.norm(self.layers(self.stem(images))))
        logits: Tensor = self.classifier(x.mean(dim=(2, 3)))
        return logits
