"""The project's networks a second time, as functions of their weights in the order of the state dict."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from aikd_tune.kd.networks import batch_norms, build
from aikd_tune.kd.randomness import seeded
from aikd_tune.spec.fields import Model


def make(
    name: str,
    width: int | None = None,
    in_channels: int = 3,
    num_classes: int = 10,
    size: int = 32,
    arguments: str | None = None,
) -> nn.Module:
    model = Model.model_validate({"name": name, "width": width, "arguments": arguments})
    with seeded(0, "init"):
        return build(model, (in_channels, size, size), num_classes)


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(2))


def drawn(network: nn.Module) -> nn.Module:
    """Weights and statistics as after some training, so that no scale is 1 and no shift 0."""
    draws = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for norm in batch_norms(network):
            for tensor in (norm.weight, norm.bias, norm.running_mean):
                assert tensor is not None
                tensor.normal_(generator=draws)
            assert norm.running_var is not None
            norm.running_var.uniform_(0.5, 2, generator=draws)
    return network


class Tape:
    """Copies of a network's weights and running statistics in double precision, taken in turn."""

    def __init__(self, network: nn.Module) -> None:
        state = {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
        self._tensors = {name: value.detach().double().requires_grad_() for name, value in state.items()}
        self._left = iter(self._tensors.values())
        self._training = network.training

    def take(self) -> Tensor:
        return next(self._left)

    def conv(self, x: Tensor, stride: int = 1) -> Tensor:
        kernel = self.take()
        return functional.conv2d(x, kernel, stride=stride, padding=(kernel.shape[-1] - 1) // 2)

    def norm(self, x: Tensor) -> Tensor:
        gamma, beta, mean, variance = (self.take()[:, None, None] for _ in range(4))
        if self._training:
            mean = x.mean((0, 2, 3), keepdim=True)
            variance = (x - mean).square().mean((0, 2, 3), keepdim=True)
        return gamma * (x - mean) / torch.sqrt(variance + 1e-5) + beta

    def conv_norm(self, x: Tensor, stride: int = 1) -> Tensor:
        return self.norm(self.conv(x, stride))

    def linear(self, x: Tensor) -> Tensor:
        weight = self.take()
        y = x @ weight.T + self.take()
        assert next(self._left, None) is None
        return y

    def gradients(self) -> dict[str, Tensor | None]:
        return {name: tensor.grad for name, tensor in self._tensors.items()}


def small_cnn(tape: Tape, x: Tensor) -> Tensor:
    x = tape.conv_norm(x).relu()
    x = x.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2))
    x = tape.conv_norm(x).relu()
    x = x.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2))
    x = tape.conv_norm(x).relu()
    return tape.linear(x.mean((2, 3)))


_STRIDES = (1, 1, 2, 1, 2, 1, 2, 1)  # where it is 2 the shortcut projects


def resnet18(tape: Tape, x: Tensor) -> Tensor:
    x = tape.conv_norm(x).relu()
    for stride in _STRIDES:
        y = tape.conv_norm(x, stride).relu()
        y = tape.conv_norm(y)
        x = (y + (tape.conv_norm(x, stride) if stride == 2 else x)).relu()
    return tape.linear(x.mean((2, 3)))


def preact_resnet18(
    tape: Tape, x: Tensor, identity_of_activated: bool = True, projection_of_activated: bool = True
) -> Tensor:
    """The family's; with either switch off, the shortcut of that kind starts at the block's input."""
    x = tape.conv_norm(x).relu()
    for stride in _STRIDES:
        activated = tape.norm(x).relu()
        y = tape.norm(tape.conv(activated, stride)).relu()
        y = tape.conv(y)
        if stride == 2:
            x = y + tape.conv(activated if projection_of_activated else x, 2)
        else:
            x = y + (activated if identity_of_activated else x)
    return tape.linear(x.mean((2, 3)))


def densenet121(tape: Tape, x: Tensor) -> Tensor:
    x = tape.conv(x)
    for block, count in enumerate((6, 12, 24, 16)):
        if block:
            x = tape.conv(tape.norm(x).relu())
            x = x.unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2))
        for _ in range(count):
            y = tape.conv(tape.norm(x).relu())
            x = torch.cat((x, tape.conv(tape.norm(y).relu())), 1)
    return tape.linear(tape.norm(x).relu().mean((2, 3)))


REFERENCES = {
    "small_cnn": small_cnn,
    "resnet18_cifar": resnet18,
    "preact_resnet18_cifar": preact_resnet18,
    "densenet121_cifar": densenet121,
}
