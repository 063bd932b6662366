"""A network of a user's own that draws while it trains."""

from torch import nn


def build(num_classes: int, in_channels: int, dropout: float = 0.5) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(16, num_classes),
    )
