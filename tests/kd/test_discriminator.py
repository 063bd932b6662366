"""The written-out critic against autograd's double backward, NumPy and torch's Adam, in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu, softplus

from aikd_tune.kd.discriminator import Discriminator
from aikd_tune.kd.randomness import generator
from aikd_tune.spec.fields import AdversarialTerm

OBJECTIVES = ["wgan-gp", "bce", "hinge"]
HIDDEN = ["6", "7-3", "5-8-4", "3-3-3-3"]


def make(hidden: str = "7-3", classes: int = 5, dtype: torch.dtype = torch.float64, **fields: Any) -> Discriminator:
    term = AdversarialTerm.model_validate({"lr": 1e-2, **fields})
    return Discriminator(classes, hidden, term, generator(0, "critic-init"), dtype=dtype)


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


def reference_loss(net: nn.Module, term: AdversarialTerm, *tensors: Tensor) -> tuple[Tensor, Tensor]:
    """The critic's loss and gap by METHOD's formulas, with autograd's own double backward."""
    teacher, student, u = tensors
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


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_critic_gradients_are_autograd_s(objective: str, hidden: str) -> None:
    term = AdversarialTerm.model_validate({"objective": objective, "gradient_penalty": 7.0})
    discriminator = make(hidden, objective=objective, gradient_penalty=7.0)
    net = reference_net(discriminator)
    for seed, size in enumerate((6, 3, 6, 1)):  # alternating sizes share nothing
        tensors = batch(seed, size)
        net = reference_net(discriminator)
        loss, gap = reference_loss(net, term, *tensors)
        expected = torch.autograd.grad(loss, list(net.parameters()))
        record = discriminator.critic_step(*tensors)
        torch.testing.assert_close(record.loss, loss.detach(), rtol=1e-12, atol=1e-13)
        torch.testing.assert_close(record.gap, gap.detach(), rtol=1e-12, atol=1e-13)
        layers = discriminator._gradient_layers
        for weight, bias, by_weight, by_bias in zip(
            layers.weights, layers.biases, expected[::2], expected[1::2], strict=True
        ):
            torch.testing.assert_close(weight.t(), by_weight, rtol=1e-10, atol=1e-13)
            torch.testing.assert_close(bias, by_bias, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_all_parameters_after_adam_steps(objective: str) -> None:
    fields = {"objective": objective, "beta1": 0.4, "beta2": 0.8}
    term = AdversarialTerm.model_validate(fields)
    discriminator = make("7-3", **fields)
    net = reference_net(discriminator)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2, betas=(0.4, 0.8))
    for seed in range(4):
        tensors = batch(seed)
        discriminator.critic_step(*tensors)
        optimizer.zero_grad()
        reference_loss(net, term, *tensors)[0].backward()
        optimizer.step()
    for ours, theirs in zip(parameters_of(discriminator), net.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-9, atol=1e-12)


