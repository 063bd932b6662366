import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikd_tune.run.rungs import Rungs
from aikd_tune.spec import EarlyStopping, rung_epochs

ASHA = EarlyStopping(name="asha", min_epochs=1, reduction=3)


def reference_keep(recorded: list[float], value: float, reduction: int) -> bool:
    """Successive halving, transcribed: of all values of the rung, this one included, the best n // reduction stay."""
    everyone = sorted([*recorded, value])
    allowed = max(1, len(everyone) // reduction)
    return value < everyone[allowed - 1] or everyone.index(value) < allowed


@pytest.mark.parametrize(
    ("min_epochs", "reduction", "epochs", "expected"),
    [(10, 3, 30, (10,)), (10, 3, 31, (10, 30)), (1, 3, 27, (1, 3, 9)), (30, 3, 30, ()), (5, 2, 41, (5, 10, 20, 40))],
)
def test_rungs_lie_below_the_last_epoch(
    min_epochs: int, reduction: int, epochs: int, expected: tuple[int, ...]
) -> None:
    assert rung_epochs(EarlyStopping(name="asha", min_epochs=min_epochs, reduction=reduction), epochs) == expected


def test_without_early_stopping_there_are_no_rungs_but_a_diverged_trial_stops() -> None:
    rungs = Rungs(EarlyStopping(name="none"), 30)
    assert rungs.levels == ()
    assert rungs.keep(0, 10, 99.0)
    assert not rungs.keep(0, 11, math.nan)
    assert not rungs.keep(0, 11, math.inf)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60), st.integers(2, 5))
def test_keeps_what_the_transcription_keeps(values: list[float], reduction: int) -> None:
    rungs = Rungs(EarlyStopping(name="asha", min_epochs=1, reduction=reduction), 2)
    recorded: list[float] = []
    for setting, value in enumerate(values):
        assert rungs.keep(setting, 1, value) == reference_keep(recorded, value, reduction)
        recorded.append(value)


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from([1, 3, 9]), st.floats(0, 9)), max_size=80), st.data())
def test_a_rebuild_decides_as_an_undisturbed_run(rows: list[tuple[int, int, float]], data: st.DataObject) -> None:
    undisturbed = Rungs(ASHA, 27)
    decisions = [undisturbed.keep(*row) for row in rows]
    cut = data.draw(st.integers(0, len(rows)))
    rebuilt = Rungs(ASHA, 27)
    rebuilt.replay(rows[:cut])
    assert [rebuilt.keep(*row) for row in rows[cut:]] == decisions[cut:]


def test_a_retried_trial_is_counted_once_and_gets_its_first_answer() -> None:
    rungs = Rungs(ASHA, 27)
    assert rungs.keep(0, 1, 5.0)
    assert rungs.keep(1, 1, 4.0)
    assert not rungs.keep(2, 1, 9.0)
    assert not rungs.keep(2, 1, 9.0)
    assert rungs.keep(0, 1, 5.0)  # first answer, though it would now be the second of three


def test_a_third_goes_on() -> None:
    rungs = Rungs(ASHA, 3)
    generator = random.Random(0)
    kept = sum(rungs.keep(setting, 1, generator.random()) for setting in range(900))
    assert 280 < kept < 420  # a third, and the few that were good enough when they came
