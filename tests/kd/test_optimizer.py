"""The flat optimisers against those of torch.optim, step by step."""

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from aikd_tune.kd.device import to_device
from aikd_tune.kd.optimizer import FlatOptimizer, make_optimizer
from aikd_tune.spec.fields import Train

NUM_STEPS = 20
RECIPES: list[dict[str, Any]] = [
    {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4},
    {"optimizer": "sgd", "momentum": 0.9, "nesterov": False, "weight_decay": 5e-2},
    {"optimizer": "sgd", "momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
    {"optimizer": "adam", "weight_decay": 0.0},
    {"optimizer": "adam", "beta1": 0.5, "beta2": 0.9, "weight_decay": 5e-2},
    {"optimizer": "adamw", "weight_decay": 0.0},
    {"optimizer": "adamw", "beta1": 0.8, "beta2": 0.95, "weight_decay": 5e-1},
]
every_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: "-".join(map(str, recipe.values())))


def network() -> nn.Module:
    """No bias before batch norm: its gradient would be rounding alone, whose sign Adam would follow."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(27, 4))
    return to_device(layers, "cpu")


def images() -> list[Tensor]:
    draws = torch.Generator().manual_seed(1)
    return [torch.randn(8, 2, 5, 5, generator=draws) for _ in range(NUM_STEPS)]


def rate(step: int) -> float:
    return 0.01 / (1 + step)


def loss_of(model: nn.Module, batch: Tensor) -> Tensor:
    loss: Tensor = (model(batch) - 1.0).square().mean()
    return loss


def train(model: nn.Module, optimizer: FlatOptimizer, batches: list[Tensor], greatest: float | None = None) -> None:
    for step, batch in enumerate(batches):
        optimizer.clear_gradient()
        loss_of(model, batch).backward()
        if greatest is not None:
            optimizer.clip(optimizer.gradient_norm(), greatest)
        optimizer.step(rate(step))


def oracle_of(model: nn.Module, train: Train) -> torch.optim.Optimizer:
    """torch.optim's own, loop by loop; parameters of one dimension apart where they do not decay."""
    vectors = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    rest = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    resting_decay = train.weight_decay if train.weight_decay_on == "all" else 0.0
    groups: Any = [
        {"params": rest, "weight_decay": train.weight_decay},
        {"params": vectors, "weight_decay": resting_decay},
    ]
    if train.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=1.0, momentum=train.momentum, nesterov=train.nesterov, foreach=False)
    chosen = torch.optim.Adam if train.optimizer == "adam" else torch.optim.AdamW
    return chosen(groups, lr=1.0, betas=(train.beta1, train.beta2), foreach=False)


@every_recipe
@pytest.mark.parametrize("weight_decay_on", ["all", "weights"])
@pytest.mark.parametrize("greatest", [None, 0.5])
def test_every_step_is_that_of_torch(recipe: dict[str, Any], weight_decay_on: str, greatest: float | None) -> None:
    fields = Train.model_validate({**recipe, "weight_decay_on": weight_decay_on})
    mine, theirs = network(), network()
    flat, oracle = make_optimizer(mine, fields), oracle_of(theirs, fields)
    for step, batch in enumerate(images()):
        for group in oracle.param_groups:
            group["lr"] = rate(step)
        flat.clear_gradient()
        loss_of(mine, batch).backward()
        oracle.zero_grad()
        loss_of(theirs, batch).backward()
        norm = nn.utils.get_total_norm(
            [parameter.grad for parameter in theirs.parameters() if parameter.grad is not None]
        )
        torch.testing.assert_close(flat.gradient_norm(), norm)
        if greatest is not None:
            flat.clip(flat.gradient_norm(), greatest)
            nn.utils.clip_grad_norm_(theirs.parameters(), greatest)
        flat.step(rate(step))
        oracle.step()
        for left, right in zip(mine.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(left, right, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if recipe["weight_decay"]])
def test_without_a_gradient_only_what_decays_moves(recipe: dict[str, Any]) -> None:
    moved = {}
    for name in ("all", "weights"):
        model = network()
        for parameter in model.parameters():
            nn.init.ones_(parameter)
        make_optimizer(model, Train.model_validate({**recipe, "weight_decay_on": name})).step(0.1)
        moved[name] = [bool((parameter < 1.0).all()) for parameter in model.parameters()]
        assert all((parameter == 1.0).all() for parameter in model.parameters() if not (parameter < 1.0).all())
    assert moved["all"] == [True] * 5
    assert moved["weights"] == [True, False, False, True, False]  # of the convolution and of the linear layer


