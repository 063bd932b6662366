"""Options that change only the arithmetic: an epoch with each agrees with float32, channels last, not compiled.

Rates are tiny, so that the losses tell the rounding of two epochs and not what training makes of it.
"""

import shutil
from typing import Any

import pytest
import torch
from small_trials import setting, trial

TOLERANCES = {  # relative: of every loss in each of two epochs; the gradient's norm may differ ten times as much
    "contiguous": ({"channels_last": False}, 1e-5),
    "bf16": ({"precision": "bf16"}, 1e-2),
    "fp16": ({"precision": "fp16"}, 1e-2),
}
LOSSES = ("loss", "loss_ce", "loss_teacher", "val_nll")


def rows(**train: Any) -> list[dict[str, Any]]:
    chosen = setting(train={"epochs": 2, "lr": 1e-5, **train}, teacher={"epochs": 2})
    network = chosen.model.model_copy(update={"name": "resnet18_cifar", "width": 4})
    return trial(chosen.model_copy(update={"model": network})).advance()


@pytest.fixture(scope="module")
def usual() -> list[dict[str, Any]]:
    return rows()


def agree(others: list[dict[str, Any]], usual: list[dict[str, Any]], tolerance: float) -> None:
    for row, expected in zip(others, usual, strict=True):
        assert row["grad_norm"] == pytest.approx(expected["grad_norm"], rel=10 * tolerance)
        for name in LOSSES:
            assert row[name] == (None if expected[name] is None else pytest.approx(expected[name], rel=tolerance)), name


@pytest.mark.parametrize(("train", "tolerance"), TOLERANCES.values(), ids=TOLERANCES)
def test_an_epoch_agrees(train: dict[str, Any], tolerance: float, usual: list[dict[str, Any]]) -> None:
    others = rows(**train)
    agree(others, usual, tolerance)
    assert [row["loss"] for row in others] != [row["loss"] for row in usual]  # the option did something


@pytest.mark.slow
def test_a_compiled_epoch_agrees(usual: list[dict[str, Any]]) -> None:
    if shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler on a CPU")
    agree(rows(compile=True), usual, 1e-5)


@pytest.mark.slow
def test_a_compiled_trial_does_not_depend_on_what_was_compiled_before() -> None:
    if shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler on a CPU")

    def losses(batch_size: int) -> list[float]:
        chosen = setting({"method": "ce"}, {"epochs": 1, "compile": True, "batch_size": batch_size})
        return [row["loss"] for row in trial(chosen).advance()]

    torch._dynamo.reset()
    alone = losses(32)
    torch._dynamo.reset()
    losses(48)
    assert losses(32) == alone
