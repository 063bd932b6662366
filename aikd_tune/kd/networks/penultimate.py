"""Penultimate features of any network: what goes into the linear layer that gives the logits."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from aikd_tune.errors import UserError

_MARK = "gives_logits"


def mark_logits_layer(network: nn.Module, layer: nn.Linear | None) -> None:
    """Note on every linear layer of ``network`` whether it is the one that gives the logits; None: none does."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            setattr(module, _MARK, module is layer)


def _logits_layer(network: nn.Module) -> nn.Linear | None:
    """The marked layer; without marks the last one, which it is in every network of this package."""
    found = None
    for module in network.modules():
        if isinstance(module, nn.Linear) and getattr(module, _MARK, True):
            found = module
    return found


class Penultimate:
    """Calls ``network`` and hands back the input of the linear layer that gives its logits beside them.

    Works for networks compiled in place (``network.compile()``) too. Raises UserError where there is no such layer.
    """

    def __init__(self, network: nn.Module) -> None:
        layer = _logits_layer(network)
        if layer is None:
            raise _refusal(network)
        self._network, self._layer = network, layer
        self._features: Tensor | None = None
        self._compiled: Callable[[Tensor], Tensor] | None = None
        self.num_features: int = layer.in_features

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) to logits (B, K) and features (B, F), both with gradients."""
        hook = self._layer.register_forward_pre_hook(self._catch)
        try:
            logits = self._forward()(images)
        finally:
            hook.remove()
            features, self._features = self._features, None
        if features is None or features.shape != (len(images), self.num_features):
            raise _refusal(self._network)
        return logits, features

    def _catch(self, _: nn.Module, inputs: tuple[Tensor]) -> None:
        self._features = inputs[0]

    def _forward(self) -> Callable[[Tensor], Tensor]:
        """The network; where it is compiled, another compilation: the first one may have been made without the hook."""
        if self._network._compiled_call_impl is None:
            return self._network
        if self._compiled is None:
            self._compiled = torch.compile(self._call, dynamic=False)
        return self._compiled

    def _call(self, images: Tensor) -> Tensor:
        logits: Tensor = self._network(images)
        return logits


def _refusal(network: nn.Module) -> UserError:
    return UserError(
        "distill.adversarial.input: features needs a network whose logits come from a linear layer, "
        f"found {type(network).__name__}"
    )