def test_one_hidden_layer_by_hand() -> None:
    """Critic step and student loss of wgan-gp in NumPy, sample by sample, with a hand-made Adam step."""
    discriminator = make("4", classes=3, gradient_penalty=2.0)
    W, b, w, c = (tensor.numpy() for tensor in parameters_of(discriminator))
    teacher, student, u = (tensor.numpy() for tensor in batch(0, 5, 3))
    T, S = (z - z.mean(axis=1, keepdims=True) for z in (teacher, student))
    last_bias = c.copy()
    by = [np.zeros_like(W), np.zeros_like(b), np.zeros_like(w)]
    loss = 0.0
    for i in range(5):
        for x, sign in ((T[i], -1), (S[i], 1)):
            hidden = W @ x + b
            m = np.where(hidden > 0, 1.0, 0.2)
            loss += sign * (w[0] @ (m * hidden) + c[0]) / 5
            by[0] += sign * np.outer(w[0] * m, x) / 5
            by[1] += sign * w[0] * m / 5
            by[2] += sign * (m * hidden)[None] / 5
        x = u[i] * T[i] + (1 - u[i]) * S[i]
        m = np.where(W @ x + b > 0, 1.0, 0.2)
        g = W.T @ (m * w[0])
        norm = np.sqrt(g @ g)
        loss += 2.0 * (norm - 1) ** 2 / 5
        v = 2.0 * 2 * (norm - 1) / 5 * g / norm
        by[0] += np.outer(m * w[0], v)
        by[2] += (m * (W @ v))[None]
    expected = [
        p - 1e-2 * (0.5 * g / 0.5) / (np.sqrt(0.1 * g**2 / 0.1) + 1e-8) for p, g in zip((W, b, w), by, strict=True)
    ]
    record = discriminator.critic_step(*batch(0, 5, 3))
    assert record.loss.item() == pytest.approx(loss, rel=1e-12)
    W, b, w, c = (tensor.numpy() for tensor in parameters_of(discriminator))
    for ours, theirs in zip((W, b, w), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert c == last_bias  # it cancels: not even rounding may move it

    z = torch.from_numpy(student).requires_grad_()
    student_loss = discriminator.student_loss(z)
    student_loss.backward()
    hidden = S @ W.T + b
    m = np.where(hidden > 0, 1.0, 0.2)
    by_input = -(m * w[0]) @ W / 5
    assert student_loss.item() == pytest.approx(-((m * hidden) @ w[0] + c[0]).mean(), rel=1e-12)
    np.testing.assert_allclose(z.grad, by_input - by_input.mean(axis=1, keepdims=True), rtol=1e-11, atol=1e-15)


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


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_critic_steps_are_single_steps_in_turn(objective: str) -> None:
    teacher, student, _ = batch(0, dtype=torch.float32)
    mix = torch.rand(3, 6, 1, generator=torch.Generator().manual_seed(5))
    at_once, in_turn = (make(dtype=torch.float32, objective=objective) for _ in range(2))
    record = at_once.critic_steps(teacher, student, mix)
    records = [in_turn.critic_step(teacher, student, u) for u in mix]
    assert all(torch.equal(at_once.state()[name], tensor) for name, tensor in in_turn.state().items())
    torch.testing.assert_close(record.loss, torch.stack([r.loss for r in records]).mean())
    torch.testing.assert_close(record.gap, torch.stack([r.gap for r in records]).mean())
    assert records[0].loss != records[1].loss


def test_only_wgan_gp_looks_at_u() -> None:
    teacher, student, u = batch(0)
    for objective in OBJECTIVES:
        first, second = make(objective=objective), make(objective=objective)
        first.critic_step(teacher, student, u)
        second.critic_step(teacher, student, 1 - u)
        same = torch.equal(first.state()["parameters"], second.state()["parameters"])
        assert same == (objective != "wgan-gp")


def test_state_continues_bit_for_bit() -> None:
    straight = make(dtype=torch.float32)
    for seed in range(3):
        straight.critic_step(*batch(seed, dtype=torch.float32))
    stopped = make("7-3", dtype=torch.float32)
    state = straight.state()
    straight.critic_step(*batch(3, dtype=torch.float32))
    stopped.load_state(state)
    stopped.critic_step(*batch(3, dtype=torch.float32))
    assert all(torch.equal(stopped.state()[name], tensor) for name, tensor in straight.state().items())
    assert not torch.equal(state["parameters"], straight.state()["parameters"])


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


def test_a_flat_critic_has_the_whole_penalty_and_a_finite_step() -> None:
    discriminator = make(dtype=torch.float32)
    flat = {name: torch.zeros_like(tensor) for name, tensor in discriminator.state().items()}
    discriminator.load_state(flat)
    record = discriminator.critic_step(*batch(0, dtype=torch.float32))
    assert record.loss.item() == pytest.approx(10.0)
    assert torch.equal(discriminator.state()["parameters"], flat["parameters"])


def test_starts_as_linear_layers_do() -> None:
    discriminator = make("64-16", classes=10, dtype=torch.float32)
    for layer, num_in in enumerate((10, 64, 16)):
        matrix = discriminator.layers.matrices[layer]
        assert matrix.shape[0] == num_in + 1
        assert matrix.abs().max() <= num_in**-0.5
        assert matrix.abs().max() > 0.8 * num_in**-0.5
        assert matrix.min() < 0 < matrix.max()
    assert torch.equal(make("7-3").state()["parameters"], make("7-3").state()["parameters"])


@pytest.mark.parametrize(("hidden", "count"), [("256-64", 19_329), ("32", 385), ("8-4-2", 137)])
def test_number_of_parameters(hidden: str, count: int) -> None:
    assert make(hidden, classes=10).num_parameters == count


def test_leaky_slope_below_zero() -> None:
    discriminator = make("1", classes=2)
    parameters = torch.tensor([1.0, 0.0, 0.0, 2.0, 0.5], dtype=torch.float64)  # D(x) = 2 leaky(x_0) + 0.5
    discriminator.load_state({**discriminator.state(), "parameters": parameters})
    z = torch.tensor([[3.0, -3.0], [-3.0, 3.0]], dtype=torch.float64)
    expected = 2 * leaky_relu(z[:, 0], 0.2) + 0.5
    torch.testing.assert_close(discriminator.values(z), expected)
    assert discriminator.values(z).tolist() == pytest.approx([6.5, -0.7])
