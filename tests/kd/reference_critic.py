"""Small discriminators with their batches, and the same nets and losses as torch modules and autograd see them."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from aikd_tune.kd.discriminator import Discriminator
from aikd_tune.kd.randomness import generator
from aikd_tune.spec.fields import AdversarialTerm

OBJECTIVES = ["wgan-gp", "bce", "hinge"]
HIDDEN = ["6", "7-3", "5-8-4", "3-3-3-3"]


def make(hidden: str = "7-3", classes: int = 5, dtype: torch.dtype = torch.float64, **fields: Any) -> Discriminator:
    term = AdversarialTerm.model_validate({"lr": 1e-2, "hidden": hidden, **fields})
    return Discriminator(classes, term, generator(0, "critic-init"), dtype=dtype)


def batch(seed: int, size: int = 6, classes: int = 5, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    """Logits of teacher and student, and u (B, 1)."""
    draws = torch.Generator().manual_seed(seed)
    teacher, student = (3 * torch.randn(size, classes, generator=draws, dtype=dtype) for _ in range(2))
    return teacher, student, torch.rand(size, 1, generator=draws, dtype=dtype)


def parameters_of(discriminator: Discriminator) -> list[Tensor]:
    """Weight (out, in) and bias of every layer, as copies."""
    layers = discriminator.layers
    pairs = zip(layers.weights, layers.biases, strict=True)
    return [tensor.clone() for weight, bias in pairs for tensor in (weight.t().contiguous(), bias)]


def reference_net(discriminator: Discriminator) -> nn.Sequential:
    """The same net as torch modules."""
    tensors = parameters_of(discriminator)
    modules: list[nn.Module] = []
    for weight, bias in zip(tensors[::2], tensors[1::2], strict=True):
        linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
        linear.weight.data, linear.bias.data = weight, bias
        modules += [linear, nn.LeakyReLU(0.2)]
    return nn.Sequential(*modules[:-1], nn.Flatten(0))


def reference_loss(
    net: nn.Module, term: AdversarialTerm, teacher: Tensor, student: Tensor, u: Tensor, centred: bool = True
) -> tuple[Tensor, Tensor]:
    """The critic's loss and gap by METHOD's formulas, with autograd's own double backward."""
    if centred:
        teacher = teacher - teacher.mean(1, keepdim=True)
        student = student - student.mean(1, keepdim=True)
    d_teacher, d_student = net(teacher), net(student)
    gap = d_teacher.mean() - d_student.mean()
    if term.objective == "bce":
        return softplus(-d_teacher).mean() + softplus(d_student).mean(), gap
    if term.objective == "hinge":
        return relu(1 - d_teacher).mean() + relu(1 + d_student).mean(), gap
    between = (u * teacher + (1 - u) * student).requires_grad_()
    (slope,) = torch.autograd.grad(net(between).sum(), between, create_graph=True)
    return -gap + term.gradient_penalty * (slope.norm(dim=1) - 1).square().mean(), gap
