import pytest
import torch
from torch import nn

from aikd_tune.kd.device import to_device
from aikd_tune.kd.sgd import FlatSGD
from aikd_tune.spec.fields import Train


def network() -> nn.Module:
    torch.manual_seed(0)
    return to_device(nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(27, 4)), "cpu")


@pytest.mark.parametrize(
    ("momentum", "nesterov", "weight_decay"), [(0.9, True, 5e-4), (0.9, False, 5e-4), (0.0, False, 0.0)]
)
def test_every_step_is_that_of_torch(momentum: float, nesterov: bool, weight_decay: float) -> None:
    mine, theirs = network(), network()
    flat = FlatSGD(mine, Train(momentum=momentum, nesterov=nesterov, weight_decay=weight_decay))
    oracle = torch.optim.SGD(
        theirs.parameters(), lr=1.0, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay
    )
    for step in range(5):
        images = torch.randn(8, 2, 5, 5)
        oracle.param_groups[0]["lr"] = 0.1 / (step + 1)
        flat.clear_gradient()
        mine(images).square().mean().backward()
        oracle.zero_grad()
        theirs(images).square().mean().backward()
        norm = nn.utils.get_total_norm([parameter.grad for parameter in theirs.parameters()])
        torch.testing.assert_close(flat.gradient_norm(), norm)
        flat.step(0.1 / (step + 1))
        oracle.step()
        for left, right in zip(mine.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(left, right, rtol=1e-5, atol=1e-7)


def test_weights_and_their_layout_are_kept() -> None:
    before, after = network(), network()
    FlatSGD(after, Train())
    for left, right in zip(before.parameters(), after.parameters(), strict=True):
        assert torch.equal(left, right)
        assert left.stride() == right.stride()
    images = torch.randn(8, 2, 5, 5)
    assert torch.equal(before(images), after(images))


def test_loading_a_state_goes_on_as_if_never_stopped() -> None:
    torch.manual_seed(1)
    batches = [torch.randn(8, 2, 5, 5) for _ in range(4)]
    whole, first, second = network(), network(), network()
    optimizers = {model: FlatSGD(model, Train()) for model in (whole, first, second)}

    def train(model: nn.Module, images: torch.Tensor) -> None:
        optimizers[model].clear_gradient()
        model(images).square().mean().backward()
        optimizers[model].step(0.1)

    for images in batches:
        train(whole, images)
    for images in batches[:2]:
        train(first, images)
    second.load_state_dict(first.state_dict())
    optimizers[second].load_state(optimizers[first].state())
    for images in batches[2:]:
        train(second, images)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters(), strict=True))
