"""Parameter counts, and forwards and gradients against functional references written apart from the modules."""

import pytest
import torch
from network_references import REFERENCES, Tape, drawn, make, noise, preact_resnet18
from torch import Tensor, nn
from torch.nn import functional

from aikd_tune.errors import UserError
from aikd_tune.kd.networks import batch_norms, build, num_parameters
from aikd_tune.kd.randomness import seeded
from aikd_tune.spec.catalogue import OWN_NETWORKS
from aikd_tune.spec.fields import Model

NAMES = sorted(REFERENCES)


def test_every_network_of_ours_has_a_reference() -> None:
    assert set(NAMES) == OWN_NETWORKS


@pytest.mark.parametrize(
    ("name", "count"),
    [("resnet18_cifar", 11_220_132), ("preact_resnet18_cifar", 11_217_444), ("densenet121_cifar", 7_048_548)],
)
def test_published_number_of_parameters(name: str, count: int) -> None:
    with torch.device("meta"):
        assert num_parameters(make(name, num_classes=100)) == count


def test_small_cnn_number_of_parameters() -> None:
    # kernels 9 (1 16 + 16 32 + 32 64), two numbers a batch norm channel, classifier
    assert num_parameters(make("small_cnn", in_channels=1)) == 9 * (16 + 512 + 2048) + 2 * 112 + 650
    assert num_parameters(make("small_cnn", width=4)) == 9 * (12 + 32 + 128) + 2 * 28 + 170


@pytest.mark.parametrize(("width", "growth"), [(2, 1), (12, 6), (128, 64)])
def test_densenet_grows_by_half_its_width(width: int, growth: int) -> None:
    channels, count = 2 * growth, 27 * 2 * growth
    for block, layers in enumerate((6, 12, 24, 16)):
        if block:
            count += 2 * channels + channels * channels // 2
            channels //= 2
        for _ in range(layers):
            count += 2 * channels + channels * 4 * growth + 8 * growth + 9 * 4 * growth * growth
            channels += growth
    with torch.device("meta"):
        assert num_parameters(make("densenet121_cifar", width=width)) == count + 2 * channels + 10 * channels + 10


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("small_cnn", (4, 1, 8, 8)),
        ("small_cnn", (4, 3, 32, 32)),
        ("small_cnn", (4, 3, 9, 6)),
        ("resnet18_cifar", (2, 3, 32, 32)),
        ("resnet18_cifar", (3, 1, 20, 20)),
        ("preact_resnet18_cifar", (2, 3, 32, 32)),
        ("preact_resnet18_cifar", (3, 1, 20, 12)),
        ("densenet121_cifar", (3, 3, 16, 16)),
        ("densenet121_cifar", (2, 1, 18, 17)),
    ],
)
def test_forward_and_gradients(name: str, shape: tuple[int, int, int, int], training: bool) -> None:
    network = drawn(make(name, width=6, in_channels=shape[1], num_classes=7)).double().train(training)
    images, tape = noise(*shape).double(), Tape(network)
    logits, expected = network(images), REFERENCES[name](tape, images)
    assert expected.shape == (shape[0], 7)
    torch.testing.assert_close(logits, expected, rtol=1e-8, atol=1e-8)
    weights = noise(*expected.shape).double()
    (logits * weights).sum().backward()
    (expected * weights).sum().backward()
    gradients = tape.gradients()
    for path, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[path], rtol=1e-6, atol=1e-8, msg=path)


def test_small_cnn_in_single_precision() -> None:
    network = drawn(make("small_cnn")).eval()
    images = noise(4, 3, 32, 32)
    expected = REFERENCES["small_cnn"](Tape(network), images.double())
    torch.testing.assert_close(network(images).double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["resnet18_cifar", "preact_resnet18_cifar"])
def test_resnets_at_full_width(name: str) -> None:
    network = drawn(make(name, num_classes=100)).double().eval()
    images = noise(1, 3, 8, 8).double()
    torch.testing.assert_close(network(images), REFERENCES[name](Tape(network), images), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("identity", "projection"), [(False, True), (True, False), (False, False)])
