"""Networks of torchvision by name: every one of the catalogue, one of each family through a training step."""

import pytest
import torch
import torchvision
from network_references import make, noise
from torch import nn
from torch.nn import functional

from aikd_tune.errors import UserError
from aikd_tune.kd.networks import Penultimate, build
from aikd_tune.kd.networks.torchvision_networks import _implied, _wrong_size
from aikd_tune.spec.catalogue import TORCHVISION_NETWORKS
from aikd_tune.spec.fields import Model

FAMILIES = [  # name, side of the images, features
    ("densenet121", 32, 1024),
    ("efficientnet_b0", 32, 1280),
    ("googlenet", 32, 1024),
    ("inception_v3", 75, 2048),
    ("mnasnet0_5", 32, 1280),
    ("mobilenet_v2", 32, 1280),
    ("mobilenet_v3_small", 32, 1024),
    ("regnet_x_400mf", 32, 400),
    ("regnet_y_400mf", 32, 440),
    ("resnet18", 32, 512),
    ("shufflenet_v2_x0_5", 32, 1024),
    ("squeezenet1_1", 32, None),
]
LARGE_FAMILIES = [
    ("alexnet", 63, 4096),
    ("convnext_tiny", 32, 768),
    ("efficientnet_v2_s", 32, 1280),
    ("maxvit_t", 224, 512),
    ("resnext50_32x4d", 32, 2048),
    ("swin_t", 32, 768),
    ("swin_v2_t", 32, 768),
    ("vgg11", 32, 4096),
    ("vgg11_bn", 32, 4096),
    ("vit_b_16", 48, 768),
    ("wide_resnet50_2", 32, 2048),
]
PATCHES = {"vit_b_16": 16, "vit_b_32": 32, "vit_l_16": 16, "vit_l_32": 32, "vit_h_14": 14}


def test_catalogue_is_torchvisions() -> None:
    assert sorted(TORCHVISION_NETWORKS) == sorted(torchvision.models.list_models(module=torchvision.models))


def through_a_step(name: str, side: int, num_features: int | None) -> None:
    """Builds, trains one step in training mode, and has features of which its last layer makes the logits."""
    network = make(name, size=side, num_classes=7)
    assert all(module.training for module in network.modules())
    images, labels = noise(8, 3, side, side), torch.arange(8) % 7
    before = [parameter.detach().clone() for parameter in network.parameters()]
    torch.manual_seed(0)  # dropout and stochastic depth
    loss = functional.cross_entropy(network(images), labels)
    loss.backward()
    torch.optim.SGD(network.parameters(), lr=1e-5).step()
    assert loss.isfinite()
    assert any(not torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))
    if num_features is None:
        with pytest.raises(UserError, match=r"^distill\.adversarial\.input: features needs a network whose logits "):
            Penultimate(network)
        return
    with torch.no_grad():
        penultimate = Penultimate(network.eval())
        logits, features = penultimate(images)
        assert (penultimate.num_features, features.shape) == (num_features, (8, num_features))
        torch.testing.assert_close(logits, network(images))
        last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
        torch.testing.assert_close(last(features), logits)


@pytest.mark.parametrize(("name", "side", "num_features"), FAMILIES)
def test_family(name: str, side: int, num_features: int | None) -> None:
    through_a_step(name, side, num_features)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "side", "num_features"), LARGE_FAMILIES)
def test_large_family(name: str, side: int, num_features: int | None) -> None:
    through_a_step(name, side, num_features)


@pytest.mark.parametrize(("name", "side"), [("resnet18", 8), ("mnasnet0_5", 16)])
def test_grey_images_are_repeated_and_the_weights_stay_the_same(name: str, side: int) -> None:
    grey, colour = (make(name, in_channels=channels, size=side).eval() for channels in (1, 3))
    assert [(key, value.shape) for key, value in grey.state_dict().items()] == [
        (key, value.shape) for key, value in colour.state_dict().items()
    ]
    images = noise(2, 1, side, side)
    torch.testing.assert_close(grey(images), colour(images.repeat(1, 3, 1, 1)), rtol=0, atol=0)