@pytest.mark.parametrize("greatest", [1e-3, 1.0, 1e3])
def test_clipping_is_that_of_torch(greatest: float) -> None:
    model = network()
    optimizer = make_optimizer(model, Train())
    loss_of(model, images()[0]).backward()
    copies = [nn.Parameter(parameter.detach().clone()) for parameter in model.parameters()]
    for copy, parameter in zip(copies, model.parameters(), strict=True):
        assert parameter.grad is not None
        copy.grad = parameter.grad.clone()
    before = optimizer.gradient.clone()
    norm = optimizer.gradient_norm()
    torch.testing.assert_close(norm, nn.utils.clip_grad_norm_(copies, greatest))
    optimizer.clip(norm, greatest)
    for copy, parameter in zip(copies, model.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, copy.grad, rtol=1e-6, atol=0)
    assert torch.equal(optimizer.gradient, before) == (float(norm) <= greatest)
    assert float(optimizer.gradient_norm()) <= greatest


@every_recipe
@pytest.mark.parametrize("weight_decay_on", ["all", "weights"])
def test_the_space_between_layers_stays_zero(recipe: dict[str, Any], weight_decay_on: str) -> None:
    model = network()
    optimizer = make_optimizer(model, Train.model_validate({**recipe, "weight_decay_on": weight_decay_on}))
    train(model, optimizer, images()[:5], 0.5)
    tensors = [optimizer._parameters, optimizer.gradient, *optimizer._memory().values()]
    layers = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert sum(layer.numel() for layer in layers) < optimizer.gradient.numel()
    start = optimizer.gradient.data_ptr()
    for tensor in tensors:
        if tensor.ndim == 0:
            continue
        rest = tensor.clone()
        for layer in layers:
            first = (layer.data_ptr() - start) // layer.element_size()
            rest[first : first + layer.numel()] = 0.0
        assert not rest.any()


@pytest.mark.parametrize("weight_decay_on", ["all", "weights"])
def test_weights_and_their_layout_are_kept(weight_decay_on: str) -> None:
    before, after = network(), network()
    make_optimizer(after, Train.model_validate({"weight_decay_on": weight_decay_on}))
    for left, right in zip(before.parameters(), after.parameters(), strict=True):
        assert torch.equal(left, right)
        assert left.stride() == right.stride()
    assert torch.equal(before(images()[0]), after(images()[0]))


def test_a_network_of_vectors_alone_need_not_decay() -> None:
    model = nn.BatchNorm1d(3)
    optimizer = make_optimizer(model, Train(optimizer="adamw", weight_decay=0.5, weight_decay_on="weights"))
    model(torch.arange(6.0).view(2, 3)).square().sum().backward()
    optimizer.gradient.zero_()
    optimizer.step(0.1)
    assert model.weight.tolist() == [1.0, 1.0, 1.0]


@every_recipe
def test_frozen_parameters_are_left_alone(recipe: dict[str, Any]) -> None:
    model = network()
    model[0].weight.requires_grad_(False)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    train(model, make_optimizer(model, Train.model_validate(recipe)), images()[:2])
    same = [torch.equal(left, right) for left, right in zip(before, model.parameters(), strict=True)]
    assert same == [True, False, False, False, False]


def saved_and_loaded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: dict[str, Tensor] = torch.load(file, weights_only=True)
    return loaded


@every_recipe
@pytest.mark.parametrize("through", [dict, saved_and_loaded])
def test_loading_a_state_goes_on_as_if_never_stopped(
    recipe: dict[str, Any], through: Callable[[dict[str, Tensor]], dict[str, Tensor]]
) -> None:
    fields = Train.model_validate({**recipe, "weight_decay_on": "weights"})
    whole, first, second = network(), network(), network()
    optimizers = [make_optimizer(model, fields) for model in (whole, first, second)]
    batches = images()[:6]
    train(whole, optimizers[0], batches[:3])
    train(first, optimizers[1], batches[:3])
    state = through(optimizers[1].state())
    second.load_state_dict({name: tensor.clone() for name, tensor in first.state_dict().items()})
    train(first, optimizers[1], batches[3:])  # the state given is a copy
    optimizers[2].load_state(state)
    train(whole, optimizers[0], batches[3:])
    train(second, optimizers[2], batches[3:])
    for model in (first, second):
        assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), model.parameters(), strict=True))


def test_a_parameter_that_is_a_slice_of_something_larger_keeps_its_numbers() -> None:
    class Sliced(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.part = nn.Parameter(torch.randn(6, 40)[:, :10])
            self.repeated = nn.Parameter(torch.randn(1, 5).expand(4, 5))
            self.last = nn.Linear(10, 3)

    network = Sliced()
    before = [parameter.detach().clone() for parameter in network.parameters()]
    make_optimizer(network, Train())
    for parameter, expected in zip(network.parameters(), before, strict=True):
        assert torch.equal(parameter, expected)
