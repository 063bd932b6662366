"""The student's losses on logits: cross-entropy and the distillation term."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Batch mean of the cross-entropy of ``logits`` (B, C) with ``labels`` (B,), in nats.

    Smoothing in torch's form: the target has 1 - smoothing + smoothing / C on the label, smoothing / C elsewhere.
    """
    return functional.cross_entropy(logits, labels, label_smoothing=smoothing)


def distillation(logits: Tensor, target_logits: Tensor, temperature: float) -> Tensor:
    """t^2 KL(softmax(target_logits / t) || softmax(logits / t)), batch mean; both (B, C), gradient for ``logits`` only.

    Log-probabilities serve as ``target_logits`` just as well: softmax ignores the offset.
    """
    loss: Tensor = _Distillation.apply(logits, target_logits, temperature)
    return loss


class _Distillation(torch.autograd.Function):
    """Written out, because its gradient t (q - p) / B is then exactly zero where the two logits are equal.

    Through ``kl_div`` it is q sum(p) - p, and the rounding of sum(p) pushes a student that already agrees.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, target_logits: Tensor, temperature: float) -> Tensor:
        log_p = torch.log_softmax(target_logits / temperature, dim=1)
        log_q = torch.log_softmax(logits / temperature, dim=1)
        p = log_p.exp()
        batch_size = logits.shape[0]
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward((log_q.exp() - p) * (temperature / batch_size))
        return torch.dot(p.flatten(), (log_p - log_q).flatten()) * (temperature**2 / batch_size)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return grad_output * gradient, None, None
