"""Learning rates against torch.optim.lr_scheduler and against the published recipes, epoch by epoch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aikd_tune.kd.schedule import learning_rates
from aikd_tune.spec.fields import Train

PS_KD = Train(epochs=300, lr=0.1, lr_schedule="step", lr_milestones="150-225")
CS_KD = Train(epochs=200, lr=0.1, lr_schedule="step", lr_milestones="101-151")
TF_KD = Train(epochs=200, lr=0.1, lr_schedule="step", lr_milestones="60-120-160", lr_factor=0.2, lr_warmup_epochs=1)


def by_epoch(train: Train) -> list[float]:
    """The rate of every epoch's last step."""
    return [learning_rates(train, epoch, 3)[-1] for epoch in range(1, train.epochs + 1)]


def of_torch(make: type[torch.optim.lr_scheduler.LRScheduler], train: Train, **arguments: object) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=train.lr)
    scheduler = make(optimizer, **arguments)
    rates = []
    for _ in range(train.epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_cosine_is_that_of_torch() -> None:
    train = Train(epochs=30, lr=0.2)
    expected = of_torch(torch.optim.lr_scheduler.CosineAnnealingLR, train, T_max=30)
    assert by_epoch(train) == pytest.approx(expected, rel=1e-9)


def test_cosine_starts_at_lr_and_would_be_zero_after_the_last_epoch() -> None:
    train = Train(epochs=4, lr=0.2)
    rates = [learning_rates(train, epoch, 1)[0] for epoch in (1, 2, 3, 4, 5)]
    assert rates == pytest.approx([0.2, 0.1 + 0.1 / 2**0.5, 0.1, 0.1 - 0.1 / 2**0.5, 0.0])
    assert rates[0] == 0.2


def test_constant() -> None:
    assert set(by_epoch(Train(epochs=4, lr=0.2, lr_schedule="constant"))) == {0.2}


@pytest.mark.parametrize("train", [PS_KD, CS_KD, TF_KD], ids=["PS-KD", "CS-KD", "TF-KD"])
def test_step_is_that_of_torch(train: Train) -> None:
    assert train.lr_milestones is not None
    milestones = [int(epoch) for epoch in train.lr_milestones.split("-")]
    expected = of_torch(torch.optim.lr_scheduler.MultiStepLR, train, milestones=milestones, gamma=train.lr_factor)
    assert by_epoch(train) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("train", "spans"),
    [
        (PS_KD, [(1, 150, 0.1), (151, 225, 0.01), (226, 300, 0.001)]),
        (CS_KD, [(1, 101, 0.1), (102, 151, 0.01), (152, 200, 0.001)]),
        (TF_KD, [(2, 60, 0.1), (61, 120, 0.02), (121, 160, 0.004), (161, 200, 0.0008)]),
    ],
    ids=["PS-KD", "CS-KD", "TF-KD"],
)
def test_published_recipes_epoch_by_epoch(train: Train, spans: list[tuple[int, int, float]]) -> None:
    for first, last, rate in spans:
        for epoch in range(first, last + 1):
            assert learning_rates(train, epoch, 4) == pytest.approx([rate] * 4, rel=1e-12), epoch
    assert spans[-1][1] == train.epochs


def test_tf_kd_s_first_epoch_rises_step_by_step_to_its_rate() -> None:
    num_steps = 391  # 50,000 images in batches of 128
    rates = learning_rates(TF_KD, 1, num_steps)
    assert rates == pytest.approx([0.1 * (step + 1) / num_steps for step in range(num_steps)], rel=1e-12)
    assert rates[-1] == pytest.approx(0.1)
    assert learning_rates(TF_KD, 2, num_steps) == [0.1] * num_steps


def test_a_warm_up_rises_towards_where_the_schedule_is() -> None:
    train = Train(epochs=4, lr=0.8, lr_warmup_epochs=2)
    second = 0.4 + 0.4 / 2**0.5  # the cosine's
    assert learning_rates(train, 1, 2) == pytest.approx([0.8 / 4, 0.8 * 2 / 4])
    assert learning_rates(train, 2, 2) == pytest.approx([second * 3 / 4, second])
    assert learning_rates(train, 3, 2) == pytest.approx([0.4, 0.4])


@given(st.integers(1, 6), st.integers(1, 7), st.sampled_from(["constant", "cosine"]), st.integers(0, 8))
def test_one_rate_a_step_positive_and_never_above_the_schedule(
    epochs: int, num_steps: int, schedule: str, warmup: int
) -> None:
    fields = {"epochs": epochs, "lr": 0.3, "lr_schedule": schedule}
    plain = Train.model_validate(fields)
    train = Train.model_validate({**fields, "lr_warmup_epochs": warmup})
    for epoch in range(1, epochs + 1):
        (rate,) = set(learning_rates(plain, epoch, num_steps))
        rates = learning_rates(train, epoch, num_steps)
        assert len(rates) == num_steps
        assert rates == sorted(rates)
        assert all(0 < value <= rate * (1 + 1e-12) for value in rates)
        if epoch > warmup:
            assert rates == [rate] * num_steps
