import math
from typing import Any

import pytest

from aikd_tune.kd.ramps import Weights, weights_in_force
from aikd_tune.spec.fields import Distill


def distill(**fields: Any) -> Distill:
    return Distill.model_validate(fields)


@pytest.mark.parametrize(
    ("ramp", "expected"),
    [
        ("constant", [0.0, 0.8, 0.8, 0.8]),
        ("linear", [0.0, 0.4, 0.6, 0.8]),
        ("cosine", [0.0, 0.4, 0.4 + 0.4 / math.sqrt(2), 0.8]),
    ],
)
def test_previous_ramps_and_is_off_in_epoch_1(ramp: str, expected: list[float]) -> None:
    fields = distill(previous={"weight": 0.8, "ramp": ramp})
    assert [weights_in_force(fields, epoch, 4).previous for epoch in (1, 2, 3, 4)] == pytest.approx(expected)


def test_a_single_epoch_has_no_previous() -> None:
    assert weights_in_force(distill(), 1, 1).previous == 0.0


def test_adversarial_is_off_through_its_warm_up() -> None:
    fields = distill(adversarial={"weight": 0.05, "warmup_epochs": 2})
    assert [weights_in_force(fields, epoch, 4).adversarial for epoch in (1, 2, 3, 4)] == [0.0, 0.0, 0.05, 0.05]
    assert weights_in_force(distill(adversarial={"weight": 0.05}), 1, 4).adversarial == 0.05


def test_complement_is_what_the_other_terms_leave_and_1_where_no_previous_exists() -> None:
    fields = distill(ce="complement", teacher={"weight": 0.2}, previous={"weight": 0.4, "ramp": "linear"})
    assert [weights_in_force(fields, epoch, 4).ce for epoch in (1, 2, 3, 4)] == pytest.approx([1.0, 0.6, 0.5, 0.4])


def test_complement_of_ps_kd() -> None:
    fields = distill(
        ce="complement",
        teacher={"weight": 0.0},
        previous={"weight": 0.8, "source": "table"},
        adversarial={"weight": 0.0},
    )
    assert weights_in_force(fields, 1, 10) == Weights(ce=1.0, teacher=0.0, previous=0.0, adversarial=0.0)
    alpha = 0.8 * 3 / 10
    assert weights_in_force(fields, 3, 10) == Weights(
        ce=pytest.approx(1 - alpha), teacher=0.0, previous=pytest.approx(alpha), adversarial=0.0
    )


def test_defaults_of_the_method() -> None:
    assert weights_in_force(distill(), 30, 30) == Weights(ce=1.0, teacher=0.3, previous=0.3, adversarial=0.01)


@pytest.mark.parametrize("method", ["ce", "label_smoothing"])
def test_other_methods_are_cross_entropy_alone(method: str) -> None:
    assert weights_in_force(distill(method=method, ce=0.5), 3, 4) == Weights(1.0, 0.0, 0.0, 0.0)
