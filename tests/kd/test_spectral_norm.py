"""Spectral normalisation of the critic against torch's parametrisation, with autograd and torch's Adam, in float64."""

from typing import Any

import pytest
import torch
from reference_critic import HIDDEN, batch, make, parameters_of, reference_net
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.utils import parametrizations

from aikd_tune.kd.discriminator import Discriminator
from aikd_tune.kd.randomness import generator

BCE: dict[str, Any] = {"objective": "bce", "spectral_norm": True}


def vectors(discriminator: Discriminator, name: str, widths: list[int]) -> list[Tensor]:
    return [tensor.clone() for tensor in discriminator.state()[f"spectral_{name}"].split(widths)]


def reference(discriminator: Discriminator) -> nn.Sequential:
    """The net with torch's spectral norm on every layer, from the same weights, u and v; in eval mode."""
    net = reference_net(discriminator).eval()
    linears = [module for module in net if isinstance(module, nn.Linear)]
    u = vectors(discriminator, "u", [linear.out_features for linear in linears])
    v = vectors(discriminator, "v", [linear.in_features for linear in linears])
    for linear, left, right in zip(linears, u, v, strict=True):
        parametrizations.spectral_norm(linear)
        norm: Any = linear.parametrizations.weight[0]
        norm._u.copy_(left)
        norm._v.copy_(right)
    return net


def centred(logits: Tensor) -> Tensor:
    return logits - logits.mean(dim=1, keepdim=True)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_parameters_and_estimates_after_adam_steps_are_those_of_torch(hidden: str) -> None:
    discriminator = make(hidden, **BCE)
    net = reference(discriminator)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2, betas=(0.5, 0.9))
    for seed in range(5):
        teacher, student, u = batch(seed)
        record = discriminator.critic_step(teacher, student, u)
        net.train()  # this one forward moves the estimate
        d_teacher, d_student = net(torch.cat([centred(teacher), centred(student)])).split(6)
        net.eval()
        loss = softplus(-d_teacher).mean() + softplus(d_student).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        torch.testing.assert_close(record.loss, loss.detach(), rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(record.gap, (d_teacher.mean() - d_student.mean()).detach(), rtol=1e-9, atol=1e-12)

        z = batch(50 + seed)[1].requires_grad_()
        expected = softplus(-net(centred(z))).mean()
        ours = discriminator.student_loss(z)
        torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(
            torch.autograd.grad(ours, z), torch.autograd.grad(expected, z), rtol=1e-8, atol=1e-13
        )
    found = parameters_of(discriminator)
    linears = [module for module in net if isinstance(module, nn.Linear)]
    for linear, weight, bias in zip(linears, found[::2], found[1::2], strict=True):
        raw: Any = linear.parametrizations.weight
        torch.testing.assert_close(weight, raw.original.detach(), rtol=1e-8, atol=1e-11)
        torch.testing.assert_close(bias, linear.bias.detach(), rtol=1e-8, atol=1e-11)
    for name in ("u", "v"):
        ends = [linear.out_features if name == "u" else linear.in_features for linear in linears]
        for linear, ours in zip(linears, vectors(discriminator, name, ends), strict=True):
            norm: Any = linear.parametrizations.weight[0]
            torch.testing.assert_close(ours, getattr(norm, f"_{name}"), rtol=1e-8, atol=1e-11)


def test_one_iteration_an_update_and_none_by_looking() -> None:
    teacher, student, _ = batch(0)
    mix = torch.rand(3, 6, 1, dtype=torch.float64)
    at_once, in_turn = make(**BCE), make(**BCE)
    at_once.critic_steps(teacher, student, mix)
    for u in mix:
        in_turn.critic_step(teacher, student, u)
        in_turn.values(student)
        in_turn.student_loss(student)
    assert all(torch.equal(at_once.state()[name], tensor) for name, tensor in in_turn.state().items())


def test_state_continues_bit_for_bit_and_the_estimate_is_part_of_it() -> None:
    straight, stopped = (make(dtype=torch.float32, **BCE) for _ in range(2))
    for seed in range(3):
        straight.critic_step(*batch(seed, dtype=torch.float32))
    state = straight.state()
    assert set(state) == {"parameters", "mean", "square", "step", "spectral_u", "spectral_v"}
    looked_at = batch(9, dtype=torch.float32)[0]
    stopped.load_state(state)
    assert torch.equal(stopped.values(looked_at), straight.values(looked_at))
    for critic in (straight, stopped):
        critic.critic_step(*batch(3, dtype=torch.float32))
    assert all(torch.equal(stopped.state()[name], tensor) for name, tensor in straight.state().items())
    assert torch.equal(stopped.values(looked_at), straight.values(looked_at))
    assert not torch.equal(state["spectral_u"], straight.state()["spectral_u"])


def test_the_estimate_is_drawn_after_the_parameters_and_counts_as_none() -> None:
    plain, normalised = make(objective="bce"), make(**BCE)
    assert torch.equal(plain.state()["parameters"], normalised.state()["parameters"])
    assert plain.num_parameters == normalised.num_parameters
    assert torch.equal(make(**BCE).state()["spectral_v"], normalised.state()["spectral_v"])


@pytest.mark.parametrize("hidden", [*HIDDEN, "256-64"])
def test_a_critic_starts_with_an_estimate_that_can_be_used(hidden: str) -> None:
    discriminator = make(hidden, classes=10, **BCE)
    for weight in discriminator._acting.weights:
        norm = torch.linalg.matrix_norm(weight, 2).item()
        assert 1 - 1e-9 <= norm < 1.15  # u^T W v is never above the largest singular value
    assert torch.isfinite(discriminator.values(batch(0, classes=10)[0])).all()


@pytest.mark.parametrize("objective", ["wgan-gp", "hinge"])
def test_other_objectives_ignore_the_field(objective: str) -> None:
    plain, asked = make(objective=objective), make(objective=objective, spectral_norm=True)
    for discriminator in (plain, asked):
        discriminator.critic_step(*batch(0))
    assert plain.state().keys() == asked.state().keys()
    assert all(torch.equal(plain.state()[name], tensor) for name, tensor in asked.state().items())


def test_layers_have_a_norm_of_one_however_large_their_weights_are() -> None:
    discriminator = make("32-16", classes=10, **BCE)
    state = discriminator.state()
    discriminator.load_state(state | {"parameters": 40.0 * state["parameters"]})
    teacher, student, _ = batch(0, 32, 10)
    discriminator.critic_steps(teacher, student, torch.zeros(60, 32, 1))
    layers = discriminator._acting
    for weight, raw in zip(layers.weights, discriminator.layers.weights, strict=True):
        assert torch.linalg.matrix_norm(raw, 2) > 2.0
        assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1.0, abs=0.05)
    nearby = student + 1e-3 * torch.randn(32, 10, dtype=torch.float64, generator=generator(0, "nearby"))
    change = (discriminator.values(nearby) - discriminator.values(student)).abs()
    assert (change <= 1.1 * (nearby - student).norm(dim=1)).all()


def test_saturated_logits_give_finite_values() -> None:
    discriminator = make("16-8", dtype=torch.float32, **BCE)
    teacher, student = torch.zeros(6, 5), torch.zeros(6, 5)
    teacher[:, 0], student[:, 1] = 1e4, -1e4
    for _ in range(3):
        record = discriminator.critic_step(teacher, student, torch.full((6, 1), 0.5))
        assert torch.isfinite(torch.stack(record)).all()
    assert torch.isfinite(discriminator.student_loss(student))
    assert torch.isfinite(discriminator.state()["parameters"]).all()
