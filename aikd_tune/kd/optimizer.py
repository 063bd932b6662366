"""SGD, Adam and AdamW on one flat vector: a few operations a step, however many layers the network has."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from aikd_tune.spec.fields import Train

_ALIGNMENT = 64  # numbers: every layer starts at a full cache line, and where a GPU's widest loads may start
_ADAM_EPSILON = 1e-8
_CLIP_EPSILON = 1e-6


class FlatOptimizer(ABC):
    """Updates of a network whose trainable weights, float32 all of them, become views of one vector.

    On a small network the optimisers of ``torch.optim`` spend ten times as long on their lists as on the numbers. The
    vector holds the layers in the network's order, with zeros between them that every update leaves at zero. Where
    biases and normalisation layers do not decay, they come last, so that what decays still is one piece.
    """

    def __init__(self, network: nn.Module, train: Train) -> None:
        self._weight_decay = train.weight_decay
        trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
        decaying = [parameter for parameter in trainable if train.weight_decay_on == "all" or parameter.ndim > 1]
        resting = [parameter for parameter in trainable if train.weight_decay_on == "weights" and parameter.ndim <= 1]
        parameters = decaying + resting
        starts = _starts(parameters)
        size, self._num_decaying = starts[-1], starts[len(decaying)]
        self._parameters = torch.zeros(size, device=parameters[0].device)
        self.gradient = torch.zeros_like(self._parameters)
        for parameter, start in zip(parameters, starts, strict=False):
            # its own order of dimensions, without gaps: a slice of something larger has strides beyond its size
            stride = torch.empty_like(parameter, memory_format=torch.preserve_format).stride()
            layout = (parameter.shape, stride, start)
            self._parameters.as_strided(*layout).copy_(parameter.detach())
            parameter.data = self._parameters.as_strided(*layout)
            parameter.grad = self.gradient.as_strided(*layout)  # autograd adds to a gradient that is there

    def clear_gradient(self) -> None:
        """Before a backward pass, which adds to what is there."""
        self.gradient.zero_()

    def gradient_norm(self) -> Tensor:
        """L2 norm of the gradient of the loss, without weight decay; 0-d, on the device."""
        norm: Tensor = torch.linalg.vector_norm(self.gradient)
        return norm

    def clip(self, norm: Tensor, greatest: float) -> None:
        """Shrink the gradient, whose L2 norm is ``norm``, to ``greatest`` (less a millionth) if it is longer."""
        self.gradient.mul_((greatest / (norm + _CLIP_EPSILON)).clamp_(max=1.0))

    @abstractmethod
    def step(self, learning_rate: float) -> None:
        """Update the network; what the gradient holds is used up."""

    @abstractmethod
    def _memory(self) -> dict[str, Tensor]:
        """What the next step depends on beside the network's weights."""

    def state(self) -> dict[str, Tensor]:
        """Copies of what the next step depends on beside the network's weights."""
        return {name: tensor.clone() for name, tensor in self._memory().items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what ``state`` gave."""
        for name, tensor in self._memory().items():
            tensor.copy_(state[name])


class FlatSGD(FlatOptimizer):
    """torch.optim.SGD's update, without dampening."""

    def __init__(self, network: nn.Module, train: Train) -> None:
        super().__init__(network, train)
        self._momentum, self._nesterov = train.momentum, train.nesterov
        self._velocity = torch.zeros_like(self._parameters)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Update the network; what the gradient holds is used up."""
        decaying = slice(self._num_decaying)
        gradient = self.gradient
        gradient[decaying].add_(self._parameters[decaying], alpha=self._weight_decay)
        velocity = self._velocity.mul_(self._momentum).add_(gradient)
        update = gradient.add_(velocity, alpha=self._momentum) if self._nesterov else velocity
        self._parameters.add_(update, alpha=-learning_rate)

    def _memory(self) -> dict[str, Tensor]:
        return {"velocity": self._velocity}


class FlatAdam(FlatOptimizer):
    """torch.optim.Adam's update, whose weight decay joins the gradient, or AdamW's, whose does not."""

    def __init__(self, network: nn.Module, train: Train) -> None:
        super().__init__(network, train)
        self._beta1, self._beta2 = train.beta1, train.beta2
        # the operations behind torch.optim's fused=True: the classes around them cost several times the update
        self._update = torch._fused_adamw_ if train.optimizer == "adamw" else torch._fused_adam_
        self._mean = torch.zeros_like(self._parameters)
        self._square = torch.zeros_like(self._parameters)
        self._step = torch.zeros((), device=self._parameters.device)
        parts = [(slice(self._num_decaying), self._weight_decay), (slice(self._num_decaying, None), 0.0)]
        self._parts = [
            ([[vector[part]] for vector in (self._parameters, self.gradient, self._mean, self._square)], decay)
            for part, decay in parts
            if self._parameters[part].numel()
        ]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Update the network; what the gradient holds is used up."""
        self._step.add_(1)
        for (parameters, gradient, mean, square), weight_decay in self._parts:
            self._update(
                parameters,
                gradient,
                mean,
                square,
                [],
                [self._step],
                lr=learning_rate,
                beta1=self._beta1,
                beta2=self._beta2,
                weight_decay=weight_decay,
                eps=_ADAM_EPSILON,
                amsgrad=False,
                maximize=False,
            )

    def _memory(self) -> dict[str, Tensor]:
        return {"mean": self._mean, "square": self._square, "step": self._step}


def make_optimizer(network: nn.Module, train: Train) -> FlatOptimizer:
    """The optimiser that ``train`` names; it takes the network's weights over, so make it after moving the network."""
    return FlatSGD(network, train) if train.optimizer == "sgd" else FlatAdam(network, train)


def _starts(parameters: Sequence[Tensor]) -> list[int]:
    """Where each of ``parameters`` starts in the vector, and where the last one ends."""
    starts = [0]
    for parameter in parameters:
        starts.append(starts[-1] + math.ceil(parameter.numel() / _ALIGNMENT) * _ALIGNMENT)
    return starts
