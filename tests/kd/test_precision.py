"""Half precision by its effects, and the loss scale against torch.amp.GradScaler's decisions."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from aikd_tune.kd import precision
from aikd_tune.kd.device import to_device
from aikd_tune.kd.optimizer import make_optimizer
from aikd_tune.kd.precision import LossScale, Precision, autocast
from aikd_tune.spec.fields import Train

HALVES: list[tuple[Precision, torch.dtype]] = [("bf16", torch.bfloat16), ("fp16", torch.float16)]


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(2, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 9, 4)
    )
    return to_device(layers, "cpu")


def images() -> Tensor:
    return torch.randn(16, 2, 5, 5, generator=torch.Generator().manual_seed(1))


def labels() -> Tensor:
    return torch.arange(16) % 4


def gradient_in(number_format: Precision) -> tuple[Tensor, Tensor]:
    """Logits and the flat gradient of a first step."""
    model = network()
    optimizer = make_optimizer(model, Train())
    with autocast(number_format, "cpu"):
        logits = model(images())
    nn.functional.cross_entropy(logits.float(), labels()).backward()
    return logits.detach(), optimizer.gradient


def test_fp32_is_the_plain_network() -> None:
    model = network()
    assert isinstance(autocast("fp32", "cpu"), nullcontext)
    logits, _ = gradient_in("fp32")
    assert logits.dtype == torch.float32
    assert torch.equal(logits, model(images()))


@pytest.mark.parametrize(("number_format", "dtype"), HALVES)
def test_halves_compute_in_their_number_formatand_leave_weights_and_gradients_float32(
    number_format: Precision, dtype: torch.dtype
) -> None:
    exact_logits, exact = gradient_in("fp32")
    logits, gradient = gradient_in(number_format)
    assert logits.dtype == dtype
    assert gradient.dtype == torch.float32
    assert not torch.equal(logits.float(), exact_logits)
    torch.testing.assert_close(logits.float(), exact_logits, rtol=0.05, atol=0.05)
    assert nn.functional.cosine_similarity(gradient, exact, dim=0) > 0.99


@pytest.mark.parametrize("number_format", ["bf16", "fp16"])
def test_the_next_block_sees_the_updated_weights(number_format: Precision) -> None:
    model = nn.Linear(2, 1, bias=False)
    optimizer = make_optimizer(model, Train(momentum=0.0, nesterov=False, weight_decay=0.0))
    found = []
    for _ in range(2):
        with autocast(number_format, "cpu"):
            value = model(torch.ones(1, 2))
        found.append(value.item())
        optimizer.clear_gradient()
        value.float().sum().backward()
        optimizer.step(0.25)
    assert found[1] == pytest.approx(found[0] - 0.5, abs=0.01)


def train_steps(number_format: Precision, num_steps: int) -> list[float]:
    model = network()
    optimizer = make_optimizer(model, Train())
    scale = LossScale("cpu") if number_format == "fp16" else None
    losses = []
    for _ in range(num_steps):
        with autocast(number_format, "cpu"):
            logits = model(images())
        loss = nn.functional.cross_entropy(logits.float(), labels())
        optimizer.clear_gradient()
        (loss if scale is None else scale.scale(loss)).backward()
        if scale is None or scale.unscale(optimizer.gradient):
            optimizer.step(0.05)
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("number_format", ["bf16", "fp16"])
def test_training_in_halves_follows_float32_and_repeats_to_the_bit(number_format: Precision) -> None:
    losses = train_steps(number_format, 15)
    assert losses[-1] < 0.3 * losses[0]
    assert losses == pytest.approx(train_steps("fp32", 15), rel=0.1, abs=0.05)
    assert losses == train_steps(number_format, 15)


def test_scaling_saves_gradients_below_the_least_half() -> None:
    def gradient(scale: LossScale | None) -> Tensor:
        model = nn.Linear(1, 1, bias=False)
        nn.init.ones_(model.weight)
        flat = make_optimizer(model, Train())
        with autocast("fp16", "cpu"):
            loss = model(torch.ones(1, 1)).float().sum() * 1e-9
        (loss if scale is None else scale.scale(loss)).backward()
        assert scale is None or scale.unscale(flat.gradient)
        return flat.gradient[0]

    assert gradient(None) == 0.0
    assert gradient(LossScale("cpu")).item() == pytest.approx(1e-9, rel=0.01)


def script() -> list[float]:
    """Gradients that overflow at the start, in between and just before the scale would grow after 20 steps."""
    found = [float("inf"), float("nan")] + [1.0] * 3 + [float("-inf")]
    return found + [1.0] * 19 + [float("inf")] + [1.0] * 20 + [2.0] * 20 + [float("nan")] * 3 + [1.0] * 5


def test_decisions_are_those_of_torch_s_scaler(monkeypatch: pytest.MonkeyPatch) -> None:
    assert torch.amp.GradScaler("cpu").get_growth_interval() == precision._GROWTH_STEPS
    monkeypatch.setattr(precision, "_GROWTH_STEPS", 20)
    mine, theirs = LossScale("cpu"), torch.amp.GradScaler("cpu", growth_interval=20)
    weight = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    theirs.scale(torch.zeros(()))  # makes its scale
    scales = set()
    for number, gradient in enumerate(script()):
        scaled = mine.scale(torch.tensor(gradient))
        assert torch.equal(scaled, theirs.scale(torch.tensor(gradient))) or gradient != gradient
        flat = scaled.repeat(2)
        weight.grad = scaled.clone()[None]
        before = weight.item()
        theirs.unscale_(optimizer)
        finite = mine.unscale(flat)
        assert finite == (abs(gradient) < float("inf"))
        if finite:
            assert flat.tolist() == weight.grad.tolist() * 2 == [gradient] * 2
        theirs.step(optimizer)
        theirs.update()
        assert (weight.item() != before) == finite
        assert mine.state()["scale"].item() == theirs.get_scale(), number
        scales.add(theirs.get_scale())
    assert scales == {2.0**power for power in (11, 12, 13, 14, 15)}


def test_a_gradient_that_is_not_finite_anywhere_is_told_from_one_that_is() -> None:
    for position in (0, 77, 129):
        gradient = torch.ones(130)
        gradient[position] = torch.inf
        assert not LossScale("cpu").unscale(gradient)
    assert LossScale("cpu").unscale(torch.full((130,), 3e38))


def test_state_goes_on_as_if_never_stopped() -> None:
    gradients = [1.0] * 1999 + [torch.inf] + [1.0] * 2005
    straight, stopped = LossScale("cpu"), LossScale("cpu")
    for number, gradient in enumerate(gradients):
        straight.unscale(torch.tensor([gradient]))
        if number == 3000:
            state = straight.state()
    assert set(state) == {"scale", "num_finite"}
    stopped.load_state(state)
    for gradient in gradients[3001:]:
        stopped.unscale(torch.tensor([gradient]))
    assert straight.state() == stopped.state()
    assert straight.state()["scale"] == 2.0**16
    assert state["scale"] == 2.0**15
