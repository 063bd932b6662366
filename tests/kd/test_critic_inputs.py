"""What the critic sees, for every kind of input and every objective, against SciPy and autograd in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from reference_critic import OBJECTIVES, parameters_of, reference_loss, reference_net
from scipy.special import log_softmax, softmax
from torch import Tensor
from torch.nn.functional import softplus

from aikd_tune.kd.critic_inputs import critic_input, num_inputs
from aikd_tune.kd.discriminator import Discriminator
from aikd_tune.kd.randomness import generator
from aikd_tune.spec.fields import AdversarialTerm

INPUTS = ["logits", "log_probabilities", "probabilities", "features"]
NUM_CLASSES, NUM_FEATURES = 5, 9


def term(**fields: Any) -> AdversarialTerm:
    return AdversarialTerm.model_validate({"lr": 1e-2, "hidden": "7-3", "temperature": 2.5, **fields})


def critic(chosen: AdversarialTerm) -> Discriminator:
    width = num_inputs(chosen, NUM_CLASSES, NUM_FEATURES)
    return Discriminator(width, chosen, generator(0, "critic-init"), dtype=torch.float64)


def outputs(seed: int, size: int = 6) -> tuple[Tensor, Tensor]:
    """Logits, and features as a ReLU leaves them, of float64."""
    draws = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(size, NUM_CLASSES, generator=draws, dtype=torch.float64)
    return logits, torch.randn(size, NUM_FEATURES, generator=draws, dtype=torch.float64).relu() + 0.1


def by_hand(chosen: AdversarialTerm, logits: Tensor, features: Tensor) -> Tensor:
    """The critic's input written otherwise, centring included."""
    if chosen.input == "features":
        return features
    if chosen.input == "logits":
        return logits - logits.mean(dim=1, keepdim=True)
    weights = (logits / chosen.temperature).exp()
    shares = weights / weights.sum(dim=1, keepdim=True)
    return shares if chosen.input == "probabilities" else shares.log()


def u_of(size: int) -> Tensor:
    return torch.rand(size, 1, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


def test_values_are_scipy_s() -> None:
    logits, features = outputs(0)
    z = logits.numpy()
    expected = {
        "logits": z,
        "features": features.numpy(),
        "probabilities": softmax(z / 2.5, axis=1),
        "log_probabilities": log_softmax(z / 2.5, axis=1),
    }
    for kind in INPUTS:
        found = critic_input(term(input=kind), logits, features)
        np.testing.assert_allclose(found.numpy(), expected[kind], rtol=1e-12)


@pytest.mark.parametrize("kind", INPUTS)
def test_width_and_what_is_asked_for(kind: str) -> None:
    chosen = term(input=kind)
    logits, features = outputs(0)
    assert num_inputs(chosen, NUM_CLASSES, NUM_FEATURES) == critic_input(chosen, logits, features).shape[1]
    if kind != "features":
        assert num_inputs(chosen, NUM_CLASSES, 0) == NUM_CLASSES
        assert torch.equal(critic_input(chosen, logits, None), critic_input(chosen, logits, features))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("kind", INPUTS)
def test_student_s_gradient_flows_into_logits_or_features(kind: str, objective: str) -> None:
    chosen = term(input=kind, objective=objective)
    discriminator = critic(chosen)
    net = reference_net(discriminator)
    logits, features = (tensor.requires_grad_() for tensor in outputs(1))
    loss = discriminator.student_loss(critic_input(chosen, logits, features))
    d = net(by_hand(chosen, logits, features))
    expected = softplus(-d).mean() if objective == "bce" else -d.mean()
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-14)
    found = torch.autograd.grad(0.3 * loss, (logits, features), allow_unused=True)
    reference = torch.autograd.grad(0.3 * expected, (logits, features), allow_unused=True)
    for ours, theirs in zip(found, reference, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            assert ours.abs().max() > 0
            torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-14)
    wanted = features if kind == "features" else logits

    def of_wanted(values: Tensor) -> Tensor:
        return discriminator.student_loss(critic_input(chosen, values, values))

    assert torch.autograd.gradcheck(of_wanted, wanted)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("kind", INPUTS)
def test_critic_s_updates_are_adam_s_on_autograd_s_gradients(kind: str, objective: str) -> None:
    chosen = term(input=kind, objective=objective, gradient_penalty=3.0)
    discriminator = critic(chosen)
    net = reference_net(discriminator)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2, betas=(0.5, 0.9))
    for seed in range(3):
        teacher, student = outputs(10 + seed), outputs(20 + seed)
        record = discriminator.critic_step(
            critic_input(chosen, *teacher), critic_input(chosen, *student).requires_grad_(), u_of(6)
        )
        optimizer.zero_grad()
        sides = by_hand(chosen, *teacher), by_hand(chosen, *student)
        loss, gap = reference_loss(net, chosen, *sides, u_of(6), centred=False)  # by_hand has centred what is centred
        loss.backward()
        optimizer.step()
        torch.testing.assert_close(record.loss, loss.detach(), rtol=1e-8, atol=1e-9)
        torch.testing.assert_close(record.gap, gap.detach(), rtol=1e-8, atol=1e-9)
    for ours, theirs in zip(parameters_of(discriminator), net.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-7, atol=1e-9)  # Adam magnifies rounding


@pytest.mark.parametrize("kind", INPUTS)
def test_only_logits_are_centred_unless_told_otherwise(kind: str) -> None:
    chosen = term(input=kind)
    width = num_inputs(chosen, NUM_CLASSES, NUM_FEATURES)
    inputs = critic_input(chosen, *outputs(0))
    centred = inputs - inputs.mean(dim=1, keepdim=True)

    def values(of: Tensor, **options: bool) -> Tensor:
        return Discriminator(width, chosen, generator(0, "critic-init"), dtype=torch.float64, **options).values(of)

    torch.testing.assert_close(values(inputs, centred=True), values(centred, centred=False))
    assert not torch.allclose(values(inputs, centred=True), values(inputs, centred=False))
    assert torch.equal(values(inputs), values(inputs, centred=kind == "logits"))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("kind", INPUTS)
def test_critics_of_every_input_and_objective_start_alike(kind: str, objective: str) -> None:
    """What is drawn depends on the widths alone."""
    chosen = term(input=kind, objective=objective)
    plain = Discriminator(4, term(), generator(0, "critic-init")).state()["parameters"]
    assert torch.equal(Discriminator(4, chosen, generator(0, "critic-init")).state()["parameters"], plain)


@pytest.mark.parametrize("kind", ["probabilities", "log_probabilities"])
def test_an_offset_of_the_logits_changes_no_probability(kind: str) -> None:
    chosen = term(input=kind)
    logits = outputs(0)[0].requires_grad_()
    offset = torch.arange(6.0, dtype=torch.float64)[:, None]
    torch.testing.assert_close(critic_input(chosen, logits + offset, None), critic_input(chosen, logits, None))
    critic(chosen).student_loss(critic_input(chosen, logits, None)).backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad.sum(1), torch.zeros(6, dtype=torch.float64), rtol=0, atol=1e-15)
