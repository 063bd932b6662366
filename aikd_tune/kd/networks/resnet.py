"""ResNet-18 for small images, with post- and pre-activation blocks: a 3x3 stem of stride 1 and no max pool."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from aikd_tune.kd.networks.layers import convolution, normalised


def _stages(block: Callable[[int, int, int], nn.Module], width: int) -> nn.Sequential:
    """Eight blocks, two of each of the widths w, 2w, 4w, 8w; the first of a later stage halves the resolution."""
    blocks: list[nn.Module] = []
    channels = width
    for stage in range(4):
        for number in range(2):
            stride = 2 if stage > 0 and number == 0 else 1
            blocks.append(block(channels, width * 2**stage, stride))
            channels = width * 2**stage
    return nn.Sequential(*blocks)


class _BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm around an identity, or a 1x1 convolution where the shape changes."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = convolution(in_channels, out_channels, 3, stride)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = convolution(out_channels, out_channels, 3)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.projects = stride != 1 or in_channels != out_channels
        if self.projects:
            self.conv3 = convolution(in_channels, out_channels, 1, stride)
            self.norm3 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(normalised(x, self.conv1, self.norm1))
        y = normalised(y, self.conv2, self.norm2)
        return functional.relu(y + (normalised(x, self.conv3, self.norm3) if self.projects else x))


class ResNet18(nn.Module):
    """Post-activation blocks; 11,220,132 parameters at width 64 with 3 channels and 100 classes."""

    def __init__(self, in_channels: int, num_classes: int, width: int) -> None:
        super().__init__()
        self.stem = convolution(in_channels, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.blocks = _stages(_BasicBlock, width)
        self.classifier = nn.Linear(8 * width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """(n, in_channels, H, W) to logits (n, num_classes)."""
        x = self.blocks(functional.relu(normalised(images, self.stem, self.norm)))
        logits: Tensor = self.classifier(x.mean(dim=(2, 3)))
        return logits


class _PreActivationBlock(nn.Module):
    """Batch norm and ReLU before each of two 3x3 convolutions.

    The shortcut starts after the first ReLU, whether or not it projects: an identity adds the activated tensor, where
    the textbook's block adds its input.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = convolution(in_channels, out_channels, 3, stride)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.conv2 = convolution(out_channels, out_channels, 3)
        self.projects = stride != 1 or in_channels != out_channels
        if self.projects:
            self.conv3 = convolution(in_channels, out_channels, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm1(x))
        y: Tensor = self.conv2(functional.relu(self.norm2(self.conv1(x))))
        return y + (self.conv3(x) if self.projects else x)


class PreActResNet18(nn.Module):
    """Pre-activation blocks after a stem with batch norm and ReLU, and neither of them before the mean.

    11,217,444 parameters at width 64 with 3 channels and 100 classes.
    """

    def __init__(self, in_channels: int, num_classes: int, width: int) -> None:
        super().__init__()
        self.stem = convolution(in_channels, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.blocks = _stages(_PreActivationBlock, width)
        self.classifier = nn.Linear(8 * width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """(n, in_channels, H, W) to logits (n, num_classes)."""
        x = self.blocks(functional.relu(self.norm(self.stem(images))))
        logits: Tensor = self.classifier(x.mean(dim=(2, 3)))
        return logits
