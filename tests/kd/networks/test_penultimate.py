"""Features by one interface: the input of the layer that gives the logits, with gradients, for any network."""

import copy
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from network_references import make, noise
from torch import nn

from aikd_tune.errors import UserError
from aikd_tune.kd.networks import Penultimate

SOURCE = '''
import torch
from torch import nn

class FirstDefined(nn.Module):
    """The layer of the logits is neither the last that is defined nor the only one of its shape."""
    def __init__(self, num_classes):
        super().__init__()
        self.head = nn.Linear(5, num_classes)
        self.body = nn.Linear(64, 5)
        self.auxiliary = nn.Linear(5, num_classes)

    def forward(self, images):
        x = self.body(images.flatten(1)).relu()
        logits = self.head(x)
        self.auxiliary(2 * x)
        return logits

class Scaled(FirstDefined):
    def forward(self, images):
        return 2 * self.head(self.body(images.flatten(1)).relu())

class Convolved(nn.Module):
    """A linear layer there is, but not for the logits."""
    def __init__(self, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(1, num_classes, 3)
        self.gate = nn.Linear(num_classes, 1)

    def forward(self, images):
        x = self.conv(images).mean((2, 3))
        return x * self.gate(x).sigmoid()

class Patchwise(nn.Module):
    """Logits of every row, averaged: its features are no vectors."""
    def __init__(self, num_classes):
        super().__init__()
        self.head = nn.Linear(8, num_classes)

    def forward(self, images):
        return self.head(images[:, 0]).mean(1)
'''


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "odd_nets.py").write_text(SOURCE)
    yield
    sys.modules.pop("odd_nets", None)


@pytest.mark.parametrize(
    ("name", "num_features"),
    [("small_cnn", 16), ("resnet18_cifar", 32), ("preact_resnet18_cifar", 32), ("densenet121_cifar", 64)],
)
@pytest.mark.parametrize("training", [True, False])
def test_own_networks(name: str, num_features: int, training: bool) -> None:
    network = make(name, width=4, size=8).train(training)
    penultimate, images = Penultimate(network), noise(3, 3, 8, 8)
    logits, features = penultimate(images)
    assert penultimate.num_features == num_features
    assert features.shape == (3, num_features)
    assert torch.equal(logits, network(images))
    layer = network.classifier
    assert isinstance(layer, nn.Linear)
    assert torch.equal(layer(features), logits)


def test_gradients_flow_through_the_features() -> None:
    network = make("small_cnn", width=4, size=8)
    logits, features = Penultimate(network)(noise(3, 3, 8, 8))
    features.sum().backward(retain_graph=True)
    assert isinstance(network.classifier, nn.Linear)
    assert network.classifier.weight.grad is None
    assert network.get_parameter("conv1.weight").grad is not None
    logits.sum().backward()
    assert network.classifier.weight.grad is not None


@pytest.mark.parametrize(("name", "scale"), [("FirstDefined", 1), ("Scaled", 2)])
def test_layer_of_the_logits_is_found_by_a_forward(name: str, scale: int) -> None:
    network = make(f"odd_nets:{name}", in_channels=1, size=8)
    penultimate = Penultimate(network)
    logits, features = penultimate(noise(3, 1, 8, 8))
    head = network.head
    assert isinstance(head, nn.Linear)
    assert penultimate.num_features == 5
    torch.testing.assert_close(scale * head(features), logits)
    _, others = Penultimate(copy.deepcopy(network))(noise(3, 1, 8, 8))
    assert torch.equal(others, features)


@pytest.mark.parametrize("name", ["Convolved", "Patchwise"])
def test_networks_without_such_a_layer(name: str) -> None:
    network = make(f"odd_nets:{name}", in_channels=1, size=8)
    with pytest.raises(UserError) as caught:
        Penultimate(network)(noise(3, 1, 8, 8))
    assert str(caught.value) == (
        f"distill.adversarial.input: features needs a network whose logits come from a linear layer, found {name}"
    )


def test_networks_that_build_never_saw() -> None:
    """The last linear layer it is, if its input turns out to be features."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.Linear(5, 3))
    logits, features = Penultimate(network)(noise(2, 1, 8, 8))
    assert torch.equal(network[2](features), logits)
    patchwise = importlib.import_module("odd_nets").Patchwise(3)
    with pytest.raises(UserError, match=r"found Patchwise$"):
        Penultimate(patchwise)(noise(2, 1, 8, 8))


def test_nothing_is_left_on_the_network() -> None:
    network = make("small_cnn", width=4, size=8)
    before = list(network.state_dict())
    penultimate = Penultimate(network)
    penultimate(noise(3, 3, 8, 8))
    with pytest.raises(RuntimeError):
        penultimate(noise(3, 5, 8, 8))
    assert list(network.state_dict()) == before
    assert all(not part._forward_pre_hooks and not part._forward_hooks for part in network.modules())


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("called_before", [True, False])
def test_compiled_networks(called_before: bool) -> None:
    """In either order of the first plain forward and the first with features, and in both modes."""
    torch._dynamo.reset()
    plain = make("small_cnn", width=4, size=8, num_classes=7).double()  # batch norm of few images magnifies rounding
    compiled, images = copy.deepcopy(plain), noise(4, 3, 8, 8).double()
    compiled.compile()
    for training in (True, False):
        plain.train(training)
        compiled.train(training)
        if called_before:
            torch.testing.assert_close(compiled(images), plain(images))
        logits, features = Penultimate(compiled)(images)
        expected_logits, expected = Penultimate(plain)(images)
        torch.testing.assert_close(logits, expected_logits)
        torch.testing.assert_close(features, expected)
        (logits.sum() + features.square().sum()).backward()
        (expected_logits.sum() + expected.square().sum()).backward()
    for (path, parameter), other in zip(compiled.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, other.grad, msg=path)
