import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aikd_tune.report.intervals import Estimate, estimate, paired_difference

VALUES = st.lists(st.floats(-100, 100).map(lambda value: round(value, 3)), min_size=2, max_size=12).filter(
    lambda values: np.std(values) > 1e-3
)


@given(VALUES)
def test_estimate_is_the_one_sample_t_interval(values: list[float]) -> None:
    found = estimate(values)
    reference = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.n == len(values)
    assert found.mean == pytest.approx(sum(values) / len(values), abs=1e-9)
    assert found.sd == pytest.approx(np.std(values, ddof=1), rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(reference), rel=1e-9, abs=1e-9)


@given(VALUES)
def test_paired_difference_is_the_paired_t_interval(values: list[float]) -> None:
    rng = np.random.default_rng(len(values))
    others = list(np.asarray(values) + rng.normal(1, 0.5, len(values)))
    found = paired_difference(dict(enumerate(values)), dict(enumerate(others)))
    reference = stats.ttest_rel(values, others).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(reference), rel=1e-7, abs=1e-9)
    assert found.excludes_zero == (stats.ttest_rel(values, others).pvalue < 0.05)


def test_pairs_are_made_by_seed_not_by_place() -> None:
    found = paired_difference({3: 10.0, 1: 1.0, 9: 50.0}, {1: 0.0, 2: 7.0, 3: 7.0})
    assert (found.n, found.mean) == (2, 2.0)


def test_too_few_values_have_no_interval() -> None:
    assert estimate([]) == Estimate(0, None)
    assert estimate([2.5]) == Estimate(1, 2.5)
    assert estimate([2.5]).half_width is None
    assert not estimate([2.5]).excludes_zero


def test_equal_values_have_no_interval() -> None:
    # 6.5 - 6.3 and 5.5 - 5.3 differ in the last bits: without a tolerance the interval would be tiny and exclude zero.
    found = paired_difference({1: 6.5, 2: 5.5}, {1: 6.3, 2: 5.3})
    assert found.sd == 0
    assert found.low is None
    assert not found.excludes_zero


def test_an_interval_that_ends_at_zero_does_not_exclude_it() -> None:
    assert not Estimate(2, 1.0, 1.0, 0.0, 2.0).excludes_zero
    assert Estimate(2, 1.0, 1.0, 1e-9, 2.0).excludes_zero
    assert Estimate(2, -1.0, 1.0, -2.0, -1e-9).excludes_zero


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="every value must be finite"):
        estimate([1.0, value])