def test_regnet_takes_the_smallest_images() -> None:
    assert make("regnet_x_400mf", size=1).eval()(noise(2, 3, 1, 1)).shape == (2, 10)


def test_same_seed_same_weights() -> None:
    first, again = make("mobilenet_v3_small"), make("mobilenet_v3_small")
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def test_a_new_network_has_seen_no_images() -> None:
    network = make("mnasnet0_5")
    fresh = torchvision.models.get_model("mnasnet0_5", weights=None)
    for name, buffer in network.named_buffers():
        assert torch.equal(buffer, fresh.get_buffer(name)), name


def test_arguments_reach_the_network() -> None:
    dropouts = [m for m in make("mobilenet_v3_small", arguments="dropout=0.35").modules() if isinstance(m, nn.Dropout)]
    assert [dropout.p for dropout in dropouts] == [0.35]
    narrow = make("mobilenet_v2", arguments="width_mult=0.35, dropout=0")
    assert Penultimate(narrow).num_features == 1280
    assert isinstance(make("googlenet", arguments="init_weights=false", size=15), nn.Module)


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "message"),
    [
        (
            "inception_v3",
            None,
            (3, 80, 74),
            "model.name: inception_v3 needs images of at least 75x75 pixels, found 80x74; set data.size",
        ),
        (
            "vit_b_16",
            None,
            (3, 30, 30),
            "model.name: vit_b_16 needs square images of a multiple of 16 pixels, found 30x30; set data.size",
        ),
        (
            "vit_b_32",
            None,
            (3, 32, 64),
            "model.name: vit_b_32 needs square images of a multiple of 32 pixels, found 32x64; set data.size",
        ),
        (
            "maxvit_t",
            None,
            (3, 32, 32),
            "model.name: maxvit_t needs images of a multiple of 224 pixels, found 32x32; set data.size",
        ),
        ("resnet18", None, (4, 32, 32), "model.name: resnet18 needs images of 1 or 3 channels, found 4"),
        (
            "resnet18",
            "weights=DEFAULT",
            (3, 32, 32),
            "model.arguments: must not name aux_logits, image_size, input_size, num_classes, pretrained, progress, "
            "weights, which are decided already, found weights",
        ),
        (
            "resnet18",
            "depth=3",
            (3, 32, 32),
            'model.arguments: resnet18 must take "depth=3", found TypeError: ResNet.__init__() got an unexpected '
            "keyword argument 'depth'",
        ),
        (
            "resnet18",
            "width_per_group=128",
            (3, 32, 32),
            'model.arguments: resnet18 must take "width_per_group=128", found ValueError: BasicBlock only supports '
            "groups=1 and base_width=64",
        ),
    ],
)
def test_what_cannot_be_built(name: str, arguments: str | None, shape: tuple[int, int, int], message: str) -> None:
    with pytest.raises(UserError) as caught:
        build(Model.model_validate({"name": name, "arguments": arguments}), shape, 10)
    assert str(caught.value) == message


def forwards(name: str, side: int) -> bool:
    """Whether the network is built and gives logits for images of this size, by shapes alone.

    Not for RegNet, which computes its widths with tensors.
    """
    try:
        with torch.device("meta"), torch.no_grad():
            network = torchvision.models.get_model(name, weights=None, num_classes=7, **_implied(name, (3, side, side)))
            return network.eval()(torch.empty(2, 3, side, side)).shape == (2, 7)
    except (AssertionError, RuntimeError, ValueError):
        return False


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [name for name in sorted(TORCHVISION_NETWORKS) if not name.startswith("regnet_")])
def test_least_size_is_the_least_that_works(name: str) -> None:
    patch = PATCHES.get(name, 1)
    step = 224 if name == "maxvit_t" else patch
    fits = [side for side in range(step, 225, step) if _wrong_size(name, (3, side, side)) is None]
    least = fits[0]
    assert forwards(name, least)
    assert least == step or not forwards(name, least - step)
    assert step == 1 or not forwards(name, least + 1)
