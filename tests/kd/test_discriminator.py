"""The written-out critic against autograd's double backward, NumPy and torch's Adam, in float64."""

import numpy as np
import pytest
import torch
from reference_critic import HIDDEN, OBJECTIVES, batch, make, parameters_of, reference_loss, reference_net
from torch.nn.functional import leaky_relu

from aikd_tune.spec.fields import AdversarialTerm


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
