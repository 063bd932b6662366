"""SGD with momentum on one flat vector: a few operations a step, however many layers the network has."""

import math

import torch
from torch import Tensor, nn

from aikd_tune.spec.fields import Train

_ALIGNMENT = 64  # numbers: every layer starts at a full cache line, and where a GPU's widest loads may start


class FlatSGD:
    """torch.optim.SGD's update, without dampening, for a network whose weights become views of one vector.

    On a small network ``torch.optim.SGD`` spends ten times as long on its lists as on the numbers.
    """

    def __init__(self, network: nn.Module, train: Train) -> None:
        self._momentum, self._nesterov, self._weight_decay = train.momentum, train.nesterov, train.weight_decay
        parameters = list(network.parameters())
        starts = [0]
        for parameter in parameters:
            starts.append(starts[-1] + math.ceil(parameter.numel() / _ALIGNMENT) * _ALIGNMENT)
        self._parameters = torch.zeros(starts.pop(), device=parameters[0].device)
        self._gradient = torch.zeros_like(self._parameters)
        self._velocity = torch.zeros_like(self._parameters)
        for parameter, start in zip(parameters, starts, strict=True):
            layout = (parameter.shape, parameter.stride(), start)
            self._parameters.as_strided(*layout).copy_(parameter.detach())
            parameter.data = self._parameters.as_strided(*layout)
            parameter.grad = self._gradient.as_strided(*layout)  # autograd adds to a gradient that is there

    def clear_gradient(self) -> None:
        """Before a backward pass, which adds to what is there."""
        self._gradient.zero_()

    def gradient_norm(self) -> Tensor:
        """L2 norm of the gradient of the loss, without weight decay; 0-d."""
        norm: Tensor = torch.linalg.vector_norm(self._gradient)
        return norm

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Update the network; what the gradient holds is used up."""
        gradient = self._gradient.add_(self._parameters, alpha=self._weight_decay)
        velocity = self._velocity.mul_(self._momentum).add_(gradient)
        update = gradient.add_(velocity, alpha=self._momentum) if self._nesterov else velocity
        self._parameters.add_(update, alpha=-learning_rate)

    def state(self) -> Tensor:
        """What the next step depends on beside the network's weights."""
        return self._velocity

    def load_state(self, velocity: Tensor) -> None:
        """Go on from ``state()``."""
        self._velocity.copy_(velocity)
