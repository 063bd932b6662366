"""The student's adversarial loss and its gradient, against autograd and NumPy, in float64."""

import numpy as np
import pytest
import torch
from reference_critic import HIDDEN, OBJECTIVES, batch, make, parameters_of, reference_net
from torch import nn
from torch.nn.functional import softplus


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_student_loss_and_its_gradient(objective: str, hidden: str) -> None:
    discriminator = make(hidden, objective=objective)
    net = reference_net(discriminator)
    z = batch(1)[1].requires_grad_()
    d = net(z - z.mean(1, keepdim=True))
    expected = softplus(-d).mean() if objective == "bce" else -d.mean()
    torch.testing.assert_close(discriminator.student_loss(z), expected, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(
        torch.autograd.grad(0.3 * discriminator.student_loss(z), z),
        torch.autograd.grad(0.3 * expected, z),
        rtol=1e-11,
        atol=1e-14,
    )
    assert torch.autograd.gradcheck(discriminator.student_loss, z)


def test_student_after_one_sgd_step_against_the_updated_critic() -> None:
    teacher, _, u = batch(0)
    x = batch(2)[0]
    discriminator = make()
    student = nn.Linear(5, 5, dtype=torch.float64)
    weight = student.weight.detach().numpy().copy()
    optimizer = torch.optim.SGD(student.parameters(), lr=0.5)
    z = student(x)
    z_numpy = z.detach().numpy()
    discriminator.critic_step(teacher, z.detach(), u)
    (0.1 * discriminator.student_loss(z)).backward()
    optimizer.step()

    tensors = [tensor.numpy() for tensor in parameters_of(discriminator)]
    entering = z_numpy - z_numpy.mean(axis=1, keepdims=True)
    masks = []
    for W, b in zip(tensors[:-2:2], tensors[1:-2:2], strict=True):
        hidden = entering @ W.T + b
        masks.append(np.where(hidden > 0, 1.0, 0.2))
        entering = masks[-1] * hidden
    by_z = np.repeat(tensors[-2], 6, axis=0) * (-0.1 / 6)
    for W, mask in zip(tensors[-4::-2], masks[::-1], strict=True):
        by_z = (mask * by_z) @ W
    by_z = by_z - by_z.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(student.weight.detach(), weight - 0.5 * by_z.T @ x.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_an_offset_of_the_logits_changes_nothing(objective: str) -> None:
    teacher, student, u = batch(0)
    plain, moved = make(objective=objective), make(objective=objective)
    offset = torch.arange(6, dtype=torch.float64)[:, None]
    first, second = plain.critic_step(teacher, student, u), moved.critic_step(teacher + offset, student - 2 * offset, u)
    torch.testing.assert_close(second.loss, first.loss)
    torch.testing.assert_close(moved.values(student + offset), plain.values(student))
    z = student.clone().requires_grad_()
    plain.student_loss(z).backward()
    assert z.grad is not None
    torch.testing.assert_close(z.grad.sum(1), torch.zeros(6, dtype=torch.float64), rtol=0, atol=1e-15)


def test_logits_are_left_alone_and_the_critic_gets_no_gradient() -> None:
    discriminator = make()
    teacher, student, u = batch(0)
    copies = teacher.clone(), student.clone()
    discriminator.critic_step(teacher, student.requires_grad_(), u)
    before = discriminator.state()["parameters"]
    discriminator.student_loss(student).backward()
    assert torch.equal(teacher, copies[0])
    assert torch.equal(student, copies[1])
    assert torch.equal(discriminator.state()["parameters"], before)
    assert not discriminator.state()["parameters"].requires_grad


def test_records_and_losses_can_enter_autograd_and_later_arithmetic() -> None:
    discriminator = make()
    teacher, student, u = batch(0)
    records = [discriminator.critic_step(teacher, student, u) for _ in range(2)]
    z = student.requires_grad_()
    total = discriminator.student_loss(z) + z.square().mean()
    total.backward()
    assert torch.isfinite(torch.stack([record.loss for record in records]).mean() + total.detach())


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize(("teacher_value", "student_value"), [(1e4, -1e4), (-1e4, 1e4), (1e4, 1e4)])
def test_saturated_logits_give_finite_values(objective: str, teacher_value: float, student_value: float) -> None:
    discriminator = make("16-8", objective=objective, dtype=torch.float32)
    teacher, student = torch.zeros(6, 5), torch.zeros(6, 5)
    teacher[:, 0], student[:, 1] = teacher_value, student_value
    for _ in range(2):
        record = discriminator.critic_step(teacher, student, torch.full((6, 1), 0.5))
        assert torch.isfinite(torch.stack(record)).all()
    student.requires_grad_()
    loss = discriminator.student_loss(student)
    loss.backward()
    assert torch.isfinite(loss)
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()
    assert torch.isfinite(discriminator.state()["parameters"]).all()
