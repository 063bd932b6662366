"""A network from the study's fields."""

from collections.abc import Callable

from torch import nn

from aikd_tune.errors import UserError
from aikd_tune.kd.networks.densenet import DenseNet121
from aikd_tune.kd.networks.resnet import PreActResNet18, ResNet18
from aikd_tune.kd.networks.small_cnn import SmallCNN
from aikd_tune.kd.networks.user_networks import user_network
from aikd_tune.spec.catalogue import DEFAULT_WIDTHS, OWN_NETWORKS, is_own_code
from aikd_tune.spec.fields import Model

_OWN: dict[str, Callable[[int, int, int], nn.Module]] = {
    "small_cnn": SmallCNN,
    "resnet18_cifar": ResNet18,
    "preact_resnet18_cifar": PreActResNet18,
    "densenet121_cifar": DenseNet121,
}
_LEAST_SIDES = {"small_cnn": 4, "densenet121_cifar": 8}  # halved without padding on the way


def build(model: Model, image_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """A freshly initialised network from images (n, C, H, W) of ``image_shape`` (C, H, W) to logits (n, num_classes).

    It draws from torch's global generator: call it inside ``randomness.seeded``. Raises UserError where the network
    cannot be made with its arguments, or does not take images of this shape.
    """
    if is_own_code(model.name):
        return user_network(model, image_shape, num_classes)
    if model.name not in OWN_NETWORKS:
        # here: importing torchvision takes about a second, which a worker with a network of ours need not spend
        from aikd_tune.kd.networks.torchvision_networks import torchvision_network

        return torchvision_network(model, image_shape, num_classes)
    in_channels, height, width_pixels = image_shape
    least = _LEAST_SIDES.get(model.name, 1)
    if min(height, width_pixels) < least:
        found = f"found {height}x{width_pixels}; set data.size"
        raise UserError(f"model.name: {model.name} needs images of at least {least}x{least} pixels, {found}")
    width = model.width or DEFAULT_WIDTHS[model.name]
    if model.name == "densenet121_cifar" and width % 2:
        raise UserError(f"model.width: densenet121_cifar grows by half of it, so it must be even, found {width}")
    return _OWN[model.name](in_channels, num_classes, width)
