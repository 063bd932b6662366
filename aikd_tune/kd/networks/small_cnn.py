"""The small network for images of 8 to 32 pixels on a CPU."""

from torch import Tensor, nn
from torch.nn import functional

from aikd_tune.kd.networks.layers import convolution, normalised


class SmallCNN(nn.Module):
    """Three stages of 3x3 convolution, batch norm and ReLU of w, 2w, 4w channels; max pools between, mean last."""

    def __init__(self, in_channels: int, num_classes: int, width: int) -> None:
        super().__init__()
        self.conv1 = convolution(in_channels, width, 3)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = convolution(width, 2 * width, 3)
        self.norm2 = nn.BatchNorm2d(2 * width)
        self.conv3 = convolution(2 * width, 4 * width, 3)
        self.norm3 = nn.BatchNorm2d(4 * width)
        self.classifier = nn.Linear(4 * width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """(n, in_channels, H, W) to logits (n, num_classes)."""
        x = functional.relu(normalised(images, self.conv1, self.norm1))
        x = functional.relu(normalised(functional.max_pool2d(x, 2), self.conv2, self.norm2))
        x = functional.relu(normalised(functional.max_pool2d(x, 2), self.conv3, self.norm3))
        logits: Tensor = self.classifier(x.mean(dim=(2, 3)))
        return logits