def test_preact_shortcuts_are_not_the_textbooks(identity: bool, projection: bool, training: bool) -> None:
    network = drawn(make("preact_resnet18_cifar", width=4)).double().train(training)
    images = noise(3, 3, 16, 16).double()
    logits, other = network(images), preact_resnet18(Tape(network), images, identity, projection)
    assert ((logits - other).abs() > 1e-3 * other.abs()).float().mean() > 0.9


@pytest.mark.parametrize(
    ("name", "count"),
    [("small_cnn", 3), ("resnet18_cifar", 20), ("preact_resnet18_cifar", 17), ("densenet121_cifar", 120)],
)
def test_batch_norms(name: str, count: int) -> None:
    norms = batch_norms(make(name, width=4))
    assert len(norms) == count
    assert all(isinstance(norm, nn.BatchNorm2d) for norm in norms)


def test_batch_norms_of_any_dimension_that_keep_statistics() -> None:
    norms = [nn.BatchNorm1d(2), nn.BatchNorm2d(2, track_running_stats=False), nn.GroupNorm(1, 2), nn.BatchNorm3d(2)]
    assert batch_norms(nn.Sequential(*norms)) == [norms[0], norms[3]]


@pytest.mark.parametrize("name", NAMES)
def test_initial_weights_depend_on_the_seed_alone(name: str) -> None:
    first = make(name, width=4)
    torch.rand(3)
    again = make(name, width=4)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    with seeded(1, "init"):
        other = build(Model.model_validate({"name": name, "width": 4}), (3, 8, 8), 10)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_gets_a_gradient_in_training(name: str) -> None:
    network = make(name, width=4).train()
    functional.cross_entropy(network(noise(6, 3, 8, 8)), torch.arange(6)).backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.parametrize("name", NAMES)
def test_training_mode_normalises_by_the_batch(name: str) -> None:
    """With the batch's own moments as running statistics, evaluation repeats the training forward."""
    network = drawn(make(name, width=4)).double().train()
    images = noise(6, 3, 8, 8).double()
    variances: list[Tensor] = []  # of n, as training has them; the running ones are of n - 1

    def remember(_: nn.Module, inputs: tuple[Tensor]) -> None:
        variances.append(inputs[0].var(dim=(0, 2, 3), unbiased=False).detach())

    called: list[nn.Module] = []
    for norm in batch_norms(network):
        norm.momentum = 1.0
        norm.register_forward_pre_hook(remember)
        norm.register_forward_pre_hook(lambda module, _: called.append(module))
    expected = network(images)
    for norm, variance in zip(list(called), variances, strict=True):
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_var is not None
        norm.running_var.copy_(variance)
    assert set(called) == set(batch_norms(network))
    torch.testing.assert_close(network.eval()(images), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("fields", "shape", "message"),
    [
        (
            {"name": "densenet121_cifar", "width": 33},
            (3, 32, 32),
            "model.width: densenet121_cifar grows by half of it, so it must be even, found 33",
        ),
        (
            {"name": "densenet121_cifar"},
            (3, 7, 32),
            "model.name: densenet121_cifar needs images of at least 8x8 pixels, found 7x32; set data.size",
        ),
        (
            {"name": "small_cnn"},
            (1, 8, 3),
            "model.name: small_cnn needs images of at least 4x4 pixels, found 8x3; set data.size",
        ),
    ],
)
def test_what_cannot_be_built(fields: dict[str, object], shape: tuple[int, int, int], message: str) -> None:
    with pytest.raises(UserError) as caught:
        build(Model.model_validate(fields), shape, 10)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "side"), [("small_cnn", 4), ("densenet121_cifar", 8), ("resnet18_cifar", 1), ("preact_resnet18_cifar", 1)]
)
def test_smallest_images(name: str, side: int) -> None:
    network = make(name, width=4, size=side)
    assert network(noise(2, 3, side, side)).isfinite().all()
