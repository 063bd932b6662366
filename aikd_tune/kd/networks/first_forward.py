"""One forward of a network that others wrote: what it cannot do shows before any training."""

import torch
from torch import Tensor, nn

from aikd_tune.errors import UserError
from aikd_tune.kd.networks.penultimate import mark_logits_layer

_LONGEST = 200


def told(error: BaseException) -> str:
    """An exception in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}"[:_LONGEST] if lines else type(error).__name__


def require_logits(network: nn.Module, name: str, image_shape: tuple[int, int, int], num_classes: int) -> None:
    """Raise UserError where images (n, C, H, W) of this shape do not give logits (n, num_classes)."""
    found = _fault(network, image_shape, num_classes)
    if found is not None:
        shape = ", ".join(map(str, image_shape))
        raise UserError(
            f"model.name: {name} must turn images (n, {shape}) into logits (n, {num_classes}), found {found}"
        )


def _fault(network: nn.Module, image_shape: tuple[int, int, int], num_classes: int) -> str | None:
    """What two images (2, C, H, W) give in eval mode where it is not logits (2, num_classes); None: it is.

    Also marks the linear layer that gives the logits, for ``Penultimate``, and leaves the modes as they were.
    """
    images = torch.randn(2, *image_shape, generator=torch.Generator().manual_seed(0))
    modes = [(module, module.training) for module in network.modules()]
    calls: list[tuple[nn.Linear, Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda layer, _, output: calls.append((layer, output)))
        for module in network.modules()
        if isinstance(module, nn.Linear)
    ]
    try:
        with torch.no_grad():  # not inference mode: layers that find their shape here make their parameters here
            logits: object = network.eval()(images)
            again: object = network(images)
    except Exception as error:  # whatever a network of the user's own may raise
        return told(error)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes:
            module.training = training
    if not isinstance(logits, Tensor):
        return f"a {type(logits).__name__}"
    if logits.shape != (2, num_classes) or not logits.is_floating_point():
        return f"{str(logits.dtype).removeprefix('torch.')} of shape {tuple(logits.shape)} for 2 images"
    if not (isinstance(again, Tensor) and torch.equal(torch.nan_to_num(logits), torch.nan_to_num(again))):
        return "different ones for the same images in evaluation"
    mark_logits_layer(network, _giving(logits, calls))
    return None


def _giving(logits: Tensor, calls: list[tuple[nn.Linear, Tensor]]) -> nn.Linear | None:
    """The last layer called whose output is the logits; where none is, the last one of their shape (scaled ones)."""
    alike = [(layer, output) for layer, output in calls if output.shape == logits.shape]
    for layer, output in reversed(alike):
        if torch.equal(output, logits):
            return layer
    return alike[-1][0] if alike else None
