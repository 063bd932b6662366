"""Losses against NumPy transcriptions in float64 and against torch's own forms."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from aikd_tune.kd.losses import cross_entropy, distillation

Floats = NDArray[np.float64]


def softmax(z: Floats) -> Floats:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def numpy_cross_entropy(z: Floats, y: NDArray[np.int64], smoothing: float) -> tuple[float, Floats]:
    target = np.full_like(z, smoothing / z.shape[1])
    target[np.arange(len(z)), y] += 1 - smoothing
    p = softmax(z)
    return float(-(target * np.log(p)).sum() / len(z)), (p - target) / len(z)


def numpy_distillation(z: Floats, target: Floats, t: float) -> tuple[float, Floats]:
    p, q = softmax(target / t), softmax(z / t)
    return float(t**2 * (p * (np.log(p) - np.log(q))).sum() / len(z)), t * (q - p) / len(z)


def logits(seed: int, batch: int = 6, classes: int = 5, scale: float = 3.0) -> Tensor:
    return scale * torch.randn(batch, classes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


LABELS = torch.tensor([0, 4, 2, 2, 1, 3])


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_cross_entropy_is_the_transcription(smoothing: float) -> None:
    z = logits(0).requires_grad_()
    loss = cross_entropy(z, LABELS, smoothing)
    loss.backward()
    value, gradient = numpy_cross_entropy(z.detach().numpy(), LABELS.numpy(), smoothing)
    assert loss.item() == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(z.grad, gradient, atol=1e-14)


@pytest.mark.parametrize("temperature", [1.0, 4.0, 0.5])
def test_distillation_is_the_transcription(temperature: float) -> None:
    z, target = logits(0).requires_grad_(), logits(1).requires_grad_()
    loss = distillation(z, target, temperature)
    loss.backward()
    value, gradient = numpy_distillation(z.detach().numpy(), target.detach().numpy(), temperature)
    assert loss.item() == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(z.grad, gradient, atol=1e-14)
    assert target.grad is None


def test_distillation_is_torch_kl_div() -> None:
    z, target = logits(0).requires_grad_(), logits(1)
    expected = 9 * torch.nn.functional.kl_div(
        (z / 3).log_softmax(1), (target / 3).log_softmax(1), reduction="batchmean", log_target=True
    )
    torch.testing.assert_close(distillation(z, target, 3.0), expected)
    torch.testing.assert_close(
        torch.autograd.grad(distillation(z, target, 3.0), z), torch.autograd.grad(expected, z), rtol=1e-12, atol=1e-14
    )


def test_distillation_gradient_by_finite_differences() -> None:
    target = logits(1)
    assert torch.autograd.gradcheck(lambda z: 0.7 * distillation(z, target, 2.0), logits(0).requires_grad_())


def test_log_probabilities_serve_as_target_logits() -> None:
    z, target = logits(0), logits(1)
    torch.testing.assert_close(distillation(z, target.log_softmax(1), 4.0), distillation(z, target, 4.0))


def test_a_student_that_agrees_is_not_pushed_at_all() -> None:
    z = torch.randn(64, 100, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = distillation(z, z.detach().clone(), 4.0)
    loss.backward()
    assert loss.item() == 0.0
    assert z.grad is not None
    assert torch.count_nonzero(z.grad) == 0


@pytest.mark.parametrize("value", [1e4, -1e4])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_saturated_logits_give_finite_values_and_gradients(value: float, temperature: float) -> None:
    z = torch.zeros(2, 5)
    z[:, 0] = value
    target = torch.zeros(2, 5)
    target[0, 1] = 1e4
    target[1, 1] = -1e4
    z.requires_grad_()
    loss = distillation(z, target, temperature) + cross_entropy(z, torch.tensor([1, 0]), 0.1)
    loss.backward()
    assert torch.isfinite(loss)
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()
    assert loss.item() > 0


def test_all_parameters_after_one_sgd_step() -> None:
    """A linear student under all three terms, Nesterov momentum and weight decay, against NumPy."""
    x = torch.randn(6, 7, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    teacher, previous = logits(3), logits(4)
    student = torch.nn.Linear(7, 5, dtype=torch.float64)
    weight, bias = (parameter.detach().numpy().copy() for parameter in student.parameters())
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    velocity_w, velocity_b = np.zeros_like(weight), np.zeros_like(bias)
    for _ in range(2):
        z = student(x)
        loss = 0.8 * cross_entropy(z, LABELS, 0.1) + 0.3 * distillation(z, teacher, 4.0)
        loss = loss + 0.2 * distillation(z, previous, 2.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        z_numpy = x.numpy() @ weight.T + bias
        by_z = (
            0.8 * numpy_cross_entropy(z_numpy, LABELS.numpy(), 0.1)[1]
            + 0.3 * numpy_distillation(z_numpy, teacher.numpy(), 4.0)[1]
            + 0.2 * numpy_distillation(z_numpy, previous.numpy(), 2.0)[1]
        )
        by_weight = by_z.T @ x.numpy() + 5e-4 * weight
        by_bias = by_z.sum(axis=0) + 5e-4 * bias
        velocity_w = 0.9 * velocity_w + by_weight
        velocity_b = 0.9 * velocity_b + by_bias
        weight = weight - 0.1 * (by_weight + 0.9 * velocity_w)
        bias = bias - 0.1 * (by_bias + 0.9 * velocity_b)
        np.testing.assert_allclose(student.weight.detach(), weight, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(student.bias.detach(), bias, rtol=1e-12, atol=1e-15)
