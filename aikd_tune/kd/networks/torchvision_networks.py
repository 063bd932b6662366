"""The classifiers of ``torchvision.models`` by name, freshly initialised; their published weights are never loaded."""

import torchvision
from torch import Tensor, nn

from aikd_tune.errors import UserError
from aikd_tune.kd.networks.arguments import Argument, parse
from aikd_tune.kd.networks.first_forward import require_logits, told
from aikd_tune.spec.fields import Model

_DECIDED_HERE = ("aux_logits", "image_size", "input_size", "num_classes", "pretrained", "progress", "weights")
_MAXVIT_STEP = 224  # halved five times it still parts into windows of 7
_PADDED = {"swin": 4, "efficientnet": 1}  # families that pad: their published weights state more than they need


def torchvision_network(model: Model, image_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """``torchvision.models.<name>`` for images (n, C, H, W), with ``model.arguments``; one grey channel is repeated.

    GoogLeNet and Inception come without their auxiliary classifiers. Raises UserError where the network cannot take
    the arguments or images of this shape.
    """
    arguments = parse(model.arguments)
    for name in _DECIDED_HERE:
        if name in arguments:
            raise UserError(
                f"model.arguments: must not name {', '.join(_DECIDED_HERE)}, which are decided already, found {name}"
            )
    problem = _wrong_size(model.name, image_shape)
    if problem is not None:
        raise UserError(f"model.name: {model.name} {problem}")
    try:
        network: nn.Module = torchvision.models.get_model(
            model.name, weights=None, num_classes=num_classes, **(_implied(model.name, image_shape) | arguments)
        )
    except Exception as error:  # an argument goes to code of many authors, each with errors of its own
        raise UserError(f'model.arguments: {model.name} must take "{model.arguments}", found {told(error)}') from error
    if image_shape[0] == 1:
        network.register_forward_pre_hook(_repeat_grey)
    require_logits(network, model.name, image_shape, num_classes)
    return network


def _wrong_size(name: str, image_shape: tuple[int, int, int]) -> str | None:
    """What the network needs of images (C, H, W), and what was found, where these are not what it can take."""
    channels, height, width = image_shape
    if channels not in (1, 3):
        return f"needs images of 1 or 3 channels, found {channels}"
    found = f"found {height}x{width}; set data.size"
    if name.startswith("vit_"):
        patch = int(name.rpartition("_")[2])
        fits = height == width and height % patch == 0
        return None if fits else f"needs square images of a multiple of {patch} pixels, {found}"
    if name.startswith("maxvit_"):
        fits = height % _MAXVIT_STEP == 0 and width % _MAXVIT_STEP == 0
        return None if fits else f"needs images of a multiple of {_MAXVIT_STEP} pixels, {found}"
    least = _PADDED.get(name.partition("_")[0]) or _published_least(name)
    return None if min(height, width) >= least else f"needs images of at least {least}x{least} pixels, {found}"


def _published_least(name: str) -> int:
    """The least side that the entry of the published weights states; they are not loaded."""
    least: int = max(torchvision.models.get_model_weights(name).DEFAULT.meta["min_size"])
    return least


def _repeat_grey(_: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    """Images (n, 1, H, W) as (n, 3, H, W)."""
    return inputs[0].expand(-1, 3, -1, -1)


def _implied(name: str, image_shape: tuple[int, int, int]) -> dict[str, Argument | tuple[int, int]]:
    """Arguments that follow from the images or keep a network to one output, and quiet about its initialisation."""
    _, height, width = image_shape
    if name in ("googlenet", "inception_v3"):
        return {"aux_logits": False, "init_weights": True}
    if name.startswith("vit_"):
        return {"image_size": height}
    if name.startswith("maxvit_"):
        return {"input_size": (height, width)}
    return {}
