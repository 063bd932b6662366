"""A recorded trajectory: a change of it is a change of the numerics, to be made on purpose and with a higher NUMERICS.

Record anew: python tests/kd/test_golden_trajectory.py
"""

import json
from pathlib import Path
from typing import Any

import pytest
from small_trials import rows_of, setting, students

RECORDED = Path(__file__).parent / "golden_trajectory.json"
COLUMNS = (
    "loss",
    "loss_ce",
    "loss_teacher",
    "loss_previous",
    "loss_adversarial",
    "loss_discriminator",
    "critic_gap",
    "grad_norm",
    "val_nll",
)
CASES: dict[str, Any] = {
    "wgan-gp": setting(),
    "bce": setting({"adversarial": {"objective": "bce", "lr": 1e-3, "hidden": "16"}, "previous": {"source": "table"}}),
    "hinge": setting({"adversarial": {"objective": "hinge", "lr": 1e-3, "hidden": "16-8"}, "ce": "complement"}),
}


def trajectory(name: str) -> dict[str, list[float | None]]:
    rows = students(rows_of(CASES[name], seed=3))
    return {column: [row[column] for row in rows] for column in COLUMNS}


@pytest.mark.parametrize("name", CASES)
def test_losses_follow_the_recorded_trajectory(name: str) -> None:
    """Within 0.2 %: processors round differently, and the difference grows from step to step."""
    recorded, found = json.loads(RECORDED.read_text())[name], trajectory(name)
    for column in COLUMNS:
        for expected, value in zip(recorded[column], found[column], strict=True):
            assert value == (None if expected is None else pytest.approx(expected, rel=2e-3, abs=1e-5)), column
    assert trajectory(name) == found  # the same process repeats it to the bit


if __name__ == "__main__":
    RECORDED.write_text(json.dumps({name: trajectory(name) for name in CASES}, indent=1) + "\n")
