"""Parameter counts, and the forwards against functional references written apart from the modules."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from aikd_tune.kd.networks import batch_norms, build, num_parameters
from aikd_tune.kd.randomness import seeded
from aikd_tune.spec.fields import Model


def make(name: str, width: int | None = None, in_channels: int = 3, num_classes: int = 10) -> nn.Module:
    with seeded(0, "init"):
        return build(Model.model_validate({"name": name, "width": width}), in_channels, num_classes)


def in_order(network: nn.Module) -> list[Tensor]:
    """Every parameter and running statistic, in double precision, in the order of the modules."""
    return [t.detach().double() for t in network.state_dict().values() if t.is_floating_point()]


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
    """Takes tensors off a list in turn."""

    def __init__(self, tensors: list[Tensor]) -> None:
        self._tensors = tensors
        self._next = 0

    def take(self) -> Tensor:
        self._next += 1
        return self._tensors[self._next - 1]

    def conv_norm(self, x: Tensor, stride: int = 1) -> Tensor:
        kernel = self.take()
        x = functional.conv2d(x, kernel, stride=stride, padding=(kernel.shape[-1] - 1) // 2)
        gamma, beta, mean, variance = (self.take()[:, None, None] for _ in range(4))
        return gamma * (x - mean) / torch.sqrt(variance + 1e-5) + beta

    def linear(self, x: Tensor) -> Tensor:
        weight = self.take()
        y = x @ weight.T + self.take()
        assert self._next == len(self._tensors)
        return y


def small_cnn_reference(network: nn.Module, x: Tensor) -> Tensor:
    tape = Tape(in_order(network))
    x = tape.conv_norm(x).relu()
    x = x.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2))
    x = tape.conv_norm(x).relu()
    x = x.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2))
    x = tape.conv_norm(x).relu()
    return tape.linear(x.mean((2, 3)))


def resnet_reference(network: nn.Module, x: Tensor) -> Tensor:
    tape = Tape(in_order(network))
    x = tape.conv_norm(x).relu()
    for stride, changes in (
        (1, False),
        (1, False),
        (2, True),
        (1, False),
        (2, True),
        (1, False),
        (2, True),
        (1, False),
    ):
        y = tape.conv_norm(x, stride).relu()
        y = tape.conv_norm(y)
        x = (y + (tape.conv_norm(x, stride) if changes else x)).relu()
    return tape.linear(x.mean((2, 3)))


def test_resnet18_has_the_published_number_of_parameters() -> None:
    assert num_parameters(make("resnet18_cifar", num_classes=100)) == 11_220_132
    assert num_parameters(make("resnet18_cifar", num_classes=10)) == 11_173_962


def test_small_cnn_number_of_parameters() -> None:
    # kernels 9 (1 16 + 16 32 + 32 64), two numbers a batch norm channel, classifier
    assert num_parameters(make("small_cnn", in_channels=1)) == 9 * (16 + 512 + 2048) + 2 * 112 + 650
    assert num_parameters(make("small_cnn", width=4)) == 9 * (12 + 32 + 128) + 2 * 28 + 170


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 32), (3, 9)])
def test_small_cnn_forward(channels: int, size: int) -> None:
    network = drawn(make("small_cnn", in_channels=channels)).eval()
    images = torch.randn(4, channels, size, size, generator=torch.Generator().manual_seed(2))
    expected = small_cnn_reference(network, images.double())
    assert expected.shape == (4, 10)
    torch.testing.assert_close(network(images).double(), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(network.double()(images.double()), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", [32, 20])
def test_resnet18_forward(size: int) -> None:
    network = drawn(make("resnet18_cifar", width=8, num_classes=7)).double().eval()
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(2)).double()
    torch.testing.assert_close(network(images), resnet_reference(network, images), rtol=1e-9, atol=1e-9)


def test_resnet18_at_full_width() -> None:
    network = drawn(make("resnet18_cifar", num_classes=100)).double().eval()
    images = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(2)).double()
    torch.testing.assert_close(network(images), resnet_reference(network, images), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "count"), [("small_cnn", 3), ("resnet18_cifar", 20)])
def test_batch_norms(name: str, count: int) -> None:
    norms = batch_norms(make(name, width=4))
    assert len(norms) == count
    assert all(isinstance(norm, nn.BatchNorm2d) for norm in norms)


@pytest.mark.parametrize("name", ["small_cnn", "resnet18_cifar"])
def test_initial_weights_depend_on_the_seed_alone(name: str) -> None:
    first = make(name, width=4)
    torch.rand(3)
    again = make(name, width=4)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    with seeded(1, "init"):
        other = build(Model.model_validate({"name": name, "width": 4}), 3, 10)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


@pytest.mark.parametrize("name", ["small_cnn", "resnet18_cifar"])
def test_every_parameter_gets_a_gradient_in_training(name: str) -> None:
    network = make(name, width=4).train()
    images = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    functional.cross_entropy(network(images), torch.arange(6)).backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.parametrize("name", ["small_cnn", "resnet18_cifar"])
def test_training_mode_normalises_by_the_batch(name: str) -> None:
    """With the batch's own moments as running statistics, evaluation repeats the training forward."""
    network = drawn(make(name, width=4)).double().train()
    images = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(2)).double()
    variances: list[Tensor] = []  # of n, as training has them; the running ones are of n - 1

    def remember(_: nn.Module, inputs: tuple[Tensor]) -> None:
        variances.append(inputs[0].var(dim=(0, 2, 3), unbiased=False).detach())

    for norm in batch_norms(network):
        norm.momentum = 1.0
        norm.register_forward_pre_hook(remember)
    expected = network(images)
    for norm, variance in zip(batch_norms(network), variances, strict=True):
        assert norm.running_var is not None
        norm.running_var.copy_(variance)
    torch.testing.assert_close(network.eval()(images), expected, rtol=1e-9, atol=1e-9)
